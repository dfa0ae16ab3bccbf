// Changes of the tree: mkdir, mknod, unlink, rmdir, symlink, link, rename, truncate. Errors and their order are Linux's.
#include "fs/namei.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "task/cred.h"
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#define PERM_BITS 07777u

int may_create(struct inode *dir, struct dentry *child)
{
	if (!d_is_negative(child))
		return -EEXIST;
	if (dir->flags & S_DEAD)
		return -ENOENT;
	return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

int may_delete(struct inode *dir, struct dentry *victim, bool isdir)
{
	struct inode *inode = victim->inode;
	int err;

	if (!inode)
		return -ENOENT;
	err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (err)
		return err;
	if (dir->flags & S_APPEND)
		return -EPERM;
	if (inode_sticky_check(dir, inode) || (inode->flags & (S_APPEND | S_IMMUTABLE)))
		return -EPERM;
	if (isdir) {
		if (!S_ISDIR(inode->mode))
			return -ENOTDIR;
		if (victim == victim->parent)
			return -EBUSY;
	} else if (S_ISDIR(inode->mode)) {
		return -EISDIR;
	}
	return dir->flags & S_DEAD ? -ENOENT : 0;
}

// ---- creation -------------------------------------------------------------------------------------------------------

int path_create(int dfd, struct filename *name, u32 flags, struct path *parent, struct dentry **out) NO_LOCK_ANALYSIS	// for path_create_done()
{
	bool wants_dir = flags & LOOKUP_DIRECTORY;
	struct dentry *d;
	struct qstr last;
	int type, write_err, err;

	err = parent_lookup(dfd, name, 0, parent, &last, &type);
	if (err)
		return err;
	if (type != LAST_NORM) {
		path_put(parent);
		return -EEXIST;
	}
	write_err = mnt_want_write(parent->mnt);
	down_write(&parent->dentry->inode->rwsem);
	err = lookup_locked(parent->dentry, &last, LOOKUP_CREATE | LOOKUP_EXCL, &d);
	if (err)
		goto unlock;
	if (!d_is_negative(d))
		err = -EEXIST;
	else if (!wants_dir && last.name[last.len])	// "name/" can only become a directory
		err = -ENOENT;
	else
		err = write_err;
	if (!err) {
		*out = d;
		return 0;
	}
	dput(d);
unlock:
	up_write(&parent->dentry->inode->rwsem);
	if (!write_err)
		mnt_drop_write(parent->mnt);
	path_put(parent);
	return err;
}

void path_create_done(struct path *parent, struct dentry *d) NO_LOCK_ANALYSIS
{
	dput(d);
	up_write(&parent->dentry->inode->rwsem);
	mnt_drop_write(parent->mnt);
	path_put(parent);
}

int do_mkdirat(int dfd, struct filename *name, umode_t mode)
{
	struct path parent;
	struct inode *dir;
	struct dentry *d;
	int err = path_create(dfd, name, LOOKUP_DIRECTORY, &parent, &d);

	if (err)
		return err;
	dir = parent.dentry->inode;
	err = may_create(dir, d);
	if (!err && !dir->ops->mkdir)
		err = -EPERM;
	if (!err)
		err = dir->ops->mkdir(dir, d, (mode & (0777 | S_ISVTX) & ~current->fs->umask) | S_IFDIR);
	path_create_done(&parent, d);
	return err;
}

int do_mknodat(int dfd, struct filename *name, umode_t mode, dev_t dev)
{
	struct path parent;
	struct inode *dir;
	struct dentry *d;
	int err;

	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG: case S_IFCHR: case S_IFBLK: case S_IFIFO: case S_IFSOCK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	err = path_create(dfd, name, 0, &parent, &d);
	if (err)
		return err;
	dir = parent.dentry->inode;
	mode &= S_IFMT | (PERM_BITS & ~current->fs->umask);
	err = may_create(dir, d);
	if (err)
		goto done;
	if (S_ISREG(mode)) {
		err = dir->ops->create ? dir->ops->create(dir, d, mode, true) : -EACCES;
		goto done;
	}
	// A whiteout (0:0) needs no privilege.
	if ((S_ISCHR(mode) || S_ISBLK(mode)) && !(S_ISCHR(mode) && dev == 0) && !capable(CAP_MKNOD))
		err = -EPERM;
	else if (!dir->ops->mknod)
		err = -EPERM;
	else
		err = dir->ops->mknod(dir, d, mode, S_ISCHR(mode) || S_ISBLK(mode) ? dev : 0);
done:
	path_create_done(&parent, d);
	return err;
}

int do_symlinkat(const char *target, int dfd, struct filename *name)
{
	struct path parent;
	struct inode *dir;
	struct dentry *d;
	int err = path_create(dfd, name, 0, &parent, &d);

	if (err)
		return err;
	dir = parent.dentry->inode;
	err = may_create(dir, d);
	if (!err && !dir->ops->symlink)
		err = -EPERM;
	if (!err)
		err = dir->ops->symlink(dir, d, target);
	path_create_done(&parent, d);
	return err;
}

static int link_locked(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *inode = old->inode;
	int err = may_create(dir, d);

	if (err)
		return err;
	if (dir->sb != inode->sb)
		return -EXDEV;
	if (inode->flags & (S_APPEND | S_IMMUTABLE))
		return -EPERM;
	if (!dir->ops->link || S_ISDIR(inode->mode))
		return -EPERM;
	down_write(&inode->rwsem);
	if (inode->nlink == 0 && !(READ_ONCE(inode->state) & I_LINKABLE))
		err = -ENOENT;
	else
		err = dir->ops->link(old, dir, d);
	if (!err && (READ_ONCE(inode->state) & I_LINKABLE))
		inode_set_linkable(inode, false);
	up_write(&inode->rwsem);
	return err;
}

int do_linkat(int odfd, struct filename *old, int ndfd, struct filename *new, int flags)
{
	struct path from, parent;
	struct dentry *d;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) && !*old->name && !capable(CAP_DAC_READ_SEARCH))
		return -ENOENT;
	err = path_lookup(odfd, old, flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0, &from);
	if (err)
		return err;
	err = path_create(ndfd, new, 0, &parent, &d);
	if (!err) {
		err = from.mnt == parent.mnt ? link_locked(from.dentry, parent.dentry->inode, d) : -EXDEV;
		path_create_done(&parent, d);
	}
	path_put(&from);
	return err;
}

