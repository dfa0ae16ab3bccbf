// dev/tty.h - terminals: line discipline, job control, and what a line's driver supplies. docs/dev.md has the rules of locks and lifetimes.
//
// Lifetime:   a tty is counted: its driver, each open file, and each process whose controlling terminal it is hold one reference.
// Lock order: read_mutex, write_mutex, termios_mutex > lock > the driver's lock;   tasklist_lock > siglock > ctrl_lock.
//             `lock` guards the line discipline and is never held over a user copy, a signal or a sleep.
#pragma once
#include "fs/file.h"
#include "kern/ref.h"
#include "kern/spinlock.h"
#include "sched/mutex.h"
#include "sched/waitq.h"
#include <asm/termbits.h>

struct pid;
struct process;
struct tty;
struct tty_ldisc;

struct tty_size {		// as struct winsize
	u16 row, col, xpixel, ypixel;
};

// What happened to a received byte.
enum tty_rx_flag { TTY_RX_NORMAL, TTY_RX_BREAK, TTY_RX_FRAME, TTY_RX_PARITY, TTY_RX_OVERRUN };

// A line. Calls marked [lock] come with tty.lock held and may not sleep; the others are in task context with no lock but termios_mutex.
struct tty_ops {
	int (*open)(struct tty *t);			// the first opener; -EIO, -ENXIO
	void (*close)(struct tty *t);			// the last one has gone
	// Takes up to n bytes for sending, in order; returns how many. [lock]
	size_t (*write)(struct tty *t, const u8 *p, size_t n);
	size_t (*write_room)(struct tty *t);		// [lock]
	size_t (*unsent)(struct tty *t);		// bytes accepted and not yet given to the device; any context
	void (*flush_out)(struct tty *t);		// forgets them [lock]
	void (*stop)(struct tty *t, bool stopped);	// output stopped (^S, TCOOFF), or goes on [lock]
	void (*rx_resume)(struct tty *t);		// the read buffer has room again; any context, may be null
	void (*set_termios)(struct tty *t, const struct ktermios *old);	// t->termios is new; may adjust it
	void (*send_break)(struct tty *t, bool on);	// null: the line has none
	void (*send_char)(struct tty *t, u8 c);		// before everything unsent (TCIOFF, TCION)
	bool (*idle)(struct tty *t);			// the last bit has left the device
	int (*modem_get)(struct tty *t);		// TIOCM_*; null: -ENOTTY
	int (*modem_set)(struct tty *t, u32 set, u32 clear);
};

#define TTY_BUF 4096		// MAX_CANON and the size of the read buffer
#define TTY_ECHO_RESERVE 1024	// room that a driver keeps for echoes: write_room() tells programs of the rest

struct tty {
	struct ref ref ATOMIC;
	const struct tty_ops *ops SET_ONCE;
	void *driver SET_ONCE;
	dev_t dev SET_ONCE;
	char name[16] SET_ONCE;			// "ttyS0"
	u32 flags ATOMIC;			// TTY_*
	u32 hangups ATOMIC;			// grows by one with each hangup: files that were opened before are dead
	struct mutex open_mutex;
	u32 opens GUARDED_BY(&open_mutex);

	struct mutex read_mutex;		// one reader at a time
	struct mutex write_mutex;		// one writer at a time
	struct mutex termios_mutex;		// changes of termios and size
	struct ktermios termios;		// written under termios_mutex and lock, read under either
	struct ktermios initial SET_ONCE;	// after a hangup
	struct tty_size size GUARDED_BY(&termios_mutex);
	struct waitq read_wait, write_wait;

	struct spinlock lock;
	struct {				// the line discipline (tty_ldisc.c): all guarded by lock
		u8 buf[TTY_BUF];
		u64 line_end[TTY_BUF / 64];	// a bit per byte of buf: it ends a line
		u32 head, tail;			// free-running
		u32 line_start;			// canonical mode: bytes from here on can be edited
		u32 column, line_column;	// of the cursor; where the line being edited began
		bool lnext, erasing;
		bool stopped;			// by STOP or TCOOFF
		bool stopped_by_user;		// TCOOFF: only TCOON goes on
	} ld GUARDED_BY(&lock);

