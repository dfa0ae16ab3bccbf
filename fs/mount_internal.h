// fs/mount_internal.h - for fs/mount*.c.
#pragma once
#include "fs/fs_internal.h"

void mount_write_lock(void) ACQUIRES(&mount_lock.lock);	// mount_lock and its sequence
void mount_write_unlock(void) RELEASES(&mount_lock.lock);
long mnt_count(const struct mount *m);
// Sets SB_RDONLY. -EBUSY, and nothing changed: files are open for writing on one of its mounts in a tree. sb->umount is held for write.
MUST_CHECK int sb_stop_writers(struct super_block *sb);
// root: consumed (with the active reference of its super block) on success.
MUST_CHECK int mount_make(struct dentry *root, const char *source, u32 flags, struct mount **out);
MUST_CHECK int mount_clone(struct mount *old, struct dentry *root, struct mount **out);
void mount_attach(struct mount *m, struct mount *parent, struct dentry *mp, struct mount_namespace *ns);
void mount_unhash(struct mount *m, struct path *where);
struct mount *mount_next(struct mount *m, struct mount *root);
MUST_CHECK int mount_ns_alloc(struct user_namespace *user_ns, struct mount_namespace **out);
// Keeps the trees as they are: namespace_lock.
void mounts_read_lock(void);
void mounts_read_unlock(void);
