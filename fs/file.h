// fs/file.h - open files and descriptor tables.
//
// struct file is type-stable (SLAB_TYPESAFE_BY_RCU): an fd lookup under RCU takes the reference by inc-not-zero and rechecks the slot; in an unshared
// table it takes none (fd_get()). The last put runs as task work before the return to user mode, so that ->release never runs under anybody's locks.
#pragma once
#include "fs/path.h"
#include "kern/ref.h"
#include "kern/rcu.h"
#include "lib/bitmap.h"
#include "mm/iov_iter.h"
#include "sched/mutex.h"
#include "task/process.h"

struct file;
struct inode;
struct poll_table;
struct vma;
struct kiocb {			// one read or write
	struct file *file;
	loff_t pos;		// in and out
	u32 flags;		// IOCB_*
};
#define IOCB_APPEND 0x1u
#define IOCB_NOWAIT 0x2u
#define IOCB_DSYNC 0x4u
#define IOCB_DIRECT 0x8u

struct dir_context {		// getdents: emit() returns false when the buffer is full
	bool (*emit)(struct dir_context *c, const char *name, size_t len, loff_t pos, u64 ino, u32 type);
	loff_t pos;
};

struct file_ops {		// 0, a count, or -errno. Context: task, no locks held unless said
	loff_t (*llseek)(struct file *f, loff_t off, int whence);	// null: -ESPIPE
	ssize_t (*read)(struct kiocb *k, struct iov_iter *to);
	ssize_t (*write)(struct kiocb *k, struct iov_iter *from);
	int (*iterate)(struct file *f, struct dir_context *c);		// dir rwsem held for read
	u32 (*poll)(struct file *f, struct poll_table *t);		// EPOLL* bits; null: always readable and writable
	long (*ioctl)(struct file *f, u32 cmd, u64 arg);		// -ENOTTY when unknown
	int (*mmap)(struct file *f, struct vma *v);			// null: -ENODEV
	int (*open)(struct inode *inode, struct file *f);
	int (*flush)(struct file *f);					// each close(2)
	void (*release)(struct inode *inode, struct file *f);		// last reference
	int (*fsync)(struct file *f, loff_t start, loff_t end, bool datasync);
	int (*fallocate)(struct file *f, int mode, loff_t off, loff_t len);
	ssize_t (*splice_read)(struct file *in, loff_t *pos, struct pipe *p, size_t n, u32 flags);
	ssize_t (*splice_write)(struct pipe *p, struct file *out, loff_t *pos, size_t n, u32 flags);
	void (*show_fdinfo)(struct seq_file *m, struct file *f);
	int (*fasync)(int fd, struct file *f, bool on);
	bool nowait_ok;
	bool stream;			// no position: pipes, sockets (no f_pos lock)
};

struct file {
	struct ref ref ATOMIC;
	u32 mode SET_ONCE;		// FMODE_*
	const struct file_ops *ops SET_ONCE;
	struct inode *inode SET_ONCE;
	struct mapping *mapping SET_ONCE;
	u32 flags ATOMIC;		// O_*: F_SETFL changes
	loff_t pos;			// pos_lock when the file is shared (FMODE_ATOMIC_POS)
	struct path path SET_ONCE;
	const struct cred *cred SET_ONCE;
	void *private;
	struct mutex pos_lock;
	struct spinlock lock;		// flags, owner
	struct { struct pid *pid; kuid_t uid, euid; int signum; u8 type; } owner GUARDED_BY(&lock);
	u64 version;			// directory cursor
	struct { u64 start, prev; u32 size; } ra;
	struct hlist_head ep_links;	// epolls that watch it
	union { struct task_work put_work; struct llist_node put_list; };
};
#define FMODE_READ 0x1u
#define FMODE_WRITE 0x2u
#define FMODE_LSEEK 0x4u
#define FMODE_PREAD 0x8u
#define FMODE_PWRITE 0x10u
#define FMODE_EXEC 0x20u
#define FMODE_PATH 0x40u
#define FMODE_ATOMIC_POS 0x80u		// regular file or directory: position is locked if shared
#define FMODE_CAN_READ 0x100u
#define FMODE_CAN_WRITE 0x200u
#define FMODE_OPENED 0x400u
#define FMODE_WRITER 0x800u		// counts in inode.writecount and mount.writers
#define FMODE_CREATED 0x1000u		// this open made it
#define FMODE_STREAM 0x2000u		// reads and writes have no position

