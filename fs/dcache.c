// Dentries: the cache of names. What is being looked up: dcache_lookup.c; giving memory back: dcache_shrink.c. The walk that reads the
// cache without locks is in namei.c; docs/fs.md has the argument.
//
// dentry.count: >= 0 alive, DEAD_COUNT once killed. Taking a reference on an entry whose lock is free is one cmpxchg of the word that
// holds both. In lock-checking builds the lock does not fit, and the lock is taken instead.
#include "fs/dcache.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "fs/file.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"
#include "arch/percpu.h"
#include <linux/stat.h>

#define DEAD_COUNT (-128)
#define LOCKREF_FAST (sizeof(struct spinlock) == sizeof(u32))
#define BUCKET_LOCKS 128

// Names that do not fit in the dentry; shared by d_move(), freed by RCU.
struct long_name {
	struct rcu_head rcu;
	struct ref ref;
	char name[] ALIGNED(8);
};

struct bucket_lock {
	struct spinlock lock;
} CACHE_ALIGNED;

DEFINE_LOCK_CLASS_NESTABLE(dentry_lock_class, LOCK_TASK);
DEFINE_LOCK_CLASS(bucket_lock_class, LOCK_TASK);
DEFINE_LOCK_CLASS(rename_lock_class, LOCK_TASK);

struct seqlock rename_lock = SEQLOCK_INIT(&rename_lock_class);
static struct hlist_head *dentry_table RO_AFTER_INIT;
static u32 dentry_shift RO_AFTER_INIT;
static struct bucket_lock bucket_locks[BUCKET_LOCKS];
BUILD_ASSERT(offsetof(struct dentry, inline_name) % 8 == 0, "names are compared by words");
static struct kmem_cache *dentry_cache RO_AFTER_INIT;
STATIC_PER_CPU(s64, nr_dentry);

static ALWAYS_INLINE struct hlist_head *d_bucket(u32 hash)
{
	return &dentry_table[hash >> dentry_shift];
}

static struct spinlock *d_bucket_lock(u32 hash)
{
	return &bucket_locks[(hash >> dentry_shift) % BUCKET_LOCKS].lock;
}

void qstr_init(struct qstr *q, const struct dentry *parent, const char *name, size_t len)
{
	q->hash = name_hash_value(name_hash_n(name, len, (u64)parent));
	q->len = len;
	q->name = name;
}

// ---- references -----------------------------------------------------------------------------------------------------

// Adds delta when the lock is free and the count at least min.
static ALWAYS_INLINE bool lockref_add(struct dentry *d, s32 delta, s32 min)
{
	u64 old;

	if (!LOCKREF_FAST)
		return false;
	old = READ_ONCE(d->lockref);
	while (likely((u32)old == 0 && (s32)(old >> 32) >= min)) {
		if (likely(try_cmpxchg(&d->lockref, &old, old + ((u64)(s64)delta << 32))))
			return true;
	}
	return false;
}

void dget(struct dentry *d)
{
	if (likely(lockref_add(d, 1, 0)))
		return;
	spin_lock(&d->lock);
	DEBUG_ASSERT(d->count >= 0);
	d->count++;
	spin_unlock(&d->lock);
}

bool dget_unless_dead(struct dentry *d)
{
	bool alive;

	if (likely(lockref_add(d, 1, 0)))
		return true;
	spin_lock(&d->lock);
	alive = d->count >= 0;
	if (alive)
		d->count++;
	spin_unlock(&d->lock);
	return alive;
}

static struct long_name *d_long_name(const struct dentry *d)
{
	return d->name.name == d->inline_name ? NULL :
		(struct long_name *)(void *)((char *)(uintptr_t)d->name.name - offsetof(struct long_name, name));
}

static void long_name_put(struct long_name *n)
{
	if (n && ref_put(&n->ref))
		kfree_rcu(n, rcu);
}

static void d_free_rcu(struct rcu_head *head)
{
	struct dentry *d = CONTAINER_OF(head, struct dentry, rcu);
	struct long_name *n = d_long_name(d);

	if (n && ref_put(&n->ref))
		kfree(n);
	kmem_cache_free(dentry_cache, d);
}

