// Timeouts: a wheel per CPU, of 8 levels with 64 buckets each. A bucket of level n is 8^n ms long, so that a timeout of any length (to 36 hours;
// longer ones go round again) is at most an eighth late, never early, and costs a list insertion. Nothing ticks: one hrtimer per wheel is set to
// the next bucket that holds something, and raises the timer softirq.
#include "time/timer.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "kern/cpu_hot.h"
#include "kern/cpumask.h"
#include "kern/panic.h"
#include "kern/softirq.h"
#include "kern/spinlock.h"
#include "time/clock.h"
#include "time/hrtimer.h"

#define LEVELS 8
#define BUCKETS 64
#define LEVEL_SHIFT(n) (3 * (n))
#define MAX_AHEAD ((u64)(BUCKETS - 1) << LEVEL_SHIFT(LEVELS - 1))
#define MOVING U32_MAX
#define NEVER U64_MAX

struct wheel {
	struct spinlock lock;
	u64 clk;		// the next millisecond to be handled. GUARDED_BY(&lock), as all below
	u64 next;		// the earliest bucket's moment, or earlier; NEVER
	struct timer *running;
	bool in_softirq;
	u64 pending[LEVELS];	// buckets that are not empty
	struct hlist_head bucket[LEVELS][BUCKETS];
	struct hrtimer event;
} CACHE_ALIGNED;

DEFINE_LOCK_CLASS(wheel_lock_class, LOCK_HARDIRQ);
STATIC_PER_CPU(struct wheel, wheel) = { .lock = SPINLOCK_INIT(&wheel_lock_class), .next = NEVER };

static u64 now_ms(void)
{
	return (u64)ktime_get() / NSEC_PER_MSEC;
}

// The earliest bucket at or after clk.
static u64 wheel_scan(const struct wheel *w)
{
	u64 next = NEVER;
	for (u32 n = 0; n < LEVELS; n++) {
		if (!w->pending[n])
			continue;
		u64 first = (w->clk + (1ull << LEVEL_SHIFT(n)) - 1) >> LEVEL_SHIFT(n);
		u32 r = first % BUCKETS;
		u64 turned = r ? w->pending[n] >> r | w->pending[n] << (BUCKETS - r) : w->pending[n];
		next = MIN(next, (first + (u64)__builtin_ctzll(turned)) << LEVEL_SHIFT(n));
	}
	return next;
}

// A wheel that had nothing to do stands still: catch up, but not past a bucket that has not been handled.
static void wheel_forward(struct wheel *w)
{
	if (!w->in_softirq)
		w->clk = MAX(w->clk, MIN(now_ms(), w->next));
}

// Puts t in its bucket. Returns the bucket's moment.
static u64 wheel_insert(struct wheel *w, struct timer *t)
{
	// While clk is being handled, its own buckets are over.
	u64 first = w->clk + w->in_softirq;
	u64 at = CLAMP(t->expires, first, w->clk + MAX_AHEAD - 1), ahead = at - w->clk;
	u32 n = 0;
	while (ahead >= (u64)(BUCKETS - 1) << LEVEL_SHIFT(n))
		n++;
	u64 slot = (at + (1ull << LEVEL_SHIFT(n)) - 1) >> LEVEL_SHIFT(n);
	u32 i = slot % BUCKETS;
	t->flags = n * BUCKETS + i;
	hlist_add_head(&t->node, &w->bucket[n][i]);
	w->pending[n] |= 1ull << i;
	return slot << LEVEL_SHIFT(n);
}

static void wheel_remove(struct wheel *w, struct timer *t)
{
	u32 n = t->flags / BUCKETS, i = t->flags % BUCKETS;
	hlist_del_init(&t->node);
	if (hlist_empty(&w->bucket[n][i]))
		w->pending[n] &= ~(1ull << i);
}

static void wheel_arm(struct wheel *w, u64 at)
{
	w->next = at;
	if (at != NEVER)
		hrtimer_start(&w->event, (ktime_t)at * NSEC_PER_MSEC, 0);
}

static struct wheel *lock_wheel(const struct timer *t) NO_LOCK_ANALYSIS
{
	for (;;) {
		u32 cpu = READ_ONCE(t->cpu);
		if (likely(cpu != MOVING)) {
			struct wheel *w = per_cpu_ptr(&wheel, cpu);
			spin_lock(&w->lock);
			if (likely(READ_ONCE(t->cpu) == cpu))
				return w;
			spin_unlock(&w->lock);
		}
		cpu_relax();
	}
}

void timer_setup(struct timer *t, void (*fn)(struct timer *t))
{
	*t = (struct timer){ .fn = fn, .cpu = (u32)cpu_id() };
	INIT_HLIST_NODE(&t->node);
}

bool timer_pending(const struct timer *t)
{
	return !hlist_unhashed_lockless(&t->node);
}

