// port/tlb.h - x86_64.
#pragma once

// Above this many pages one reload of cr3 is cheaper than invlpg.
#define ARCH_TLB_RANGE_MAX 33

extern bool cpu_has_pcid;	// constant once the boot CPU was looked at

static inline u64 read_cr3(void)
{
	u64 v;
	__asm__ volatile("movq %%cr3, %0" : "=r"(v) : : "memory");
	return v;
}

static inline void write_cr3(u64 v)
{
	__asm__ volatile("movq %0, %%cr3" : : "r"(v) : "memory");
}

static inline void arch_tlb_flush_page(u64 va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline void arch_tlb_flush_user(void)
{
	write_cr3(read_cr3());
}

static inline void arch_tlb_flush_range(u64 start, u64 end, u32 page_shift)
{
	for (u64 va = start; va < end; va += 1ull << page_shift)
		arch_tlb_flush_page(va);
}

// Global entries are dropped when cr4.PGE (bit 7) changes. SDM 3A 4.10.4.1.
static inline void arch_tlb_flush_all(void)
{
	u64 v;
	__asm__ volatile("movq %%cr4, %0" : "=r"(v) : : "memory");
	__asm__ volatile("movq %0, %%cr4" : : "r"(v ^ 0x80) : "memory");
	__asm__ volatile("movq %0, %%cr4" : : "r"(v) : "memory");
}

// asid 0 is PCID 0. Bit 63 keeps what is cached for that PCID.
static inline void arch_mm_activate(paddr_t root, u32 asid, bool keep)
{
	write_cr3(cpu_has_pcid ? root | asid | (u64)keep << 63 : root);
}

static inline paddr_t arch_mm_current(void)
{
	return read_cr3() & 0x000ffffffffff000ull;
}

static inline u32 arch_nr_asids(void)
{
	return cpu_has_pcid ? 4096 : 1;
}
