// The switch of tasks, and its neighbours: schedule(), wake-ups, preemption, start and end of tasks.
// The protocol (pi_lock, run queue lock, on_rq, on_cpu, wake list) is described in docs/sched.md; comments here cite it by letter.
#include "rq.h"
#include "arch/thread.h"
#include "kern/softirq.h"
#include "sched/waitq.h"

BUILD_ASSERT(offsetof(struct task, arch) == offsetof(struct task_head, arch));
BUILD_ASSERT(offsetof(struct task, state) == offsetof(struct task_head, state));

DEFINE_PER_CPU(struct rq, runqueues);
struct lock_class rq_lock_class = { .name = "rq", .ctx = LOCK_HARDIRQ, .nestable = 1 };
static struct lock_class pi_lock_class = { .name = "pi_lock", .ctx = LOCK_HARDIRQ };
STATIC_PER_CPU(struct task *, softirq_thread);
u32 sched_lazy_bit = WORK_RESCHED_LAZY;

// Somebody waits for a running task to leave a CPU that it may no longer use (sched_set_affinity).
static struct waitq move_waitq = WAITQ_INIT(move_waitq);

// ---- locks ------------------------------------------------------------------------------------------------------------

struct rq *task_rq_lock(struct task *t) NO_LOCK_ANALYSIS
{
	for (;;) {
		struct rq *rq = task_rq(t);
		spin_lock_raw(&rq->lock);
		if (likely(rq == task_rq(t) && READ_ONCE(t->on_rq) != ON_RQ_MIGRATING))
			return rq;
		spin_unlock_raw(&rq->lock);
		// The mover has interrupts off and is at most one queue lock away from the end.
		while (READ_ONCE(t->on_rq) == ON_RQ_MIGRATING)
			cpu_relax();
	}
}

void rq_lock_two(struct rq *a, struct rq *b) NO_LOCK_ANALYSIS
{
	struct rq *first = a->cpu < b->cpu ? a : b, *second = first == a ? b : a;
	spin_lock_raw(&first->lock);
	if (first != second)
		spin_lock_raw(&second->lock);
}

void rq_unlock_two(struct rq *a, struct rq *b) NO_LOCK_ANALYSIS
{
	spin_unlock_raw(&a->lock);
	if (a != b)
		spin_unlock_raw(&b->lock);
}

void rq_lock_other(struct rq *mine, struct rq *other) NO_LOCK_ANALYSIS
{
	if (mine->cpu < other->cpu) {
		spin_lock_raw(&other->lock);
		return;
	}
	spin_unlock_raw(&mine->lock);
	rq_lock_two(mine, other);
}

// ---- queueing ---------------------------------------------------------------------------------------------------------

void enqueue_task(struct rq *rq, struct task *t, u32 flags)
{
	if (likely(task_is_fair(t)))
		fair_enqueue(rq, t, flags);
	else
		rt_enqueue(rq, t, flags);
}

bool dequeue_task(struct rq *rq, struct task *t, u32 flags)
{
	if (likely(task_is_fair(t)))
		return fair_dequeue(rq, t, flags);
	rt_dequeue(rq, t);
	return true;
}

void activate_task(struct rq *rq, struct task *t, u32 flags)
{
	if (unlikely(t->in_load)) {
		t->in_load = 0;
		rq->nr_uninterruptible--;
	}
	enqueue_task(rq, t, flags);
	WRITE_ONCE(t->on_rq, ON_RQ_QUEUED);
}

void move_queued_task(struct rq *from, struct rq *to, struct task *t) REQUIRES(&from->lock, &to->lock)
{
	WRITE_ONCE(t->on_rq, ON_RQ_MIGRATING);
	dequeue_task(from, t, DEQ_NODELAY);
	WRITE_ONCE(t->cpu, to->cpu);
	enqueue_task(to, t, ENQ_MOVED);
	WRITE_ONCE(t->on_rq, ON_RQ_QUEUED);
	wakeup_preempt(to, t);
}

// ---- asking a CPU to reschedule ---------------------------------------------------------------------------------------

// Makes preempt_enable() of this CPU see what task->work says.
static ALWAYS_INLINE void fold_resched(void)
{
	this_cpu_and(cpu_hot.preempt_count, ~PREEMPT_NO_RESCHED);
}

