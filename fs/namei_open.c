// open(2) and openat2(2): from flags and a name to an opened file. The order of checks is Linux's.
#include "fs/namei.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "task/cred.h"
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#define FLAG_TMPFILE 020000000u		// __O_TMPFILE: O_TMPFILE without O_DIRECTORY
#define FLAG_SYNC 04000000u		// __O_SYNC
#define ALL_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | FLAG_SYNC | O_DSYNC | FASYNC | O_DIRECT | \
	00100000u | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | FLAG_TMPFILE)
#define PATH_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)
#define ALL_MODES 07777u
#define ALL_RESOLVE (RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED)

struct open_op {
	u32 flags;		// O_*
	umode_t mode;		// of what is created
	int acc;		// MAY_*
	u32 lookup;		// LOOKUP_*
};

static u32 resolve_flags(u64 resolve)
{
	return (resolve & RESOLVE_NO_XDEV ? LOOKUP_NO_XDEV : 0) | (resolve & RESOLVE_NO_MAGICLINKS ? LOOKUP_NO_MAGICLINKS : 0) |
	       (resolve & RESOLVE_NO_SYMLINKS ? LOOKUP_NO_SYMLINKS : 0) | (resolve & RESOLVE_BENEATH ? LOOKUP_BENEATH : 0) |
	       (resolve & RESOLVE_IN_ROOT ? LOOKUP_IN_ROOT : 0) | (resolve & RESOLVE_CACHED ? LOOKUP_CACHED : 0);
}

static int open_op_make(const struct open_how_k *how, struct open_op *op)
{
	static const u8 acc_modes[] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };
	u64 flags = how->flags & ~(u64)FMODE_EXEC;
	bool creates = flags & (O_CREAT | FLAG_TMPFILE);

	if ((flags & ~(u64)ALL_FLAGS) || (how->resolve & ~(u64)ALL_RESOLVE))
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (creates ? how->mode & ~(u64)ALL_MODES : how->mode != 0)
		return -EINVAL;
	if ((flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT))
		return -EINVAL;
	op->mode = creates ? how->mode | S_IFREG : 0;
	op->acc = how->flags & FMODE_EXEC ? MAY_EXEC : acc_modes[flags & O_ACCMODE];
	if (flags & FLAG_TMPFILE) {
		if (!(flags & O_DIRECTORY) || !(op->acc & MAY_WRITE))
			return -EINVAL;
	}
	if (flags & O_PATH) {
		if (flags & ~(u64)PATH_FLAGS)
			return -EINVAL;
		op->acc = 0;
	}
	if (flags & FLAG_SYNC)
		flags |= O_DSYNC;
	if (flags & O_TRUNC)
		op->acc |= MAY_WRITE;
	if (flags & O_APPEND)
		op->acc |= MAY_APPEND;
	op->lookup = flags & O_PATH ? 0 : LOOKUP_OPEN;
	if (flags & O_CREAT) {
		op->lookup |= LOOKUP_CREATE;
		if (flags & O_EXCL) {
			op->lookup |= LOOKUP_EXCL;
			flags |= O_NOFOLLOW;
		}
	}
	if (flags & O_DIRECTORY)
		op->lookup |= LOOKUP_DIRECTORY;
	if (!(flags & O_NOFOLLOW))
		op->lookup |= LOOKUP_FOLLOW;
	if ((how->resolve & RESOLVE_CACHED) && (flags & (O_TRUNC | O_CREAT | FLAG_TMPFILE)))
		return -EAGAIN;
	op->lookup |= resolve_flags(how->resolve);
	op->flags = flags & ~(u32)O_CLOEXEC;
	return 0;
}

static bool mnt_allows_dev(const struct path *p)
{
	return !(READ_ONCE(p->mnt->flags) & MNT_NODEV) && !(READ_ONCE(p->mnt->sb->flags) & SB_NODEV);
}

