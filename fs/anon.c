// Files that are in no tree: eventfd and its like share one inode; each has a dentry with its name.
#include "fs/fs_internal.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "task/cred.h"

static struct mount *anon_mnt RO_AFTER_INIT;
static struct inode *anon_inode RO_AFTER_INIT;

static char *anon_dname(struct dentry *d, char *buf, size_t n)
{
	return dynamic_dname(buf, n, "anon_inode:%s", d->name.name);
}

static const struct dentry_ops anon_dentry_ops = { .dname = anon_dname };
static const struct super_ops anon_super_ops = { .statfs = simple_statfs };
static const struct inode_ops anon_inode_ops = { 0 };

int pseudo_fill(struct super_block *sb, const struct dentry_ops *d_ops, const struct super_ops *ops, u64 magic)
{
	struct inode *inode;
	int err;

	sb->ops = ops;
	sb->magic = magic;
	atomic64_set(&sb->next_ino, -1);	// per-CPU numbers
	err = inode_alloc(sb, &inode);
	if (err)
		return err;
	inode->mode = 040000 | 0600;
	inode->ops = &anon_inode_ops;
	err = d_make_root(inode, &sb->root);
	sb->d_ops = d_ops;
	return err;
}

static int anon_fill(struct super_block *sb, const char *options)
{
	return pseudo_fill(sb, &anon_dentry_ops, &anon_super_ops, 0x09041934);
}

static int anon_mount(const struct fs_type *t, u32 flags, const char *source, const char *options, struct dentry **out)
{
	return mount_nodev(t, flags, options, anon_fill, out);
}

static struct fs_type anon_fs = { .name = "anon_inodefs", .flags = FS_NODEV | FS_INTERNAL, .mount = anon_mount, .kill = kill_litter_super };

int file_anon(const char *name, const struct file_ops *ops, void *private, u32 flags, struct file **out)
{
	struct dentry *d;
	int err = d_alloc_pseudo(anon_mnt->sb, name, &d);

	if (err)
		return err;
	iget(anon_inode);
	d_instantiate(d, anon_inode);
	err = file_pseudo(anon_mnt, d, flags, ops, out);
	if (err) {
		dput(d);
		return err;
	}
	(*out)->private = private;
	return 0;
}

INIT void anon_init(void)
{
	int err = kern_mount(&anon_fs, &anon_mnt);

	if (!err)
		err = inode_alloc(anon_mnt->sb, &anon_inode);
	ASSERT(!err);
	anon_inode->mode = 0600;
	anon_inode->ops = &anon_inode_ops;
}
