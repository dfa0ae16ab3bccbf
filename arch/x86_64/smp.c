// The other CPUs: starting them all at once, and interrupting them. SDM 3A 9.4.
#include "apic.h"
#include "arch/barrier.h"
#include "arch/cpu.h"
#include "arch/percpu.h"
#include "arch/pte.h"
#include "arch/thread.h"
#include "arch/time.h"
#include "arch/tlb.h"
#include "boot.h"
#include "features.h"
#include "kern/cpu_hot.h"
#include "kern/cpumask.h"
#include "kern/log.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "trampoline.h"
#include "trap.h"
#include "x86.h"

#define START_TIMEOUT_MS 5000

// Read by trampoline.S.
u32 smp_nr_starting;
// Set by each CPU when its port set-up is done.
static struct cpumask started_mask;
static u32 nr_online = 1;
static u32 stopping;	// an NMI stops its receiver

u32 arch_smp_nr_online(void)
{
	return READ_ONCE(nr_online);
}

// First C code of another CPU, on its idle task's stack, with its per-CPU base.
NORETURN void NO_STACK_PROTECTOR smp_secondary_main(u32 cpu)
{
	write_cr3(kernel_pgd_paddr);
	cpu_init_secondary(cpu);
	apic_init_cpu();
	for (u32 i = 0; i < 64; i++)
		tsc_compare();
	cpumask_set_atomic((int)cpu, &started_mask);
	smp_cpu_main(cpu);
}

// What the new CPU needs before its first C code.
static INIT void prepare_cpu(u32 cpu)
{
	struct task_head *t = (struct task_head *)boot_idle_task(cpu);
	struct cpu_hot *h = per_cpu_ptr(&cpu_hot, cpu);

	h->task = (struct task *)t;
	h->cpu = cpu;
	h->kernel_stack = (u64)t->stack + KSTACK_SIZE;
	t->arch.canary = (cycles_now() + cpu) * 0x9e3779b97f4a7c15ull & ~0xffull;
	h->canary = t->arch.canary;
}

// A word of trampoline.S, in its page.
static INIT u32 *trampoline_word(const char *symbol)
{
	return (u32 *)(PHYS_OFFSET + trampoline_page + (u64)(symbol - trampoline_start));
}

// Code and data of trampoline.S in its page below 1 MiB, and page tables that map that page where it is.
static INIT void prepare_trampoline(void)
{
	u32 base = (u32)trampoline_page;

	memcpy(phys_to_virt(trampoline_page), trampoline_start, (size_t)(trampoline_end - trampoline_start));
	*trampoline_word(trampoline_gdt_base) += base;
	*trampoline_word(trampoline_far32) += base;
	*trampoline_word(trampoline_far64) += base;
	arch_pgd_init(trampoline_pgd);
	trampoline_pgd[0] = virt_to_phys(trampoline_pud) | PTE_TABLE;
	trampoline_pud[0] = virt_to_phys(trampoline_pmd) | PTE_TABLE;
	trampoline_pmd[0] = PTE_P | PTE_W | PTE_PS;	// the first 2 MiB
	*trampoline_word(trampoline_cr3) = (u32)virt_to_phys(trampoline_pgd);
}

static INIT bool all_started(u32 nr)
{
	for (u32 cpu = 1; cpu < nr; cpu++)
		if (!cpumask_test((int)cpu, &started_mask))
			return false;
	return true;
}

static INIT void wait_started(u32 nr, u64 ms)
{
	u64 end = cycles_now() + ms * cycles_khz();

	while (!all_started(nr) && (s64)(cycles_now() - end) < 0) {
		tsc_compare();
		cpu_relax();
	}
}

static INIT void send_to_missing(u32 nr, u32 command)
{
	for (u32 cpu = 1; cpu < nr; cpu++)
		if (!cpumask_test((int)cpu, &started_mask))
			apic_send(cpu_apic_id[cpu], command);
}

void INIT arch_smp_start_all(u32 nr, const struct cpumask *online)
{
	if (nr <= 1)
		return;
	if (!trampoline_page) {
		pr_err("no memory below 1 MiB: other CPUs are not started\n");
		return;
	}
	for (u32 cpu = 1; cpu < nr; cpu++)
		prepare_cpu(cpu);
	prepare_trampoline();
	smp_nr_starting = nr;
	smp_mb();
	send_to_missing(nr, ICR_INIT | ICR_ASSERT);
	if (!arch_on_hypervisor())
		udelay(10000);	// processors since the Pentium 4 need none, but nobody waits for it here
	send_to_missing(nr, ICR_STARTUP | ICR_ASSERT | (u32)(trampoline_page >> 12));
	// A second one, which the specification asks for, to those that did not take the first.
	wait_started(nr, 200);
	if (!all_started(nr)) {
		send_to_missing(nr, ICR_STARTUP | ICR_ASSERT | (u32)(trampoline_page >> 12));
		wait_started(nr, START_TIMEOUT_MS);
	}
	for (u32 cpu = 1; cpu < nr; cpu++) {
		if (!cpumask_test((int)cpu, &started_mask)) {
			pr_err("CPU %u (APIC id %u) did not start\n", cpu, cpu_apic_id[cpu]);
			continue;
		}
		while (!cpumask_test((int)cpu, online))	// it runs: a few microseconds
			cpu_relax();
		WRITE_ONCE(nr_online, nr_online + 1);
	}
}

// ---- messages ----

static u32 ipi_command(enum ipi what)
{
	switch (what) {
	case IPI_RESCHED:
		return ICR_FIXED | ICR_ASSERT | VECTOR_RESCHED;
	case IPI_CALL:
		return ICR_FIXED | ICR_ASSERT | VECTOR_CALL;
	default:
		WRITE_ONCE(stopping, 1);
		return ICR_NMI | ICR_ASSERT;
	}
}

void arch_ipi_send(u32 cpu, enum ipi what)
{
	apic_send(cpu_apic_id[cpu], ipi_command(what));
}

void arch_ipi_send_mask(const struct cpumask *mask, enum ipi what)
{
	u32 command = ipi_command(what);

	for_each_cpu(cpu, mask)
		if (cpu != (int)this_cpu_read(cpu_hot.cpu))
			apic_send(cpu_apic_id[cpu], command);
}

// (Not "all but self": CPUs that were not started must not be woken.)
void arch_nmi_all_others(void)
{
	for_each_cpu(cpu, &started_mask)
		if (cpu != (int)this_cpu_read(cpu_hot.cpu))
			apic_send(cpu_apic_id[cpu], ICR_NMI | ICR_ASSERT);
	if (this_cpu_read(cpu_hot.cpu) != 0)
		apic_send(cpu_apic_id[0], ICR_NMI | ICR_ASSERT);
}

bool smp_nmi_stop(void)
{
	if (!READ_ONCE(stopping))
		return false;
	ipi_stop_arrived();
	cpu_stop_forever();
}
