// The path walk. Its argument is in docs/fs.md; man 7 path_resolution.
//
// Two modes: LOOKUP_RCU reads only and takes references at the end; any doubt gives -ECHILD, and the caller starts again with references.
#include "fs/namei.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

// ---- the state ------------------------------------------------------------------------------------------------------

void nd_start(struct nameidata *nd, int dfd, struct filename *name, u32 flags)
{
	nd->path = (struct path){ 0 };
	nd->root = (struct path){ 0 };
	nd->root_given = false;
	nd->flags = flags;
	nd->depth = 0;
	nd->total_links = 0;
	nd->name = name;
	nd->dfd = dfd;
	nd->inode = NULL;
}

static void put_link(struct nameidata *nd)
{
	struct link_body *l = &nd->stack[--nd->depth];

	if (l->done)
		l->done(l->arg);
}

// RCU mode ends without references.
static void nd_drop_rcu(struct nameidata *nd)
{
	nd->flags &= ~LOOKUP_RCU;
	nd->path = (struct path){ 0 };
	nd->root = (struct path){ 0 };
	rcu_read_unlock();
}

void nd_end(struct nameidata *nd)
{
	while (unlikely(nd->depth))
		put_link(nd);
	if (nd->flags & LOOKUP_RCU) {
		nd_drop_rcu(nd);
		return;
	}
	if (nd->path.dentry)
		path_put(&nd->path);
	if (nd->root.mnt)
		path_put(&nd->root);
	nd->path = (struct path){ 0 };
	nd->root = (struct path){ 0 };
}

static bool mounts_moved(const struct nameidata *nd)
{
	return seq_read_retry(&mount_lock.count, nd->m_seq);
}

// A counted reference on what RCU mode found; *p is cleared when it fails.
static bool legitimize(struct nameidata *nd, struct path *p, u32 seq)
{
	if (unlikely(!mnt_get_unless_dead(p->mnt)))
		return false;
	if (unlikely(!dget_unless_dead(p->dentry))) {
		rcu_read_unlock();
		mnt_put(p->mnt);
		rcu_read_lock();
		return false;
	}
	// The reference on the dentry was a full barrier: pairs with umount's between its sequence and its sum of counts.
	if (likely(!mounts_moved(nd) && !seq_read_retry(&p->dentry->seq, seq)))
		return true;
	rcu_read_unlock();
	path_put(p);
	rcu_read_lock();
	return false;
}

int nd_leave_rcu(struct nameidata *nd)
{
	struct path p = nd->path;

	// Link texts may only live as long as RCU; a given root would have to be taken as well.
	if (unlikely(nd->depth || nd->root_given) || unlikely(!legitimize(nd, &p, nd->seq))) {
		nd_drop_rcu(nd);
		return -ECHILD;
	}
	nd->flags &= ~LOOKUP_RCU;
	nd->root = (struct path){ 0 };
	rcu_read_unlock();
	return 0;
}

static void set_root(struct nameidata *nd)
{
	struct fs_context *fs = current->fs;
	u32 s;

	if (!(nd->flags & LOOKUP_RCU)) {
		get_fs_root(fs, &nd->root);
		return;
	}
	do {
		s = seq_read_begin(&fs->seq);
		nd->root = fs->root;
		nd->root_seq = seq_read_begin_nowait(&nd->root.dentry->seq);
	} while (seq_read_retry(&fs->seq, s));
}

static int jump_root(struct nameidata *nd)
{
	if (unlikely(nd->flags & LOOKUP_BENEATH))
		return -EXDEV;
	if (!nd->root.mnt)
		set_root(nd);
	if (unlikely(nd->flags & LOOKUP_NO_XDEV) && nd->path.mnt && nd->path.mnt != nd->root.mnt)
		return -EXDEV;
	if (nd->flags & LOOKUP_RCU) {
		nd->path = nd->root;
		nd->seq = nd->root_seq;
		nd->inode = READ_ONCE(nd->path.dentry->inode);
		return unlikely(seq_read_retry(&nd->path.dentry->seq, nd->seq)) ? -ECHILD : 0;
	}
	if (nd->path.dentry)
		path_put(&nd->path);
	nd->path = nd->root;
	path_get(&nd->path);
	nd->inode = nd->path.dentry->inode;
	return 0;
}

