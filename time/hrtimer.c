// Precise timers. Each CPU has a tree per clock, ordered by the latest moment to fire, under one lock that only this CPU takes as a rule: timers are
// started on the CPU that starts them. The event timer is set to the earliest such moment; cancelling leaves it set, since an
// event that finds nothing to do is cheaper than setting the hardware each time.
//
// A timer belongs to the CPU in t->cpu, and its other fields to that CPU's lock; NO_CPU while it moves. While its callback runs it stays where it is.
#include "time/hrtimer.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/time.h"
#include "kern/cpu_hot.h"
#include "kern/panic.h"
#include "kern/smp.h"
#include "kern/spinlock.h"

#define NO_CPU 0xffff
#define QUEUED 1
#define MAX_ROUNDS_EVENT 3

struct hrtimer_base {
	struct spinlock lock;
	bool online;			// the event timer works
	bool in_event;			// hrtimer_interrupt() is at work and will set the event timer. GUARDED_BY(&lock), as all below
	struct hrtimer *running;	// whose callback is running
	ktime_t event;			// what the event timer is set to
	struct rb_root_cached tree[NR_HRTIMER_CLOCKS];
} CACHE_ALIGNED;

DEFINE_LOCK_CLASS(hrtimer_lock_class, LOCK_HARDIRQ);
STATIC_PER_CPU(struct hrtimer_base, hrtimer_base) = { .lock = SPINLOCK_INIT(&hrtimer_lock_class), .event = KTIME_MAX };

static ktime_t clock_offset(u32 clock)
{
	switch (clock) {
	case HRTIMER_REALTIME:
		return ktime_real_offset();
	case HRTIMER_BOOTTIME:
		return ktime_boot_offset();
	default:
		return 0;
	}
}

ktime_t hrtimer_clock_now(enum hrtimer_clock clock)
{
	return ktime_get() + clock_offset(clock);
}

static bool timer_before(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct hrtimer, node)->expires < rb_entry(b, struct hrtimer, node)->expires;
}

// The base that t belongs to, locked. Interrupts off.
static struct hrtimer_base *lock_base(const struct hrtimer *t) NO_LOCK_ANALYSIS
{
	for (;;) {
		u32 cpu = READ_ONCE(t->cpu);
		if (likely(cpu != NO_CPU)) {
			struct hrtimer_base *b = per_cpu_ptr(&hrtimer_base, cpu);
			spin_lock(&b->lock);
			if (likely(READ_ONCE(t->cpu) == cpu))
				return b;
			spin_unlock(&b->lock);
		}
		cpu_relax();
	}
}

static void base_enqueue(struct hrtimer_base *b, struct hrtimer *t)
{
	WRITE_ONCE(t->state, QUEUED);
	rb_add_cached(&t->node, &b->tree[t->clock], timer_before);
}

static void base_dequeue(struct hrtimer_base *b, struct hrtimer *t)
{
	rb_erase_cached(&t->node, &b->tree[t->clock]);
	WRITE_ONCE(t->state, 0);
}

// When the earliest timer must fire at the latest, on the monotonic clock.
static ktime_t base_next(const struct hrtimer_base *b)
{
	ktime_t next = KTIME_MAX;
	for (u32 c = 0; c < NR_HRTIMER_CLOCKS; c++) {
		const struct rb_node *n = rb_first_cached(&b->tree[c]);
		if (n) {
			ktime_t at = rb_entry(n, struct hrtimer, node)->expires;
			next = MIN(next, at == KTIME_MAX ? at : at - clock_offset(c));
		}
	}
	return next;
}

static void set_event(struct hrtimer_base *b, ktime_t at)
{
	if (unlikely(!b->online))
		return;
	b->event = at;
	if (at == KTIME_MAX)
		return;
	ktime_t wait = at - ktime_get();
	// One cycle more than the time rounded down: an event that comes early comes twice.
	arch_timer_set_event(cycles_now() + (wait > 0 ? clock_ns_to_cycles((u64)wait) + 1 : 0));
}

void hrtimer_setup(struct hrtimer *t, enum hrtimer_clock clock, enum hrtimer_restart (*fn)(struct hrtimer *t))
{
	*t = (struct hrtimer){ .fn = fn, .clock = (u8)clock, .cpu = (u16)cpu_id() };
	RB_CLEAR_NODE(&t->node);
}

// Moves t, which is not queued, to this CPU, unless its callback runs elsewhere. b is locked; returns the base it ends in, locked.
static struct hrtimer_base *move_here(struct hrtimer *t, struct hrtimer_base *b) NO_LOCK_ANALYSIS
{
	struct hrtimer_base *here = this_cpu_ptr(&hrtimer_base);
	if (likely(b == here) || b->running == t)
		return b;
	WRITE_ONCE(t->cpu, NO_CPU);
	spin_unlock(&b->lock);
	spin_lock(&here->lock);
	store_release(&t->cpu, (u16)cpu_id());
	return here;
}