void resched_curr(struct rq *rq, u32 bit)
{
	struct task *curr = rq->curr;

	if (curr == rq->idle)
		bit = WORK_RESCHED;	// idle never returns to user mode
	if (READ_ONCE(curr->work) & (WORK_RESCHED | bit))
		return;
	task_work_set(curr, bit);
	if (bit != WORK_RESCHED)
		return;
	if (rq->cpu == this_cpu_read(cpu_hot.cpu))
		fold_resched();
	else
		arch_ipi_send(rq->cpu, IPI_RESCHED);
}

void wakeup_preempt(struct rq *rq, struct task *t)
{
	struct task *curr = rq->curr;

	if (curr == rq->idle)
		resched_curr(rq, WORK_RESCHED);
	else if (unlikely(!task_is_fair(t)))
		rt_wakeup_preempt(rq, t);
	else if (likely(task_is_fair(curr)))
		fair_wakeup_preempt(rq, t);
}

void ipi_resched_arrived(void)
{
	struct rq *rq = this_rq();

	if (!llist_empty(&rq->wake_list))
		drain_wake_list(rq);
	if (READ_ONCE(current->work) & WORK_RESCHED)
		fold_resched();
}

void kick_task(struct task *t)
{
	preempt_disable();
	int cpu = READ_ONCE(t->cpu);
	// The caller set the work bit with a full barrier; the other CPU looks at it after interrupts on its way to user mode.
	if (cpu != (int)this_cpu_read(cpu_hot.cpu) && READ_ONCE(cpu_rq(cpu)->curr) == t)
		arch_ipi_send(cpu, IPI_RESCHED);
	preempt_enable();
}

int sched_set_preempt(const char *mode)
{
	bool full = mode[0] == 'f' && mode[1] == 'u' && mode[2] == 'l' && mode[3] == 'l' && !mode[4];
	bool lazy = mode[0] == 'l' && mode[1] == 'a' && mode[2] == 'z' && mode[3] == 'y' && !mode[4];
	if (!full && !lazy)
		return -EINVAL;
	WRITE_ONCE(sched_lazy_bit, full ? WORK_RESCHED : WORK_RESCHED_LAZY);
	return 0;
}

const char *sched_preempt_name(void)
{
	return READ_ONCE(sched_lazy_bit) == WORK_RESCHED ? "full" : "lazy";
}

// ---- wake-ups ---------------------------------------------------------------------------------------------------------

// t is asleep for its waker but still has a place on a queue: it has not called schedule() yet, or its dequeue is delayed.
static bool wake_queued(struct task *t) NO_LOCK_ANALYSIS
{
	bool woken = false;
	struct rq *rq = task_rq_lock(t);

	if (t->on_rq == ON_RQ_QUEUED) {
		if (t->se.delayed) {
			rq_update_clock(rq);
			if (unlikely(t->in_load)) {
				t->in_load = 0;
				rq->nr_uninterruptible--;
			}
			fair_undelay(rq, t);
		}
		WRITE_ONCE(t->state, TASK_RUNNING);
		if (!t->on_cpu)
			wakeup_preempt(rq, t);
		woken = true;
	}
	spin_unlock_raw(&rq->lock);
	return woken;
}

// Leaves the rest of the wake-up to another CPU: one list push, and one interrupt if the list was empty.
static void wake_remote(struct task *t, int cpu)
{
	struct rq *rq = cpu_rq(cpu);

	if (t->cpu != (u32)cpu)
		WRITE_ONCE(t->cpu, cpu);
	if (llist_add(&t->wake_entry, &rq->wake_list))
		arch_ipi_send(cpu, IPI_RESCHED);
}

