// /proc/PID/maps, mem, environ, auxv, cmdline: the address space of a task.
#include "fs/proc/internal.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mm/mapping.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "task/cred.h"
#include <linux/fcntl.h>
#include <linux/fs.h>

// An address space that a file holds on to: not its pages (mm.users), only the struct, so that an open file does not keep a program's memory.
// access: PTRACE_MODE_*; 0: none needed. *out is null for kernel threads.
static int open_mm(struct inode *inode, u32 access, struct mm **out)
{
	struct task *t = proc_task(inode);
	int err = 0;

	*out = NULL;
	if (!t)
		return -ESRCH;
	struct mm *mm = task_mm_get(t);
	if (mm && access && mm != current->mm && !ptrace_may_access(t, access))
		err = -EACCES;
	if (mm && !err) {
		ref_get(&mm->ref);
		*out = mm;
	}
	if (mm)
		mm_users_put(mm);
	task_put(t);
	return err;
}

// ---- maps -------------------------------------------------------------------------------------------------------------
// The position is the address from which to go on: mappings that come and go between two reads do not shift it.

static void *maps_start(struct seq_file *m, loff_t *pos) NO_LOCK_ANALYSIS	// held from start to stop, or to the end
{
	struct mm *mm = m->private;

	if (*pos < 0 || !mm || !mm_users_get_unless_zero(mm))
		return NULL;
	if (down_read_killable(&mm->mmap_lock)) {
		mm_users_put(mm);
		return NULL;
	}
	struct vma *v = mm_find_vma(mm, (u64)*pos);
	if (!v) {
		up_read(&mm->mmap_lock);
		mm_users_put(mm);
	}
	return v;
}

static void *maps_next(struct seq_file *m, void *v, loff_t *pos) NO_LOCK_ANALYSIS	// held from start to stop, or to the end
{
	struct mm *mm = m->private;
	struct vma *vma = v;

	*pos = (loff_t)vma->end;
	struct vma *next = mm_next_vma(mm, vma);
	if (!next) {
		up_read(&mm->mmap_lock);
		mm_users_put(mm);
	}
	return next;
}

static void maps_stop(struct seq_file *m, void *v) NO_LOCK_ANALYSIS	// held from start to stop, or to the end
{
	struct mm *mm = m->private;

	if (!v)
		return;		// start or next found the end, and let go
	up_read(&mm->mmap_lock);
	mm_users_put(mm);
}

static const char *vma_name(const struct mm *mm, struct vma *v)
{
	const char *name = v->ops && v->ops->name ? v->ops->name(v) : NULL;

	if (name)
		return name;
	if (v->start < mm->brk && v->end > mm->start_brk)
		return "[heap]";
	if (v->start <= mm->start_stack && v->end >= mm->start_stack)
		return "[stack]";
	return NULL;
}

static void put_padded(struct seq_file *m, size_t from)
{
	// The name starts at column 73, as on Linux.
	for (size_t n = m->count - from; n < 73 && !seq_overflowed(m); n++)
		seq_putc(m, ' ');
}

static int maps_show(struct seq_file *m, void *v)
{
	struct mm *mm = m->private;
	struct vma *vma = v;
	struct inode *inode = vma->file ? vma->file->inode : vma->mapping ? vma->mapping->host : NULL;
	dev_t dev = inode ? inode->sb->dev : 0;
	size_t from = m->count;
	char line[100], *p = line;

	p += fmt_u64_hex_pad(p, vma->start, 8);
	*p++ = '-';
	p += fmt_u64_hex_pad(p, vma->end, 8);
	*p++ = ' ';
	*p++ = vma->flags & VM_READ ? 'r' : '-';
	*p++ = vma->flags & VM_WRITE ? 'w' : '-';
	*p++ = vma->flags & VM_EXEC ? 'x' : '-';
	*p++ = vma->flags & VM_MAYSHARE ? 's' : 'p';
	*p++ = ' ';
	p += fmt_u64_hex_pad(p, vma->file || vma->mapping ? vma->pgoff << PAGE_SHIFT : 0, 8);
	p += snprintf(p, 40, " %02x:%02x %llu ", dev >> 20, dev & 0xfffff, inode ? inode->ino : 0);
	seq_write(m, line, (size_t)(p - line));
	if (vma->file) {
		put_padded(m, from);
		seq_path(m, &vma->file->path, "\n");
	} else if (vma->mapping) {
		put_padded(m, from);
		seq_puts(m, "/dev/zero (deleted)");
	} else if (vma->anon_name) {
		put_padded(m, from);
		seq_printf(m, "[anon:%s]", vma->anon_name);
	} else {
		const char *name = vma_name(mm, vma);
		if (name) {
			put_padded(m, from);
			seq_puts(m, name);
		}
	}
	seq_putc(m, '\n');
	return 0;
}