static int start_at_pwd(struct nameidata *nd) NO_LOCK_ANALYSIS	// a reader of fs->seq
{
	struct fs_context *fs = current->fs;
	u32 s;

	if (!(nd->flags & LOOKUP_RCU)) {
		get_fs_pwd(fs, &nd->path);
		nd->inode = nd->path.dentry->inode;
		return 0;
	}
	do {
		s = seq_read_begin(&fs->seq);
		nd->path = fs->pwd;
		nd->seq = seq_read_begin_nowait(&nd->path.dentry->seq);
	} while (seq_read_retry(&fs->seq, s));
	nd->inode = READ_ONCE(nd->path.dentry->inode);
	return 0;
}

static int start_at_fd(struct nameidata *nd)
{
	struct fd f = fd_get_raw(nd->dfd);
	int err = 0;

	if (!f.file)
		return -EBADF;
	if (*nd->name->name && !d_is_dir(f.file->path.dentry)) {
		err = -ENOTDIR;
	} else {
		nd->path = f.file->path;
		if (nd->flags & LOOKUP_RCU)
			nd->seq = seq_read_begin_nowait(&nd->path.dentry->seq);
		else
			path_get(&nd->path);
		nd->inode = nd->path.dentry->inode;
	}
	if (!f.put)
		return err;
	if ((nd->flags & LOOKUP_RCU) && !err) {
		// A shared table: our reference on the file may be the last one soon. The path goes on under RCU all the same.
		file_put(f.file);
		return 0;
	}
	fd_put(f);
	return err;
}

static int start_here(struct nameidata *nd)
{
	const char *s = nd->name->name;
	int err;

	nd->m_seq = seq_read_begin_nowait(&mount_lock.count);
	if (unlikely(nd->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT)))
		nd->move_seq = seq_read_begin_nowait(&rename_lock.count);
	if (*s == '/' && !(nd->flags & LOOKUP_IN_ROOT))
		return jump_root(nd);
	err = nd->dfd == AT_FDCWD ? start_at_pwd(nd) : start_at_fd(nd);
	if (err || likely(!(nd->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))))
		return err;
	nd->root = nd->path;
	nd->root_seq = nd->seq;
	nd->root_given = true;
	if (!(nd->flags & LOOKUP_RCU))
		path_get(&nd->root);
	return 0;
}

// ---- one component --------------------------------------------------------------------------------------------------

// Down through what is mounted on *d. Reading only.
static int cross_mounts_rcu(struct nameidata *nd, struct mount **mnt, struct dentry **d, u32 *seq)
{
	while (unlikely(READ_ONCE((*d)->flags) & D_MOUNTED)) {
		struct mount *m = mount_lookup(*mnt, *d);

		if (!m) {
			if (mounts_moved(nd))
				return -ECHILD;
			break;
		}
		if (nd->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		*mnt = m;
		*d = m->root;
		*seq = seq_read_begin_nowait(&(*d)->seq);
		if (mounts_moved(nd))
			return -ECHILD;
	}
	return 0;
}

// d's link: 1 and nd->link, or 0 after a jump, or -errno. Not RCU: d (in *p) is consumed.
static int follow_link(struct nameidata *nd, struct path *p, struct inode *inode, int how)
{
	bool rcu = nd->flags & LOOKUP_RCU;
	u32 mflags = READ_ONCE(p->mnt->flags);
	struct link_body *l;
	struct path target;
	int err;

	if (unlikely(nd->total_links++ >= MAX_SYMLINKS))
		return -ELOOP;
	if (unlikely(nd->flags & LOOKUP_NO_SYMLINKS) || (mflags & MNT_NOSYMFOLLOW))
		return -ELOOP;
	if (inode_atime_due(inode, mflags)) {
		if (rcu)
			return -ECHILD;
		inode_touch_atime(inode, mflags, p->mnt);
	}
	if (unlikely(inode->opflags & IOP_MAGIC_LINK)) {
		if (rcu)
			return -ECHILD;
		if (nd->flags & LOOKUP_NO_MAGICLINKS)
			return -ELOOP;
		err = inode->ops->follow_magic(p->dentry, &target);
		if (err)
			return err;
		if (((nd->flags & LOOKUP_NO_XDEV) && nd->path.mnt != target.mnt) || (nd->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))) {
			path_put(&target);
			return -EXDEV;
		}
		path_put(&nd->path);
		nd->path = target;
		nd->inode = target.dentry->inode;
		return 0;
	}
	l = &nd->stack[nd->depth];
	l->done = NULL;
	if (inode->opflags & IOP_LINK_CACHED) {
		nd->link = READ_ONCE(inode->link);
		// Not counted, under RCU or not: the text lives as long as the inode, which the entry keeps.
		if (!rcu) {
			iget(inode);
			l->done = (void (*)(void *))iput;
			l->arg = inode;
		}
	} else {
		err = inode->ops->get_link(rcu ? NULL : p->dentry, inode, &nd->link, &l->done, &l->arg);
		if (err)
			return err;
	}
	nd->depth++;
	if (*nd->link == '/') {
		err = jump_root(nd);
		if (err)
			return err;
		while (*++nd->link == '/')
			;
	}
	return *nd->link ? 1 : 0;
}

