// fs/path.h - places in the tree: (mount, dentry), and the walk that finds them.
#pragma once
#include "fs/inode.h"
#include "kern/ref.h"
#include "sched/task.h"

struct mount;

struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

void path_get(const struct path *p);
void path_put(const struct path *p);
static inline bool path_equal(const struct path *a, const struct path *b) { return a->mnt == b->mnt && a->dentry == b->dentry; }

// A task's place: root and current directory. Counted; shared by CLONE_FS.
struct fs_context {
	struct ref ref;
	struct spinlock lock;
	struct seqcount seq;
	struct path root, pwd GUARDED_BY(&lock);
	u32 umask;
	u32 in_exec GUARDED_BY(&lock);		// execs that gain privilege and have counted who shares this: no more may
};
MUST_CHECK int copy_fs(struct task *child, unsigned long clone_flags);
void exit_fs(struct task *t);
void fs_context_put(struct fs_context *fs);
MUST_CHECK int unshare_fs(void);
void set_fs_root(struct fs_context *fs, const struct path *p);
void set_fs_pwd(struct fs_context *fs, const struct path *p);
void get_fs_root(struct fs_context *fs, struct path *out);
void get_fs_pwd(struct fs_context *fs, struct path *out);

// A path name in kernel memory. -ENAMETOOLONG over PATH_MAX - 1, -ENOENT when empty (unless LOOKUP_EMPTY).
struct filename {
	const char *name;
	uptr user;			// where it came from (0: kernel)
	u32 len;
	bool heap;			// putname() frees it; the text follows the struct
};
// Room for a short name on the caller's stack.
#define NAME_BUF 192
struct name_buf {
	struct filename n;
	char text[NAME_BUF];
};
MUST_CHECK int getname(uptr user, u32 lookup_flags, struct filename **out);
// In b, or allocated when it is longer. putname() all the same.
MUST_CHECK int getname_buf(struct name_buf *b, uptr user, u32 lookup_flags, struct filename **out);
MUST_CHECK int getname_kernel(const char *s, struct filename **out);
void putname(struct filename *n);

#define LOOKUP_FOLLOW 0x1u		// a symlink as last component
#define LOOKUP_DIRECTORY 0x2u
#define LOOKUP_EMPTY 0x4u		// AT_EMPTY_PATH
#define LOOKUP_PARENT 0x10u
#define LOOKUP_CREATE 0x20u
#define LOOKUP_EXCL 0x40u
#define LOOKUP_OPEN 0x80u
#define LOOKUP_RENAME_TARGET 0x100u
#define LOOKUP_RCU 0x200u
#define LOOKUP_REVAL 0x400u
#define LOOKUP_NO_SYMLINKS 0x10000u	// openat2's RESOLVE_*
#define LOOKUP_NO_MAGICLINKS 0x20000u
#define LOOKUP_NO_XDEV 0x40000u
#define LOOKUP_BENEATH 0x80000u
#define LOOKUP_IN_ROOT 0x100000u
#define LOOKUP_CACHED 0x200000u

// The walk: lock-free under RCU and sequence counts; any doubt restarts with references (-ECHILD inside). *out is counted.
MUST_CHECK int path_lookup(int dfd, struct filename *name, u32 flags, struct path *out);
MUST_CHECK int user_path(int dfd, uptr name, u32 flags, struct path *out);		// getname + path_lookup
MUST_CHECK int kern_path(const char *name, u32 flags, struct path *out);
// open(2): all of O_*. *out is an opened file.
struct open_how_k {
	u64 flags, mode, resolve;	// flags may hold FMODE_EXEC: exec opens the file. System calls refuse that bit
};
MUST_CHECK int path_open(int dfd, struct filename *name, const struct open_how_k *how, struct file **out);
// The parent, locked for a change, and the last component's (negative) dentry. Undo with path_create_done().
MUST_CHECK int path_create(int dfd, struct filename *name, u32 flags, struct path *parent, struct dentry **out);
void path_create_done(struct path *parent, struct dentry *d);
// System call bodies (fs/namei_ops.c). 0 or -errno.
int do_mkdirat(int dfd, struct filename *name, umode_t mode);
int do_mknodat(int dfd, struct filename *name, umode_t mode, dev_t dev);
int do_unlinkat(int dfd, struct filename *name);
int do_rmdirat(int dfd, struct filename *name);
int do_symlinkat(const char *target, int dfd, struct filename *name);
int do_linkat(int odfd, struct filename *old, int ndfd, struct filename *new, int flags);
int do_renameat2(int odfd, struct filename *old, int ndfd, struct filename *new, u32 flags);
int vfs_truncate(const struct path *p, loff_t size);
int vfs_getattr(const struct path *p, struct kstat *st, u32 mask, u32 flags);
// A path as text, from buf's end: pointer into buf, or negative errno as *err (-ENAMETOOLONG). " (deleted)" appended when unlinked.
char *d_path(const struct path *p, char *buf, size_t n, int *err);
char *d_absolute_path(const struct path *p, char *buf, size_t n, int *err);	// from the namespace's root, for /proc/mounts
