// Unmapping: entries are cleared under the table's lock, their folios gathered, translations flushed, folios put. docs/mm.md.
#include "mm/internal.h"

static void zap_folio_stat(struct folio *f)
{
	// The last mapping of the folio: the map count falls to zero with the lock of its last table held.
	mm_stat_add(READ_ONCE(f->flags) & BIT(PG_ANON) ? MM_STAT_ANON : MM_STAT_MAPPED, -(s64)folio_nr(f));
}

// One reference and one mapping of f go. The caller passes the reference to the gather.
static ALWAYS_INLINE void folio_unmap_one(struct folio *f)
{
	if (atomic_dec_and_test(&f->mapcount))
		zap_folio_stat(f);
}

static void zap_not_present(pte_t *p, pte_t e, struct zap *z)
{
	if (z->keep_anon && pte_is_swap(e))
		return;
	if (pte_is_swap(e))
		rss_add(z->g->mm, MM_SWAP, -1);	// swap itself: the slot's count goes with it (swap is not there yet)
	pte_set(p, (pte_t){ 0 });
}

// Ptes of [a, end) below one pmd. Returns where it stopped: end, or earlier because the gather is full.
static u64 zap_ptes(struct zap *z, pmd_t m, u64 a, u64 end)
{
	struct tlb_gather *g = z->g;
	pte_t *p = pte_lock_pmd(m, a), *first = p;
	s32 rss[NR_MM_COUNTERS] = { 0 };
	u64 start = a;
	bool full = false, present = false;
	for (; a < end && !full; a += PAGE_SIZE, p++) {
		pte_t e = pte_read(p);
		if (pte_none(e))
			continue;
		if (unlikely(!pte_present(e))) {
			zap_not_present(p, e, z);
			continue;
		}
		present = true;
		if (unlikely(pte_special(e))) {
			pte_set(p, (pte_t){ 0 });
			continue;
		}
		struct folio *f = page_folio(pfn_page(pte_pfn(e)));
		bool anon = READ_ONCE(f->flags) & BIT(PG_ANON);
		if (z->keep_anon && anon)
			continue;
		if (anon) {
			pte_set(p, (pte_t){ 0 });	// its dirty bit says nothing
			rss[MM_ANON]--;
		} else {
			e = pte_xchg(p, (pte_t){ 0 });
			if (pte_dirty(e))
				mapping_dirty(f);
			rss[folio_counter(f)]--;
		}
		folio_unmap_one(f);
		full = gather_folio(g, f);
	}
	if (present)	// else no CPU can have a translation
		gather_range(g, start, a, PAGE_SHIFT);
	for (int c = 0; c < NR_MM_COUNTERS; c++)
		if (rss[c])
			rss_add(g->mm, c, rss[c]);
	pte_unlock(first);
	return a;
}

// A large page that lies in the range whole.
static void zap_pmd_leaf(struct zap *z, pmd_t *pmd, u64 a)
{
	spin_lock(pmd_lock_of(pmd));
	pmd_t m = pmd_read(pmd);
	bool full = false;
	if (pmd_leaf(m)) {
		m = pmd_xchg(pmd, (pmd_t){ 0 });
		if (!pmd_special(m)) {
			struct folio *f = page_folio(pfn_page(pmd_pfn(m)));
			rss_add(z->g->mm, folio_counter(f), -PTRS_PER_PTE);
			folio_unmap_one(f);
			full = gather_folio(z->g, f);
		}
		gather_range(z->g, a, a + PMD_SIZE, PMD_SHIFT);
	}
	spin_unlock(pmd_lock_of(pmd));
	if (full)
		gather_flush(z->g);
}

