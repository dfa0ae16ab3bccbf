// Work at interrupt exit. Pending bits belong to one CPU and are changed with interrupts off (raising is one instruction).
#include "kern/softirq.h"
#include "arch/irq.h"
#include "arch/time.h"
#include "kern/panic.h"
#include "kern/rcu.h"
#include "kern/spinlock.h"

#define MAX_ROUNDS 10
#define MAX_MS 2

// SOFTIRQ_ONE is "serving"; disabling counts in twos.
#define BH_DISABLED (2 * SOFTIRQ_ONE)

static void (*softirq_handlers[NR_SOFTIRQS])(void);	// SET_ONCE during start-up

void softirq_set_handler(enum softirq nr, void (*fn)(void))
{
	softirq_handlers[nr] = fn;
}

void softirq_raise(enum softirq nr)
{
	unsigned long flags = irq_save();
	this_cpu_or(cpu_hot.softirq_pending, 1u << nr);
	// In an interrupt or with softirqs off, it runs when that ends.
	if (!in_interrupt())
		softirq_wake_thread();
	irq_restore(flags);
}

static void run_handlers(u32 pending)
{
	for (int nr = 0; pending; nr++, pending >>= 1)
		if ((pending & 1) && softirq_handlers[nr])
			softirq_handlers[nr]();
}

void softirq_run(void)
{
	if (in_interrupt() || !softirq_pending())
		return;
	u64 end = cycles_now() + (u64)MAX_MS * cycles_khz();
	this_cpu_add(cpu_hot.preempt_count, SOFTIRQ_ONE);
	barrier();
	u32 pending;
	int rounds = 0;
	do {
		pending = this_cpu_xchg(cpu_hot.softirq_pending, 0);
		irq_enable();
		run_handlers(pending);
		irq_disable();
		pending = this_cpu_read(cpu_hot.softirq_pending);
	} while (pending && ++rounds < MAX_ROUNDS && cycles_now() < end);
	barrier();
	this_cpu_sub(cpu_hot.preempt_count, SOFTIRQ_ONE);
	if (pending)
		softirq_wake_thread();
}

void irq_enter(void)
{
	this_cpu_add(cpu_hot.preempt_count, HARDIRQ_ONE);
	rcu_irq_enter();
}

void irq_exit(void)
{
	this_cpu_sub(cpu_hot.preempt_count, HARDIRQ_ONE);
	if (unlikely(softirq_pending()) && !in_interrupt())
		softirq_run();
	rcu_irq_exit();
}

void local_bh_disable(void)
{
	this_cpu_add(cpu_hot.preempt_count, BH_DISABLED);
	barrier();
}

void local_bh_enable(void)
{
	DEBUG_ASSERT(in_softirq());
	barrier();
	if (unlikely(softirq_pending()) && (preempt_count() & (SOFTIRQ_MASK | HARDIRQ_MASK | NMI_MASK)) == BH_DISABLED && !irqs_disabled()) {
		// Still not preemptible while they run, then leave as preempt_enable() does.
		this_cpu_sub(cpu_hot.preempt_count, BH_DISABLED - PREEMPT_ONE);
		irq_disable();
		softirq_run();
		irq_enable();
		preempt_enable();
		return;
	}
	this_cpu_sub(cpu_hot.preempt_count, BH_DISABLED - PREEMPT_ONE);
	preempt_enable();
}
