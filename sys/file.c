// System calls on descriptors: read, write, seek, duplicate, control, sync.
#include "syscalls.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "fs/pipe.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "task/cred.h"
#include "task/pid.h"
#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/resource.h>
#include <linux/stat.h>

// ---- read and write -------------------------------------------------------------------------------------------------

// Linux's order: the mode of the file, then the range of the buffer, then the length.
static ALWAYS_INLINE ssize_t rw_check(const struct file *f, u32 mode, uptr buf, size_t *count)
{
	if (unlikely(!(f->mode & mode)))
		return -EBADF;
	if (unlikely(!(f->mode & (mode << 8))))		// FMODE_CAN_READ, FMODE_CAN_WRITE
		return -EINVAL;
	if (unlikely(!user_range_ok(buf, *count)))
		return -EFAULT;
	if (unlikely((ssize_t)*count < 0))
		return -EINVAL;
	if (unlikely(*count > MAX_RW_COUNT))
		*count = MAX_RW_COUNT;
	return 0;
}
BUILD_ASSERT(FMODE_CAN_READ == FMODE_READ << 8 && FMODE_CAN_WRITE == FMODE_WRITE << 8, "rw_check");

static ALWAYS_INLINE ssize_t rw_at(struct file *f, bool write, uptr buf, size_t count, loff_t *pos)
{
	struct iov_iter i;
	ssize_t n = rw_check(f, write ? FMODE_WRITE : FMODE_READ, buf, &count);

	if (unlikely(n))
		return n;
	iov_iter_ubuf(&i, write, buf, count);
	return write ? file_write(f, &i, pos) : file_read(f, &i, pos);
}

static ALWAYS_INLINE ssize_t rw(u32 fd, bool write, uptr buf, size_t count)
{
	bool locked;
	struct fd f = fd_get_pos(fd, &locked);
	loff_t none = 0;
	ssize_t n;

	if (unlikely(!f.file))
		return -EBADF;
	n = rw_at(f.file, write, buf, count, f.file->mode & FMODE_STREAM ? &none : &f.file->pos);
	fd_put_pos(f, locked);
	return n;
}

long sys_read(u32 fd, uptr buf, size_t count)
{
	return rw(fd, false, buf, count);
}

long sys_write(u32 fd, uptr buf, size_t count)
{
	return rw(fd, true, buf, count);
}

static ssize_t prw(u32 fd, bool write, uptr buf, size_t count, loff_t pos)
{
	struct fd f;
	ssize_t n = -ESPIPE;

	if (pos < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f.file)
		return -EBADF;
	if (f.file->mode & (write ? FMODE_PWRITE : FMODE_PREAD))
		n = rw_at(f.file, write, buf, count, &pos);
	fd_put(f);
	return n;
}

long sys_pread64(u32 fd, uptr buf, size_t count, loff_t pos)
{
	return prw(fd, false, buf, count, pos);
}

long sys_pwrite64(u32 fd, uptr buf, size_t count, loff_t pos)
{
	return prw(fd, true, buf, count, pos);
}

static ssize_t rw_vec(struct file *f, bool write, uptr vec, u64 vlen, loff_t *pos, int flags)
{
	struct user_iovec fast[UIO_FASTIOV], *to_free;
	struct iov_iter i;
	ssize_t n;

	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (!(f->mode & (write ? FMODE_CAN_WRITE : FMODE_CAN_READ)))
		return -EINVAL;
	n = iov_iter_import(&i, write, vec, vlen, fast, ARRAY_SIZE(fast), &to_free);
	if (n < 0)
		return n;
	if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		n = -EOPNOTSUPP;
	else if ((flags & RWF_NOWAIT) && !f->ops->nowait_ok)
		n = -EOPNOTSUPP;
	else if (n)
		n = file_rw_flags(f, &i, pos, (flags & RWF_APPEND ? IOCB_APPEND : 0) | (flags & RWF_NOWAIT ? IOCB_NOWAIT : 0));
	kfree(to_free);
	return n;
}

