// include/arch/tlb.h - translation caches, and the current page-table root. Code: port/tlb.h, arch/<isa>/tlb.c.
//
// Local operations act on this CPU only; the caller stays on it. Which CPUs use an mm, generations and batching are mm/tlb.c's.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct cpumask;

// A request to other CPUs: addresses [start, end) of the mm whose root table is at `root` changed; 0: of the kernel.
struct tlb_flush {
	paddr_t root;
	u64 start, end;		// end 0: everything of that mm
	u64 gen;		// mm/tlb.c's generation after this flush
	void *mm;		// mm/tlb.c's; compared, not followed
	u32 page_shift;		// of the entries changed
	bool freed_tables;	// page-table pages were freed: no CPU may keep walk caches
};

// This CPU's translations: of one page of the current mm (or the kernel); of a range; of all user space; of everything, global entries included.
static inline void arch_tlb_flush_page(u64 va);
static inline void arch_tlb_flush_range(u64 start, u64 end, u32 page_shift);
static inline void arch_tlb_flush_user(void);
static inline void arch_tlb_flush_all(void);
// More pages than this are better flushed as a whole.
// #define ARCH_TLB_RANGE_MAX

// Calls tlb_flush_arrived(f) on each CPU of the mask but this one, and waits until all have returned.
// Context: interrupts on, preemption off.
void arch_tlb_flush_others(const struct cpumask *cpus, const struct tlb_flush *f);

// Makes `root` the current top-level table; address-space id asid of this CPU (0 when unused), whose old translations
// are dropped unless keep. Context: interrupts off.
static inline void arch_mm_activate(paddr_t root, u32 asid, bool keep);
// The current root.
static inline paddr_t arch_mm_current(void);
// Number of usable address-space ids, 1 if there are none.
static inline u32 arch_nr_asids(void);
// Copies the kernel's half into a new top-level table (a zeroed page). Kernel entries at this level never change after start-up.
void arch_pgd_init(void *pgd);

// Upcalls: defined in mm/tlb.c. Context: hardirq or inside arch_tlb_flush_others() of another.
void tlb_flush_arrived(const struct tlb_flush *f);

#include "port/tlb.h"
