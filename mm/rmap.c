// The reverse map. See rmap.h for its shape; docs/mm.md for why a walk misses nothing.
#include "mm/rmap.h"
#include "mm/internal.h"

static struct kmem_cache *rmap_cache;
DEFINE_LOCK_CLASS(rmap_lock_class, LOCK_TASK);

void rmap_init(void)
{
	rmap_cache = kmem_cache_create("rmap", sizeof(struct rmap_root), 0, SLAB_PANIC | SLAB_ACCOUNT, NULL);
}

static struct rmap_root *rmap_node(struct rmap_root *parent)
{
	struct rmap_root *r = kmem_cache_alloc(rmap_cache, GFP_KERNEL | GFP_UNINIT);
	if (!r)
		return NULL;
	*r = (struct rmap_root){ .parent = parent, .top = parent ? parent->top : r, .depth = parent ? parent->depth + 1 : 0, .users = 1 };
	INIT_LIST_HEAD(&r->mms);
	INIT_LIST_HEAD(&r->children);
	INIT_LIST_HEAD(&r->link);
	if (!parent)
		rwsem_init(&r->lock, &rmap_lock_class);
	return r;
}

int rmap_create(struct mm *mm, struct mm *parent) NO_LOCK_ANALYSIS	// the lock is optional
{
	struct rmap_root *p = parent ? parent->rmap : NULL, *r = NULL;
	if (!p || p->depth < RMAP_MAX_DEPTH) {
		r = rmap_node(p);
		if (!r)
			return -ENOMEM;
	}
	if (p)
		down_write(&p->top->lock);
	if (!r) {		// deep enough: share the parent's node
		r = p;
		r->users++;
	} else if (p) {
		p->users++;
		list_add_tail(&r->link, &p->children);
	}
	mm->rmap = r;
	list_add_tail(&mm->rmap_link, &r->mms);
	if (p)
		up_write(&p->top->lock);
	return 0;
}

void rmap_leave(struct mm *mm)
{
	struct rmap_root *r = mm->rmap, *top = r->top;
	down_write(&top->lock);
	list_del(&mm->rmap_link);
	// A node without mms and children names no mapped folio any more: drop it, and its parents as far as that holds for them.
	bool last = false;
	while (r && --r->users == 0) {
		struct rmap_root *parent = r->parent;
		if (!parent) {
			last = true;
			break;
		}
		list_del(&r->link);
		kmem_cache_free(rmap_cache, r);
		r = parent;
	}
	up_write(&top->lock);
	if (last)
		kmem_cache_free(rmap_cache, top);
}

// ---- walks ----

struct rmap_walk {
	struct folio *f;
	bool (*fn)(struct folio *f, struct rmap_hit *h, void *arg);
	void *arg;
	bool stop;
};

// Looks for entries of the folio in v at its pages [addr, ...), nr pages that lie in v.
static void walk_vma(struct rmap_walk *w, struct vma *v, u64 addr, u64 page, u64 nr)
{
	u64 pfn = folio_pfn(w->f) + page;
	for (u64 i = 0; i < nr && !w->stop;) {
		u64 a = addr + (i << PAGE_SHIFT);
		pmd_t *pmd = pmd_lookup(v->mm, a);
		pmd_t m = pmd ? pmd_read(pmd) : (pmd_t){ 0 };
		if (pmd_none(m)) {
			i += (pmd_next(a, U64_MAX & PAGE_MASK) - a) >> PAGE_SHIFT;
			continue;
		}
		if (pmd_leaf(m)) {
			spin_lock(pmd_lock_of(pmd));
			if (pmd_same(pmd_read(pmd), m) && pmd_pfn(m) == folio_pfn(w->f))
				w->stop = !w->fn(w->f, &(struct rmap_hit){ v, a & PMD_MASK, NULL, pmd }, w->arg);
			spin_unlock(pmd_lock_of(pmd));
			return;
		}
		pte_t *p = pte_lock_pmd(m, a), e = pte_read(p);
		if (pte_present(e) && !pte_special(e) && pte_pfn(e) == pfn + i)
			w->stop = !w->fn(w->f, &(struct rmap_hit){ v, a, p, pmd }, w->arg);
		pte_unlock(p);
		i++;
	}
}

// v maps virtual (anonymous) or file page numbers from `first`. Pins v by trying: whoever changes it knows what it does to its pages.
static void walk_candidate(struct rmap_walk *w, struct vma *v, struct mm *mm, u64 first_index)
{
	u64 idx = w->f->index, nr = folio_nr(w->f), pages = vma_pages(v);
	u64 from = MAX(idx, first_index), to = MIN(idx + nr, first_index + pages);
	if (from >= to)
		return;
	u64 addr = v->start + ((from - first_index) << PAGE_SHIFT);
	if (!vma_try_pin(v, mm, addr))
		return;
	walk_vma(w, v, addr, from - idx, to - from);
	vma_unpin(v);
}

