// Super blocks and file system types.
//
// sb->active counts mounts and other users of the tree; when it falls to 0 the type's kill() takes the tree down. sb->ref keeps the struct.
#include "fs/inode.h"
#include "fs/fs_internal.h"
#include "fs/path.h"
#include "fs/chrdev.h"
#include "fs/seq_file.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/xarray.h"
#include "task/cred.h"
#include <linux/stat.h>

DEFINE_LOCK_CLASS(sb_lock_class, LOCK_TASK);
DEFINE_LOCK_CLASS_NESTABLE(sb_umount_class, LOCK_TASK);
DEFINE_LOCK_CLASS_NESTABLE(sb_rename_class, LOCK_TASK);
DEFINE_LOCK_CLASS(anon_devs_class, LOCK_TASK);

STATIC_SPINLOCK(sb_list_lock, LOCK_TASK);
static LIST_HEAD(super_blocks);			// GUARDED_BY(sb_list_lock)
STATIC_SPINLOCK(fs_types_lock, LOCK_TASK);
static struct fs_type *fs_types;		// GUARDED_BY(fs_types_lock); only grows
static struct xarray anon_devs;

int fs_register(struct fs_type *t)
{
	struct fs_type **p;

	spin_lock(&fs_types_lock);
	for (p = &fs_types; *p && !streq((*p)->name, t->name); p = &(*p)->next)
		;
	if (*p) {
		spin_unlock(&fs_types_lock);
		return -EBUSY;
	}
	t->next = NULL;
	*p = t;
	spin_unlock(&fs_types_lock);
	return 0;
}

const struct fs_type *fs_find(const char *name)
{
	const struct fs_type *t;

	spin_lock(&fs_types_lock);
	for (t = fs_types; t && !streq(t->name, name); t = t->next)
		;
	spin_unlock(&fs_types_lock);
	return t;
}

int fs_list(struct seq_file *m)
{
	for (const struct fs_type *t = READ_ONCE(fs_types); t; t = t->next) {
		if (!(t->flags & FS_INTERNAL))
			seq_printf(m, "%s\t%s\n", t->flags & FS_NODEV ? "nodev" : "", t->name);
	}
	return 0;
}

static u64 sb_shrink_count(struct shrinker *s)
{
	return dcache_count_unused(CONTAINER_OF(s, struct super_block, shrink));
}

static u64 sb_shrink_scan(struct shrinker *s, u64 nr)
{
	struct super_block *sb = CONTAINER_OF(s, struct super_block, shrink);
	u64 n;

	if (!down_read_trylock(&sb->umount))
		return 0;
	n = READ_ONCE(sb->root) ? dcache_scan(sb, nr) : 0;
	up_read(&sb->umount);
	return n;
}

int sb_alloc(const struct fs_type *t, u32 flags, struct super_block **out)
{
	struct super_block *sb = kalloc(sizeof(*sb), GFP_KERNEL);
	u32 minor;
	int err;

	if (!sb)
		return -ENOMEM;
	err = xa_alloc(&anon_devs, &minor, xa_mk_value(1), 1, (1u << 20) - 1, GFP_KERNEL);
	if (err) {
		kfree(sb);
		return err == -EBUSY ? -EMFILE : err;
	}
	ref_init(&sb->ref, 1);
	atomic_set(&sb->active, 1);
	sb->type = t;
	sb->dev = MKDEV(0, minor);
	sb->blocksize = 4096;
	sb->maxbytes = S64_MAX;
	sb->time_gran = 1;
	sb->flags = flags;
	rwsem_init(&sb->umount, &sb_umount_class);
	mutex_init(&sb->rename_mutex, &sb_rename_class);
	sb->user_ns = current_cred()->user_ns;
	ref_get(&sb->user_ns->ref);
	spin_init(&sb->lock, &sb_lock_class);
	INIT_LIST_HEAD(&sb->inodes);
	INIT_LIST_HEAD(&sb->dentry_lru);
	sb->shrink = (struct shrinker){ .count = sb_shrink_count, .scan = sb_shrink_scan, .name = t->name };
	strscpy(sb->id, t->name, sizeof(sb->id));
	spin_lock(&sb_list_lock);
	list_add_tail(&sb->list, &super_blocks);
	spin_unlock(&sb_list_lock);
	shrinker_register(&sb->shrink);
	*out = sb;
	return 0;
}

