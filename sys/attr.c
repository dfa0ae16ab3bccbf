// System calls on attributes: mode, owner, times, size, access, extended attributes.
#include "syscalls.h"
#include "fs/file.h"
#include "fs/fs_internal.h"
#include "fs/xattr.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "task/cred.h"
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/xattr.h>

#define UTIME_NOW_K ((1l << 30) - 1)
#define UTIME_OMIT_K ((1l << 30) - 2)
#define SECBIT_NO_SETUID_FIXUP 4u

// A path by name, or (null name or empty with AT_EMPTY_PATH) by descriptor. Flags are checked by the caller.
static int attr_path(int dfd, uptr path, u32 flags, struct path *p)
{
	return user_path(dfd, path, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), p);
}

static int change(const struct path *p, struct iattr *a)
{
	struct inode *inode = p->dentry->inode;
	int err = mnt_want_write(p->mnt);

	if (err)
		return err;
	down_write(&inode->rwsem);
	err = notify_change(p->dentry, a);
	up_write(&inode->rwsem);
	mnt_drop_write(p->mnt);
	return err;
}

// ---- mode -----------------------------------------------------------------------------------------------------------

static int chmod_path(const struct path *p, umode_t mode)
{
	struct inode *inode = p->dentry->inode;
	struct iattr a = { .valid = ATTR_MODE, .mode = (mode & 07777) | (inode->mode & ~07777) };

	return S_ISLNK(inode->mode) ? -EOPNOTSUPP : change(p, &a);
}

long sys_fchmodat2(int dfd, uptr path, umode_t mode, u32 flags)
{
	struct path p;
	int err;

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = attr_path(dfd, path, flags, &p);
	if (err)
		return err;
	err = chmod_path(&p, mode);
	path_put(&p);
	return err;
}

long sys_fchmodat(int dfd, uptr path, umode_t mode)
{
	return sys_fchmodat2(dfd, path, mode, 0);
}

long sys_chmod(uptr path, umode_t mode)
{
	return sys_fchmodat2(AT_FDCWD, path, mode, 0);
}

