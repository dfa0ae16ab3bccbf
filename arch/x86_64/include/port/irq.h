// port/irq.h - x86_64: the interrupt flag; vector numbers.
#pragma once

#define X86_FLAGS_IF 0x200ul

// 0x20-0x2f: where a stray 8259 would interrupt. 0xf0-0xff: see arch/x86_64/apic.h.
#define IRQ_VECTOR_FIRST 0x30u
#define IRQ_VECTOR_LAST 0xefu
#define NR_IRQ_VECTORS (IRQ_VECTOR_LAST - IRQ_VECTOR_FIRST + 1)

static ALWAYS_INLINE unsigned long irq_flags(void)
{
	unsigned long f;
	__asm__ volatile("pushfq; popq %0" : "=r"(f) : : "memory");
	return f;
}

static ALWAYS_INLINE bool irq_flags_off(unsigned long flags)
{
	return !(flags & X86_FLAGS_IF);
}

static ALWAYS_INLINE bool irqs_disabled(void)
{
	return irq_flags_off(irq_flags());
}

static ALWAYS_INLINE void irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static ALWAYS_INLINE void irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}

static ALWAYS_INLINE unsigned long irq_save(void)
{
	unsigned long f = irq_flags();
	irq_disable();
	return f;
}

static ALWAYS_INLINE void irq_restore(unsigned long flags)
{
	if (!irq_flags_off(flags))
		irq_enable();
}

void apic_eoi(void);

static inline void irqchip_eoi(void)
{
	apic_eoi();
}
