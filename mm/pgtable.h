// mm/pgtable.h - walking, making and freeing page tables. Code: pgtable.c. For mm/ only.
//
// Four levels of one-page tables. A table's descriptor (struct folio of its page) holds the lock of its entries: that of a pte table guards
// ptes, that of a pmd table guards large pmds. Entries none -> table are made by cmpxchg, without a lock, by whoever keeps the VMA from
// going away (its pin, or mmap_lock). table -> none happens only where no VMA is left, with mmap_lock held for write; the page is given
// back by RCU after the flush, so a walk under RCU may read a table that was just unlinked, and finds it empty.
// Lock order: pmd table's lock > pte table's lock. Both are leaves otherwise (the allocator's and rss are inside).
#pragma once
#include "mm/mm.h"
#include "mm/tlb.h"

static inline struct folio *table_desc(const void *entry)
{
	return pfn_page(((u64)entry - PHYS_OFFSET) >> PAGE_SHIFT);
}
static inline struct spinlock *pmd_lock_of(pmd_t *pmd)
{
	return &table_desc(pmd)->ptl;
}
static inline struct spinlock *pte_lock_of(pte_t *pte)
{
	return &table_desc(pte)->ptl;
}
static inline pud_t *pud_at(pgd_t e, u64 addr)
{
	return (pud_t *)phys_to_virt(pgd_table_paddr(e)) + pud_index(addr);
}
static inline pmd_t *pmd_at(pud_t e, u64 addr)
{
	return (pmd_t *)phys_to_virt(pud_table_paddr(e)) + pmd_index(addr);
}
static inline pte_t *pte_at(pmd_t e, u64 addr)
{
	return (pte_t *)phys_to_virt(pmd_table_paddr(e)) + pte_index(addr);
}
// The next boundary of a level, not past end.
static inline u64 pgd_next(u64 addr, u64 end) { u64 n = (addr + PGD_SIZE) & PGD_MASK; return n - 1 < end - 1 ? n : end; }
static inline u64 pud_next(u64 addr, u64 end) { u64 n = (addr + PUD_SIZE) & PUD_MASK; return n - 1 < end - 1 ? n : end; }
static inline u64 pmd_next(u64 addr, u64 end) { u64 n = (addr + PMD_SIZE) & PMD_MASK; return n - 1 < end - 1 ? n : end; }

// The pmd entry for addr, or null when there is no table for it. The VMA is kept from going away, or RCU.
static inline pmd_t *pmd_lookup(struct mm *mm, u64 addr)
{
	pgd_t g = pgd_read(mm->pgd + pgd_index(addr));
	if (unlikely(pgd_none(g)))
		return NULL;
	pud_t u = pud_read(pud_at(g, addr));
	return unlikely(pud_none(u)) ? NULL : pmd_at(u, addr);
}
// The same, making what is missing. -ENOMEM.
MUST_CHECK int pmd_get(struct mm *mm, u64 addr, pmd_t **out);
// Puts a pte table below an empty pmd (or finds one there). -ENOMEM; -EAGAIN: the pmd maps a large page.
MUST_CHECK int pte_table_make(struct mm *mm, pmd_t *pmd);
// Locks the table of addr's pte and returns the pte; null when there is no table (the pmd is none or large). Unlock by pte_unlock().
pte_t *pte_lock(struct mm *mm, u64 addr);
static inline void pte_unlock(pte_t *pte) NO_LOCK_ANALYSIS	// pte_lock()'s or pte_lock_pmd()'s
{
	spin_unlock(pte_lock_of(pte));
}
// Locked ptes of [addr, end), which lies below one pmd: the same for a known pmd.
static inline pte_t *pte_lock_pmd(pmd_t pmd, u64 addr) NO_LOCK_ANALYSIS	// for pte_unlock()
{
	pte_t *p = pte_at(pmd, addr);
	spin_lock(pte_lock_of(p));
	return p;
}
// Makes an unlinked, empty table for a later pmd_table(); null: no memory. table_free: one that was never linked.
MUST_CHECK void *table_alloc(struct mm *mm);
void table_free(struct mm *mm, void *table);
// Unlinks the tables that lie in [floor, ceiling) whole (ceiling 0: the end of user space) and have been emptied, around [start, end).
// They are freed by RCU when g is flushed. Context: mmap_lock held for write; no VMA in [floor, ceiling).
void tables_unlink(struct tlb_gather *g, u64 start, u64 end, u64 floor, u64 ceiling);
void tables_free_rcu(struct rcu_head *list);	// tlb.c: what the gather collected
// Replaces a large pmd by a table that maps the same pages. -ENOMEM. Context: VMA kept; no locks.
MUST_CHECK int pmd_split(struct mm *mm, pmd_t *pmd, u64 addr);

MUST_CHECK pgd_t *pgd_create(void);
void pgd_destroy(pgd_t *pgd);

// Kernel mappings (vmalloc, stacks, ioremap): the caller owns the range. Tables are made as needed and never freed. -ENOMEM.
MUST_CHECK int kernel_map_range(u64 va, u64 end, paddr_t pa, pgprot_t prot);
MUST_CHECK int kernel_map_page(u64 va, u64 pfn, pgprot_t prot);
pte_t *kernel_pte(u64 va);			// null: no table
// Clears the entries, no flush; calls fn (may be null) with each page frame that was mapped.
void kernel_unmap_range(u64 va, u64 end, void (*fn)(u64 pfn, void *arg), void *arg);
