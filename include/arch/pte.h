// include/arch/pte.h - page-table entries. Code: port/pte.h. All walkers are generic, in mm/pgtable.c.
//
// Four levels: pgd (one page per mm), pud, pmd, pte, each of PTRS_PER_{PGD,PUD,PMD,PTE} entries in one 4 KiB page.
// A port with fewer levels folds the upper ones. An entry is a one-member struct; below, X is one of the levels.
// Tables are named by physical address; phys_to_virt() makes them readable.
//
// Entries in memory are read by X_read(p), which is one access, and written by
//   X_set(p, e)			one store. For entries that no CPU uses, or under the table's lock when accessed/dirty bits cannot be lost
//   X_xchg(p, e)		atomic; the old entry with its accessed and dirty bits
//   X_cmpxchg(p, &old, e)	atomic; false, with *old updated, when the entry was not *old
// Constants: PAGE_SHIFT PAGE_SIZE PAGE_MASK, PMD_SHIFT PMD_SIZE, PUD_SHIFT PUD_SIZE, PGD_SHIFT PGD_SIZE, PTRS_PER_X, X_index(va).
//
// Values (e is an entry):
//   X_none(e)			empty, no contents at all
//   X_present(e)		maps something (also for PROT_NONE, which the processor refuses)
//   pmd_leaf(e) pud_leaf(e)	maps a large page, not a table
//   X_pfn(e)			of a leaf (pte, pmd, pud)
//   X_make(pfn, prot)		a leaf (pte, pmd, pud)
//   X_table(paddr)		points to the table below (pgd, pud, pmd); X_table_paddr(e) is the inverse
//   X_bad(e)			neither none, table nor leaf: memory corruption (pgd, pud, pmd)
// and for pte and pmd leaves:
//   X_write X_exec X_user X_young X_dirty X_special X_soft_dirty X_uffd_wp		tests
//   X_protnone(e)		present, but PROT_NONE
//   X_mkwrite X_wrprotect X_mkyoung X_mkold X_mkdirty X_mkclean X_mkspecial X_mk... 	changed copies
//   X_modify(e, prot)		the same page, with prot; keeps young, dirty, special
//   X_same(a, b)
// Entries that are not present and not none:
//   X_swap(type, offset, flags)  X_is_swap(e) X_swap_type(e) X_swap_offset(e) X_swap_flags(e)	swapped out (type < 32, flags < 32)
//   X_migration(pfn, flags) X_is_migration(e) X_migration_pfn(e)	busy: wait and retry
//   X_marker(kind) X_is_marker(e) X_marker_kind(e)			a note without a page (kind < 32)
//
// Special pages (pfn without folio accounting: the zero page, device memory) have the special bit.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

// Protection and attributes of a leaf, in the port's bits.
typedef struct {
	u64 v;
} pgprot_t;

// Protection of a user mapping; all false: PROT_NONE. A writable one is made read-only by X_wrprotect for COW.
static inline pgprot_t pgprot_user(bool read, bool write, bool exec);
// Memory types: for device mappings.
static inline pgprot_t pgprot_uncached(pgprot_t p);
static inline pgprot_t pgprot_write_combine(pgprot_t p);
// The port also defines PGPROT_KERNEL (read, write), PGPROT_KERNEL_RO, PGPROT_KERNEL_RX, PGPROT_KERNEL_UC (device registers).

// The kernel's address space. Constants of the port:
//   PHYS_OFFSET			start of the direct map of all memory; phys_to_virt() is one add
//   PHYS_MAP_SIZE
//   VMALLOC_START VMALLOC_END	vmalloc, ioremap, per-CPU areas, kernel stacks
//   VMEMMAP_START			page descriptors, index pfn
//   KIMAGE_START KIMAGE_END	the kernel image
//   MODULES_START MODULES_END	code within reach of the image's
//   TASK_SIZE_MAX MMAP_MIN_LIMIT	user space ends
static inline void *phys_to_virt(paddr_t pa);
// For addresses in the direct map and in the kernel image.
static inline paddr_t virt_to_phys(const void *va);
// Whether va is in the direct map or the image, so that virt_to_phys() works.
static inline bool virt_addr_linear(const void *va);

// The kernel's own top-level table: its upper half is shared by all others.
extern u64 kernel_pgd_paddr;

#include "port/pte.h"

// Whole pages, page aligned. arch/<isa>/string.S
void clear_page(void *page);
void copy_page(void *dst, const void *src);
