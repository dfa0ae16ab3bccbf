// port/pte.h - host: x86_64's page tables, walked in software (arch/host/mmu.c). Physical memory is a file, mapped at PHYS_OFFSET; the
// vmalloc range and the page descriptors are mapped from it, page by page, when a access faults: the process is the TLB.
#pragma once
#include "../../../x86_64/include/port/pte_bits.h"

// User addresses are numbers here: nothing is ever mapped there. The kernel's must suit the sanitizers' own maps.
#define TASK_SIZE_MAX 0x7ffffffff000ul
#define MMAP_MIN_LIMIT 0x1000ul
#ifdef __SANITIZE_THREAD__
#define HOST_BASE_ 0x1000000000ul
#define HOST_STEP_ 0x1000000000ul
#else
#define HOST_BASE_ 0x200000000000ul
#define HOST_STEP_ 0x10000000000ul
#endif
#define PHYS_OFFSET HOST_BASE_
#define PHYS_MAP_SIZE 0x1000000000ul
#define VMALLOC_START (HOST_BASE_ + HOST_STEP_)
#define VMALLOC_END (VMALLOC_START + 0x1000000000ul)
#define VMEMMAP_START (HOST_BASE_ + 2 * HOST_STEP_)
#define MODULES_START (HOST_BASE_ + 3 * HOST_STEP_)
#define MODULES_END (MODULES_START + 0x10000000ul)
// The program itself: it has no physical address.
#define KIMAGE_START 0xffffffff80000000ul
#define KIMAGE_END 0xffffffffa0000000ul

#define TRAP_PAGE_FAULT 14

static inline void *phys_to_virt(paddr_t pa)
{
	return (void *)(pa + PHYS_OFFSET);
}

static inline bool virt_addr_linear(const void *va)
{
	return (u64)va - PHYS_OFFSET < PHYS_MAP_SIZE;
}

NORETURN void host_bad_linear(const void *va);

static inline paddr_t virt_to_phys(const void *va)
{
	if (unlikely(!virt_addr_linear(va)))
		host_bad_linear(va);
	return (u64)va - PHYS_OFFSET;
}
