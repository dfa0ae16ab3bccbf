// The kernel's own page tables: the image by 4 KiB pages, each section with its own rights, and all memory at PHYS_OFFSET
// by the largest pages that fit. Also the fixed mappings of early_ioremap().
#include "boot.h"

#include "arch/pte.h"
#include "arch/tlb.h"
#include "features.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "lib/string.h"

// Fixed mappings: 512 pages from here.
#define FIXMAP_START 0xffffffffff200000ul

u64 kernel_pgd_paddr RO_AFTER_INIT;
static bool tables_from_memblock INITDATA = true;
static u32 fixmap_used;
static pte_t *fixmap_table;

static const struct section {
	char *start, *end;
	u64 prot;
} sections[] = {
	{ kernel_text_start, kernel_text_end, PTE_P | PTE_A | PTE_G },
	{ kernel_rodata_start, kernel_rodata_end, PTE_P | PTE_A | PTE_G | PTE_NX },
	{ kernel_data_start, kernel_data_end, PTE_P | PTE_W | PTE_A | PTE_D | PTE_G | PTE_NX },
};

static INIT u64 *new_table(void)
{
	void *t = tables_from_memblock ? memblock_alloc(PAGE_SIZE, PAGE_SIZE, 0, BIT(30)) : NULL;

	if (!t)
		panic("no memory for page tables");
	return t;
}

// The table that entry points to, made if it is empty. Entries of all levels have one format.
static INIT u64 *table_below(u64 *entry)
{
	if (!*entry)
		*entry = virt_to_phys(new_table()) | PTE_TABLE;
	return phys_to_virt(*entry & PTE_PFN_MASK);
}

static INIT u64 *pgd_entry(u64 va)
{
	return (u64 *)phys_to_virt(kernel_pgd_paddr) + pgd_index(va);
}

// Maps one page of the given size shift (12, 21, 30).
static INIT void map_one(u64 va, paddr_t pa, u32 shift, u64 prot)
{
	u64 *e = table_below(pgd_entry(va)) + pud_index(va);

	if (shift < PUD_SHIFT)
		e = table_below(e) + pmd_index(va);
	if (shift < PMD_SHIFT)
		e = table_below(e) + pte_index(va);
	*e = pa | prot | (shift > PAGE_SHIFT ? PTE_PS : 0);
}

// Rights of a page of the image in the direct map: as in the image, but never executable.
static INIT u64 direct_prot(paddr_t pa)
{
	const u64 rw = PTE_P | PTE_W | PTE_A | PTE_D | PTE_G | PTE_NX;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (pa >= virt_to_phys(sections[i].start) && pa < virt_to_phys(sections[i].end))
			return sections[i].prot | PTE_NX;
	return rw;
}

// The largest page size for pa, with `left` bytes to map. The image's neighbourhood is mapped by small ones.
static INIT u32 page_shift_for(paddr_t pa, u64 left)
{
	static const u32 shifts[] = { PUD_SHIFT, PMD_SHIFT };

	for (size_t i = 0; i < ARRAY_SIZE(shifts); i++) {
		u64 size = 1ull << shifts[i];
		if (shifts[i] == PUD_SHIFT && !cpu_has(X86_GBPAGES))
			continue;
		if (pa % size == 0 && left >= size && (pa + size <= boot_info.kernel_start || pa >= boot_info.kernel_end))
			return shifts[i];
	}
	return PAGE_SHIFT;
}

static INIT void map_direct(paddr_t start, paddr_t end)
{
	for (paddr_t pa = start; pa < end;) {
		u32 shift = page_shift_for(pa, end - pa);
		map_one(pa + PHYS_OFFSET, pa, shift, direct_prot(pa));
		pa += 1ull << shift;
	}
}

static INIT void map_image(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		for (char *p = sections[i].start; p < sections[i].end; p += PAGE_SIZE)
			if (p != boot_stack_guard)
				map_one((u64)p, virt_to_phys(p), PAGE_SHIFT, sections[i].prot);
}

