// mm/internal.h - what the files of mm/ that handle address spaces share. docs/mm.md explains the locking.
#pragma once
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/math.h"
#include "lib/overflow.h"
#include "mm/mapping.h"
#include "mm/mm.h"
#include "mm/pgtable.h"
#include "mm/slab.h"
#include "mm/tlb.h"
#include "sched/sched.h"

#define STACK_GUARD_GAP (256ul << PAGE_SHIFT)

// ---- mmap_lock. A write section ends by mmap_write_unlock() or mmap_downgrade(), which lets faults use the VMAs again. ----
static inline void mmap_write_lock(struct mm *mm) ACQUIRES(&mm->mmap_lock) { down_write(&mm->mmap_lock); }
MUST_CHECK static inline int mmap_write_lock_killable(struct mm *mm) TRY_ACQUIRES(false, &mm->mmap_lock) { return down_write_killable(&mm->mmap_lock); }
static inline void mmap_seq_end(struct mm *mm) { __atomic_store_n(&mm->seq, mm->seq + 1, __ATOMIC_RELEASE); }	// pairs with vma_try_pin()
static inline void mmap_write_unlock(struct mm *mm) RELEASES(&mm->mmap_lock) { mmap_seq_end(mm); up_write(&mm->mmap_lock); }
static inline void mmap_downgrade(struct mm *mm) RELEASES(&mm->mmap_lock) ACQUIRES_SHARED(&mm->mmap_lock) { mmap_seq_end(mm); downgrade_write(&mm->mmap_lock); }
static inline void mmap_read_lock(struct mm *mm) ACQUIRES_SHARED(&mm->mmap_lock) { down_read(&mm->mmap_lock); }
static inline void mmap_read_unlock(struct mm *mm) RELEASES_SHARED(&mm->mmap_lock) { up_read(&mm->mmap_lock); }

// ---- VMAs (vma.c) ----
#define VMA_WRITER 0x40000000
MUST_CHECK struct vma *vma_alloc(struct mm *mm);
// A copy with its own references to file and object, not linked anywhere. Null: no memory.
MUST_CHECK struct vma *vma_dup(struct vma *v, struct mm *mm);
void vma_free(struct vma *v);			// drops what it refers to; it is linked nowhere
void vma_set_flags(struct vma *v, u64 flags);	// and prot
// Pins v for a fault at addr: it stays as it is until vma_unpin(). False: a writer is at work, or v is not it any more.
MUST_CHECK bool vma_try_pin(struct vma *v, struct mm *mm, u64 addr);
void vma_unpin(struct vma *v);
// Looks up and pins the VMA that contains addr, without mmap_lock. Null: none, or use the slow way.
struct vma *vma_pin_lookup(struct mm *mm, u64 addr);
// The same, with mmap_lock and stack growth if that is what it takes. Null: no such memory. Context: task, no locks.
struct vma *vma_pin(struct mm *mm, u64 addr);
// Before v is changed: waits for pins, and keeps new ones out until the write section ends.
void vma_lock_write(struct vma *v);
static inline bool vma_is_anon(const struct vma *v) { return !v->mapping && !v->ops; }
static inline u64 vma_pages(const struct vma *v) { return (v->end - v->start) >> PAGE_SHIFT; }
static inline u64 vma_pgoff_at(const struct vma *v, u64 addr) { return v->pgoff + ((addr - v->start) >> PAGE_SHIFT); }
static inline struct vtree_item vma_item(struct vma *v) { return (struct vtree_item){ v->start, v->end, v }; }
static inline struct vma *vma_at(struct mm *mm, u64 addr) { return vma_tree_find(&mm->vmas, addr); }
static inline struct vma *vma_after(struct mm *mm, u64 addr) { return vma_tree_find_after(&mm->vmas, addr); }
static inline struct vma *vma_before(struct mm *mm, u64 addr) { return vma_tree_find_before(&mm->vmas, addr); }
u64 vma_guard(const void *v);			// free room demanded below it

// i_mmap.c: VMAs of a mapping by page offset.
void vma_link_mapping(struct vma *v);
void vma_unlink_mapping(struct vma *v);
struct vma *i_mmap_first(struct mapping *m, u64 first, u64 last) REQUIRES(&m->i_mmap_lock);
struct vma *i_mmap_next(struct vma *v, u64 first, u64 last);

