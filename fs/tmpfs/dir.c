// tmpfs directories. The directory's rwsem is held for write (readdir: read) by the caller.
#include "fs/tmpfs/tmpfs.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "task/cred.h"
#include <linux/fs.h>
#include <linux/stat.h>
#include <linux/xattr.h>

// ---- the entries ----------------------------------------------------------------------------------------------------

static void dir_insert(struct inode *dir, struct dentry *d)
{
	struct tmpfs_inode *ti = tmpfs_i(dir);
	struct rb_node *last = ti->last;

	d->dir_cookie = ti->next_cookie++;
	rb_link_node(&d->dir_node, last, last ? &last->rb_right : &ti->entries.rb_node);
	rb_insert_color(&d->dir_node, &ti->entries);
	ti->last = &d->dir_node;
	dir->size += TMPFS_DIRENT;
}

static void dir_remove(struct inode *dir, struct dentry *d)
{
	struct tmpfs_inode *ti = tmpfs_i(dir);

	if (ti->last == &d->dir_node)
		ti->last = rb_prev(&d->dir_node);
	rb_erase(&d->dir_node, &ti->entries);
	dir->size -= TMPFS_DIRENT;
}

static bool dir_empty(const struct inode *dir)
{
	return RB_EMPTY_ROOT(&tmpfs_i(dir)->entries);
}

static struct rb_node *dir_first_from(const struct inode *dir, u64 cookie)
{
	struct rb_node *n = tmpfs_i(dir)->entries.rb_node, *best = NULL;

	while (n) {
		struct dentry *d = rb_entry(n, struct dentry, dir_node);

		if (d->dir_cookie >= cookie) {
			best = n;
			n = n->rb_left;
		} else {
			n = n->rb_right;
		}
	}
	return best;
}

// d becomes the name of inode in dir.
static void dir_link(struct inode *dir, struct dentry *d, struct inode *inode)
{
	d_instantiate_pinned(d, inode);
	dir_insert(dir, d);
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	dir->version++;
}

static void dir_unlink(struct inode *dir, struct dentry *d)
{
	dir_remove(dir, d);
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	dir->version++;
	d->inode->ctime = dir->ctime;
	d_unpin(d);
}

// ---- operations -----------------------------------------------------------------------------------------------------

// All names that exist are in the cache: what is asked for does not.
static int tmpfs_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	d_add(d, NULL);
	return 0;
}

static int tmpfs_mknod(struct inode *dir, struct dentry *d, umode_t mode, dev_t rdev)
{
	struct inode *inode;
	int err = tmpfs_new_inode(dir->sb, dir, mode, rdev, &inode);

	if (err)
		return err;
	dir_link(dir, d, inode);
	return 0;
}

static int tmpfs_create(struct inode *dir, struct dentry *d, umode_t mode, bool excl)
{
	return tmpfs_mknod(dir, d, mode, 0);
}

static int tmpfs_mkdir(struct inode *dir, struct dentry *d, umode_t mode)
{
	int err = tmpfs_mknod(dir, d, mode, 0);

	if (!err)
		inc_nlink(dir);
	return err;
}

static int tmpfs_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	struct inode *inode;
	char *copy = kstrdup(target, GFP_KERNEL);
	int err;

	if (!copy)
		return -ENOMEM;
	err = tmpfs_new_inode(dir->sb, dir, S_IFLNK | 0777, 0, &inode);
	if (err) {
		kfree(copy);
		return err;
	}
	inode->link = copy;
	inode->size = strlen(copy);
	inode->opflags |= IOP_LINK_CACHED;
	dir_link(dir, d, inode);
	return 0;
}

static int tmpfs_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *inode = old->inode;
	int err = inode->nlink ? tmpfs_charge_inode(tmpfs_sb(dir->sb)) : 0;	// O_TMPFILE's first name is free

	if (err)
		return err;
	iget(inode);
	inc_nlink(inode);
	dir_link(dir, d, inode);
	inode->ctime = dir->ctime;
	return 0;
}

