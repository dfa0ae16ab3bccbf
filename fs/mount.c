// Mounts: the objects, the hash by which the walk crosses them, their counts. Changes of the tree are in mount_ops.c.
//
// A mount in a tree is kept by that; references are counted per CPU and nobody sums them. When it is taken out of the tree, `detached` is
// set under mount_lock, a grace period passes (whoever saw it attached has finished his put), and from then on each put sums.
#include "fs/mount_internal.h"
#include "kern/panic.h"
#include "kern/percpu_alloc.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/xarray.h"
#include "task/cred.h"
#include "task/nsproxy.h"
#include <linux/capability.h>

#define MOUNT_HASH_BITS 9

DEFINE_LOCK_CLASS(mount_lock_class, LOCK_TASK);
DEFINE_LOCK_CLASS(mount_ids_class, LOCK_TASK);
struct seqlock mount_lock = SEQLOCK_INIT(&mount_lock_class);
static struct hlist_head mount_table[1 << MOUNT_HASH_BITS];	// (parent, mountpoint); written under mount_lock
static struct hlist_head mountpoints[1 << MOUNT_HASH_BITS];	// by mountpoint; under mount_lock
static struct xarray mount_ids;

void mount_write_lock(void) ACQUIRES(&mount_lock.lock)
{
	spin_lock(&mount_lock.lock);
	seq_write_begin(&mount_lock.count);
}

void mount_write_unlock(void) RELEASES(&mount_lock.lock)
{
	seq_write_end(&mount_lock.count);
	spin_unlock(&mount_lock.lock);
}

static struct hlist_head *mount_bucket(const struct mount *parent, const struct dentry *mp)
{
	return &mount_table[hash_64((u64)parent + (u64)mp * 31, MOUNT_HASH_BITS)];
}

struct mount *mount_lookup(struct mount *parent, struct dentry *mp)
{
	struct mount *m;

	hlist_for_each_entry_rcu(m, mount_bucket(parent, mp), hash) {
		if (READ_ONCE(m->parent) == parent && READ_ONCE(m->mountpoint) == mp)
			return m;
	}
	return NULL;
}

// ---- counts ---------------------------------------------------------------------------------------------------------

void mnt_get(struct mount *m)
{
	this_cpu_inc(*m->count);
}

static NOINLINE bool mnt_get_detached(struct mount *m)
{
	bool alive;

	spin_lock(&mount_lock.lock);
	alive = !m->doomed;
	if (alive)
		this_cpu_inc(*m->count);
	spin_unlock(&mount_lock.lock);
	return alive;
}

bool mnt_get_unless_dead(struct mount *m)
{
	// In a tree: umount waits for this section before it gives the tree's reference back.
	if (likely(!READ_ONCE(m->detached))) {
		this_cpu_inc(*m->count);
		return true;
	}
	return mnt_get_detached(m);
}

long mnt_count(const struct mount *m)
{
	long n = 0;

	for_each_possible_cpu(cpu)
		n += READ_ONCE(*per_cpu_ptr(m->count, cpu));
	return n;
}

static void mount_free_rcu(struct rcu_head *head)
{
	struct mount *m = CONTAINER_OF(head, struct mount, rcu);

	percpu_free(m->count);
	kfree(m->source);
	kfree(m);
}

static void mount_destroy(struct mount *m)
{
	(void)xa_erase(&mount_ids, m->id);
	dput(m->root);
	sb_put_active(m->sb);
	call_rcu(&m->rcu, mount_free_rcu);
}

static NOINLINE void mnt_put_detached(struct mount *m)
{
	bool last;

	// Sums exclude each other and mnt_get_detached(); other references come only from those that exist: a sum of 0 stays 0.
	spin_lock(&mount_lock.lock);
	smp_mb();			// pairs with the one in legitimize() of namei.c
	this_cpu_dec(*m->count);
	last = mnt_count(m) == 0;
	m->doomed = last;
	spin_unlock(&mount_lock.lock);
	if (last)
		mount_destroy(m);
}

void mnt_put(struct mount *m)
{
	if (!m)
		return;
	rcu_read_lock();
	if (likely(!READ_ONCE(m->detached))) {
		this_cpu_dec(*m->count);
		rcu_read_unlock();
		return;
	}
	rcu_read_unlock();
	mnt_put_detached(m);
}

int mnt_want_write(struct mount *m)
{
	atomic_inc(&m->writers);
	smp_mb__after_atomic();		// pairs with those of sb_stop_writers() and set_mount_flags()
	if (unlikely(READ_ONCE(m->flags) & MNT_READONLY) || unlikely(READ_ONCE(m->sb->flags) & SB_RDONLY)) {
		atomic_dec(&m->writers);
		return -EROFS;
	}
	return 0;
}

void mnt_drop_write(struct mount *m)
{
	atomic_dec(&m->writers);
}

int sb_stop_writers(struct super_block *sb)
{
	struct mount *m;
	u32 old = sb->flags;
	bool busy = false;

	mount_write_lock();
	WRITE_ONCE(sb->flags, old | SB_RDONLY);
	smp_mb();			// pairs with mnt_want_write()
	for (u32 i = 0; i < ARRAY_SIZE(mount_table) && !busy; i++) {
		hlist_for_each_entry(m, &mount_table[i], hash)
			busy |= m->sb == sb && atomic_read(&m->writers);
	}
	if (busy)
		WRITE_ONCE(sb->flags, old);
	mount_write_unlock();
	return busy ? -EBUSY : 0;
}

// ---- making ---------------------------------------------------------------------------------------------------------