void sb_put(struct super_block *sb)
{
	if (!ref_put(&sb->ref))
		return;
	// Only now: sb_sync_all() goes on from a super block that it has a reference on.
	spin_lock(&sb_list_lock);
	list_del(&sb->list);
	spin_unlock(&sb_list_lock);
	kfree_rcu(sb, rcu);
}

void sb_put_active(struct super_block *sb)
{
	if (!atomic_dec_and_test(&sb->active))
		return;
	shrinker_unregister(&sb->shrink);
	down_write(&sb->umount);
	sb->type->kill(sb);
	up_write(&sb->umount);
	rcu_barrier();			// entries and inodes that are on their way still ask the super block how to be freed
	(void)xa_erase(&anon_devs, MINOR(sb->dev));
	sb_put(sb);
}

void kill_litter_super(struct super_block *sb)
{
	struct dentry *root = sb->root;

	WRITE_ONCE(sb->root, NULL);
	if (root) {
		dcache_shrink_sb(sb);
		d_genocide(root);
	}
	rcu_barrier();
	if (sb->ops && sb->ops->put_super)
		sb->ops->put_super(sb);
}

int mount_nodev(const struct fs_type *t, u32 flags, const char *options, int (*fill)(struct super_block *sb, const char *options),
		struct dentry **out)
{
	struct super_block *sb;
	int err = sb_alloc(t, flags, &sb);

	if (err)
		return err;
	err = fill(sb, options);
	if (err) {
		sb_put_active(sb);
		return err;
	}
	dget(sb->root);
	*out = sb->root;
	return 0;
}

int mount_single(const struct fs_type *t, u32 flags, const char *options, int (*fill)(struct super_block *sb, const char *options),
		 struct dentry **out)
{
	struct super_block *sb;

	spin_lock(&sb_list_lock);
	list_for_each_entry(sb, &super_blocks, list) {
		if (sb->type == t && READ_ONCE(sb->root) && atomic_add_unless(&sb->active, 1, 0)) {
			spin_unlock(&sb_list_lock);
			dget(sb->root);
			*out = sb->root;
			return 0;
		}
	}
	spin_unlock(&sb_list_lock);
	return mount_nodev(t, flags, options, fill, out);
}

#define SB_REMOUNTABLE (SB_RDONLY | SB_SYNCHRONOUS | SB_LAZYTIME)
int sb_remount(struct super_block *sb, u32 flags, const char *options)
{
	int err = 0;

	flags = (sb->flags & ~SB_REMOUNTABLE) | (flags & SB_REMOUNTABLE);
	if (sb->ops && sb->ops->remount)
		err = sb->ops->remount(sb, &flags, options);
	if (!err)
		WRITE_ONCE(sb->flags, flags);
	return err;
}

int sb_sync_all(bool wait)
{
	struct super_block *sb, *prev = NULL;

	spin_lock(&sb_list_lock);
	list_for_each_entry(sb, &super_blocks, list) {
		if (!sb->ops || !sb->ops->sync || !ref_get_unless_zero(&sb->ref))
			continue;
		spin_unlock(&sb_list_lock);
		down_read(&sb->umount);
		if (sb->root)
			(void)sb->ops->sync(sb, wait);
		up_read(&sb->umount);
		if (prev)
			sb_put(prev);
		prev = sb;
		spin_lock(&sb_list_lock);
	}
	spin_unlock(&sb_list_lock);
	if (prev)
		sb_put(prev);
	return 0;
}

int simple_statfs(struct dentry *d, struct kstatfs *st)
{
	st->type = d->sb->magic;
	st->bsize = st->frsize = 4096;
	st->namelen = 255;
	return 0;
}

INIT void super_init(void)
{
	xa_init(&anon_devs, &anon_devs_class);
}
