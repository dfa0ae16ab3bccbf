// The lock checker (CONFIG_LOCKCHECK) and lock statistics (CONFIG_LOCKSTAT).
//
// Classes are nodes of a graph; an edge a -> b says that a lock of class b was taken while one of class a was held. Taking b under a is an inversion if
// there already is a path from b to a: it is reported the first time the two orders were seen, not when they collide. Everything here is lock-free:
// bits of the matrix are only ever set.
#include "kern/lockcheck.h"
#include "arch/irq.h"
#include "kern/cpu_hot.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/preempt.h"
#include "lib/atomic.h"
#include "lib/string.h"

#ifdef CONFIG_LOCKCHECK
#define MAX_CLASSES 512u
#define CLASS_WORDS (MAX_CLASSES / 64)

static struct lock_class *lock_classes[MAX_CLASSES];
static u64 lock_edges[MAX_CLASSES][CLASS_WORDS];	// ATOMIC; bit b of row a: a -> b
static struct atomic lock_class_count;			// ids from 1
static bool sleep_checks;

STATIC_PER_CPU(struct lock_stack, softirq_locks);
STATIC_PER_CPU(struct lock_stack, hardirq_locks);

static struct lock_stack *this_stack(void)
{
	u32 count = preempt_count();
	if (count & (HARDIRQ_MASK | NMI_MASK))
		return this_cpu_ptr(&hardirq_locks);
	if (count & SOFTIRQ_ONE)
		return this_cpu_ptr(&softirq_locks);
	return task_lock_stack();
}

// The class's number; 0 when there are too many.
static u32 class_id(struct lock_class *c)
{
	u16 id = READ_ONCE(c->id);
	if (likely(id))
		return id;
	u32 next = (u32)atomic_add_return(&lock_class_count, 1);
	if (next >= MAX_CLASSES) {
		WARN_ON_ONCE("lockcheck: too many lock classes" != NULL);
		return 0;
	}
	lock_classes[next] = c;
	if (!try_cmpxchg(&c->id, &id, (u16)next))
		return id;
	return next;
}

static bool has_edge(u32 a, u32 b)
{
	return READ_ONCE(lock_edges[a][b / 64]) >> (b % 64) & 1;
}

// Whether there is a path from a to b. The set of reached classes grows until nothing is added.
static NOINLINE bool reachable(u32 from, u32 to)
{
	u64 seen[CLASS_WORDS] = { 0 }, todo[CLASS_WORDS] = { 0 };
	todo[from / 64] = 1ull << (from % 64);
	for (;;) {
		u32 w = 0;
		while (w < CLASS_WORDS && !todo[w])
			w++;
		if (w == CLASS_WORDS)
			return false;
		u32 c = w * 64 + (u32)__builtin_ctzll(todo[w]);
		todo[w] &= todo[w] - 1;
		seen[w] |= 1ull << (c % 64);
		if (has_edge(c, to))
			return true;
		for (u32 i = 0; i < CLASS_WORDS; i++)
			todo[i] |= READ_ONCE(lock_edges[c][i]) & ~seen[i];
	}
}

static COLD void lock_report(const char *what, const struct lockcheck *c, const void *lock, u64 ip)
{
	const struct lock_stack *s = this_stack();
	warn_report(__FILE__, __LINE__, "lock checker: %s: %s %p at %pS", what, c->cls ? c->cls->name : "(no class)", lock, (void *)ip);
	for (u32 i = s->n; i-- > 0;)
		pr_err("  holds %s %p, taken at %pS\n", s->held[i].check->cls->name, s->held[i].lock, (void *)s->held[i].ip);
}

static void check_context(const struct lockcheck *c, const void *lock, u64 ip)
{
	u32 count = preempt_count();
	switch (c->cls->ctx) {
	case LOCK_TASK:
		if (count & (HARDIRQ_MASK | NMI_MASK | SOFTIRQ_ONE))
			lock_report("a lock of task context taken in an interrupt", c, lock, ip);
		return;
	case LOCK_SOFTIRQ:
		if (count & (HARDIRQ_MASK | NMI_MASK))
			lock_report("a lock of softirq context taken in a hard interrupt", c, lock, ip);
		else if (!(count & SOFTIRQ_MASK) && !irqs_disabled())
			lock_report("a lock of softirq context taken with softirqs on", c, lock, ip);
		return;
	default:
		if (!irqs_disabled())
			lock_report("a lock of interrupt context taken with interrupts on", c, lock, ip);
	}
}