static int step_into_ref(struct nameidata *nd, struct dentry *d, int how)
{
	struct path p = { nd->path.mnt, d };
	struct inode *inode;
	int err;

	mnt_get(p.mnt);
	if (path_follow_mounts(&p) && (nd->flags & LOOKUP_NO_XDEV)) {
		path_put(&p);
		return -EXDEV;
	}
	inode = p.dentry->inode;
	if (unlikely(!inode)) {
		path_put(&p);
		return -ENOENT;
	}
	if (!(how & WALK_MORE) && nd->depth)
		put_link(nd);
	if (d_is_symlink(p.dentry) && (!(how & WALK_TRAILING) || (nd->flags & LOOKUP_FOLLOW))) {
		err = follow_link(nd, &p, inode, how);
		path_put(&p);
		return err;
	}
	path_put(&nd->path);
	nd->path = p;
	nd->inode = inode;
	return 0;
}

int nd_step_into(struct nameidata *nd, struct dentry *d, u32 seq, int how)
{
	struct mount *mnt = nd->path.mnt;
	struct inode *inode;
	u32 flags;
	int err;

	if (!(nd->flags & LOOKUP_RCU))
		return step_into_ref(nd, d, how);
	err = cross_mounts_rcu(nd, &mnt, &d, &seq);
	if (unlikely(err))
		return err;
	flags = READ_ONCE(d->flags);
	inode = READ_ONCE(d->inode);
	if (unlikely(seq_read_retry(&d->seq, seq)))
		return -ECHILD;
	if (unlikely(!inode))
		return -ENOENT;
	if (!(how & WALK_MORE) && nd->depth)
		put_link(nd);
	if (unlikely((flags >> D_TYPE_SHIFT & 7) == D_T_LINK) && (!(how & WALK_TRAILING) || (nd->flags & LOOKUP_FOLLOW)))
		return follow_link(nd, &(struct path){ mnt, d }, inode, how);
	nd->path = (struct path){ mnt, d };
	nd->inode = inode;
	nd->seq = seq;
	return 0;
}

// 1: goes on being valid. Not RCU and 0: d was invalidated and put.
static int revalidate(struct nameidata *nd, struct dentry *d)
{
	int ok;

	if (likely(!(READ_ONCE(d->flags) & D_OP_REVALIDATE)))
		return 1;
	ok = d->ops->revalidate(d, nd->flags);
	if (ok > 0)
		return 1;
	if (nd->flags & LOOKUP_RCU)
		return -ECHILD;
	if (ok == 0)
		d_invalidate(d);
	dput(d);
	return ok;
}

