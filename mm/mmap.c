// mmap(2), munmap(2), brk(2): where, whether, and what. The order of checks is Linux's, so that the errno is. VMA surgery is in vma.c.
#include "mm/internal.h"
#include "mm/shmem.h"
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/resource.h>

#define FILE_READ 1u		// file_mode_bits()
#define FILE_WRITE 2u
#define CAP_LOCK 14		// CAP_IPC_LOCK
#define CAP_RAWIO 17		// CAP_SYS_RAWIO
#define MMAP_MIN_ADDR 65536ul	// vm.mmap_min_addr
#define AREA_32BIT_START 0x40000000ul
#define AREA_32BIT_END 0x80000000ul
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif
#ifndef MAP_32BIT
#define MAP_32BIT 0x40
#endif
// What MAP_SHARED has always ignored; MAP_SHARED_VALIDATE refuses what it does not know.
#define MAP_KNOWN (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_GROWSDOWN | MAP_LOCKED | \
		   MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | (63u << 26))

// ---- where ----

static u64 search_area(struct mm *mm, u64 len, u64 align, u32 flags)
{
	struct vtree_gap g = { .lo = MMAP_MIN_ADDR, .hi = mm->mmap_base, .len = len, .align = align, .guard = vma_guard };
	u64 a;
	if (flags & MAP_32BIT) {
		g.lo = AREA_32BIT_START;
		g.hi = AREA_32BIT_END;
		return vma_tree_gap_up(&mm->vmas, &g);
	}
	if (mm->flags & MMF_TOPDOWN) {
		a = vma_tree_gap_down(&mm->vmas, &g);
		if (a)
			return a;
		g.lo = page_align(mm->task_size / 3);
	} else {
		g.lo = mm->mmap_base;
	}
	g.hi = mm->task_size;
	return vma_tree_gap_up(&mm->vmas, &g);
}

static bool hint_fits(struct mm *mm, u64 addr, u64 len)
{
	if (addr < MMAP_MIN_ADDR || addr > mm->task_size - len)
		return false;
	struct vma *next = vma_after(mm, addr);
	return !next || (next->start >= addr + len && next->start - (addr + len) >= vma_guard(next));
}

u64 mm_unmapped_area(struct mm *mm, u64 addr, u64 len, u64 pgoff, u32 flags)
{
	if (len > mm->task_size)
		return -ENOMEM;
	if (flags & MAP_FIXED) {
		if (addr > mm->task_size - len)
			return -ENOMEM;
		if (addr & ~PAGE_MASK)
			return -EINVAL;
		return addr < MMAP_MIN_ADDR && !capable(CAP_RAWIO) ? (u64)-EPERM : addr;
	}
	addr = page_align(addr);
	if (addr && !(flags & MAP_32BIT) && hint_fits(mm, addr, len))
		return addr;
	u64 a = 0;
	if (len >= PMD_SIZE && IS_ALIGNED(len, PMD_SIZE))	// room for large pages
		a = search_area(mm, len, PMD_SIZE, flags);
	return a ?: search_area(mm, len, PAGE_SIZE, flags) ?: (u64)-ENOMEM;
}

// ---- whether ----

static bool lock_limit_ok(struct mm *mm, u64 flags, u64 pages)
{
	return !(flags & VM_LOCKED) || ((mm->locked_vm + pages) << PAGE_SHIFT) <= rlimit(RLIMIT_MEMLOCK) || capable(CAP_LOCK);
}

static bool is_data(u64 flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_STACK | VM_GROWSDOWN)) == VM_WRITE;
}

static int expand_ok(struct mm *mm, u64 flags, u64 pages)
{
	if (mm->total_vm + pages > rlimit(RLIMIT_AS) >> PAGE_SHIFT)
		return -ENOMEM;
	if (is_data(flags) && mm->data_vm + pages > rlimit(RLIMIT_DATA) >> PAGE_SHIFT)
		return -ENOMEM;
	return 0;
}

static u64 prot_flags(u32 prot)
{
	return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) | (prot & PROT_EXEC ? VM_EXEC : 0);
}