static ssize_t do_rwv(u32 fd, bool write, uptr vec, u64 vlen, int flags)
{
	bool locked;
	struct fd f = fd_get_pos(fd, &locked);
	loff_t none = 0;
	ssize_t n;

	if (!f.file)
		return -EBADF;
	n = rw_vec(f.file, write, vec, vlen, f.file->mode & FMODE_STREAM ? &none : &f.file->pos, flags);
	fd_put_pos(f, locked);
	return n;
}

static ssize_t do_prwv(u32 fd, bool write, uptr vec, u64 vlen, loff_t pos, int flags)
{
	struct fd f;
	ssize_t n = -ESPIPE;

	if (pos < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f.file)
		return -EBADF;
	if (f.file->mode & (write ? FMODE_PWRITE : FMODE_PREAD))
		n = rw_vec(f.file, write, vec, vlen, &pos, flags);
	fd_put(f);
	return n;
}

long sys_readv(u64 fd, uptr vec, u64 vlen)
{
	return do_rwv(fd, false, vec, vlen, 0);
}

long sys_writev(u64 fd, uptr vec, u64 vlen)
{
	return do_rwv(fd, true, vec, vlen, 0);
}

// The upper half of the position is ignored on 64-bit ports.
long sys_preadv(u64 fd, uptr vec, u64 vlen, u64 pos_l, u64 pos_h)
{
	return do_prwv(fd, false, vec, vlen, pos_l, 0);
}

long sys_pwritev(u64 fd, uptr vec, u64 vlen, u64 pos_l, u64 pos_h)
{
	return do_prwv(fd, true, vec, vlen, pos_l, 0);
}

long sys_preadv2(u64 fd, uptr vec, u64 vlen, u64 pos_l, u64 pos_h, int flags)
{
	return pos_l == ~0ull ? do_rwv(fd, false, vec, vlen, flags) : do_prwv(fd, false, vec, vlen, pos_l, flags);
}

long sys_pwritev2(u64 fd, uptr vec, u64 vlen, u64 pos_l, u64 pos_h, int flags)
{
	return pos_l == ~0ull ? do_rwv(fd, true, vec, vlen, flags) : do_prwv(fd, true, vec, vlen, pos_l, flags);
}

long sys_lseek(u32 fd, loff_t offset, u32 whence)
{
	bool locked;
	struct fd f = fd_get_pos(fd, &locked);
	long r;

	if (!f.file)
		return -EBADF;
	r = whence <= SEEK_MAX ? file_llseek(f.file, offset, whence) : -EINVAL;
	fd_put_pos(f, locked);
	return r;
}

// ---- copying between files ------------------------------------------------------------------------------------------

// Through a page: data leaves `in` only as far as `out` has taken it.
static ssize_t copy_files_data(struct file *in, loff_t *ipos, struct file *out, loff_t *opos, size_t count)
{
	void *page = kalloc(PAGE_SIZE, GFP_KERNEL | GFP_UNINIT);
	ssize_t done = 0, n = 0;

	if (!page)
		return -ENOMEM;
	count = MIN(count, MAX_RW_COUNT);
	while ((size_t)done < count) {
		loff_t pos = *ipos;
		ssize_t got = kernel_read(in, page, MIN(count - done, PAGE_SIZE), &pos);

		n = got;
		if (got <= 0)
			break;
		n = kernel_write(out, page, got, opos);
		if (n <= 0)
			break;
		*ipos += n;
		done += n;
		if (n < got || signal_pending(current))
			break;
	}
	kfree(page);
	return done ? done : n;
}

static int copy_check(struct fd in, struct fd out)
{
	if (!in.file || !out.file || !(in.file->mode & FMODE_READ) || !(out.file->mode & FMODE_WRITE))
		return -EBADF;
	if (!(in.file->mode & FMODE_CAN_READ) || !(out.file->mode & FMODE_CAN_WRITE))
		return -EINVAL;
	return 0;
}