// A name has gone: tmpfs_link() has counted all but one.
static void tmpfs_drop_name(struct inode *inode)
{
	if (!S_ISDIR(inode->mode) && inode->nlink > 1)
		tmpfs_uncharge_inode(tmpfs_sb(inode->sb));
	drop_nlink(inode);
}

static int tmpfs_unlink(struct inode *dir, struct dentry *d)
{
	dir_unlink(dir, d);
	tmpfs_drop_name(d->inode);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *d)
{
	if (!dir_empty(d->inode))
		return -ENOTEMPTY;
	dir_unlink(dir, d);
	drop_nlink(d->inode);
	drop_nlink(d->inode);
	drop_nlink(dir);
	return 0;
}

static int tmpfs_exchange(struct inode *odir, struct dentry *od, struct inode *ndir, struct dentry *nd)
{
	bool a = S_ISDIR(od->inode->mode), b = S_ISDIR(nd->inode->mode);

	dir_remove(odir, od);
	dir_remove(ndir, nd);
	dir_insert(odir, nd);
	dir_insert(ndir, od);
	if (odir != ndir && a != b) {
		drop_nlink(a ? odir : ndir);
		inc_nlink(a ? ndir : odir);
	}
	return 0;
}

static int tmpfs_rename(struct inode *odir, struct dentry *od, struct inode *ndir, struct dentry *nd, u32 flags)
{
	struct inode *inode = od->inode, *target = nd->inode;
	bool isdir = S_ISDIR(inode->mode);

	if (flags & RENAME_EXCHANGE) {
		(void)tmpfs_exchange(odir, od, ndir, nd);
	} else {
		if (target && S_ISDIR(target->mode) && !dir_empty(target))
			return -ENOTEMPTY;
		if (target) {
			dir_unlink(ndir, nd);
			tmpfs_drop_name(target);
			if (isdir) {
				drop_nlink(target);
				drop_nlink(ndir);
			}
		}
		dir_remove(odir, od);
		dir_insert(ndir, od);
		if (isdir) {
			drop_nlink(odir);
			inc_nlink(ndir);
		}
	}
	inode_touch(odir, ATTR_MTIME | ATTR_CTIME);
	ndir->mtime = ndir->ctime = inode->ctime = odir->ctime;
	if (flags & RENAME_EXCHANGE)
		target->ctime = odir->ctime;
	return 0;
}

static int tmpfs_tmpfile(struct inode *dir, struct file *f, umode_t mode)
{
	struct inode *inode;
	int err = tmpfs_new_inode(dir->sb, dir, mode, 0, &inode);

	if (err)
		return err;
	drop_nlink(inode);
	d_tmpfile(f, inode);
	return 0;
}

// ---- reading --------------------------------------------------------------------------------------------------------

// The directory above may be replaced, and removed, by a rename(2) that does not wait for us.
static u64 parent_ino(const struct dentry *d)
{
	const struct inode *inode;
	u64 ino;

	rcu_read_lock();
	inode = READ_ONCE(READ_ONCE(d->parent)->inode);
	ino = inode ? inode->ino : 0;
	rcu_read_unlock();
	return ino;
}

static int tmpfs_iterate(struct file *f, struct dir_context *c)
{
	struct inode *dir = f->inode;

	if (c->pos == 0) {
		if (!c->emit(c, ".", 1, 0, dir->ino, 4))
			return 0;
		c->pos = 1;
	}
	if (c->pos == 1) {
		if (!c->emit(c, "..", 2, 1, parent_ino(f->path.dentry), 4))
			return 0;
		c->pos = 2;
	}
	for (struct rb_node *n = dir_first_from(dir, c->pos); n; n = rb_next(n)) {
		struct dentry *d = rb_entry(n, struct dentry, dir_node);

		if (!c->emit(c, d->name.name, d->name.len, d->dir_cookie, d->inode->ino, d->inode->mode >> 12))
			return 0;
		c->pos = d->dir_cookie + 1;
	}
	return 0;
}

