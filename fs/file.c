// Open files: life, reading and writing.
#include "fs/file.h"
#include "fs/fs_internal.h"
#include "kern/panic.h"
#include "kern/percpu_alloc.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "task/cred.h"
#include "task/signal.h"
#include "task/workqueue.h"
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/resource.h>
#include <linux/stat.h>

DEFINE_LOCK_CLASS(file_pos_class, LOCK_TASK);
DEFINE_LOCK_CLASS(file_lock_class, LOCK_TASK);

static struct kmem_cache *file_cache RO_AFTER_INIT;

// Open files are counted per CPU; the sum is taken when a CPU's share grew by FILE_BATCH.
#define FILE_BATCH 32
STATIC_PER_CPU(s64, cpu_files);
static u64 max_files = 8192;

u64 file_nr_open(void)
{
	s64 n = 0;

	for_each_possible_cpu(cpu)
		n += READ_ONCE(per_cpu(cpu_files, cpu));
	return n < 0 ? 0 : n;
}

u64 file_max(void)
{
	return READ_ONCE(max_files);
}

static void file_construct(void *obj)
{
	struct file *f = obj;

	memset(f, 0, sizeof(*f));
	mutex_init(&f->pos_lock, &file_pos_class);
	spin_init(&f->lock, &file_lock_class);
}

int file_alloc(u32 flags, const struct cred *cred, struct file **out) NO_LOCK_ANALYSIS	// not published yet
{
	s64 n = this_cpu_add_return(cpu_files, 1);
	struct file *f;

	if (unlikely(n % FILE_BATCH == 0) && file_nr_open() > max_files && !capable(CAP_SYS_ADMIN)) {
		this_cpu_dec(cpu_files);
		return -ENFILE;
	}
	f = kmem_cache_alloc(file_cache, GFP_KERNEL);
	if (!f) {
		this_cpu_dec(cpu_files);
		return -ENOMEM;
	}
	// pos_lock and lock stay as constructed; the count goes from 0 to 1 last: lookups of a stale pointer look at nothing else.
	f->mode = (flags + 1) & O_ACCMODE;
	f->ops = NULL;
	f->inode = NULL;
	f->mapping = NULL;
	f->flags = flags;
	f->pos = 0;
	f->path = (struct path){ 0 };
	cred_get(cred);
	f->cred = cred;
	f->private = NULL;
	f->owner.pid = NULL;
	f->owner.signum = 0;
	f->version = 0;
	f->ra.start = f->ra.prev = f->ra.size = 0;
	f->ep_links.first = NULL;
	atomic_set_release(&f->ref.n, 1);
	*out = f;
	return 0;
}

static void file_free(struct file *f)
{
	cred_put(f->cred);
	this_cpu_dec(cpu_files);
	kmem_cache_free(file_cache, f);
}

void file_free_unopened(struct file *f)
{
	atomic_set(&f->ref.n, 0);
	file_free(f);
}

static void file_release(struct file *f) NO_LOCK_ANALYSIS	// the last reference
{
	struct inode *inode = f->inode;

	might_sleep();
	if (likely(f->mode & FMODE_OPENED)) {
		if (f->ops->release)
			f->ops->release(inode, f);
		if (f->mode & FMODE_WRITER) {
			inode_put_write_access(inode);
			mnt_drop_write(f->path.mnt);
		}
		if (unlikely(f->owner.pid))
			pid_put(f->owner.pid);
	}
	if (f->path.dentry)
		path_put(&f->path);
	file_free(f);
}

static struct llist_head orphan_files;

static void release_orphans(struct work *w)
{
	struct llist_node *list = llist_del_all(&orphan_files), *p, *t;

	llist_for_each_safe(p, t, list)
		file_release(CONTAINER_OF(p, struct file, put_list));
}

static struct work orphan_work = WORK_INIT(orphan_work, release_orphans);

static void put_work_run(struct task_work *w)
{
	file_release(CONTAINER_OF(w, struct file, put_work));
}

static NOINLINE void file_put_last(struct file *f)
{
	if (in_task() && !(current->flags & PF_KTHREAD)) {
		f->put_work.fn = put_work_run;
		if (task_work_add(current, &f->put_work, true) == 0)
			return;
	}
	if (llist_add(&f->put_list, &orphan_files))
		queue_work(system_wq, &orphan_work);
}

void file_put(struct file *f)
{
	if (unlikely(ref_put(&f->ref)))
		file_put_last(f);
}

void fput_sync(struct file *f)
{
	if (ref_put(&f->ref))
		file_release(f);
}

// ---- opening --------------------------------------------------------------------------------------------------------

