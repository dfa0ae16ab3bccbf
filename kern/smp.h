// kern/smp.h - calls on other CPUs.
#pragma once
#include "kern/cpumask.h"

// Runs fn(arg) on the given CPUs (not this one unless it is set) in interrupt context; waits for all when wait is set.
// Context: interrupts on, preemption may be off; no locks that fn takes.
void smp_call_mask(const struct cpumask *m, void (*fn)(void *arg), void *arg, bool wait);
void smp_call_cpu(int cpu, void (*fn)(void *arg), void *arg, bool wait);
void smp_handle_call_ipi(void);		// the port's IPI_CALL handler
// irq_work: runs fn soon in hard interrupt context of this CPU; may be queued from NMI.
struct irq_work {
	struct irq_work *next;
	void (*fn)(struct irq_work *w);
	u32 queued ATOMIC;
};
void irq_work_queue(struct irq_work *w);
