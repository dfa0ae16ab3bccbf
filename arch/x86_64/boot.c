// The first C code: takes what the PVH loader left, makes memory usable, and goes to start_kernel().
// Layouts: xen/include/public/arch-x86/hvm/start_info.h, as QEMU fills them.
#include "boot.h"

#include "arch/earlycon.h"
#include "arch/percpu.h"
#include "arch/pte.h"
#include "arch/text.h"
#include "arch/thread.h"
#include "features.h"
#include "kern/cpu_hot.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "lib/parse.h"
#include "lib/string.h"

#define PVH_MAGIC 0x336ec578u
#define BOOT_MAPPED 0x40000000ull	// what pvh.S maps

struct pvh_start {
	u32 magic, version, flags, nr_modules;
	u64 modules, cmdline, rsdp;
	u64 memmap;		// from version 1 on
	u32 nr_memmap, reserved;
};

struct pvh_module {
	u64 start, size, cmdline, reserved;
};

struct pvh_memory {
	u64 start, size;
	u32 type, reserved;
};

struct boot_info boot_info;
paddr_t trampoline_page;
u64 kimage_offset RO_AFTER_INIT;
extern char boot_stack[], boot_percpu_area[];
extern char kernel_boot_phys_start[];	// a physical address

// Tables of the loader: null when they lie where nothing is mapped yet.
static INIT const void *boot_table(paddr_t pa, u64 size)
{
	return pa && pa < BOOT_MAPPED && size < BOOT_MAPPED - pa ? phys_to_virt(pa) : NULL;
}

static INIT void copy_cmdline(paddr_t pa)
{
	const char *s = boot_table(pa, BOOT_CMDLINE_MAX);

	if (s && strscpy(boot_info.cmdline, s, sizeof(boot_info.cmdline)) < 0)
		pr_warn("command line cut at %d bytes\n", BOOT_CMDLINE_MAX - 1);
}

static INIT void sort_map(void)
{
	for (u32 i = 1; i < boot_info.nr_map; i++)
		for (u32 j = i; j && boot_info.map[j].start < boot_info.map[j - 1].start; j--) {
			struct mem_range t = boot_info.map[j];
			boot_info.map[j] = boot_info.map[j - 1];
			boot_info.map[j - 1] = t;
		}
}

static INIT void copy_map(paddr_t pa, u32 nr)
{
	const struct pvh_memory *m = boot_table(pa, nr * sizeof(*m));

	if (!m)
		panic("no memory map from the boot loader");
	for (u32 i = 0; i < nr; i++) {
		if (!m[i].size || m[i].start + m[i].size < m[i].start)
			continue;
		if (boot_info.nr_map == BOOT_MAX_RANGES) {
			pr_warn("more than %d memory ranges: the rest is not used\n", BOOT_MAX_RANGES);
			break;
		}
		boot_info.map[boot_info.nr_map++] = (struct mem_range){ m[i].start, m[i].start + m[i].size, m[i].type };
	}
	sort_map();
}

static INIT void copy_start_info(paddr_t pa)
{
	const struct pvh_start *s = boot_table(pa, sizeof(*s));

	if (!s || s->magic != PVH_MAGIC || s->version < 1)
		panic("not started by the PVH protocol, version 1");
	boot_info.protocol = "PVH";
	boot_info.rsdp = s->rsdp;
	copy_cmdline(s->cmdline);
	copy_map(s->memmap, s->nr_memmap);
	const struct pvh_module *m = boot_table(s->modules, sizeof(*m));
	if (s->nr_modules && m && m->size) {
		boot_info.initrd_start = m->start;
		boot_info.initrd_end = m->start + m->size;
	}
}

// mem=SIZE: no memory at or above it. The last one counts.
static INIT paddr_t memory_limit(void)
{
	paddr_t limit = U64_MAX;

	for (const char *s = boot_info.cmdline; *s;) {
		const char *end = strchrnul(s, ' ');
		if (end - s > 4 && strncmp(s, "mem=", 4) == 0) {
			const char *rest;
			u64 v = memparse(s + 4, &rest);
			if (rest != s + 4 && v)
				limit = v;
		}
		s = *end ? end + 1 : end;
	}
	return limit;
}

static INIT void reserve_memory(void)
{
	boot_info.kernel_start = (paddr_t)kernel_boot_phys_start;
	boot_info.kernel_end = virt_to_phys(kernel_image_end);
	memblock_reserve(0, 0x1000);	// real-mode vectors; and 0 is nobody's address
	memblock_reserve(boot_info.kernel_start, boot_info.kernel_end);
	if (boot_info.initrd_end > boot_info.memory_limit) {
		pr_err("the initramfs lies beyond mem=: ignored\n");
		boot_info.initrd_start = boot_info.initrd_end = 0;
	}
	if (boot_info.initrd_end)
		memblock_reserve(boot_info.initrd_start, boot_info.initrd_end);
	void *low = memblock_alloc(PAGE_SIZE, PAGE_SIZE, 0x1000, 0x100000);
	trampoline_page = low ? virt_to_phys(low) : 0;
}

NORETURN void INIT NO_STACK_PROTECTOR boot_main(paddr_t start_info)
{
	kimage_offset = KIMAGE_START;
	per_cpu_offset[0] = (unsigned long)(boot_percpu_area - percpu_template_start);
	((struct task_head *)current)->arch.canary = this_cpu_read(cpu_hot.canary);
	cpu_init_boot();
	copy_start_info(start_info);
	boot_info.memory_limit = memory_limit();
	memblock_init(boot_info.map, boot_info.nr_map, boot_info.memory_limit);
	reserve_memory();
	arch_text_patch();
	paging_init();
	start_kernel();
}