int mount_make(struct dentry *root, const char *source, u32 flags, struct mount **out)
{
	struct mount *m = kalloc(sizeof(*m), GFP_KERNEL);
	u32 id;

	if (!m)
		return -ENOMEM;
	m->count = percpu_new(long);
	m->source = kstrdup(source ? source : "none", GFP_KERNEL);
	if (!m->count || !m->source || xa_alloc(&mount_ids, &id, xa_mk_value(1), 1, S32_MAX, GFP_KERNEL)) {
		percpu_free(m->count);
		kfree(m->source);
		kfree(m);
		return -ENOMEM;
	}
	m->id = id;
	m->root = root;
	m->sb = root->sb;
	m->flags = flags;
	m->parent = m;
	m->mountpoint = root;
	m->detached = true;
	INIT_LIST_HEAD(&m->children);
	INIT_LIST_HEAD(&m->child);
	INIT_LIST_HEAD(&m->ns_list);
	INIT_LIST_HEAD(&m->share);
	INIT_LIST_HEAD(&m->slaves);
	INIT_LIST_HEAD(&m->slave);
	mnt_get(m);
	*out = m;
	return 0;
}

int mount_clone(struct mount *old, struct dentry *root, struct mount **out)
{
	int err;

	dget(root);
	err = mount_make(root, old->source, old->flags & ~(MNT_SHARED | MNT_LOCKED | MNT_INTERNAL), out);
	if (err) {
		dput(root);
		return err;
	}
	atomic_inc(&old->sb->active);
	return 0;
}

int kern_mount(struct fs_type *t, struct mount **out)
{
	struct dentry *root;
	int err = t->mount(t, SB_NOUSER, t->name, NULL, &root);

	if (err)
		return err;
	err = mount_make(root, t->name, MNT_INTERNAL, out);
	if (err) {
		struct super_block *sb = root->sb;

		dput(root);
		sb_put_active(sb);
		return err;
	}
	(*out)->detached = false;	// for ever: its puts need not sum
	return 0;
}

// ---- the tree: mount_lock held for write ----------------------------------------------------------------------------

// Puts m (its tree reference is the caller's to give) on mp in parent.
void mount_attach(struct mount *m, struct mount *parent, struct dentry *mp, struct mount_namespace *ns)
{
	mnt_get(parent);
	dget(mp);
	m->parent = parent;
	m->mountpoint = mp;
	spin_lock(&mp->lock);
	WRITE_ONCE(mp->flags, mp->flags | D_MOUNTED);
	spin_unlock(&mp->lock);
	hlist_add_head_rcu(&m->hash, mount_bucket(parent, mp));
	hlist_add_head(&m->mp_list, &mountpoints[hash_ptr(mp, MOUNT_HASH_BITS)]);
	list_add_tail(&m->child, &parent->children);
	m->ns = ns;
	m->detached = false;
}

// Takes m off its mountpoint. The references on parent and mountpoint go to the caller.
void mount_unhash(struct mount *m, struct path *where)
{
	struct dentry *mp = m->mountpoint;
	struct mount *o;

	*where = (struct path){ m->parent, mp };
	hlist_del_init_rcu(&m->hash);
	hlist_del_init(&m->mp_list);
	list_del_init(&m->child);
	m->parent = m;
	m->mountpoint = m->root;
	hlist_for_each_entry(o, &mountpoints[hash_ptr(mp, MOUNT_HASH_BITS)], mp_list) {
		if (o->mountpoint == mp)
			return;
	}
	spin_lock(&mp->lock);
	WRITE_ONCE(mp->flags, mp->flags & ~D_MOUNTED);
	spin_unlock(&mp->lock);
}

// Next of the tree below root in pre-order; null at the end.
struct mount *mount_next(struct mount *m, struct mount *root)
{
	struct list_head *next = m->children.next;

	if (next != &m->children)
		return list_entry(next, struct mount, child);
	for (; m != root; m = m->parent) {
		next = m->child.next;
		if (next != &m->parent->children)
			return list_entry(next, struct mount, child);
	}
	return NULL;
}

// ---- crossing -------------------------------------------------------------------------------------------------------

// The mount on (mnt, d), counted, or null.
static struct mount *mount_lookup_get(struct mount *mnt, struct dentry *d)
{
	struct mount *m;
	u32 seq;

	for (;;) {
		rcu_read_lock();
		seq = seq_read_begin(&mount_lock.count);
		m = mount_lookup(mnt, d);
		if (m) {
			mnt_get(m);
			smp_mb();	// pairs with the one before umount's sum
		}
		if (likely(!seq_read_retry(&mount_lock.count, seq))) {
			rcu_read_unlock();
			return m;
		}
		rcu_read_unlock();
		mnt_put(m);
	}
}

bool path_follow_mounts(struct path *p)
{
	bool moved = false;

	while (unlikely(READ_ONCE(p->dentry->flags) & D_MOUNTED)) {
		struct mount *m = mount_lookup_get(p->mnt, p->dentry);

		if (!m)
			break;
		dput(p->dentry);
		mnt_put(p->mnt);
		p->mnt = m;
		p->dentry = m->root;
		dget(p->dentry);
		moved = true;
	}
	return moved;
}

bool path_up_mount(struct path *p)
{
	struct path up;

	spin_lock(&mount_lock.lock);
	up = (struct path){ p->mnt->parent, p->mnt->mountpoint };
	if (up.mnt == p->mnt) {
		spin_unlock(&mount_lock.lock);
		return false;
	}
	path_get(&up);
	spin_unlock(&mount_lock.lock);
	path_put(p);
	*p = up;
	return true;
}

struct mount_namespace *current_mount_ns(void)
{
	return current->nsproxy->mnt;
}

bool may_mount(void)
{
	return ns_capable(current_mount_ns()->user_ns, CAP_SYS_ADMIN);
}

INIT void mount_init(void)
{
	xa_init(&mount_ids, &mount_ids_class);
}