// Asks the file system about a name that is not in the cache. dir->rwsem is held, shared or not.
static int lookup_uncached(struct dentry *parent, const struct qstr *name, u32 flags, struct dentry **out)
{
	struct inode *dir = parent->inode;
	struct dentry *d;
	int err;

	if (unlikely(READ_ONCE(dir->flags) & S_DEAD))
		return -ENOENT;
	if (name->len > NAME_MAX_LEN)
		return -ENAMETOOLONG;
	for (;;) {
		err = d_alloc_parallel(parent, name, &d);
		if (err)
			return err;
		if (!(READ_ONCE(d->flags) & D_PAR_LOOKUP)) {	// somebody else has found it out
			int ok = d->flags & D_OP_REVALIDATE ? d->ops->revalidate(d, flags & ~LOOKUP_RCU) : 1;

			if (ok > 0)
				break;
			if (ok == 0)
				d_invalidate(d);
			dput(d);
			if (ok < 0)
				return ok;
			continue;
		}
		err = dir->ops->lookup(dir, d, flags);
		d_lookup_done(d);
		if (err) {
			dput(d);
			return err;
		}
		break;
	}
	*out = d;
	return 0;
}

int lookup_locked(struct dentry *parent, const struct qstr *name, u32 flags, struct dentry **out)
{
	struct dentry *d = d_lookup(parent, name);

	if (d && (d->flags & D_OP_REVALIDATE)) {
		int ok = d->ops->revalidate(d, flags);

		if (ok <= 0) {
			if (ok == 0)
				d_invalidate(d);
			dput(d);
			if (ok < 0)
				return ok;
			d = NULL;
		}
	}
	if (!d)
		return lookup_uncached(parent, name, flags, out);
	*out = d;
	return 0;
}

static int lookup_slow(struct nameidata *nd, struct dentry **out)
{
	struct inode *dir = nd->path.dentry->inode;
	int err;

	down_read(&dir->rwsem);
	err = lookup_uncached(nd->path.dentry, &nd->last, nd->flags, out);
	up_read(&dir->rwsem);
	return err;
}

// Whether d still is below mnt's root: a directory may have been moved out of what is bound (then ".." must not escape).
static bool path_connected(const struct mount *m, const struct dentry *d)
{
	return likely(m->root == m->sb->root) || d_is_ancestor(m->root, d);
}

static int step_up_rcu(struct nameidata *nd)
{
	struct dentry *d = nd->path.dentry, *parent;
	struct mount *m = nd->path.mnt;
	u32 seq = nd->seq;

	while (!(m == nd->root.mnt && d == nd->root.dentry)) {
		if (d != m->root) {
			if (!path_connected(m, d))
				return -ECHILD;
			parent = READ_ONCE(d->parent);
			nd->seq = seq_read_begin_nowait(&parent->seq);
			if (seq_read_retry(&d->seq, seq))
				return -ECHILD;
			nd->path = (struct path){ m, parent };
			nd->inode = READ_ONCE(parent->inode);
			if (mounts_moved(nd))
				return -ECHILD;
			seq = nd->seq;
			return nd_step_into(nd, parent, seq, WALK_MORE);
		}
		if (READ_ONCE(m->parent) == m)
			break;
		if (nd->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		d = READ_ONCE(m->mountpoint);
		m = READ_ONCE(m->parent);
		seq = seq_read_begin_nowait(&d->seq);
		if (mounts_moved(nd))
			return -ECHILD;
	}
	if (nd->flags & LOOKUP_BENEATH)
		return -EXDEV;
	return nd_step_into(nd, nd->path.dentry, nd->seq, WALK_MORE);	// stays, but for what is mounted here
}

// The place above nd->path, counted; false: there is none, or (*err) it is out of bounds.
static bool place_above(struct nameidata *nd, struct path *p, int *err)
{
	*p = nd->path;
	path_get(p);
	while (!path_equal(p, &nd->root)) {
		if (p->dentry != p->mnt->root) {
			struct dentry *parent;

			if (!path_connected(p->mnt, p->dentry)) {
				*err = -ENOENT;
				break;
			}
			spin_lock(&rename_lock.lock);
			parent = p->dentry->parent;
			dget(parent);
			spin_unlock(&rename_lock.lock);
			dput(p->dentry);
			p->dentry = parent;
			return true;
		}
		if (!path_up_mount(p))
			break;
		if (nd->flags & LOOKUP_NO_XDEV) {
			*err = -EXDEV;
			break;
		}
	}
	if (!*err && (nd->flags & LOOKUP_BENEATH))
		*err = -EXDEV;
	path_put(p);
	return false;
}

static int step_up_ref(struct nameidata *nd)
{
	struct path p;
	int err = 0;

	if (place_above(nd, &p, &err)) {
		path_put(&nd->path);
		nd->path = p;
		nd->inode = p.dentry->inode;
	} else if (err) {
		return err;
	}
	dget(nd->path.dentry);		// the step's own
	return nd_step_into(nd, nd->path.dentry, 0, WALK_MORE);
}

static int step_dots(struct nameidata *nd)
{
	int err;

	if (nd->last_type != LAST_DOTDOT)
		return 0;
	if (!nd->root.mnt)
		set_root(nd);
	err = nd->flags & LOOKUP_RCU ? step_up_rcu(nd) : step_up_ref(nd);
	if (err)
		return err;
	if (unlikely(nd->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))) {
		// Something moved while we went up: it may have been our root, or we out of it.
		if (mounts_moved(nd) || seq_read_retry(&rename_lock.count, nd->move_seq))
			return -EAGAIN;
	}
	return 0;
}

