// Faults on what has an object behind it: page cache, shared memory, special mappings. docs/mm.md.
#include "mm/internal.h"
#include "mm/shmem.h"

#define AROUND 16	// pages mapped by one read fault, when they are in the cache

// Maps page `page` of f at p, whose lock is held; takes over one reference. The pte is none.
static void map_file_page(struct vma *v, pte_t *p, u64 pfn, struct folio *f, bool write)
{
	pte_t e = pte_mkyoung(pte_make(pfn, v->prot));
	if (write)
		e = pte_mkdirty(pte_mkwrite(e));
	pte_set(p, e);
	rss_add(v->mm, folio_counter(f), 1);
	if (atomic_inc_return(&f->mapcount) == 1)
		mm_stat_add(MM_STAT_MAPPED, folio_nr(f));
}

// The folio belongs to m still, is locked by us, and can be mapped.
static bool cached_ok(struct folio *f, struct mapping *m)
{
	return READ_ONCE(f->mapping) == m && folio_test(f, PG_UPTODATE);
}

// Maps the pages of one cached folio that fall into [first, last]. References and the lock of the folio are tried only.
static void around_folio(struct vma *v, struct folio *f, pte_t *p0, u64 first, u64 last)
{
	if (!folio_test(f, PG_UPTODATE) || !folio_try_get(f))
		return;
	if (folio_trylock(f)) {
		if (cached_ok(f, v->mapping)) {
			u64 a = MAX(first, f->index), b = MIN(last, f->index + folio_nr(f) - 1);
			for (u64 i = a; i <= b; i++) {
				if (!pte_none(pte_read(p0 + (i - first))))
					continue;
				folio_get(f);
				map_file_page(v, p0 + (i - first), folio_pfn(f) + (i - f->index), f, false);
			}
		}
		folio_unlock(f);
	}
	folio_put(f);
}

// Maps what is cached around the fault. Context: VMA pinned. True: the page itself is mapped now.
static bool fault_around(struct fault *f, pmd_t *pmd)
{
	struct vma *v = f->vma;
	u64 start = MAX(MAX(f->addr & ~(AROUND * PAGE_SIZE - 1), v->start), f->addr & PMD_MASK);
	u64 end = MIN(MIN((f->addr & ~(AROUND * PAGE_SIZE - 1)) + AROUND * PAGE_SIZE, v->end), (f->addr & PMD_MASK) + PMD_SIZE);
	u64 first = vma_pgoff_at(v, start), last = first + ((end - start) >> PAGE_SHIFT) - 1, at = first;
	void *found[AROUND];

	rcu_read_lock();
	unsigned long idx = at;
	unsigned int n = xa_find_batch(&v->mapping->pages, &idx, last, found, AROUND);
	pte_t *p0 = pte_lock_pmd(pmd_read(pmd), start);
	for (unsigned int i = 0; i < n; i++)
		if (!xa_is_value(found[i]))
			around_folio(v, found[i], p0, first, last);
	bool done = !pte_none(pte_read(p0 + ((f->addr - start) >> PAGE_SHIFT)));
	pte_unlock(p0);
	rcu_read_unlock();
	return done;
}

// A write to a private mapping: the program gets a copy at once.
static int private_write(struct fault *f, pmd_t *pmd)
{
	struct vma *v = f->vma;
	struct folio *fresh = folio_alloc(GFP_USER | GFP_UNINIT, 0);
	if (!fresh)
		return -ENOMEM;
	u64 pfn = folio_pfn(f->folio) + (f->folio->mapping ? f->pgoff - f->folio->index : 0);
	copy_page(folio_addr(fresh), phys_to_virt(pfn << PAGE_SHIFT));
	v->has_anon = true;
	folio_set_anon(fresh, v, f->addr, 1);
	pte_t *p = pte_lock_pmd(pmd_read(pmd), f->addr);
	if (unlikely(!pte_none(pte_read(p)))) {
		pte_unlock(p);
		atomic_set(&fresh->mapcount, 0);
		folio_put(fresh);
		return 0;
	}
	pte_t e = pte_mkdirty(pte_mkyoung(pte_make(folio_pfn(fresh), v->prot)));
	pte_set(p, v->flags & VM_WRITE ? pte_mkwrite(e) : e);
	rss_add(v->mm, MM_ANON, 1);
	mm_stat_add(MM_STAT_ANON, 1);
	pte_unlock(p);
	folio_add_lru(fresh);
	return 0;
}

// Maps f->folio (locked when it is in the cache) at the address: read, or shared write.
static int map_shared(struct fault *f, pmd_t *pmd, bool write)
{
	struct vma *v = f->vma;
	struct folio *folio = f->folio;
	u64 pfn = folio_pfn(folio) + (folio->mapping ? f->pgoff - folio->index : 0);
	pte_t *p = pte_lock_pmd(pmd_read(pmd), f->addr), e = pte_read(p);
	if (pte_none(e)) {
		folio_get(folio);
		map_file_page(v, p, pfn, folio, write);
	} else if (write && pte_present(e) && pte_pfn(e) == pfn && !pte_write(e)) {
		pte_set(p, pte_mkdirty(pte_mkyoung(pte_mkwrite(e))));
	}
	pte_unlock(p);
	return 0;
}

static int map_cached(struct fault *f, pmd_t *pmd)
{
	struct vma *v = f->vma;
	bool write = f->flags & FAULT_WRITE;

	if (write && (v->flags & VM_SHARED) && v->ops->page_mkwrite) {
		int err = v->ops->page_mkwrite(f);
		if (err)
			return err;
	}
	if (!v->mapping || f->folio->mapping != v->mapping)	// not in the cache: special mappings; or truncated meanwhile
		return v->mapping ? -EAGAIN : map_shared(f, pmd, write);
	folio_lock(f->folio);
	int err = -EAGAIN;
	// The file may have been cut since vm_ops.fault looked at its size, before the folio was in the cache. Who sees the old size here has
	// put the folio where truncation, which is yet to come, will find it and unmap it.
	if (v->file && f->pgoff >= DIV_ROUND_UP((u64)file_size(v->file), PAGE_SIZE)) {
		err = -EIO;
	} else if (cached_ok(f->folio, v->mapping)) {
		err = map_shared(f, pmd, write);
		if (write)
			mapping_dirty(f->folio);
	}
	folio_unlock(f->folio);
	return err;
}

int file_fault(struct fault *f, pmd_t *pmd)
{
	struct vma *v = f->vma;
	const struct vm_ops *ops = v->ops;

	if (unlikely(!ops || !ops->fault))
		return -EIO;
	bool cache = v->mapping && (ops->fault == mapping_vm_ops.fault || ops->fault == shmem_vm_ops.fault);
	if (cache && !(f->flags & FAULT_WRITE) && !(v->flags & VM_RAND_READ) && fault_around(f, pmd))
		return 0;
	int err = ops->fault(f);
	if (err)
		return err;
	if ((f->flags & FAULT_WRITE) && !(v->flags & VM_SHARED))
		err = private_write(f, pmd);
	else
		err = map_cached(f, pmd);
	folio_put(f->folio);
	return err;
}
