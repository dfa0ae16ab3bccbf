// The machine that the program pretends to be: its memory map, its way out, and the devices it does not have.
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/earlycon.h"
#include "arch/entry.h"
#include "arch/frame.h"
#include "arch/irq.h"
#include "arch/pte.h"
#include "arch/reset.h"
#include "arch/text.h"
#include "arch/thread.h"
#include "arch/time.h"
#include "arch/unwind.h"
#include "host.h"
#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "../x86_64/boot.h"

struct boot_info boot_info = { .protocol = "host", .memory_limit = U64_MAX };
// The program's sections are the host's business: these ranges are empty.
char kernel_image_start[1], kernel_text_start[1], kernel_rodata_start[1], kernel_data_start[1], kernel_inittext_start[1];
char kernel_initdata_start[1], kernel_ro_after_init_start[1], kernel_image_end[1], kernel_text_end[1], kernel_rodata_end[1];
char kernel_data_end[1], kernel_inittext_end[1], kernel_initdata_end[1], kernel_ro_after_init_end[1];

// Its alignment is the section's, so that areas copied from the template are aligned like it.
DEFINE_PER_CPU(char ALIGNED(4096), host_percpu_align);

static void memory_init(void)
{
	static const unsigned long reserve[][2] = {
		{ VMALLOC_START, VMALLOC_END - VMALLOC_START },
		{ VMEMMAP_START, PHYS_MAP_SIZE / 32 },
		{ MODULES_START, MODULES_END - MODULES_START },
	};

	host_memory_init(PHYS_OFFSET, HOST_HIGH_START + HOST_HIGH_MEM, reserve, ARRAY_SIZE(reserve));
	boot_info.map[0] = (struct mem_range){ 1ul << 20, HOST_LOW_MEM, MEM_RAM };
	boot_info.map[1] = (struct mem_range){ HOST_HIGH_START, HOST_HIGH_START + HOST_HIGH_MEM, MEM_RAM };
	boot_info.nr_map = 2;
	memblock_init(boot_info.map, boot_info.nr_map, U64_MAX);
	void *pgd = memblock_alloc(PAGE_SIZE, PAGE_SIZE, 0, 0);
	kernel_pgd_paddr = virt_to_phys(pgd);
}

// Until percpu_init(), the boot CPU's area is a copy of the template, which stays as it was linked.
static void early_percpu(void)
{
	size_t n = (size_t)(percpu_template_end - percpu_template_start);
	void *area = memblock_alloc(n, PAGE_SIZE, 0, 0);

	arch_percpu_set_area(0, memcpy(area, percpu_template_start, n));
}

extern struct task init_task;

// Arguments: -c CPUS, and everything else is the command line.
void host_main(int argc, char **argv)
{
	u32 cpus = 1;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-c") && i + 1 < argc) {
			if (kstrtou32(argv[++i], 10, &cpus) || !cpus || cpus > HOST_MAX_CPUS)
				host_abort("-c: 1 to 16 CPUs");
			continue;
		}
		strscat(boot_info.cmdline, argv[i], sizeof(boot_info.cmdline));
		strscat(boot_info.cmdline, " ", sizeof(boot_info.cmdline));
	}
	host_nr_cpus = cpus;
	memory_init();
	early_percpu();
	arch_thread_init_idle(&init_task);
	start_kernel();
}

void earlycon_write(const char *s, size_t n)
{
	host_write(s, n);
}

int earlycon_poll(void)
{
	return -1;
}

void arch_reboot(void)
{
	host_exit(3);
}

void arch_power_off(void)
{
	host_exit(3);
}

void arch_halt(void)
{
	host_abort("halted");
}

void arch_exit_vm(u8 code)
{
	host_exit(code);
}

void arch_power_set(const struct power_regs *r)
{
	(void)r;
}

void arch_protect_after_init(void)
{
}

void *early_ioremap(paddr_t pa, size_t size)
{
	(void)pa;
	(void)size;
	return NULL;
}

const void *early_memremap_ro(paddr_t pa, size_t size)
{
	(void)pa;
	(void)size;
	return NULL;
}