static ssize_t path_only_rw(struct kiocb *k, struct iov_iter *i)
{
	return -EBADF;
}
static const struct file_ops path_only_ops = { .read = path_only_rw, .write = path_only_rw };

static int open_writer(struct file *f, struct inode *inode)
{
	int err = inode_get_write_access(inode);

	if (err)
		return err;
	err = mnt_want_write(f->path.mnt);
	if (err) {
		inode_put_write_access(inode);
		return err;
	}
	f->mode |= FMODE_WRITER;
	return 0;
}

int file_open_path(struct file *f, struct inode *inode)
{
	int err;

	f->inode = inode;
	f->mapping = inode->mapping;
	if (unlikely(f->flags & O_PATH)) {
		f->mode = FMODE_PATH | FMODE_OPENED;
		f->ops = &path_only_ops;
		return 0;
	}
	if ((f->mode & FMODE_WRITE) && (S_ISREG(inode->mode) || S_ISDIR(inode->mode))) {
		err = open_writer(f, inode);
		if (err)
			return err;
	}
	if (S_ISREG(inode->mode) || S_ISDIR(inode->mode))
		f->mode |= FMODE_ATOMIC_POS;
	f->mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	f->ops = inode->fops;
	err = f->ops ? 0 : -ENXIO;
	if (!err && f->ops->open)
		err = f->ops->open(inode, f);
	if (err)
		goto undo;
	f->mode |= FMODE_OPENED;
	if ((f->mode & FMODE_READ) && f->ops->read)
		f->mode |= FMODE_CAN_READ;
	if ((f->mode & FMODE_WRITE) && f->ops->write)
		f->mode |= FMODE_CAN_WRITE;
	if (!f->ops->llseek)
		f->mode &= ~FMODE_LSEEK;
	if (f->ops->stream)
		f->mode = (f->mode & ~(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_ATOMIC_POS)) | FMODE_STREAM;
	f->flags &= ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
	return 0;
undo:
	if (f->mode & FMODE_WRITER) {
		f->mode &= ~FMODE_WRITER;
		inode_put_write_access(inode);
		mnt_drop_write(f->path.mnt);
	}
	return err;
}

int file_sync_range(struct file *f, loff_t start, loff_t end)
{
	return f->ops->fsync ? f->ops->fsync(f, start, end, true) : -EINVAL;
}

int dentry_open(const struct path *p, u32 flags, const struct cred *cred, struct file **out)
{
	struct file *f;
	int err = file_alloc(flags & ~FMODE_EXEC, cred, &f);

	if (err)
		return err;
	f->path = *p;
	path_get(&f->path);
	err = file_open_path(f, p->dentry->inode);
	if (err) {
		path_put(&f->path);
		file_free_unopened(f);
		return err;
	}
	*out = f;
	return 0;
}

int file_pseudo(struct mount *m, struct dentry *d, u32 flags, const struct file_ops *ops, struct file **out)
{
	struct file *f;
	int err = file_alloc(flags, current_cred(), &f);

	if (err)
		return err;
	mnt_get(m);
	f->path = (struct path){ m, d };
	f->inode = d->inode;
	f->mapping = d->inode->mapping;
	f->ops = ops;
	f->mode |= FMODE_OPENED | (ops->read && (f->mode & FMODE_READ) ? FMODE_CAN_READ : 0) |
		   (ops->write && (f->mode & FMODE_WRITE) ? FMODE_CAN_WRITE : 0);
	if (ops->stream)
		f->mode |= FMODE_STREAM;
	else
		f->mode |= FMODE_PREAD | FMODE_PWRITE | (ops->llseek ? FMODE_LSEEK : 0);
	*out = f;
	return 0;
}

int file_open(const char *kernel_path, u32 flags, umode_t mode, struct file **out)
{
	struct open_how_k how = { .flags = flags | O_LARGEFILE, .mode = flags & (O_CREAT | O_TMPFILE) ? mode : 0 };
	struct filename *name;
	int err = getname_kernel(kernel_path, &name);

	if (err)
		return err;
	err = path_open(AT_FDCWD, name, &how, out);
	putname(name);
	return err;
}

// ---- reading and writing --------------------------------------------------------------------------------------------

ssize_t file_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct kiocb k = { .file = f, .pos = *pos };
	ssize_t n;

	if (unlikely(!(f->mode & FMODE_CAN_READ)))
		return f->mode & FMODE_READ ? -EINVAL : -EBADF;
	n = f->ops->read(&k, to);
	*pos = k.pos;
	return n;
}

ssize_t file_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct kiocb k = { .file = f, .pos = *pos, .flags = READ_ONCE(f->flags) & O_APPEND ? IOCB_APPEND : 0 };
	ssize_t n;

	if (unlikely(!(f->mode & FMODE_CAN_WRITE)))
		return f->mode & FMODE_WRITE ? -EINVAL : -EBADF;
	n = f->ops->write(&k, from);
	*pos = k.pos;
	return n;
}