// ---- removal --------------------------------------------------------------------------------------------------------

// Something is mounted on d in this or another namespace.
static bool is_mountpoint(const struct dentry *d)
{
	return READ_ONCE(d->flags) & D_MOUNTED;
}

static int unlink_locked(struct inode *dir, struct dentry *d)
{
	struct inode *inode = d->inode;
	int err = may_delete(dir, d, false);

	if (err)
		return err;
	if (!dir->ops->unlink)
		return -EPERM;
	down_write(&inode->rwsem);
	err = is_mountpoint(d) ? -EBUSY : dir->ops->unlink(dir, d);
	up_write(&inode->rwsem);
	if (!err)
		d_delete(d);
	return err;
}

static int rmdir_locked(struct inode *dir, struct dentry *d)
{
	struct inode *inode = d->inode;
	int err = may_delete(dir, d, true);

	if (err)
		return err;
	if (!dir->ops->rmdir)
		return -EPERM;
	dget(d);
	down_write(&inode->rwsem);
	err = is_mountpoint(d) ? -EBUSY : dir->ops->rmdir(dir, d);
	if (!err)
		__atomic_fetch_or(&inode->flags, S_DEAD, __ATOMIC_RELAXED);
	up_write(&inode->rwsem);
	if (!err)
		d_drop(d);
	dput(d);
	return err;
}

// The last component's entry in its locked parent. path, write access and lock are given back by remove_done().
static int remove_start(const struct path *parent, const struct qstr *last, struct dentry **out) NO_LOCK_ANALYSIS	// for remove_done()
{
	int err = mnt_want_write(parent->mnt);

	if (err)
		return err;
	down_write(&parent->dentry->inode->rwsem);
	err = lookup_locked(parent->dentry, last, 0, out);
	if (err) {
		up_write(&parent->dentry->inode->rwsem);
		mnt_drop_write(parent->mnt);
	}
	return err;
}

static void remove_done(const struct path *parent, struct dentry *d, struct inode *inode) NO_LOCK_ANALYSIS
{
	up_write(&parent->dentry->inode->rwsem);
	dput(d);
	iput(inode);			// truncation happens here, without the lock
	mnt_drop_write(parent->mnt);
}

int do_unlinkat(int dfd, struct filename *name)
{
	struct inode *inode = NULL;
	struct path parent;
	struct dentry *d;
	struct qstr last;
	int type, err;

	err = parent_lookup(dfd, name, 0, &parent, &last, &type);
	if (err)
		return err;
	err = type == LAST_NORM ? remove_start(&parent, &last, &d) : -EISDIR;
	if (err)
		goto out;
	if (last.name[last.len]) {		// "name/"
		err = d_is_negative(d) ? -ENOENT : d_is_dir(d) ? -EISDIR : -ENOTDIR;
	} else if (d_is_negative(d)) {
		err = -ENOENT;
	} else {
		inode = d->inode;
		iget(inode);
		err = unlink_locked(parent.dentry->inode, d);
	}
	remove_done(&parent, d, inode);
out:
	path_put(&parent);
	return err;
}