static void d_lru_del(struct dentry *d) REQUIRES(&d->lock)
{
	struct super_block *sb = d->sb;

	spin_lock(&sb->lock);
	if (d->flags & D_LRU) {
		WRITE_ONCE(d->flags, d->flags & ~D_LRU);
		list_del_init(&d->lru);
		sb->nr_dentry_unused--;
	}
	spin_unlock(&sb->lock);
}

static void d_lru_add(struct dentry *d) REQUIRES(&d->lock)
{
	struct super_block *sb = d->sb;

	spin_lock(&sb->lock);
	if (!(d->flags & D_LRU)) {
		WRITE_ONCE(d->flags, d->flags | D_LRU);
		list_add(&d->lru, &sb->dentry_lru);
		sb->nr_dentry_unused++;
	}
	spin_unlock(&sb->lock);
}

static void d_unhash_locked(struct dentry *d) REQUIRES(&d->lock)
{
	struct spinlock *b = d_bucket_lock(d->name.hash);

	if (d->flags & D_UNHASHED)
		return;
	spin_lock(b);
	hlist_del_init_rcu(&d->hash);
	spin_unlock(b);
	WRITE_ONCE(d->flags, d->flags | D_UNHASHED);
	seq_invalidate(&d->seq);
}

static void d_hash_locked(struct dentry *d) REQUIRES(&d->lock)
{
	struct spinlock *b = d_bucket_lock(d->name.hash);

	WRITE_ONCE(d->flags, d->flags & ~D_UNHASHED);
	spin_lock(b);
	hlist_add_head_rcu(&d->hash, d_bucket(d->name.hash));
	spin_unlock(b);
}

// Takes the inode out of a dead or negative-to-be entry; the caller puts it when no lock is held.
static struct inode *d_take_inode(struct dentry *d) REQUIRES(&d->lock)
{
	struct inode *inode = d->inode;

	if (!inode)
		return NULL;
	spin_lock(&inode->lock);
	hlist_del_init(&d->alias);
	spin_unlock(&inode->lock);
	seq_write_begin(&d->seq);
	WRITE_ONCE(d->inode, NULL);
	WRITE_ONCE(d->flags, d->flags & ~(7u << D_TYPE_SHIFT));
	seq_write_end(&d->seq);
	return inode;
}

// Locks d's parent in front of d, whose lock is held. False: d got a user meanwhile or is dead; nothing is locked any more.
// *out is null for a root. RCU read section.
static bool d_lock_parent(struct dentry *d, struct dentry **out) NO_LOCK_ANALYSIS	// hands the locks over
{
	struct dentry *p = d->parent;

	for (;;) {
		if (p == d) {
			*out = NULL;
			return true;
		}
		if (spin_trylock(&p->lock)) {
			*out = p;
			return true;
		}
		spin_unlock(&d->lock);
		spin_lock(&p->lock);
		spin_lock(&d->lock);
		if (d->count != 0) {
			spin_unlock(&d->lock);
			spin_unlock(&p->lock);
			return false;
		}
		if (d->parent == p) {
			*out = p;
			return true;
		}
		spin_unlock(&p->lock);
		p = d->parent;
	}
}

struct dentry *d_kill(struct dentry *d, struct inode **inode) NO_LOCK_ANALYSIS	// d_lock_parent()'s locks
{
	struct dentry *parent;

	*inode = NULL;
	if (!d_lock_parent(d, &parent))
		return NULL;
	d->count = DEAD_COUNT;
	d_unhash_locked(d);
	if (d->flags & D_LRU)
		d_lru_del(d);
	if (parent) {
		list_del(&d->child);
		spin_unlock(&parent->lock);
	}
	WRITE_ONCE(d->flags, d->flags | D_KILLED);
	*inode = d_take_inode(d);
	spin_unlock(&d->lock);
	if (d->ops && d->ops->release)
		d->ops->release(d);
	this_cpu_dec(nr_dentry);
	call_rcu(&d->rcu, d_free_rcu);
	return parent;
}

// An unused entry stays when it can be found again.
static bool d_retain(struct dentry *d) REQUIRES(&d->lock)
{
	if (d->flags & (D_UNHASHED | D_DISCONNECTED))
		return false;
	if ((d->flags & D_OP_DELETE) && d->ops->delete(d))
		return false;
	if (d->flags & D_LRU)
		WRITE_ONCE(d->flags, d->flags | D_REFERENCED);
	else
		d_lru_add(d);
	return true;
}