// What a VMA would have to be to be one with a neighbour.
struct vma_like {
	u64 flags;
	struct file *file;
	struct mapping *mapping;
	const struct vm_ops *ops;
	void *private;
	u64 anon_off;
	const char *anon_name;
};
bool vma_can_join(const struct vma *v, const struct vma_like *l);
// Gives [start, end) of v these flags: splits and joins as needed. *out is the VMA that holds the range after. -ENOMEM: nothing changed.
MUST_CHECK int vma_modify(struct mm *mm, struct vma *v, u64 start, u64 end, u64 flags, struct vma **out);
// Removes what is in [start, end) and puts `fresh` (null: nothing), which covers it, there. Unmapped memory is zapped, fresh is linked.
// -ENOMEM: nothing changed.
MUST_CHECK int vma_replace(struct mm *mm, u64 start, u64 end, struct vma *fresh);
MUST_CHECK int vma_split(struct mm *mm, struct vma *v, u64 addr);	// v keeps the lower part
void vma_resize(struct mm *mm, struct vma *v, u64 start, u64 end);	// in place, keeping page offsets right
void vm_account(struct mm *mm, u64 flags, s64 pages);

// ---- faults ----
// Resolves a fault at addr of the pinned (or mmap_lock-protected) VMA. 0, -EAGAIN (again), or as vm_ops.fault.
MUST_CHECK int vma_fault(struct vma *v, u64 addr, u32 flags);
MUST_CHECK int file_fault(struct fault *f, pmd_t *pmd);
MUST_CHECK int huge_fault(struct vma *v, pmd_t *pmd, u64 addr, u32 flags);
bool vma_permits(const struct vma *v, u32 flags);
// Whether f, which pte p (its table's lock is held) maps at page frame pfn, is anonymous and nobody else's: then it may be written in place.
bool anon_alone(struct folio *f, pte_t *p, u64 pfn);
MUST_CHECK int vma_expand_stack(struct mm *mm, struct vma *v, u64 addr);	// mmap_lock held for write
int mm_fault_in(struct mm *mm, u64 addr, u32 flags);	// 0 or -errno, for the kernel's own use; no locks held
extern u64 zero_pfn;
static inline u64 anon_index(const struct vma *v, u64 addr) { return (addr >> PAGE_SHIFT) + v->anon_off; }
// A fresh folio becomes v's anonymous page(s) at addr; its reference goes to the entry.
static inline void folio_set_anon(struct folio *f, struct vma *v, u64 addr, int maps)
{
	f->flags |= BIT(PG_ANON) | BIT(PG_SWAPBACKED) | BIT(PG_UPTODATE);	// nobody else sees it yet
	f->anon = v->mm->rmap;
	f->index = anon_index(v, addr);
	atomic_set(&f->mapcount, maps);
}
// One more entry maps f: reference and map count at once (they are one aligned word).
static inline void folio_dup_map(struct folio *f)
{
	__atomic_fetch_add((u64 *)(void *)&f->ref, 1ull << 32 | 1, __ATOMIC_RELAXED);
}
BUILD_ASSERT(offsetof(struct folio, ref) % 8 == 0 && offsetof(struct folio, mapcount) == offsetof(struct folio, ref) + 4, "folio_dup_map()");
static inline enum mm_counter folio_counter(const struct folio *f)
{
	u64 fl = READ_ONCE(f->flags);
	return fl & BIT(PG_ANON) ? MM_ANON : fl & BIT(PG_SWAPBACKED) ? MM_SHMEM : MM_FILE;
}

// ---- zap.c ----
struct zap {
	struct tlb_gather *g;
	bool keep_anon;		// leave private copies (truncate without even_cow)
};
void zap_range(struct zap *z, u64 start, u64 end);
// Unmaps [start, end) and flushes. Context: mmap_lock held or the VMA pinned.
void zap_now(struct mm *mm, u64 start, u64 end);
void mm_teardown(struct mm *mm);			// the last user is gone
void vmas_teardown(struct mm *mm, struct vma *list);
MUST_CHECK int mm_create_child(struct mm *parent, struct mm **out);
void vma_init(void);
void fault_init(void);
void rmap_init(void);

static inline u64 page_align(u64 x) { return (x + PAGE_SIZE - 1) & PAGE_MASK; }
