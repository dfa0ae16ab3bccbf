// Text of /proc/cpuinfo. proc(5); the flag names are those that programs look for.
#include "arch/cpu.h"
#include "arch/time.h"

#include "features.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "x86.h"

// Names by register, lowest bit first; a dash is a bit that has no name here.
static const char *const flags_1d[32] = { "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", "-", "sep", "mtrr",
	"pge", "mca", "cmov", "pat", "pse36", "pn", "clflush", "-", "dts", "acpi", "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm",
	"ia64", "pbe" };
static const char *const flags_1c[32] = { "pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3",
	"cid", "sdbg", "fma", "cx16", "xtpr", "pdcm", "-", "pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe", "popcnt",
	"tsc_deadline_timer", "aes", "xsave", "-", "avx", "f16c", "rdrand", "hypervisor" };
static const char *const flags_ext_d[32] = { [11] = "syscall", [19] = "mp", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt",
	[26] = "pdpe1gb", [27] = "rdtscp", [29] = "lm", [30] = "3dnowext", [31] = "3dnow" };
static const char *const flags_ext_c[32] = { "lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse",
	"3dnowprefetch", "osvw", "ibs", "xop", "skinit", "wdt", [15] = "lwp", [16] = "fma4", [21] = "tbm", [22] = "topoext" };
static const char *const flags_7b[32] = { "fsgsbase", "tsc_adjust", "-", "bmi1", "hle", "avx2", "-", "smep", "bmi2", "erms",
	"invpcid", "rtm", "cqm", "-", "mpx", "rdt_a", "avx512f", "avx512dq", "rdseed", "adx", "smap", "avx512ifma", "-", "clflushopt",
	"clwb", "intel_pt", "avx512pf", "avx512er", "avx512cd", "sha_ni", "avx512bw", "avx512vl" };
static const char *const flags_7c[32] = { [1] = "avx512vbmi", [2] = "umip", [8] = "gfni", [9] = "vaes",
	[10] = "vpclmulqdq", [22] = "rdpid" };
static const char *const flags_7d[32] = { [4] = "fsrm" };

struct text {
	char *buf;
	size_t size, len;
};

static PRINTF(2, 3) void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len += (size_t)vscnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
}

static void add_flags(struct text *t, const char *const names[32], u32 bits)
{
	for (u32 i = 0; i < 32; i++)
		if ((bits >> i & 1) && names[i] && names[i][0] != '-')
			add(t, " %s", names[i]);
}

static void add_all_flags(struct text *t)
{
	struct cpuid c = cpuid(1, 0), e = cpuid(0x80000001, 0);

	add(t, "flags\t\t:");
	add_flags(t, flags_1d, c.edx);
	add_flags(t, flags_ext_d, e.edx);
	if (cpu_has(X86_INVARIANT_TSC))
		add(t, " constant_tsc nonstop_tsc");
	add(t, " nopl");
	add_flags(t, flags_1c, c.ecx);
	add_flags(t, flags_ext_c, e.ecx);
	if (cpuid(0, 0).eax >= 7) {
		c = cpuid(7, 0);
		add_flags(t, flags_7b, c.ebx);
		add_flags(t, flags_7c, c.ecx);
		add_flags(t, flags_7d, c.edx);
	}
	if (cpu_has(X86_XSAVEOPT))
		add(t, " xsaveopt");
	add(t, "\n");
}

size_t arch_cpuinfo_text(u32 cpu, char *buf, size_t size)
{
	const struct cpu_info *ci = cpu_info(cpu);
	struct text t = { .buf = buf, .size = size };
	u32 khz = cycles_khz();

	if (!ci)
		return 0;
	add(&t, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n", cpu, ci->vendor,
	    ci->family, ci->model, ci->model_name[0] ? ci->model_name : "unknown", ci->stepping);
	if (khz)
		add(&t, "cpu MHz\t\t: %u.%03u\n", khz / 1000, khz % 1000);
	add(&t, "physical id\t: %u\nsiblings\t: 1\ncore id\t\t: %u\ncpu cores\t: 1\napicid\t\t: %u\ninitial apicid\t: %u\n", ci->package,
	    ci->core, ci->hw_id, ci->hw_id);
	add(&t, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n", cpuid(0, 0).eax);
	add_all_flags(&t);
	add(&t, "bugs\t\t:\nbogomips\t: %u.%02u\nclflush size\t: %u\ncache_alignment\t: %u\n", khz / 500, khz / 5 % 100, ci->cacheline,
	    ci->cacheline);
	add(&t, "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n", ci->phys_bits, ci->virt_bits);
	return t.len;
}