// The count falls to 0 without the lock when the entry already is on the LRU and marked. True: done.
static bool dput_lockless(struct dentry *d)
{
	const u32 want = D_LRU | D_REFERENCED;

	if ((READ_ONCE(d->flags) & (want | D_UNHASHED | D_OP_DELETE)) != want || !lockref_add(d, -1, 1))
		return false;
	if (likely(!(READ_ONCE(d->flags) & D_UNHASHED)))
		return true;
	// Unhashed since: whoever did that may not have seen the count at 0. Count it again and take the slow way.
	return !dget_unless_dead(d);
}

static struct dentry *dput_slow(struct dentry *d)
{
	struct dentry *parent = NULL;
	struct inode *inode = NULL;

	rcu_read_lock();
	if (dput_lockless(d))
		goto out;
	spin_lock(&d->lock);
	DEBUG_ASSERT(d->count > 0);
	if (--d->count > 0 || d_retain(d))
		spin_unlock(&d->lock);
	else
		parent = d_kill(d, &inode);
out:
	rcu_read_unlock();
	iput(inode);
	return parent;
}

void dput(struct dentry *d)
{
	while (d) {
		if (likely(lockref_add(d, -1, 2)))
			return;
		d = dput_slow(d);
	}
}

// ---- making ---------------------------------------------------------------------------------------------------------

static int d_set_name(struct dentry *d, const struct qstr *name)
{
	char *to = d->inline_name;

	if (name->len >= DNAME_INLINE) {
		struct long_name *n = kalloc(ALIGN_UP(sizeof(*n) + name->len + 1, 8), GFP_KERNEL);

		if (!n)
			return -ENOMEM;
		ref_init(&n->ref, 1);
		to = n->name;
	}
	memcpy(to, name->name, name->len);
	to[name->len] = 0;
	d->name = (struct qstr){ .hash = name->hash, .len = name->len, .name = to };
	return 0;
}

static int d_alloc_sb(struct super_block *sb, const struct qstr *name, struct dentry **out)
{
	struct dentry *d = kmem_cache_alloc(dentry_cache, GFP_KERNEL);

	if (!d)
		return -ENOMEM;
	if (d_set_name(d, name)) {
		kmem_cache_free(dentry_cache, d);
		return -ENOMEM;
	}
	spin_init(&d->lock, &dentry_lock_class);
	d->count = 1;
	d->flags = D_UNHASHED;
	d->sb = sb;
	d->parent = d;
	d->ops = sb->d_ops;
	if (d->ops)
		d->flags |= (d->ops->revalidate ? D_OP_REVALIDATE : 0) | (d->ops->delete ? D_OP_DELETE : 0);
	INIT_LIST_HEAD(&d->lru);
	INIT_LIST_HEAD(&d->children);
	INIT_LIST_HEAD(&d->child);
	this_cpu_inc(nr_dentry);
	*out = d;
	return 0;
}

int d_alloc(struct dentry *parent, const struct qstr *name, struct dentry **out)
{
	struct dentry *d;
	int err = d_alloc_sb(parent->sb, name, &d);

	if (err)
		return err;
	spin_lock(&parent->lock);
	parent->count++;
	d->parent = parent;
	list_add(&d->child, &parent->children);
	spin_unlock(&parent->lock);
	*out = d;
	return 0;
}

int d_make_root(struct inode *root, struct dentry **out)
{
	static const struct qstr slash = { .len = 1, .name = "/" };
	struct dentry *d;
	int err = d_alloc_sb(root->sb, &slash, &d);

	if (err) {
		iput(root);
		return err;
	}
	d_instantiate(d, root);
	*out = d;
	return 0;
}

int d_alloc_pseudo(struct super_block *sb, const char *name, struct dentry **out)
{
	struct qstr q = { .len = strlen(name), .name = name };

	return d_alloc_sb(sb, &q, out);
}

static u32 d_type_of(const struct inode *inode)
{
	if (!inode)
		return D_T_NEGATIVE;
	if (S_ISDIR(inode->mode))
		return D_T_DIR;
	if (S_ISLNK(inode->mode))
		return D_T_LINK;
	return S_ISREG(inode->mode) ? D_T_FILE : D_T_SPECIAL;
}

