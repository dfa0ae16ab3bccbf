// KASAN's shadow in the page tables. All of it is readable: what has no shadow of its own shares one page of zeroes (everything may
// be accessed). Own shadow: the image and all memory from the start; the vmalloc range as it is used (mm/slab_kasan.c).
// Before paging_init(), pvh.S maps the image's shadow to one page that nobody reads.
#include "kern/kasan.h"

#include "arch/pte.h"
#include "arch/uaccess.h"
#include "boot.h"
#include "kern/panic.h"
#include "uaccess_asm.h"

#define SHADOW_START ((u64)KASAN_SHADOW(0xffff800000000000))
#define SHADOW_END ((u64)KASAN_SHADOW(0xfffffffffffffff8) + 1)
#define RW (PTE_P | PTE_W | PTE_A | PTE_D | PTE_G | PTE_NX)

// Tables whose entries all lead to the page of zeroes, by level: pte, pmd, pud tables.
static u64 *zero_tables[3] INITDATA;
// Before paging_init() has ended only this much is mapped.
static paddr_t shadow_limit INITDATA = BIT(30);

INIT static NO_KASAN void *new_pages(size_t size)
{
	void *p = memblock_alloc(size, size, 0, shadow_limit);

	if (!p)
		panic("KASAN: too little memory for the shadow");
	return p;
}

INIT static NO_KASAN u64 *filled_table(u64 entry)
{
	u64 *t = new_pages(PAGE_SIZE);

	for (u32 i = 0; i < 512; i++)
		t[i] = entry;
	return t;
}

// The table below *entry, of the given level; made if it is still the shared one.
INIT static NO_KASAN u64 *own_table(u64 *entry, u32 level)
{
	u64 *t = phys_to_virt(*entry & PTE_PFN_MASK);

	if (t != zero_tables[level])
		return t;
	t = filled_table(t[0]);
	*entry = virt_to_phys(t) | PTE_TABLE;
	return t;
}

INIT static NO_KASAN u64 *shadow_pud(u64 va)
{
	u64 *pgd = (u64 *)phys_to_virt(kernel_pgd_paddr) + pgd_index(va);

	return own_table(pgd, 2) + pud_index(va);
}

// Gives the shadow page at va memory of its own. Returns the number of bytes mapped: a large page where one fits.
INIT static NO_KASAN u64 map_shadow(u64 va, u64 end)
{
	u64 *pmd = own_table(shadow_pud(va), 1) + pmd_index(va), *pte;

	if (*pmd & PTE_PS)
		return PMD_SIZE - va % PMD_SIZE;
	if (va % PMD_SIZE == 0 && end - va >= PMD_SIZE && phys_to_virt(*pmd & PTE_PFN_MASK) == zero_tables[0]) {
		*pmd = virt_to_phys(new_pages(PMD_SIZE)) | RW | PTE_PS;
		return PMD_SIZE;
	}
	pte = own_table(pmd, 0) + pte_index(va);
	if (*pte == zero_tables[0][0])
		*pte = virt_to_phys(new_pages(PAGE_SIZE)) | RW;
	return PAGE_SIZE;
}

INIT static NO_KASAN void map_shadow_of(const void *start, const void *end)
{
	u64 va = ALIGN_DOWN((u64)KASAN_SHADOW(start), PAGE_SIZE), last = ALIGN_UP((u64)KASAN_SHADOW(end), PAGE_SIZE);

	while (va < last)
		va += map_shadow(va, last);
}

INIT NO_KASAN void kasan_map_image(void)
{
	u64 *pgd = phys_to_virt(kernel_pgd_paddr), entry = virt_to_phys(new_pages(PAGE_SIZE)) | PTE_P | PTE_A | PTE_NX;

	for (u32 i = 0; i < 3; i++) {
		zero_tables[i] = filled_table(entry);
		entry = virt_to_phys(zero_tables[i]) | PTE_TABLE;
	}
	for (u32 i = pgd_index(SHADOW_START); i < pgd_index(SHADOW_END - 1) + 1; i++)
		if (!pgd[i])
			pgd[i] = entry;
	map_shadow_of(kernel_image_start, kernel_image_end);
	// Empty, so that an address that was never allocated faults.
	for (u64 va = (u64)KASAN_SHADOW(VMALLOC_START); va < (u64)KASAN_SHADOW(VMALLOC_END); va += PUD_SIZE)
		*shadow_pud(va) = 0;
}

INIT NO_KASAN void kasan_map_memory(void)
{
	shadow_limit = 0;
	map_shadow_of(phys_to_virt(0), phys_to_virt(0x100000));
	for (u32 i = 0; i < memblock.nr_ram; i++)
		map_shadow_of(phys_to_virt(memblock.ram[i].start), phys_to_virt(memblock.ram[i].end));
	kasan_init();
}

// ---- copying to and from user memory: the kernel's side is checked ----

NO_KASAN size_t user_copy_asm(void *dst, const void *src, size_t n)
{
	if ((u64)dst >= TASK_SIZE_MAX)
		kasan_check_write(dst, n);
	if ((u64)src >= TASK_SIZE_MAX)
		kasan_check_read(src, n);
	return kasan_raw_user_copy(dst, src, n);
}

NO_KASAN ssize_t user_strncpy_asm(char *dst, const char *src, size_t n)
{
	ssize_t len = kasan_raw_user_strncpy(dst, src, n);

	if (dst && len > 0)
		kasan_check_write(dst, MIN((size_t)len + 1, n));
	return len;
}
