// kern/cpu_hot.h - the one cache line that every kernel entry, lock and wake-up touches.
//
// Accessed with this_cpu_*() only. preempt_count counts the reasons why this CPU must not switch
// tasks; PREEMPT_NO_RESCHED is folded in inverted, so that "count is 0" means both "may switch" and
// "should switch": preempt_enable() is a decrement and a branch.
#pragma once
#include "arch/percpu.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct task;

struct cpu_hot {
	struct task *task;	// what `current` reads
	u32 preempt_count;
	u32 cpu;
	u64 kernel_stack;	// top of current's stack: where an entry from user mode starts
	u64 user_sp;		// scratch of the entry assembly
	u64 canary;		// of the stack protector; per task, switched with it
	u32 in_fault_disabled;	// > 0: a fault on a user address is not resolved, the copy fails
	u32 softirq_pending;	// bit per softirq, this CPU only
	struct mm *active_mm;	// whose page tables are loaded
	u64 reserved;
} CACHE_ALIGNED;

DECLARE_PER_CPU(struct cpu_hot, cpu_hot);

#ifndef THREAD_SAFETY_ANALYSIS
#define current (this_cpu_read_stable(cpu_hot.task))
#else
#define current (cpu_hot.task)		// one expression for the analysis: locks of current are the same lock each time
#endif
// The number of this CPU. The caller keeps itself on it, or wants a guess.
#define cpu_id() ((int)this_cpu_read(cpu_hot.cpu))

#define PREEMPT_ONE 0x1u
#define PREEMPT_MASK 0xffu
#define SOFTIRQ_ONE 0x100u
#define SOFTIRQ_MASK 0xff00u
#define HARDIRQ_ONE 0x10000u
#define HARDIRQ_MASK 0xf0000u
#define NMI_ONE 0x100000u
#define NMI_MASK 0xf00000u
#define PREEMPT_NO_RESCHED 0x80000000u
