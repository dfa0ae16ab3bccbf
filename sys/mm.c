// Memory system calls. Bodies: mm/.
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "syscalls.h"
#include <asm/mman.h>
#include <linux/stat.h>

// mmap(2). ABI: the offset must be a multiple of the page size; the descriptor is looked at only without MAP_ANONYMOUS. [mmap.c]
long sys_mmap(u64 addr, u64 len, u64 prot, u64 flags, u64 fd, u64 off)
{
	struct mmap_args a = { .addr = addr, .len = len, .prot = (u32)prot, .flags = (u32)flags, .pgoff = off >> PAGE_SHIFT };
	struct fd f = { NULL, false };
	long ret;

	if (off & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		f = fd_get((u32)fd);
		if (!f.file)
			return -EBADF;
		a.file = f.file;
	}
	if (a.file && S_ISREG(a.file->inode->mode) && (len > S64_MAX || a.pgoff > (S64_MAX - len) >> PAGE_SHIFT))
		ret = -EOVERFLOW;	// a file ends before its size's sign
	else
		ret = mm_mmap(current->mm, &a);
	fd_put(f);
	return ret;
}

// munmap(2)
long sys_munmap(u64 addr, u64 len)
{
	return mm_munmap(current->mm, addr, len);
}

// mprotect(2)
long sys_mprotect(u64 addr, u64 len, u64 prot)
{
	return mm_mprotect(current->mm, addr, len, (u32)prot);
}

// mremap(2)
long sys_mremap(u64 addr, u64 old_len, u64 new_len, u64 flags, u64 new_addr)
{
	return mm_mremap(current->mm, addr, old_len, new_len, (u32)flags, new_addr);
}

// madvise(2)
long sys_madvise(u64 addr, size_t len, int advice)
{
	return mm_madvise(current->mm, addr, len, advice);
}

// brk(2): the new break, or the old one when it cannot be moved.
long sys_brk(u64 brk)
{
	return mm_brk(current->mm, brk);
}

// msync(2)
long sys_msync(u64 addr, size_t len, int flags)
{
	return mm_msync(current->mm, addr, len, flags);
}

// mincore(2)
long sys_mincore(u64 addr, size_t len, uptr vec)
{
	return mm_mincore(current->mm, addr, len, vec);
}

// mlock(2)
long sys_mlock(u64 addr, size_t len)
{
	return mm_mlock(current->mm, addr, len, 0);
}

// mlock2(2)
long sys_mlock2(u64 addr, size_t len, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return mm_mlock(current->mm, addr, len, (u32)flags);
}

// munlock(2)
long sys_munlock(u64 addr, size_t len)
{
	return mm_munlock(current->mm, addr, len);
}

// mlockall(2)
long sys_mlockall(int flags)
{
	return mm_mlockall(current->mm, flags);
}

// munlockall(2)
long sys_munlockall(void)
{
	return mm_munlockall(current->mm);
}
