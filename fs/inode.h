// fs/inode.h - inodes, dentries, super blocks, mounts' views of them: the objects of the VFS. docs/fs.md has lifetimes and lock order.
//
// Lock order: s_umount > inode.rwsem (parent before child; two directories by rename's rule) > dentry.lock (parent before child) > inode.lock, LRU locks.
// Path walk reads all of this under RCU and sequence counts without a store.
#pragma once
#include "kern/rculist.h"
#include "kern/ref.h"
#include "kern/seqlock.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "mm/mapping.h"
#include "mm/mm.h"
#include "sched/mutex.h"
#include "sched/sched.h"
#include "sched/waitq.h"

struct cred;
struct dentry;
struct file;
struct file_ops;
struct fs_type;
struct inode;
struct iov_iter;
struct mount;
struct path;
struct pipe;
struct super_block;
struct kstatfs;
struct seq_file;
struct user_namespace;
struct dir_context;

struct timespec_k {
	s64 sec;
	u32 nsec;
};

// A directory entry's name with its hash: the key of the dentry table.
struct qstr {
	u32 hash, len;
	const char *name;
};

struct kstat {
	u64 ino, size, blocks;
	dev_t dev, rdev;
	umode_t mode;
	u32 nlink, blksize;
	kuid_t uid;
	kgid_t gid;
	struct timespec_k atime, mtime, ctime, btime;
	u32 result_mask;		// STATX_*
	u64 attributes, attributes_mask, mnt_id;
};

struct iattr {
	u32 valid;			// ATTR_*
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
	loff_t size;
	struct timespec_k atime, mtime, ctime;
	struct file *file;
};
#define ATTR_MODE 0x1u
#define ATTR_UID 0x2u
#define ATTR_GID 0x4u
#define ATTR_SIZE 0x8u
#define ATTR_ATIME 0x10u		// with _SET: to the given time, else now
#define ATTR_MTIME 0x20u
#define ATTR_CTIME 0x40u
#define ATTR_ATIME_SET 0x80u
#define ATTR_MTIME_SET 0x100u
#define ATTR_FORCE 0x200u		// no permission check
#define ATTR_KILL_SUID 0x400u
#define ATTR_KILL_SGID 0x800u
#define ATTR_TIMES_SET 0x2000u		// utimensat(2) with more than "now" for both
#define ATTR_OPEN 0x1000u		// truncation by O_TRUNC

struct inode_ops {			// dir operations hold dir->rwsem for write (lookup: read). 0 or -errno
	// Finds d->name in dir; calls d_add(d, inode) with the inode, or null for a negative entry. 0 or -errno.
	int (*lookup)(struct inode *dir, struct dentry *d, u32 flags);
	int (*create)(struct inode *dir, struct dentry *d, umode_t mode, bool excl);
	int (*link)(struct dentry *old, struct inode *dir, struct dentry *d);
	int (*unlink)(struct inode *dir, struct dentry *d);
	int (*symlink)(struct inode *dir, struct dentry *d, const char *target);
	int (*mkdir)(struct inode *dir, struct dentry *d, umode_t mode);
	int (*rmdir)(struct inode *dir, struct dentry *d);
	int (*mknod)(struct inode *dir, struct dentry *d, umode_t mode, dev_t rdev);
	int (*rename)(struct inode *old_dir, struct dentry *od, struct inode *new_dir, struct dentry *nd, u32 flags);
	int (*tmpfile)(struct inode *dir, struct file *f, umode_t mode);
	// The target of a link: stays valid under RCU (*done null) or until done(arg). d null: RCU walk, -ECHILD to be called again with references.
	int (*get_link)(struct dentry *d, struct inode *inode, const char **target, void (**done)(void *), void **arg);
	int (*follow_magic)(struct dentry *d, struct path *out);	// /proc/pid/fd, exe, cwd: jumps; after may-access checks
	int (*permission)(struct inode *inode, int mask);		// null: generic_permission(). MAY_NOT_BLOCK: -ECHILD when it would sleep
	int (*getattr)(const struct path *p, struct kstat *st, u32 request_mask, u32 flags);	// null: generic_fillattr()
	int (*setattr)(struct dentry *d, struct iattr *a);		// null: setattr_prepare + setattr_copy
	ssize_t (*getxattr)(struct inode *inode, const char *name, void *buf, size_t size);
	int (*setxattr)(struct inode *inode, const char *name, const void *v, size_t size, int flags);
	ssize_t (*listxattr)(struct dentry *d, char *buf, size_t size);
	int (*removexattr)(struct inode *inode, const char *name);
};

