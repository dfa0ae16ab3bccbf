// The real-time class: SCHED_FIFO and SCHED_RR, 99 priorities, one list each. The running task stays at the head of its list.
//
// Over the CPUs, the n most urgent tasks run: a task that cannot run where it woke is pushed to a CPU with something less urgent, and a CPU that
// is about to run something less urgent pulls. Throttling leaves fair tasks five per cent (sched_rt_runtime of sched_rt_period) of a CPU.
#include "rq.h"

s32 sched_rt_runtime = 950000;
u32 sched_rt_period = 1000000;
u64 sched_rr_slice = 100 * NSEC_PER_MSEC;
#define POLICY_RR 2

// CPUs with more than one RT task. Written only when that changes; the count is what everybody else reads.
static struct cpumask rt_overload_mask;
static struct atomic rt_overload_count;

bool rt_work_elsewhere(void)
{
	return atomic_read(&rt_overload_count) != 0;
}

void rt_rq_init(struct rt_rq *rt)
{
	*rt = (struct rt_rq){};
	for (int i = 0; i < MAX_RT_PRIO; i++)
		INIT_LIST_HEAD(&rt->list[i]);
}

static void update_overload(struct rq *rq) REQUIRES(&rq->lock)
{
	bool over = rq->rt.nr_running > 1;

	if (over == rq->rt.overloaded)
		return;
	rq->rt.overloaded = over;
	if (over) {
		cpumask_set_atomic(rq->cpu, &rt_overload_mask);
		atomic_inc(&rt_overload_count);
	} else {
		atomic_dec(&rt_overload_count);
		cpumask_clear_atomic(rq->cpu, &rt_overload_mask);
	}
}

static int highest_prio(const struct rt_rq *rt)	// MAX_RT_PRIO: nothing queued
{
	if (rt->bitmap[0])
		return __builtin_ctzll(rt->bitmap[0]);
	if (rt->bitmap[1])
		return 64 + __builtin_ctzll(rt->bitmap[1]);
	return MAX_RT_PRIO;
}

void rt_enqueue(struct rq *rq, struct task *t, u32 flags)
{
	struct rt_rq *rt = &rq->rt;

	if (flags & ENQ_HEAD)
		list_add(&t->rt.run_list, &rt->list[t->prio]);
	else
		list_add_tail(&t->rt.run_list, &rt->list[t->prio]);
	rt->bitmap[t->prio / 64] |= 1ull << (t->prio % 64);
	rt->nr_running++;
	WRITE_ONCE(rq->nr_running, rq->nr_running + 1);
	update_overload(rq);
}

void rt_dequeue(struct rq *rq, struct task *t)
{
	struct rt_rq *rt = &rq->rt;

	list_del_init(&t->rt.run_list);
	if (list_empty(&rt->list[t->prio]))
		rt->bitmap[t->prio / 64] &= ~(1ull << (t->prio % 64));
	rt->nr_running--;
	WRITE_ONCE(rq->nr_running, rq->nr_running - 1);
	update_overload(rq);
}

// ---- throttling -------------------------------------------------------------------------------------------------------

static void account_bandwidth(struct rq *rq, u64 delta) REQUIRES(&rq->lock)
{
	struct rt_rq *rt = &rq->rt;
	s32 runtime = READ_ONCE(sched_rt_runtime);

	if (rq->clock - rt->period_start >= sched_rt_period * NSEC_PER_USEC) {
		rt->period_start = rq->clock;
		rt->used = 0;
		rt->throttled = 0;
	}
	rt->used += delta;
	if (runtime >= 0 && rt->used >= (u64)runtime * NSEC_PER_USEC)
		rt->throttled = 1;
}

void rt_update_curr(struct rq *rq)
{
	struct sched_entity *se = &rq->curr->se;
	u64 delta = rq->clock - se->exec_start;

	if ((s64)delta <= 0)
		return;
	se->exec_start = rq->clock;
	se->sum_exec += delta;
	account_bandwidth(rq, delta);
}

struct task *rt_pick(struct rq *rq)
{
	int prio = highest_prio(&rq->rt);

	if (prio == MAX_RT_PRIO)
		return NULL;
	if (unlikely(rq->rt.throttled)) {
		if (rq->clock - rq->rt.period_start >= sched_rt_period * NSEC_PER_USEC)
			rq->rt.throttled = 0;
		else if (rq->fair.nr_running)
			return NULL;
	}
	return list_first_entry(&rq->rt.list[prio], struct task, rt.run_list);
}

// ---- the running task -------------------------------------------------------------------------------------------------

