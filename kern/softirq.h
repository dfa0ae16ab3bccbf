// kern/softirq.h - work at interrupt exit: at most 10 rounds or 2 ms, then the CPU's softirq thread.
#pragma once
#include "kern/preempt.h"

enum softirq { SOFTIRQ_TIMER, SOFTIRQ_NET, SOFTIRQ_BLOCK, SOFTIRQ_RCU, NR_SOFTIRQS };

void softirq_set_handler(enum softirq nr, void (*fn)(void));	// during start-up
void softirq_raise(enum softirq nr);		// this CPU; any context but the scheduler's own
// The same without waking the softirq thread: it runs at the next interrupt exit, local_bh_enable() or idle entry.
static inline void softirq_raise_lazy(enum softirq nr)
{
	this_cpu_or(cpu_hot.softirq_pending, 1u << nr);
}

static inline bool softirq_pending(void)
{
	return this_cpu_read(cpu_hot.softirq_pending);
}
// Runs what is pending, interrupts off on entry and exit. Called by irq_exit(), the softirq thread and the idle loop.
void softirq_run(void);
// Entry code brackets every hard interrupt with these. irq_exit() runs softirqs; it does not reschedule.
void irq_enter(void);
void irq_exit(void);
// Upcalls: defined in sched/core.c
void softirq_wake_thread(void);