static void d_set_inode_locked(struct dentry *d, struct inode *inode) REQUIRES(&d->lock)
{
	DEBUG_ASSERT(!d->inode);
	if (inode) {
		spin_lock(&inode->lock);
		hlist_add_head(&d->alias, &inode->aliases);
		spin_unlock(&inode->lock);
	}
	seq_write_begin(&d->seq);
	WRITE_ONCE(d->inode, inode);
	WRITE_ONCE(d->flags, (d->flags & ~(7u << D_TYPE_SHIFT)) | d_type_of(inode) << D_TYPE_SHIFT);
	seq_write_end(&d->seq);
}

void d_instantiate(struct dentry *d, struct inode *inode)
{
	spin_lock(&d->lock);
	d_set_inode_locked(d, inode);
	spin_unlock(&d->lock);
}

void d_instantiate_pinned(struct dentry *d, struct inode *inode)
{
	spin_lock(&d->lock);
	if (d->flags & D_LRU)
		d_lru_del(d);		// dir_node shares the memory
	d->count++;
	WRITE_ONCE(d->flags, d->flags | D_PINNED);
	d_set_inode_locked(d, inode);
	spin_unlock(&d->lock);
}

void d_unpin(struct dentry *d)
{
	bool pinned;

	spin_lock(&d->lock);
	pinned = d->flags & D_PINNED;
	WRITE_ONCE(d->flags, d->flags & ~D_PINNED);
	INIT_LIST_HEAD(&d->lru);
	d->private = NULL;
	spin_unlock(&d->lock);
	if (pinned)
		dput(d);
}

void d_add(struct dentry *d, struct inode *inode)
{
	spin_lock(&d->lock);
	d_set_inode_locked(d, inode);
	if (d->flags & D_UNHASHED)
		d_hash_locked(d);
	spin_unlock(&d->lock);
	if (READ_ONCE(d->flags) & D_PAR_LOOKUP)
		d_lookup_done(d);
}

void d_tmpfile(struct file *f, struct inode *inode)
{
	struct dentry *d = f->path.dentry;

	spin_lock(&d->lock);
	d->name.len = snprintf(d->inline_name, DNAME_INLINE, "#%llu", inode->ino);
	spin_unlock(&d->lock);
	d_instantiate(d, inode);
}

// ---- looking up -----------------------------------------------------------------------------------------------------

struct dentry *d_lookup_rcu(struct dentry *parent, const struct qstr *name, u32 *seqp)
{
	struct dentry *d;

	hlist_for_each_entry_rcu(d, d_bucket(name->hash), hash) {
		u32 seq = seq_read_begin_nowait(&d->seq);

		if (READ_ONCE(d->parent) != parent || READ_ONCE(d->name.hash) != name->hash || READ_ONCE(d->name.len) != name->len)
			continue;
		if (unlikely(READ_ONCE(d->flags) & D_UNHASHED) || !d_same_name(d, name))
			continue;
		*seqp = seq;
		return d;
	}
	return NULL;
}

struct dentry *d_lookup(struct dentry *parent, const struct qstr *name)
{
	struct dentry *d;
	u32 moves, seq;

	rcu_read_lock();
	do {
		moves = seq_read_begin(&rename_lock.count);
		while ((d = d_lookup_rcu(parent, name, &seq)) != NULL) {
			if (dget_unless_dead(d)) {
				if (likely(!seq_read_retry(&d->seq, seq)))
					goto out;
				rcu_read_unlock();
				dput(d);
				rcu_read_lock();
			} else {
				cpu_relax();	// its killer holds its lock and unhashes it next
			}
		}
	} while (seq_read_retry(&rename_lock.count, moves));
out:
	rcu_read_unlock();
	return d;
}

// ---- changing -------------------------------------------------------------------------------------------------------

void d_drop(struct dentry *d)
{
	spin_lock(&d->lock);
	d_unhash_locked(d);
	spin_unlock(&d->lock);
}

void d_delete(struct dentry *d)
{
	struct inode *inode = NULL;

	spin_lock(&d->lock);
	if (d->count == 1)
		inode = d_take_inode(d);
	else
		d_unhash_locked(d);
	spin_unlock(&d->lock);
	iput(inode);
}

// The lock is not held: a and its ancestors may move meanwhile unless rename_lock is held. RCU or references keep them.
bool d_is_ancestor(const struct dentry *a, const struct dentry *d)
{
	for (;;) {
		const struct dentry *p = READ_ONCE(d->parent);

		if (d == a)
			return true;
		if (p == d)
			return false;
		d = p;
	}
}

