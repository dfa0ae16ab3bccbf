// The kernel log. Two rings: descriptors, one per record, and text. A writer takes a sequence number and a piece of text by one atomic addition
// each, writes, and publishes the record by moving its descriptor from "reserved by n" to "record n". It waits for nobody, so NMI may log.
//
// A reader copies first and checks afterwards: the descriptor still says "record n", and the text ring has not come round. A writer that was
// held up for a whole round of the ring finds that its descriptor belongs to a later record and drops its own; the text of one
// record may then be garbled, which is why lengths and positions are never trusted.
#include "kern/log.h"
#include "arch/cpu.h"
#include "arch/earlycon.h"
#include "arch/irq.h"
#include "kern/cpu_hot.h"
#include "kern/preempt.h"
#include "kern/smp.h"
#include "kern/symbols.h"
#include "kern/upcalls.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define RECORDS 1024u
#define TEXT_SIZE (64u << 10)
#define LINE_MAX 1000		// bytes of text in a record; longer ones are cut

struct log_desc {
	u64 state ATOMIC;	// sequence number << 1 | published
	u64 pos;		// of the text, counted from the beginning of time
	u64 ns;
	u32 len;
	u8 level, facility;
};

static struct log_desc log_descs[RECORDS];
static char log_text[TEXT_SIZE];
static u64 log_head;		// ATOMIC: next sequence number
static u64 log_text_head;	// ATOMIC

static struct console *consoles;	// only grows
static int log_console_level = 7;
static u32 console_busy;	// ATOMIC: somebody prints, and will look again before leaving
static u64 console_seq;		// OWNER(who holds console_busy): next record to print
static int log_panic_cpu = -1;	// from log_panic_mode() on, only this CPU prints
static void (*log_notify)(void);

// ---- the rings ----

static NO_SANITIZE void text_copy_in(u64 pos, const char *s, u32 n)
{
	u32 at = pos % TEXT_SIZE, first = MIN(n, TEXT_SIZE - at);
	memcpy(log_text + at, s, first);
	memcpy(log_text, s + first, n - first);
}

static NO_SANITIZE void text_copy_out(char *s, u64 pos, u32 n)
{
	u32 at = pos % TEXT_SIZE, first = MIN(n, TEXT_SIZE - at);
	memcpy(s, log_text + at, first);
	memcpy(s + first, log_text, n - first);
}

static bool desc_reserve(struct log_desc *d, u64 seq)
{
	u64 old = __atomic_load_n(&d->state, __ATOMIC_RELAXED);
	do {
		if (old >> 1 > seq)
			return false;
	} while (!try_cmpxchg(&d->state, &old, seq << 1));
	return true;
}

static void log_store(u8 level, u8 facility, const char *s, u32 len)
{
	u64 seq = __atomic_fetch_add(&log_head, 1, __ATOMIC_SEQ_CST);
	u64 pos = __atomic_fetch_add(&log_text_head, len, __ATOMIC_SEQ_CST);
	struct log_desc *d = &log_descs[seq % RECORDS];
	if (!desc_reserve(d, seq))
		return;
	WRITE_ONCE(d->pos, pos);
	WRITE_ONCE(d->ns, kern_clock());
	WRITE_ONCE(d->len, len);
	WRITE_ONCE(d->level, level);
	WRITE_ONCE(d->facility, facility);
	text_copy_in(pos, s, len);
	u64 expected = seq << 1;
	(void)try_cmpxchg_release(&d->state, &expected, seq << 1 | 1);
}

enum log_state { LOG_READY, LOG_NOT_YET, LOG_LOST };

// Copies record seq. The text is not terminated; at most size bytes of it are copied, rec->len is its whole length.
static enum log_state log_fetch(u64 seq, struct log_record *rec, char *buf, size_t size)
{
	struct log_desc *d = &log_descs[seq % RECORDS];
	u64 state = load_acquire(&d->state);
	if (state != (seq << 1 | 1))
		return state >> 1 > seq ? LOG_LOST : LOG_NOT_YET;
	u64 pos = READ_ONCE(d->pos);
	u32 len = MIN(READ_ONCE(d->len), (u32)LINE_MAX);
	*rec = (struct log_record){ .seq = seq, .ns = READ_ONCE(d->ns), .level = READ_ONCE(d->level),
				    .facility = READ_ONCE(d->facility), .len = (u16)len };
	text_copy_out(buf, pos, (u32)MIN((size_t)len, size));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (READ_ONCE(d->state) != state || READ_ONCE(log_text_head) - pos > TEXT_SIZE)
		return LOG_LOST;
	return LOG_READY;
}

u64 log_next_seq(void)
{
	return __atomic_load_n(&log_head, __ATOMIC_ACQUIRE);
}

static bool record_lost(u64 seq)
{
	struct log_desc *d = &log_descs[seq % RECORDS];
	u64 state = load_acquire(&d->state);
	if (state >> 1 != seq)
		return state >> 1 > seq;
	return (state & 1) && READ_ONCE(log_text_head) - READ_ONCE(d->pos) > TEXT_SIZE;
}

u64 log_first_seq(void)
{
	u64 head = log_next_seq(), seq = head > RECORDS ? head - RECORDS : 0;
	while (seq < head && record_lost(seq))
		seq++;
	return seq;
}

