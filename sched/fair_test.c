// Tests of the fair class on a run queue of their own, with a clock that the test moves: no per-CPU state, no real switch.
#include "lib/ktest.h"
#include "lib/string.h"
#include "rq.h"

#define MAX_TASKS 40

static struct rq sim_rq;
static struct task sim_tasks[MAX_TASKS], sim_idle;

static void sim_start(void) NO_LOCK_ANALYSIS
{
	memset(&sim_rq, 0, sizeof(sim_rq));
	memset(sim_tasks, 0, sizeof(sim_tasks));
	memset(&sim_idle, 0, sizeof(sim_idle));
	sim_rq.idle = sim_rq.curr = &sim_idle;
	fair_rq_init(&sim_rq.fair);
	sim_rq.clock = 1000;
}

static struct task *sim_task(int i, int policy, int nice) NO_LOCK_ANALYSIS
{
	struct task *t = &sim_tasks[i];

	t->policy = policy;
	t->prio = t->static_prio = NICE_TO_PRIO(nice);
	fair_new_task(t);
	return t;
}

static void sim_wake(struct task *t, u32 flags) NO_LOCK_ANALYSIS
{
	if (t->se.delayed)
		fair_undelay(&sim_rq, t);
	else
		fair_enqueue(&sim_rq, t, flags);
	t->on_rq = ON_RQ_QUEUED;
	if (sim_rq.curr != &sim_idle)
		fair_wakeup_preempt(&sim_rq, t);
}

static void sim_schedule(void) NO_LOCK_ANALYSIS
{
	struct task *prev = sim_rq.curr;

	prev->work = 0;
	if (prev != &sim_idle && sim_rq.fair.curr)
		fair_update_curr(&sim_rq);
	struct task *next = fair_pick(&sim_rq) ?: &sim_idle;
	if (next == prev)
		return;
	if (prev != &sim_idle)
		fair_put_prev(&sim_rq, prev);
	if (next != &sim_idle)
		fair_set_next(&sim_rq, next);
	sim_rq.curr = next;
}

static void sim_sleep(void) NO_LOCK_ANALYSIS
{
	struct task *t = sim_rq.curr;

	fair_update_curr(&sim_rq);
	if (fair_dequeue(&sim_rq, t, DEQ_SLEEP))
		t->on_rq = 0;
	sim_schedule();
}

// Time passes with ticks; a lazy request is honoured at the tick, as in a task that never enters the kernel.
static void sim_run(u64 ns) NO_LOCK_ANALYSIS
{
	for (u64 end = sim_rq.clock + ns; sim_rq.clock < end;) {
		sim_rq.clock += MIN((u64)TICK_NSEC, end - sim_rq.clock);
		if (sim_rq.curr == &sim_idle)
			continue;
		fair_update_curr(&sim_rq);
		fair_tick(&sim_rq);
		if (sim_rq.curr->work & (WORK_RESCHED | WORK_RESCHED_LAZY))
			sim_schedule();
	}
}

// What the queue believes, compared with what is in it.
static void check_queue(void) NO_LOCK_ANALYSIS
{
	struct fair_rq *f = &sim_rq.fair;
	u64 load = 0, last = 0;
	s64 sum = 0;
	u32 n = 0, delayed = 0;
	bool ordered = true, augmented = true;

	for (struct rb_node *p = rb_first(&f->tree.rb_root); p; p = rb_next(p), n++) {
		struct sched_entity *se = rb_entry(p, struct sched_entity, node);
		sum += (s64)(se->vruntime - f->base) * se->weight;
		load += se->weight;
		delayed += se->delayed;
		ordered &= !n || (s64)(se->deadline - last) >= 0;
		last = se->deadline;
		u64 least = se->vruntime;
		for (int i = 0; i < 2; i++) {
			struct rb_node *c = i ? p->rb_left : p->rb_right;
			if (c && (s64)(rb_entry(c, struct sched_entity, node)->min_vruntime - least) < 0)
				least = rb_entry(c, struct sched_entity, node)->min_vruntime;
		}
		augmented &= least == se->min_vruntime;
	}
	if (f->curr) {
		n++;
		delayed += f->curr->delayed;
	}
	CHECK_EQ(f->sum, sum);
	CHECK_EQ(f->load, load);
	CHECK_EQ(f->nr_queued, n);
	CHECK_EQ(f->nr_running, n - delayed);
	CHECK(ordered);
	CHECK(augmented);
}