static void zap_pmds(struct zap *z, pud_t u, u64 a, u64 end)
{
	pmd_t *pmd = pmd_at(u, a);
	for (u64 next; a < end; a = next, pmd++) {
		next = pmd_next(a, end);
		pmd_t m = pmd_read(pmd);
		if (pmd_none(m))
			continue;
		if (pmd_leaf(m)) {
			if (next - a == PMD_SIZE) {
				if (!z->keep_anon)
					zap_pmd_leaf(z, pmd, a);
				continue;
			}
			// Part of a large page. Without memory for a table all of it goes: only for private memory that is being given up (never for
			// munmap, which splits beforehand and can fail: vma_replace()).
			if (pmd_split(z->g->mm, pmd, a)) {
				WARN_ON_ONCE(1);
				continue;
			}
			m = pmd_read(pmd);
			if (pmd_leaf(m))
				continue;
		}
		for (u64 b = a; b < next;) {
			b = zap_ptes(z, m, b, next);
			if (z->g->n == z->g->max)
				gather_flush(z->g);
		}
	}
}

void zap_range(struct zap *z, u64 a, u64 end)
{
	for (u64 gn; a < end; a = gn) {
		gn = pgd_next(a, end);
		pgd_t g = pgd_read(z->g->mm->pgd + pgd_index(a));
		if (pgd_none(g))
			continue;
		for (u64 b = a, un; b < gn; b = un) {
			un = pud_next(b, gn);
			pud_t u = pud_read(pud_at(g, b));
			if (!pud_none(u))
				zap_pmds(z, u, b, un);
		}
	}
}

void zap_now(struct mm *mm, u64 start, u64 end)
{
	struct tlb_gather g;
	gather_begin(&g, mm, false);
	zap_range(&(struct zap){ .g = &g }, start, end);
	gather_end(&g);
}

// The VMAs of the list (linked by `gone`, ascending) and everything mapped go. No CPU has mm loaded, nobody looks at it.
void vmas_teardown(struct mm *mm, struct vma *list)
{
	struct tlb_gather g;
	struct zap z = { .g = &g };
	u64 committed = 0;

	gather_begin(&g, mm, true);
	for (struct vma *v = list; v; v = v->gone) {
		zap_range(&z, v->start, v->end);
		if (v->flags & VM_ACCOUNT)
			committed += vma_pages(v);
	}
	tables_unlink(&g, 0, PTRS_PER_PGD_USER * PGD_SIZE, 0, 0);
	gather_end(&g);
	while (list) {
		struct vma *v = list;
		list = v->gone;
		vma_unlink_mapping(v);
		vma_free(v);
	}
	if (committed)
		vm_uncharge(committed);
}

void mm_teardown(struct mm *mm)
{
	struct vma *list = NULL, **tail = &list;

	tlb_drop_mm(mm);
	for (struct vma *v = vma_after(mm, 0); v; v = vma_after(mm, v->end)) {
		*tail = v;
		tail = &v->gone;
	}
	*tail = NULL;
	vma_tree_destroy(&mm->vmas, true);
	mm->nr_vmas = 0;
	vmas_teardown(mm, list);
}

// Truncation: the byte range of a file goes from all address spaces that map it.
void mapping_unmap(struct mapping *m, loff_t start, loff_t end, bool even_cow)
{
	// Pages that are in the range whole: a page that is cut keeps its mappings, and its private copies their data.
	u64 first = DIV_ROUND_UP((u64)start, PAGE_SIZE), last = ((u64)end + 1) >> PAGE_SHIFT;
	struct tlb_gather g;

	if (first >= last--)
		return;
	if (RB_EMPTY_ROOT(&m->i_mmap.rb_root))
		return;
	spin_lock(&m->i_mmap_lock);
	for (struct vma *v = i_mmap_first(m, first, last); v; v = i_mmap_next(v, first, last)) {
		u64 a = MAX(first, v->pgoff), b = MIN(last, v->pgoff + vma_pages(v) - 1);
		u64 from = v->start + ((a - v->pgoff) << PAGE_SHIFT), to = v->start + ((b - v->pgoff + 1) << PAGE_SHIFT);
		gather_begin(&g, v->mm, false);
		zap_range(&(struct zap){ .g = &g, .keep_anon = !even_cow }, from, to);
		gather_end(&g);
	}
	spin_unlock(&m->i_mmap_lock);
}
