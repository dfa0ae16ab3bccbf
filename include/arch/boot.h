// include/arch/boot.h - what firmware gave us, and memory before mm. Code: arch/<isa>/{boot.c,memblock.c}; port/boot.h.
//
// Entry code maps the kernel image by 4 KiB pages (text read+execute, rodata read-only, data no-execute) and all memory at PHYS_OFFSET,
// then calls start_kernel() on the boot CPU: interrupts off, current = the boot task, earlycon usable.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

enum mem_type { MEM_RAM = 1, MEM_RESERVED = 2, MEM_ACPI = 3, MEM_NVS = 4, MEM_BAD = 5 };

struct mem_range {
	paddr_t start, end;	// [start, end)
	u32 type;		// enum mem_type
};

#define BOOT_MAX_RANGES 128	// more in firmware's map are ignored, with a warning
#define BOOT_CMDLINE_MAX 2048	// Linux's COMMAND_LINE_SIZE on x86

struct boot_info {
	char cmdline[BOOT_CMDLINE_MAX];	// NUL-terminated
	struct mem_range map[BOOT_MAX_RANGES];	// firmware's memory map: sorted, not overlapping, as it was before mem=
	u32 nr_map;
	paddr_t initrd_start, initrd_end;	// equal: none. Reserved in memblock until freed
	paddr_t rsdp;		// ACPI root pointer, or 0
	paddr_t fdt;		// flattened device tree, or 0
	paddr_t kernel_start, kernel_end;	// the image, as loaded
	paddr_t memory_limit;	// mem=: no memory at or above it; U64_MAX when there is no limit
	const char *protocol;	// "PVH"
};
extern struct boot_info boot_info;	// constant after entry

// Memory until the buddy allocator takes over. Allocated and reserved ranges are never given to it. Fixed tables: a
// few dozen entries, all made by start-up code; when one is full the kernel stops with a message. Context: boot CPU only.
struct memblock {
	struct mem_range ram[BOOT_MAX_RANGES];	// usable memory, page aligned, sorted
	u32 nr_ram;
	struct mem_range reserved[BOOT_MAX_RANGES];	// taken out of it, sorted, merged
	u32 nr_reserved;
};
extern struct memblock memblock;
// Zeroed memory at the lowest place >= min and < max that fits (max 0: anywhere); virtual address in the direct map, or null.
// align is a power of two.
void *memblock_alloc(size_t size, size_t align, paddr_t min, paddr_t max);
void memblock_reserve(paddr_t start, paddr_t end);
// Calls fn for each range of RAM that is not reserved, ascending: mm takes them.
void memblock_for_each_free(void (*fn)(paddr_t start, paddr_t end, void *arg), void *arg);

// The image's sections (linker script). Page aligned, except where noted.
extern char kernel_image_start[], kernel_image_end[];
extern char kernel_text_start[], kernel_text_end[];
extern char kernel_rodata_start[], kernel_rodata_end[];
extern char kernel_data_start[], kernel_data_end[];
extern char kernel_inittext_start[], kernel_inittext_end[];	// these two ranges are given back by mm after start-up
extern char kernel_initdata_start[], kernel_initdata_end[];
extern char kernel_ro_after_init_start[], kernel_ro_after_init_end[];
// Makes .data.ro_after_init read-only, and init text and data inaccessible at their image addresses
// (mm then frees both ranges through the direct map). Other CPUs flush their TLBs by themselves (arch_tlb_flush_all()). Context: boot CPU.
void arch_protect_after_init(void);

// Maps device registers before vmalloc works: a few pages, never unmapped. After that use ioremap() of mm/vmalloc.h. Null: no room.
void *early_ioremap(paddr_t pa, size_t size);
// Firmware tables: a mapping to read from, in the direct map if pa is RAM. Never unmapped; null: no room.
const void *early_memremap_ro(paddr_t pa, size_t size);

// Upcalls: defined in dev/acpi.c (see dev/acpi.h).
// The nth table (from 0) with the signature, its checksum verified; null if there is none. *size is its length, at least a header's.
const void *acpi_find_table(const char *signature, u32 nth, size_t *size);
// Port of the PM timer (3.579545 MHz) and whether it has 32 bits instead of 24; 0: none.
u16 acpi_pm_timer_port(bool *wide);
// CMOS register of the century, 0: none.
u8 acpi_century_register(void);
// Upcalls: defined in boot/start.c.
NORETURN void start_kernel(void);

#include "port/boot.h"