int nd_step_last(struct nameidata *nd, int how)
{
	struct dentry *d;
	u32 seq = 0;
	int err;

	if (unlikely(nd->last_type != LAST_NORM)) {
		if (!(how & WALK_MORE) && nd->depth)
			put_link(nd);
		return step_dots(nd);
	}
	if (nd->flags & LOOKUP_RCU) {
		d = d_lookup_rcu(nd->path.dentry, &nd->last, &seq);
		if (likely(d)) {
			if (unlikely(seq_read_retry(&nd->path.dentry->seq, nd->seq)))
				return -ECHILD;
			err = revalidate(nd, d);
			return likely(err > 0) ? nd_step_into(nd, d, seq, how) : -ECHILD;
		}
		err = nd_leave_rcu(nd);
		if (err)
			return err;
	} else {
		d = d_lookup(nd->path.dentry, &nd->last);
		if (d) {
			err = revalidate(nd, d);
			if (err > 0)
				return nd_step_into(nd, d, 0, how);
			if (err < 0)
				return err;
		}
	}
	if (nd->flags & LOOKUP_CACHED)
		return -EAGAIN;
	err = lookup_slow(nd, &d);
	return err ? err : nd_step_into(nd, d, 0, how);
}

// ---- the loop -------------------------------------------------------------------------------------------------------

static ALWAYS_INLINE int may_search(struct nameidata *nd)
{
	struct inode *inode = nd->inode;

	if (likely((inode->opflags & IOP_NO_PERMISSION) && (READ_ONCE(inode->mode) & 0111) == 0111))
		return 0;
	return inode_permission(inode, MAY_EXEC | (nd->flags & LOOKUP_RCU ? MAY_NOT_BLOCK : 0));
}

static int walk_text(struct nameidata *nd, const char *s)
{
	int depth = 0;			// texts with links in them that we will come back to: nd->stack[0..depth-1].rest

	nd->last_type = LAST_ROOT;
	while (*s == '/')
		s++;
	if (!*s)
		return 0;
	for (;;) {
		int err = may_search(nd);
		u64 h;

		if (unlikely(err))
			return err;
		h = name_hash(s, (u64)nd->path.dentry);
		nd->last = (struct qstr){ .hash = name_hash_value(h), .len = name_hash_len(h), .name = s };
		nd->last_type = LAST_NORM;
		if (unlikely(*s == '.')) {
			if (nd->last.len == 1)
				nd->last_type = LAST_DOT;
			else if (nd->last.len == 2 && s[1] == '.')
				nd->last_type = LAST_DOTDOT;
		}
		s += nd->last.len;
		if (*s) {
			do {
				s++;
			} while (unlikely(*s == '/'));
		}
		if (!*s) {
			if (!depth)
				return 0;
			s = nd->stack[--depth].rest;
			err = nd_step_last(nd, 0);
		} else {
			err = nd_step_last(nd, WALK_MORE);
		}
		if (unlikely(err)) {
			if (err < 0)
				return err;
			nd->stack[depth++].rest = s;
			s = nd->link;
			continue;
		}
		if (unlikely(!S_ISDIR(READ_ONCE(nd->inode->mode)))) {
			if (nd->flags & LOOKUP_RCU && seq_read_retry(&nd->path.dentry->seq, nd->seq))
				return -ECHILD;
			return -ENOTDIR;
		}
	}
}

