// What the processor is and can do: CPUID, control registers. SDM 2A "CPUID", APM 3 appendix E.
#include "features.h"

#include "arch/percpu.h"
#include "arch/time.h"
#include "arch/tlb.h"
#include "fpu_state.h"
#include "lib/string.h"
#include "x86.h"

u64 x86_features RO_AFTER_INIT;
bool cpu_has_pcid RO_AFTER_INIT;
static struct cpu_info cpu_infos[NR_CPUS];	// each written by its CPU when it starts
static bool cpu_known[NR_CPUS];

// Where CPUID shows each feature. The register is named by its index: eax 0, ebx 1, ecx 2, edx 3.
static const struct {
	u32 leaf;
	u8 sub, reg, bit, feature;
} feature_bits[] = {
	{ 1, 0, 3, 13, X86_PGE },
	{ 1, 0, 2, 17, X86_PCID },
	{ 1, 0, 2, 3, X86_MWAIT },
	{ 1, 0, 2, 21, X86_X2APIC },
	{ 1, 0, 2, 24, X86_TSC_DEADLINE },
	{ 1, 0, 2, 26, X86_XSAVE },
	{ 1, 0, 2, 28, X86_AVX },
	{ 1, 0, 2, 30, X86_RDRAND },
	{ 1, 0, 2, 31, X86_HYPERVISOR },
	{ 6, 0, 0, 2, X86_ARAT },
	{ 7, 0, 1, 0, X86_FSGSBASE },
	{ 7, 0, 1, 7, X86_SMEP },
	{ 7, 0, 1, 9, X86_ERMS },
	{ 7, 0, 1, 18, X86_RDSEED },
	{ 7, 0, 1, 20, X86_SMAP },
	{ 7, 0, 2, 2, X86_UMIP },
	{ 7, 0, 2, 22, X86_RDPID },
	{ 7, 0, 3, 4, X86_FSRM },
	{ 0xd, 1, 0, 0, X86_XSAVEOPT },
	{ 0x80000001, 0, 3, 20, X86_NX },
	{ 0x80000001, 0, 3, 26, X86_GBPAGES },
	{ 0x80000001, 0, 3, 27, X86_RDTSCP },
	{ 0x80000007, 0, 3, 8, X86_INVARIANT_TSC },
};

static INIT bool leaf_exists(u32 leaf)
{
	return cpuid(leaf & 0xffff0000, 0).eax >= leaf;
}

static INIT void find_features(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(feature_bits); i++) {
		u32 leaf = feature_bits[i].leaf;
		if (!leaf_exists(leaf))
			continue;
		struct cpuid c = cpuid(leaf, feature_bits[i].sub);
		u32 regs[4] = { c.eax, c.ebx, c.ecx, c.edx };
		if (regs[feature_bits[i].reg] >> feature_bits[i].bit & 1)
			x86_features |= BIT(feature_bits[i].feature);
	}
	if (cpu_has(X86_HYPERVISOR)) {
		struct cpuid c = cpuid(0x40000000, 0);
		u32 sig[3] = { c.ebx, c.ecx, c.edx };
		if (memcmp(sig, "TCGTCGTCGTCG", 12) == 0)
			x86_features |= BIT(X86_TCG);
		if (memcmp(sig, "KVMKVMKVM\0\0\0", 12) == 0)
			x86_features |= BIT(X86_KVM);
	}
	cpu_has_pcid = cpu_has(X86_PCID);
}

// Family, model and stepping. SDM 2A, "CPUID", leaf 1.
static void identify_signature(struct cpu_info *ci)
{
	struct cpuid c = cpuid(1, 0);

	ci->stepping = c.eax & 15;
	ci->model = c.eax >> 4 & 15;
	ci->family = c.eax >> 8 & 15;
	if (ci->family == 6 || ci->family == 15)
		ci->model |= (c.eax >> 16 & 15) << 4;
	if (ci->family == 15)
		ci->family += c.eax >> 20 & 255;
	ci->cacheline = (c.ebx >> 8 & 255) * 8 ?: 64;
	ci->hw_id = c.ebx >> 24;
}

static void identify_name(struct cpu_info *ci)
{
	for (u32 i = 0; i < 3; i++) {
		struct cpuid c = cpuid(0x80000002 + i, 0);
		memcpy(ci->model_name + i * 16, &c, 16);
	}
	ci->model_name[48] = 0;
}