static void check_order(const struct held_lock *h, const struct lockcheck *c, const void *lock, u64 ip)
{
	u32 a = class_id(h->check->cls), b = class_id(c->cls);
	if (!a || !b)
		return;
	if (a == b) {
		if (h->lock == lock || !c->cls->nestable)
			lock_report("taken twice", c, lock, ip);
		return;
	}
	if (likely(has_edge(a, b)))
		return;
	if (reachable(b, a))
		lock_report("order inverted", c, lock, ip);
	(void)__atomic_fetch_or(&lock_edges[a][b / 64], 1ull << (b % 64), __ATOMIC_RELAXED);
}

// A try cannot deadlock: only its context is checked.
void lockcheck_do_acquire(struct lockcheck *c, const void *lock, bool trylock)
{
	u64 ip = (u64)__builtin_return_address(0);
	if (!c->cls || panic_in_progress())
		return;
	check_context(c, lock, ip);
	if (trylock)
		return;
	const struct lock_stack *s = this_stack();
	for (u32 i = 0; i < s->n; i++)
		check_order(&s->held[i], c, lock, ip);
}

void lockcheck_do_acquired(struct lockcheck *c, const void *lock)
{
	u64 ip = (u64)__builtin_return_address(0);
	WRITE_ONCE(c->holder, current);
	WRITE_ONCE(c->taken_at, ip);
	struct lock_stack *s = this_stack();
	if (!c->cls || panic_in_progress())
		return;
	if (s->n == LOCK_STACK_MAX) {
		WARN_ON_ONCE("lockcheck: too many locks held" != NULL);
		return;
	}
	s->held[s->n++] = (struct held_lock){ c, lock, ip };
}

void lockcheck_do_release(struct lockcheck *c, const void *lock)
{
	struct lock_stack *s = this_stack();
	WRITE_ONCE(c->holder, NULL);
	if (!c->cls || panic_in_progress())
		return;
	for (u32 i = s->n; i-- > 0;) {
		if (s->held[i].lock != lock)
			continue;
		memmove(&s->held[i], &s->held[i + 1], (--s->n - i) * sizeof(s->held[0]));
		return;
	}
	lock_report("released but not held", c, lock, (u64)__builtin_return_address(0));
}

void lockcheck_user_return(void)
{
	struct lock_stack *s = task_lock_stack();
	if (likely(!s->n))
		return;
	lock_report("held at return to user mode", s->held[s->n - 1].check, s->held[s->n - 1].lock, s->held[s->n - 1].ip);
	s->n = 0;
}

void lockcheck_start(void)
{
	WRITE_ONCE(sleep_checks, true);
}

void might_sleep_at(const char *file, int line)
{
	static u64 last;	// ATOMIC: the place that was reported last, so that a loop does not flood the log
	u64 place = (u64)file + (u64)line;
	if (likely(!preempt_count() && !irqs_disabled()) || !READ_ONCE(sleep_checks) || panic_in_progress())
		return;
	if (xchg_relaxed(&last, place) == place)
		return;
	warn_report(file, line, "may sleep here, but preempt_count is %#x and interrupts are %s", preempt_count(), irqs_disabled() ? "off" : "on");
	const struct lock_stack *s = this_stack();
	for (u32 i = s->n; i-- > 0;)
		pr_err("  holds %s, taken at %pS\n", s->held[i].check->cls->name, (void *)s->held[i].ip);
}
#endif

#ifdef CONFIG_LOCKSTAT
static struct lock_class *lockstat_classes;	// ATOMIC: only grows
static struct atomic64 lockstat_sum;

void lockstat_count(struct lock_class *cls)
{
	atomic64_add(&lockstat_sum, 1);
	if (!cls)
		return;
	u32 unlisted = 0;
	if (unlikely(!READ_ONCE(cls->listed)) && try_cmpxchg(&cls->listed, &unlisted, 1)) {
		cls->next = READ_ONCE(lockstat_classes);
		while (!try_cmpxchg(&lockstat_classes, &cls->next, cls))
			;
	}
	(void)__atomic_fetch_add(&cls->contended, 1, __ATOMIC_RELAXED);
}

u64 lockstat_total(void)
{
	return (u64)atomic64_read(&lockstat_sum);
}

void lockstat_print(void)
{
	pr_info("contended lock acquisitions: %llu\n", lockstat_total());
	for (struct lock_class *c = load_acquire(&lockstat_classes); c; c = c->next)
		pr_info("  %s: %llu\n", c->name, READ_ONCE(c->contended));
}
#endif
