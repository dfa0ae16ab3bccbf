// Pages of an address space for the kernel's own use: other processes' memory, pinned pages, populating, futex identities.
#include "lib/string.h"
#include "mm/internal.h"

static bool access_ok_for(const struct vma *v, u32 flags)
{
	if (v->flags & (VM_IO | VM_PFNMAP))
		return false;
	if (flags & MM_ACCESS_WRITE)	// forced: into a private copy only
		return (v->flags & VM_WRITE) || ((flags & MM_ACCESS_FORCE) && (v->flags & VM_MAYWRITE) && !(v->flags & VM_SHARED));
	return (v->flags & VM_READ) || ((flags & MM_ACCESS_FORCE) && (v->flags & VM_MAYREAD));
}

// Takes a reference on what the locked pte maps, if it serves the access. False: a fault is needed.
static bool entry_get(pte_t *pte, u32 flags, struct folio **out, u64 *page)
{
	pte_t e = pte_read(pte);
	if (!pte_present(e) || (pte_special(e) && pte_pfn(e) != zero_pfn))
		return false;
	struct folio *p = pfn_page(pte_pfn(e)), *f = page_folio(p);
	if ((flags & MM_ACCESS_WRITE) && !pte_write(e)) {
		// A forced write has made a copy that is ours alone, but the mapping stays read-only.
		if (!(flags & MM_ACCESS_FORCE) || pte_special(e) || !anon_alone(f, pte, pte_pfn(e)))
			return false;
	}
	folio_get(f);
	*out = f;
	*page = p - f;
	return true;
}

static bool page_get(struct vma *v, u64 addr, u32 flags, struct folio **out, u64 *page)
{
	pmd_t *pmd = pmd_lookup(v->mm, addr);
	if (!pmd)
		return false;
	pmd_t m = pmd_read(pmd);
	if (pmd_none(m))
		return false;
	if (!pmd_leaf(m)) {
		pte_t *p = pte_lock_pmd(m, addr);
		bool got = entry_get(p, flags, out, page);
		pte_unlock(p);
		return got;
	}
	spin_lock(pmd_lock_of(pmd));
	bool got = pmd_same(pmd_read(pmd), m) && (!(flags & MM_ACCESS_WRITE) || pmd_write(m));
	if (got) {
		*out = pfn_page(pmd_pfn(m));
		*page = pte_index(addr);
		folio_get(*out);
	}
	spin_unlock(pmd_lock_of(pmd));
	return got;
}

static int page_get_or_fault(struct vma *v, u64 addr, u32 flags, struct folio **out, u64 *page)
{
	u32 fault = flags & MM_ACCESS_WRITE ? FAULT_WRITE : 0;
	if (!access_ok_for(v, flags))
		return -EFAULT;
	while (!page_get(v, addr, flags, out, page)) {
		int err = vma_fault(v, addr, fault);
		if (err && err != -EAGAIN)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

int mm_get_page(struct mm *mm, u64 addr, u32 flags, struct folio **out, size_t *offset)
{
	u64 page;
	struct vma *v = addr < mm->task_size ? vma_pin(mm, addr) : NULL;
	if (!v)
		return -EFAULT;
	int err = page_get_or_fault(v, addr, flags, out, &page);
	vma_unpin(v);
	if (!err)
		*offset = (page << PAGE_SHIFT) + (addr & ~PAGE_MASK);
	return err;
}

ssize_t mm_access(struct mm *mm, u64 addr, void *buf, size_t len, u32 flags)
{
	size_t done = 0;
	while (done < len) {
		struct folio *f;
		size_t off, n = MIN(len - done, (size_t)(PAGE_SIZE - (addr & ~PAGE_MASK)));
		int err = mm_get_page(mm, addr, flags, &f, &off);
		if (err)
			return done ? (ssize_t)done : err;
		void *p = (char *)folio_addr(f) + off;
		if (flags & MM_ACCESS_WRITE) {
			memcpy(p, (char *)buf + done, n);
			if (!folio_test(f, PG_ANON) && f->mapping)
				mapping_dirty(f);
		} else {
			memcpy((char *)buf + done, p, n);
		}
		folio_put(f);
		done += n;
		addr += n;
	}
	return done;
}

// Faults every page of [addr, addr + len) in. 0, or why the first bad one failed: -ENOMEM (not mapped, or no memory), -EFAULT.
static int populate_range(struct mm *mm, u64 a, u64 end, bool write_private)
{
	while (a < end) {
		struct vma *v = vma_pin(mm, a);
		if (!v)
			return -ENOMEM;
		u32 flags = (v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE && write_private ? FAULT_WRITE : 0;
		u64 stop = MIN(end, v->end);
		int err = vma_permits(v, flags) ? 0 : -EFAULT;
		for (; a < stop && !err;) {
			err = vma_fault(v, a, flags);
			if (err == -EAGAIN && !fatal_signal_pending(current))
				err = 0;
			else
				a += PAGE_SIZE;
			if (fatal_signal_pending(current))
				err = -EINTR;
		}
		vma_unpin(v);
		if (err)
			return err;
	}
	return 0;
}

int mm_populate(struct mm *mm, u64 addr, u64 len)
{
	return populate_range(mm, addr & PAGE_MASK, page_align(addr + len), true);
}

// Shared memory is the same word in all processes: identified by object and offset. Private memory by address space and address.
int mm_futex_key(struct mm *mm, u64 addr, bool shared, bool write, struct futex_key_parts *out)
{
	*out = (struct futex_key_parts){ .ptr = (u64)mm, .word = addr & PAGE_MASK, .offset = addr & ~PAGE_MASK };
	if (!shared)
		return 0;
	u64 page;
	struct folio *f;
	struct vma *v = addr < mm->task_size ? vma_pin(mm, addr) : NULL;
	if (!v)
		return -EFAULT;
	int err = page_get_or_fault(v, addr, write ? MM_ACCESS_WRITE : 0, &f, &page);
	if (!err) {
		folio_put(f);
		if (v->mapping && (v->flags & VM_MAYSHARE)) {
			out->ptr = (u64)v->mapping;
			out->word = vma_pgoff_at(v, addr);
		}
	}
	vma_unpin(v);
	return err;
}