bool timer_mod(struct timer *t, u64 delay_ns) NO_LOCK_ANALYSIS	// lock_wheel()'s lock
{
	unsigned long flags = irq_save();
	struct wheel *w = lock_wheel(t), *here = this_cpu_ptr(&wheel);
	bool was = timer_pending(t);
	if (was)
		wheel_remove(w, t);
	if (w != here && w->running != t) {
		WRITE_ONCE(t->cpu, MOVING);
		spin_unlock(&w->lock);
		w = here;
		spin_lock(&w->lock);
		store_release(&t->cpu, (u32)cpu_id());
	}
	wheel_forward(w);
	u64 end = (u64)ktime_add_safe(ktime_get(), (ktime_t)MIN(delay_ns, (u64)KTIME_MAX));
	t->expires = DIV_ROUND_UP(end, (u64)NSEC_PER_MSEC);
	u64 at = wheel_insert(w, t);
	if (at < w->next && !w->in_softirq)
		wheel_arm(w, at);
	spin_unlock(&w->lock);
	irq_restore(flags);
	return was;
}

// 1: was pending; 0: was not; -1: the callback is running.
static int timer_try_del(struct timer *t) NO_LOCK_ANALYSIS	// lock_wheel()'s lock
{
	unsigned long flags = irq_save();
	struct wheel *w = lock_wheel(t);
	int was = timer_pending(t);
	if (was)
		wheel_remove(w, t);
	else if (w->running == t)
		was = -1;
	spin_unlock(&w->lock);
	irq_restore(flags);
	return was;
}

bool timer_del(struct timer *t)
{
	return timer_try_del(t) > 0;
}

bool timer_del_sync(struct timer *t) NO_LOCK_ANALYSIS	// lock_wheel()'s lock
{
	bool was = false;
	for (;;) {
		int r = timer_try_del(t);
		was |= r > 0;
		unsigned long flags = irq_save();
		struct wheel *w = lock_wheel(t);
		bool busy = w->running == t;
		spin_unlock(&w->lock);
		irq_restore(flags);
		if (!busy && !timer_pending(t))
			return was;
		cpu_relax();	// bounded: a callback is running on another CPU
	}
}

// ---- expiry ----

static void run_timeout(struct wheel *w, struct timer *t) NO_LOCK_ANALYSIS
{
	wheel_remove(w, t);
	if (t->expires > w->clk) {	// beyond the wheel's reach: once more round
		wheel_insert(w, t);
		return;
	}
	w->running = t;
	spin_unlock_irq(&w->lock);
	t->fn(t);
	spin_lock_irq(&w->lock);
	w->running = NULL;
}

static void run_bucket(struct wheel *w, u32 n, u32 i)
{
	// Timers that are started meanwhile for the past land in the bucket of clk, which is this one on level 0: take the list first.
	struct hlist_head list;
	hlist_move_list(&w->bucket[n][i], &list);
	while (!hlist_empty(&list))
		run_timeout(w, hlist_entry(list.first, struct timer, node));
	if (hlist_empty(&w->bucket[n][i]))
		w->pending[n] &= ~(1ull << i);
}

static void run_moment(struct wheel *w)
{
	for (u32 n = 0; n < LEVELS; n++) {
		if (w->clk & ((1ull << LEVEL_SHIFT(n)) - 1))
			break;
		u32 i = (w->clk >> LEVEL_SHIFT(n)) % BUCKETS;
		if (w->pending[n] >> i & 1)
			run_bucket(w, n, i);
	}
}

static void timer_softirq(void)
{
	struct wheel *w = this_cpu_ptr(&wheel);
	spin_lock_irq(&w->lock);
	w->in_softirq = true;
	u64 next;
	while ((next = wheel_scan(w)) <= now_ms()) {
		w->clk = next;
		run_moment(w);
		w->clk++;
	}
	w->in_softirq = false;
	wheel_arm(w, next);
	spin_unlock_irq(&w->lock);
}

static enum hrtimer_restart wheel_event(struct hrtimer *t)
{
	softirq_raise(SOFTIRQ_TIMER);
	return HRTIMER_NORESTART;
}

u64 timer_next_event(int cpu)
{
	u64 next = READ_ONCE(per_cpu_ptr(&wheel, cpu)->next);
	return next == NEVER ? (u64)KTIME_MAX : next * NSEC_PER_MSEC;
}

void timers_init(void)
{
	softirq_set_handler(SOFTIRQ_TIMER, timer_softirq);
	for_each_possible_cpu(cpu) {
		struct hrtimer *t = &per_cpu_ptr(&wheel, cpu)->event;
		hrtimer_setup(t, HRTIMER_MONOTONIC, wheel_event);
		t->cpu = (u16)cpu;
	}
}