static inline struct file *file_get(struct file *f) { ref_get(&f->ref); return f; }
void file_put(struct file *f);
// A file without a path in any tree (pipes, eventfd...): inode consumed on success.
// The file of a dentry made by d_alloc_pseudo() with its inode (both consumed on success).
MUST_CHECK int file_pseudo(struct mount *m, struct dentry *d, u32 flags, const struct file_ops *ops, struct file **out);
MUST_CHECK int file_anon(const char *name, const struct file_ops *ops, void *private, u32 flags, struct file **out);
MUST_CHECK int file_alloc(u32 flags, const struct cred *cred, struct file **out);	// -ENFILE
void file_free_unopened(struct file *f);
MUST_CHECK int dentry_open(const struct path *p, u32 flags, const struct cred *cred, struct file **out);
MUST_CHECK int file_open(const char *kernel_path, u32 flags, umode_t mode, struct file **out);	// kernel's own opens (initramfs, exec helpers)
// Data, permission and limits checked; the bodies of read(2) and write(2).
ssize_t file_read(struct file *f, struct iov_iter *to, loff_t *pos);
ssize_t file_write(struct file *f, struct iov_iter *from, loff_t *pos);
ssize_t file_rw_flags(struct file *f, struct iov_iter *i, loff_t *pos, u32 flags);	// IOCB_*; FMODE_CAN_READ/WRITE checked by the caller
// For ->write of files with a size: O_APPEND, RLIMIT_FSIZE (SIGXFSZ), the file system's maximum. Cuts the iterator. Bytes to write, 0, or -errno.
ssize_t file_write_checks(struct kiocb *k, struct iov_iter *from);
ssize_t kernel_read(struct file *f, void *buf, size_t n, loff_t *pos);
ssize_t kernel_write(struct file *f, const void *buf, size_t n, loff_t *pos);
loff_t file_llseek(struct file *f, loff_t off, int whence);
loff_t generic_llseek(struct file *f, loff_t off, int whence, loff_t max, loff_t eof);
loff_t no_llseek(struct file *f, loff_t off, int whence);
u64 file_nr_open(void), file_max(void);		// /proc/sys/fs/file-nr
u32 file_poll(struct file *f, struct poll_table *t);
int deny_write_access(struct file *f);		// -ETXTBSY
void allow_write_access(struct file *f);
void fput_sync(struct file *f);			// kernel threads: puts now

// Descriptor tables (fs/fdtable.c). struct fdtable is replaced to grow, freed by RCU.
struct fdtable {
	u32 max;
	struct file __rcu **fd;
	unsigned long *open, *cloexec, *full;	// bitmaps; full: words of `open` without a hole
	struct rcu_head rcu;
};
struct files {
	struct ref ref;			// tasks that share it; 1: lookups take no reference
	struct fdtable __rcu *fdt;
	struct spinlock lock;		// writers
	u32 next_fd;			// no free descriptor below
	struct fdtable first;
	unsigned long first_open[1], first_cloexec[1], first_full[1];
	struct file __rcu *first_fd[64];
};
struct fd {			// a borrowed or counted file from a descriptor
	struct file *file;
	bool put;
};
// file null: -EBADF. O_PATH files are not found by fd_get(). Give back by fd_put().
struct fd fd_get(u32 fd);
struct fd fd_get_raw(u32 fd);		// O_PATH too
struct fd fd_get_pos(u32 fd, bool *locked);	// takes pos_lock where needed
void fd_put_pos(struct fd f, bool locked);
static inline void fd_put(struct fd f) { if (f.put) file_put(f.file); }
MUST_CHECK int fd_reserve(u32 flags);		// lowest free descriptor (O_CLOEXEC), or -EMFILE
MUST_CHECK int fd_reserve_from(u32 start, u64 limit, u32 flags);
void fd_install(int fd, struct file *f);	// consumes the reference
void fd_unreserve(int fd);
int fd_close(u32 fd);
MUST_CHECK int fd_replace(u32 fd, struct file *f, u32 flags);	// dup2; f borrowed
int fd_close_range(u32 first, u32 last, u32 flags);
MUST_CHECK int copy_files(struct task *child, unsigned long clone_flags);
MUST_CHECK int unshare_files(void);		// exec: private copy
void files_put(struct files *fs);
void exit_files(struct task *t);
void files_close_on_exec(void);
struct file *task_fd_get(struct task *t, u32 *fd);	// next open at or after *fd, counted, for /proc; null: none
bool fd_is_cloexec(u32 fd);
void fd_set_cloexec(u32 fd, bool on);

// Waiting for events on files: poll, select, epoll.
struct poll_table {
	void (*queue)(struct poll_table *t, struct file *f, struct waitq *q);	// null: only the state is wanted
	u32 key;
};
static inline void poll_wait(struct poll_table *t, struct file *f, struct waitq *q)
{
	if (t && t->queue)
		t->queue(t, f, q);
}
