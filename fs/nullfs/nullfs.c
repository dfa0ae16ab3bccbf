// nullfs: an empty, immutable directory. It is the root of every mount namespace, so that the mutable root on it is a mount like any other.
// Facts: Linux 7.0's fs/nullfs; it is not registered: absent from /proc/filesystems, and not for mount(2).
#include "fs/fs_internal.h"
#include "lib/errno.h"
#include "task/cred.h"
#include <linux/stat.h>

#define NULL_FS_MAGIC 0x4E554C4C

static int null_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	d_add(d, NULL);
	return 0;
}

static int null_setattr(struct dentry *d, struct iattr *a)
{
	return -EPERM;
}

static const struct inode_ops null_inode_ops = { .lookup = null_lookup, .setattr = null_setattr };

static loff_t null_llseek(struct file *f, loff_t off, int whence)
{
	return generic_llseek(f, off, whence, 2, 2);
}

static ssize_t null_read(struct kiocb *k, struct iov_iter *to)
{
	return -EISDIR;
}

static int null_iterate(struct file *f, struct dir_context *c)
{
	if (c->pos == 0 && c->emit(c, ".", 1, 0, 1, 4))
		c->pos = 1;
	if (c->pos == 1 && c->emit(c, "..", 2, 1, 1, 4))
		c->pos = 2;
	return 0;
}

static int null_fsync(struct file *f, loff_t start, loff_t end, bool datasync)
{
	return 0;
}

static const struct file_ops null_dir_ops = { .llseek = null_llseek, .read = null_read, .iterate = null_iterate, .fsync = null_fsync };
static const struct super_ops null_super_ops = { .statfs = simple_statfs };

static int null_fill(struct super_block *sb, const char *options)
{
	struct inode *inode;
	int err;

	sb->ops = &null_super_ops;
	sb->magic = NULL_FS_MAGIC;
	sb->flags |= SB_NOUSER | SB_NOEXEC | SB_NODEV;
	err = inode_alloc(sb, &inode);
	if (err)
		return err;
	inode->mode = S_IFDIR | 0555;
	inode->nlink = 2;
	inode->flags = S_IMMUTABLE | S_NOATIME;
	inode->opflags |= IOP_IS_DIR;
	inode->ops = &null_inode_ops;
	inode->fops = &null_dir_ops;
	return d_make_root(inode, &sb->root);
}

static int null_mount(const struct fs_type *t, u32 flags, const char *source, const char *options, struct dentry **out)
{
	return mount_single(t, flags, options, null_fill, out);
}

static struct fs_type null_fs = { .name = "nullfs", .flags = FS_NODEV | FS_INTERNAL, .mount = null_mount, .kill = kill_litter_super };

struct fs_type *fs_nullfs(void)
{
	return &null_fs;
}
