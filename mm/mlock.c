// mlock(2) and family, mincore(2), msync(2). Locked memory is a property of the VMA: reclaim asks it through the reverse map.
#include "mm/internal.h"
#include "mm/uaccess.h"
#include <linux/mman.h>
#include <linux/resource.h>

#define CAP_IPC_LOCK_ 14

static int lock_vma(struct mm *mm, struct vma *v, u64 start, u64 end, u64 want)
{
	u64 old = v->flags, flags = (old & ~(u64)(VM_LOCKED | VM_LOCKONFAULT)) | want;
	struct vma *n;
	if (flags == old || (old & (VM_IO | VM_PFNMAP | VM_SPECIAL_MAP)))
		return 0;
	int err = vma_modify(mm, v, start, end, flags, &n);
	if (err)
		return err;
	s64 pages = (end - start) >> PAGE_SHIFT;
	if ((flags ^ old) & VM_LOCKED)
		mm->locked_vm += flags & VM_LOCKED ? pages : -pages;
	return 0;
}

static int lock_range(struct mm *mm, u64 start, u64 end, u64 want)
{
	struct vma *v = vma_at(mm, start);
	if (!v)
		return -ENOMEM;
	while (start < end) {
		v = vma_at(mm, start);
		if (!v)
			return -ENOMEM;
		u64 stop = MIN(end, v->end);
		int err = lock_vma(mm, v, start, stop, want);
		if (err)
			return err;
		start = stop;
	}
	return 0;
}

static u64 locked_in(struct mm *mm, u64 start, u64 end)
{
	u64 n = 0;
	for (struct vma *v = vma_after(mm, start); v && v->start < end; v = vma_after(mm, v->end))
		if (v->flags & VM_LOCKED)
			n += (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
	return n;
}

int mm_mlock(struct mm *mm, u64 addr, u64 len, u32 flags)
{
	u64 limit = rlimit(RLIMIT_MEMLOCK);
	bool cap = !limit || limit != ~0ull ? capable(CAP_IPC_LOCK_) : true;
	if (!limit && !cap)
		return -EPERM;
	len = page_align(len + (addr & ~PAGE_MASK));
	addr &= PAGE_MASK;
	u64 end = addr + len, pages = len >> PAGE_SHIFT;
	int err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	u64 locked = mm->locked_vm + pages;
	if (locked > limit >> PAGE_SHIFT && !cap)
		locked -= locked_in(mm, addr, end);
	if (locked > limit >> PAGE_SHIFT && !cap)
		err = -ENOMEM;
	else if (end < addr)
		err = -EINVAL;
	else if (end > addr)
		err = lock_range(mm, addr, end, VM_LOCKED | (flags & MLOCK_ONFAULT ? VM_LOCKONFAULT : 0));
	mmap_write_unlock(mm);
	if (err || (flags & MLOCK_ONFAULT))
		return err;
	err = mm_populate(mm, addr, len);
	return err == -EFAULT ? -ENOMEM : err == -ENOMEM ? -EAGAIN : err;
}

int mm_munlock(struct mm *mm, u64 addr, u64 len)
{
	len = page_align(len + (addr & ~PAGE_MASK));
	addr &= PAGE_MASK;
	int err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	if (addr + len < addr)
		err = -EINVAL;
	else if (len)
		err = lock_range(mm, addr, addr + len, 0);
	mmap_write_unlock(mm);
	return err;
}

static int lock_all(struct mm *mm, u64 want)
{
	for (struct vma *v = vma_after(mm, 0); v;) {
		u64 end = v->end;
		int err = lock_vma(mm, v, v->start, end, want);
		if (err)
			return err;
		v = vma_after(mm, end);
	}
	return 0;
}

int mm_mlockall(struct mm *mm, int flags)
{
	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	u64 limit = rlimit(RLIMIT_MEMLOCK), want = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);
	bool cap = capable(CAP_IPC_LOCK_);
	if (!limit && !cap)
		return -EPERM;
	int err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	if ((flags & MCL_CURRENT) && mm->total_vm > limit >> PAGE_SHIFT && !cap) {
		mmap_write_unlock(mm);
		return -ENOMEM;
	}
	mm->def_flags = flags & MCL_FUTURE ? want : 0;
	if (flags & MCL_CURRENT)
		(void)lock_all(mm, want);	// as on Linux: what could not be locked is not reported
	mmap_write_unlock(mm);
	if ((flags & MCL_CURRENT) && !(flags & MCL_ONFAULT)) {
		u64 a = 0;
		for (;;) {
			mmap_read_lock(mm);
			struct vma *v = vma_after(mm, a);
			u64 start = v ? v->start : 0, end = v ? v->end : 0;
			mmap_read_unlock(mm);
			if (!end || fatal_signal_pending(current))
				break;
			(void)mm_populate(mm, start, end - start);
			a = end;
		}
	}
	return 0;
}

