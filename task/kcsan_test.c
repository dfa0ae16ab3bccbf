// KCSAN finds races between threads, and takes nothing else for one.
#include "kern/kcsan.h"
#include "arch/time.h"
#include "kern/smp.h"
#include "kern/spinlock.h"
#include "lib/ktest.h"
#include "task/kthread.h"

#define STEPS 20000		// of a thread that must not race
#define PATIENCE_MS 10000ull	// of one that must: a host that is busy seldom runs both CPUs at once

DEFINE_LOCK_CLASS(kcsan_test_class, LOCK_TASK);

struct pair16 {
	u64 a, b;
};

struct track {
	struct spinlock lock;
	u64 value;
	struct atomic count;
	struct pair16 pair;
	void (*step)(struct track *);
};

static NOINLINE void plain_add(struct track *t)
{
	t->value++;
}

static NOINLINE void marked_add(struct track *t)
{
	WRITE_ONCE(t->value, READ_ONCE(t->value) + 1);
	atomic_inc(&t->count);
}

static NOINLINE void locked_add(struct track *t)
{
	spin_lock(&t->lock);
	t->value++;
	spin_unlock(&t->lock);
}

static NOINLINE void plain_read(struct track *t)
{
	u64 v = t->value;

	__asm__ volatile("" : : "r"(v));
}

static NOINLINE void pair_copy(struct track *t)
{
	struct pair16 p = t->pair;

	p.a++;
	t->pair = p;
}

// What a thread does until it is stopped.
static int runs(void *arg)
{
	struct track *t = arg;

	while (!kthread_should_stop())
		for (int i = 0; i < 100; i++)
			t->step(t);
	return 0;
}

// Runs `there` on a thread of another CPU and `here` on this one, until a race is counted or enough was done. Returns the races.
static u32 race(struct track *t, void (*there)(struct track *), void (*here)(struct track *), bool must)
{
	u64 end = cycles_now() + PATIENCE_MS * cycles_khz();
	struct task *other;
	u32 n;

	*t = (struct track){ .step = there };
	spin_init(&t->lock, &kcsan_test_class);
	kcsan_expect(t, sizeof(*t));
	if (!CHECK_EQ(kthread_run(&other, runs, t, "racer"), 0))
		return 0;
	for (int i = 0; must ? !kcsan_expected() && cycles_now() < end : i < STEPS; i++)
		here(t);
	kthread_stop(other);
	n = kcsan_expected();
	kcsan_expect(NULL, 0);
	return n;
}

KTEST(kcsan, plain_accesses_race)
{
	struct track t;

	if (num_online_cpus() < 2)
		return;
	CHECK_GT(race(&t, plain_add, plain_add, true), 0);
	CHECK_GT(race(&t, plain_add, plain_read, true), 0);
}

KTEST(kcsan, plain_read_races_with_marked_write)
{
	struct track t;

	if (num_online_cpus() < 2)
		return;
	CHECK_GT(race(&t, marked_add, plain_read, true), 0);
}

KTEST(kcsan, copies_of_structures_race)
{
	struct track t;

	if (num_online_cpus() < 2)
		return;
	CHECK_GT(race(&t, pair_copy, pair_copy, true), 0);
}

KTEST(kcsan, marked_accesses_do_not_race)
{
	struct track t;

	CHECK_EQ(race(&t, marked_add, marked_add, false), 0);
}

KTEST(kcsan, locked_accesses_do_not_race)
{
	struct track t;

	CHECK_EQ(race(&t, locked_add, locked_add, false), 0);
	CHECK_GT(t.value, STEPS - 1);
}

KTEST(kcsan, plain_reads_do_not_race)
{
	struct track t;

	CHECK_EQ(race(&t, plain_read, plain_read, false), 0);
}
