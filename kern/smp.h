// kern/smp.h - calls on other CPUs. Code: smp.c.
#pragma once
#include "arch/cpu.h"
#include "kern/cpumask.h"
#include "lib/llist.h"

// Makes the queues. Context: boot CPU, after percpu_init().
void smp_init(void);
// Runs fn(arg) on the given online CPUs (on this one too if it is set) in hard interrupt context; waits for all when wait is set.
// Context: task or start-up, interrupts on, preemption may be off; no locks that fn takes.
void smp_call_mask(const struct cpumask *m, void (*fn)(void *arg), void *arg, bool wait);
void smp_call_cpu(int cpu, void (*fn)(void *arg), void *arg, bool wait);
void smp_handle_call_ipi(void);		// the port's IPI_CALL handler; hardirq context
// The same with a caller's own descriptor, never waiting: legal in any context but NMI. The descriptor is free again
// when fn starts (fn may reuse it). Returns false if it was still queued.
struct smp_call {
	struct llist_node node;
	void (*fn)(void *arg);
	void *arg;
	u32 busy ATOMIC;
};
bool smp_call_async(int cpu, struct smp_call *c, void (*fn)(void *arg), void *arg);
// irq_work: runs fn soon in hard interrupt context of this CPU; may be queued from NMI.
struct irq_work {
	struct irq_work *next;
	void (*fn)(struct irq_work *w);
	u32 queued ATOMIC;
};
void irq_work_queue(struct irq_work *w);