struct inode {
	umode_t mode;			// rwsem to write; READ_ONCE
	u16 opflags;			// IOP_*: ops has no permission/get_link...: fast-path hints
	u32 flags ATOMIC;		// S_*
	kuid_t uid;
	kgid_t gid;
	const struct inode_ops *ops SET_ONCE;
	struct super_block *sb SET_ONCE;
	struct mapping *mapping;	// usually &data
	u64 ino;
	u32 nlink;			// rwsem
	dev_t rdev SET_ONCE;
	loff_t size ATOMIC;
	struct timespec_k atime, mtime, ctime, btime;
	u64 blocks;			// 512-byte units
	struct spinlock lock;		// state, times, aliases
	u32 state GUARDED_BY(&lock);	// I_*
	struct ref ref ATOMIC;
	struct rwsem rwsem;		// data and directory contents
	struct hlist_node hash;		// by (sb, ino) where a file system wants it
	struct list_head sb_list;
	struct list_head lru;
	struct hlist_head aliases GUARDED_BY(&lock);	// dentries
	struct atomic writecount;	// writers; negative: denied (executing)
	struct atomic readcount;
	u64 version ATOMIC;
	const struct file_ops *fops SET_ONCE;	// default of opened files
	union {
		struct pipe *pipe;		// FIFO
		struct chrdev *chrdev;		// character device
		const char *link;		// symlink whose target is in memory (IOP_LINK_CACHED)
	};
	struct file_lock_context *flctx;
	u32 fsnotify_mask;
	void *fsnotify;
	void *private;			// file system's own
	union { struct mapping data; struct rcu_head rcu; };	// data is destroyed before rcu is used
};
#define IOP_NO_PERMISSION 0x1u		// ops->permission is null
#define IOP_LINK_CACHED 0x2u
#define IOP_IS_DIR 0x4u
#define IOP_MAGIC_LINK 0x8u
#define S_IMMUTABLE 0x8u
#define S_APPEND 0x4u
#define S_DEAD 0x10u			// removed directory
#define S_NOATIME 0x2u
#define I_NEW 0x8u
#define I_FREEING 0x20u
#define I_DIRTY 0x7u
#define I_LINKABLE 0x40u		// O_TMPFILE without O_EXCL: may get a name

#define MAY_EXEC 1
#define MAY_WRITE 2
#define MAY_READ 4
#define MAY_APPEND 8
#define MAY_ACCESS 0x10
#define MAY_OPEN 0x20
#define MAY_CHDIR 0x40
#define MAY_NOT_BLOCK 0x80		// RCU walk

#define DNAME_INLINE 40

struct dentry {
	u32 flags ATOMIC;		// D_*
	struct seqcount seq;		// changes with name, parent, inode
	struct hlist_node hash RCU(bucket lock);	// on (parent, name)
	struct dentry *parent;		// seq
	struct qstr name;		// seq; name.name is inline_name or RCU-freed
	struct inode *inode;		// seq; null: negative
	char inline_name[DNAME_INLINE];
	// The count and the lock share a word: taking a reference after an RCU walk is one cmpxchg on an unlocked entry.
	union { u64 lockref; struct { struct spinlock lock; s32 count; }; };
	const struct dentry_ops *ops SET_ONCE;
	struct super_block *sb SET_ONCE;
	union {
		struct { void *private; struct list_head lru; };
		struct rb_node dir_node;	// pinned entries of in-memory file systems: the order of readdir (by dir_cookie)
	};
	u64 dir_cookie;
	struct list_head child;		// in parent.children
	struct list_head children GUARDED_BY(&lock);
	union { struct hlist_node alias; struct rcu_head rcu; };
};
#define D_DISCONNECTED 0x1u
#define D_MOUNTED 0x2u			// something is mounted here in some namespace
#define D_LRU 0x4u
#define D_REFERENCED 0x8u
#define D_UNHASHED 0x10u
#define D_PAR_LOOKUP 0x20u		// a parallel lookup is filling it in
#define D_TYPE_SHIFT 16			// D_T_*: so that the walk need not touch the inode
#define D_T_NEGATIVE 0u
#define D_T_DIR 1u
#define D_T_LINK 2u
#define D_T_FILE 3u
#define D_T_SPECIAL 4u
#define D_T_AUTODIR 5u
#define D_KILLED 0x40u
#define D_OP_REVALIDATE 0x80u		// what ops has
#define D_OP_DELETE 0x100u
#define D_PINNED 0x200u			// one count keeps it: in-memory file systems

struct dentry_ops {
	int (*revalidate)(struct dentry *d, u32 flags);	// 1 valid, 0 not, -ECHILD: ask again with references
	int (*hash)(const struct dentry *d, struct qstr *name);
	void (*release)(struct dentry *d);
	int (*delete)(const struct dentry *d);		// 1: do not keep when unused
	char *(*dname)(struct dentry *d, char *buf, size_t n);	// pipe:[1], anon_inode:...
};