// sendfile(2), with explicit or the file's own position. Data in is seekable.
static ssize_t do_sendfile(struct fd in, struct fd out, uptr offset, size_t count)
{
	loff_t pos, none = 0, *opos = out.file->mode & FMODE_STREAM ? &none : &out.file->pos;
	ssize_t n;

	if (in.file->mode & FMODE_STREAM)
		return -EINVAL;
	if (READ_ONCE(out.file->flags) & O_APPEND)
		return -EINVAL;
	pos = in.file->pos;
	if (!uptr_is_null(offset)) {
		if (!(in.file->mode & FMODE_PREAD))
			return -ESPIPE;
		if (copy_in(&pos, offset, sizeof(pos)))
			return -EFAULT;
		if (pos < 0)
			return -EINVAL;
	}
	n = copy_files_data(in.file, &pos, out.file, opos, count);
	if (uptr_is_null(offset))
		in.file->pos = pos;
	else if (copy_out(offset, &pos, sizeof(pos)))
		return -EFAULT;
	return n;
}

long sys_sendfile(int out_fd, int in_fd, uptr offset, size_t count)
{
	struct fd in = fd_get(in_fd), out = fd_get(out_fd);
	ssize_t n = copy_check(in, out);

	if (!n)
		n = (ssize_t)count < 0 ? -EINVAL : do_sendfile(in, out, offset, count);
	if (out.file)
		fd_put(out);
	if (in.file)
		fd_put(in);
	return n;
}

static ssize_t copy_range(struct fd in, uptr in_off, struct fd out, uptr out_off, size_t len)
{
	loff_t ip = in.file->pos, op = out.file->pos;
	ssize_t n;

	if (S_ISDIR(in.file->inode->mode) || S_ISDIR(out.file->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in.file->inode->mode) || !S_ISREG(out.file->inode->mode))
		return -EINVAL;
	if (READ_ONCE(out.file->flags) & O_APPEND)
		return -EBADF;
	if ((!uptr_is_null(in_off) && copy_in(&ip, in_off, sizeof(ip))) || (!uptr_is_null(out_off) && copy_in(&op, out_off, sizeof(op))))
		return -EFAULT;
	if (ip < 0 || op < 0 || (ssize_t)len < 0)
		return -EINVAL;
	len = MIN(len, (size_t)MAX(READ_ONCE(in.file->inode->size) - ip, (loff_t)0));
	if (in.file->inode == out.file->inode && (u64)op + len > (u64)ip && (u64)op < (u64)ip + len)
		return -EINVAL;		// overlaps
	n = copy_files_data(in.file, &ip, out.file, &op, len);
	if (n <= 0)
		return n;
	if (uptr_is_null(in_off))
		in.file->pos = ip;
	else if (copy_out(in_off, &ip, sizeof(ip)))
		return -EFAULT;
	if (uptr_is_null(out_off))
		out.file->pos = op;
	else if (copy_out(out_off, &op, sizeof(op)))
		return -EFAULT;
	return n;
}

long sys_copy_file_range(int in_fd, uptr in_off, int out_fd, uptr out_off, size_t len, u32 flags)
{
	struct fd in = fd_get(in_fd), out = fd_get(out_fd);
	ssize_t n = copy_check(in, out);

	if (!n)
		n = flags ? -EINVAL : copy_range(in, in_off, out, out_off, len);
	if (out.file)
		fd_put(out);
	if (in.file)
		fd_put(in);
	return n;
}

// ---- descriptors ----------------------------------------------------------------------------------------------------

long sys_close(u32 fd)
{
	return fd_close(fd);
}

long sys_close_range(u32 first, u32 last, u32 flags)
{
	return fd_close_range(first, last, flags);
}

static long dup_from(u32 fd, u32 start, u32 flags)
{
	struct fd f = fd_get_raw(fd);
	long r;

	if (!f.file)
		return -EBADF;
	r = start ? fd_reserve_from(start, rlimit(RLIMIT_NOFILE), flags) : fd_reserve(flags);
	if (r >= 0)
		fd_install(r, file_get(f.file));
	fd_put(f);
	return r;
}

long sys_dup(u32 fd)
{
	return dup_from(fd, 0, 0);
}

static long dup_to(u32 oldfd, u32 newfd, u32 flags)
{
	struct fd f = fd_get_raw(oldfd);
	long r;

	if (!f.file)
		return -EBADF;
	r = fd_replace(newfd, f.file, flags);
	fd_put(f);
	return r;
}