static void wake_blocked(struct task *t) NO_LOCK_ANALYSIS
{
	WRITE_ONCE(t->state, TASK_WAKING);
	int here = this_cpu_read(cpu_hot.cpu);
	// (C) Still on its way off its CPU, which is another one: that CPU will have left it when it takes the list.
	if (unlikely(READ_ONCE(t->on_cpu)) && (int)t->cpu != here) {
		wake_remote(t, t->cpu);
		return;
	}
	while (unlikely(load_acquire(&t->on_cpu)))	// pairs with finish_switch()
		cpu_relax();
	int cpu = select_cpu(t, PLACE_WAKE);
	struct rq *rq = cpu_rq(cpu);
	if (cpu != here && rq_is_idle(rq)) {
		wake_remote(t, cpu);
		return;
	}
	if (t->cpu != (u32)cpu)
		WRITE_ONCE(t->cpu, cpu);
	spin_lock_raw(&rq->lock);
	rq_update_clock(rq);
	activate_task(rq, t, ENQ_WAKEUP);
	WRITE_ONCE(t->state, TASK_RUNNING);
	wakeup_preempt(rq, t);
	spin_unlock_raw(&rq->lock);
}

bool wake_up_state(struct task *t, u32 mask) NO_LOCK_ANALYSIS
{
	bool woken = false;

	preempt_disable();
	if (t == current) {	// runs, and so is queued: only the state has to change
		woken = READ_ONCE(t->state) & mask;
		if (woken)
			WRITE_ONCE(t->state, TASK_RUNNING);
		preempt_enable();
		return woken;
	}
	unsigned long flags = irq_save();
	spin_lock_raw(&t->pi_lock);
	smp_mb__after_atomic();		// (A) condition before state; pairs with set_current_state()
	if (READ_ONCE(t->state) & mask) {
		woken = true;
		smp_rmb();		// (B) state before on_rq; pairs with the queue lock in schedule_core()
		if (!READ_ONCE(t->on_rq) || !wake_queued(t)) {
			smp_rmb();	// (C) on_rq before on_cpu; pairs with the same
			wake_blocked(t);
		}
	}
	spin_unlock_raw(&t->pi_lock);
	irq_restore(flags);
	preempt_enable();
	return woken;
}

// Interrupts off, this CPU's queue.
void drain_wake_list(struct rq *rq) NO_LOCK_ANALYSIS
{
	struct llist_node *n = llist_reverse_order(llist_del_all(&rq->wake_list));
	struct task *t, *next;

	if (!n)
		return;
	spin_lock_raw(&rq->lock);
	rq_update_clock(rq);
	llist_for_each_entry_safe(t, next, n, wake_entry) {
		struct rq *to = rq;
		if (unlikely(!task_may_run_on(t, rq->cpu))) {	// its mask changed on the way
			to = cpu_rq(select_fallback_cpu(t));
			rq_lock_other(rq, to);
			rq_update_clock(to);
			WRITE_ONCE(t->cpu, to->cpu);
		}
		activate_task(to, t, ENQ_WAKEUP);
		WRITE_ONCE(t->state, TASK_RUNNING);
		wakeup_preempt(to, t);
		if (unlikely(to != rq))
			spin_unlock_raw(&to->lock);
	}
	spin_unlock_raw(&rq->lock);
}

// ---- the switch -------------------------------------------------------------------------------------------------------

// A running task lost its CPU from its mask; it has now left.
static void move_after_switch(struct task *t) NO_LOCK_ANALYSIS
{
	int cpu = select_fallback_cpu(t);
	struct rq *rq = cpu_rq(cpu);

	spin_lock_raw(&rq->lock);
	rq_update_clock(rq);
	WRITE_ONCE(t->cpu, cpu);
	enqueue_task(rq, t, ENQ_MOVED);
	store_release(&t->on_rq, ON_RQ_QUEUED);
	wakeup_preempt(rq, t);
	spin_unlock_raw(&rq->lock);
	waitq_wake_all(&move_waitq);
}

// On the new task's stack: lets go of the task that ran before. Interrupts off.
static ALWAYS_INLINE void finish_switch(struct rq *rq, struct task *prev) NO_LOCK_ANALYSIS
{
	u32 after = rq->after;

	lockcheck_acquire(&rq->lock);
	lockcheck_acquired(&rq->lock);
	store_release(&prev->on_cpu, 0);	// (C) its registers are saved; pairs with wake_blocked()
	if (unlikely(after)) {
		rq->after = 0;
		spin_unlock_raw(&rq->lock);
		if (after & AFTER_MOVE)
			move_after_switch(prev);
		if (after & AFTER_DEAD)
			task_put(prev);
		return;
	}
	spin_unlock_raw(&rq->lock);
}

