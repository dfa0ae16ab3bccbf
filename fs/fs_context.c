// A task's root and current directory.
#include "fs/fs_internal.h"
#include "fs/path.h"
#include "fs/mount.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include <linux/sched.h>

DEFINE_LOCK_CLASS(fs_context_class, LOCK_TASK);
static struct kmem_cache *fs_context_cache RO_AFTER_INIT;

void path_get(const struct path *p)
{
	mnt_get(p->mnt);
	dget(p->dentry);
}

void path_put(const struct path *p)
{
	dput(p->dentry);
	mnt_put(p->mnt);
}

static int fs_context_copy(struct fs_context *old, struct fs_context **out)
{
	struct fs_context *fs = kmem_cache_alloc(fs_context_cache, GFP_KERNEL);

	if (!fs)
		return -ENOMEM;
	ref_init(&fs->ref, 1);
	spin_init(&fs->lock, &fs_context_class);
	spin_lock(&old->lock);
	fs->root = old->root;
	path_get(&fs->root);
	fs->pwd = old->pwd;
	path_get(&fs->pwd);
	fs->umask = old->umask;
	spin_unlock(&old->lock);
	*out = fs;
	return 0;
}

int copy_fs(struct task *child, unsigned long clone_flags)
{
	struct fs_context *fs = current->fs;

	if (clone_flags & CLONE_FS) {
		spin_lock(&fs->lock);
		if (fs->in_exec) {		// exec has counted who shares it
			spin_unlock(&fs->lock);
			return -EAGAIN;
		}
		ref_get(&fs->ref);
		spin_unlock(&fs->lock);
		child->fs = fs;
		return 0;
	}
	return fs_context_copy(fs, &child->fs);
}

void fs_context_put(struct fs_context *fs)
{
	if (!fs || !ref_put(&fs->ref))
		return;
	path_put(&fs->root);
	path_put(&fs->pwd);
	kmem_cache_free(fs_context_cache, fs);
}

void exit_fs(struct task *t)
{
	struct fs_context *fs = t->fs;

	spin_lock(&t->alloc_lock);
	t->fs = NULL;
	spin_unlock(&t->alloc_lock);
	fs_context_put(fs);
}

int unshare_fs(void)
{
	struct fs_context *old = current->fs, *fs;
	int err;

	if (ref_read(&old->ref) == 1)
		return 0;
	err = fs_context_copy(old, &fs);
	if (err)
		return err;
	spin_lock(&current->alloc_lock);
	current->fs = fs;
	spin_unlock(&current->alloc_lock);
	fs_context_put(old);
	return 0;
}

static void fs_set(struct fs_context *fs, struct path *slot, const struct path *p)
{
	struct path old;

	path_get(p);
	spin_lock(&fs->lock);
	seq_write_begin(&fs->seq);
	old = *slot;
	*slot = *p;
	seq_write_end(&fs->seq);
	spin_unlock(&fs->lock);
	if (old.dentry)
		path_put(&old);
}

void set_fs_root(struct fs_context *fs, const struct path *p)
{
	fs_set(fs, &fs->root, p);
}

void set_fs_pwd(struct fs_context *fs, const struct path *p)
{
	fs_set(fs, &fs->pwd, p);
}

void set_fs_root_locked(struct fs_context *fs, const struct path *p, bool root)
{
	struct path *slot = root ? &fs->root : &fs->pwd, old;

	path_get(p);
	spin_lock(&fs->lock);
	seq_write_begin(&fs->seq);
	old = *slot;
	*slot = *p;
	seq_write_end(&fs->seq);
	spin_unlock(&fs->lock);
	path_put(&old);			// not the last reference: the caller has one on the same place
}

void get_fs_root(struct fs_context *fs, struct path *out)
{
	spin_lock(&fs->lock);
	*out = fs->root;
	path_get(out);
	spin_unlock(&fs->lock);
}

void get_fs_pwd(struct fs_context *fs, struct path *out)
{
	spin_lock(&fs->lock);
	*out = fs->pwd;
	path_get(out);
	spin_unlock(&fs->lock);
}

// The start-up task's: filled when the root is mounted.
static struct fs_context init_fs_context = { .ref = REF_INIT(1), .lock = SPINLOCK_INIT(&fs_context_class), .umask = 022 };

INIT void fs_context_init(const struct path *root)
{
	fs_context_cache = kmem_cache_create("fs_cache", sizeof(struct fs_context), 0, SLAB_PANIC, NULL);
	set_fs_root(&init_fs_context, root);
	set_fs_pwd(&init_fs_context, root);
	init_task.fs = &init_fs_context;
}
