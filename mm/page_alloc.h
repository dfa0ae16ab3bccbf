// mm/page_alloc.h - the buddy allocator's insides: zones, watermarks, sections. For mm/ only.
//
// Objects:    a zone's free lists hold the first descriptors of free blocks of 2^order pages (PG_BUDDY, order in the flags).
//             Per CPU, small stacks of free pages of the common orders stand before the zones.
// Lock order: zone.lock is a leaf, taken with interrupts off.
// Sections:   128 MiB of physical memory; its descriptors are one 2 MiB page of the vmemmap. Those that start-up does not need are
//             deferred: they are counted as free, and set up by the first allocation that finds their zone low.
#pragma once
#include "kern/spinlock.h"
#include "mm/folio.h"

#define MAX_ORDER 10			// 4 MiB
#define SECTION_SHIFT 27
#define SECTION_PAGES (1ul << (SECTION_SHIFT - PAGE_SHIFT))
#define SECTION_DESC (SECTION_PAGES * sizeof(struct folio))	// 2 MiB; more in builds that check locks
BUILD_ASSERT(SECTION_DESC % PMD_SIZE == 0);

enum zone_id { ZONE_DMA32, ZONE_NORMAL, NR_ZONES };

struct zone {
	struct spinlock lock;
	struct list_head free[MAX_ORDER + 1] GUARDED_BY(&lock);
	u64 nr_block[MAX_ORDER + 1] GUARDED_BY(&lock);
	u64 nr_free ATOMIC;		// pages on the free lists; written under lock
	u64 nr_deferred ATOMIC;		// pages of sections that are not set up yet
	u64 managed;			// pages that were ever given to this zone
	u64 wmark_min, wmark_low, wmark_high;	// pages; below min only PF_MEMALLOC and GFP_HIGH allocate
};
extern struct zone zones[NR_ZONES];

// Pages held by the per-CPU stacks of all CPUs (free, but not in nr_free).
u64 pcp_pages(void);
// Gives the stacks of this CPU back to the zones.
void pcp_drain(void);
// Whether the machine has a page descriptor for pfn.
bool pfn_valid(u64 pfn);
// Frees [start, end) to the zones: start-up's memory, the initramfs. Page aligned.
void pages_free_range(paddr_t start, paddr_t end);
// Maps the descriptors of a section (mm/vmemmap.c). Whole: by 2 MiB pages, SECTION_DESC bytes at mem (physical); else 4 KiB pages for
// the pfns given, from memblock.
void vmemmap_prepare(u64 max_pfn);			// tables for the whole range. INIT
void vmemmap_map_whole(u64 section, paddr_t mem);
void vmemmap_map_part(u64 start_pfn, u64 end_pfn);	// INIT

// A folio without a reference, for memory whose owner does not count (slabs): folio_free_raw() gives it back.
MUST_CHECK struct folio *folio_alloc_frozen(gfp_t gfp, int order);

// Reclaim's side (mm/reclaim.c): frees some pages for an allocation of this order; returns pages freed. Wakes kswapd.
u64 reclaim_direct(gfp_t gfp, int order);
void reclaim_wake(void);
