// arch/x86_64/boot.h - steps of start-up inside this port. Code: boot.c, memblock.c, paging.c.
#pragma once
#include "arch/boot.h"

// Fills memblock.ram from firmware's map. memblock.c
void memblock_init(const struct mem_range *map, u32 nr, paddr_t limit);
// Makes the kernel's page tables and switches to them. paging.c
void paging_init(void);
// KASAN's shadow: of the image, in tables that are not in use yet; of all memory, once they are. Empty without KASAN. kasan.c
#ifdef CONFIG_KASAN
void kasan_map_image(void);
void kasan_map_memory(void);
#else
static inline void kasan_map_image(void) { }
static inline void kasan_map_memory(void) { }
#endif
// The page below 1 MiB where other CPUs start; 0: none was free. boot.c
extern paddr_t trampoline_page;
extern char boot_stack_guard[];	// the page below the boot CPU's stack
// From pvh.S.
NORETURN void boot_main(paddr_t start_info);