long sys_dup2(u32 oldfd, u32 newfd)
{
	struct fd f;

	if (oldfd != newfd)
		return dup_to(oldfd, newfd, 0);
	f = fd_get_raw(oldfd);
	if (!f.file)
		return -EBADF;
	fd_put(f);
	return oldfd;
}

long sys_dup3(u32 oldfd, u32 newfd, int flags)
{
	if ((flags & ~O_CLOEXEC) || oldfd == newfd)
		return -EINVAL;
	if (newfd >= rlimit(RLIMIT_NOFILE))
		return -EBADF;
	return dup_to(oldfd, newfd, flags);
}

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC)
static long set_flags(int fd, struct file *f, u32 arg)
{
	int err = 0;

	if (((arg ^ f->flags) & O_APPEND) && !(arg & O_APPEND) && (f->inode->flags & S_APPEND))
		return -EPERM;
	if ((arg & O_NOATIME) && !(f->flags & O_NOATIME) && !inode_owner_or_capable(f->inode))
		return -EPERM;
	if (((arg ^ f->flags) & FASYNC) && f->ops->fasync) {
		err = f->ops->fasync(fd, f, arg & FASYNC);
		if (err < 0)
			return err;
	}
	spin_lock(&f->lock);
	WRITE_ONCE(f->flags, (arg & SETFL_MASK) | (f->flags & ~SETFL_MASK));
	spin_unlock(&f->lock);
	return 0;
}

static long set_owner(struct file *f, int who)
{
	struct pid *pid = NULL, *old;
	enum pid_type type = PIDTYPE_TGID;

	if (who == INT_MIN)
		return -EINVAL;
	if (who < 0) {
		type = PIDTYPE_PGID;
		who = -who;
	}
	if (who) {
		pid = pid_find_get(who);
		if (!pid)
			return -ESRCH;
	}
	spin_lock(&f->lock);
	old = f->owner.pid;
	f->owner.pid = pid;
	f->owner.type = type;
	f->owner.uid = current_cred()->uid;
	f->owner.euid = current_cred()->euid;
	spin_unlock(&f->lock);
	pid_put(old);
	return 0;
}

static long get_owner(struct file *f)
{
	long nr;

	spin_lock(&f->lock);
	nr = f->owner.pid ? pid_vnr(f->owner.pid) : 0;
	if (f->owner.type == PIDTYPE_PGID)
		nr = -nr;
	spin_unlock(&f->lock);
	return nr;
}

static long do_fcntl(u32 fd, struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if ((u32)arg >= rlimit(RLIMIT_NOFILE))
			return -EINVAL;
		return dup_from(fd, arg, cmd == F_DUPFD_CLOEXEC ? O_CLOEXEC : 0);
	case F_GETFD:
		return fd_is_cloexec(fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		fd_set_cloexec(fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return READ_ONCE(f->flags);
	}
	if (f->mode & FMODE_PATH)
		return -EBADF;
	switch (cmd) {
	case F_SETFL:
		return set_flags(fd, f, arg);
	case F_GETOWN:
		return get_owner(f);
	case F_SETOWN:
		return set_owner(f, (int)arg);
	case F_GETSIG:
		return READ_ONCE(f->owner.signum);
	case F_SETSIG:
		if (arg > 64)
			return -EINVAL;
		spin_lock(&f->lock);
		f->owner.signum = arg;
		spin_unlock(&f->lock);
		return 0;
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return pipe_fcntl(f, cmd, arg);
	case F_GETLK: case F_SETLK: case F_SETLKW: case F_OFD_GETLK: case F_OFD_SETLK: case F_OFD_SETLKW: case F_SETLEASE: case F_GETLEASE:
		return -ENOSYS;		// ABI: file locks are not there yet
	}
	return -EINVAL;
}

long sys_fcntl(u32 fd, u32 cmd, u64 arg)
{
	struct fd f = fd_get_raw(fd);
	long r;

	if (!f.file)
		return -EBADF;
	r = do_fcntl(fd, f.file, cmd, arg);
	fd_put(f);
	return r;
}

// What every kind of file understands; the rest is the file's. man 2 ioctl.
static long do_ioctl(u32 fd, struct file *f, u32 cmd, u64 arg)
{
	u32 v;
	long r;

	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		fd_set_cloexec(fd, cmd == FIOCLEX);
		return 0;
	case FIONBIO:
		if (get_user_u32(&v, UPTR(arg)))
			return -EFAULT;
		spin_lock(&f->lock);
		WRITE_ONCE(f->flags, v ? f->flags | O_NONBLOCK : f->flags & ~O_NONBLOCK);
		spin_unlock(&f->lock);
		return 0;
	case FIOASYNC:
		if (get_user_u32(&v, UPTR(arg)))
			return -EFAULT;
		if (!f->ops->fasync)
			return v ? -ENOTTY : 0;
		return set_flags(fd, f, v ? f->flags | FASYNC : f->flags & ~FASYNC);
	case FIOQSIZE:
		if (!S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode) && !S_ISLNK(f->inode->mode))
			return -ENOTTY;
		return put_user_u64(f->inode->size, UPTR(arg));
	case FIONREAD:
		if (S_ISREG(f->inode->mode))
			return put_user_u32(f->inode->size - f->pos, UPTR(arg));
		break;
	case FIGETBSZ:
		return f->inode->sb->blocksize ? put_user_u32(f->inode->sb->blocksize, UPTR(arg)) : -EINVAL;
	}
	r = f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
	return r == -ENOIOCTLCMD ? -ENOTTY : r;
}

