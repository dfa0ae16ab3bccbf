// RCU as its users see it.
#include "kern/rcu.h"
#include "kern/smp.h"
#include "lib/atomic.h"
#include "lib/ktest.h"
#include "sched/srcu.h"

struct rcu_probe {
	struct rcu_head head;
	u32 order;
};

static struct atomic probes_run;

static void probe_ran(struct rcu_head *head)
{
	struct rcu_probe *p = CONTAINER_OF(head, struct rcu_probe, head);
	p->order = (u32)atomic_add_return(&probes_run, 1);
}

KTEST(rcu, barrier_waits_for_callbacks_which_run_in_order)
{
	struct rcu_probe p[5] = { 0 };
	atomic_set(&probes_run, 0);
	preempt_disable();	// all on one CPU: the order is that CPU's
	for (int i = 0; i < 5; i++)
		call_rcu(&p[i].head, probe_ran);
	preempt_enable();
	rcu_barrier();
	CHECK_EQ(atomic_read(&probes_run), 5);
	for (u32 i = 0; i < 5; i++)
		CHECK_EQ(p[i].order, i + 1);
}

static void queue_probe(void *arg)
{
	struct rcu_probe *p = arg;
	call_rcu(&p[cpu_id()].head, probe_ran);
}

KTEST(rcu, barrier_covers_all_cpus)
{
	static struct rcu_probe p[NR_CPUS];
	struct cpumask all = cpu_online_mask;
	atomic_set(&probes_run, 0);
	smp_call_mask(&all, queue_probe, p, true);
	rcu_barrier();
	CHECK_EQ(atomic_read(&probes_run), cpumask_weight(&all));
}

KTEST(rcu, grace_periods_end)
{
	for (int i = 0; i < 3; i++)
		synchronize_rcu();
	synchronize_rcu_expedited();
	rcu_barrier();	// with nothing queued
	CHECK(true);
}

KTEST(srcu, a_grace_period_ends_without_readers_and_after_them)
{
	static struct srcu s;
	DEFINE_LOCK_CLASS(srcu_test_writer, LOCK_TASK);
	REQUIRE(srcu_init(&s, &srcu_test_writer) == 0);
	int idx = srcu_read_lock(&s);
	int inner = srcu_read_lock(&s);
	srcu_read_unlock(&s, inner);
	srcu_read_unlock(&s, idx);
	synchronize_srcu(&s);
	idx = srcu_read_lock(&s);
	srcu_read_unlock(&s, idx);
	synchronize_srcu(&s);
	srcu_destroy(&s);
}
