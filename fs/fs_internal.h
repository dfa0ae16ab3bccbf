// fs/fs_internal.h - what the files of the VFS core say only to each other.
#pragma once
#include "fs/file.h"
#include "fs/mount.h"
#include "kern/log.h"

void super_init(void);
void file_cache_init(void);
void fdtable_init(void);
void fs_context_init(const struct path *root);
void pipe_init(void);
void anon_init(void);
void chrdev_init(void);
// For pivot_root: replaces root (or pwd) whose old value the caller holds too. Does not sleep.
void set_fs_root_locked(struct fs_context *fs, const struct path *p, bool root);
// do_dentry_open: f->path is set (and counted); makes it a file of inode. On error the path is the caller's again.
MUST_CHECK int file_open_path(struct file *f, struct inode *inode);
MUST_CHECK int may_delete(struct inode *dir, struct dentry *victim, bool isdir);
MUST_CHECK int may_create(struct inode *dir, struct dentry *child);
int do_truncate(struct dentry *d, loff_t size, u32 extra, struct file *f);
// A super block of pipefs' kind: a root nobody sees.
MUST_CHECK int pseudo_fill(struct super_block *sb, const struct dentry_ops *d_ops, const struct super_ops *ops, u64 magic);
// getcwd(2): length with NUL, text at *out; -ENOENT, -ENAMETOOLONG.
int fs_getcwd(char *buf, size_t n, char **out);
// Relative to root; *reachable false: p is not below it.
char *d_path_from(const struct path *p, const struct path *root, char *buf, size_t n, bool *reachable, int *err);
extern const char *rootfs_options;	// initramfs_options=

// Upcalls: defined in fs/nullfs/nullfs.c, fs/tmpfs/tmpfs.c.
struct fs_type *fs_nullfs(void);
struct fs_type *fs_rootfs(void);

// Descriptor tables from inside: fdtable.c, and what looks up many descriptors in a row.
static ALWAYS_INLINE bool files_shared(struct files *fs)
{
	return atomic_read_acquire(&fs->ref.n) != 1;	// pairs with the release of a former sharer's files_put()
}

static ALWAYS_INLINE struct fdtable *files_table(struct files *fs)
{
	return rcu_dereference(fs->fdt);
}

// An index that a mispredicted bounds check cannot carry beyond the table.
static ALWAYS_INLINE u32 index_nospec(u32 i, u32 size)
{
	u64 mask = (u64)((s64)((u64)i - size) >> 63);

	__asm__("" : "+r"(mask));
	return i & (u32)mask;
}

static ALWAYS_INLINE struct file *table_slot(struct fdtable *t, u32 fd)
{
	if (unlikely(fd >= t->max))
		return NULL;
	return rcu_dereference(t->fd[index_nospec(fd, t->max)]);
}

// The file of a descriptor of a table that nobody shares, to be used without a reference; null: look it up by fd_get().
static ALWAYS_INLINE struct file *fd_borrow(u32 fd)
{
	struct files *fs = current->files;
	struct file *f;

	if (unlikely(files_shared(fs)))
		return NULL;
	f = table_slot(files_table(fs), fd);
	return unlikely(!f || f->mode & FMODE_PATH) ? NULL : f;
}
