// Descriptor tables of each CPU, its task-state segment, and the system call registers.
#include "features.h"

#include "arch/percpu.h"
#include "entry_asm.h"
#include "kern/cpu_hot.h"
#include "x86.h"

struct gdt {
	u64 entry[16];
};

STATIC_PER_CPU(struct gdt, cpu_gdt) CACHE_ALIGNED;
DEFINE_PER_CPU(struct tss, cpu_tss) CACHE_ALIGNED;
// Grow downwards, the first two words at the top belong to entry.S: this CPU's gs base.
STATIC_PER_CPU(struct ist_stacks { char s[3][IST_STACK_SIZE]; }, ist_stacks) ALIGNED(4096);
// (declared in port/percpu.h)
DEFINE_PER_CPU(unsigned long, this_cpu_offset);
unsigned long per_cpu_offset[NR_CPUS];

// System descriptors take two entries. SDM 3A, figure 7-4.
static void set_tss_entry(struct gdt *g, const struct tss *t)
{
	u64 base = (u64)t, limit = sizeof(*t) - 1;

	g->entry[8] = limit | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
	g->entry[9] = base >> 32;
}

// An IST stack's top: the gs base is kept there, as NMI, #DB, #DF and #MC may come when gs is the user's.
static u64 ist_top(u32 n)
{
	u64 *top = (u64 *)(u64)this_cpu_ptr(&ist_stacks)->s[n] + IST_STACK_SIZE / 8 - 2;

	*top = this_cpu_read(this_cpu_offset);
	return (u64)top;
}

static void load_gdt(const struct gdt *g)
{
	struct { u16 limit; u64 base; } PACKED r = { sizeof(*g) - 1, (u64)g };

	__asm__ volatile("lgdt %0\n"
			 "movl %1, %%ss\n"
			 "pushq %2\n"
			 "leaq 1f(%%rip), %%rax\n"
			 "pushq %%rax\n"
			 "lretq\n"
			 "1:" : : "m"(r), "r"(KERNEL_DS), "i"(KERNEL_CS) : "rax", "memory");
	// Null data selectors; fs and gs keep their bases, which have been set by MSR: a load of gs would clear it.
	__asm__ volatile("movl %0, %%ds; movl %0, %%es" : : "r"(0));
	__asm__ volatile("ltr %w0" : : "r"(TSS_SELECTOR));
}

static void set_syscall_registers(u32 cpu)
{
	if (cpu_has(X86_RDTSCP) || cpu_has(X86_RDPID))
		wrmsr(MSR_TSC_AUX, cpu);	// what rdtscp and rdpid tell programs
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	// sysretq takes cs from bits 63-48 plus 16 and ss from them plus 8.
	wrmsr(MSR_STAR, (u64)(USER_CS - 16) << 48 | (u64)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)entry_syscall);
	wrmsr(MSR_CSTAR, (u64)entry_syscall);	// no compatibility mode: unreachable
	wrmsr(MSR_SFMASK, FLAGS_TF | FLAGS_IF | FLAGS_DF | FLAGS_IOPL | FLAGS_NT | FLAGS_RF | FLAGS_AC | FLAGS_ID);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_FS_BASE, 0);
}

void gdt_init(u32 cpu)
{
	struct gdt *g = this_cpu_ptr(&cpu_gdt);
	struct tss *t = this_cpu_ptr(&cpu_tss);

	*g = (struct gdt){ .entry = {
		[KERNEL_CS / 8] = 0x00af9b000000ffff,
		[KERNEL_DS / 8] = 0x00cf93000000ffff,
		[USER_DS / 8] = 0x00cff3000000ffff,
		[USER_CS / 8] = 0x00affb000000ffff,
		[CPU_NODE_SELECTOR / 8] = 0x0040f50000000000 | cpu,	// limit: cpu, node 0
	} };
	*t = (struct tss){ .io_bitmap = sizeof(*t) };
	t->rsp[0] = this_cpu_read(cpu_hot.kernel_stack);
	for (u32 i = 0; i < 3; i++)
		t->ist[i] = ist_top(i);
	set_tss_entry(g, t);
	load_gdt(g);
	set_syscall_registers(cpu);
}

void arch_percpu_set_area(u32 cpu, void *area)
{
	unsigned long off = (unsigned long)area - (unsigned long)percpu_template_start;

	per_cpu_offset[cpu] = off;
	*per_cpu_ptr(&this_cpu_offset, cpu) = off;
	if (cpu != this_cpu_read(cpu_hot.cpu))
		return;
	wrmsr(MSR_GS_BASE, off);
	gdt_init(cpu);	// the tables have moved
}