static inline bool d_is_negative(const struct dentry *d) { return (READ_ONCE(d->flags) >> D_TYPE_SHIFT & 7) == D_T_NEGATIVE; }
static inline bool d_is_dir(const struct dentry *d) { return (READ_ONCE(d->flags) >> D_TYPE_SHIFT & 7) == D_T_DIR; }
static inline bool d_is_symlink(const struct dentry *d) { return (READ_ONCE(d->flags) >> D_TYPE_SHIFT & 7) == D_T_LINK; }

// Dentries (fs/dcache.c)
MUST_CHECK int d_alloc(struct dentry *parent, const struct qstr *name, struct dentry **out);	// unhashed, count 1
void dget(struct dentry *d);
void dput(struct dentry *d);			// null is fine. Context: task
void d_add(struct dentry *d, struct inode *inode);		// hashes it; consumes the inode reference; null: negative
void d_instantiate(struct dentry *d, struct inode *inode);	// a negative hashed entry becomes positive
struct dentry *d_lookup(struct dentry *parent, const struct qstr *name);	// counted
struct dentry *d_lookup_rcu(struct dentry *parent, const struct qstr *name, u32 *seq);
MUST_CHECK int d_alloc_parallel(struct dentry *parent, const struct qstr *name, struct dentry **out);	// found or in-lookup
void d_lookup_done(struct dentry *d);
MUST_CHECK bool dget_unless_dead(struct dentry *d);	// under RCU
void qstr_init(struct qstr *q, const struct dentry *parent, const char *name, size_t len);
// Makes d the pinned entry of an in-memory file system: d_instantiate() and one count for it. d_unpin() gives that back.
void d_instantiate_pinned(struct dentry *d, struct inode *inode);
void d_unpin(struct dentry *d);
// O_TMPFILE: names the unnamed dentry of f "#ino" and gives it the inode (reference consumed).
void d_tmpfile(struct file *f, struct inode *inode);
void d_drop(struct dentry *d);			// unhashes
void d_delete(struct dentry *d);		// after unlink: negative or unhashed
void d_move(struct dentry *d, struct dentry *target, bool exchange);
MUST_CHECK int d_alloc_pseudo(struct super_block *sb, const char *name, struct dentry **out);	// of no tree
MUST_CHECK int d_make_root(struct inode *root, struct dentry **out);	// consumes inode also on failure
void d_genocide(struct dentry *root);		// drops the pinned entries of an in-memory file system
void d_invalidate(struct dentry *d);
bool d_is_ancestor(const struct dentry *a, const struct dentry *d);
char *dynamic_dname(char *buf, size_t n, const char *fmt, ...) PRINTF(3, 4);
void dcache_shrink_sb(struct super_block *sb);	// frees all unused entries
u64 dcache_nr(void);
u64 dcache_count_unused(struct super_block *sb);
u64 dcache_scan(struct super_block *sb, u64 nr);
extern struct seqlock rename_lock;		// moves of dentries: d_path and searches retry
void dcache_init(void);

// Inodes (fs/inode.c)
MUST_CHECK int inode_alloc(struct super_block *sb, struct inode **out);	// count 1, initialised, times now, next ino
u64 inode_next_ino(void);			// for kernel-internal file systems: per-CPU batches
// DAC_OVERRIDE and friends against an inode's owner; the owner test of chmod, sticky directories and O_NOATIME.
bool inode_capable(const struct inode *inode, int cap);
bool inode_in_group(const struct inode *inode);
int inode_sticky_check(const struct inode *dir, const struct inode *inode);	// 1: refuses
bool inode_atime_due(const struct inode *inode, u32 mnt_flags);
void inode_touch_atime(struct inode *inode, u32 mnt_flags, const struct mount *m);
int file_remove_privs(struct inode *inode);	// write by a user: drops setuid and setgid. rwsem held for write
u32 inode_privs_to_kill(const struct inode *inode);	// ATTR_KILL_*
void inode_init(void);
static inline bool inode_is_readonly(const struct inode *inode);
MUST_CHECK int inode_get_write_access(struct inode *inode);	// -ETXTBSY
static inline void inode_put_write_access(struct inode *inode) { atomic_dec(&inode->writecount); }
void inode_init_owner(struct inode *inode, const struct inode *dir, umode_t mode);
void iget(struct inode *inode);
void iput(struct inode *inode);			// last one: evict. Context: task
void inode_set_linkable(struct inode *inode, bool on);	// I_LINKABLE
void inode_init_special(struct inode *inode, umode_t mode, dev_t rdev);
int inode_permission(struct inode *inode, int mask);	// the choke point
int generic_permission(struct inode *inode, int mask);
bool inode_owner_or_capable(const struct inode *inode);
int notify_change(struct dentry *d, struct iattr *a);	// inode->rwsem held for write; checks, then ops->setattr
int setattr_prepare(struct dentry *d, struct iattr *a);
void setattr_copy(struct inode *inode, const struct iattr *a);
void generic_fillattr(const struct inode *inode, struct kstat *st);
void inode_touch(struct inode *inode, u32 which);	// ATTR_MTIME | ATTR_CTIME: now
void inode_atime(struct file *f);			// relatime rules
struct timespec_k current_time_k(void);			// coarse, as Linux's inode times
void inc_nlink(struct inode *inode);
void drop_nlink(struct inode *inode);
int inode_newsize_ok(const struct inode *inode, loff_t size);	// -EFBIG, SIGXFSZ, -ETXTBSY

