// sched/rq.h - the scheduler's own: per-CPU run queues and what its files ask of each other. Protocol: docs/sched.md.
//
// Lock order: task.pi_lock > rq.lock; two run queue locks in the order of their CPUs' numbers. Both with interrupts off.
// There is no table of classes: idle < fair < RT is decided by task.prio (0..99 RT, 100..139 fair, PRIO_IDLE the idle task).
#pragma once
#include "arch/barrier.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/percpu.h"
#include "kern/panic.h"
#include "kern/smp.h"
#include "sched/sched.h"

#define PRIO_IDLE 140
#define TASK_WAKING 0x100u		// woken, on its way to a run queue

// task.on_rq. A task that sleeps with delayed dequeue keeps ON_RQ_QUEUED.
#define ON_RQ_QUEUED 1
#define ON_RQ_MIGRATING 2		// between two queues: whoever wants its queue waits, for a bounded time

// Reasons of an enqueue or dequeue.
#define ENQ_WAKEUP 1u
#define ENQ_INITIAL 2u			// first start
#define ENQ_MOVED 4u			// from another queue
#define ENQ_HEAD 8u			// RT: at the head of its priority
#define DEQ_SLEEP 0x10u
#define DEQ_NODELAY 0x20u		// must leave now (policy, affinity, exit)

// Rare things that finish_switch() has to do for the task that left.
#define AFTER_DEAD 1u
#define AFTER_MOVE 2u

// Where a task is to be placed: select_cpu().
enum place { PLACE_WAKE, PLACE_FORK, PLACE_EXEC };

// Fair class. Sums are over the tree; the running entity is not in the tree and is added where needed.
struct fair_rq {
	struct rb_root_cached tree;	// by deadline
	struct sched_entity *curr;	// the running entity while it counts as queued, or null
	u64 base;			// vruntimes are summed relative to this
	s64 sum;			// of weight * (vruntime - base)
	u64 load;			// of weight
	u32 nr_queued;			// with curr, with delayed ones
	u32 nr_running;			// without delayed ones
};

struct rt_rq {
	u64 bitmap[2];			// of non-empty lists; MAX_RT_PRIO bits
	u32 nr_running;
	u8 overloaded;			// in rt_overload_mask
	u8 throttled;
	u64 period_start;
	u64 used;			// ns of this period
	struct list_head list[MAX_RT_PRIO];
};

// user nice system idle iowait irq softirq steal: order of sched_cpu_times().
enum cpu_stat { STAT_USER, STAT_NICE, STAT_SYSTEM, STAT_IDLE, STAT_IOWAIT, STAT_IRQ, STAT_SOFTIRQ, STAT_STEAL, NR_CPU_STATS };

struct rq {
	// --- read by other CPUs to find an idle or busy CPU ---
	struct spinlock lock;
	u32 nr_running ATOMIC;			// runnable tasks, the running one included; written under lock
	u32 cpu SET_ONCE;
	u32 after GUARDED_BY(&lock);		// AFTER_*
	struct task *curr ATOMIC;		// written under lock
	struct task *idle SET_ONCE;
	u64 clock GUARDED_BY(&lock);		// sched_clock() when last looked at
	u64 nr_switches;			// this CPU only

	struct fair_rq fair GUARDED_BY(&lock);

	// --- wake-ups from other CPUs: a line of their own ---
	struct llist_head wake_list CACHE_ALIGNED ATOMIC;
	u8 balance_kick ATOMIC;			// an idle CPU is asked to pull

	// --- rare ---
	s32 nr_uninterruptible CACHE_ALIGNED;	// sleeps started minus ended here: only the sum over CPUs means anything
	struct atomic nr_iowait;
	u8 online;
	u64 idle_stamp;				// when this CPU went idle, 0 when it is not
	u64 avg_idle;				// of recent idle periods
	u64 next_balance;
	u32 scan_from;				// where the next search for work starts
	u64 boot_clock;				// clock when the CPU came up
	u64 accounted;				// busy ns already given to a stat
	u64 stat[NR_CPU_STATS];
	struct rt_rq rt GUARDED_BY(&lock);
} CACHE_ALIGNED;

DECLARE_PER_CPU(struct rq, runqueues);
extern struct lock_class rq_lock_class;
extern u32 sched_lazy_bit;		// WORK_RESCHED_LAZY, or WORK_RESCHED for preempt=full

static ALWAYS_INLINE struct rq *this_rq(void)
{
	return this_cpu_ptr(&runqueues);
}

static ALWAYS_INLINE struct rq *cpu_rq(int cpu)
{
	return per_cpu_ptr(&runqueues, cpu);
}

static ALWAYS_INLINE struct rq *task_rq(const struct task *t)
{
	return cpu_rq(READ_ONCE(t->cpu));
}

static ALWAYS_INLINE bool task_is_fair(const struct task *t)
{
	return t->prio >= MAX_RT_PRIO;
}

static ALWAYS_INLINE bool rq_is_idle(struct rq *rq)	// a guess when the lock is not held
{
	return READ_ONCE(rq->nr_running) == 0 && llist_empty(&rq->wake_list);
}