ssize_t file_rw_flags(struct file *f, struct iov_iter *i, loff_t *pos, u32 flags)
{
	struct kiocb k = { .file = f, .pos = *pos, .flags = flags };
	ssize_t n;

	if (i->source && (READ_ONCE(f->flags) & O_APPEND))
		k.flags |= IOCB_APPEND;
	n = i->source ? f->ops->write(&k, i) : f->ops->read(&k, i);
	*pos = k.pos;
	return n;
}

ssize_t file_write_checks(struct kiocb *k, struct iov_iter *from)
{
	struct inode *inode = k->file->inode;
	u64 limit, max = inode->sb->maxbytes;

	if (!from->count)
		return 0;
	if (k->flags & IOCB_APPEND)
		k->pos = inode->size;
	limit = rlimit(RLIMIT_FSIZE);
	if (unlikely(limit < max)) {
		if ((u64)k->pos >= limit) {
			send_signal(current, 25 /* SIGXFSZ */, SEND_SIG_PRIV, PIDTYPE_PID);
			return -EFBIG;
		}
		max = limit;
	}
	if (unlikely((u64)k->pos >= max))
		return -EFBIG;
	if (unlikely(from->count > max - k->pos))
		from->count = max - k->pos;
	return from->count;
}

ssize_t kernel_read(struct file *f, void *buf, size_t n, loff_t *pos)
{
	struct kvec v = { .base = buf, .len = MIN(n, MAX_RW_COUNT) };
	struct iov_iter i;

	if (*pos < 0)
		return -EINVAL;
	iov_iter_kvec(&i, false, &v, 1, v.len);
	return file_read(f, &i, pos);
}

ssize_t kernel_write(struct file *f, const void *buf, size_t n, loff_t *pos)
{
	struct kvec v = { .base = (void *)(uintptr_t)buf, .len = MIN(n, MAX_RW_COUNT) };
	struct iov_iter i;

	iov_iter_kvec(&i, true, &v, 1, v.len);
	return file_write(f, &i, pos);
}

loff_t no_llseek(struct file *f, loff_t off, int whence)
{
	return f->pos;
}

loff_t generic_llseek(struct file *f, loff_t off, int whence, loff_t max, loff_t eof)
{
	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		if (!off)
			return f->pos;
		if (__builtin_add_overflow(f->pos, off, &off))
			return -EINVAL;
		break;
	case SEEK_END:
		if (__builtin_add_overflow(eof, off, &off))
			return -EINVAL;
		break;
	case SEEK_DATA:
		if ((u64)off >= (u64)eof)
			return -ENXIO;
		break;
	case SEEK_HOLE:
		if ((u64)off >= (u64)eof)
			return -ENXIO;
		off = eof;
		break;
	default:
		return -EINVAL;
	}
	if (off < 0 || off > max)
		return -EINVAL;
	f->pos = off;
	f->version = 0;
	return off;
}

loff_t file_llseek(struct file *f, loff_t off, int whence)
{
	return f->mode & FMODE_LSEEK ? f->ops->llseek(f, off, whence) : -ESPIPE;
}

u32 file_poll(struct file *f, struct poll_table *t)
{
	if (unlikely(!f->ops->poll))
		return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	return f->ops->poll(f, t);
}

// ---- for mm/ --------------------------------------------------------------------------------------------------------

void file_get_ref(struct file *f)
{
	ref_get(&f->ref);
}

void file_put_ref(struct file *f)
{
	file_put(f);
}

loff_t file_size(struct file *f)
{
	return READ_ONCE(f->inode->size);
}

struct mapping *file_mapping(struct file *f)
{
	return f->mapping;
}

bool file_allows_exec(struct file *f)
{
	return !(READ_ONCE(f->path.mnt->flags) & MNT_NOEXEC) && !(READ_ONCE(f->inode->sb->flags) & SB_NOEXEC);
}

u32 file_mode_bits(struct file *f)
{
	return f->mode & (FMODE_READ | FMODE_WRITE);
}

int file_mmap(struct file *f, struct vma *v)
{
	return f->ops->mmap ? f->ops->mmap(f, v) : -ENODEV;
}

// A tenth of memory may be open files, at 1 KiB each.
INIT void file_cache_init(void)
{
	max_files = MAX(mem_total_pages() * 4 / 10, 8192ull);
	file_cache = kmem_cache_create("filp", sizeof(struct file), 64, SLAB_PANIC | SLAB_TYPESAFE_BY_RCU, file_construct);
}
