// mm/tlb.h - which CPU has which address space loaded, translation flushes, and the gather of what an unmap frees. Code: tlb.c. For mm/ only.
//
// mm.tlb_gen counts flushes; each CPU knows the generation that its translations of the loaded mm are as new as. A CPU that keeps an mm
// loaded without using it (lazy: idle, kernel threads) is not interrupted: it compares generations when it comes back. Only when tables are
// freed must lazy CPUs be told as well (the processor may walk them speculatively); they then drop the mm.
// Order: a flusher changes entries, then tlb_gen, then looks at cpus and lazy; a CPU that loads or comes back sets its bit or clears lazy,
// then reads tlb_gen, then uses the tables. Both have a full barrier in between, so one of the two sees the other.
#pragma once
#include "mm/mm.h"
#include "arch/tlb.h"

struct tlb_cpu {
	struct mm *loaded;		// whose tables the processor uses; &init_mm when no user's
	u64 gen;			// of `loaded`
	u32 lazy ATOMIC;		// read by flushers
	s32 rss[NR_MM_COUNTERS];	// of `loaded`, not yet in mm.rss
} CACHE_ALIGNED;
DECLARE_PER_CPU(struct tlb_cpu, tlb_cpu);

#define RSS_BATCH 64
void rss_add_slow(struct mm *mm, enum mm_counter c, s32 n);
// Context: preemption off.
static inline void rss_add(struct mm *mm, enum mm_counter c, s32 n)
{
	if (likely(this_cpu_read(tlb_cpu.loaded) == mm)) {
		s32 v = this_cpu_add_return(tlb_cpu.rss[c], n);
		if (likely(v > -RSS_BATCH && v < RSS_BATCH))
			return;
		n = 0;
	}
	rss_add_slow(mm, c, n);
}
void rss_flush(struct mm *mm);		// this CPU's part becomes visible. Context: any
DECLARE_PER_CPU(s64, mm_stats[NR_MM_STATS]);
static inline void mm_stat_add(enum mm_stat s, s64 n)
{
	this_cpu_add(mm_stats[s], n);
}

// Translations of [start, end) of mm changed; entries of 1 << shift bytes. Context: task, interrupts on; spinlocks may be held.
void tlb_flush_range(struct mm *mm, u64 start, u64 end, u32 shift, bool freed_tables);
static inline void tlb_flush_page(struct mm *mm, u64 addr)
{
	tlb_flush_range(mm, addr, addr + PAGE_SIZE, PAGE_SHIFT, false);
}
void tlb_flush_mm(struct mm *mm);
void tlb_flush_kernel(u64 start, u64 end);
// No CPU has mm loaded when this returns. The last user is gone. Context: task.
void tlb_drop_mm(struct mm *mm);

// What one unmapping collects: entries are cleared first, then translations flushed, then pages and tables freed.
#define GATHER_INLINE 96
struct tlb_gather {
	struct mm *mm;
	u64 start, end;			// changed since the last flush
	u32 shift;			// smallest entry among them
	bool freed_tables, dead;	// dead: nobody has mm loaded any more
	u32 n, max;
	struct folio **folios;		// batch, or a page of them
	struct rcu_head *tables;
	struct folio *batch[GATHER_INLINE];
};
void gather_begin(struct tlb_gather *g, struct mm *mm, bool dead);
void gather_flush(struct tlb_gather *g);	// Context: task, no locks
void gather_end(struct tlb_gather *g);
static inline void gather_range(struct tlb_gather *g, u64 start, u64 end, u32 shift)
{
	g->start = MIN(g->start, start);
	g->end = MAX(g->end, end);
	g->shift = MIN(g->shift, shift);
}
// One reference of f goes with the flush. True: full, flush soon (room for one more table of entries is not left).
MUST_CHECK static inline bool gather_folio(struct tlb_gather *g, struct folio *f)
{
	g->folios[g->n++] = f;
	return g->n == g->max;
}
