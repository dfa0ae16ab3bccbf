// kern/log.h - the kernel log: a lock-free ring of records, read by /dev/kmsg and syslog(2), written to the console.
//
// Context: any, NMI included. Records above console_loglevel are printed to the console by the task or interrupt that logs
// them when the console is free, else by whoever holds it.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"
#include <stdarg.h>

enum log_level { LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARN, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

#ifndef LOG_PREFIX
#define LOG_PREFIX ""
#endif

// Returns the length of the text.
int log_vprintf(int level, const char *fmt, va_list ap) PRINTF(2, 0);
int log_printf(int level, const char *fmt, ...) PRINTF(2, 3) COLD;
#define pr_emerg(f, ...) log_printf(LOG_EMERG, LOG_PREFIX f, ##__VA_ARGS__)
#define pr_alert(f, ...) log_printf(LOG_ALERT, LOG_PREFIX f, ##__VA_ARGS__)
#define pr_crit(f, ...) log_printf(LOG_CRIT, LOG_PREFIX f, ##__VA_ARGS__)
#define pr_err(f, ...) log_printf(LOG_ERR, LOG_PREFIX f, ##__VA_ARGS__)
#define pr_warn(f, ...) log_printf(LOG_WARN, LOG_PREFIX f, ##__VA_ARGS__)
#define pr_notice(f, ...) log_printf(LOG_NOTICE, LOG_PREFIX f, ##__VA_ARGS__)
#define pr_info(f, ...) log_printf(LOG_INFO, LOG_PREFIX f, ##__VA_ARGS__)
#ifdef CONFIG_DEBUG
#define pr_debug(f, ...) log_printf(LOG_DEBUG, LOG_PREFIX f, ##__VA_ARGS__)
#else
#define pr_debug(f, ...) ((void)0)
#endif

struct console {
	const char *name;
	void (*write)(struct console *c, const char *s, size_t n);	// any context, no locks of its own beyond a raw one
	void (*drain)(struct console *c);	// sends at once what programs have written to the same port and waits in its queue; null: no queue
	struct console *next;
};
void console_register(struct console *c);
// Sends what programs have written to the consoles' ports, without interrupts: the machine is about to end. Context: any but NMI.
void console_drain_all(void);
void console_set_level(int level);	// records below this level are printed; quiet = 4, default 7
int console_level(void);
// After a panic: consoles are written without waiting for anybody.
void log_panic_mode(void);

// Readers: *seq is the next record wanted; copies one record's text to buf. Returns its length, 0 at the end, -EPIPE when records
// were lost (*seq then is the oldest). Context: any.
struct log_record {
	u64 seq;
	u64 ns;			// time since boot
	u8 level;
	u8 facility;
	u16 len;
};
int log_read(u64 *seq, struct log_record *rec, char *buf, size_t size);
u64 log_first_seq(void);
u64 log_next_seq(void);
// fn runs in hard interrupt context soon after records were added: wakes sleeping readers. Set once.
void log_set_notify(void (*fn)(void));
// Prints what no console has seen yet. Context: any.
void log_flush(void);
void log_init(void);		// teaches %pS the symbol table
// A user's write to /dev/kmsg.
void log_user(int prio, const char *s, size_t n);