// current goes to sleep: takes it off the queue, unless a signal forbids or its lag is negative.
static void block_current(struct rq *rq, struct task *prev, u32 state) REQUIRES(&rq->lock)
{
	if (unlikely(signal_pending_state(state, prev))) {
		WRITE_ONCE(prev->state, TASK_RUNNING);
		return;
	}
	if ((state & (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)) == TASK_UNINTERRUPTIBLE) {
		prev->in_load = 1;
		rq->nr_uninterruptible++;
	}
	if (unlikely(state & TASK_DEAD))
		rq->after |= AFTER_DEAD;
	u32 flags = DEQ_SLEEP;
	if (unlikely(!(state & TASK_NORMAL)))
		flags |= DEQ_NODELAY;	// it may be for long; dead tasks must not be found on a queue
	if (dequeue_task(rq, prev, flags))
		store_release(&prev->on_rq, 0);	// the last touch: a waker may now own it. (B)
}

static struct task *pick_next(struct rq *rq) REQUIRES(&rq->lock)
{
	struct task *t;

	if (unlikely(rt_work_elsewhere()))
		rt_pull(rq);
	do {
		// All runnable tasks are fair ones: the usual case needs no look at other classes.
		t = unlikely(rq->rt.nr_running) ? rt_pick(rq) : NULL;
		if (likely(!t) && rq->fair.nr_queued)
			t = fair_pick(rq);
	} while (!t && READ_ONCE(sched_overload) && newidle_balance(rq));
	return t ?: rq->idle;
}

static ALWAYS_INLINE void put_prev_set_next(struct rq *rq, struct task *prev, struct task *next) REQUIRES(&rq->lock)
{
	if (likely(task_is_fair(prev)) && prev != rq->idle)
		fair_put_prev(rq, prev);
	if (likely(task_is_fair(next)) && next != rq->idle)
		fair_set_next(rq, next);
	else
		next->se.exec_start = rq->clock;
}

// Idle's begin and end; true costs only on CPUs that really idle.
static void note_idle_change(struct rq *rq, struct task *next) REQUIRES(&rq->lock)
{
	if (next == rq->idle) {
		rq->idle_stamp = rq->clock;
		return;
	}
	u64 idle = rq->clock - rq->idle_stamp;
	rq->avg_idle += (s64)(idle - rq->avg_idle) / 8;
	rq->idle_stamp = 0;
	if (!this_cpu_read(tick_running))
		tick_start();
}

static void update_curr(struct rq *rq, struct task *prev) REQUIRES(&rq->lock)
{
	rq_update_clock(rq);
	if (prev == rq->idle) {
		prev->se.sum_exec += rq->clock - prev->se.exec_start;
		prev->se.exec_start = rq->clock;
	} else if (likely(task_is_fair(prev))) {
		fair_update_curr(rq);
	} else {
		rt_update_curr(rq);
	}
}

// current may not run here any more: it leaves its queue and gets a new one when its registers are saved.
static void leave_for_move(struct rq *rq, struct task *prev) REQUIRES(&rq->lock)
{
	WRITE_ONCE(prev->on_rq, ON_RQ_MIGRATING);
	dequeue_task(rq, prev, DEQ_NODELAY);
	rq->after |= AFTER_MOVE;
}