static int may_open(const struct path *p, int acc, u32 flags)
{
	struct inode *inode = p->dentry->inode;
	int err;

	switch (inode->mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (acc & MAY_WRITE)
			return -EISDIR;
		if (acc & MAY_EXEC)
			return -EACCES;
		break;
	case S_IFBLK:
	case S_IFCHR:
		if (!mnt_allows_dev(p))
			return -EACCES;
		FALLTHROUGH;
	case S_IFIFO:
	case S_IFSOCK:
		if (acc & MAY_EXEC)
			return -EACCES;
		flags &= ~O_TRUNC;
		break;
	default:
		if ((acc & MAY_EXEC) && ((READ_ONCE(p->mnt->flags) & MNT_NOEXEC) || (READ_ONCE(p->mnt->sb->flags) & SB_NOEXEC)))
			return -EACCES;
	}
	if ((acc & MAY_WRITE) && !S_ISDIR(inode->mode) && (S_ISREG(inode->mode) || S_ISLNK(inode->mode)) && inode_is_readonly(inode))
		return -EROFS;
	err = inode_permission(inode, MAY_OPEN | acc);
	if (err)
		return err;
	if (inode->flags & S_APPEND) {
		if ((flags & O_ACCMODE) != O_RDONLY && !(flags & O_APPEND))
			return -EPERM;
		if (flags & O_TRUNC)
			return -EPERM;
	}
	return (flags & O_NOATIME) && !inode_owner_or_capable(inode) ? -EPERM : 0;
}

// The name exists, or was just made: checks it, opens f. nd->path is counted.
static int open_found(struct nameidata *nd, struct file *f, const struct open_op *op, bool created)
{
	struct path *p = &nd->path;
	u32 flags = op->flags;
	bool truncate = false;
	int acc = op->acc, err;

	if (flags & O_CREAT) {
		if ((flags & O_EXCL) && !created)
			return -EEXIST;
		if (d_is_dir(p->dentry))
			return -EISDIR;
	}
	if ((nd->flags & LOOKUP_DIRECTORY) && !d_is_dir(p->dentry))
		return -ENOTDIR;
	if (created) {
		flags &= ~O_TRUNC;
		acc = 0;
	} else if ((flags & O_TRUNC) && S_ISREG(p->dentry->inode->mode)) {
		err = mnt_want_write(p->mnt);
		if (err)
			return err;
		truncate = true;
	}
	err = flags & O_PATH ? 0 : may_open(p, acc, flags);
	if (!err) {
		f->path = *p;
		path_get(&f->path);
		err = file_open_path(f, p->dentry->inode);
		if (err) {
			path_put(&f->path);
			f->path = (struct path){ 0 };
		}
	}
	if (!err && truncate)
		err = do_truncate(p->dentry, 0, ATTR_MTIME | ATTR_CTIME | ATTR_OPEN, f);
	if (truncate)
		mnt_drop_write(p->mnt);
	return err;
}

// Creates d in the locked directory. write_err: whether the mount may be written.
static int create_locked(struct dentry *parent, struct dentry *d, const struct open_op *op, int write_err)
{
	struct inode *dir = parent->inode;
	umode_t mode = op->mode & ~current->fs->umask;
	int err = write_err;

	if (!err)
		err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (err)
		return err;
	if (!dir->ops->create)
		return -EACCES;
	return dir->ops->create(dir, d, (mode & ALL_MODES) | S_IFREG, op->flags & O_EXCL);
}

// O_CREAT for a name that the cache does not know to exist. Steps into the result: 0, 1 (a link), -errno.
static int open_create(struct nameidata *nd, const struct open_op *op, bool *created)
{
	struct dentry *parent = nd->path.dentry, *d;
	struct inode *dir = parent->inode;
	int write_err = mnt_want_write(nd->path.mnt);
	int err;

	down_write(&dir->rwsem);
	err = dir->flags & S_DEAD ? -ENOENT : lookup_locked(parent, &nd->last, nd->flags, &d);
	if (!err && d_is_negative(d)) {
		err = create_locked(parent, d, op, write_err);
		if (err)
			dput(d);
		else
			*created = true;
	}
	up_write(&dir->rwsem);
	if (!write_err)
		mnt_drop_write(nd->path.mnt);
	return err ? err : nd_step_into(nd, d, 0, WALK_TRAILING);
}

