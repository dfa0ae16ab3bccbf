// devtmpfs: a tmpfs, one for all mounts, in which the kernel makes the nodes of its devices.
//
// The registry of nodes is fs/chrdev.c's: devices register before the file system is first mounted, and from then on it tells us of changes. As on Linux
// a program may remove or replace any node; the kernel takes away only a device node, never what a program put in its place.
// Lock order: the registry's mutex > inode.rwsem.
#include "dev/dev.h"
#include "fs/chrdev.h"
#include "fs/path.h"
#include "fs/tmpfs/tmpfs.h"
#include "kern/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <linux/fs.h>
#include <linux/stat.h>

static struct super_block *devtmpfs_sb;		// SET_ONCE before the sink is set; holds an active reference for ever

// The entry `name` of dir, which is locked: counted, negative if it does not exist.
static int devtmpfs_child(struct dentry *dir, const char *name, size_t len, struct dentry **out)
{
	struct qstr q;

	qstr_init(&q, dir, name, len);
	*out = d_lookup(dir, &q);
	if (*out)
		return 0;
	int err = d_alloc(dir, &q, out);
	if (err)
		return err;
	err = dir->inode->ops->lookup(dir->inode, *out, 0);
	if (err)
		dput(*out);
	return err;
}

// One step down. Gives back the reference on dir, also on failure.
static int devtmpfs_enter(struct dentry *dir, const char *name, size_t len, bool make, struct dentry **out)
{
	struct dentry *d;

	down_write(&dir->inode->rwsem);
	int err = devtmpfs_child(dir, name, len, &d);
	if (!err && !d->inode)
		err = make ? dir->inode->ops->mkdir(dir->inode, d, 0755) : -ENOENT;
	else if (!err && !d_is_dir(d))
		err = -ENOTDIR;
	up_write(&dir->inode->rwsem);
	dput(dir);
	*out = d;
	return err;
}

// The directory of path, counted; *last is the final component. Directories on the way are made as needed.
static int devtmpfs_parent(const char *path, bool make, struct dentry **out, const char **last)
{
	struct dentry *dir = devtmpfs_sb->root;
	const char *slash;

	dget(dir);
	for (; (slash = strchr(path, '/')); path = slash + 1) {
		int err = devtmpfs_enter(dir, path, (size_t)(slash - path), make, &dir);
		if (err)
			return err;
	}
	*last = path;
	*out = dir;
	return 0;
}

static int make_node(struct dentry *dir, const char *name, umode_t mode, dev_t dev)
{
	struct dentry *d;
	int err = devtmpfs_child(dir, name, strlen(name), &d);

	if (err)
		return err;
	err = d->inode ? -EEXIST : dir->inode->ops->mknod(dir->inode, d, mode, dev);
	if (!err) {	// root's, whoever caused the registration, and whatever his umask
		d->inode->uid = KUIDT_INIT(0);
		d->inode->gid = KGIDT_INIT(0);
		d->inode->mode = mode;
	}
	dput(d);
	return err;
}

static void devtmpfs_add(const char *name, umode_t mode, dev_t dev)
{
	struct dentry *dir;
	const char *last;
	int err = devtmpfs_parent(name, true, &dir, &last);

	if (!err) {
		down_write(&dir->inode->rwsem);
		err = make_node(dir, last, mode, dev);
		up_write(&dir->inode->rwsem);
		dput(dir);
	}
	if (err)
		pr_warn("devtmpfs: %s: error %d\n", name, err);
}

static void devtmpfs_remove(const char *name)
{
	struct dentry *dir, *d;
	const char *last;

	if (devtmpfs_parent(name, false, &dir, &last))
		return;
	down_write(&dir->inode->rwsem);
	if (!devtmpfs_child(dir, last, strlen(last), &d)) {
		if (d->inode && (S_ISCHR(d->inode->mode) || S_ISBLK(d->inode->mode)) && !dir->inode->ops->unlink(dir->inode, d))
			d_delete(d);
		dput(d);
	}
	up_write(&dir->inode->rwsem);
	dput(dir);
}

static const struct devnode_sink devtmpfs_sink = { .add = devtmpfs_add, .remove = devtmpfs_remove };

static int devtmpfs_fill(struct super_block *sb, const char *options)
{
	int err = tmpfs_fill(sb, options);

	if (err)
		return err;
	tmpfs_sb(sb)->mode = 0755;
	sb->root->inode->mode = S_IFDIR | 0755;
	return 0;
}

DEFINE_LOCK_CLASS(devtmpfs_mutex_class, LOCK_TASK);
static struct mutex devtmpfs_mutex = MUTEX_INIT(devtmpfs_mutex, &devtmpfs_mutex_class);	// the first mount happens once

static int devtmpfs_mount(const struct fs_type *t, u32 sb_flags, const char *source, const char *options, struct dentry **out)
{
	mutex_lock(&devtmpfs_mutex);
	// As on Linux, options of later mounts are ignored: there is one instance.
	int err = mount_single(t, sb_flags, options, devtmpfs_fill, out);
	if (!err && !devtmpfs_sb) {
		devtmpfs_sb = (*out)->sb;
		atomic_inc(&devtmpfs_sb->active);
		devnode_set_sink(&devtmpfs_sink);
	}
	mutex_unlock(&devtmpfs_mutex);
	return err;
}

static struct fs_type devtmpfs_type = { .name = "devtmpfs", .flags = FS_NODEV, .mount = devtmpfs_mount, .kill = kill_litter_super };

int devtmpfs_init(void)
{
	return fs_register(&devtmpfs_type);
}