// Super blocks and types (fs/super.c)
struct super_ops {
	int (*alloc_inode)(struct super_block *sb, struct inode **out);	// null: the common cache
	void (*free_inode)(struct inode *inode);		// RCU has passed
	void (*evict)(struct inode *inode);			// last reference, nlink 0 or sb going; null: default drops pages
	int (*statfs)(struct dentry *d, struct kstatfs *st);
	void (*put_super)(struct super_block *sb);
	int (*remount)(struct super_block *sb, u32 *flags, const char *options);
	int (*show_options)(struct seq_file *m, struct dentry *root);
	int (*sync)(struct super_block *sb, bool wait);
};
struct super_block {
	struct ref ref;
	struct atomic active;
	const struct fs_type *type SET_ONCE;
	const struct super_ops *ops SET_ONCE;
	const struct dentry_ops *d_ops SET_ONCE;
	struct dentry *root;
	dev_t dev SET_ONCE;
	u64 magic SET_ONCE;
	u32 blocksize;
	loff_t maxbytes;
	u32 time_gran;
	u32 flags ATOMIC;		// SB_* = MS_RDONLY...
	struct rwsem umount;
	struct user_namespace *user_ns;
	struct spinlock lock;
	struct list_head inodes GUARDED_BY(&lock);
	struct list_head dentry_lru GUARDED_BY(&lock);
	u64 nr_dentry_unused GUARDED_BY(&lock);
	struct atomic64 next_ino;
	struct list_head list;
	struct mutex rename_mutex;		// renames that change a directory's parent
	struct shrinker shrink;
	char id[32];
	void *private;
	struct rcu_head rcu;
};
struct fs_type {
	const char *name;
	u32 flags;			// FS_*
	// Makes (or finds) the super block for a mount; *out is its root, counted with an active reference of the sb.
	int (*mount)(const struct fs_type *t, u32 sb_flags, const char *source, const char *options, struct dentry **out);
	void (*kill)(struct super_block *sb);
	struct fs_type *next;		// registration list
};
#define FS_USERNS_MOUNT 0x1u
#define FS_NODEV 0x2u
#define FS_INTERNAL 0x4u		// not in /proc/filesystems, not for mount(2)
#define SB_RDONLY 0x1u
#define SB_NOSUID 0x2u
#define SB_NODEV 0x4u
#define SB_NOEXEC 0x8u
#define SB_SYNCHRONOUS 0x10u
#define SB_NOATIME 0x400u
#define SB_NODIRATIME 0x800u
#define SB_SILENT 0x8000u
#define SB_LAZYTIME 0x2000000u
#define SB_NOUSER 0x80000000u
int fs_register(struct fs_type *t);
const struct fs_type *fs_find(const char *name);
int fs_list(struct seq_file *m);			// /proc/filesystems
MUST_CHECK int sb_alloc(const struct fs_type *t, u32 flags, struct super_block **out);	// active 1, root null
int sb_remount(struct super_block *sb, u32 flags, const char *options);	// umount rwsem held for write
int sb_sync_all(bool wait);
void sb_put(struct super_block *sb);
static inline bool inode_is_readonly(const struct inode *inode) { return READ_ONCE(inode->sb->flags) & 1; }	// SB_RDONLY
// Helpers for fs_type.mount: a fresh in-memory sb filled by fill(); one shared instance.
int mount_nodev(const struct fs_type *t, u32 flags, const char *options, int (*fill)(struct super_block *sb, const char *options), struct dentry **out);
int mount_single(const struct fs_type *t, u32 flags, const char *options, int (*fill)(struct super_block *sb, const char *options), struct dentry **out);
void kill_litter_super(struct super_block *sb);
void sb_put_active(struct super_block *sb);
MUST_CHECK int simple_statfs(struct dentry *d, struct kstatfs *st);
struct kstatfs {
	u64 type, bsize, blocks, bfree, bavail, files, ffree, namelen, frsize, flags;
	u32 fsid[2];
};
void fs_init(void);			// INIT: caches, hash tables, rootfs