// ---- processors -------------------------------------------------------------------------------------------------------

const struct cpu_info *cpu_info(u32 cpu)
{
	static struct cpu_info info = { .vendor = "Host", .model_name = "a thread", .cacheline = 64, .phys_bits = 46, .virt_bits = 47 };

	return cpu < host_nr_cpus ? &info : NULL;
}

size_t arch_cpuinfo_text(u32 cpu, char *buf, size_t size)
{
	(void)cpu;
	ssize_t n = strscpy(buf, "vendor_id\t: Host\n", size);
	return n < 0 ? size : (size_t)n;
}

u64 arch_hwcap(void)
{
	return 0;
}

u64 arch_hwcap2(void)
{
	return 0;
}

const char *arch_platform(void)
{
	return "host";
}

const char *arch_machine(void)
{
	return "host";
}

u64 arch_minsigstksz(void)
{
	return 2048;
}

bool arch_on_hypervisor(void)
{
	return true;	// a CPU may lose its processor at any time
}

// ---- clocks, random numbers -------------------------------------------------------------------------------------------

u32 cycles_khz(void)
{
	return 1000000;
}

bool arch_cycles_synced(void)
{
	return true;
}

void arch_clock_init(u32 khz)
{
	(void)khz;
}

const char *arch_clock_source(void)
{
	return "host";
}

u64 arch_fallback_clock_read(void)
{
	return 0;
}

u64 arch_fallback_clock_hz(void)
{
	return 0;
}

u64 arch_fallback_clock_mask(void)
{
	return 0;
}

void arch_timer_init(void)
{
}

int arch_wallclock_read(s64 *sec, u32 *nsec)
{
	*sec = host_nr_cpus == 1 ? 1800000000 : (s64)host_wall_sec();	// one CPU: runs repeat
	*nsec = 0;
	return 0;
}

int arch_wallclock_write(s64 sec)
{
	(void)sec;
	return -ENODEV;
}

bool arch_random_u64(u64 *v)
{
	static u64 state = 0x9e3779b97f4a7c15ull;	// the same numbers in each run, on purpose

	*v = __atomic_add_fetch(&state, 0x9e3779b97f4a7c15ull, __ATOMIC_RELAXED) * 0xbf58476d1ce4e5b9ull;
	return true;
}

// ---- interrupt controllers: none --------------------------------------------------------------------------------------

void irqchip_init(void)
{
}

u32 irqchip_nr_gsis(void)
{
	return 0;
}

u32 irqchip_isa_gsi(u32 isa_irq, enum irq_trigger *trigger)
{
	*trigger = IRQ_EDGE_RISING;
	return isa_irq;
}

int irqchip_route(u32 gsi, enum irq_trigger trigger, u32 cpu, u32 vector)
{
	(void)gsi;
	(void)trigger;
	(void)cpu;
	(void)vector;
	return -ENXIO;
}

void irqchip_mask(u32 gsi)
{
	(void)gsi;
}

void irqchip_unmask(u32 gsi)
{
	(void)gsi;
}

void irqchip_msi_compose(u32 cpu, u32 vector, struct msi_msg *msg)
{
	*msg = (struct msi_msg){ cpu, vector };
}

bool irqchip_pending(u32 vector)
{
	(void)vector;
	return false;
}

void arch_text_patch(void)
{
}

void arch_text_patch_range(const void *alts, const void *alts_end)
{
	(void)alts;
	(void)alts_end;
}

void arch_text_write(void *dst, const void *src, size_t len)
{
	(void)dst;
	(void)src;
	(void)len;
	host_abort("no text is written on the host");
}

// ---- stacks: the sanitizers print them --------------------------------------------------------------------------------

void unwind_start(struct unwind *u)
{
	*u = (struct unwind){ .ip = 0 };
}

void unwind_start_frame(struct unwind *u, const struct frame *f)
{
	(void)f;
	unwind_start(u);
}

void unwind_start_task(struct unwind *u, const struct task *t)
{
	(void)t;
	unwind_start(u);
}

void unwind_next(struct unwind *u)
{
	u->ip = 0;
}

void frame_print(const struct frame *f)
{
	(void)f;
}