// Permission of the file, sharing; *flags becomes what the mapping may do.
static int check_file(const struct mmap_args *a, u64 *flags)
{
	u32 mode = file_mode_bits(a->file), mask = MAP_KNOWN;
	switch (a->flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (a->flags & ~(mask | MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE))
			return -EOPNOTSUPP;
		FALLTHROUGH;
	case MAP_SHARED:
		if ((a->prot & PROT_WRITE) && !(mode & FILE_WRITE))
			return -EACCES;
		*flags |= VM_SHARED | VM_MAYSHARE;
		if (!(mode & FILE_WRITE))
			*flags &= ~(VM_MAYWRITE | VM_SHARED);
		break;
	case MAP_PRIVATE:
		break;
	default:
		return -EINVAL;
	}
	if (!(mode & FILE_READ))
		return -EACCES;
	if (!file_allows_exec(a->file)) {
		if (*flags & VM_EXEC)
			return -EPERM;
		*flags &= ~VM_MAYEXEC;
	}
	return *flags & VM_GROWSDOWN ? -EINVAL : 0;
}

static int check_anon(const struct mmap_args *a, u64 *flags)
{
	switch (a->flags & MAP_TYPE) {
	case MAP_SHARED:
		if (*flags & VM_GROWSDOWN)
			return -EINVAL;
		*flags |= VM_SHARED | VM_MAYSHARE;
		return 0;
	case MAP_DROPPABLE:
		if (*flags & (VM_LOCKED | VM_GROWSDOWN))
			return -EINVAL;
		*flags |= VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
		return 0;
	case MAP_PRIVATE:
		return 0;
	default:
		return -EINVAL;
	}
}

// ---- what ----

// Grows a neighbour over [start, end): no memory is needed for that. False: none fits.
static bool join_neighbour_vma(struct mm *mm, u64 start, u64 end, u64 flags)
{
	struct vma_like l = { .flags = flags };
	struct vma *prev = vma_before(mm, start), *next = vma_at(mm, end);
	if (prev && prev->end == start && vma_can_join(prev, &l)) {
		vma_resize(mm, prev, prev->start, end);
		return true;
	}
	if (next && next->start == end && vma_can_join(next, &l)) {
		vma_resize(mm, next, start, next->end);
		return true;
	}
	return false;
}

static int count_writable(struct mapping *m)
{
	u32 n = READ_ONCE(m->nr_writable_maps);
	do {
		if ((s32)n < 0)
			return -EPERM;		// sealed against writing
	} while (!try_cmpxchg(&m->nr_writable_maps, &n, n + 1));
	return 0;
}

// The object behind the VMA. On failure v has nothing to give back but its file reference.
static int vma_attach(struct vma *v, struct file *file, u64 len)
{
	struct mapping *m = NULL;
	int err = 0;
	if (file) {
		file_get_ref(file);
		v->file = file;
		v->mapping = file_mapping(file);
		err = file_mmap(file, v);
		m = v->mapping;
	} else if (v->flags & VM_SHARED) {
		err = shmem_object_create(len, &m);
		v->ops = &shmem_vm_ops;
	}
	if (!err && m && (v->flags & VM_SHARED) && (v->flags & VM_MAYWRITE))
		err = count_writable(m);
	if (err) {
		if (!v->file && m)		// also: /dev/zero put an object in the file's place
			shmem_object_put(m);
		v->mapping = NULL;
		v->ops = NULL;
		return err;
	}
	v->mapping = m;
	vma_set_flags(v, v->flags);
	return 0;
}

static int map_fresh(struct mm *mm, const struct mmap_args *a, u64 addr, u64 len, u64 flags)
{
	struct vma *v = vma_alloc(mm);
	if (!v)
		return -ENOMEM;
	v->start = addr;
	v->end = addr + len;
	v->pgoff = a->file ? a->pgoff : flags & VM_SHARED ? 0 : addr >> PAGE_SHIFT;
	v->flags = flags;
	int err = vma_attach(v, a->file, len) ?: vma_replace(mm, addr, addr + len, v);
	if (err)
		vma_free(v);
	return err;
}

