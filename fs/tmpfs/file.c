// tmpfs regular files: fronts to shared memory objects.
#include "fs/tmpfs/tmpfs.h"
#include "fs/fs_internal.h"
#include "lib/errno.h"
#include "mm/vma.h"
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/stat.h>

static ssize_t tmpfs_read(struct kiocb *k, struct iov_iter *to)
{
	struct inode *inode = k->file->inode;
	ssize_t n = shmem_read_iter(&inode->data, READ_ONCE(inode->size), &k->pos, to);

	if (n > 0)
		inode_atime(k->file);
	return n;
}

static ssize_t write_locked(struct kiocb *k, struct iov_iter *from, struct inode *inode)
{
	ssize_t n = file_write_checks(k, from);

	if (n <= 0)
		return n;
	n = file_remove_privs(inode);
	if (n)
		return n;
	inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
	n = shmem_write_iter(&inode->data, k->pos, from);
	if (n > 0) {
		k->pos += n;
		if (k->pos > inode->size)
			WRITE_ONCE(inode->size, k->pos);
	}
	return n;
}

static ssize_t tmpfs_write(struct kiocb *k, struct iov_iter *from)
{
	struct inode *inode = k->file->inode;
	ssize_t n;

	down_write(&inode->rwsem);
	n = write_locked(k, from, inode);
	up_write(&inode->rwsem);
	return n;
}

static loff_t tmpfs_llseek(struct file *f, loff_t off, int whence)
{
	struct inode *inode = f->inode;
	loff_t pos;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_llseek(f, off, whence, inode->sb->maxbytes, READ_ONCE(inode->size));
	if (off < 0)
		return -ENXIO;
	down_read(&inode->rwsem);
	pos = shmem_seek(&inode->data, inode->size, off, whence);
	up_read(&inode->rwsem);
	return pos < 0 ? pos : generic_llseek(f, pos, SEEK_SET, inode->sb->maxbytes, inode->size);
}

static int tmpfs_mmap(struct file *f, struct vma *v)
{
	v->ops = &shmem_vm_ops;
	inode_atime(f);
	return 0;
}

static int tmpfs_alloc_range(struct inode *inode, int mode, loff_t off, loff_t len)
{
	struct folio *folio;
	int err = 0;

	if (!(mode & FALLOC_FL_KEEP_SIZE)) {
		err = inode_newsize_ok(inode, off + len);
		if (err)
			return err;
	}
	for (u64 i = off >> PAGE_SHIFT; i <= (u64)(off + len - 1) >> PAGE_SHIFT && !err; i++) {
		if (signal_pending(current))
			return -EINTR;
		err = shmem_get(&inode->data, i, true, &folio);
		if (!err)
			folio_put(folio);
	}
	if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && off + len > inode->size)
		WRITE_ONCE(inode->size, off + len);
	return err;
}

static int tmpfs_fallocate(struct file *f, int mode, loff_t off, loff_t len)
{
	struct inode *inode = f->inode;
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	down_write(&inode->rwsem);
	if (mode & FALLOC_FL_PUNCH_HOLE)
		err = shmem_punch(&inode->data, off, off + len - 1);
	else
		err = tmpfs_alloc_range(inode, mode, off, len);
	if (!err)
		inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
	up_write(&inode->rwsem);
	return err;
}

static int tmpfs_file_fsync(struct file *f, loff_t start, loff_t end, bool datasync)
{
	return 0;
}

int tmpfs_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *inode = d->inode;
	int err = setattr_prepare(d, a);

	if (err)
		return err;
	if (a->valid & ATTR_SIZE) {
		loff_t old = inode->size;

		WRITE_ONCE(inode->size, a->size);
		if (a->size < old)
			shmem_truncate(&inode->data, old, a->size);
	}
	setattr_copy(inode, a);
	return 0;
}

const struct file_ops tmpfs_file_ops = {
	.llseek = tmpfs_llseek, .read = tmpfs_read, .write = tmpfs_write, .mmap = tmpfs_mmap, .fsync = tmpfs_file_fsync, .fallocate = tmpfs_fallocate,
};
