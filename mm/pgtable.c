// Page tables: made by cmpxchg from below, unlinked under mmap_lock, freed by RCU. Emptied tables are kept zeroed per CPU for the next
// use, since zeroing one costs more than everything else about it.
#include "mm/pgtable.h"
#include "arch/irq.h"
#include "lib/string.h"
#include "mm/internal.h"

DEFINE_LOCK_CLASS_NESTABLE(pt_lock_class, LOCK_TASK);	// two tables: parent's and child's in fork, both of mremap, pmd > pte

// Zeroed pages, linked through their first word. Interrupts off: RCU callbacks free to it.
#define TABLE_CACHE_MAX 32
struct table_cache {
	void *tables;
	u32 n;
};
STATIC_PER_CPU(struct table_cache, table_cache);

static void *table_cache_pop(void)
{
	unsigned long flags = irq_save();
	void *p = this_cpu_read(table_cache.tables);
	if (p) {
		this_cpu_write(table_cache.tables, *(void **)p);
		this_cpu_dec(table_cache.n);
		*(void **)p = NULL;
	}
	irq_restore(flags);
	return p;
}

static bool table_cache_push(void *p)
{
	unsigned long flags = irq_save();
	bool room = this_cpu_read(table_cache.n) < TABLE_CACHE_MAX;
	if (room) {
		*(void **)p = this_cpu_read(table_cache.tables);
		this_cpu_write(table_cache.tables, p);
		this_cpu_inc(table_cache.n);
	}
	irq_restore(flags);
	return room;
}

static void table_page_free(void *table)
{
	if (!table_cache_push(table))
		pages_free(table, 0);
}

void *table_alloc(struct mm *mm)
{
	void *t = table_cache_pop();
	if (!t) {
		t = pages_alloc(GFP_KERNEL | GFP_ACCOUNT_, 0);
		if (!t)
			return NULL;
	}
	spin_init(&table_desc(t)->ptl, &pt_lock_class);
	atomic64_add(&mm->pgtables_bytes, PAGE_SIZE);
	mm_stat_add(MM_STAT_PGTABLES, 1);
	return t;
}

void table_free(struct mm *mm, void *table)
{
	atomic64_sub(&mm->pgtables_bytes, PAGE_SIZE);
	mm_stat_add(MM_STAT_PGTABLES, -1);
	table_page_free(table);
}

int pmd_get(struct mm *mm, u64 addr, pmd_t **out)
{
	pgd_t *gp = mm->pgd + pgd_index(addr), g = pgd_read(gp);
	if (unlikely(pgd_none(g))) {
		void *t = table_alloc(mm);
		if (!t)
			return -ENOMEM;
		if (!pgd_cmpxchg(gp, &g, pgd_table(virt_to_phys(t))))
			table_free(mm, t);	// somebody else was first
		g = pgd_read(gp);
	}
	pud_t *up = pud_at(g, addr), u = pud_read(up);
	if (unlikely(pud_none(u))) {
		void *t = table_alloc(mm);
		if (!t)
			return -ENOMEM;
		if (!pud_cmpxchg(up, &u, pud_table(virt_to_phys(t))))
			table_free(mm, t);
		u = pud_read(up);
	}
	*out = pmd_at(u, addr);
	return 0;
}

int pte_table_make(struct mm *mm, pmd_t *pmd)
{
	pmd_t m = pmd_read(pmd);
	if (pmd_none(m)) {
		void *t = table_alloc(mm);
		if (!t)
			return -ENOMEM;
		if (pmd_cmpxchg(pmd, &m, pmd_table(virt_to_phys(t))))
			return 0;
		table_free(mm, t);
	}
	return pmd_leaf(m) ? -EAGAIN : 0;
}

pte_t *pte_lock(struct mm *mm, u64 addr)
{
	for (;;) {
		rcu_read_lock();
		pmd_t *pmd = pmd_lookup(mm, addr);
		pmd_t m = pmd ? pmd_read(pmd) : (pmd_t){ 0 };
		if (pmd_none(m) || pmd_leaf(m)) {
			rcu_read_unlock();
			return NULL;
		}
		pte_t *p = pte_lock_pmd(m, addr);
		rcu_read_unlock();
		if (likely(pmd_same(pmd_read(pmd), m)))
			return p;
		pte_unlock(p);
	}
}