static const struct seq_ops maps_ops = { .start = maps_start, .next = maps_next, .stop = maps_stop, .show = maps_show };

static int maps_open(struct inode *inode, struct file *f)
{
	struct mm *mm;
	int err = open_mm(inode, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS, &mm);

	if (err)
		return err;
	err = seq_open(f, &maps_ops, mm);
	if (err && mm)
		mm_put(mm);
	return err;
}

static void maps_release(struct inode *inode, struct file *f)
{
	struct seq_file *m = f->private;

	if (m->private)
		mm_put(m->private);
	seq_release(inode, f);
}

const struct file_ops proc_maps_fops = { .open = maps_open, .read = seq_read, .llseek = seq_lseek, .release = maps_release };

// ---- mem and environ: file.private is the mm ----------------------------------------------------------------------------

static void mm_file_release(struct inode *inode, struct file *f)
{
	if (f->private)
		mm_put(f->private);
}

// Moves up to n bytes between the iterator and addr. Returns what was moved, or -errno if nothing was.
static ssize_t move_memory(struct mm *mm, u64 addr, struct iov_iter *i, size_t n, u32 flags)
{
	char *page = kalloc(PAGE_SIZE, GFP_KERNEL | GFP_UNINIT);
	ssize_t done = 0, err = 0;

	if (!page)
		return -ENOMEM;
	while (n && !err) {
		size_t part = MIN(n, PAGE_SIZE);
		if (flags & MM_ACCESS_WRITE)
			part = copy_from_iter(page, part, i);
		ssize_t got = part ? mm_access(mm, addr, page, part, flags) : -EFAULT;
		if (got <= 0) {
			err = got == -EFAULT || !got ? -EIO : got;
			if (!part)
				err = -EFAULT;
			break;
		}
		if (!(flags & MM_ACCESS_WRITE) && copy_to_iter(page, (size_t)got, i) != (size_t)got) {
			err = -EFAULT;
			break;
		}
		addr += (u64)got;
		n -= (size_t)got;
		done += got;
		if ((size_t)got < part)
			break;
	}
	kfree(page);
	return done ?: err;
}

static ssize_t mem_rw(struct kiocb *k, struct iov_iter *i, u32 flags)
{
	struct mm *mm = k->file->private;

	if (!mm || !iov_iter_count(i))
		return 0;
	if (!mm_users_get_unless_zero(mm))
		return 0;
	ssize_t n = move_memory(mm, (u64)k->pos, i, iov_iter_count(i), flags | MM_ACCESS_FORCE);
	mm_users_put(mm);
	if (n > 0)
		k->pos += n;
	return n;
}

static ssize_t mem_read(struct kiocb *k, struct iov_iter *to)
{
	return mem_rw(k, to, 0);
}

static ssize_t mem_write(struct kiocb *k, struct iov_iter *from)
{
	return mem_rw(k, from, MM_ACCESS_WRITE);
}

static loff_t mem_llseek(struct file *f, loff_t off, int whence)
{
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	f->pos = whence == SEEK_SET ? off : f->pos + off;	// addresses: any value, negative ones too
	return f->pos;
}

static int mem_open(struct inode *inode, struct file *f)
{
	struct mm *mm;
	int err = open_mm(inode, PTRACE_MODE_ATTACH | PTRACE_MODE_FSCREDS, &mm);

	f->private = mm;
	return err;
}

const struct file_ops proc_mem_fops = { .open = mem_open, .release = mm_file_release, .read = mem_read, .write = mem_write, .llseek = mem_llseek };

static int environ_open(struct inode *inode, struct file *f)
{
	struct mm *mm;
	int err = open_mm(inode, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS, &mm);

	f->private = mm;
	return err;
}

