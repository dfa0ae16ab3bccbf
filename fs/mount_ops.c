// mount(2), umount2(2), pivot_root(2) and mount namespaces. man 7 mount_namespaces.
//
// namespace_lock serialises changes of all trees; mount_lock is taken for write around each change that the walk can see.
#include "fs/mount_internal.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "task/cred.h"
#include "task/nsproxy.h"
#include "task/process.h"
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>

#define UMOUNT_FORCE 1
#define UMOUNT_DETACH 2
#define UMOUNT_EXPIRE 4

DEFINE_LOCK_CLASS(namespace_lock_class, LOCK_TASK);
static struct mutex namespace_lock = MUTEX_INIT(namespace_lock, &namespace_lock_class);
static struct atomic64 ns_ids;

void mounts_read_lock(void) NO_LOCK_ANALYSIS	// for mounts_read_unlock()
{
	mutex_lock(&namespace_lock);
}

void mounts_read_unlock(void) NO_LOCK_ANALYSIS
{
	mutex_unlock(&namespace_lock);
}

static bool in_my_ns(const struct mount *m)
{
	return m->ns == current_mount_ns();
}

static void ns_touch(struct mount_namespace *ns)
{
	ns->event++;
	waitq_wake_all(&ns->poll);
}

// ---- taking out of the tree -----------------------------------------------------------------------------------------

static void ns_remove(struct mount *m, struct list_head *to)
{
	if (m->ns) {
		m->ns->nr_mounts--;
		ns_touch(m->ns);
	}
	list_move_tail(&m->ns_list, to);
	m->ns = NULL;
}

// Takes root and what is on it out of the tree. mount_lock is held for write.
static void umount_tree(struct mount *root, struct list_head *gone)
{
	struct mount *m;

	for (m = root; m; m = mount_next(m, root))
		ns_remove(m, gone);
	list_for_each_entry(m, gone, ns_list) {
		m->detached = true;
		if (m->parent != m)
			mount_unhash(m, &m->was_on);
	}
}

// Gives back what the tree held. namespace_lock is dropped; may sleep.
static void umount_finish(struct list_head *gone)
{
	synchronize_rcu_expedited();
	while (!list_empty(gone)) {
		struct mount *m = list_last_entry(gone, struct mount, ns_list);	// children before parents

		list_del_init(&m->ns_list);
		if (m->was_on.mnt)
			path_put(&m->was_on);
		mnt_put(m);
	}
}

static int remount_sb_locked(struct super_block *sb, u32 flags, const char *data) REQUIRES(&sb->umount)
{
	u32 old = sb->flags;
	int err = (flags & SB_RDONLY) && !(old & SB_RDONLY) ? sb_stop_writers(sb) : 0;

	if (err)
		return err;
	err = sb_remount(sb, flags, data);
	if (err)
		WRITE_ONCE(sb->flags, old);
	return err;
}

static int umount_root_fs(struct mount *m)
{
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	down_write(&m->sb->umount);
	err = m->sb->flags & SB_RDONLY ? 0 : remount_sb_locked(m->sb, m->sb->flags | SB_RDONLY, NULL);
	up_write(&m->sb->umount);
	return err;
}

static int umount_locked(struct mount *m, int flags, struct list_head *gone)
{
	if (!in_my_ns(m) || (m->flags & MNT_LOCKED))
		return -EINVAL;
	if (m->parent == m)
		return -EINVAL;
	mount_write_lock();
	if (!(flags & UMOUNT_DETACH)) {
		smp_mb();	// pairs with those that take references under the sequence just begun
		if (!list_empty(&m->children) || mnt_count(m) > 2) {
			mount_write_unlock();
			return -EBUSY;
		}
		if (flags & UMOUNT_EXPIRE && !m->expiring) {
			m->expiring = true;
			mount_write_unlock();
			return -EAGAIN;
		}
	}
	umount_tree(m, gone);
	mount_write_unlock();
	return 0;
}