int log_read(u64 *seq, struct log_record *rec, char *buf, size_t size)
{
	if (*seq >= log_next_seq())
		return 0;
	switch (log_fetch(*seq, rec, buf, size)) {
	case LOG_READY:
		(*seq)++;
		return (int)MIN((size_t)rec->len, size);
	case LOG_LOST:
		*seq = log_first_seq();
		return -EPIPE;
	default:
		return 0;
	}
}

// ---- consoles ----

static void console_emit(const char *s, size_t n)
{
	struct console *c = load_acquire(&consoles);
	if (!c)
		earlycon_write(s, n);
	for (; c; c = c->next)
		c->write(c, s, n);
}

// Each line of a record gets its own time stamp.
static void console_record(const struct log_record *rec, const char *text, size_t len)
{
	char stamp[32];
	int n = scnprintf(stamp, sizeof(stamp), "[%5llu.%06llu] ", rec->ns / 1000000000, rec->ns / 1000 % 1000000);
	do {
		const char *nl = memchr(text, '\n', len);
		size_t line = nl ? (size_t)(nl - text) : len;
		console_emit(stamp, (size_t)n);
		console_emit(text, line);
		console_emit("\n", 1);
		line += nl ? 1 : 0;
		text += line;
		len -= line;
	} while (len);
}

// Prints the next record. False: there is none that is complete.
static NOINLINE bool console_print_next(void)
{
	char text[LINE_MAX];
	struct log_record rec;
	if (console_seq >= log_next_seq())
		return false;
	switch (log_fetch(console_seq, &rec, text, sizeof(text))) {
	case LOG_NOT_YET:
		if (log_panic_cpu < 0)
			return false;
		console_seq++;	// its writer was stopped
		return true;
	case LOG_LOST:
		console_seq = MAX(log_first_seq(), console_seq + 1);
		console_emit("** log records lost **\n", 23);
		return true;
	default:
		console_seq++;
		if (rec.level < READ_ONCE(log_console_level))
			console_record(&rec, text, rec.len);
		return true;
	}
}

static bool console_has_work(void)
{
	u64 seq = __atomic_load_n(&console_seq, __ATOMIC_RELAXED);
	return seq < log_next_seq() && load_acquire(&log_descs[seq % RECORDS].state) >= (seq << 1 | 1);
}

static void console_print_all(void)
{
	// Whoever finds the flag set leaves its record to the holder, who looks again after clearing it. An incomplete
	// record is printed by its own writer, when it gets here.
	do {
		if (xchg_acquire(&console_busy, 1))
			return;
		while (console_print_next())
			;
		__atomic_store_n(&console_busy, 0, __ATOMIC_SEQ_CST);
	} while (console_has_work());
}

static void flush_work_fn(struct irq_work *w)
{
	log_flush();
	void (*fn)(void) = load_acquire(&log_notify);
	if (fn)
		fn();
}

static struct irq_work flush_work = { .fn = flush_work_fn };

void log_flush(void)
{
	int p = READ_ONCE(log_panic_cpu);
	if (p >= 0) {
		if (p == cpu_id())
			while (console_print_next())
				;
		return;
	}
	preempt_disable();
	console_print_all();
	preempt_enable();
}

// ---- writers ----

static void log_add(u8 level, u8 facility, const char *s, size_t len)
{
	while (len && s[len - 1] == '\n')
		len--;
	log_store(level, facility, s, (u32)MIN(len, (size_t)LINE_MAX));
	bool nmi = in_nmi();
	if (!nmi || READ_ONCE(log_panic_cpu) >= 0)
		log_flush();
	if ((nmi || READ_ONCE(log_notify)) && READ_ONCE(log_panic_cpu) < 0)
		irq_work_queue(&flush_work);
}

int log_vprintf(int level, const char *fmt, va_list ap)
{
	char text[LINE_MAX];
	int n = vscnprintf(text, sizeof(text), fmt, ap);
	log_add((u8)level, 0, text, (size_t)n);
	return n;
}

int log_printf(int level, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = log_vprintf(level, fmt, ap);
	va_end(ap);
	return n;
}

void log_user(int prio, const char *s, size_t n)
{
	// A program cannot pretend to be the kernel: facility 0 becomes "user" (syslog(3)).
	int facility = prio >> 3 & 0xff;
	log_add(prio & 7, (u8)(facility ? facility : 1), s, n);
}

void console_drain_all(void)
{
	for (struct console *c = load_acquire(&consoles); c; c = c->next)
		if (c->drain)
			c->drain(c);
}

void console_register(struct console *c)
{
	c->next = READ_ONCE(consoles);
	while (!try_cmpxchg(&consoles, &c->next, c))
		;
}

void console_set_level(int level)
{
	WRITE_ONCE(log_console_level, level);
}

int console_level(void)
{
	return READ_ONCE(log_console_level);
}

void log_panic_mode(void)
{
	WRITE_ONCE(log_panic_cpu, cpu_id());
	console_set_level(8);
}

void log_set_notify(void (*fn)(void))
{
	store_release(&log_notify, fn);
}

static int symbol_text(char *buf, size_t size, const void *addr)
{
	u64 off;
	const char *name = symbol_find((u64)addr, &off);
	return name ? scnprintf(buf, size, "%s+%#llx", name, off) : scnprintf(buf, size, "%#llx", (u64)addr);
}

void log_init(void)
{
	fmt_symbol = symbol_text;
}
