// mprotect(2).
#include "mm/internal.h"
#include <linux/mman.h>
#include <linux/resource.h>

struct protect {
	struct vma *v;
	bool plain;		// nobody else runs in the mm: no accessed or dirty bit can be lost
	bool upgrade;		// private pages that are ours alone become writable at once
	bool flush;
};

static void protect_ptes(struct protect *c, pmd_t m, u64 a, u64 end)
{
	pte_t *p = pte_lock_pmd(m, a), *first = p;
	pgprot_t prot = c->v->prot;
	for (; a < end; a += PAGE_SIZE, p++) {
		pte_t e = pte_read(p);
		if (!pte_present(e))
			continue;
		if (!c->plain)
			e = pte_xchg(p, (pte_t){ 0 });
		pte_t n = pte_modify(e, prot);
		if (c->upgrade && pte_dirty(e) && !pte_special(e)) {
			struct folio *f = pfn_page(pte_pfn(e));
			if ((READ_ONCE(f->flags) & (BIT(PG_ANON) | BIT(PG_HEAD) | BIT(PG_TAIL))) == BIT(PG_ANON) && ref_read(&f->ref) == 1)
				n = pte_mkwrite(n);
		}
		c->flush |= pte_write(e) && !pte_write(n);
		pte_set(p, n);
	}
	pte_unlock(first);
}

static void protect_large(struct protect *c, pmd_t *pmd)
{
	spin_lock(pmd_lock_of(pmd));
	pmd_t m = pmd_read(pmd);
	if (pmd_leaf(m)) {
		pmd_t n = pmd_modify(m, c->v->prot);
		if (c->upgrade && pmd_dirty(m) && ref_read(&pfn_page(pmd_pfn(m))->ref) == 1)
			n = pmd_mkwrite(n);
		else if (pmd_write(m))
			c->flush = true;
		pmd_set(pmd, pmd_dirty(n) || !pmd_write(m) ? n : pmd_mkdirty(n));
	}
	spin_unlock(pmd_lock_of(pmd));
}

// Entries of [start, end) of v get its protection. Translations are flushed where they allowed more than that, or `narrower`.
static void protect_entries(struct vma *v, u64 start, u64 end, bool narrower)
{
	struct mm *mm = v->mm;
	struct protect c = { .v = v, .plain = atomic_read(&mm->users) == 1 && current->mm == mm, .flush = narrower,
			     .upgrade = (v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE };
	for (u64 a = start, next; a < end; a = next) {
		pmd_t *pmd = pmd_lookup(mm, a);
		if (!pmd) {
			next = pud_next(a, end);
			continue;
		}
		next = pmd_next(a, end);
		pmd_t m = pmd_read(pmd);
		if (pmd_none(m))
			continue;
		if (pmd_leaf(m))
			protect_large(&c, pmd);
		else
			protect_ptes(&c, m, a, next);
	}
	if (c.flush)
		tlb_flush_range(mm, start, end, PAGE_SHIFT, false);
}

static int charge_new_writable(struct mm *mm, const struct vma *v, u64 *flags, u64 pages, u64 *charged)
{
	*charged = 0;
	if (!(*flags & VM_WRITE) || (v->flags & VM_WRITE))
		return 0;
	if (!(*flags & (VM_SHARED | VM_STACK | VM_GROWSDOWN)) && mm->data_vm + pages > rlimit(RLIMIT_DATA) >> PAGE_SHIFT)
		return -ENOMEM;
	if (v->flags & (VM_ACCOUNT | VM_SHARED | VM_NORESERVE))
		return 0;
	int err = vm_charge(mm, pages);
	if (err)
		return err;
	*charged = pages;
	*flags |= VM_ACCOUNT;
	return 0;
}

static int protect_vma(struct mm *mm, struct vma *v, u64 start, u64 end, u64 flags)
{
	u64 old = v->flags, pages = (end - start) >> PAGE_SHIFT, charged;
	struct vma *n;
	if (flags == old)
		return 0;
	int err = charge_new_writable(mm, v, &flags, pages, &charged);
	if (err)
		return err;
	err = vma_modify(mm, v, start, end, flags, &n);
	if (err) {
		if (charged)
			vm_uncharge(charged);
		return err;
	}
	vm_account(mm, old, -(s64)pages);
	vm_account(mm, flags, pages);
	protect_entries(n, start, end, old & ~flags & (VM_READ | VM_EXEC));
	return 0;
}

static int mprotect_locked(struct mm *mm, u64 start, u64 end, u32 prot, u32 grows)
{
	u64 want = (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) | (prot & PROT_EXEC ? VM_EXEC : 0);
	struct vma *v = vma_after(mm, start);
	int err = 0;
	if (!v)
		return -ENOMEM;
	if (grows == PROT_GROWSDOWN) {
		if (v->start >= end)
			return -ENOMEM;
		if (!(v->flags & VM_GROWSDOWN))
			return -EINVAL;
		start = v->start;
	} else if (v->start > start) {
		return -ENOMEM;
	}
	if (grows == PROT_GROWSUP)
		return -EINVAL;		// no VMA grows up here
	while (start < end) {
		v = vma_at(mm, start);
		if (!v)
			return -ENOMEM;
		u64 stop = MIN(end, v->end), flags = (v->flags & ~(u64)(VM_READ | VM_WRITE | VM_EXEC)) | want;
		if ((flags & ~(flags >> 4)) & (VM_READ | VM_WRITE | VM_EXEC))
			return -EACCES;
		if (v->ops && v->ops->mprotect)
			err = v->ops->mprotect(v, start, stop, flags);
		err = err ?: protect_vma(mm, v, start, stop, flags);
		if (err)
			return err;
		start = stop;
	}
	return 0;
}

int mm_mprotect(struct mm *mm, u64 addr, u64 len, u32 prot)
{
	u32 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	prot &= ~grows;
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || (addr & ~PAGE_MASK))
		return -EINVAL;
	if (!len)
		return 0;
	len = page_align(len);
	u64 end = addr + len;
	if (end <= addr)
		return -ENOMEM;
	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	int err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	err = mprotect_locked(mm, addr, end, prot, grows);
	mmap_write_unlock(mm);
	return err;
}
