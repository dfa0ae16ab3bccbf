// The idle loop, and the making of idle tasks and run queues.
#include "rq.h"
#include "arch/thread.h"
#include "kern/softirq.h"

// CPU 0's idle task. The port runs it from the first instruction; task/ fills in what it owns.
struct task init_task = {
	.state = TASK_RUNNING,
	.flags = PF_KTHREAD | PF_IDLE,
	.ref = REF_INIT(2),
	.static_prio = DEFAULT_PRIO,
	.normal_prio = PRIO_IDLE,
	.prio = PRIO_IDLE,
	.on_cpu = 1,
	.on_rq = ON_RQ_QUEUED,
	.comm = "swapper/0",
	.se = { .weight = 1024 },
};

// Its run queue is made with interrupts still off, before anything else on the CPU schedules.
static void rq_init(struct rq *rq, int cpu)
{
	spin_init(&rq->lock, &rq_lock_class);
	rq->cpu = cpu;
	fair_rq_init(&rq->fair);
	rt_rq_init(&rq->rt);
	init_llist_head(&rq->wake_list);
}

// The task that runs on this CPU becomes its idle task.
static void become_idle(struct task *t, int cpu) NO_LOCK_ANALYSIS	// its CPU does not run yet
{
	struct rq *rq = cpu_rq(cpu);

	t->flags |= PF_IDLE | PF_KTHREAD;
	t->policy = 0;
	t->static_prio = DEFAULT_PRIO;
	t->normal_prio = t->prio = PRIO_IDLE;
	t->state = TASK_RUNNING;
	t->cpu = cpu;
	t->on_cpu = 1;
	t->on_rq = ON_RQ_QUEUED;
	t->cpus_allowed = (struct cpumask){};
	cpumask_set(cpu, &t->cpus_allowed);
	t->nr_cpus_allowed = 1;
	rq->idle = rq->curr = t;
	rq->clock = rq->boot_clock = rq->idle_stamp = t->se.exec_start = sched_clock();
	rq->avg_idle = NSEC_PER_MSEC;
	rq->online = 1;
}

void sched_init(void)
{
	for_each_possible_cpu(cpu)
		rq_init(cpu_rq(cpu), cpu);
	fair_init();
	sched_task_init(current);
	fair_new_task(current);
	become_idle(current, this_cpu_read(cpu_hot.cpu));
}

void sched_cpu_online(int cpu)
{
	sched_task_init(current);
	fair_new_task(current);
	become_idle(current, cpu);
	fair_init();	// more CPUs: longer slices
}

// Sleeps until an interrupt, unless there is something to do. Interrupts off on entry and exit.
static void idle_wait(struct rq *rq)
{
	rcu_enter_idle();
	if (softirq_pending()) {
		rcu_exit_idle();
		softirq_run();
		return;
	}
	// An interrupt that comes from here on ends cpu_idle() at once.
	if (!(READ_ONCE(current->work) & WORK_RESCHED) && llist_empty(&rq->wake_list) && !READ_ONCE(rq->balance_kick)) {
		cpu_idle();
		irq_disable();
	}
	rcu_exit_idle();
}

void cpu_idle_loop(void)
{
	struct rq *rq = this_rq();

	// One level of preempt_count stays: interrupts return here, and tasks are switched by schedule_core() below only.
	irq_disable();
	for (;;) {
		while (!(READ_ONCE(current->work) & WORK_RESCHED)) {
			if (!llist_empty(&rq->wake_list))
				drain_wake_list(rq);
			else if (READ_ONCE(rq->balance_kick))
				break;	// schedule_core() looks for work elsewhere
			else
				idle_wait(rq);
		}
		if (READ_ONCE(rq->balance_kick)) {
			WRITE_ONCE(rq->balance_kick, 0);
			WRITE_ONCE(sched_overload, 1);
			rq->avg_idle = MAX(rq->avg_idle, (u64)NSEC_PER_MSEC);	// worth a search
		}
		schedule_core(SCHED_IDLE_LOOP);
	}
}