int do_rmdirat(int dfd, struct filename *name)
{
	static const int errors[] = { [LAST_DOTDOT] = -ENOTEMPTY, [LAST_DOT] = -EINVAL, [LAST_ROOT] = -EBUSY };
	struct path parent;
	struct dentry *d;
	struct qstr last;
	int type, err;

	err = parent_lookup(dfd, name, 0, &parent, &last, &type);
	if (err)
		return err;
	err = type == LAST_NORM ? remove_start(&parent, &last, &d) : errors[type];
	if (!err) {
		err = d_is_negative(d) ? -ENOENT : rmdir_locked(parent.dentry->inode, d);
		remove_done(&parent, d, NULL);
	}
	path_put(&parent);
	return err;
}

// ---- rename ---------------------------------------------------------------------------------------------------------

struct renaming {
	struct path op, np;		// parents
	struct qstr ol, nl;		// last components
	struct dentry *od, *nd;
	struct dentry *trap;		// ancestor of the other parent, directly below the common one, or null
	u32 flags;
};

// Two directories: the same; an ancestor before its descendant; else by address. rename_mutex keeps ancestry.
static void lock_rename(struct renaming *r) NO_LOCK_ANALYSIS	// one lock or three
{
	struct dentry *a = r->op.dentry, *b = r->np.dentry, *d;

	r->trap = NULL;
	if (a == b) {
		down_write(&a->inode->rwsem);
		return;
	}
	mutex_lock(&a->sb->rename_mutex);
	for (d = b; d != d->parent; d = d->parent) {
		if (d->parent == a) {
			r->trap = d;
			down_write(&a->inode->rwsem);
			down_write(&b->inode->rwsem);
			return;
		}
	}
	for (d = a; d != d->parent; d = d->parent) {
		if (d->parent == b) {
			r->trap = d;
			break;
		}
	}
	if (!r->trap && a->inode < b->inode) {
		down_write(&a->inode->rwsem);
		down_write(&b->inode->rwsem);
		return;
	}
	down_write(&b->inode->rwsem);
	down_write(&a->inode->rwsem);
}

static void unlock_rename(struct renaming *r) NO_LOCK_ANALYSIS	// one lock or three
{
	struct dentry *a = r->op.dentry, *b = r->np.dentry;

	up_write(&a->inode->rwsem);
	if (a != b) {
		up_write(&b->inode->rwsem);
		mutex_unlock(&a->sb->rename_mutex);
	}
}

// Non-directories that take part are locked too, in the order of their addresses.
static void lock_two(struct inode *a, struct inode *b, bool lock) NO_LOCK_ANALYSIS	// none, one or two
{
	struct inode *first = a < b ? a : b, *second = a < b ? b : a;

	if (a == b)
		second = NULL;
	if (first && !lock)
		up_write(&first->rwsem);
	if (first && lock)
		down_write(&first->rwsem);
	if (second && !lock)
		up_write(&second->rwsem);
	if (second && lock)
		down_write(&second->rwsem);
}

static int rename_checks(struct inode *odir, struct inode *ndir, struct renaming *r)
{
	bool isdir = d_is_dir(r->od), exchange = r->flags & RENAME_EXCHANGE;
	struct inode *target = r->nd->inode;
	int err = may_delete(odir, r->od, isdir);

	if (err)
		return err;
	if (!target)
		err = may_create(ndir, r->nd);
	else
		err = may_delete(ndir, r->nd, exchange ? d_is_dir(r->nd) : isdir);
	if (err)
		return err;
	if (!odir->ops->rename)
		return -EPERM;
	if (odir == ndir)
		return 0;
	// ".." of a directory that moves is written.
	if (isdir)
		err = inode_permission(r->od->inode, MAY_WRITE);
	if (!err && exchange && d_is_dir(r->nd))
		err = inode_permission(target, MAY_WRITE);
	return err;
}

static int rename_locked(struct inode *odir, struct inode *ndir, struct renaming *r)
{
	struct inode *source = r->od->inode, *target = r->nd->inode;
	struct inode *l1 = !d_is_dir(r->od) || (r->flags & RENAME_EXCHANGE) ? source : NULL;
	int err;

	if (source == target)
		return 0;		// two names of one file
	err = rename_checks(odir, ndir, r);
	if (err)
		return err;
	dget(r->nd);
	lock_two(l1, target, true);
	if (is_mountpoint(r->od) || is_mountpoint(r->nd))
		err = -EBUSY;
	else
		err = odir->ops->rename(odir, r->od, ndir, r->nd, r->flags);
	if (!err && !(r->flags & RENAME_EXCHANGE) && target && S_ISDIR(target->mode))
		__atomic_fetch_or(&target->flags, S_DEAD, __ATOMIC_RELAXED);
	lock_two(l1, target, false);
	if (!err)
		d_move(r->od, r->nd, r->flags & RENAME_EXCHANGE);
	dput(r->nd);
	return err;
}

