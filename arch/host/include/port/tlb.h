// port/tlb.h - host: translations of user space are never cached; the kernel's are mappings of the process.
#pragma once
#include "../../host.h"
#include "arch/pte.h"

#define ARCH_TLB_RANGE_MAX 33

void host_tlb_drop(u64 start, u64 end);
void host_tlb_drop_all(void);

static inline void arch_tlb_flush_page(u64 va)
{
	host_tlb_drop(va, va + PAGE_SIZE);
}

static inline void arch_tlb_flush_range(u64 start, u64 end, u32 page_shift)
{
	(void)page_shift;
	host_tlb_drop(start, end);
}

static inline void arch_tlb_flush_user(void)
{
}

static inline void arch_tlb_flush_all(void)
{
	host_tlb_drop_all();
}

static inline void arch_mm_activate(paddr_t root, u32 asid, bool keep)
{
	(void)asid;
	(void)keep;
	host_this()->root = root;
}

static inline paddr_t arch_mm_current(void)
{
	return host_this()->root;
}

static inline u32 arch_nr_asids(void)
{
	return 1;
}