int nd_walk_parent(struct nameidata *nd)
{
	int err;

	if (nd->flags & LOOKUP_RCU)
		rcu_read_lock();
	err = start_here(nd);
	return err ? err : walk_text(nd, nd->name->name);
}

int nd_walk_link(struct nameidata *nd)
{
	return walk_text(nd, nd->link);
}

int nd_complete(struct nameidata *nd)
{
	int err;

	if (nd->flags & LOOKUP_RCU) {
		if (nd->root_given) {	// scope is checked by "..": the root itself is not needed any more
			nd->root_given = false;
			nd->root = (struct path){ 0 };
		}
		err = nd_leave_rcu(nd);
		if (err)
			return err;
	}
	return 0;
}

static int lookup_once(struct nameidata *nd, struct path *out)
{
	int err = nd_walk_parent(nd);

	for (;;) {
		if (err)
			return err;
		if (nd->last_type == LAST_NORM && nd->last.name[nd->last.len])
			nd->flags |= LOOKUP_FOLLOW | LOOKUP_DIRECTORY;
		if (nd->last_type == LAST_ROOT)
			break;
		err = nd_step_last(nd, WALK_TRAILING);
		if (err <= 0)
			break;
		err = nd_walk_link(nd);
	}
	while (nd->depth)
		put_link(nd);
	if (!err)
		err = nd_complete(nd);
	if (err)
		return err;
	if ((nd->flags & LOOKUP_DIRECTORY) && !d_is_dir(nd->path.dentry))
		return -ENOTDIR;
	*out = nd->path;
	nd->path = (struct path){ 0 };
	return 0;
}

int path_lookup(int dfd, struct filename *name, u32 flags, struct path *out)
{
	struct nameidata nd;
	int err;

	nd_start(&nd, dfd, name, flags | LOOKUP_RCU);
	err = lookup_once(&nd, out);
	nd_end(&nd);
	if (unlikely(err == -ECHILD)) {
		nd_start(&nd, dfd, name, flags);
		err = lookup_once(&nd, out);
		nd_end(&nd);
	}
	return err;
}

int parent_lookup(int dfd, struct filename *name, u32 flags, struct path *parent, struct qstr *last, int *type)
{
	struct nameidata nd;
	int err;

	for (u32 rcu = LOOKUP_RCU;; rcu = 0) {
		nd_start(&nd, dfd, name, flags | rcu);
		err = nd_walk_parent(&nd);
		if (!err)
			err = nd_complete(&nd);
		if (!err) {
			*parent = nd.path;
			*last = nd.last;
			*type = nd.last_type;
			nd.path = (struct path){ 0 };
		}
		nd_end(&nd);
		if (err != -ECHILD || !rcu)
			return err;
	}
}

int user_path(int dfd, uptr name, u32 flags, struct path *out)
{
	struct name_buf b;
	struct filename *n;
	int err = getname_buf(&b, name, flags, &n);

	if (err)
		return err;
	err = path_lookup(dfd, n, flags, out);
	putname(n);
	return err;
}

int kern_path(const char *name, u32 flags, struct path *out)
{
	struct filename *n;
	int err = getname_kernel(name, &n);

	if (err)
		return err;
	err = path_lookup(AT_FDCWD, n, flags, out);
	putname(n);
	return err;
}
