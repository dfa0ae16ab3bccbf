// The array of page descriptors in virtual memory, mapped section by section. See mm/page_alloc.h.
#include "mm/page_alloc.h"
#include "arch/boot.h"
#include "arch/pte.h"
#include "kern/panic.h"
#include "lib/string.h"

static u64 section_addr(u64 section)
{
	return (u64)pfn_page(section * SECTION_PAGES);
}

INIT static void *early_table(void)
{
	void *p = memblock_alloc(PAGE_SIZE, PAGE_SIZE, 0, 0);

	if (!p)
		panic("too little memory for page descriptors");
	return p;
}

// The entry for addr in the lowest table above a 2 MiB page; with make, tables in between are made (start-up only).
static pmd_t *vmemmap_pmd(u64 addr, void *(*make)(void))
{
	pgd_t *pgd = (pgd_t *)phys_to_virt(kernel_pgd_paddr) + pgd_index(addr);
	pud_t *pud;

	if (pgd_none(pgd_read(pgd)))
		pgd_set(pgd, pgd_table(virt_to_phys(make())));
	pud = (pud_t *)phys_to_virt(pgd_table_paddr(pgd_read(pgd))) + pud_index(addr);
	if (pud_none(pud_read(pud)))
		pud_set(pud, pud_table(virt_to_phys(make())));
	return (pmd_t *)phys_to_virt(pud_table_paddr(pud_read(pud))) + pmd_index(addr);
}

INIT void vmemmap_prepare(u64 max_pfn)
{
	u64 end = (u64)pfn_page(ALIGN_UP(max_pfn, SECTION_PAGES));

	for (u64 a = VMEMMAP_START; a < end; a += PUD_SIZE)
		vmemmap_pmd(a, early_table);
}

void vmemmap_map_whole(u64 section, paddr_t mem)
{
	for (u64 off = 0; off < SECTION_DESC; off += PMD_SIZE)
		pmd_set(vmemmap_pmd(section_addr(section) + off, NULL), pmd_make((mem + off) >> PAGE_SHIFT, PGPROT_KERNEL));
}

INIT void vmemmap_map_part(u64 start_pfn, u64 end_pfn)
{
	// Whole blocks of the largest order: merging looks at the descriptor of a buddy, which may lie beyond the end of memory.
	u64 block = 1ul << MAX_ORDER, end = (u64)pfn_page(ALIGN_UP(end_pfn, block));

	for (u64 a = (u64)pfn_page(ALIGN_DOWN(start_pfn, block)); a < end; a += PAGE_SIZE) {
		pmd_t *pmd = vmemmap_pmd(a, early_table);
		pte_t *pte;

		if (pmd_none(pmd_read(pmd)))
			pmd_set(pmd, pmd_table(virt_to_phys(early_table())));
		pte = (pte_t *)phys_to_virt(pmd_table_paddr(pmd_read(pmd))) + pte_index(a);
		if (pte_none(pte_read(pte)))
			pte_set(pte, pte_make(virt_to_phys(early_table()) >> PAGE_SHIFT, PGPROT_KERNEL));
	}
}