int do_umount(const struct path *p, int flags)
{
	struct mount *m = p->mnt;
	LIST_HEAD(gone);
	int err;

	if (p->dentry != m->root || !in_my_ns(m))
		return -EINVAL;
	if (m->flags & MNT_LOCKED)
		return -EINVAL;
	if ((flags & UMOUNT_FORCE) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((flags & UMOUNT_EXPIRE) && (m == current->fs->root.mnt || (flags & (UMOUNT_FORCE | UMOUNT_DETACH))))
		return -EINVAL;
	if (m == current->fs->root.mnt && !(flags & UMOUNT_DETACH))
		return umount_root_fs(m);
	mutex_lock(&namespace_lock);
	err = umount_locked(m, flags, &gone);
	mutex_unlock(&namespace_lock);
	if (!err)
		umount_finish(&gone);
	return err;
}

// ---- putting into the tree ------------------------------------------------------------------------------------------

// The place where a mount on *where goes: on top of what is mounted there. namespace_lock is taken; undo with mutex_unlock and path_put.
static int lock_mountpoint(const struct path *where, struct path *out) TRY_ACQUIRES(0, &namespace_lock)
{
	*out = *where;
	path_get(out);
	mutex_lock(&namespace_lock);
	(void)path_follow_mounts(out);
	if (out->dentry->flags & D_UNHASHED && out->dentry != out->dentry->parent) {
		mutex_unlock(&namespace_lock);
		path_put(out);
		return -ENOENT;
	}
	return 0;
}

static void unlock_mountpoint(struct path *p) RELEASES(&namespace_lock)
{
	mutex_unlock(&namespace_lock);
	path_put(p);
}

static void ns_add_tree(struct mount_namespace *ns, struct mount *root)
{
	for (struct mount *m = root; m; m = mount_next(m, root)) {
		m->ns = ns;
		m->detached = false;
		list_add_tail(&m->ns_list, &ns->list);
		ns->nr_mounts++;
	}
	ns_touch(ns);
}

// Puts the tree at m on p. Its reference is consumed on success.
static int graft(struct mount *m, const struct path *p)
{
	if (m->sb->flags & SB_NOUSER)
		return -EINVAL;
	if (!p->mnt->ns || !in_my_ns(p->mnt))
		return -EINVAL;
	if (d_is_dir(p->dentry) != d_is_dir(m->root))
		return -ENOTDIR;
	mount_write_lock();
	mount_attach(m, p->mnt, p->dentry, p->mnt->ns);
	ns_add_tree(p->mnt->ns, m);
	mount_write_unlock();
	return 0;
}

// A tree that is in no namespace, and nobody saw.
static void tree_drop(struct mount *root)
{
	LIST_HEAD(gone);

	mount_write_lock();
	umount_tree(root, &gone);
	mount_write_unlock();
	umount_finish(&gone);
}

static int tree_clone_children(struct mount *old, struct dentry *from, struct mount *copy, u32 skip)
{
	struct mount *c, *n;
	int err;

	list_for_each_entry(c, &old->children, child) {
		if (!d_is_ancestor(from, c->mountpoint) || (c->flags & skip))
			continue;
		err = mount_clone(c, c->root, &n);
		if (err)
			return err;
		mount_write_lock();
		mount_attach(n, copy, c->mountpoint, NULL);
		mount_write_unlock();
		err = tree_clone_children(c, c->root, n, skip);
		if (err)
			return err;
	}
	return 0;
}

static int tree_clone(const struct path *from, bool recursive, u32 skip, struct mount **out)
{
	struct mount *m;
	int err = mount_clone(from->mnt, from->dentry, &m);

	if (err)
		return err;
	if (recursive)
		err = tree_clone_children(from->mnt, from->dentry, m, skip);
	if (err) {
		tree_drop(m);
		return err;
	}
	*out = m;
	return 0;
}

static int do_bind(const char *source, const struct path *where, bool recursive)
{
	struct path old, p;
	struct mount *m;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = kern_path(source, LOOKUP_FOLLOW, &old);
	if (err)
		return err;
	err = lock_mountpoint(where, &p);
	if (err)
		goto put_old;
	err = -EINVAL;
	if (old.mnt->flags & MNT_UNBINDABLE || !in_my_ns(p.mnt) || !in_my_ns(old.mnt))
		goto unlock;
	err = tree_clone(&old, recursive, MNT_UNBINDABLE, &m);
	if (err)
		goto unlock;
	err = graft(m, &p);
	if (err)
		tree_drop(m);
unlock:
	unlock_mountpoint(&p);
put_old:
	path_put(&old);
	return err;
}

static int do_new_mount(const char *source, const struct path *where, const char *type, u32 sb_flags, u32 mnt_flags, const char *data)
{
	const struct fs_type *t;
	struct super_block *sb;
	struct dentry *root;
	struct mount *m;
	struct path p;
	int err;

	if (!type)
		return -EINVAL;
	t = fs_find(type);
	if (!t || (t->flags & FS_INTERNAL))
		return -ENODEV;
	if (!(t->flags & FS_USERNS_MOUNT) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = t->mount(t, sb_flags, source, data, &root);
	if (err)
		return err;
	sb = root->sb;
	err = mount_make(root, source, mnt_flags, &m);
	if (err) {
		dput(root);
		sb_put_active(sb);
		return err;
	}
	err = lock_mountpoint(where, &p);
	if (err) {
		mnt_put(m);
		return err;
	}
	if (p.mnt->sb == sb && p.dentry == p.mnt->root && p.mnt->root == root)
		err = -EBUSY;		// the same on top of itself
	else
		err = graft(m, &p);
	unlock_mountpoint(&p);
	if (err)
		mnt_put(m);
	return err;
}

static bool mount_is_below(const struct mount *m, const struct mount *root)
{
	for (; m != root; m = m->parent) {
		if (m == m->parent)
			return false;
	}
	return true;
}

static int do_move(const char *source, const struct path *where)
{
	struct path old, p, from;
	struct mount *m;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = kern_path(source, LOOKUP_FOLLOW, &old);
	if (err)
		return err;
	m = old.mnt;
	err = lock_mountpoint(where, &p);
	if (err)
		goto put_old;
	err = -EINVAL;
	if (!in_my_ns(p.mnt) || !in_my_ns(m) || old.dentry != m->root || m->parent == m || (m->flags & MNT_LOCKED) || (m->parent->flags & MNT_SHARED))
		goto unlock;
	if (d_is_dir(p.dentry) != d_is_dir(m->root))
		goto unlock;
	err = -ELOOP;
	if (mount_is_below(p.mnt, m))
		goto unlock;
	err = 0;
	mount_write_lock();
	mount_unhash(m, &from);
	mount_attach(m, p.mnt, p.dentry, m->ns);
	ns_touch(m->ns);
	mount_write_unlock();
	path_put(&from);
unlock:
	unlock_mountpoint(&p);
put_old:
	path_put(&old);
	return err;
}

#define MNT_USER_FLAGS (MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_NOATIME | MNT_NODIRATIME | MNT_RELATIME | MNT_READONLY | MNT_NOSYMFOLLOW)
static int set_mount_flags(struct mount *m, u32 flags, bool check_writers)
{
	u32 old;
	int err = 0;

	mount_write_lock();
	old = m->flags;
	WRITE_ONCE(m->flags, (old & ~MNT_USER_FLAGS) | flags);
	smp_mb();	// pairs with mnt_want_write(): who counts itself after we looked sees the flag
	if (check_writers && (flags & MNT_READONLY) && !(old & MNT_READONLY) && atomic_read(&m->writers)) {
		WRITE_ONCE(m->flags, old);
		err = -EBUSY;
	}
	mount_write_unlock();
	return err;
}

static int do_remount(const struct path *p, u64 flags, u32 mnt_flags, const char *data)
{
	struct super_block *sb = p->mnt->sb;
	int err;

	if (!in_my_ns(p->mnt) || p->dentry != p->mnt->root)
		return -EINVAL;
	// Remounting without any of the atime flags keeps what was there.
	if (!(flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)))
		mnt_flags = (mnt_flags & ~(MNT_NOATIME | MNT_NODIRATIME | MNT_RELATIME)) | (p->mnt->flags & (MNT_NOATIME | MNT_NODIRATIME | MNT_RELATIME));
	if (flags & MS_BIND)
		return set_mount_flags(p->mnt, mnt_flags, true);
	if (!ns_capable(sb->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	down_write(&sb->umount);
	err = remount_sb_locked(sb, flags, data);
	up_write(&sb->umount);
	return err ? err : set_mount_flags(p->mnt, mnt_flags, false);
}

// Mount propagation is not there yet: everything is private, and can be declared so.
static int do_change_type(const struct path *p, u64 flags)
{
	u64 type = flags & ~(u64)(MS_REC | MS_SILENT);
	struct mount *m;

	if (p->dentry != p->mnt->root)
		return -EINVAL;
	if (type & (type - 1) || (type & (MS_SHARED)))
		return -EINVAL;
	mutex_lock(&namespace_lock);
	mount_write_lock();
	for (m = p->mnt; m; m = flags & MS_REC ? mount_next(m, p->mnt) : NULL)
		m->flags = (m->flags & ~MNT_UNBINDABLE) | (type == MS_UNBINDABLE ? MNT_UNBINDABLE : 0);
	mount_write_unlock();
	mutex_unlock(&namespace_lock);
	return 0;
}

static u32 mount_flags_of(u64 flags)
{
	u32 m = flags & MS_NOATIME ? 0 : MNT_RELATIME;

	m |= (flags & MS_NOSUID ? MNT_NOSUID : 0) | (flags & MS_NODEV ? MNT_NODEV : 0) | (flags & MS_NOEXEC ? MNT_NOEXEC : 0) |
	     (flags & MS_NOATIME ? MNT_NOATIME : 0) | (flags & MS_NODIRATIME ? MNT_NODIRATIME : 0) | (flags & MS_RDONLY ? MNT_READONLY : 0) |
	     (flags & 256 /* MS_NOSYMFOLLOW */ ? MNT_NOSYMFOLLOW : 0);
	if (flags & MS_STRICTATIME)
		m &= ~(MNT_RELATIME | MNT_NOATIME);
	return m;
}

int do_mount(const char *source, const struct path *where, const char *type, u64 flags, const char *data)
{
	u32 mnt_flags;

	if ((flags & 0xffff0000) == 0xc0ed0000)		// the magic of old programs
		flags &= ~0xffff0000ull;
	if (!may_mount())
		return -EPERM;
	mnt_flags = mount_flags_of(flags);
	if ((flags & (MS_REMOUNT | MS_BIND)) == (MS_REMOUNT | MS_BIND) || (flags & MS_REMOUNT))
		return do_remount(where, flags, mnt_flags, data);
	if (flags & MS_BIND)
		return do_bind(source, where, flags & MS_REC);
	if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
		return do_change_type(where, flags);
	if (flags & MS_MOVE)
		return do_move(source, where);
	return do_new_mount(source, where, type, flags & (SB_RDONLY | SB_SYNCHRONOUS | SB_SILENT | SB_LAZYTIME), mnt_flags, data);
}

// ---- pivot_root -----------------------------------------------------------------------------------------------------

static bool path_reachable(struct mount *m, struct dentry *d, const struct path *root)
{
	while (m != root->mnt && m->parent != m) {
		d = m->mountpoint;
		m = m->parent;
	}
	return m == root->mnt && d_is_ancestor(root->dentry, d);
}

// Tasks whose root or current directory is the old root go to the new one.
static void move_tasks(const struct path *old, const struct path *new)
{
	struct process *p;
	struct task *t;

	tasklist_read_lock();			// see set_fs_root_locked()
	for_each_process(p) {
		for_each_thread(p, t) {
			spin_lock(&t->alloc_lock);
			if (t->fs) {
				if (path_equal(&t->fs->root, old))
					set_fs_root_locked(t->fs, new, true);
				if (path_equal(&t->fs->pwd, old))
					set_fs_root_locked(t->fs, new, false);
			}
			spin_unlock(&t->alloc_lock);
		}
	}
	tasklist_read_unlock();
}

static int pivot_checks(const struct path *new, const struct path *old, const struct path *root)
{
	struct mount *nm = new->mnt, *om = old->mnt, *rm = root->mnt;

	if ((om->flags | nm->parent->flags | rm->parent->flags) & MNT_SHARED)
		return -EINVAL;
	if (!in_my_ns(rm) || !in_my_ns(nm) || (nm->flags & MNT_LOCKED))
		return -EINVAL;
	if (new->dentry->flags & D_UNHASHED && new->dentry != new->dentry->parent)
		return -ENOENT;
	if (nm == rm || om == rm)
		return -EBUSY;
	if (root->dentry != rm->root || rm->parent == rm || new->dentry != nm->root || nm->parent == nm)
		return -EINVAL;
	return path_reachable(om, old->dentry, new) && path_reachable(nm, new->dentry, root) ? 0 : -EINVAL;
}

int do_pivot_root(const struct path *new_root, const struct path *put_old)
{
	struct path root, old, new_where, root_where;
	int err = lock_mountpoint(put_old, &old);

	if (err)
		return err;
	get_fs_root(current->fs, &root);
	err = pivot_checks(new_root, &old, &root);
	if (err)
		goto out;
	mount_write_lock();
	mount_unhash(new_root->mnt, &new_where);
	mount_unhash(root.mnt, &root_where);
	mount_attach(root.mnt, old.mnt, old.dentry, root.mnt->ns);
	mount_attach(new_root->mnt, root_where.mnt, root_where.dentry, root.mnt->ns);
	ns_touch(root.mnt->ns);
	mount_write_unlock();
	path_put(&new_where);
	path_put(&root_where);
	move_tasks(&root, new_root);
out:
	path_put(&root);
	unlock_mountpoint(&old);
	return err;
}

// ---- namespaces -----------------------------------------------------------------------------------------------------

int mount_ns_alloc(struct user_namespace *user_ns, struct mount_namespace **out)
{
	struct mount_namespace *ns = kalloc(sizeof(*ns), GFP_KERNEL);

	if (!ns)
		return -ENOMEM;
	ref_init(&ns->ref, 1);
	INIT_LIST_HEAD(&ns->list);
	waitq_init(&ns->poll);
	ns->user_ns = user_ns;
	ref_get(&user_ns->ref);
	ns->id = atomic64_inc_return(&ns_ids);
	*out = ns;
	return 0;
}

// Where the copy of p.mnt is: both trees are walked in step.
static void fs_follow_copy(struct fs_context *fs, struct mount *old, struct mount *new) NO_LOCK_ANALYSIS	// a copy that is not published yet
{
	struct path p;

	if (fs->root.mnt == old) {
		p = (struct path){ new, fs->root.dentry };
		set_fs_root(fs, &p);
	}
	if (fs->pwd.mnt == old) {
		p = (struct path){ new, fs->pwd.dentry };
		set_fs_pwd(fs, &p);
	}
}

int copy_mount_ns(u64 flags, struct mount_namespace *ns, struct user_namespace *user_ns, struct fs_context *new_fs, struct mount_namespace **out)
{
	struct mount_namespace *new;
	struct path from;
	struct mount *copy, *o, *n;
	int err;

	if (!(flags & CLONE_NEWNS)) {
		ref_get(&ns->ref);
		*out = ns;
		return 0;
	}
	err = mount_ns_alloc(user_ns, &new);
	if (err)
		return err;
	mutex_lock(&namespace_lock);
	from = (struct path){ ns->root, ns->root->root };
	err = tree_clone(&from, true, 0, &copy);
	if (err) {
		mutex_unlock(&namespace_lock);
		mount_ns_put(new);
		return err;
	}
	mount_write_lock();
	new->root = copy;
	ns_add_tree(new, copy);
	mount_write_unlock();
	for (o = ns->root, n = copy; o && n; o = mount_next(o, ns->root), n = mount_next(n, copy)) {
		if (new_fs)
			fs_follow_copy(new_fs, o, n);
	}
	mutex_unlock(&namespace_lock);
	*out = new;
	return 0;
}

void mount_ns_put(struct mount_namespace *ns)
{
	LIST_HEAD(gone);

	if (!ref_put(&ns->ref))
		return;
	if (ns->root) {
		mutex_lock(&namespace_lock);
		mount_write_lock();
		umount_tree(ns->root, &gone);
		mount_write_unlock();
		mutex_unlock(&namespace_lock);
		umount_finish(&gone);
	}
	// user_ns references are returned by the credential code's put.
	kfree(ns);
}