static void walk_mm(struct rmap_walk *w, struct mm *mm)
{
	u64 addr = w->f->index << PAGE_SHIFT, end = addr + folio_size(w->f);
	rcu_read_lock();
	for (struct vma *v = vma_after(mm, addr); v && !w->stop; v = vma_after(mm, addr)) {
		u64 start = READ_ONCE(v->start), vend = READ_ONCE(v->end);
		if (start >= end || vend <= addr)
			break;
		if (READ_ONCE(v->has_anon) && !v->anon_off)
			walk_candidate(w, v, mm, start >> PAGE_SHIFT);
		addr = vend;
	}
	rcu_read_unlock();
	if (list_empty(&mm->moved) || w->stop)
		return;
	spin_lock(&mm->moved_lock);
	struct vma *v;
	list_for_each_entry(v, &mm->moved, moved_link) {
		walk_candidate(w, v, mm, (v->start >> PAGE_SHIFT) + v->anon_off);
		if (w->stop)
			break;
	}
	spin_unlock(&mm->moved_lock);
}

// The node and all below it, in order, without recursion.
static void walk_anon(struct rmap_walk *w)
{
	struct rmap_root *root = w->f->anon, *r = root;
	if (!atomic_read(&w->f->mapcount))
		return;
	struct rmap_root *top = root->top;	// mapped: some mm below root lives, and so does the chain of nodes
	down_read(&top->lock);
	while (!w->stop) {
		struct mm *mm;
		list_for_each_entry(mm, &r->mms, rmap_link) {
			walk_mm(w, mm);
			if (w->stop)
				break;
		}
		if (!list_empty(&r->children)) {
			r = list_first_entry(&r->children, struct rmap_root, link);
			continue;
		}
		while (r != root && r->link.next == &r->parent->children)
			r = r->parent;
		if (r == root)
			break;
		r = list_entry(r->link.next, struct rmap_root, link);
	}
	up_read(&top->lock);
}

static void walk_file(struct rmap_walk *w)
{
	struct mapping *m = w->f->mapping;
	if (!m || RB_EMPTY_ROOT(&m->i_mmap.rb_root))
		return;
	u64 first = w->f->index, last = first + folio_nr(w->f) - 1;
	spin_lock(&m->i_mmap_lock);
	for (struct vma *v = i_mmap_first(m, first, last); v && !w->stop; v = i_mmap_next(v, first, last))
		walk_candidate(w, v, v->mm, v->pgoff);
	spin_unlock(&m->i_mmap_lock);
}

void rmap_walk(struct folio *f, bool (*fn)(struct folio *f, struct rmap_hit *h, void *arg), void *arg)
{
	struct rmap_walk w = { .f = f, .fn = fn, .arg = arg };
	if (folio_test(f, PG_ANON))
		walk_anon(&w);
	else
		walk_file(&w);
}

// ---- what reclaim does with it ----

static bool unmap_one(struct folio *f, struct rmap_hit *h, void *arg)
{
	struct mm *mm = h->vma->mm;
	if ((h->vma->flags & VM_LOCKED) || !h->pte)
		return false;
	pte_t e = pte_xchg(h->pte, (pte_t){ 0 });
	tlb_flush_page(mm, h->addr);
	if (pte_dirty(e))
		mapping_dirty(f);
	rss_add(mm, folio_counter(f), -1);
	if (atomic_dec_and_test(&f->mapcount))
		mm_stat_add(MM_STAT_MAPPED, -(s64)folio_nr(f));
	bool freed = ref_put(&f->ref);
	ASSERT(!freed);		// the caller has one
	return true;
}

bool rmap_unmap_file(struct folio *f)
{
	if (folio_test(f, PG_ANON))
		return false;
	rmap_walk(f, unmap_one, NULL);
	return atomic_read(&f->mapcount) == 0;
}

struct young {
	int n;
	u64 flags;
};

static bool young_one(struct folio *f, struct rmap_hit *h, void *arg)
{
	struct young *y = arg;
	y->flags |= h->vma->flags;
	y->n += h->pte ? pte_test_clear_young(h->pte) : pmd_test_clear_young(h->pmd);
	return true;
}

int rmap_test_clear_young(struct folio *f, u64 *vm_flags)
{
	struct young y = { 0 };
	rmap_walk(f, young_one, &y);
	*vm_flags = y.flags;
	return y.n;
}

static bool wrprotect_one(struct folio *f, struct rmap_hit *h, void *arg)
{
	int *n = arg;
	if (!h->pte || !(h->vma->flags & VM_SHARED))
		return true;
	pte_t e = pte_read(h->pte);
	if (!pte_write(e) && !pte_dirty(e))
		return true;
	e = pte_xchg(h->pte, (pte_t){ 0 });
	pte_set(h->pte, pte_mkclean(pte_wrprotect(e)));
	tlb_flush_page(h->vma->mm, h->addr);
	++*n;
	return true;
}

int rmap_wrprotect(struct folio *f)
{
	int n = 0;
	rmap_walk(f, wrprotect_one, &n);
	return n;
}
