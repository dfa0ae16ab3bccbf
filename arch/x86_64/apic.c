// The local APIC: interrupt commands, end of interrupt, set-up of each CPU's. xAPIC by memory, x2APIC by MSRs.
#include "apic.h"

#include "arch/barrier.h"
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/io.h"
#include "arch/irq.h"
#include "arch/time.h"
#include "features.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/smp.h"
#include "x86.h"

#define APIC_BASE_X2APIC BIT(10)
#define APIC_BASE_ENABLE BIT(11)
#define APIC_BASE_ADDRESS 0x000ffffffffff000ull

static bool x2apic RO_AFTER_INIT;
static char *apic_page RO_AFTER_INIT;
static u32 error_count;	// reported errors; racy by nature, only a limit

u32 apic_read(u32 reg)
{
	return x2apic ? (u32)rdmsr(0x800 + reg / 16) : mmio_read32(apic_page + reg);
}

void apic_write(u32 reg, u32 v)
{
	if (x2apic)
		wrmsr(0x800 + reg / 16, v);
	else
		mmio_write32(apic_page + reg, v);
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

void apic_send(u32 apic_id, u32 command)
{
	if (x2apic) {
		// Writes to x2APIC registers may pass earlier stores (SDM 3A 11.12.3).
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(0x800 + APIC_ICR / 16, (u64)apic_id << 32 | command);
		return;
	}
	unsigned long flags = irq_save();
	while (apic_read(APIC_ICR) & ICR_BUSY)
		cpu_relax();
	apic_write(APIC_ICR2, apic_id << 24);
	apic_write(APIC_ICR, command);
	irq_restore(flags);
}

void apic_init_cpu(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE | (x2apic ? APIC_BASE_X2APIC : 0));
	apic_write(APIC_TPR, 0);
	apic_write(APIC_SVR, 0x100 | VECTOR_SPURIOUS);
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_NMI);
	apic_write(APIC_ESR, 0);
	apic_write(APIC_LVT_ERROR, VECTOR_ERROR);
	apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
}

void INIT apic_init_boot(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	x2apic = cpu_has(X86_X2APIC);
	if (!x2apic) {
		apic_page = early_ioremap(base & APIC_BASE_ADDRESS, 0x1000);
		if (!apic_page)
			panic("no mapping for the local APIC");
	}
	apic_init_cpu();
}

static void report_error(void)
{
	apic_write(APIC_ESR, 0);
	u32 esr = apic_read(APIC_ESR);

	if (error_count++ < 10)
		pr_warn("local APIC error %#x\n", esr);
}

void apic_vector_arrived(u32 vector)
{
	if (vector == VECTOR_SPURIOUS)
		return;	// not acknowledged: it was never in service
	if (vector < 0x30) {	// a stray 8259, which is masked
		return;
	}
	apic_eoi();
	switch (vector) {
	case VECTOR_TIMER:
		timer_event();
		break;
	case VECTOR_RESCHED:
		ipi_resched_arrived();
		break;
	case VECTOR_CALL:
		smp_handle_call_ipi();
		break;
	case VECTOR_TLB:
		tlb_ipi_arrived();
		break;
	case VECTOR_ERROR:
		report_error();
		break;
	default:
		pr_warn("interrupt with unknown vector %#x\n", vector);
	}
}

bool irqchip_pending(u32 vector)
{
	return apic_read(APIC_IRR + vector / 32 * 16) >> (vector % 32) & 1;
}

void irqchip_msi_compose(u32 cpu, u32 vector, struct msi_msg *msg)
{
	// SDM 3A 11.11: address bits 12-19 name the CPU; fixed delivery, edge.
	*msg = (struct msi_msg){ .addr = 0xfee00000 | (u64)(cpu_apic_id[cpu] & 255) << 12, .data = vector };
}
