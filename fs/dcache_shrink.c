// Dentries that nobody uses: giving their memory back.
#include "fs/dcache.h"
#include "fs/path.h"
#include "kern/log.h"

u64 dcache_count_unused(struct super_block *sb)
{
	return READ_ONCE(sb->nr_dentry_unused);
}

// The next victim of sb, locked, or null. RCU read section. Looks at *budget entries at most.
static struct dentry *lru_victim(struct super_block *sb, u64 *budget, bool force) NO_LOCK_ANALYSIS	// returns it locked
{
	struct dentry *d;

	spin_lock(&sb->lock);
	while (*budget && !list_empty(&sb->dentry_lru)) {
		d = list_last_entry(&sb->dentry_lru, struct dentry, lru);
		--*budget;
		if (!spin_trylock(&d->lock)) {
			list_move(&d->lru, &sb->dentry_lru);
			continue;
		}
		if (d->count > 0) {
			WRITE_ONCE(d->flags, d->flags & ~(D_LRU | D_REFERENCED));
			list_del_init(&d->lru);
			sb->nr_dentry_unused--;
		} else if (!force && (d->flags & D_REFERENCED)) {
			WRITE_ONCE(d->flags, d->flags & ~D_REFERENCED);
			list_move(&d->lru, &sb->dentry_lru);
		} else {
			spin_unlock(&sb->lock);
			return d;
		}
		spin_unlock(&d->lock);
	}
	spin_unlock(&sb->lock);
	return NULL;
}

static u64 dcache_prune(struct super_block *sb, u64 budget, bool force) NO_LOCK_ANALYSIS	// lru_victim()'s lock
{
	struct dentry *d;
	u64 n = 0;

	while (budget) {
		struct dentry *parent;
		struct inode *inode;

		rcu_read_lock();
		d = lru_victim(sb, &budget, force);
		if (!d) {
			rcu_read_unlock();
			break;
		}
		parent = d_kill(d, &inode);
		rcu_read_unlock();
		iput(inode);
		dput(parent);
		n++;
	}
	return n;
}

u64 dcache_scan(struct super_block *sb, u64 nr)
{
	return dcache_prune(sb, nr, false);
}

void dcache_shrink_sb(struct super_block *sb)
{
	while (dcache_prune(sb, READ_ONCE(sb->nr_dentry_unused) * 2 + 16, true))
		;
}

void d_invalidate(struct dentry *d)
{
	d_drop(d);
	// One round: others may go on making unused entries for ever.
	if (!list_empty(&d->children))
		(void)dcache_prune(d->sb, READ_ONCE(d->sb->nr_dentry_unused) + 16, true);
}

// Nobody else uses the tree any more: the super block is going.
void d_genocide(struct dentry *root) NO_LOCK_ANALYSIS	// nobody else uses the tree
{
	struct dentry *d = root, *parent;
	struct inode *inode;

	for (;;) {
		while (!list_empty(&d->children))
			d = list_first_entry(&d->children, struct dentry, child);
		rcu_read_lock();
		spin_lock(&d->lock);
		if (d->flags & D_PINNED) {
			d->flags &= ~D_PINNED;
			d->private = NULL;
			INIT_LIST_HEAD(&d->lru);
			d->count--;
		}
		if (d == root)
			break;
		if (d->count)
			pr_err("VFS: dentry %s of %s still in use (%d) at unmount\n", d->name.name, d->sb->id, d->count);
		d->count = 0;
		parent = d->parent;
		parent->count++;	// stays while we look at it
		d_kill(d, &inode);
		rcu_read_unlock();
		iput(inode);
		spin_lock(&parent->lock);
		parent->count -= 2;	// ours and the child's
		spin_unlock(&parent->lock);
		d = parent;
	}
	d->count = 0;
	d_kill(d, &inode);
	rcu_read_unlock();
	iput(inode);
}
