// What sleeps for RCU: synchronize_rcu(), rcu_barrier(), and SRCU's writers.
#include "sched/srcu.h"
#include "arch/irq.h"
#include "kern/rcu.h"
#include "kern/smp.h"
#include "sched/mutex.h"
#include "sched/sched.h"
#include "sched/waitq.h"

struct rcu_waiter {
	struct rcu_head head;
	struct completion done;
};

static void rcu_waiter_done(struct rcu_head *head)
{
	complete(&CONTAINER_OF(head, struct rcu_waiter, head)->done);
}

void synchronize_rcu(void)
{
	might_sleep();
	// Alone, and a reader cannot be interrupted by us: nobody reads.
	if (num_online_cpus() == 1)
		return;
	struct rcu_waiter w;
	completion_init(&w.done);
	call_rcu(&w.head, rcu_waiter_done);
	wait_for_completion(&w.done);
}

void synchronize_rcu_expedited(void)
{
	rcu_expedite(true);
	synchronize_rcu();
	rcu_expedite(false);
}

// ---- rcu_barrier: one callback behind all others on each CPU that has any ----

STATIC_PER_CPU(struct rcu_head, barrier_head);	// one barrier at a time
DEFINE_LOCK_CLASS(rcu_barrier_class, LOCK_TASK);
static struct mutex rcu_barrier_mutex = MUTEX_INIT(rcu_barrier_mutex, &rcu_barrier_class);
static struct atomic barrier_left;
static struct completion barrier_done;

static void barrier_callback(struct rcu_head *head)
{
	if (atomic_dec_and_test(&barrier_left))
		complete(&barrier_done);
}

static void barrier_queue(void *arg)
{
	atomic_inc(&barrier_left);
	call_rcu(this_cpu_ptr(&barrier_head), barrier_callback);
}

void rcu_barrier(void)
{
	might_sleep();
	mutex_lock(&rcu_barrier_mutex);
	completion_init(&barrier_done);
	atomic_set(&barrier_left, 1);	// ours, so that it does not reach 0 before all are queued
	for_each_online_cpu(cpu)
		if (rcu_cpu_has_callbacks(cpu))
			smp_call_cpu(cpu, barrier_queue, NULL, true);
	if (!atomic_dec_and_test(&barrier_left))
		wait_for_completion(&barrier_done);
	mutex_unlock(&rcu_barrier_mutex);
}

// ---- SRCU ----

int srcu_init(struct srcu *s, struct lock_class *writer_class)
{
	*s = (struct srcu){ .cpu = percpu_new(struct srcu_cpu) };
	mutex_init(&s->writer, writer_class);
	return s->cpu ? 0 : -ENOMEM;
}

void srcu_destroy(struct srcu *s)
{
	percpu_free(s->cpu);
	s->cpu = NULL;
}

// Whether no reader that entered under idx is left. Exits are summed first: a reader that is counted as having left was counted as
// having entered, so the sums are equal only when there was none.
static bool readers_gone(struct srcu *s, int idx)
{
	u64 left = 0, entered = 0;
	for_each_possible_cpu(cpu)
		left += READ_ONCE(per_cpu_ptr(s->cpu, cpu)->unlock[idx]);
	smp_mb();	// pairs with srcu_read_lock() and srcu_read_unlock()
	for_each_possible_cpu(cpu)
		entered += READ_ONCE(per_cpu_ptr(s->cpu, cpu)->lock[idx]);
	return left == entered;
}

static void wait_readers(struct srcu *s, int idx)
{
	s64 wait = NSEC_PER_MSEC / 4;
	while (!readers_gone(s, idx)) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout(wait);
		wait = MIN(wait * 2, (s64)(16 * NSEC_PER_MSEC));
	}
}

void synchronize_srcu(struct srcu *s)
{
	might_sleep();
	mutex_lock(&s->writer);
	smp_mb();	// the caller's changes before the counts
	int old = (int)(s->idx & 1);
	// A reader may have read the index before the last flip and count only now, so the other index is waited for first.
	wait_readers(s, !old);
	smp_mb();
	WRITE_ONCE(s->idx, s->idx + 1);
	smp_mb();
	wait_readers(s, old);
	smp_mb();	// the readers' accesses before what the caller frees
	mutex_unlock(&s->writer);
}