void schedule_core(enum sched_mode mode) NO_LOCK_ANALYSIS
{
	struct task *prev = current, *next;
	struct rq *rq = this_rq();
	u32 state;

	rcu_note_switch();
	spin_lock_raw(&rq->lock);
	smp_mb__after_atomic();	// current's stores before the load of its state; with (A)
	if (prev->work & (WORK_RESCHED | WORK_RESCHED_LAZY))
		task_work_clear(prev, WORK_RESCHED | WORK_RESCHED_LAZY);
	this_cpu_or(cpu_hot.preempt_count, PREEMPT_NO_RESCHED);
	update_curr(rq, prev);
	state = READ_ONCE(prev->state);
	u64 *switches = &prev->nivcsw;
	if (mode == SCHED_SLEEP && state != TASK_RUNNING) {
		block_current(rq, prev, state);
		switches = &prev->nvcsw;
	} else if (mode == SCHED_YIELD) {
		if (likely(task_is_fair(prev)))
			fair_yield(rq);
		else
			rt_yield(rq);
	}
	if (unlikely(!task_may_run_on(prev, rq->cpu)) && prev->on_rq && !prev->se.delayed && prev != rq->idle)
		leave_for_move(rq, prev);
	next = pick_next(rq);
	if (unlikely(next == prev)) {
		spin_unlock_raw(&rq->lock);
		return;
	}
	put_prev_set_next(rq, prev, next);
	if (prev == rq->idle || next == rq->idle)
		note_idle_change(rq, next);
	++*switches;
	rq->nr_switches++;
	WRITE_ONCE(next->on_cpu, 1);
	WRITE_ONCE(rq->curr, next);
	if (unlikely(rq->rt.nr_running > 1))
		rt_push(rq);
	lockcheck_release(&rq->lock);
	if (prev->mm != next->mm)
		mm_switch(prev, next);
	prev = arch_switch(prev, next);
	finish_switch(this_rq(), prev);	// perhaps another CPU than before the switch
}

void thread_first_run(struct task *prev)
{
	finish_switch(this_rq(), prev);
	irq_enable();
	preempt_enable();
}

static ALWAYS_INLINE bool resched_due(void)
{
	return unlikely(READ_ONCE(current->work) & WORK_RESCHED);
}

static ALWAYS_INLINE void schedule_loop(enum sched_mode mode)
{
	do {
		preempt_disable();
		irq_disable();
		schedule_core(mode);
		irq_enable();
		preempt_enable_no_resched();
		mode = SCHED_PREEMPT;
	} while (resched_due());
}

void schedule(void)
{
	might_sleep();
	if (unlikely(current->flags & PF_WORKER) && READ_ONCE(current->state) != TASK_RUNNING) {
		workqueue_worker_sleeping(current);
		schedule_loop(SCHED_SLEEP);
		workqueue_worker_running(current);
		return;
	}
	schedule_loop(SCHED_SLEEP);
}

long schedule_yield(void)
{
	// Nobody to yield to; the count is this CPU's own, a task that arrives meanwhile asks for a reschedule itself.
	if (READ_ONCE(this_rq()->nr_running) > 1 || READ_ONCE(this_rq()->fair.nr_queued) > 1)
		schedule_loop(SCHED_YIELD);
	return 0;
}

void preempt_schedule(void)
{
	// Called with the count at 0 and a reschedule due, also from inside interrupt-off regions: then the interrupt exit or the
	// next preempt_enable() does it.
	if (irqs_disabled())
		return;
	schedule_loop(SCHED_PREEMPT);
}

void preempt_schedule_irq(void)
{
	do {
		preempt_disable();
		schedule_core(SCHED_PREEMPT);
		preempt_enable_no_resched();
		if (!resched_due())
			break;
		irq_enable();	// lets interrupts in between rounds
		irq_disable();
	} while (resched_due());
}

// ---- the tick ---------------------------------------------------------------------------------------------------------

bool sched_tick_needed(void)
{
	struct rq *rq = this_rq();

	return READ_ONCE(rq->nr_running) || READ_ONCE(rq->curr) != rq->idle;
}

void sched_tick(bool user) NO_LOCK_ANALYSIS
{
	struct rq *rq = this_rq();
	struct task *curr = rq->curr;

	spin_lock_raw(&rq->lock);
	update_curr(rq, curr);
	if (curr != rq->idle) {
		if (likely(task_is_fair(curr)))
			fair_tick(rq);
		else
			rt_tick(rq);
		// What was asked for lazily has waited long enough.
		if (READ_ONCE(curr->work) & WORK_RESCHED_LAZY)
			resched_curr(rq, WORK_RESCHED);
	}
	stats_tick(rq, user);
	spin_unlock_raw(&rq->lock);
	loadavg_update(READ_ONCE(rq->clock));
	balance_tick(rq);
}

// ---- start and end of a task ------------------------------------------------------------------------------------------