// A name by value.
struct name_copy {
	struct qstr q;
	struct long_name *ext;
	char buf[DNAME_INLINE];
};

static void name_save(const struct dentry *d, struct name_copy *c)
{
	c->q = d->name;
	c->ext = d_long_name(d);
	memcpy(c->buf, d->inline_name, DNAME_INLINE);
}

static void name_load_into(struct dentry *d, const struct name_copy *c, const struct dentry *parent)
{
	memcpy(d->inline_name, c->buf, DNAME_INLINE);
	d->name.len = c->q.len;
	WRITE_ONCE(d->name.name, c->ext ? c->ext->name : d->inline_name);
	d->name.hash = name_hash_value(name_hash_n(d->name.name, d->name.len, (u64)parent));
}

static void d_move_child(struct dentry *d, struct dentry *parent)
{
	list_del(&d->child);
	WRITE_ONCE(d->parent, parent);
	list_add(&d->child, &parent->children);
}

static void lock_for_move(struct dentry *d, struct dentry *target, struct dentry *p, struct dentry *q) NO_LOCK_ANALYSIS	// two locks to four
{
	if (p == q) {
		spin_lock(&p->lock);
	} else if (d_is_ancestor(q, p)) {
		spin_lock(&q->lock);
		spin_lock(&p->lock);
	} else {
		spin_lock(&p->lock);
		spin_lock(&q->lock);
	}
	spin_lock(d < target ? &d->lock : &target->lock);
	spin_lock(d < target ? &target->lock : &d->lock);
}

void d_move(struct dentry *d, struct dentry *target, bool exchange) NO_LOCK_ANALYSIS	// lock_for_move()'s locks
{
	struct dentry *p = d->parent, *q = target->parent;
	struct long_name *dropped = NULL;
	struct name_copy a, b;

	name_save(d, &a);
	name_save(target, &b);
	spin_lock(&rename_lock.lock);
	seq_write_begin(&rename_lock.count);
	lock_for_move(d, target, p, q);
	d_unhash_locked(d);
	if (!(target->flags & D_UNHASHED))
		d_unhash_locked(target);
	seq_write_begin(&d->seq);
	seq_write_begin(&target->seq);
	name_load_into(d, &b, q);
	if (p != q)
		d_move_child(d, q);
	if (exchange) {
		name_load_into(target, &a, p);
		if (p != q)
			d_move_child(target, p);
	} else {
		if (b.ext)
			ref_get(&b.ext->ref);
		dropped = a.ext;
		if (p != q) {		// d's reference on its parent
			q->count++;
			p->count--;	// the caller holds p: never the last
			DEBUG_ASSERT(p->count > 0);
		}
	}
	seq_write_end(&target->seq);
	seq_write_end(&d->seq);
	d_hash_locked(d);
	if (exchange)
		d_hash_locked(target);
	spin_unlock(&target->lock);
	spin_unlock(&d->lock);
	if (p != q)
		spin_unlock(&q->lock);
	spin_unlock(&p->lock);
	seq_write_end(&rename_lock.count);
	spin_unlock(&rename_lock.lock);
	long_name_put(dropped);
}

// ---- the whole ------------------------------------------------------------------------------------------------------

u64 dcache_nr(void)
{
	s64 n = 0;

	for_each_possible_cpu(cpu)
		n += READ_ONCE(per_cpu(nr_dentry, cpu));
	return n < 0 ? 0 : n;
}

// One bucket per 32 KiB of memory.
INIT void dcache_init(void)
{
	u32 bits = MIN(MAX(order_base_2(mem_total_pages() / 8 + 1), 10u), 20u);

	dentry_shift = 32 - bits;
	dentry_table = vmalloc(sizeof(struct hlist_head) << bits, GFP_KERNEL);
	ASSERT(dentry_table);
	dentry_cache = kmem_cache_create("dentry", sizeof(struct dentry), 64, SLAB_PANIC | SLAB_RECLAIMABLE, NULL);
	for (u32 i = 0; i < BUCKET_LOCKS; i++)
		spin_init(&bucket_locks[i].lock, &bucket_lock_class);
	dcache_lookup_init();
}