void rt_yield(struct rq *rq)
{
	struct task *t = rq->curr;

	list_move_tail(&t->rt.run_list, &rq->rt.list[t->prio]);
}

void rt_tick(struct rq *rq)
{
	struct task *t = rq->curr;

	if (rq->rt.throttled && rq->fair.nr_running) {
		resched_curr(rq, WORK_RESCHED);
		return;
	}
	if (t->policy != POLICY_RR)
		return;
	if (t->rt.time_slice > TICK_NSEC) {
		t->rt.time_slice -= TICK_NSEC;
		return;
	}
	t->rt.time_slice = sched_rr_slice;
	if (!list_is_singular(&rq->rt.list[t->prio])) {
		rt_yield(rq);
		resched_curr(rq, WORK_RESCHED);
	}
}

void rt_wakeup_preempt(struct rq *rq, struct task *t)
{
	if (t->prio < rq->curr->prio && !(rq->rt.throttled && rq->fair.nr_running))
		resched_curr(rq, WORK_RESCHED);
}

// ---- over the CPUs ----------------------------------------------------------------------------------------------------

// The allowed CPU that runs the least urgent thing, if less urgent than t; an idle one first. -1: none. A guess: no locks.
static int least_urgent_cpu(struct task *t, int not_cpu)
{
	int best = -1, worst = t->prio;

	for_each_cpu(cpu, &t->cpus_allowed) {
		struct rq *rq = cpu_rq(cpu);
		if (cpu == not_cpu || !cpumask_test(cpu, &cpu_online_mask))
			continue;
		struct task *curr = READ_ONCE(rq->curr);
		int prio = rq_is_idle(rq) ? PRIO_IDLE : curr ? READ_ONCE(curr->prio) : -1;
		if (prio > worst) {
			worst = prio;
			best = cpu;
			if (prio == PRIO_IDLE)
				break;
		}
	}
	return best;
}

int rt_select_cpu(struct task *t)
{
	int cpu = t->cpu;
	struct rq *rq = cpu_rq(cpu);

	// Stays if it can run here at once. The curr pointer is stable enough: tasks are freed after a grace period.
	if (task_may_run_on(t, cpu) && READ_ONCE(rq->curr)->prio > t->prio)
		return cpu;
	int better = least_urgent_cpu(t, cpu);
	return better >= 0 ? better : task_may_run_on(t, cpu) ? cpu : select_fallback_cpu(t);
}

// The most urgent queued task that may leave for `to` (-1: anywhere).
static struct task *pushable(struct rq *rq, int to) REQUIRES(&rq->lock)
{
	for (int w = 0; w < 2; w++)
		for (u64 bits = rq->rt.bitmap[w]; bits; bits &= bits - 1) {
			struct task *t;
			list_for_each_entry(t, &rq->rt.list[w * 64 + __builtin_ctzll(bits)], rt.run_list) {
				if (t == rq->curr || t->on_cpu || t->nr_cpus_allowed == 1 || t->migration_disabled)
					continue;
				if (to < 0 || cpumask_test(to, &t->cpus_allowed))
					return t;
			}
		}
	return NULL;
}

// This queue has more RT tasks than its CPU: asks a CPU with something less urgent to take one. It pulls under its own
// locks, so that nothing is dropped here in the middle of a switch.
void rt_push(struct rq *rq)
{
	struct task *t = pushable(rq, -1);
	int cpu = t ? least_urgent_cpu(t, rq->cpu) : -1;

	if (cpu < 0)
		return;
	struct task *curr = READ_ONCE(cpu_rq(cpu)->curr);
	task_work_set(curr, WORK_RESCHED);
	arch_ipi_send(cpu, IPI_RESCHED);
}

// About to run something less urgent than what waits elsewhere? Takes the most urgent of that.
void rt_pull(struct rq *rq) NO_LOCK_ANALYSIS
{
	for_each_cpu(cpu, &rt_overload_mask) {
		struct rq *from = cpu_rq(cpu);
		if (from == rq)
			continue;
		rq_lock_other(rq, from);
		struct task *t = from->rt.nr_running > 1 ? pushable(from, rq->cpu) : NULL;
		if (t && t->prio < highest_prio(&rq->rt)) {
			WRITE_ONCE(t->on_rq, ON_RQ_MIGRATING);
			rt_dequeue(from, t);
			WRITE_ONCE(t->cpu, rq->cpu);
			rt_enqueue(rq, t, ENQ_MOVED);
			WRITE_ONCE(t->on_rq, ON_RQ_QUEUED);
		}
		spin_unlock_raw(&from->lock);
	}
}