// ---- freeing ----

// The callback's head lies in the descriptor over index and private, which tables do not use; the lock beside them stays usable.
static struct rcu_head *table_rcu(void *table)
{
	return (struct rcu_head *)&table_desc(table)->index;
}
BUILD_ASSERT(offsetof(struct folio, private) == offsetof(struct folio, index) + 8 && sizeof(struct rcu_head) == 16, "table_rcu()");

static void table_free_rcu(struct rcu_head *h)
{
	struct folio *f = CONTAINER_OF((u64 *)h, struct folio, index);
	h->next = NULL;
	h->fn = NULL;
	table_page_free(folio_addr(f));
}

void tables_free_rcu(struct rcu_head *list)
{
	while (list) {
		struct rcu_head *next = list->next;
		call_rcu(list, table_free_rcu);
		list = next;
	}
}

static void table_unlinked(struct tlb_gather *g, void *table)
{
	struct rcu_head *h = table_rcu(table);
	h->next = g->tables;
	g->tables = h;
	g->freed_tables = true;
	atomic64_sub(&g->mm->pgtables_bytes, PAGE_SIZE);
	mm_stat_add(MM_STAT_PGTABLES, -1);
}

// The limits of what may go: a table goes when all of its span [base, base + size) lies in [floor, ceiling).
static bool table_inside(u64 addr, u64 size, u64 floor, u64 ceiling)
{
	u64 base = addr & ~(size - 1);
	return base >= floor && base + size - 1 <= ceiling - 1;
}

static void pmd_tables_unlink(struct tlb_gather *g, pud_t *up, u64 start, u64 end, u64 floor, u64 ceiling)
{
	pmd_t *pmd = pmd_at(pud_read(up), start);
	for (u64 a = start; a < end; a = pmd_next(a, end), pmd++) {
		pmd_t m = pmd_read(pmd);
		if (pmd_none(m) || pmd_leaf(m) || !table_inside(a, PMD_SIZE, floor, ceiling))
			continue;
		pmd_set(pmd, (pmd_t){ 0 });
		table_unlinked(g, phys_to_virt(pmd_table_paddr(m)));
	}
	if (table_inside(start, PUD_SIZE, floor, ceiling)) {
		void *t = phys_to_virt(pud_table_paddr(pud_read(up)));
		pud_set(up, (pud_t){ 0 });
		table_unlinked(g, t);
	}
}

static void pud_tables_unlink(struct tlb_gather *g, pgd_t *gp, u64 start, u64 end, u64 floor, u64 ceiling)
{
	pud_t *pud = pud_at(pgd_read(gp), start);
	for (u64 a = start; a < end; a = pud_next(a, end), pud++)
		if (!pud_none(pud_read(pud)))
			pmd_tables_unlink(g, pud, a, pud_next(a, end), floor, ceiling);
	if (table_inside(start, PGD_SIZE, floor, ceiling)) {
		void *t = phys_to_virt(pgd_table_paddr(pgd_read(gp)));
		pgd_set(gp, (pgd_t){ 0 });
		table_unlinked(g, t);
	}
}

void tables_unlink(struct tlb_gather *g, u64 start, u64 end, u64 floor, u64 ceiling)
{
	if (ceiling == 0)
		ceiling = PTRS_PER_PGD_USER * PGD_SIZE;
	// A leaf table whose span is not ours whole can only be at the edges: nothing to do for a small range beside a neighbour.
	if (ALIGN_UP(MAX(floor, start & PMD_MASK), PMD_SIZE) + PMD_SIZE > ceiling)
		return;
	for (u64 a = start; a < end; a = pgd_next(a, end)) {
		pgd_t *gp = g->mm->pgd + pgd_index(a);
		if (!pgd_none(pgd_read(gp)))
			pud_tables_unlink(g, gp, a, pgd_next(a, end), floor, ceiling);
	}
	if (g->freed_tables)
		gather_range(g, start, end, PAGE_SHIFT);
}

