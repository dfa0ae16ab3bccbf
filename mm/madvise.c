// madvise(2). Advice that this kernel has no use for is checked as on Linux and then ignored, as the interface allows.
#include "mm/internal.h"
#include <linux/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

// New flags for advice that is kept in the VMA; -EINVAL, or 1 when the advice is not of that kind.
static int advice_flags(const struct vma *v, int advice, u64 *flags)
{
	u64 f = v->flags;
	switch (advice) {
	case MADV_NORMAL: f &= ~(u64)(VM_RAND_READ | VM_SEQ_READ); break;
	case MADV_SEQUENTIAL: f = (f & ~VM_RAND_READ) | VM_SEQ_READ; break;
	case MADV_RANDOM: f = (f & ~VM_SEQ_READ) | VM_RAND_READ; break;
	case MADV_DONTFORK: f |= VM_DONTCOPY; break;
	case MADV_DOFORK:
		if (f & VM_IO)
			return -EINVAL;
		f &= ~VM_DONTCOPY;
		break;
	case MADV_WIPEONFORK:
		if (v->file || (f & VM_SHARED))
			return -EINVAL;
		f |= VM_WIPEONFORK;
		break;
	case MADV_KEEPONFORK:
		if (f & VM_DROPPABLE)
			return -EINVAL;
		f &= ~VM_WIPEONFORK;
		break;
	case MADV_DONTDUMP: f |= VM_DONTDUMP; break;
	case MADV_DODUMP:
		if (f & (VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DROPPABLE))
			return -EINVAL;
		f &= ~VM_DONTDUMP;
		break;
	case MADV_HUGEPAGE: f = (f & ~VM_NOHUGEPAGE) | VM_HUGEPAGE; break;
	case MADV_NOHUGEPAGE: f = (f & ~VM_HUGEPAGE) | VM_NOHUGEPAGE; break;
	default: return 1;
	}
	*flags = f;
	return 0;
}

static bool known_advice(int advice)
{
	switch (advice) {
	case MADV_NORMAL ... MADV_DONTNEED:
	case MADV_FREE ... MADV_DOFORK:
	case MADV_HUGEPAGE ... MADV_POPULATE_WRITE:
		return advice != MADV_REMOVE;
	default:
		return false;
	}
}

// Drops [start, end): memory reads as zero (or as the file) afterwards.
static int drop_range(struct vma *v, u64 start, u64 end)
{
	if (v->flags & (VM_LOCKED | VM_PFNMAP | VM_IO))
		return -EINVAL;
	int err = 0;
	pmd_t *pmd;
	if (!IS_ALIGNED(start, PMD_SIZE) && (pmd = pmd_lookup(v->mm, start)) && pmd_leaf(pmd_read(pmd)))
		err = pmd_split(v->mm, pmd, start);
	if (!err && !IS_ALIGNED(end, PMD_SIZE) && (pmd = pmd_lookup(v->mm, end)) && pmd_leaf(pmd_read(pmd)))
		err = pmd_split(v->mm, pmd, end);
	if (!err)
		zap_now(v->mm, start, end);
	return err;
}

// Reads what is not cached yet. Context: VMA pinned.
static int will_need(struct vma *v, u64 start, u64 end)
{
	if (!v->mapping || !v->ops || v->ops->fault != mapping_vm_ops.fault)
		return 0;
	for (u64 a = start; a < end && !fatal_signal_pending(current); a += PAGE_SIZE) {
		struct folio *f;
		int err = mapping_read(v->mapping, v->file, vma_pgoff_at(v, a), &f);
		if (err)
			return err == -ENOMEM ? -EAGAIN : 0;
		folio_put(f);
	}
	return 0;
}

static int populate_vma(struct vma *v, u64 start, u64 end, u32 fault)
{
	if ((v->flags & (VM_IO | VM_PFNMAP)) || !vma_permits(v, fault))
		return -EINVAL;
	for (u64 a = start; a < end;) {
		int err = vma_fault(v, a, fault);
		if (fatal_signal_pending(current))
			return -EINTR;
		if (err == -EAGAIN)
			continue;
		if (err)
			return err == -ENOMEM ? -ENOMEM : -EFAULT;
		a += PAGE_SIZE;
	}
	return 0;
}

// Advice that acts on pages: the VMA is pinned, mmap_lock is not held.
static int advise_pinned(struct vma *v, u64 start, u64 end, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
		return drop_range(v, start, end);
	case MADV_FREE:		// freed at once: the interface lets the kernel choose when
		return vma_is_anon(v) ? drop_range(v, start, end) : -EINVAL;
	case MADV_WILLNEED:
		return will_need(v, start, end);
	case MADV_COLD:
	case MADV_PAGEOUT:
		return v->flags & (VM_LOCKED | VM_PFNMAP) ? -EINVAL : 0;
	case MADV_POPULATE_READ:
		return populate_vma(v, start, end, 0);
	case MADV_POPULATE_WRITE:
		return populate_vma(v, start, end, FAULT_WRITE);
	default:
		return -EINVAL;
	}
}

static int advise_pages(struct mm *mm, u64 start, u64 end, int advice)
{
	int hole = 0;
	while (start < end) {
		struct vma *v = vma_pin_lookup(mm, start);
		if (unlikely(!v)) {
			mmap_read_lock(mm);
			v = vma_after(mm, start);
			if (v && v->start < end && !vma_try_pin(v, mm, MAX(start, v->start)))
				v = NULL;
			else if (v && v->start >= end)
				v = NULL;
			mmap_read_unlock(mm);
			if (!v)
				return -ENOMEM;
		}
		if (v->start > start) {
			hole = -ENOMEM;		// reported when the rest was done
			start = v->start;
		}
		u64 stop = MIN(end, v->end);
		int err = hole && advice >= MADV_POPULATE_READ ? hole : advise_pinned(v, start, stop, advice);
		vma_unpin(v);
		if (err)
			return err;
		start = stop;
	}
	return hole;
}

static int advise_flags(struct mm *mm, u64 start, u64 end, int advice)
{
	int err = mmap_write_lock_killable(mm), hole = 0;
	if (err)
		return err;
	while (start < end && !err) {
		struct vma *v = vma_after(mm, start), *n;
		if (!v || v->start >= end) {
			hole = -ENOMEM;
			break;
		}
		if (v->start > start) {
			hole = -ENOMEM;
			start = v->start;
		}
		u64 stop = MIN(end, v->end), flags;
		err = advice_flags(v, advice, &flags);
		if (!err && flags != v->flags)
			err = vma_modify(mm, v, start, stop, flags, &n);
		start = stop;
	}
	mmap_write_unlock(mm);
	return err ? err : hole;
}

int mm_madvise(struct mm *mm, u64 addr, u64 len, int advice)
{
	static const struct vma none;
	u64 end, flags;
	if (!known_advice(advice) || (addr & ~PAGE_MASK))
		return -EINVAL;
	if (len && !page_align(len))
		return -EINVAL;
	end = addr + page_align(len);
	if (end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	// Whether the advice is kept in VMAs does not depend on the VMA.
	return advice_flags(&none, advice, &flags) == 1 ? advise_pages(mm, addr, end, advice) : advise_flags(mm, addr, end, advice);
}
