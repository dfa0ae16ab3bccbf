// Names that file systems are being asked about: one lookup for all who want the same name. docs/fs.md, "Parallel lookups".
#include "fs/dcache.h"
#include "fs/path.h"
#include "lib/errno.h"

#define LOOKUP_BITS 6

// Entries that a file system is looking up now.
struct lookup_bucket {
	struct spinlock lock;
	struct list_head head GUARDED_BY(&lock);	// dentry.lru: an entry that is being looked up is not on the LRU
	struct waitq wait;
} CACHE_ALIGNED;

DEFINE_LOCK_CLASS(lookup_lock_class, LOCK_TASK);

static struct lookup_bucket lookup_buckets[1 << LOOKUP_BITS];

static struct lookup_bucket *lookup_bucket_of(const struct qstr *name)
{
	return &lookup_buckets[name->hash >> (32 - LOOKUP_BITS)];
}

static struct dentry *lookup_find(struct lookup_bucket *b, const struct dentry *parent, const struct qstr *name) REQUIRES(&b->lock)
{
	struct dentry *d;

	list_for_each_entry(d, &b->head, lru) {
		if (d->parent == parent && d->name.hash == name->hash && d->name.len == name->len && d_same_name(d, name))
			return d;
	}
	return NULL;
}

// d_lookup() without its retries: *again when an entry went away under us.
static struct dentry *d_lookup_once(struct dentry *parent, const struct qstr *name, struct dentry **drop)
{
	struct dentry *d;
	u32 seq;

	*drop = NULL;
	rcu_read_lock();
	d = d_lookup_rcu(parent, name, &seq);
	if (d && !dget_unless_dead(d))
		d = NULL;
	rcu_read_unlock();
	if (d && seq_read_retry(&d->seq, seq)) {
		*drop = d;
		d = NULL;
	}
	return d;
}

// See docs/fs.md, "Parallel lookups". Names are not moved into or out of the directory meanwhile: its rwsem is held.
int d_alloc_parallel(struct dentry *parent, const struct qstr *name, struct dentry **out)
{
	struct lookup_bucket *b = lookup_bucket_of(name);
	struct dentry *mine, *d, *drop;
	int err = d_alloc(parent, name, &mine);

	if (err)
		return err;
	for (;;) {
		spin_lock(&b->lock);
		d = lookup_find(b, parent, name);
		if (d) {
			dget(d);
			spin_unlock(&b->lock);
			WAIT_EVENT(&b->wait, !(READ_ONCE(d->flags) & D_PAR_LOOKUP));
			dput(d);
			continue;
		}
		d = d_lookup_once(parent, name, &drop);
		if (!d && !drop) {
			mine->flags |= D_PAR_LOOKUP;
			list_add(&mine->lru, &b->head);
		}
		spin_unlock(&b->lock);
		if (!drop)
			break;
		dput(drop);
	}
	if (d)
		dput(mine);
	*out = d ? d : mine;
	return 0;
}

void d_lookup_done(struct dentry *d)
{
	struct lookup_bucket *b = lookup_bucket_of(&d->name);

	if (!(READ_ONCE(d->flags) & D_PAR_LOOKUP))
		return;
	spin_lock(&b->lock);
	list_del_init(&d->lru);
	spin_lock(&d->lock);
	WRITE_ONCE(d->flags, d->flags & ~D_PAR_LOOKUP);
	spin_unlock(&d->lock);
	spin_unlock(&b->lock);
	waitq_wake_all(&b->wait);
}

INIT void dcache_lookup_init(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(lookup_buckets); i++) {
		spin_init(&lookup_buckets[i].lock, &lookup_lock_class);
		INIT_LIST_HEAD(&lookup_buckets[i].head);
		waitq_init(&lookup_buckets[i].wait);
	}
}