// ---- large pages ----

int pmd_split(struct mm *mm, pmd_t *pmd, u64 addr)
{
	pte_t *t = table_alloc(mm);
	if (!t)
		return -ENOMEM;
	spin_lock(pmd_lock_of(pmd));
	pmd_t m = pmd_read(pmd);
	if (!pmd_leaf(m)) {		// somebody else did it
		spin_unlock(pmd_lock_of(pmd));
		table_free(mm, t);
		return 0;
	}
	struct folio *f = pfn_page(pmd_pfn(m));
	pgprot_t prot = pgprot_user(true, pmd_write(m), pmd_exec(m));
	if (pmd_protnone(m))
		prot = pgprot_user(false, false, false);
	pte_t e = pte_mkyoung(pte_make(pmd_pfn(m), prot));
	if (pmd_dirty(m) || pmd_write(m))	// a dirty bit set while we build would be lost otherwise
		e = pte_mkdirty(e);
	for (int i = 0; i < PTRS_PER_PTE; i++, e.v += PAGE_SIZE)
		pte_set(&t[i], e);
	__atomic_fetch_add((u64 *)(void *)&f->ref, (u64)(PTRS_PER_PTE - 1) << 32 | (PTRS_PER_PTE - 1), __ATOMIC_RELAXED);
	smp_wmb();	// pairs with the dependent reads of every walker: the table is full before it is seen
	pmd_set(pmd, pmd_table(virt_to_phys(t)));
	tlb_flush_range(mm, addr & PMD_MASK, (addr & PMD_MASK) + PMD_SIZE, PMD_SHIFT, false);
	spin_unlock(pmd_lock_of(pmd));
	return 0;
}

// ---- top-level tables ----

pgd_t *pgd_create(void)
{
	pgd_t *p = table_cache_pop();
	if (!p)
		p = pages_alloc(GFP_KERNEL | GFP_ACCOUNT_, 0);
	if (p)
		arch_pgd_init(p);
	return p;
}

void pgd_destroy(pgd_t *pgd)
{
	pages_free(pgd, 0);	// its upper half is not zero
}

// ---- the kernel's half ----

static pmd_t *kernel_pmd(u64 va, bool make)
{
	if (unlikely(!init_mm.pgd))	// vmalloc comes before mm_init()
		init_mm.pgd = phys_to_virt(kernel_pgd_paddr);
	if (!make)
		return pmd_lookup(&init_mm, va);
	pmd_t *pmd;
	return pmd_get(&init_mm, va, &pmd) ? NULL : pmd;
}

pte_t *kernel_pte(u64 va)
{
	pmd_t *pmd = kernel_pmd(va, false);
	if (!pmd)
		return NULL;
	pmd_t m = pmd_read(pmd);
	return pmd_none(m) || pmd_leaf(m) ? NULL : pte_at(m, va);
}

static pte_t *kernel_pte_make(u64 va)
{
	pmd_t *pmd = kernel_pmd(va, true);
	if (!pmd || pte_table_make(&init_mm, pmd))
		return NULL;
	return pte_at(pmd_read(pmd), va);
}

int kernel_map_page(u64 va, u64 pfn, pgprot_t prot)
{
	pte_t *p = kernel_pte_make(va);
	if (!p)
		return -ENOMEM;
	pte_set(p, pte_make(pfn, prot));
	return 0;
}

int kernel_map_range(u64 va, u64 end, paddr_t pa, pgprot_t prot)
{
	for (; va < end; va += PAGE_SIZE, pa += PAGE_SIZE) {
		int err = kernel_map_page(va, pa >> PAGE_SHIFT, prot);
		if (err)
			return err;
	}
	return 0;
}

void kernel_unmap_range(u64 va, u64 end, void (*fn)(u64 pfn, void *arg), void *arg)
{
	for (; va < end; va += PAGE_SIZE) {
		pte_t *p = kernel_pte(va);
		if (!p)
			continue;
		pte_t e = pte_xchg(p, (pte_t){ 0 });
		if (pte_present(e) && fn)
			fn(pte_pfn(e), arg);
	}
}
