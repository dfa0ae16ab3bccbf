// kern/softirq.h - work at interrupt exit: at most 10 rounds or 2 ms, then the CPU's softirq thread.
#pragma once
#include "kern/preempt.h"

enum softirq { SOFTIRQ_TIMER, SOFTIRQ_NET, SOFTIRQ_BLOCK, SOFTIRQ_RCU, NR_SOFTIRQS };

void softirq_set_handler(enum softirq nr, void (*fn)(void));	// during start-up
void softirq_raise(enum softirq nr);		// this CPU; any context
void softirq_run(void);				// pending softirqs, interrupts off on entry and exit
// Entry code brackets every hard interrupt with these. irq_exit() runs softirqs.
void irq_enter(void);
void irq_exit(void);
// Upcalls: defined in sched/core.c
void softirq_wake_thread(void);