static loff_t tmpfs_dir_llseek(struct file *f, loff_t off, int whence)
{
	if (whence != 0 && whence != 1)
		return -EINVAL;
	return generic_llseek(f, off, whence, S64_MAX, 0);
}

static ssize_t tmpfs_dir_read(struct kiocb *k, struct iov_iter *to)
{
	return -EISDIR;
}

static int tmpfs_fsync(struct file *f, loff_t start, loff_t end, bool datasync)
{
	return 0;
}

const struct file_ops tmpfs_dir_ops = { .llseek = tmpfs_dir_llseek, .read = tmpfs_dir_read, .iterate = tmpfs_iterate, .fsync = tmpfs_fsync };

// ---- extended attributes --------------------------------------------------------------------------------------------

static bool xattr_known(const char *name)
{
	return str_has_prefix(name, XATTR_USER_PREFIX) || str_has_prefix(name, XATTR_TRUSTED_PREFIX) || str_has_prefix(name, XATTR_SECURITY_PREFIX);
}

static ssize_t tmpfs_getxattr(struct inode *inode, const char *name, void *buf, size_t size)
{
	return xattr_known(name) ? xattrs_get(&tmpfs_i(inode)->xattrs, name, buf, size) : -EOPNOTSUPP;
}

static int tmpfs_setxattr(struct inode *inode, const char *name, const void *v, size_t size, int flags)
{
	struct xattrs *x = &tmpfs_i(inode)->xattrs;
	struct tmpfs_sb *s = tmpfs_sb(inode->sb);
	u64 limit = READ_ONCE(s->max_inodes) * TMPFS_XATTR_SHARE;
	s64 before = (s64)x->bytes, most = (s64)xattr_bytes(name, size);	// inode->rwsem: nobody else changes x
	int err;

	if (!xattr_known(name))
		return -EOPNOTSUPP;
	if (atomic64_add_return(&s->xattr_bytes, most) > (s64)limit && limit) {
		atomic64_sub(&s->xattr_bytes, most);
		return -ENOSPC;
	}
	err = xattrs_set(x, name, v, size, flags);
	atomic64_sub(&s->xattr_bytes, most - ((s64)x->bytes - before));
	return err;
}

static ssize_t tmpfs_listxattr(struct dentry *d, char *buf, size_t size)
{
	return xattrs_list(&tmpfs_i(d->inode)->xattrs, buf, size, capable(21 /* CAP_SYS_ADMIN */));
}

static int tmpfs_removexattr(struct inode *inode, const char *name)
{
	struct xattrs *x = &tmpfs_i(inode)->xattrs;
	size_t before = x->bytes;
	int err = xattr_known(name) ? xattrs_remove(x, name) : -EOPNOTSUPP;

	atomic64_sub(&tmpfs_sb(inode->sb)->xattr_bytes, (s64)(before - x->bytes));
	return err;
}

#define TMPFS_XATTR_OPS .getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr, .removexattr = tmpfs_removexattr

const struct inode_ops tmpfs_dir_inode_ops = {
	.lookup = tmpfs_lookup, .create = tmpfs_create, .link = tmpfs_link, .unlink = tmpfs_unlink, .symlink = tmpfs_symlink, .mkdir = tmpfs_mkdir,
	.rmdir = tmpfs_rmdir, .mknod = tmpfs_mknod, .rename = tmpfs_rename, .tmpfile = tmpfs_tmpfile, TMPFS_XATTR_OPS,
};
static int tmpfs_getattr(const struct path *p, struct kstat *st, u32 mask, u32 flags)
{
	generic_fillattr(p->dentry->inode, st);
	st->blocks = READ_ONCE(p->dentry->inode->data.nr_pages) * (4096 / 512);
	return 0;
}
const struct inode_ops tmpfs_file_inode_ops = { .setattr = tmpfs_setattr, .getattr = tmpfs_getattr, TMPFS_XATTR_OPS };
const struct inode_ops tmpfs_symlink_inode_ops = { TMPFS_XATTR_OPS };
const struct inode_ops tmpfs_special_inode_ops = { TMPFS_XATTR_OPS };