static ALWAYS_INLINE bool task_may_run_on(const struct task *t, int cpu)
{
	if (unlikely(t->migration_disabled))
		return (int)t->cpu == cpu;
	return cpumask_test(cpu, &t->cpus_allowed);
}

// core.c
void resched_curr(struct rq *rq, u32 bit) REQUIRES(&rq->lock);		// WORK_RESCHED or sched_lazy_bit
struct rq *task_rq_lock(struct task *t);		// interrupts off, pi_lock held or t pinned otherwise
void rq_lock_two(struct rq *a, struct rq *b);
void rq_unlock_two(struct rq *a, struct rq *b);
void rq_lock_other(struct rq *mine, struct rq *other);	// mine is held, may be dropped and retaken
void enqueue_task(struct rq *rq, struct task *t, u32 flags) REQUIRES(&rq->lock);
bool dequeue_task(struct rq *rq, struct task *t, u32 flags) REQUIRES(&rq->lock);	// false: stays queued until its lag is 0
void activate_task(struct rq *rq, struct task *t, u32 flags) REQUIRES(&rq->lock);
void wakeup_preempt(struct rq *rq, struct task *t) REQUIRES(&rq->lock);	// t was queued: does it preempt?
void move_queued_task(struct rq *from, struct rq *to, struct task *t) REQUIRES(&from->lock, &to->lock);	// both locked; t queued, not running
void sched_task_init(struct task *t);
void sched_init_cpu(int cpu);

static inline void rq_update_clock(struct rq *rq) REQUIRES(&rq->lock)
{
	WRITE_ONCE(rq->clock, sched_clock());	// the tick reads it without the lock
}

// fair.c
extern u32 sched_base_slice;				// ns, unscaled
extern const u32 sched_nice_weight[40];
void fair_init(void);
void fair_rq_init(struct fair_rq *f);
void fair_update_curr(struct rq *rq) REQUIRES(&rq->lock);			// rq->clock is fresh
void fair_enqueue(struct rq *rq, struct task *t, u32 flags) REQUIRES(&rq->lock);
bool fair_dequeue(struct rq *rq, struct task *t, u32 flags) REQUIRES(&rq->lock);
void fair_undelay(struct rq *rq, struct task *t) REQUIRES(&rq->lock);	// woken while delayed
struct task *fair_pick(struct rq *rq) REQUIRES(&rq->lock);			// null: none. The pick is not taken out
void fair_put_prev(struct rq *rq, struct task *t) REQUIRES(&rq->lock);
void fair_set_next(struct rq *rq, struct task *t) REQUIRES(&rq->lock);
void fair_wakeup_preempt(struct rq *rq, struct task *t) REQUIRES(&rq->lock);
void fair_yield(struct rq *rq) REQUIRES(&rq->lock);
void fair_tick(struct rq *rq) REQUIRES(&rq->lock);
void fair_set_weight(struct rq *rq, struct task *t) REQUIRES(&rq->lock);	// from policy and nice; t queued here or nowhere
void fair_set_slice(struct task *t, u64 ns);		// 0: default
void fair_new_task(struct task *t);

// rt.c
extern s32 sched_rt_runtime;				// us, -1: unlimited
extern u32 sched_rt_period;
extern u64 sched_rr_slice;				// ns
void rt_rq_init(struct rt_rq *rt);
void rt_enqueue(struct rq *rq, struct task *t, u32 flags) REQUIRES(&rq->lock);
void rt_dequeue(struct rq *rq, struct task *t) REQUIRES(&rq->lock);
struct task *rt_pick(struct rq *rq) REQUIRES(&rq->lock);			// null: none, or throttled while fair tasks wait
void rt_update_curr(struct rq *rq) REQUIRES(&rq->lock);
void rt_yield(struct rq *rq) REQUIRES(&rq->lock);
void rt_tick(struct rq *rq) REQUIRES(&rq->lock);
void rt_wakeup_preempt(struct rq *rq, struct task *t) REQUIRES(&rq->lock);
int rt_select_cpu(struct task *t);
void rt_pull(struct rq *rq) REQUIRES(&rq->lock);				// may drop and retake rq->lock
void rt_push(struct rq *rq) REQUIRES(&rq->lock);
bool rt_work_elsewhere(void);

// balance.c
int select_cpu(struct task *t, enum place why);		// pi_lock held
int select_fallback_cpu(struct task *t);		// some online CPU of its mask
bool newidle_balance(struct rq *rq) REQUIRES(&rq->lock);			// may drop and retake rq->lock. True: something was pulled
void balance_tick(struct rq *rq);			// no lock held, interrupts off
extern u8 sched_overload;				// some CPU had two runnable tasks since it was cleared
void balance_idle_kick(struct rq *rq);

// stats.c
void stats_tick(struct rq *rq, bool user) REQUIRES(&rq->lock);
void loadavg_update(u64 now);
void task_exec_account(struct task *t);

// idle.c
void drain_wake_list(struct rq *rq);
// The one place where tasks are switched. Interrupts off and one level of preempt_count on entry and exit.
enum sched_mode { SCHED_SLEEP, SCHED_PREEMPT, SCHED_YIELD, SCHED_IDLE_LOOP };
void schedule_core(enum sched_mode mode);
