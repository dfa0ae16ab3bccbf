// mm/rmap.h - from a folio to the page-table entries that map it. Code: rmap.c. For mm/ only (reclaim).
//
// File folios: through mapping.i_mmap. Anonymous folios: a folio names the node (rmap_root) of the mm that allocated it, and its virtual page
// number then. It can only be mapped there, or in what was forked from there since, at the same address - or in a VMA that mremap moved,
// which mm.moved lists. A node lives as long as mms are attached to it or nodes below it exist. The chain of nodes is at most
// RMAP_MAX_DEPTH deep: a child below that joins its parent's node (and is then visited for its folios, in vain, as any false positive).
// Lock order: tree lock (rmap_root.top->lock) > VMA pin (tried only) > page-table locks.
#pragma once
#include "mm/mm.h"

#define RMAP_MAX_DEPTH 16

struct rmap_root {
	struct rmap_root *parent SET_ONCE;	// counted by ref of the parent; null: top
	struct rmap_root *top SET_ONCE;
	u32 depth SET_ONCE;
	u32 users;			// mms attached + children; guarded by top->lock
	struct list_head mms, children, link;	// guarded by top->lock
	struct rwsem lock;		// of the whole tree; used in the top only
};
MUST_CHECK int rmap_create(struct mm *mm, struct mm *parent);	// parent null: a new tree. -ENOMEM
void rmap_leave(struct mm *mm);

// Calls fn for each locked pte (or large pmd, then pte is null) that maps a page of the locked folio. fn returns false to stop.
struct rmap_hit {
	struct vma *vma;
	u64 addr;
	pte_t *pte;
	pmd_t *pmd;
};
void rmap_walk(struct folio *f, bool (*fn)(struct folio *f, struct rmap_hit *h, void *arg), void *arg);
// True: no entry maps f any more (anonymous folios become swap entries; without swap they stay).
bool rmap_unmap_file(struct folio *f);
int rmap_test_clear_young(struct folio *f, u64 *vm_flags);	// number of young entries; union of the VMAs' flags
int rmap_wrprotect(struct folio *f);			// clean and write-protect shared file mappings; entries changed
