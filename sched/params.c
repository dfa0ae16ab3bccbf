// Policy, priority, nice value and affinity of a task.
#include "rq.h"
#include "sched/waitq.h"

#define POLICY_FIFO 1
#define FLAG_RESET_ON_FORK 1u
#define FLAG_KEEP_POLICY 8u
#define FLAG_KEEP_PARAMS 0x10u

// Locks t's place in the scheduler: pi_lock, then the queue. Interrupts off.
static struct rq *lock_place(struct task *t, unsigned long *flags) NO_LOCK_ANALYSIS
{
	*flags = irq_save();
	preempt_disable();
	spin_lock_raw(&t->pi_lock);
	struct rq *rq = task_rq_lock(t);
	rq_update_clock(rq);
	return rq;
}

static void unlock_place(struct task *t, struct rq *rq, unsigned long flags) NO_LOCK_ANALYSIS
{
	spin_unlock_raw(&rq->lock);
	spin_unlock_raw(&t->pi_lock);
	irq_restore(flags);
	preempt_enable();
}

// A task that sleeps with delayed dequeue leaves its queue now. True: t is queued and awake.
static bool settle(struct rq *rq, struct task *t) REQUIRES(&rq->lock)
{
	if (t->on_rq != ON_RQ_QUEUED)
		return false;
	if (!t->se.delayed)
		return true;
	fair_dequeue(rq, t, DEQ_SLEEP | DEQ_NODELAY);
	store_release(&t->on_rq, 0);
	return false;
}

static bool is_rt_policy(int policy)
{
	return policy == 1 || policy == 2;
}

static void set_prio(struct task *t, int policy, int nice, int rt_priority)
{
	t->policy = policy;
	t->static_prio = NICE_TO_PRIO(nice);
	t->rt_priority = rt_priority;
	t->normal_prio = is_rt_policy(policy) ? MAX_RT_PRIO - 1 - rt_priority : t->static_prio;
	t->prio = t->normal_prio;
}

static void change_prio(struct rq *rq, struct task *t, int policy, int nice, int rt_priority) REQUIRES(&rq->lock)
{
	int old = t->prio;
	bool was_fair = task_is_fair(t), fair = !is_rt_policy(policy);

	if (was_fair && fair) {
		set_prio(t, policy, nice, rt_priority);
		fair_set_weight(rq, t);
		return;
	}
	bool queued = settle(rq, t);
	if (queued)
		dequeue_task(rq, t, DEQ_NODELAY);
	set_prio(t, policy, nice, rt_priority);
	if (fair)
		fair_set_weight(rq, t);
	else
		t->rt.time_slice = sched_rr_slice;
	if (!queued)
		return;
	// A lowered real-time priority goes to the head of its list, a raised one to the tail: sched(7).
	enqueue_task(rq, t, old < t->prio ? ENQ_HEAD : 0);
	if (rq->curr != t)
		wakeup_preempt(rq, t);
	else
		resched_curr(rq, WORK_RESCHED);
}

int sched_set_params(struct task *t, const struct sched_params *p) NO_LOCK_ANALYSIS	// lock_place()'s locks
{
	int policy = p->policy < 0 || p->flags & FLAG_KEEP_POLICY ? t->policy : p->policy;
	bool keep = p->flags & FLAG_KEEP_PARAMS;
	int nice = keep ? PRIO_TO_NICE(t->static_prio) : CLAMP(p->nice, -20, 19);
	int rt_priority = keep ? t->rt_priority : p->rt_priority;

	if (policy != 0 && policy != 1 && policy != 2 && policy != 3 && policy != 5)
		return -EINVAL;
	if (rt_priority < 0 || rt_priority > MAX_RT_PRIO - 1 || is_rt_policy(policy) != (rt_priority != 0))
		return -EINVAL;
	if (is_rt_policy(policy))	// keeps the nice value that it has for the way back
		nice = PRIO_TO_NICE(t->static_prio);
	unsigned long flags;
	struct rq *rq = lock_place(t, &flags);
	t->reset_on_fork = !!(p->flags & FLAG_RESET_ON_FORK);
	if (!is_rt_policy(policy) && !keep && policy != 5 && !(t->on_rq && rq->curr != t))
		fair_set_slice(t, p->runtime);
	change_prio(rq, t, policy, nice, rt_priority);
	unlock_place(t, rq, flags);
	return 0;
}