KTEST(fair, two_nice_levels_share_by_weight)
{
	sim_start();
	struct task *a = sim_task(0, 0, 0), *b = sim_task(1, 0, 5);
	sim_wake(a, ENQ_INITIAL);
	sim_wake(b, ENQ_INITIAL);
	sim_schedule();
	sim_run(20 * NSEC_PER_SEC);
	check_queue();
	// 1024 : 335
	s64 share = a->se.sum_exec * 1000 / (a->se.sum_exec + b->se.sum_exec);
	CHECK_GE(share, 748);
	CHECK_LE(share, 758);
}

KTEST(fair, equal_tasks_get_equal_time)
{
	sim_start();
	for (int i = 0; i < 10; i++)
		sim_wake(sim_task(i, 0, 0), ENQ_INITIAL);
	sim_schedule();
	sim_run(10 * NSEC_PER_SEC);
	for (int i = 0; i < 10; i++) {
		CHECK_GE(sim_tasks[i].se.sum_exec, 980 * NSEC_PER_MSEC);
		CHECK_LE(sim_tasks[i].se.sum_exec, 1020 * NSEC_PER_MSEC);
	}
}

KTEST(fair, idle_policy_gets_what_is_left)
{
	sim_start();
	struct task *a = sim_task(0, 0, 0), *b = sim_task(1, 5, 0);
	sim_wake(b, ENQ_INITIAL);
	sim_schedule();
	CHECK(sim_rq.curr == b);
	sim_wake(a, ENQ_INITIAL);
	CHECK(b->work & WORK_RESCHED_LAZY);
	sim_schedule();
	CHECK(sim_rq.curr == a);
	sim_run(10 * NSEC_PER_SEC);
	CHECK_LE(b->se.sum_exec, 60 * NSEC_PER_MSEC);
	CHECK_GT(b->se.sum_exec, 0);
}

KTEST(fair, one_that_ran_ahead_stays_queued_when_it_sleeps)
{
	sim_start();
	struct task *a = sim_task(0, 0, 0), *b = sim_task(1, 0, 0);
	sim_wake(a, ENQ_INITIAL);
	sim_wake(b, ENQ_INITIAL);
	sim_schedule();
	struct task *first = sim_rq.curr, *second = first == a ? b : a;
	sim_rq.clock += NSEC_PER_MSEC;
	sim_sleep();
	CHECK(first->se.delayed);
	CHECK_EQ(first->on_rq, ON_RQ_QUEUED);
	CHECK(sim_rq.curr == second);
	CHECK_EQ(sim_rq.nr_running, 1);
	check_queue();
	sim_run(20 * NSEC_PER_MSEC);
	sim_schedule();
	CHECK(!first->se.delayed);	// it was even, and left
	CHECK_EQ(first->on_rq, 0);
	CHECK_EQ(first->se.vlag, 0);
	sim_wake(first, ENQ_WAKEUP);
	CHECK_EQ(sim_rq.nr_running, 2);
	check_queue();
}

KTEST(fair, sleeping_earns_nothing)
{
	sim_start();
	struct task *hog = sim_task(0, 0, 0), *sleeper = sim_task(1, 0, 0);
	sim_wake(hog, ENQ_INITIAL);
	sim_wake(sleeper, ENQ_INITIAL);
	sim_schedule();
	while (sim_rq.curr != sleeper)
		sim_run(TICK_NSEC);
	sim_sleep();
	sim_run(5 * NSEC_PER_SEC);
	u64 before_hog = hog->se.sum_exec, before_sleeper = sleeper->se.sum_exec;
	sim_wake(sleeper, ENQ_WAKEUP);
	sim_run(NSEC_PER_SEC);
	CHECK_GE(hog->se.sum_exec - before_hog, 480 * NSEC_PER_MSEC);
	CHECK_GE(sleeper->se.sum_exec - before_sleeper, 480 * NSEC_PER_MSEC);
}