void sched_task_init(struct task *t)
{
	t->state = TASK_NEW;
	t->on_rq = t->on_cpu = 0;
	t->in_load = t->in_iowait = 0;
	t->migration_disabled = 0;
	t->nvcsw = t->nivcsw = 0;
	t->last_wakeup = 0;
	t->utime = t->stime = t->utime_shown = t->stime_shown = 0;
	t->wake_entry.next = NULL;
	task_work_clear(t, WORK_RESCHED | WORK_RESCHED_LAZY);
	spin_init(&t->pi_lock, &pi_lock_class);
	INIT_LIST_HEAD(&t->rt.run_list);
	t->rt.time_slice = sched_rr_slice;
}

int sched_fork(struct task *child, unsigned long clone_flags)
{
	sched_task_init(child);
#ifdef CONFIG_LOCKCHECK
	child->locks.n = 0;
#endif
	if (unlikely(child->flags & PF_IDLE)) {	// start-up runs as CPU 0's idle task
		child->flags &= ~PF_IDLE;
		child->cpus_allowed = cpu_possible_mask;
		child->nr_cpus_allowed = cpumask_weight(&cpu_possible_mask);
		child->normal_prio = child->static_prio;
	}
	if (unlikely(child->reset_on_fork)) {
		if (!task_is_fair(child) || child->static_prio < DEFAULT_PRIO) {
			child->policy = 0;
			child->static_prio = DEFAULT_PRIO;
			child->rt_priority = 0;
		}
		child->reset_on_fork = 0;
		child->normal_prio = child->static_prio;
	}
	child->prio = child->normal_prio;
	fair_new_task(child);
	child->cpu = this_cpu_read(cpu_hot.cpu);
	return 0;
}

void wake_up_new(struct task *t) NO_LOCK_ANALYSIS
{
	preempt_disable();
	unsigned long flags = irq_save();
	spin_lock_raw(&t->pi_lock);
	WRITE_ONCE(t->state, TASK_RUNNING);
	int cpu = select_cpu(t, PLACE_FORK);
	struct rq *rq = cpu_rq(cpu);
	WRITE_ONCE(t->cpu, cpu);
	spin_lock_raw(&rq->lock);
	rq_update_clock(rq);
	activate_task(rq, t, ENQ_INITIAL);
	wakeup_preempt(rq, t);
	spin_unlock_raw(&rq->lock);
	spin_unlock_raw(&t->pi_lock);
	irq_restore(flags);
	preempt_enable();
}

void set_special_state(u32 state)
{
	// Under pi_lock: a waker that saw an older sleeping state cannot store TASK_RUNNING over it.
	unsigned long flags = spin_lock_irqsave(&current->pi_lock);
	WRITE_ONCE(current->state, state);
	spin_unlock_irqrestore(&current->pi_lock, flags);
	smp_mb();
}

void sched_exit(void)
{
	preempt_disable();
	set_special_state(TASK_DEAD);
	irq_disable();
	schedule_core(SCHED_SLEEP);
	panic("sched: a dead task ran again");
}

static void task_free_rcu(struct rcu_head *h)
{
	task_free(CONTAINER_OF(h, struct task, rcu));
}

void task_put(struct task *t)
{
	if (ref_put(&t->ref))
		call_rcu(&t->rcu, task_free_rcu);
}

// Somewhere better for a task that has no cache to lose: only if that place is idle and this one is not.
void sched_exec(void)
{
	struct task *t = current;

	if (t->nr_cpus_allowed == 1 || READ_ONCE(this_rq()->nr_running) < 2)
		return;
	unsigned long flags = spin_lock_irqsave(&t->pi_lock);
	int cpu = select_cpu(t, PLACE_EXEC);
	spin_unlock_irqrestore(&t->pi_lock, flags);
	if (cpu != (int)t->cpu && rq_is_idle(cpu_rq(cpu)))
		balance_idle_kick(cpu_rq(cpu));	// it pulls what waits behind us
}

#ifdef CONFIG_LOCKCHECK
struct lock_stack *task_lock_stack(void)
{
	return &current->locks;
}
#endif

void softirq_wake_thread(void)
{
	struct task *t = this_cpu_read(softirq_thread);

	if (t)
		wake_up_state(t, TASK_NORMAL);
}

void sched_set_softirq_thread(int cpu, struct task *t)
{
	per_cpu(softirq_thread, cpu) = t;
}