// Reads [start, end) of the program's memory as a file.
static ssize_t read_range(struct kiocb *k, struct mm *mm, u64 start, u64 end, struct iov_iter *to)
{
	if (k->pos < 0 || start >= end || (u64)k->pos >= end - start)
		return 0;
	size_t n = MIN(iov_iter_count(to), (size_t)(end - start - (u64)k->pos));
	ssize_t got = n ? move_memory(mm, start + (u64)k->pos, to, n, MM_ACCESS_FORCE) : 0;
	if (got > 0)
		k->pos += got;
	return got;
}

static ssize_t environ_read(struct kiocb *k, struct iov_iter *to)
{
	struct mm *mm = k->file->private;

	if (!mm || !READ_ONCE(mm->env_end) || !mm_users_get_unless_zero(mm))
		return 0;
	ssize_t n = read_range(k, mm, READ_ONCE(mm->env_start), READ_ONCE(mm->env_end), to);
	mm_users_put(mm);
	return n;
}

const struct file_ops proc_environ_fops = { .open = environ_open, .release = mm_file_release, .read = environ_read, .llseek = mem_llseek };

// ---- auxv -------------------------------------------------------------------------------------------------------------

static ssize_t auxv_read(struct kiocb *k, struct iov_iter *to)
{
	struct mm *mm = k->file->private;
	size_t n = 0;

	if (!mm || k->pos < 0)
		return 0;
	do
		n += 2;		// the terminator, AT_NULL, counts
	while (mm->saved_auxv[n - 2] && n < ARRAY_SIZE(mm->saved_auxv));
	size_t bytes = n * sizeof(u64);
	if ((size_t)k->pos >= bytes)
		return 0;
	size_t want = MIN(bytes - (size_t)k->pos, iov_iter_count(to));
	size_t put = copy_to_iter((const char *)mm->saved_auxv + k->pos, want, to);
	if (!put && want)
		return -EFAULT;
	k->pos += (loff_t)put;
	return (ssize_t)put;
}

const struct file_ops proc_auxv_fops = { .open = environ_open, .release = mm_file_release, .read = auxv_read, .llseek = mem_llseek };

// ---- cmdline ----------------------------------------------------------------------------------------------------------

static int cmdline_open(struct inode *inode, struct file *f)
{
	struct mm *mm;
	int err = open_mm(inode, 0, &mm);

	f->private = mm;
	return err;
}

// A program that writes over its arguments (setproctitle) may run on into the environment: if the last byte of the arguments is not NUL, the title
// ends at the first NUL, wherever that is.
static u64 title_end(struct mm *mm, u64 arg_start, u64 arg_end, u64 env_end)
{
	char c = 0;
	u64 at = arg_end;

	if (mm_access(mm, arg_end - 1, &c, 1, MM_ACCESS_FORCE) != 1 || !c || env_end <= arg_end)
		return arg_end;
	env_end = MIN(env_end, arg_start + PAGE_SIZE);
	for (char buf[64]; at < env_end;) {
		ssize_t n = mm_access(mm, at, buf, MIN(sizeof(buf), (size_t)(env_end - at)), MM_ACCESS_FORCE);
		if (n <= 0)
			break;
		const char *nul = memchr(buf, 0, (size_t)n);
		if (nul)
			return at + (u64)(nul - buf) + 1;
		at += (u64)n;
	}
	return at;
}

static ssize_t cmdline_read(struct kiocb *k, struct iov_iter *to)
{
	struct mm *mm = k->file->private;
	ssize_t n = 0;

	if (!mm || !mm_users_get_unless_zero(mm))
		return 0;
	u64 start = READ_ONCE(mm->arg_start), end = READ_ONCE(mm->arg_end), env_start = READ_ONCE(mm->env_start), env_end = READ_ONCE(mm->env_end);
	if (start < end) {
		if (env_start == end)
			end = title_end(mm, start, end, env_end);
		n = read_range(k, mm, start, end, to);
	}
	mm_users_put(mm);
	return n;
}

const struct file_ops proc_cmdline_fops = { .open = cmdline_open, .release = mm_file_release, .read = cmdline_read, .llseek = mem_llseek };
