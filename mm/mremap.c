// mremap(2), and moving exec's stack: page tables are moved entry by entry; everything that can fail is done before the first one.
#include "kern/log.h"
#include "mm/internal.h"
#include <linux/mman.h>
#include <linux/resource.h>

struct move {
	struct mm *mm;
	u64 from, to, len;
	struct mapping *lock;	// file: truncation must find each page at one of the two places
};

static bool large_moves_whole(const struct move *m, u64 a)
{
	return !((m->from ^ m->to) & ~PMD_MASK) && IS_ALIGNED(a, PMD_SIZE) && a + PMD_SIZE <= m->from + m->len;
}

// Makes all tables of the new place, splits large pages that cannot move whole.
static int move_prepare(const struct move *m)
{
	for (u64 a = m->from, next; a < m->from + m->len; a = next) {
		next = pmd_next(a, m->from + m->len);
		pmd_t *pmd = pmd_lookup(m->mm, a), *to;
		if (!pmd || pmd_none(pmd_read(pmd)))
			continue;
		bool whole = pmd_leaf(pmd_read(pmd)) && large_moves_whole(m, a);
		int err = 0;
		if (pmd_leaf(pmd_read(pmd)) && !whole)
			err = pmd_split(m->mm, pmd, a);
		// The entries of one old table may go to two new ones.
		u64 b = a - m->from + m->to, last = next - 1 - m->from + m->to;
		err = err ?: pmd_get(m->mm, b, &to);
		if (!err && !whole)
			err = pte_table_make(m->mm, to);
		if (!err && (b ^ last) & PMD_MASK)
			err = pmd_get(m->mm, last, &to) ?: pte_table_make(m->mm, to);
		if (err)
			return err == -EAGAIN ? -ENOMEM : err;
	}
	return 0;
}

static void move_large(const struct move *m, pmd_t *from, u64 a) NO_LOCK_ANALYSIS	// one lock or two
{
	pmd_t *to = pmd_lookup(m->mm, a - m->from + m->to);
	struct spinlock *l1 = pmd_lock_of(from), *l2 = pmd_lock_of(to);
	spin_lock(l1);
	if (l1 != l2)
		spin_lock(l2);
	pmd_set(to, pmd_xchg(from, (pmd_t){ 0 }));
	tlb_flush_range(m->mm, a, a + PMD_SIZE, PMD_SHIFT, false);
	if (l1 != l2)
		spin_unlock(l2);
	spin_unlock(l1);
}

// Entries of [a, end), below one table on both sides. mmap_lock is held for write: the order of the two locks is nobody else's business.
static void move_ptes(const struct move *m, pmd_t from, u64 a, u64 end) NO_LOCK_ANALYSIS	// one lock or two
{
	u64 b = a - m->from + m->to, start = a;
	pmd_t *tp = pmd_lookup(m->mm, b);
	pte_t *p = pte_lock_pmd(from, a), *q = pte_at(pmd_read(tp), b), *p0 = p;
	struct spinlock *l1 = pte_lock_of(p), *l2 = pte_lock_of(q);
	if (l1 != l2)
		spin_lock(l2);
	for (; a < end; a += PAGE_SIZE, p++, q++)
		if (!pte_none(pte_read(p)))
			pte_set(q, pte_xchg(p, (pte_t){ 0 }));
	tlb_flush_range(m->mm, start, end, PAGE_SHIFT, false);
	if (l1 != l2)
		spin_unlock(l2);
	pte_unlock(p0);
}

static void move_entries(const struct move *m) NO_LOCK_ANALYSIS	// the lock is optional
{
	for (u64 a = m->from, next, end = m->from + m->len; a < end; a = next) {
		u64 b = a - m->from + m->to, room = pmd_next(b, U64_MAX & PAGE_MASK) - b;
		next = MIN(pmd_next(a, end), a + room);
		pmd_t *pmd = pmd_lookup(m->mm, a);
		if (!pmd || pmd_none(pmd_read(pmd)))
			continue;
		if (m->lock)
			spin_lock(&m->lock->i_mmap_lock);
		if (pmd_leaf(pmd_read(pmd)))
			move_large(m, pmd, a);
		else
			move_ptes(m, pmd_read(pmd), a, next);
		if (m->lock)
			spin_unlock(&m->lock->i_mmap_lock);
	}
}