long sys_fchmod(u32 fd, umode_t mode)
{
	struct fd f = fd_get(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = chmod_path(&f.file->path, mode);
	fd_put(f);
	return err;
}

// ---- owner ----------------------------------------------------------------------------------------------------------

static int chown_path(const struct path *p, uid_t user, gid_t group)
{
	struct user_namespace *ns = current_cred()->user_ns;
	struct inode *inode = p->dentry->inode;
	struct iattr a = { 0 };

	if (user != (uid_t)-1) {
		a.uid = make_kuid(ns, user);
		a.valid |= ATTR_UID;
		if (!uid_valid(a.uid))
			return -EINVAL;
	}
	if (group != (gid_t)-1) {
		a.gid = make_kgid(ns, group);
		a.valid |= ATTR_GID;
		if (!gid_valid(a.gid))
			return -EINVAL;
	}
	int err = mnt_want_write(p->mnt);
	if (err)
		return err;
	down_write(&inode->rwsem);
	a.valid |= inode_privs_to_kill(inode);	// under the lock: chmod(2) must not slip in between
	err = notify_change(p->dentry, &a);
	up_write(&inode->rwsem);
	mnt_drop_write(p->mnt);
	return err;
}

long sys_fchownat(int dfd, uptr path, uid_t uid, gid_t gid, int flags)
{
	struct path p;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = attr_path(dfd, path, flags, &p);
	if (err)
		return err;
	err = chown_path(&p, uid, gid);
	path_put(&p);
	return err;
}

long sys_chown(uptr path, uid_t uid, gid_t gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

long sys_lchown(uptr path, uid_t uid, gid_t gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(u32 fd, uid_t uid, gid_t gid)
{
	struct fd f = fd_get(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = chown_path(&f.file->path, uid, gid);
	fd_put(f);
	return err;
}

// ---- times ----------------------------------------------------------------------------------------------------------

struct two_times {
	struct { s64 sec, nsec; } t[2];		// access, modification; as struct timespec
};

static bool nsec_ok(s64 n)
{
	return n == UTIME_NOW_K || n == UTIME_OMIT_K || (n >= 0 && n < NSEC_PER_SEC);
}

static int utimes_path(const struct path *p, const struct two_times *t)
{
	struct iattr a = { .valid = ATTR_ATIME | ATTR_MTIME };

	if (t) {
		if (t->t[0].nsec == UTIME_OMIT_K)
			a.valid &= ~ATTR_ATIME;
		else if (t->t[0].nsec != UTIME_NOW_K)
			a.valid |= ATTR_ATIME_SET;
		if (t->t[1].nsec == UTIME_OMIT_K)
			a.valid &= ~ATTR_MTIME;
		else if (t->t[1].nsec != UTIME_NOW_K)
			a.valid |= ATTR_MTIME_SET;
		a.atime = (struct timespec_k){ t->t[0].sec, t->t[0].nsec };
		a.mtime = (struct timespec_k){ t->t[1].sec, t->t[1].nsec };
		// One now and the other omitted or given: more than a touch, so the owner's alone (man 2 utimensat).
		if (t->t[0].nsec != UTIME_NOW_K || t->t[1].nsec != UTIME_NOW_K)
			a.valid |= ATTR_TIMES_SET;
	}
	return change(p, &a);
}

static int utimes_at(int dfd, uptr path, const struct two_times *t, int flags)
{
	struct fd f;
	struct path p;
	int err;

	if (t && (!nsec_ok(t->t[0].nsec) || !nsec_ok(t->t[1].nsec)))
		return -EINVAL;
	if (uptr_is_null(path) && dfd != AT_FDCWD) {
		if (flags)
			return -EINVAL;
		f = fd_get(dfd);
		if (!f.file)
			return -EBADF;
		err = utimes_path(&f.file->path, t);
		fd_put(f);
		return err;
	}
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = attr_path(dfd, path, flags, &p);
	if (err)
		return err;
	err = utimes_path(&p, t);
	path_put(&p);
	return err;
}

long sys_utimensat(int dfd, uptr path, uptr times, int flags)
{
	struct two_times t;

	if (uptr_is_null(times))
		return utimes_at(dfd, path, NULL, flags);
	if (copy_in(&t, times, sizeof(t)))
		return -EFAULT;
	if (t.t[0].nsec == UTIME_OMIT_K && t.t[1].nsec == UTIME_OMIT_K)
		return 0;		// nothing to do, not even to look
	return utimes_at(dfd, path, &t, flags);
}

long sys_futimesat(int dfd, uptr path, uptr times)
{
	struct two_times t;

	if (uptr_is_null(times))
		return utimes_at(dfd, path, NULL, 0);
	if (copy_in(&t, times, sizeof(t)))
		return -EFAULT;
	for (int i = 0; i < 2; i++) {		// struct timeval
		if (t.t[i].nsec < 0 || t.t[i].nsec >= USEC_PER_SEC)
			return -EINVAL;
		t.t[i].nsec *= 1000;
	}
	return utimes_at(dfd, path, &t, 0);
}

long sys_utimes(uptr path, uptr times)
{
	return sys_futimesat(AT_FDCWD, path, times);
}

long sys_utime(uptr path, uptr times)
{
	struct two_times t = { 0 };
	s64 sec[2];

	if (uptr_is_null(times))
		return utimes_at(AT_FDCWD, path, NULL, 0);
	if (copy_in(sec, times, sizeof(sec)))
		return -EFAULT;
	t.t[0].sec = sec[0];
	t.t[1].sec = sec[1];
	return utimes_at(AT_FDCWD, path, &t, 0);
}

// ---- size -----------------------------------------------------------------------------------------------------------

long sys_truncate(uptr path, long len)
{
	struct path p;
	int err;

	if (len < 0)
		return -EINVAL;
	err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = vfs_truncate(&p, len);
	path_put(&p);
	return err;
}

static int truncate_file(struct file *f, loff_t len)
{
	if (!S_ISREG(f->inode->mode) || !(f->mode & FMODE_WRITE))
		return -EINVAL;
	if (f->inode->flags & S_APPEND)
		return -EPERM;
	return do_truncate(f->path.dentry, len, ATTR_MTIME | ATTR_CTIME, f);
}

long sys_ftruncate(u32 fd, loff_t len)
{
	struct fd f;
	int err;

	if (len < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f.file)
		return -EBADF;
	err = truncate_file(f.file, len);
	fd_put(f);
	return err;
}

// ---- access(2): with the real ids -----------------------------------------------------------------------------------

static bool acts_as_real(const struct cred *c)
{
	if (!uid_eq(c->fsuid, c->uid) || !gid_eq(c->fsgid, c->gid))
		return false;
	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return true;
	return c->uid.val == 0 ? c->cap_effective == c->cap_permitted : c->cap_effective == 0;
}

static int real_creds(struct cred **out)
{
	struct cred *c;
	int err = prepare_creds(&c);

	if (err)
		return err;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	if (!(c->securebits & SECBIT_NO_SETUID_FIXUP))
		c->cap_effective = c->uid.val == 0 ? c->cap_permitted : 0;
	*out = c;
	return 0;
}

static int access_path(const struct path *p, int mode)
{
	struct inode *inode = p->dentry->inode;
	int err;

	if ((mode & MAY_EXEC) && S_ISREG(inode->mode)) {
		if ((READ_ONCE(p->mnt->flags) & MNT_NOEXEC) || (READ_ONCE(inode->sb->flags) & SB_NOEXEC))
			return -EACCES;
	}
	err = inode_permission(inode, mode | MAY_ACCESS);
	if (err || !(mode & MAY_WRITE) || S_ISCHR(inode->mode) || S_ISBLK(inode->mode) || S_ISFIFO(inode->mode) || S_ISSOCK(inode->mode))
		return err;
	return READ_ONCE(p->mnt->flags) & MNT_READONLY ? -EROFS : 0;
}

long sys_faccessat2(int dfd, uptr path, int mode, int flags)
{
	const struct cred *old = NULL;
	struct cred *real = NULL;
	struct path p;
	int err = 0;

	if ((mode & ~7) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	if (!(flags & AT_EACCESS) && !acts_as_real(current_cred())) {
		err = real_creds(&real);
		if (err)
			return err;
		old = override_creds(real);
	}
	err = attr_path(dfd, path, flags, &p);
	if (!err) {
		err = access_path(&p, mode);
		path_put(&p);
	}
	if (real) {
		revert_creds(old);
		cred_put(real);
	}
	return err;
}

long sys_faccessat(int dfd, uptr path, int mode)
{
	return sys_faccessat2(dfd, path, mode, 0);
}

long sys_access(uptr path, int mode)
{
	return sys_faccessat2(AT_FDCWD, path, mode, 0);
}

// ---- extended attributes --------------------------------------------------------------------------------------------

static int xattr_name(uptr from, char *name)
{
	ssize_t n = strncpy_from_user(name, from, XATTR_MAX_NAME + 1);

	if (n == 0 || n == -ENAMETOOLONG)
		return -ERANGE;
	return n < 0 ? n : 0;
}

static long xattr_set(const struct path *p, uptr name, uptr value, size_t size, int flags)
{
	char n[XATTR_MAX_NAME + 1];
	void *v = NULL;
	int err;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	err = xattr_name(name, n);
	if (err)
		return err;
	if (size > XATTR_MAX_SIZE)
		return -E2BIG;
	if (size) {
		err = memdup_user(value, size, &v);
		if (err)
			return err;
	}
	err = vfs_setxattr(p, n, v, size, flags);
	kvfree(v);
	return err;
}

static long xattr_get(const struct path *p, uptr name, uptr value, size_t size)
{
	char n[XATTR_MAX_NAME + 1];
	void *v = NULL;
	long r = xattr_name(name, n);

	if (r)
		return r;
	size = MIN(size, (size_t)XATTR_MAX_SIZE);
	if (size) {
		v = kvalloc(size, GFP_KERNEL);
		if (!v)
			return -ENOMEM;
	}
	r = vfs_getxattr(p, n, v, size);
	if (r > 0 && size && copy_out(value, v, r))
		r = -EFAULT;
	kvfree(v);
	return r;
}

static long xattr_list(const struct path *p, uptr list, size_t size)
{
	char *v = NULL;
	long r;

	size = MIN(size, (size_t)XATTR_MAX_LIST);
	if (size) {
		v = kvalloc(size, GFP_KERNEL);
		if (!v)
			return -ENOMEM;
	}
	r = vfs_listxattr(p, v, size);
	if (r > 0 && size && copy_out(list, v, r))
		r = -EFAULT;
	kvfree(v);
	return r;
}

static long xattr_remove(const struct path *p, uptr name)
{
	char n[XATTR_MAX_NAME + 1];
	int err = xattr_name(name, n);

	return err ? err : vfs_removexattr(p, n);
}

// Each call exists for a followed name, a name, and a descriptor.
#define ON_PATH(follow, call) ({ \
	struct path p; \
	long r_ = user_path(AT_FDCWD, path, follow, &p); \
	if (!r_) { \
		r_ = call; \
		path_put(&p); \
	} \
	r_; })
#define ON_FD(call) ({ \
	struct fd f_ = fd_get(fd); \
	long r_ = -EBADF; \
	if (f_.file) { \
		struct path p = f_.file->path; \
		r_ = call; \
		fd_put(f_); \
	} \
	r_; })

long sys_setxattr(uptr path, uptr name, uptr value, size_t size, int flags)
{
	return ON_PATH(LOOKUP_FOLLOW, xattr_set(&p, name, value, size, flags));
}

long sys_lsetxattr(uptr path, uptr name, uptr value, size_t size, int flags)
{
	return ON_PATH(0, xattr_set(&p, name, value, size, flags));
}

long sys_fsetxattr(u32 fd, uptr name, uptr value, size_t size, int flags)
{
	return ON_FD(xattr_set(&p, name, value, size, flags));
}

long sys_getxattr(uptr path, uptr name, uptr value, size_t size)
{
	return ON_PATH(LOOKUP_FOLLOW, xattr_get(&p, name, value, size));
}

long sys_lgetxattr(uptr path, uptr name, uptr value, size_t size)
{
	return ON_PATH(0, xattr_get(&p, name, value, size));
}

long sys_fgetxattr(u32 fd, uptr name, uptr value, size_t size)
{
	return ON_FD(xattr_get(&p, name, value, size));
}

long sys_listxattr(uptr path, uptr list, size_t size)
{
	return ON_PATH(LOOKUP_FOLLOW, xattr_list(&p, list, size));
}

long sys_llistxattr(uptr path, uptr list, size_t size)
{
	return ON_PATH(0, xattr_list(&p, list, size));
}

long sys_flistxattr(u32 fd, uptr list, size_t size)
{
	return ON_FD(xattr_list(&p, list, size));
}

long sys_removexattr(uptr path, uptr name)
{
	return ON_PATH(LOOKUP_FOLLOW, xattr_remove(&p, name));
}

long sys_lremovexattr(uptr path, uptr name)
{
	return ON_PATH(0, xattr_remove(&p, name));
}

long sys_fremovexattr(u32 fd, uptr name)
{
	return ON_FD(xattr_remove(&p, name));
}