long sys_ioctl(u32 fd, u32 cmd, u64 arg)
{
	struct fd f = fd_get(fd);
	long r;

	if (!f.file)
		return -EBADF;
	r = do_ioctl(fd, f.file, cmd, arg);
	fd_put(f);
	return r;
}

// ---- storage --------------------------------------------------------------------------------------------------------

static long do_fsync(u32 fd, bool datasync)
{
	struct fd f = fd_get(fd);
	long r;

	if (!f.file)
		return -EBADF;
	r = f.file->ops->fsync ? f.file->ops->fsync(f.file, 0, S64_MAX, datasync) : -EINVAL;
	fd_put(f);
	return r;
}

long sys_fsync(u32 fd)
{
	return do_fsync(fd, false);
}

long sys_fdatasync(u32 fd)
{
	return do_fsync(fd, true);
}

long sys_sync(void)
{
	(void)sb_sync_all(true);
	return 0;
}

long sys_syncfs(int fd)
{
	struct fd f = fd_get(fd);
	struct super_block *sb;
	long r = 0;

	if (!f.file)
		return -EBADF;
	sb = f.file->inode->sb;
	down_read(&sb->umount);
	if (sb->ops && sb->ops->sync)
		r = sb->ops->sync(sb, true);
	up_read(&sb->umount);
	fd_put(f);
	return r;
}

static long do_fallocate(struct file *f, int mode, loff_t off, loff_t len)
{
	struct inode *inode = f->inode;

	if (off < 0 || len <= 0)
		return -EINVAL;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE |
		     FALLOC_FL_UNSHARE_RANGE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (((inode->flags & S_APPEND) && (mode & ~FALLOC_FL_KEEP_SIZE)) || (inode->flags & S_IMMUTABLE))
		return -EPERM;
	if (S_ISFIFO(inode->mode))
		return -ESPIPE;
	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode) && !S_ISBLK(inode->mode))
		return -ENODEV;
	if (off + len > inode->sb->maxbytes || off + len < 0)
		return -EFBIG;
	return f->ops->fallocate ? f->ops->fallocate(f, mode, off, len) : -EOPNOTSUPP;
}

long sys_fallocate(int fd, int mode, loff_t off, loff_t len)
{
	struct fd f = fd_get(fd);
	long r;

	if (!f.file)
		return -EBADF;
	r = do_fallocate(f.file, mode, off, len);
	fd_put(f);
	return r;
}

// Advice changes nothing that can be seen. ABI: arguments are checked as Linux does.
long sys_fadvise64(int fd, loff_t off, size_t len, int advice)
{
	struct fd f = fd_get(fd);
	long r = 0;

	if (!f.file)
		return -EBADF;
	if (S_ISFIFO(f.file->inode->mode))
		r = -ESPIPE;
	else if ((loff_t)len < 0 || advice < 0 || advice > 5)
		r = -EINVAL;
	fd_put(f);
	return r;
}