// Bits of the APIC id that number threads and cores, from leaf 0xb; the id itself, which may not fit in 8 bits.
static void identify_topology(struct cpu_info *ci)
{
	u32 thread_bits = 0, package_bits = 0;

	if (cpuid(0, 0).eax < 0xb || !(cpuid(0xb, 0).ebx & 0xffff)) {
		ci->package = ci->hw_id;
		return;
	}
	for (u32 sub = 0; sub < 8; sub++) {
		struct cpuid c = cpuid(0xb, sub);
		u32 type = c.ecx >> 8 & 255;
		if (type == 0)
			break;
		ci->hw_id = c.edx;
		if (type == 1)
			thread_bits = c.eax & 31;
		package_bits = c.eax & 31;
	}
	ci->thread = ci->hw_id & ((1u << thread_bits) - 1);
	ci->core = (ci->hw_id & (u32)((1ull << package_bits) - 1)) >> thread_bits;
	ci->package = (u32)((u64)ci->hw_id >> package_bits);
}

void cpu_identify(struct cpu_info *ci)
{
	struct cpuid c = cpuid(0, 0);

	memcpy(ci->vendor, &c.ebx, 4);
	memcpy(ci->vendor + 4, &c.edx, 4);
	memcpy(ci->vendor + 8, &c.ecx, 4);
	identify_signature(ci);
	u32 ext = cpuid(0x80000000, 0).eax;
	if (ext >= 0x80000004)
		identify_name(ci);
	u32 bits = ext >= 0x80000008 ? cpuid(0x80000008, 0).eax : 36 | 48 << 8;
	ci->phys_bits = bits & 255;
	ci->virt_bits = bits >> 8 & 255;
	identify_topology(ci);
}

// Control registers that do not depend on the CPU's number.
static void set_control_registers(void)
{
	u64 cr4 = read_cr4() | CR4_DE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	static const struct { u8 feature; u64 bit; } bits[] = {
		{ X86_PGE, CR4_PGE }, { X86_UMIP, CR4_UMIP }, { X86_FSGSBASE, CR4_FSGSBASE }, { X86_PCID, CR4_PCIDE },
		{ X86_XSAVE, CR4_OSXSAVE }, { X86_SMEP, CR4_SMEP }, { X86_SMAP, CR4_SMAP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (cpu_has(bits[i].feature))
			cr4 |= bits[i].bit;
	write_cr4(cr4);
	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE | CR0_WP);
	// Entry 1 of PAT, write-through after reset, becomes write-combining (port/pte.h).
	wrmsr(MSR_PAT, 0x0007010600070106ull);
}

void INIT cpu_init_boot(void)
{
	find_features();
	cpu_identify(&cpu_infos[0]);
	cpu_known[0] = true;
	set_control_registers();
	gdt_init(0);
	idt_init();
	idt_load();
	fpu_detect();
}

void cpu_init_secondary(u32 cpu)
{
	set_control_registers();
	gdt_init(cpu);
	idt_load();
	fpu_init_cpu();
	cpu_identify(&cpu_infos[cpu]);
	WRITE_ONCE(cpu_known[cpu], true);
}

const struct cpu_info *cpu_info(u32 cpu)
{
	return cpu < NR_CPUS && READ_ONCE(cpu_known[cpu]) ? &cpu_infos[cpu] : NULL;
}

bool arch_on_hypervisor(void)
{
	return cpu_has(X86_HYPERVISOR);
}

NORETURN void cpu_stop_forever(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" ::: "memory");
}

bool arch_random_u64(u64 *v)
{
	bool ok = false;

	for (u32 i = 0; i < 10 && !ok && cpu_has(X86_RDRAND); i++)
		__asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(ok));
	return ok;
}

// AT_HWCAP on x86 is CPUID 1's edx; AT_HWCAP2 bit 1: the fsgsbase instructions may be used (bit 0 is for ring 3 mwait).
u64 arch_hwcap(void)
{
	return cpuid(1, 0).edx;
}

u64 arch_hwcap2(void)
{
	return cpu_has(X86_FSGSBASE) ? 2 : 0;
}

const char *arch_platform(void)
{
	return "x86_64";
}

const char *arch_machine(void)
{
	return "x86_64";
}