void INIT paging_init(void)
{
	kernel_pgd_paddr = virt_to_phys(new_table());
	map_image();
	map_direct(0, 0x100000);	// firmware's tables
	for (u32 i = 0; i < memblock.nr_ram; i++)
		map_direct(MAX(memblock.ram[i].start, 0x100000ull), memblock.ram[i].end);
	// ACPI tables are read where they are.
	for (u32 i = 0; i < boot_info.nr_map; i++)
		if (boot_info.map[i].type == MEM_ACPI || boot_info.map[i].type == MEM_NVS)
			map_direct(ALIGN_DOWN(boot_info.map[i].start, PAGE_SIZE), ALIGN_UP(boot_info.map[i].end, PAGE_SIZE));
	// Top-level entries never change later, so that every mm may have a copy.
	table_below(pgd_entry(VMALLOC_START));
	table_below(pgd_entry(VMEMMAP_START));
	table_below(pgd_entry(KIMAGE_START));
	u64 *e = table_below(pgd_entry(FIXMAP_START)) + pud_index(FIXMAP_START);
	fixmap_table = (pte_t *)table_below(table_below(e) + pmd_index(FIXMAP_START));
	kasan_map_image();
	write_cr3(kernel_pgd_paddr);
	kasan_map_memory();
}

void arch_pgd_init(void *pgd)
{
	memcpy((u64 *)pgd + PTRS_PER_PGD_USER, (u64 *)phys_to_virt(kernel_pgd_paddr) + PTRS_PER_PGD_USER,
	       (PTRS_PER_PGD - PTRS_PER_PGD_USER) * 8);
}

static void *fixmap_map(paddr_t pa, size_t size, u64 prot)
{
	u64 off = pa & (PAGE_SIZE - 1), pages = DIV_ROUND_UP(off + size, PAGE_SIZE), va = FIXMAP_START + fixmap_used * PAGE_SIZE;

	// Firmware may name any address: one that the processor lacks would fault on reserved bits.
	if (pages > 512 - fixmap_used || (pa | (pa + size - 1)) >> cpu_info(0)->phys_bits)
		return NULL;
	for (u64 i = 0; i < pages; i++)
		pte_set(&fixmap_table[fixmap_used + i], (pte_t){ ((pa - off) + i * PAGE_SIZE) | prot });
	fixmap_used += pages;
	return (void *)(va + off);
}

void *early_ioremap(paddr_t pa, size_t size)
{
	return fixmap_map(pa, size, PGPROT_KERNEL_UC.v);
}

const void *early_memremap_ro(paddr_t pa, size_t size)
{
	if (pa < 0x100000 && size <= 0x100000 - pa)
		return phys_to_virt(pa);
	for (u32 i = 0; i < memblock.nr_ram; i++)
		if (pa >= memblock.ram[i].start && pa < memblock.ram[i].end && size <= memblock.ram[i].end - pa)
			return phys_to_virt(pa);
	return fixmap_map(pa, size, PGPROT_KERNEL_RO.v);
}

// Changes the rights of mapped 4 KiB pages of the image, here and in the direct map.
static void protect_image(const char *start, const char *end, u64 image_prot, u64 direct)
{
	for (const char *p = start; p < end; p += PAGE_SIZE) {
		u64 vas[2] = { (u64)p, (u64)phys_to_virt(virt_to_phys(p)) };
		u64 prots[2] = { image_prot, direct };
		for (int i = 0; i < 2; i++) {
			u64 *e = (u64 *)phys_to_virt(kernel_pgd_paddr) + pgd_index(vas[i]);
			e = (u64 *)phys_to_virt(*e & PTE_PFN_MASK) + pud_index(vas[i]);
			e = (u64 *)phys_to_virt(*e & PTE_PFN_MASK) + pmd_index(vas[i]);
			e = (u64 *)phys_to_virt(*e & PTE_PFN_MASK) + pte_index(vas[i]);
			WRITE_ONCE(*e, prots[i] ? virt_to_phys(p) | prots[i] : 0);
		}
	}
}

void arch_protect_after_init(void)
{
	const u64 ro = PTE_P | PTE_A | PTE_G | PTE_NX, rw = ro | PTE_W | PTE_D;

	protect_image(kernel_ro_after_init_start, kernel_ro_after_init_end, ro, ro);
	// Freed memory is used through the direct map only.
	protect_image(kernel_inittext_start, kernel_inittext_end, 0, rw);
	protect_image(kernel_initdata_start, kernel_initdata_end, 0, rw);
	arch_tlb_flush_all();
}
