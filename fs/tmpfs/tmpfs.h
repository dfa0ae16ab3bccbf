// fs/tmpfs/tmpfs.h - files in memory. Data: mm/shmem.h. Names: the dentries themselves, pinned, in a tree per directory by cookie.
//
// The tree and its counter are guarded by the directory's rwsem. A cookie is never used twice: a position of readdir stays meaningful.
#pragma once
#include "fs/file.h"
#include "fs/xattr.h"
#include "mm/shmem.h"

#define TMPFS_MAGIC 0x01021994
#define TMPFS_XATTR_SHARE 1024
#define TMPFS_DIRENT 20			// what an entry adds to a directory's size

struct tmpfs_sb {
	struct shmem_limits limits;
	u64 max_inodes;			// 0: no limit
	struct atomic64 inodes;		// and further links: each pins an entry
	struct atomic64 xattr_bytes;	// limit: TMPFS_XATTR_SHARE per possible inode
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
};
struct tmpfs_inode {
	struct inode inode;
	struct rb_root entries;		// directories: dentry.dir_node by dir_cookie
	struct rb_node *last;		// its greatest
	u64 next_cookie;
	struct xattrs xattrs;
};
static inline struct tmpfs_inode *tmpfs_i(const struct inode *inode) { return CONTAINER_OF(inode, struct tmpfs_inode, inode); }
static inline struct tmpfs_sb *tmpfs_sb(const struct super_block *sb) { return sb->private; }

extern const struct inode_ops tmpfs_dir_inode_ops, tmpfs_file_inode_ops, tmpfs_symlink_inode_ops, tmpfs_special_inode_ops;
extern const struct file_ops tmpfs_dir_ops, tmpfs_file_ops;
// An inode for dir (null: the root), nlink 1 (directory: 2). -ENOSPC, -ENOMEM.
MUST_CHECK int tmpfs_new_inode(struct super_block *sb, const struct inode *dir, umode_t mode, dev_t rdev, struct inode **out);
// Counts an inode or a further link. -ENOSPC.
MUST_CHECK int tmpfs_charge_inode(struct tmpfs_sb *s);
void tmpfs_uncharge_inode(struct tmpfs_sb *s);
int tmpfs_setattr(struct dentry *d, struct iattr *a);
// Makes sb a tmpfs: for mount_nodev(), and for devtmpfs, which is one.
MUST_CHECK int tmpfs_fill(struct super_block *sb, const char *options);
