// Calls on other CPUs, and irq_work.
//
// Each CPU has a lock-free list of calls to run; who makes it non-empty sends the interrupt. A caller that must not wait for memory uses the
// descriptors that each CPU has for each target.
#include "kern/smp.h"
#include "arch/irq.h"
#include "kern/panic.h"
#include "kern/percpu_alloc.h"
#include "kern/preempt.h"

STATIC_PER_CPU(struct llist_head, call_queue);
STATIC_PER_CPU(struct irq_work *, irq_works);
// This CPU's descriptors, one per target; only a task with preemption off uses them, so that one call at a time claims them.
static struct smp_call __percpu *smp_calls;	// SET_ONCE

void smp_init(void)
{
	smp_calls = percpu_alloc((size_t)nr_cpu_ids * sizeof(struct smp_call), 8);
	if (!smp_calls)
		panic("no memory for cross-CPU calls");
}

// ---- receiving ----

static void run_calls(void)
{
	struct llist_node *n = llist_reverse_order(llist_del_all(this_cpu_ptr(&call_queue)));
	struct smp_call *c, *t;
	llist_for_each_entry_safe(c, t, n, node) {
		void (*fn)(void *) = c->fn;
		void *arg = c->arg;
		if (READ_ONCE(c->busy) == 2) {	// the caller waits for the end
			fn(arg);
			store_release(&c->busy, 0);
		} else {
			store_release(&c->busy, 0);
			fn(arg);
		}
	}
}

static void run_irq_works(void)
{
	struct irq_work *w = this_cpu_xchg(irq_works, (struct irq_work *)NULL);
	while (w) {
		struct irq_work *next = w->next;
		store_release(&w->queued, 0);	// from here on it may be queued again
		w->fn(w);
		w = next;
	}
}

void smp_handle_call_ipi(void)
{
	run_calls();
	run_irq_works();
}

void irq_work_queue(struct irq_work *w)
{
	u32 free = 0;
	if (!try_cmpxchg(&w->queued, &free, 1))
		return;
	preempt_disable();
	struct irq_work *old = this_cpu_read(irq_works), *seen;
	for (;; old = seen) {
		w->next = old;
		seen = this_cpu_cmpxchg(irq_works, old, w);
		if (seen == old)
			break;
	}
	if (!old)
		arch_ipi_send((u32)cpu_id(), IPI_CALL);
	preempt_enable();
}

// ---- sending ----

bool smp_call_async(int cpu, struct smp_call *c, void (*fn)(void *arg), void *arg)
{
	u32 free = 0;
	if (!try_cmpxchg_acquire(&c->busy, &free, 1))
		return false;
	c->fn = fn;
	c->arg = arg;
	if (llist_add(&c->node, per_cpu_ptr(&call_queue, cpu)))
		arch_ipi_send((u32)cpu, IPI_CALL);
	return true;
}

static void call_self(void (*fn)(void *arg), void *arg)
{
	unsigned long flags = irq_save();
	fn(arg);
	irq_restore(flags);
}

// Queues the call; true if the target needs an interrupt.
static bool call_post(int cpu, struct smp_call *mine, void (*fn)(void *arg), void *arg, bool wait)
{
	while (load_acquire(&mine->busy))	// an earlier call that nobody waited for
		cpu_relax();
	mine->fn = fn;
	mine->arg = arg;
	WRITE_ONCE(mine->busy, wait ? 2 : 1);
	return llist_add(&mine->node, per_cpu_ptr(&call_queue, cpu));
}

void smp_call_mask(const struct cpumask *m, void (*fn)(void *arg), void *arg, bool wait)
{
	DEBUG_ASSERT(!in_interrupt() && !irqs_disabled());
	preempt_disable();
	int self = cpu_id();
	struct smp_call *mine = this_cpu_ptr(smp_calls);
	struct cpumask sent = { 0 }, kick = { 0 };
	for_each_cpu(cpu, m) {
		if (cpu == self || !cpumask_test(cpu, &cpu_online_mask))
			continue;
		cpumask_set(cpu, &sent);
		if (call_post(cpu, &mine[cpu], fn, arg, wait))
			cpumask_set(cpu, &kick);
	}
	if (!cpumask_empty(&kick))
		arch_ipi_send_mask(&kick, IPI_CALL);
	if (cpumask_test(self, m))
		call_self(fn, arg);
	if (wait)
		for_each_cpu(cpu, &sent)
			while (load_acquire(&mine[cpu].busy))
				cpu_relax();
	preempt_enable();
}

void smp_call_cpu(int cpu, void (*fn)(void *arg), void *arg, bool wait)
{
	DEBUG_ASSERT(!in_interrupt() && !irqs_disabled());
	preempt_disable();
	if (cpu == cpu_id()) {
		call_self(fn, arg);
	} else if (cpumask_test(cpu, &cpu_online_mask)) {
		struct smp_call *mine = this_cpu_ptr(smp_calls) + cpu;
		if (call_post(cpu, mine, fn, arg, wait))
			arch_ipi_send((u32)cpu, IPI_CALL);
		while (wait && load_acquire(&mine->busy))
			cpu_relax();
	}
	preempt_enable();
}