KTEST(fair, a_short_slice_preempts_a_long_one)
{
	sim_start();
	struct task *hog = sim_task(0, 0, 0), *quick = sim_task(1, 0, 0);
	fair_set_slice(hog, 100 * NSEC_PER_MSEC);
	fair_set_slice(quick, 100000);
	sim_wake(hog, ENQ_INITIAL);
	sim_schedule();
	sim_rq.clock += NSEC_PER_MSEC;
	sim_wake(quick, ENQ_WAKEUP);
	CHECK(hog->work & WORK_RESCHED_LAZY);
	sim_schedule();
	CHECK(sim_rq.curr == quick);
}

KTEST(fair, equals_run_to_parity)
{
	sim_start();
	struct task *a = sim_task(0, 0, 0), *b = sim_task(1, 0, 0);
	sim_wake(a, ENQ_INITIAL);
	sim_schedule();
	sim_rq.clock += 10000;
	sim_wake(b, ENQ_WAKEUP);
	CHECK_EQ(a->work, 0);
	sim_schedule();
	CHECK(sim_rq.curr == a);
}

KTEST(fair, yield_alternates)
{
	sim_start();
	struct task *a = sim_task(0, 0, 0), *b = sim_task(1, 0, 0);
	sim_wake(a, ENQ_INITIAL);
	sim_wake(b, ENQ_INITIAL);
	sim_schedule();
	int switches = 0;
	for (int i = 0; i < 1000; i++) {
		struct task *prev = sim_rq.curr;
		sim_rq.clock += 1000;
		fair_update_curr(&sim_rq);
		fair_yield(&sim_rq);
		sim_schedule();
		switches += sim_rq.curr != prev;
	}
	CHECK_GE(switches, 990);
}

KTEST(fair, a_move_keeps_the_lag)
{
	sim_start();
	struct task *a = sim_task(0, 0, 0), *b = sim_task(1, 0, 0);
	sim_wake(a, ENQ_INITIAL);
	sim_wake(b, ENQ_INITIAL);
	sim_schedule();
	sim_rq.clock += 500000;
	struct task *waiting = sim_rq.curr == a ? b : a;
	fair_update_curr(&sim_rq);
	fair_dequeue(&sim_rq, waiting, DEQ_NODELAY);
	CHECK_GT(waiting->se.vlag, 0);
	CHECK(waiting->se.rel_deadline);
	fair_enqueue(&sim_rq, waiting, ENQ_MOVED);
	check_queue();
	CHECK(!waiting->se.rel_deadline);
}

static u32 sim_random(void)
{
	static u32 x = 12345;

	x = x * 1664525 + 1013904223;
	return x >> 8;
}

KTEST(fair, sums_survive_anything)
{
	sim_start();
	for (int i = 0; i < MAX_TASKS; i++)
		sim_task(i, i % 7 == 0 ? 5 : 0, (int)(sim_random() % 40) - 20);
	for (int n = 0; n < 20000; n++) {
		struct task *t = &sim_tasks[sim_random() % MAX_TASKS];
		sim_rq.clock += sim_random() % 300000;
		switch (sim_random() % 6) {
		case 0:
			if (sim_rq.curr != &sim_idle)
				sim_sleep();
			break;
		case 1:
			if (sim_rq.fair.curr)
				fair_update_curr(&sim_rq);
			t->static_prio = NICE_TO_PRIO((int)(sim_random() % 40) - 20);
			fair_set_weight(&sim_rq, t);
			break;
		case 2:
			sim_schedule();
			break;
		default:
			if (t->on_rq == 0 || t->se.delayed)
				sim_wake(t, ENQ_WAKEUP);
			break;
		}
		if (sim_rq.curr->work)
			sim_schedule();
		if (n % 16 == 0)
			check_queue();
	}
	check_queue();
}