void hrtimer_start(struct hrtimer *t, ktime_t expires, u64 slack) NO_LOCK_ANALYSIS	// lock_base()'s lock
{
	unsigned long flags = irq_save();
	struct hrtimer_base *b = lock_base(t);
	if (t->state & QUEUED)
		base_dequeue(b, t);
	b = move_here(t, b);
	expires = MAX(expires, 0);
	t->soft = expires;
	t->expires = ktime_add_safe(expires, (ktime_t)MIN(slack, (u64)KTIME_MAX));
	base_enqueue(b, t);
	// A base where an event is being handled sets the event timer at its end; so does another CPU's, which runs our callback.
	if (!b->in_event && t->expires != KTIME_MAX) {
		ktime_t at = t->expires - clock_offset(t->clock);
		if (at < b->event)
			set_event(b, at);
	}
	spin_unlock(&b->lock);
	irq_restore(flags);
}

int hrtimer_try_to_cancel(struct hrtimer *t) NO_LOCK_ANALYSIS	// lock_base()'s lock
{
	unsigned long flags = irq_save();
	struct hrtimer_base *b = lock_base(t);
	int was = b->running == t ? -1 : 0;
	if (t->state & QUEUED) {
		base_dequeue(b, t);
		was = was ? -1 : 1;
	}
	spin_unlock(&b->lock);
	irq_restore(flags);
	return was;
}

bool hrtimer_cancel(struct hrtimer *t)
{
	int r;
	while ((r = hrtimer_try_to_cancel(t)) < 0)
		cpu_relax();	// bounded: a callback is running on another CPU
	return r;
}

bool hrtimer_active(const struct hrtimer *t) NO_LOCK_ANALYSIS	// lock_base()'s lock
{
	unsigned long flags = irq_save();
	struct hrtimer_base *b = lock_base(t);
	bool active = (t->state & QUEUED) || b->running == t;
	spin_unlock(&b->lock);
	irq_restore(flags);
	return active;
}

ktime_t hrtimer_remaining(const struct hrtimer *t) NO_LOCK_ANALYSIS	// lock_base()'s lock
{
	unsigned long flags = irq_save();
	struct hrtimer_base *b = lock_base(t);
	ktime_t left = t->soft - hrtimer_clock_now(t->clock);
	spin_unlock(&b->lock);
	irq_restore(flags);
	return left;
}

u64 hrtimer_forward(struct hrtimer *t, ktime_t now, ktime_t interval)
{
	ktime_t behind = now - t->soft;
	if (behind < 0 || interval <= 0)
		return 0;
	u64 n = (u64)behind / (u64)interval + 1;
	ktime_t by;
	if (__builtin_mul_overflow((s64)n, interval, &by))
		by = KTIME_MAX;
	t->soft = ktime_add_safe(t->soft, by);
	t->expires = ktime_add_safe(t->expires, by);
	return n;
}

// ---- expiry ----

static void run_timer(struct hrtimer_base *b, struct hrtimer *t) NO_LOCK_ANALYSIS
{
	base_dequeue(b, t);
	b->running = t;
	spin_unlock(&b->lock);
	enum hrtimer_restart again = t->fn(t);
	spin_lock(&b->lock);
	// The callback, or another CPU meanwhile, may have started it. If it does not restart it may be freed from here on.
	if (again == HRTIMER_RESTART && !(t->state & QUEUED))
		base_enqueue(b, t);
	b->running = NULL;
}

static void expire_due(struct hrtimer_base *b)
{
	ktime_t mono = ktime_get();
	for (u32 c = 0; c < NR_HRTIMER_CLOCKS; c++) {
		struct rb_node *n;
		ktime_t now = mono + (rb_first_cached(&b->tree[c]) ? clock_offset(c) : 0);
		while ((n = rb_first_cached(&b->tree[c])) && rb_entry(n, struct hrtimer, node)->soft <= now)
			run_timer(b, rb_entry(n, struct hrtimer, node));
	}
}

void hrtimer_interrupt(void)
{
	struct hrtimer_base *b = this_cpu_ptr(&hrtimer_base);
	spin_lock(&b->lock);
	b->in_event = true;
	b->event = KTIME_MAX;
	ktime_t next;
	int rounds = 0;
	do {
		expire_due(b);
		next = base_next(b);
	} while (next <= ktime_get() && ++rounds < MAX_ROUNDS_EVENT);
	// Timers that expire faster than they can be handled must not stop everything else.
	if (rounds == MAX_ROUNDS_EVENT)
		next = MAX(next, ktime_get() + 100 * NSEC_PER_USEC);
	b->in_event = false;
	set_event(b, next);
	spin_unlock(&b->lock);
}

ktime_t hrtimer_next_event(void)
{
	struct hrtimer_base *b = this_cpu_ptr(&hrtimer_base);
	spin_lock(&b->lock);
	ktime_t next = base_next(b);
	spin_unlock(&b->lock);
	return next;
}

static void retrigger(void *arg)
{
	struct hrtimer_base *b = this_cpu_ptr(&hrtimer_base);
	spin_lock(&b->lock);
	if (!b->in_event)
		set_event(b, base_next(b));
	spin_unlock(&b->lock);
}

void hrtimer_clock_was_set(void)
{
	struct cpumask online = cpu_online_mask;
	smp_call_mask(&online, retrigger, NULL, true);
}

void hrtimer_cpu_online(void)
{
	arch_timer_init();
	this_cpu_ptr(&hrtimer_base)->online = true;
	retrigger(NULL);
}
