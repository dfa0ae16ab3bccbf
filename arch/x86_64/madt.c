// The MADT's entries, and the list of CPUs made of them.
#include "madt.h"

#include "apic.h"
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/percpu.h"

#define MADT_HEADER 44	// table header, local APIC address, flags

u32 cpu_apic_id[NR_CPUS] RO_AFTER_INIT;
static u32 nr_cpus INITDATA, cpu_limit INITDATA;

bool INIT madt_for_each(void (*fn)(const struct madt_entry *e, void *arg), void *arg)
{
	size_t size;
	const u8 *p = acpi_find_table("APIC", 0, &size);

	if (!p)
		return false;
	for (size_t at = MADT_HEADER; at + sizeof(struct madt_entry) <= size;) {
		const struct madt_entry *e = (const void *)(p + at);
		if (e->length < sizeof(*e) || e->length > size - at)
			break;
		fn(e, arg);
		at += e->length;
	}
	return true;
}

// Numbers follow the table's order; the boot CPU has 0 already.
static INIT void add_cpu(u32 id, u32 flags)
{
	if (!(flags & MADT_ENABLED) || nr_cpus >= cpu_limit)
		return;
	for (u32 i = 0; i < nr_cpus; i++)
		if (cpu_apic_id[i] == id)
			return;	// some firmware lists a CPU as LAPIC and as x2APIC
	cpu_apic_id[nr_cpus++] = id;
}

static INIT void cpu_entry(const struct madt_entry *e, void *arg)
{
	(void)arg;
	if (e->type == MADT_LAPIC && e->length >= sizeof(struct madt_lapic)) {
		const struct madt_lapic *l = (const void *)e;
		if (l->id != 255)
			add_cpu(l->id, l->flags);
	} else if (e->type == MADT_X2APIC && e->length >= sizeof(struct madt_x2apic)) {
		const struct madt_x2apic *x = (const void *)e;
		add_cpu(x->id, x->flags);
	}
}

u32 INIT arch_smp_prepare(u32 limit)
{
	cpu_limit = limit < 1 ? 1 : MIN(limit, (u32)NR_CPUS);
	cpu_apic_id[0] = cpu_info(0)->hw_id;
	nr_cpus = 1;
	(void)madt_for_each(cpu_entry, NULL);
	return nr_cpus;
}
