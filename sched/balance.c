// Where tasks run: placement at wake-up, fork and exec; idle CPUs that pull; the periodic look at the tick.
//
// No mask of idle CPUs is kept: it would be a line that all CPUs write at each switch. A search reads a bounded number of run queues instead.
#include "rq.h"

u8 sched_overload CACHE_ALIGNED;

#define SCAN_MAX 16			// run queues read by one search
#define PULL_COST (100 * NSEC_PER_USEC)	// shorter idle periods are not worth a pull
#define BALANCE_INTERVAL (16 * NSEC_PER_MSEC)

static ALWAYS_INLINE bool usable(const struct task *t, int cpu)
{
	return task_may_run_on(t, cpu) && cpumask_test(cpu, &cpu_online_mask);
}

static ALWAYS_INLINE int next_cpu(int cpu)
{
	return cpu + 1 < nr_cpu_ids ? cpu + 1 : 0;
}

int select_fallback_cpu(struct task *t)
{
	for_each_cpu(cpu, &t->cpus_allowed)
		if (cpumask_test(cpu, &cpu_online_mask))
			return cpu;
	return t->cpu;
}

static int find_idle_cpu(struct task *t, int start)
{
	int cpu = start;

	for (int n = 0; n < SCAN_MAX && n < nr_cpu_ids - 1; n++) {
		cpu = next_cpu(cpu);
		if (cpu == start)
			break;
		if (usable(t, cpu) && rq_is_idle(cpu_rq(cpu)))
			return cpu;
	}
	return -1;
}

// Where it ran last if that is idle; where its waker runs if that CPU is about to have nothing else; else some idle CPU near.
static int select_wake_cpu(struct task *t, int prev)
{
	if (likely(usable(t, prev))) {
		if (rq_is_idle(cpu_rq(prev)))
			return prev;
		int cpu = find_idle_cpu(t, prev);
		return cpu >= 0 ? cpu : prev;
	}
	int cpu = find_idle_cpu(t, prev);
	return cpu >= 0 ? cpu : select_fallback_cpu(t);
}

// A new memory image has no cache to lose: the least loaded of some CPUs, an idle one at once.
static int select_new_cpu(struct task *t)
{
	int here = this_cpu_read(cpu_hot.cpu), cpu = here, best = -1;
	u32 least = U32_MAX;

	for (int n = 0; n < SCAN_MAX && n < nr_cpu_ids; n++, cpu = next_cpu(cpu)) {
		if (!usable(t, cpu))
			continue;
		struct rq *rq = cpu_rq(cpu);
		if (rq_is_idle(rq))
			return cpu;
		u32 nr = READ_ONCE(rq->nr_running);
		if (nr < least) {
			least = nr;
			best = cpu;
		}
	}
	return best >= 0 ? best : select_fallback_cpu(t);
}

int select_cpu(struct task *t, enum place why)
{
	int prev = t->cpu;

	if (nr_cpu_ids == 1)
		return prev;
	if (t->nr_cpus_allowed == 1 || t->migration_disabled)
		return likely(usable(t, prev)) ? prev : select_fallback_cpu(t);
	if (unlikely(!task_is_fair(t)))
		return rt_select_cpu(t);
	return why == PLACE_WAKE ? select_wake_cpu(t, prev) : select_new_cpu(t);
}

// ---- pulling ----------------------------------------------------------------------------------------------------------

// Takes up to nr fair tasks from `from`; both locked.
static int pull_tasks(struct rq *rq, struct rq *from, int nr) REQUIRES(&rq->lock, &from->lock)
{
	int moved = 0;
	struct rb_node *n = rb_last(&from->fair.tree.rb_root);	// latest deadlines: those that would wait longest

	rq_update_clock(rq);
	rq_update_clock(from);
	while (n && moved < nr && from->nr_running > 1) {
		struct task *t = CONTAINER_OF(n, struct task, se.node);
		n = rb_prev(n);
		if (t->se.delayed || t->on_cpu || !task_may_run_on(t, rq->cpu))
			continue;
		WRITE_ONCE(t->on_rq, ON_RQ_MIGRATING);
		fair_dequeue(from, t, DEQ_NODELAY);
		WRITE_ONCE(t->cpu, rq->cpu);
		fair_enqueue(rq, t, ENQ_MOVED);
		WRITE_ONCE(t->on_rq, ON_RQ_QUEUED);
		moved++;
	}
	return moved;
}

// The queue with the most runnable tasks of those looked at, or null if none has two.
static struct rq *find_busiest(struct rq *rq, bool *all)
{
	int cpu = rq->scan_from < (u32)nr_cpu_ids ? rq->scan_from : 0, n;
	struct rq *busiest = NULL;
	u32 most = 1;

	for (n = 0; n < SCAN_MAX && n < nr_cpu_ids; n++, cpu = next_cpu(cpu)) {
		struct rq *other = cpu_rq(cpu);
		u32 nr = READ_ONCE(other->nr_running);
		if (other != rq && nr > most) {
			most = nr;
			busiest = other;
		}
	}
	rq->scan_from = cpu;
	*all = n >= nr_cpu_ids;
	return busiest;
}

bool newidle_balance(struct rq *rq) NO_LOCK_ANALYSIS
{
	bool all;

	if (nr_cpu_ids == 1 || rq->avg_idle < PULL_COST)
		return false;
	struct rq *from = find_busiest(rq, &all);
	if (!from) {
		if (all)
			WRITE_ONCE(sched_overload, 0);	// set again by the next queue that gets a second task
		return false;
	}
	rq_lock_other(rq, from);
	if (rq->nr_running == 0)
		pull_tasks(rq, from, 1);
	spin_unlock_raw(&from->lock);
	return rq->nr_running > 0;
}

void balance_idle_kick(struct rq *rq)
{
	WRITE_ONCE(rq->balance_kick, 1);
	arch_ipi_send(rq->cpu, IPI_RESCHED);
}

// This CPU has work to give: an idle CPU does not tick and would not notice.
static void kick_idle_cpu(struct rq *rq)
{
	int cpu = rq->cpu;

	for (int n = 0; n < SCAN_MAX && n < nr_cpu_ids - 1; n++) {
		cpu = next_cpu(cpu);
		struct rq *other = cpu_rq(cpu);
		if (other != rq && cpumask_test(cpu, &cpu_online_mask) && rq_is_idle(other) && !READ_ONCE(other->balance_kick)) {
			balance_idle_kick(other);
			return;
		}
	}
}

void balance_tick(struct rq *rq) NO_LOCK_ANALYSIS
{
	bool all;
	u64 now = READ_ONCE(rq->clock);

	if (nr_cpu_ids == 1 || now < rq->next_balance)
		return;
	rq->next_balance = now + BALANCE_INTERVAL;
	if (READ_ONCE(rq->fair.nr_running) > 1)
		kick_idle_cpu(rq);
	struct rq *from = find_busiest(rq, &all);
	if (!from || READ_ONCE(from->nr_running) < READ_ONCE(rq->nr_running) + 2)
		return;
	rq_lock_two(rq, from);
	int diff = (int)from->nr_running - (int)rq->nr_running;
	if (diff >= 2 && pull_tasks(rq, from, diff / 2) && rq->curr == rq->idle)
		resched_curr(rq, WORK_RESCHED);
	rq_unlock_two(rq, from);
}
