// port/irq.h - host: the interrupt flag is a word of the CPU's; what is pending is taken when it is cleared. So interrupts come at
// irq_enable(), irq_restore(), cpu_relax() and cpu_idle() only.
#pragma once
#include "../../host.h"

#define IRQ_VECTOR_FIRST 0x30u
#define IRQ_VECTOR_LAST 0xefu
#define NR_IRQ_VECTORS (IRQ_VECTOR_LAST - IRQ_VECTOR_FIRST + 1)

void host_take_interrupts(void);

static inline unsigned long irq_flags(void)
{
	return host_this()->irqs_off;
}

static inline bool irq_flags_off(unsigned long flags)
{
	return flags;
}

static inline bool irqs_disabled(void)
{
	return irq_flags();
}

static inline void irq_disable(void)
{
	host_this()->irqs_off = 1;
}

static inline void irq_enable(void)
{
	host_this()->irqs_off = 0;
	host_take_interrupts();
}

static inline unsigned long irq_save(void)
{
	struct host_cpu *c = host_this();
	unsigned long f = c->irqs_off;
	c->irqs_off = 1;
	return f;
}

static inline void irq_restore(unsigned long flags)
{
	if (!flags)
		irq_enable();
}

static inline void irqchip_eoi(void)
{
}