// Moves [old, old + old_len) of v to [to, to + new_len), where nothing is mapped. Returns `to` or -errno.
static long move_vma(struct mm *mm, struct vma *v, u64 old, u64 old_len, u64 new_len, u64 to, bool keep_old)
{
	u64 pages = new_len >> PAGE_SHIFT, flags = v->flags;
	int err;
	if (mm->nr_vmas + 3 >= (u32)sysctl_max_map_count)
		return -ENOMEM;
	vma_lock_write(v);
	if (flags & VM_ACCOUNT) {
		err = vm_charge(mm, pages);
		if (err)
			return err;
	}
	struct vma *n = vma_dup(v, mm);
	err = -ENOMEM;
	if (!n)
		goto uncharge;
	n->pgoff = vma_pgoff_at(v, old);
	n->start = to;
	n->end = to + new_len;
	if (n->has_anon) {
		n->anon_off = v->anon_off + ((old - to) >> PAGE_SHIFT);
		if (old < to)
			n->anon_off = v->anon_off - ((to - old) >> PAGE_SHIFT);
	} else if (vma_is_anon(n)) {
		n->pgoff = to >> PAGE_SHIFT;
		n->anon_off = 0;
	}
	struct move m = { mm, old, to, MIN(old_len, new_len), v->mapping };
	err = move_prepare(&m) ?: vma_replace(mm, to, to + new_len, n);
	if (err) {
		n->ops = NULL;
		vma_free(n);
		goto uncharge;
	}
	if (n->ops && n->ops->open)
		n->ops->open(n);
	vm_account(mm, flags, pages);
	move_entries(&m);
	if (keep_old) {			// MREMAP_DONTUNMAP: the old place is empty and not locked
		if (flags & VM_LOCKED) {
			vma_set_flags(v, flags & ~(u64)(VM_LOCKED | VM_LOCKONFAULT));
			mm->locked_vm -= vma_pages(v);
		}
		return to;
	}
	// The old place goes; if there is no memory to split its VMA, it stays, empty. old_len 0 makes a second mapping of shared memory.
	if (old_len && vma_replace(mm, old, old + old_len, NULL))
		pr_debug("mremap: the old place stays mapped\n");
	return to;

uncharge:
	if (flags & VM_ACCOUNT)
		vm_uncharge(pages);
	return err;
}

