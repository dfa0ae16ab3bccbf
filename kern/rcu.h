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
// Sleeps until all readers that are running now are done. Context: task.
void synchronize_rcu(void);
void synchronize_rcu_expedited(void);	// by IPI; costs every CPU an interrupt
// Sleeps until all callbacks queued so far on all CPUs have run.
void rcu_barrier(void);

// Hooks of the scheduler and entry code: this CPU is at a quiescent state. Interrupts off.
void rcu_note_switch(void);
void rcu_enter_idle(void);
void rcu_exit_idle(void);
// Called by the tick in user mode or idle, and to ask for a tick while callbacks wait.
void rcu_tick(bool user);
bool rcu_needs_cpu(void);
void rcu_init(void);
void rcu_cpu_online(int cpu);

// SRCU: readers may sleep; each domain waits only for its own readers.
struct srcu {
	struct srcu_cpu __percpu *cpu SET_ONCE;
	u32 idx ATOMIC;
	void *writer SET_ONCE;		// mutex and state of synchronize_srcu()
};
MUST_CHECK int srcu_init(struct srcu *s);
void srcu_destroy(struct srcu *s);
MUST_CHECK int srcu_read_lock(struct srcu *s);
void srcu_read_unlock(struct srcu *s, int idx);
void synchronize_srcu(struct srcu *s);
