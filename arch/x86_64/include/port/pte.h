// port/pte.h - x86_64: four levels of 512 entries. SDM 3A, 4.5.
#pragma once

#include "port/pte_bits.h"

#define TASK_SIZE_MAX 0x7ffffffff000ul	// the last page stays empty: sysret to a non-canonical address cannot happen
#define MMAP_MIN_LIMIT 0x1000ul
#define PHYS_OFFSET 0xffff888000000000ul
#define PHYS_MAP_SIZE 0x400000000000ul	// 64 TiB
#define VMALLOC_START 0xffffc90000000000ul
#define VMALLOC_END 0xffffc98000000000ul	// one top-level entry: 512 GiB
#define VMEMMAP_START 0xffffea0000000000ul
#define KIMAGE_START 0xffffffff80000000ul
#define KIMAGE_END 0xffffffffa0000000ul
#define MODULES_START 0xffffffffa0000000ul
#define MODULES_END 0xffffffffff000000ul

#define TRAP_PAGE_FAULT 14	// the vector, as signal contexts show it

static ALWAYS_INLINE void *phys_to_virt(paddr_t pa)
{
	return (void *)(pa + PHYS_OFFSET);
}

// virtual - physical of the kernel image; set by entry code (KASLR moves it).
extern u64 kimage_offset;

static ALWAYS_INLINE paddr_t virt_to_phys(const void *va)
{
	u64 a = (u64)va;
	return a - (a >= KIMAGE_START ? kimage_offset : PHYS_OFFSET);
}

static inline bool virt_addr_linear(const void *va)
{
	u64 a = (u64)va;
	return (a >= PHYS_OFFSET && a - PHYS_OFFSET < PHYS_MAP_SIZE) || (a >= KIMAGE_START && a < KIMAGE_END);
}