void sched_get_params(struct task *t, struct sched_params *p)
{
	*p = (struct sched_params){
		.policy = t->policy,
		.nice = PRIO_TO_NICE(t->static_prio),
		.rt_priority = t->rt_priority,
		.runtime = is_rt_policy(t->policy) ? 0 : t->se.slice,
		.flags = t->reset_on_fork ? FLAG_RESET_ON_FORK : 0,
	};
}

void sched_set_nice(struct task *t, int nice) NO_LOCK_ANALYSIS	// lock_place()'s locks
{
	unsigned long flags;
	struct rq *rq = lock_place(t, &flags);

	change_prio(rq, t, t->policy, CLAMP(nice, -20, 19), t->rt_priority);
	unlock_place(t, rq, flags);
}

u64 sched_rr_interval(struct task *t)
{
	switch (t->policy) {
	case 2:
		return sched_rr_slice;
	case POLICY_FIFO:
		return 0;
	default:
		return t->se.slice;
	}
}

// ---- affinity ---------------------------------------------------------------------------------------------------------

void sched_get_affinity(struct task *t, struct cpumask *m)
{
	unsigned long flags = spin_lock_irqsave(&t->pi_lock);
	*m = t->cpus_allowed;
	spin_unlock_irqrestore(&t->pi_lock, flags);
}

// t is queued, does not run, and may not stay on rq: moves it. Interrupts off, pi_lock held.
static void move_away(struct rq *rq, struct task *t) NO_LOCK_ANALYSIS
{
	struct rq *to = cpu_rq(select_fallback_cpu(t));

	rq_lock_other(rq, to);
	// The lock may have been dropped: look again.
	if (t->on_rq == ON_RQ_QUEUED && task_rq(t) == rq && rq->curr != t && !t->on_cpu && to != rq) {
		rq_update_clock(to);
		if (settle(rq, t))
			move_queued_task(rq, to, t);
	}
	spin_unlock_raw(&to->lock);
}

// t runs where it must not: its CPU sends it away at its next schedule_core().
static void force_off(struct task *t) NO_LOCK_ANALYSIS	// lock_place()'s locks
{
	unsigned long flags;
	struct rq *rq = lock_place(t, &flags);

	if (t->on_rq == ON_RQ_QUEUED && !task_may_run_on(t, rq->cpu)) {
		if (rq->curr == t || t->on_cpu)
			resched_curr(rq, WORK_RESCHED);
		else
			move_away(rq, t);
	}
	unlock_place(t, rq, flags);
}

static bool is_misplaced(struct task *t)
{
	return READ_ONCE(t->on_rq) && t != current && !task_may_run_on(t, READ_ONCE(t->cpu));
}

int sched_set_affinity(struct task *t, const struct cpumask *m)
{
	struct cpumask usable;
	unsigned long flags;

	if (!cpumask_and(&usable, m, &cpu_online_mask))
		return -EINVAL;
	cpumask_and(&usable, m, &cpu_possible_mask);
	struct rq *rq = lock_place(t, &flags);
	t->cpus_allowed = usable;
	t->nr_cpus_allowed = cpumask_weight(&usable);
	unlock_place(t, rq, flags);
	force_off(t);
	// Running tasks leave at their next interrupt; usually that is before we get here.
	for (int i = 0; is_misplaced(t) && i < 1000; i++)
		cpu_relax();
	while (is_misplaced(t)) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout(NSEC_PER_MSEC);
		force_off(t);	// it may have been preempted there before it was sent away
	}
	return 0;
}