// A positive entry in the cache saves the directory's lock. 2: not there.
static int open_create_fast(struct nameidata *nd)
{
	struct dentry *d;
	u32 seq;
	int err;

	if (nd->flags & LOOKUP_RCU) {
		d = d_lookup_rcu(nd->path.dentry, &nd->last, &seq);
		if (d && !d_is_negative(d) && !(READ_ONCE(d->flags) & D_OP_REVALIDATE)) {
			if (seq_read_retry(&nd->path.dentry->seq, nd->seq))
				return -ECHILD;
			return nd_step_into(nd, d, seq, WALK_TRAILING);
		}
		err = nd_leave_rcu(nd);
		if (err)
			return err;
	}
	return 2;
}

static int open_last(struct nameidata *nd, const struct open_op *op, bool *created)
{
	int err;

	if (nd->last_type == LAST_ROOT)
		return 0;
	if (!(op->flags & O_CREAT) || nd->last_type != LAST_NORM) {
		if (nd->last_type == LAST_NORM && nd->last.name[nd->last.len])
			nd->flags |= LOOKUP_FOLLOW | LOOKUP_DIRECTORY;
		return nd_step_last(nd, WALK_TRAILING);
	}
	if (nd->last.name[nd->last.len])
		return -EISDIR;
	err = open_create_fast(nd);
	return err == 2 ? open_create(nd, op, created) : err;
}

// O_TMPFILE: the name is that of the directory. man 2 open.
static int open_tmpfile(struct nameidata *nd, struct file *f, const struct open_op *op)
{
	struct inode *dir = nd->inode;
	struct qstr slash = { .len = 1, .name = "/" };
	struct dentry *d;
	int err = mnt_want_write(nd->path.mnt);

	if (err)
		return err;
	err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (!err && !(dir->ops && dir->ops->tmpfile))
		err = -EOPNOTSUPP;
	if (!err)
		err = d_alloc(nd->path.dentry, &slash, &d);
	if (err)
		goto drop;
	f->path = (struct path){ nd->path.mnt, d };
	mnt_get(f->path.mnt);
	err = dir->ops->tmpfile(dir, f, (op->mode & ALL_MODES & ~current->fs->umask) | S_IFREG);
	if (!err) {
		if (!(op->flags & O_EXCL))
			inode_set_linkable(d->inode, true);
		err = may_open(&f->path, 0, op->flags);
	}
	if (!err)
		err = file_open_path(f, d->inode);
	if (err) {
		path_put(&f->path);
		f->path = (struct path){ 0 };
	}
drop:
	mnt_drop_write(nd->path.mnt);
	return err;
}

static int open_walk(struct nameidata *nd, struct file *f, const struct open_op *op)
{
	bool created = false;
	int err = nd_walk_parent(nd);

	for (;;) {
		if (err)
			return err;
		err = op->flags & FLAG_TMPFILE && nd->last_type != LAST_ROOT ? nd_step_last(nd, WALK_TRAILING) :
		      op->flags & FLAG_TMPFILE ? 0 : open_last(nd, op, &created);
		if (err <= 0)
			break;
		err = nd_walk_link(nd);
	}
	if (!err)
		err = nd_complete(nd);
	if (err)
		return err;
	if (op->flags & FLAG_TMPFILE)
		return d_is_dir(nd->path.dentry) ? open_tmpfile(nd, f, op) : -ENOTDIR;
	return open_found(nd, f, op, created);
}

int path_open(int dfd, struct filename *name, const struct open_how_k *how, struct file **out)
{
	struct nameidata nd;
	struct open_op op;
	struct file *f;
	int err = open_op_make(how, &op);

	if (err)
		return err;
	err = file_alloc(op.flags, current_cred(), &f);
	if (err)
		return err;
	nd_start(&nd, dfd, name, op.lookup | LOOKUP_RCU);
	err = open_walk(&nd, f, &op);
	nd_end(&nd);
	if (unlikely(err == -ECHILD)) {
		nd_start(&nd, dfd, name, op.lookup);
		err = open_walk(&nd, f, &op);
		nd_end(&nd);
	}
	if (unlikely(err)) {
		if (f->mode & FMODE_OPENED)
			fput_sync(f);		// truncation failed
		else
			file_free_unopened(f);
		return err;
	}
	*out = f;
	return 0;
}
