// mm/lru.h - generations of reclaimable folios. Code: lru.c, reclaim.c. For mm/ only.
//
// One lruvec per (memcg, node); today the root memcg's. A folio that can be reclaimed (file folios with a store behind them; anonymous ones when
// there is swap, or after MADV_FREE) is on the list of a generation, gen = seq % 4, kept in its flags as gen + 1. Lock order: lruvec.lock is a leaf.
#pragma once
#include "kern/spinlock.h"
#include "mm/folio.h"

#define LRU_GENS 4
#define LRU_MIN_GENS 2
enum lru_type { LRU_ANON, LRU_FILE, NR_LRU_TYPES };

struct lruvec {
	struct spinlock lock;
	u64 max_seq GUARDED_BY(&lock);			// youngest generation
	u64 min_seq[NR_LRU_TYPES] GUARDED_BY(&lock);	// oldest
	struct list_head list[LRU_GENS][NR_LRU_TYPES] GUARDED_BY(&lock);
	u64 nr[LRU_GENS][NR_LRU_TYPES] ATOMIC;		// pages; written under lock
};
extern struct lruvec root_lruvec;

void lru_init(void);
// lru_add() is declared in mm/folio.h: to the oldest generation that is safe for a new folio.
void lru_del(struct folio *f);
void folio_mark_accessed(struct folio *f);	// an access through a file descriptor
// Takes up to n of the oldest folios of a type off the lists, each with a reference. Makes older generations when few are left.
u32 lru_isolate(enum lru_type type, struct folio **out, u32 n);
void lru_putback(struct folio *f, bool young);	// with the reference of lru_isolate(), which is dropped
u64 lru_pages(enum lru_type type, bool active);
void folio_end_writeback(struct folio *f);
void folio_init(void);