int mm_munlockall(struct mm *mm)
{
	int err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	mm->def_flags = 0;
	err = lock_all(mm, 0);
	mmap_write_unlock(mm);
	return err;
}

// ---- mincore ----

static u8 page_resident(struct vma *v, u64 addr)
{
	pmd_t *pmd = pmd_lookup(v->mm, addr);
	pmd_t m = pmd ? pmd_read(pmd) : (pmd_t){ 0 };
	if (!pmd_none(m)) {
		if (pmd_leaf(m))
			return 1;
		pte_t e = pte_read(pte_at(m, addr));	// a snapshot; the VMA keeps the table
		if (!pte_none(e))
			return pte_present(e);
	}
	if (!v->mapping)
		return 0;
	rcu_read_lock();
	void *f = xa_load(&v->mapping->pages, vma_pgoff_at(v, addr));
	u8 in = f && !xa_is_value(f) && folio_test(f, PG_UPTODATE);
	rcu_read_unlock();
	return in;
}

int mm_mincore(struct mm *mm, u64 addr, u64 len, uptr vec)
{
	u8 buf[256];
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (addr > TASK_SIZE_MAX || len > TASK_SIZE_MAX - addr)
		return -ENOMEM;
	u64 pages = page_align(len) >> PAGE_SHIFT;
	if (!user_range_ok(vec, pages))
		return -EFAULT;
	while (pages) {
		u64 n = MIN(pages, (u64)sizeof(buf)), i = 0;
		mmap_read_lock(mm);
		for (; i < n; i++, addr += PAGE_SIZE) {
			struct vma *v = vma_at(mm, addr);
			if (!v)
				break;
			buf[i] = page_resident(v, addr);
		}
		mmap_read_unlock(mm);
		if (i && copy_out(vec, buf, i))
			return -EFAULT;
		if (i < n)
			return -ENOMEM;
		vec = uptr_add(vec, n);
		pages -= n;
	}
	return 0;
}

// ---- msync ----

// Files in the page cache that is their storage have nothing to write; others are written by file_sync_range().
int mm_msync(struct mm *mm, u64 addr, u64 len, int flags)
{
	u64 end = addr + page_align(len);
	int err = 0;
	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (addr & ~PAGE_MASK) || ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	if (end < addr || (len && end == addr))
		return -ENOMEM;
	while (addr < end) {
		mmap_read_lock(mm);
		struct vma *v = vma_after(mm, addr);
		if (!v || v->start >= end) {
			mmap_read_unlock(mm);
			return -ENOMEM;
		}
		if (v->start > addr)
			err = -ENOMEM;		// reported at the end, when all else was done
		u64 from = MAX(addr, v->start), to = MIN(end, v->end);
		addr = to;
		if ((flags & MS_INVALIDATE) && (v->flags & VM_LOCKED)) {
			mmap_read_unlock(mm);
			return -EBUSY;
		}
		struct file *f = (flags & MS_SYNC) && (v->flags & VM_SHARED) && v->mapping && v->mapping->ops && v->mapping->ops->writeback ? v->file : NULL;
		u64 pos = vma_pgoff_at(v, from) << PAGE_SHIFT;
		if (f)
			file_get_ref(f);
		mmap_read_unlock(mm);
		if (f) {
			int e = file_sync_range(f, pos, pos + (to - from) - 1);
			file_put_ref(f);
			if (e)
				return e;
		}
	}
	return err;
}