static int resize_ok(struct mm *mm, struct vma *v, u64 addr, u64 old_len, u64 new_len, u32 flags)
{
	if (!old_len && !(v->flags & (VM_SHARED | VM_MAYSHARE)))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && (v->flags & (VM_DONTEXPAND | VM_PFNMAP)))
		return -EINVAL;
	if (old_len > v->end - addr)
		return -EFAULT;
	if (new_len == old_len)
		return 0;
	u64 pgoff = vma_pgoff_at(v, addr), more = (new_len - old_len) >> PAGE_SHIFT;
	if (pgoff + (new_len >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	if (v->flags & (VM_DONTEXPAND | VM_PFNMAP))
		return -EFAULT;
	if ((v->flags & VM_LOCKED) && (mm->locked_vm + more) << PAGE_SHIFT > rlimit(RLIMIT_MEMLOCK) && !capable(14 /* CAP_IPC_LOCK */))
		return -EAGAIN;
	if (mm->total_vm + more > rlimit(RLIMIT_AS) >> PAGE_SHIFT)
		return -ENOMEM;
	bool data = (v->flags & (VM_WRITE | VM_SHARED | VM_STACK | VM_GROWSDOWN)) == VM_WRITE;
	return data && mm->data_vm + more > rlimit(RLIMIT_DATA) >> PAGE_SHIFT ? -ENOMEM : 0;
}

static bool grow_in_place(struct mm *mm, struct vma *v, u64 addr, u64 new_len)
{
	u64 end = addr + new_len, more = (end - v->end) >> PAGE_SHIFT;
	struct vma *next = vma_after(mm, v->end);
	if (end < addr || end > mm->task_size || (next && next->start < end) || (next && next->start - end < vma_guard(next)))
		return false;
	if ((v->flags & VM_ACCOUNT) && vm_charge(mm, more))
		return false;
	vma_resize(mm, v, v->start, end);
	vm_account(mm, v->flags, more);
	return true;
}

static long remap_to(struct mm *mm, u64 addr, u64 old_len, u64 new_len, u32 flags, u64 to)
{
	if ((to & ~PAGE_MASK) || new_len > mm->task_size || to > mm->task_size - new_len)
		return -EINVAL;
	if (addr < to + new_len && to < addr + old_len)
		return -EINVAL;
	if (mm->nr_vmas + 2 >= (u32)sysctl_max_map_count)
		return -ENOMEM;
	int err = 0;
	if (flags & MREMAP_FIXED)
		err = vma_replace(mm, to, to + new_len, NULL);
	if (!err && old_len > new_len) {
		err = vma_replace(mm, addr + new_len, addr + old_len, NULL);
		old_len = new_len;
	}
	if (err)
		return err;
	struct vma *v = vma_at(mm, addr);
	if (!v)
		return -EFAULT;
	err = resize_ok(mm, v, addr, old_len, new_len, flags);
	if (err)
		return err;
	if (!(flags & MREMAP_FIXED) || to < 65536) {
		to = mm_unmapped_area(mm, to, new_len, v->pgoff, flags & MREMAP_FIXED ? MAP_FIXED : 0);
		if (to > -4096ul)
			return to;
	}
	return move_vma(mm, v, addr, old_len, new_len, to, flags & MREMAP_DONTUNMAP);
}

static long remap_locked(struct mm *mm, u64 addr, u64 old_len, u64 new_len, u32 flags, u64 to, bool *populate)
{
	struct vma *v = vma_at(mm, addr);
	if (!v)
		return -EFAULT;
	*populate = v->flags & VM_LOCKED;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(mm, addr, old_len, new_len, flags, to);
	if (old_len >= new_len) {
		*populate = false;
		return old_len == new_len ? (long)addr : vma_replace(mm, addr + new_len, addr + old_len, NULL) ?: (long)addr;
	}
	int err = resize_ok(mm, v, addr, old_len, new_len, flags);
	if (err)
		return err;
	if (old_len == v->end - addr && grow_in_place(mm, v, addr, new_len))
		return addr;
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	to = mm_unmapped_area(mm, 0, new_len, vma_pgoff_at(v, addr), 0);
	if (to > -4096ul)
		return to;
	return move_vma(mm, v, addr, old_len, new_len, to, false);
}

long mm_mremap(struct mm *mm, u64 old, u64 old_len, u64 new_len, u32 flags, u64 new_addr)
{
	bool populate = false;
	if (flags & ~(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && (!(flags & MREMAP_MAYMOVE) || old_len != new_len))
		return -EINVAL;
	if (old & ~PAGE_MASK)
		return -EINVAL;
	old_len = page_align(old_len);
	new_len = page_align(new_len);
	if (!new_len || old > mm->task_size || old_len > mm->task_size - old)
		return -EINVAL;
	int err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	long ret = remap_locked(mm, old, old_len, new_len, flags, new_addr, &populate);
	mmap_write_unlock(mm);
	if (populate && (u64)ret < -4096ul)
		(void)mm_populate(mm, ret, new_len);
	return ret;
}

// exec chose the stack's place after it had written to it. Nobody else knows this mm, so that the folios can be renumbered.
int mm_stack_relocate(struct mm *mm, u64 new_top)
{
	mmap_write_lock(mm);
	struct vma *v = vma_before(mm, mm->start_stack);
	int err = -EFAULT;
	if (v) {
		u64 start = v->start, len = v->end - v->start, to = new_top - len;
		struct move m = { mm, start, to, len, NULL };
		vma_lock_write(v);
		err = start < new_top && to < v->end && start != to ? -EINVAL : move_prepare(&m);
		struct vma *n = err || start == to ? NULL : vma_dup(v, mm);
		if (n) {
			n->start = to;
			n->end = new_top;
			n->pgoff = to >> PAGE_SHIFT;
			err = vma_replace(mm, to, new_top, n);
			if (err) {
				vma_free(n);
			} else {
				move_entries(&m);
				for (u64 a = to; a < new_top; a += PAGE_SIZE) {
					pmd_t *pmd = pmd_lookup(mm, a);
					pte_t e = pmd && !pmd_none(pmd_read(pmd)) ? pte_read(pte_at(pmd_read(pmd), a)) : (pte_t){ 0 };
					if (pte_present(e) && !pte_special(e))
						pfn_page(pte_pfn(e))->index = a >> PAGE_SHIFT;
				}
				v->flags &= ~VM_ACCOUNT;		// the charge goes with the pages
				vm_account(mm, v->flags, len >> PAGE_SHIFT);
				err = vma_replace(mm, start, start + len, NULL);
				mm->start_stack = new_top;
			}
		} else if (!err && start != to) {
			err = -ENOMEM;
		}
	}
	mmap_write_unlock(mm);
	return err;
}