	struct spinlock ctrl_lock;		// interrupts off
	struct pid *session GUARDED_BY(&ctrl_lock);	// counted: whose controlling terminal this is
	struct pid *pgrp GUARDED_BY(&ctrl_lock);	// counted: foreground process group
};
#define TTY_EXCLUSIVE 0x1u
#define TTY_OTHER_CLOSED 0x2u			// a pty's other side has gone

// ---- for drivers ----
// Initialises a tty (reference 1) with the settings given. name is copied.
void tty_init(struct tty *t, const struct tty_ops *ops, void *driver, const char *name, dev_t dev, const struct ktermios *termios);
// Gives received bytes to the line discipline, up to its room; flags may be null. Returns how many it took; calls for one tty come one
// after the other. The driver keeps the rest until rx_resume(). Context: task.
size_t tty_receive(struct tty *t, const u8 *p, const u8 *flags, size_t n);
// The device has sent something: there may be room, or nothing left. Context: any, no driver lock held.
void tty_sent(struct tty *t);
// The carrier is gone, or vhangup(2). Context: task.
void tty_hangup(struct tty *t);
// Makes /dev/<name> and lets opens find the tty (takes a reference). Context: task.
MUST_CHECK int tty_register(struct tty *t);
extern const struct ktermios tty_default_termios;	// 9600 8N1, icanon, echo...
u32 tty_baud(const struct ktermios *t);			// bits per second of c_cflag / c_ospeed; 0: hang up
void tty_set_baud(struct ktermios *t, u32 baud);

// ---- the parts of tty, for each other ----
struct tty_file {		// file.private
	struct tty *tty;
	u32 hangups;		// tty->hangups at open
	bool console;		// opened as /dev/console: survives hangups
};
static inline struct tty *file_tty(const struct file *f) { return ((struct tty_file *)f->private)->tty; }
bool tty_file_dead(const struct file *f);
ssize_t ldisc_read(struct tty *t, struct file *f, struct iov_iter *to);
ssize_t ldisc_write(struct tty *t, struct file *f, struct iov_iter *from);
u32 ldisc_poll(struct tty *t, struct file *f, struct poll_table *pt);
void ldisc_termios_changed(struct tty *t, const struct ktermios *old) REQUIRES(&t->lock);
void ldisc_flush_input(struct tty *t);
u32 ldisc_input_bytes(struct tty *t);		// FIONREAD
void ldisc_stop(struct tty *t, bool stop, bool by_user) REQUIRES(&t->lock);
long tty_ioctl(struct file *f, u32 cmd, u64 arg);
// Waits until everything is sent; timeout in ns, < 0: none. 0 or -ERESTARTSYS.
MUST_CHECK int tty_drain(struct tty *t, s64 timeout);

// ---- job control (tty_jobctl.c) ----
struct tty *tty_get(struct tty *t);			// null is fine
void tty_put(struct tty *t);
struct tty *current_tty(void);				// counted, or null
// May current, of a background group, read from (SIGTTIN) or change (SIGTTOU) the terminal? 0, -EIO, or -ERESTARTSYS with the signal sent.
MUST_CHECK int tty_check_change(struct tty *t, int sig);
void tty_signal_foreground(struct tty *t, int sig);
struct pid *tty_pgrp_get(struct tty *t);		// counted or null
void tty_open_ctty(struct tty *t, const struct file *f);	// open without O_NOCTTY
long tty_ioctl_jobctl(struct tty *t, struct file *f, u32 cmd, u64 arg);	// -ENOIOCTLCMD: not one of these
void tty_hangup_session(struct tty *t);
// For fork, setsid and exit; they are below (task/) or beside us.
void process_inherit_tty(struct process *child);	// the terminal of current's process. Before the child can run
void process_drop_tty(struct process *p);		// setsid(2)
void tty_session_exit(void);				// current's process is a session leader, and dies

void tty_subsys_init(void);	// INIT, task context: numbers 5:0, 5:1, 4:64.. and their nodes
// ---- the console (console.c) ----
extern struct tty *console_tty;	// what /dev/console is; null: none
// Decides what /dev/console is. The log's output on the ports named by console= began when the parameter was read. After uart_init().
void console_init(void);
