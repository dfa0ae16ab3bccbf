// sched/srcu.h - RCU whose readers may sleep: each domain waits only for its own readers. Code: rcu_sync.c.
#pragma once
#include "arch/barrier.h"
#include "kern/percpu_alloc.h"
#include "kern/preempt.h"
#include "sched/mutex.h"

struct srcu_cpu {
	u64 lock[2];		// readers that entered and left under each index, on this CPU
	u64 unlock[2];
};

struct srcu {
	struct srcu_cpu __percpu *cpu SET_ONCE;
	u32 idx ATOMIC;		// low bit: the index of new readers. Written under writer
	struct mutex writer;
};

// 0 or -ENOMEM. Context: task.
MUST_CHECK int srcu_init(struct srcu *s, struct lock_class *writer_class);
void srcu_destroy(struct srcu *s);	// no reader is left
// Returns the index that srcu_read_unlock() wants. Context: any; the reader may sleep and migrate.
MUST_CHECK static inline int srcu_read_lock(struct srcu *s)
{
	int idx = (int)(READ_ONCE(s->idx) & 1);
	this_cpu_inc(s->cpu->lock[idx]);
	smp_mb();	// the count before what is read; pairs with readers_gone()
	return idx;
}

static inline void srcu_read_unlock(struct srcu *s, int idx)
{
	smp_mb();	// what was read before the count; pairs with readers_gone()
	this_cpu_inc(s->cpu->unlock[idx]);
}

// Sleeps until all readers of the domain that are running now are done. Context: task.
void synchronize_srcu(struct srcu *s);