static u64 pages_mapped_in(struct mm *mm, u64 start, u64 end)
{
	u64 n = 0;
	for (struct vma *v = vma_after(mm, start); v && v->start < end; v = vma_after(mm, v->end))
		n += (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
	return n;
}

static int map_region(struct mm *mm, const struct mmap_args *a, u64 addr, u64 len, u64 flags)
{
	u64 pages = len >> PAGE_SHIFT, old = a->flags & MAP_FIXED ? pages_mapped_in(mm, addr, addr + len) : 0;
	int err = expand_ok(mm, flags, pages - old);
	if (err)
		return err;
	if ((flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE) {
		err = vm_charge(mm, pages);
		if (err)
			return err;
		flags |= VM_ACCOUNT;
	}
	if (a->file || (flags & VM_SHARED) || old || !join_neighbour_vma(mm, addr, addr + len, flags)) {
		err = map_fresh(mm, a, addr, len, flags);
		if (err) {
			if (flags & VM_ACCOUNT)
				vm_uncharge(pages);
			return err;
		}
	}
	vm_account(mm, flags, pages);
	return 0;
}

static long mmap_locked(struct mm *mm, const struct mmap_args *args, u64 extra, bool *populate)
{
	struct mmap_args a = *args;
	u64 len = page_align(a.len), addr = a.addr, flags;
	bool noreplace = a.flags & MAP_FIXED_NOREPLACE;
	int err;

	if (noreplace)
		a.flags |= MAP_FIXED;
	if (!(a.flags & MAP_FIXED)) {
		addr &= PAGE_MASK;
		if (addr && addr < MMAP_MIN_ADDR)
			addr = MMAP_MIN_ADDR;
	}
	if (!len)
		return -ENOMEM;
	if (a.pgoff + (len >> PAGE_SHIFT) < a.pgoff)
		return -EOVERFLOW;
	if (mm->nr_vmas > (u32)sysctl_max_map_count)
		return -ENOMEM;
	flags = prot_flags(a.prot) | mm->def_flags | extra | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
	flags |= (a.flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0) | (a.flags & MAP_LOCKED ? VM_LOCKED : 0) | (a.flags & MAP_STACK ? VM_NOHUGEPAGE : 0);
	addr = mm_unmapped_area(mm, addr, len, a.pgoff, a.flags);
	if (addr > -4096ul)
		return addr;
	if (noreplace) {
		struct vma *v = vma_after(mm, addr);
		if (v && v->start < addr + len)
			return -EEXIST;
	}
	if ((a.flags & MAP_LOCKED) && !rlimit(RLIMIT_MEMLOCK) && !capable(CAP_LOCK))
		return -EPERM;
	if (!lock_limit_ok(mm, flags, len >> PAGE_SHIFT))
		return -EAGAIN;
	err = a.file ? check_file(&a, &flags) : check_anon(&a, &flags);
	if (err)
		return err;
	if ((a.flags & MAP_NORESERVE) && sysctl_overcommit_memory != 2)
		flags |= VM_NORESERVE;
	err = map_region(mm, &a, addr, len, flags);
	if (err)
		return err;
	*populate = (flags & VM_LOCKED) || (a.flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
	return addr;
}

static long do_mmap(struct mm *mm, const struct mmap_args *a, u64 extra)
{
	bool populate = false;
	if (!a->len)
		return -EINVAL;
	if (a->flags & MAP_HUGETLB)
		return a->file ? -EINVAL : -ENOMEM;	// no pool of huge pages: as Linux with vm.nr_hugepages = 0
	int err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	long addr = mmap_locked(mm, a, extra, &populate);
	mmap_write_unlock(mm);
	if (populate)
		(void)mm_populate(mm, addr, page_align(a->len));	// man 2 mmap: failure to populate is not reported
	return addr;
}

long mm_mmap(struct mm *mm, const struct mmap_args *a)
{
	struct mmap_args x = *a;
	if ((x.prot & PROT_READ) && (current->personality & READ_IMPLIES_EXEC) && !(x.file && !file_allows_exec(x.file)))
		x.prot |= PROT_EXEC;
	return do_mmap(mm, &x, 0);
}

long mm_map_segment(struct mm *mm, const struct mmap_args *a, u64 extra_vm_flags)
{
	return do_mmap(mm, a, extra_vm_flags);
}

int mm_munmap(struct mm *mm, u64 addr, u64 len)
{
	if ((addr & ~PAGE_MASK) || addr > mm->task_size || len > mm->task_size - addr)
		return -EINVAL;
	len = page_align(len);
	if (!len)
		return -EINVAL;
	int err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	struct vma *v = vma_after(mm, addr);
	if (v && v->start < addr && v->end > addr + len && mm->nr_vmas >= (u32)sysctl_max_map_count)
		err = -ENOMEM;
	else
		err = vma_replace(mm, addr, addr + len, NULL);
	mmap_write_unlock(mm);
	return err;
}

// ---- brk ----

static bool brk_room(struct mm *mm, u64 oldbrk, u64 newbrk)
{
	struct vma *next = vma_after(mm, oldbrk);
	return !next || newbrk + PAGE_SIZE <= next->start - MIN(vma_guard(next), next->start);
}

static int brk_grow(struct mm *mm, u64 from, u64 to)
{
	u64 flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | mm->def_flags;
	if (current->personality & READ_IMPLIES_EXEC)
		flags |= VM_EXEC;
	if (to > mm->task_size || !brk_room(mm, from, to) || mm->nr_vmas > (u32)sysctl_max_map_count)
		return -ENOMEM;
	if (!lock_limit_ok(mm, flags, (to - from) >> PAGE_SHIFT))
		return -EAGAIN;
	struct mmap_args a = { .addr = from, .len = to - from };
	return map_region(mm, &a, from, to - from, flags);
}

// Returns the break, new or old: brk(2) has no errors at this level.
long mm_brk(struct mm *mm, u64 brk)
{
	bool populate = false;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	u64 old = mm->brk, from = page_align(old), to = page_align(brk), limit = rlimit(RLIMIT_DATA);
	bool too_much = limit != ~0ull && brk - mm->start_brk + (mm->end_data - mm->start_data) > limit;
	if (brk >= mm->start_brk && !too_much && to >= brk) {
		int err = 0;
		if (to < from)
			err = vma_replace(mm, to, from, NULL);
		else if (to > from)
			err = brk_grow(mm, from, to);
		if (!err) {
			mm->brk = brk;
			populate = to > from && (mm->def_flags & VM_LOCKED);
		}
	}
	brk = mm->brk;
	mmap_write_unlock(mm);
	if (populate)
		(void)mm_populate(mm, from, to - from);
	return brk;
}

// ---- exec ----

// The stack: a VMA below top that grows down. Everything exec writes to it goes through mm_access().
int mm_setup_stack(struct mm *mm, u64 top, u64 size, bool executable)
{
	u64 flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_GROWSDOWN | VM_STACK | (executable ? VM_EXEC : 0) | mm->def_flags;
	struct mmap_args a = { .addr = top - size, .len = size, .flags = MAP_FIXED };
	mmap_write_lock(mm);
	int err = map_region(mm, &a, top - size, size, flags);
	if (!err)
		mm->start_stack = top;
	mmap_write_unlock(mm);
	return err;
}

static int special_fault(struct fault *f)
{
	// private: a null-terminated array of folios
	struct folio **pages = f->vma->private;
	for (u64 i = 0; i < f->pgoff; i++)
		if (!pages[i])
			return -ENODATA;
	if (!pages[f->pgoff])
		return -ENODATA;
	f->folio = pages[f->pgoff];
	folio_get(f->folio);
	return 0;
}

// A mapping of the kernel's own pages ([vdso], [vvar]). With ops null, private is a null-terminated array of folios.
int mm_install_special(struct mm *mm, u64 addr, u64 len, u64 vm_flags, const struct vm_ops *ops, void *private)
{
	static const struct vm_ops special_ops = { .fault = special_fault };
	mmap_write_lock(mm);
	struct vma *v = vma_alloc(mm);
	int err = -ENOMEM;
	if (v) {
		v->start = addr;
		v->end = addr + page_align(len);
		v->ops = ops ?: &special_ops;
		v->private = private;
		vma_set_flags(v, vm_flags | VM_SPECIAL_MAP | VM_DONTEXPAND | mm->def_flags);
		err = vma_replace(mm, v->start, v->end, v);
		if (err)
			vma_free(v);
		else
			vm_account(mm, v->flags, vma_pages(v));
	}
	mmap_write_unlock(mm);
	return err;
}