static int rename_entries(struct renaming *r)
{
	int err;

	if (d_is_negative(r->od))
		return -ENOENT;
	if ((r->flags & RENAME_NOREPLACE) && !d_is_negative(r->nd))
		return -EEXIST;
	if (r->flags & RENAME_EXCHANGE) {
		if (d_is_negative(r->nd))
			return -ENOENT;
		if (!d_is_dir(r->nd) && r->nl.name[r->nl.len])
			return -ENOTDIR;
	}
	if (!d_is_dir(r->od)) {
		if (r->ol.name[r->ol.len])
			return -ENOTDIR;
		if (!(r->flags & RENAME_EXCHANGE) && r->nl.name[r->nl.len])
			return -ENOTDIR;
	}
	if (r->od == r->trap)
		return -EINVAL;		// into itself
	if (r->nd == r->trap)
		return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	err = rename_locked(r->op.dentry->inode, r->np.dentry->inode, r);
	return err;
}

static int rename_paths(struct renaming *r)
{
	struct inode *victim = NULL;
	int err;

	lock_rename(r);
	err = lookup_locked(r->op.dentry, &r->ol, 0, &r->od);
	if (err)
		goto unlock;
	err = lookup_locked(r->np.dentry, &r->nl, LOOKUP_RENAME_TARGET, &r->nd);
	if (!err) {
		victim = r->nd->inode;
		if (victim)
			iget(victim);
		err = rename_entries(r);
		dput(r->nd);
	}
	dput(r->od);
unlock:
	unlock_rename(r);
	iput(victim);
	return err;
}

int do_renameat2(int odfd, struct filename *old, int ndfd, struct filename *new, u32 flags)
{
	struct renaming r = { .flags = flags };
	int ot, nt, err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) && (flags & RENAME_EXCHANGE))
		return -EINVAL;
	err = parent_lookup(odfd, old, 0, &r.op, &r.ol, &ot);
	if (err)
		return err;
	err = parent_lookup(ndfd, new, 0, &r.np, &r.nl, &nt);
	if (err)
		goto put_old;
	err = -EXDEV;
	if (r.op.mnt != r.np.mnt)
		goto put_new;
	err = -EBUSY;
	if (ot != LAST_NORM)
		goto put_new;
	if (nt != LAST_NORM) {
		err = flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
		goto put_new;
	}
	err = mnt_want_write(r.op.mnt);
	if (err)
		goto put_new;
	err = flags & RENAME_WHITEOUT ? -EINVAL : rename_paths(&r);	// no file system has whiteouts yet
	mnt_drop_write(r.op.mnt);
put_new:
	path_put(&r.np);
put_old:
	path_put(&r.op);
	return err;
}

// ---- size -----------------------------------------------------------------------------------------------------------

int do_truncate(struct dentry *d, loff_t size, u32 extra, struct file *f)
{
	struct iattr a = { .valid = ATTR_SIZE | extra, .size = size, .file = f };
	struct inode *inode = d->inode;
	u32 kill;
	int err;

	if (size < 0)
		return -EINVAL;
	kill = inode_privs_to_kill(inode);
	if (kill && !inode_capable(inode, CAP_FSETID))
		a.valid |= kill | ATTR_FORCE;
	down_write(&inode->rwsem);
	err = notify_change(d, &a);
	up_write(&inode->rwsem);
	return err;
}

int vfs_truncate(const struct path *p, loff_t size)
{
	struct inode *inode = p->dentry->inode;
	int err;

	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode))
		return -EINVAL;
	err = mnt_want_write(p->mnt);
	if (err)
		return err;
	err = inode_permission(inode, MAY_WRITE);
	if (!err && (inode->flags & S_APPEND))
		err = -EPERM;
	if (!err)
		err = inode_get_write_access(inode);
	if (!err) {
		err = do_truncate(p->dentry, size, ATTR_MTIME | ATTR_CTIME, NULL);
		inode_put_write_access(inode);
	}
	mnt_drop_write(p->mnt);
	return err;
}

int vfs_getattr(const struct path *p, struct kstat *st, u32 mask, u32 flags)
{
	struct inode *inode = p->dentry->inode;

	if (unlikely(inode->ops && inode->ops->getattr))
		return inode->ops->getattr(p, st, mask, flags);
	generic_fillattr(inode, st);
	return 0;
}
