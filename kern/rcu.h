// kern/rcu.h - read-copy-update.
//
// Readers only disable preemption and run bounded code: no sleep, no user copy that may fault. A grace period ends when every CPU has
// passed a context switch, user mode or idle; it is tracked through a mask tree of fan-out 64. Callbacks run in the rcu softirq of the CPU that queued them.
#pragma once
#include "arch/barrier.h"
#include "kern/preempt.h"

struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *head);
};

static ALWAYS_INLINE void rcu_read_lock(void)
{
	preempt_disable();
}

static ALWAYS_INLINE void rcu_read_unlock(void)
{
	preempt_enable();
}

#define rcu_dereference(p) ((typeof(*(p)) __force *)READ_ONCE(p))
#define rcu_dereference_protected(p) ((typeof(*(p)) __force *)(p))	// the writer's lock is held
#define rcu_assign_pointer(p, v) __atomic_store_n((typeof(*(p)) __force **)&(p), v, __ATOMIC_RELEASE)
#define RCU_INIT_POINTER(p, v) ((p) = (typeof(*(p)) __rcu __force *)(v))

// Calls fn(head) in softirq context after a grace period. Context: any with interrupts as they are; never fails.
void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head));
// Frees a kalloc()ed or cache object after a grace period, batched.
#define kfree_rcu(p, member) kfree_rcu_head(&(p)->member, p)
void kfree_rcu_head(struct rcu_head *head, void *object);
// Sleeps until all readers that are running now are done. Context: task. Code: sched/rcu_sync.c, as all that sleeps.
void synchronize_rcu(void);
void synchronize_rcu_expedited(void);	// by IPI; costs every CPU an interrupt
// Sleeps until all callbacks queued so far on all CPUs have run.
void rcu_barrier(void);

// True if this or (cpu) another CPU has callbacks that have not run. A hint, unless on this CPU with interrupts off.
bool rcu_cpu_has_callbacks(int cpu);
// Makes the grace period in progress, and while the count is raised each later one, end as soon as IPIs can.
void rcu_expedite(bool on);

// Hooks of the scheduler and entry code. Interrupts off.
void rcu_note_switch_slow(void);
extern u64 rcu_gp_seq;			// ATOMIC: odd while a grace period is in progress
DECLARE_PER_CPU(u64, rcu_seen_seq);	// the value that this CPU has dealt with
DECLARE_PER_CPU(u32, rcu_idle);		// this CPU's idle task is in extended quiescence
// At each context switch (even to the same task, when it was asked for).
static ALWAYS_INLINE void rcu_note_switch(void)
{
	if (unlikely(READ_ONCE(rcu_gp_seq) != this_cpu_read(rcu_seen_seq)))
		rcu_note_switch_slow();
}
// The idle loop, with interrupts off: rcu_enter_idle(); then if softirq_pending(), leave and softirq_run(); else halt. No reader in between.
void rcu_enter_idle(void);
void rcu_exit_idle(void);
// irq_enter() and irq_exit(): an interrupt out of idle may read.
void rcu_irq_enter_idle(void);
void rcu_irq_exit_idle(void);
static ALWAYS_INLINE void rcu_irq_enter(void)
{
	if (unlikely(this_cpu_read(rcu_idle)))
		rcu_irq_enter_idle();
}
static ALWAYS_INLINE void rcu_irq_exit(void)
{
	if (unlikely(this_cpu_read(rcu_idle)))
		rcu_irq_exit_idle();
}
// From the tick, in hard interrupt context. user: user mode was interrupted.
void rcu_tick(bool user);
// Whether this CPU needs a tick because callbacks wait.
bool rcu_needs_cpu(void);
void rcu_init(void);
void rcu_cpu_online(int cpu);		// before the CPU's first reader

// Upcalls: defined in time/tick.c.
// This CPU got its first callback: it needs a tick until rcu_needs_cpu() is false. Interrupts off; a leaf.
void tick_rcu_kick(void);
