// mm/folio.h - folios: 2^order contiguous pages that are allocated, mapped, cached and reclaimed as one.
//
// Code outside mm/page*.c speaks struct folio; a struct page is a 64-byte descriptor, the first one of a folio is the folio.
// A folio lives as long as its reference count; whoever looks one up without owning a reference does so under RCU and takes it by folio_try_get().
#pragma once
#include "kern/ref.h"
#include "kern/spinlock.h"
#include "lib/list.h"
#include "mm/gfp.h"
#include "arch/pte.h"

struct mapping;
struct memcg;
struct rmap_root;
struct kmem_cache;

// flags: low bits PG_*; then 3 bits generation + 1, 2 bits tier, order, zone and node (mm/page.c)
enum folio_flag {
	PG_LOCKED, PG_UPTODATE, PG_DIRTY, PG_WRITEBACK, PG_REFERENCED, PG_WORKINGSET, PG_ACTIVE, PG_LRU, PG_RECLAIM, PG_UNEVICTABLE, PG_MLOCKED,
	PG_HEAD, PG_TAIL, PG_SLAB, PG_TABLE, PG_BUDDY, PG_RESERVED, PG_ANON, PG_SWAPBACKED, PG_SWAPCACHE, PG_WAITERS, PG_ERROR, PG_PRIVATE,
	PG_ANON_EXCLUSIVE, NR_FOLIO_FLAGS,
};
#define FOLIO_GEN_SHIFT 24
#define FOLIO_GEN_BITS 3
#define FOLIO_TIER_SHIFT 27
#define FOLIO_TIER_BITS 2
#define FOLIO_ORDER_SHIFT 32
#define FOLIO_ORDER_BITS 4
#define FOLIO_ZONE_SHIFT 56

struct folio {
	u64 flags ATOMIC;
	union {
		struct list_head lru;			// lruvec lists, or the buddy allocator's
		struct { struct spinlock ptl; void *pt_mm; };	// PG_TABLE: lock of the page table, its mm
	};
	union {
		struct mapping *mapping;		// page cache
		struct rmap_root *anon;			// PG_ANON: the mm that allocated it (mm/rmap.h)
		struct kmem_cache *slab;
		struct folio *head;			// PG_TAIL
	};
	union {
		u64 index;				// in the mapping, or virtual page number (anon)
		u64 pt_count;				// PG_TABLE: entries in use
		struct { u32 inuse, objects; };		// PG_SLAB
	};
	union {
		void *private;				// swap entry, buffers, memory of the owner
		void *freelist;				// PG_SLAB
	};
	struct ref ref;
	struct atomic mapcount;				// page-table entries that map any page of the folio
	struct memcg *memcg;
} CACHE_ALIGNED;
BUILD_ASSERT(sizeof(struct folio) == 64 || sizeof(struct spinlock) > 4, "one cache line per page");

// 2^order pages, zeroed unless GFP_UNINIT, one reference. Context: as gfp says.
MUST_CHECK struct folio *folio_alloc(gfp_t gfp, int order);
// Gives the pages back; everything else about the folio is undone already (mm/folio.c).
void folio_free_raw(struct folio *f);
void folio_free_final(struct folio *f);			// the last reference is gone
static inline void folio_get(struct folio *f) { ref_get(&f->ref); }
MUST_CHECK static inline bool folio_try_get(struct folio *f) { return ref_get_unless_zero(&f->ref); }
static inline void folio_put(struct folio *f) { if (ref_put(&f->ref)) folio_free_final(f); }
void folio_put_many(struct folio **f, int n);
// A new anonymous folio was mapped: it goes on the lists of reclaim (mm/lru.c) if there is somewhere to write it to (swap).
extern bool anon_reclaimable;
void lru_add(struct folio *f);
static inline void folio_add_lru(struct folio *f)
{
	if (unlikely(READ_ONCE(anon_reclaimable)))
		lru_add(f);
}

// Whole pages for kernel use (page tables, stacks, slabs, pipes): virtual address in the direct map. No folio semantics.
MUST_CHECK void *pages_alloc(gfp_t gfp, int order);
void pages_free(void *p, int order);

static inline bool folio_test(const struct folio *f, enum folio_flag b) { return READ_ONCE(f->flags) >> b & 1; }
static inline void folio_set(struct folio *f, enum folio_flag b) { __atomic_fetch_or(&f->flags, 1ul << b, __ATOMIC_RELAXED); }
static inline void folio_clear(struct folio *f, enum folio_flag b) { __atomic_fetch_and(&f->flags, ~(1ul << b), __ATOMIC_RELEASE); }
static inline bool folio_test_and_set(struct folio *f, enum folio_flag b) { return __atomic_fetch_or(&f->flags, 1ul << b, __ATOMIC_SEQ_CST) >> b & 1; }
static inline bool folio_test_and_clear(struct folio *f, enum folio_flag b) { return __atomic_fetch_and(&f->flags, ~(1ul << b), __ATOMIC_SEQ_CST) >> b & 1; }
static inline int folio_order(const struct folio *f) { return READ_ONCE(f->flags) >> FOLIO_ORDER_SHIFT & ((1 << FOLIO_ORDER_BITS) - 1); }
static inline size_t folio_size(const struct folio *f) { return PAGE_SIZE << folio_order(f); }
static inline u64 folio_nr(const struct folio *f) { return 1ull << folio_order(f); }

// The page lock: sleeps. Lock order: mapping.invalidate_lock > folio lock > page-table locks > xarray lock.
void folio_lock(struct folio *f);
MUST_CHECK int folio_lock_killable(struct folio *f);
MUST_CHECK bool folio_trylock(struct folio *f);
void folio_unlock(struct folio *f);
void folio_wait_writeback(struct folio *f);

// Address arithmetic: the direct map and the descriptors are linear arrays (arch/pte.h has the bases).
static inline u64 folio_pfn(const struct folio *f) { return (const struct folio *)f - (const struct folio *)VMEMMAP_START; }
static inline paddr_t folio_phys(const struct folio *f) { return folio_pfn(f) << PAGE_SHIFT; }
static inline void *folio_addr(const struct folio *f) { return phys_to_virt(folio_phys(f)); }
static inline struct folio *pfn_page(u64 pfn) { return (struct folio *)VMEMMAP_START + pfn; }	// the descriptor, tail or not
static inline struct folio *page_folio(struct folio *page) { return folio_test(page, PG_TAIL) ? page->head : page; }
static inline struct folio *virt_folio(const void *p) { return page_folio(pfn_page(virt_to_phys(p) >> PAGE_SHIFT)); }

// Totals for /proc/meminfo and sysinfo(2), in pages.
struct mem_info {
	u64 total, free, available, cached, shmem, anon, mapped, slab_reclaimable, slab_unreclaimable, kernel_stack, page_tables, percpu,
		active_anon, inactive_anon, active_file, inactive_file, unevictable, mlocked, dirty, writeback, committed, commit_limit, vmalloc_used;
};
void mem_info(struct mem_info *out);
u64 mem_total_pages(void);			// all that the allocator manages
// Boot: takes over all memory of the port's map (arch/boot.h). INIT.
void page_alloc_init(void);