// ---- directories ----------------------------------------------------------------------------------------------------

struct dirent64_head {		// struct linux_dirent64
	u64 ino;
	s64 off;
	u16 reclen;
	u8 type;
	char name[];
} PACKED;

struct dirent_head {		// struct linux_dirent: the type is the record's last byte
	u64 ino;
	u64 off;
	u16 reclen;
	char name[];
} PACKED;

struct getdents {
	struct dir_context c;
	uptr at, prev;		// prev: the record whose off is still unknown
	u32 left;
	bool old;
	int err;
};

// The record is put together here and copied at once; the name need not end in NUL.
static int put_record(uptr at, const struct getdents *g, const char *name, size_t len, u64 ino, u32 type, u32 reclen)
{
	size_t head = g->old ? offsetof(struct dirent_head, name) : offsetof(struct dirent64_head, name);
	union {
		struct dirent64_head h;
		char bytes[ALIGN_UP(sizeof(struct dirent64_head) + NAME_MAX + 2, 8)];
	} r;

	if (len > NAME_MAX)
		return -EIO;
	memset(r.bytes + reclen - 8, 0, 8);
	r.h = (struct dirent64_head){ .ino = ino, .reclen = reclen, .type = type };
	memcpy(r.bytes + head, name, len);
	r.bytes[head + len] = 0;
	if (g->old)
		r.bytes[reclen - 1] = (char)type;
	return copy_out(at, r.bytes, reclen);
}

static bool emit_record(struct dir_context *c, const char *name, size_t len, loff_t pos, u64 ino, u32 type)
{
	struct getdents *g = CONTAINER_OF(c, struct getdents, c);
	u32 reclen = ALIGN_UP((g->old ? offsetof(struct dirent_head, name) + 1 : offsetof(struct dirent64_head, name)) + len + 1, 8);

	if (reclen > g->left) {
		g->err = -EINVAL;	// if nothing has fitted
		return false;
	}
	if (!uptr_is_null(g->prev)) {
		if (signal_pending(current)) {
			g->err = -EINTR;
			return false;
		}
		if (put_user_u64(pos, uptr_add(g->prev, offsetof(struct dirent64_head, off)))) {
			g->err = -EFAULT;
			return false;
		}
	}
	if (put_record(g->at, g, name, len, ino, type, reclen)) {
		g->err = -EFAULT;
		return false;
	}
	g->prev = g->at;
	g->at = uptr_add(g->at, reclen);
	g->left -= reclen;
	return true;
}

static long iterate(struct file *f, struct getdents *g, u32 count)
{
	struct inode *dir = f->inode;
	int err;

	if (!f->ops->iterate)
		return -ENOTDIR;
	down_read(&dir->rwsem);
	err = dir->flags & S_DEAD ? -ENOENT : 0;
	if (!err) {
		g->c.pos = f->pos;
		err = f->ops->iterate(f, &g->c);
		f->pos = g->c.pos;
		inode_atime(f);
	}
	up_read(&dir->rwsem);
	if (err >= 0)
		err = g->err;
	if (uptr_is_null(g->prev))
		return err;
	if (put_user_u64(g->c.pos, uptr_add(g->prev, offsetof(struct dirent64_head, off))))
		return -EFAULT;
	return count - g->left;
}

static long do_getdents(u32 fd, uptr buf, u32 count, bool old)
{
	struct getdents g = { .c.emit = emit_record, .at = buf, .left = count, .old = old };
	bool locked;
	struct fd f = fd_get_pos(fd, &locked);
	long r;

	if (!f.file)
		return -EBADF;
	r = iterate(f.file, &g, count);
	fd_put_pos(f, locked);
	return r;
}

long sys_getdents64(u32 fd, uptr buf, u32 count)
{
	return do_getdents(fd, buf, count, false);
}

long sys_getdents(u32 fd, uptr buf, u32 count)
{
	return do_getdents(fd, buf, count, true);
}
