// The stat family, statx(2), statfs(2).
#include "syscalls.h"
#include "fs/chrdev.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/uaccess.h"
#include "task/cred.h"
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#define STAT_BASIC STATX_BASIC_STATS

static int put_stat(const struct kstat *st, uptr to)
{
	struct user_namespace *ns = current_cred()->user_ns;
	struct stat s = {
		.st_dev = encode_dev(st->dev), .st_ino = st->ino, .st_nlink = st->nlink, .st_mode = st->mode,
		.st_uid = from_kuid_munged(ns, st->uid), .st_gid = from_kgid_munged(ns, st->gid),
		.st_rdev = encode_dev(st->rdev), .st_size = st->size, .st_blksize = st->blksize, .st_blocks = st->blocks,
		.st_atime = st->atime.sec, .st_atime_nsec = st->atime.nsec, .st_mtime = st->mtime.sec, .st_mtime_nsec = st->mtime.nsec,
		.st_ctime = st->ctime.sec, .st_ctime_nsec = st->ctime.nsec,
	};

	return copy_out(to, &s, sizeof(s));
}

static int stat_fd(u32 fd, struct kstat *st, u32 mask)
{
	struct fd f = fd_get_raw(fd);
	int err;

	if (unlikely(!f.file))
		return -EBADF;
	err = vfs_getattr(&f.file->path, st, mask, 0);
	fd_put(f);
	return err;
}

// The mask of what is asked for does not make a difference yet. mnt: out, optional: the mount's id and whether it is its root.
static int stat_at(int dfd, uptr path, u32 flags, struct kstat *st, u32 mask)
{
	u32 lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct path p;
	u8 first;
	int err;

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	// fstat() of today's C libraries: fd, "", AT_EMPTY_PATH.
	if ((flags & AT_EMPTY_PATH) && dfd >= 0 && (uptr_is_null(path) || (get_user_u8(&first, path) == 0 && !first)))
		return stat_fd(dfd, st, mask);
	err = user_path(dfd, path, lookup, &p);
	if (unlikely(err))
		return err;
	err = vfs_getattr(&p, st, mask, flags);
	st->mnt_id = p.mnt->id;
	if (p.dentry == p.mnt->root)
		st->attributes |= STATX_ATTR_MOUNT_ROOT;
	path_put(&p);
	return err;
}

static long stat_out(int dfd, uptr path, uptr to, u32 flags)
{
	struct kstat st;
	int err;

	st.attributes = 0;
	err = stat_at(dfd, path, flags, &st, STAT_BASIC);
	return err ? err : put_stat(&st, to);
}

long sys_stat(uptr path, uptr st)
{
	return stat_out(AT_FDCWD, path, st, 0);
}

long sys_lstat(uptr path, uptr st)
{
	return stat_out(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

long sys_newfstatat(int dfd, uptr path, uptr st, int flags)
{
	return stat_out(dfd, path, st, flags);
}

long sys_fstat(u32 fd, uptr to)
{
	struct kstat st;
	int err;

	st.attributes = 0;
	err = stat_fd(fd, &st, STAT_BASIC);
	return err ? err : put_stat(&st, to);
}

static struct statx_timestamp statx_time(const struct timespec_k *t)
{
	return (struct statx_timestamp){ .tv_sec = t->sec, .tv_nsec = t->nsec };
}

long sys_statx(int dfd, uptr path, u32 flags, u32 mask, uptr buf)
{
	struct user_namespace *ns = current_cred()->user_ns;
	struct kstat st = { 0 };
	struct statx x;
	int err;

	if (mask & STATX__RESERVED)
		return -EINVAL;
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	err = stat_at(dfd, path, flags, &st, mask);
	if (err)
		return err;
	memset(&x, 0, sizeof(x));
	x.stx_mask = STAT_BASIC | STATX_BTIME | (st.mnt_id ? STATX_MNT_ID : 0);
	x.stx_blksize = st.blksize;
	x.stx_attributes = st.attributes;
	x.stx_attributes_mask = st.attributes_mask | STATX_ATTR_MOUNT_ROOT;
	x.stx_nlink = st.nlink;
	x.stx_uid = from_kuid_munged(ns, st.uid);
	x.stx_gid = from_kgid_munged(ns, st.gid);
	x.stx_mode = st.mode;
	x.stx_ino = st.ino;
	x.stx_size = st.size;
	x.stx_blocks = st.blocks;
	x.stx_atime = statx_time(&st.atime);
	x.stx_btime = statx_time(&st.btime);
	x.stx_ctime = statx_time(&st.ctime);
	x.stx_mtime = statx_time(&st.mtime);
	x.stx_rdev_major = MAJOR(st.rdev);
	x.stx_rdev_minor = MINOR(st.rdev);
	x.stx_dev_major = MAJOR(st.dev);
	x.stx_dev_minor = MINOR(st.dev);
	x.stx_mnt_id = st.mnt_id;
	return copy_out(buf, &x, sizeof(x));
}

// ---- statfs ---------------------------------------------------------------------------------------------------------

#define ST_RDONLY 1
#define ST_NOSUID 2
#define ST_NODEV 4
#define ST_NOEXEC 8
#define ST_VALID 0x20
#define ST_NOATIME 0x400
#define ST_NODIRATIME 0x800
#define ST_RELATIME 0x1000

static u64 statfs_flags(const struct mount *m)
{
	u32 f = READ_ONCE(m->flags), s = READ_ONCE(m->sb->flags);

	return ST_VALID | ((f & MNT_READONLY) || (s & SB_RDONLY) ? ST_RDONLY : 0) | ((f & MNT_NOSUID) || (s & SB_NOSUID) ? ST_NOSUID : 0) |
	       ((f & MNT_NODEV) || (s & SB_NODEV) ? ST_NODEV : 0) | ((f & MNT_NOEXEC) || (s & SB_NOEXEC) ? ST_NOEXEC : 0) |
	       (f & MNT_NOATIME ? ST_NOATIME : 0) | (f & MNT_NODIRATIME ? ST_NODIRATIME : 0) | (f & MNT_RELATIME ? ST_RELATIME : 0);
}

static int statfs_path(const struct path *p, uptr to)
{
	struct super_block *sb = p->dentry->sb;
	struct kstatfs k = { 0 };
	struct statfs s;
	int err = sb->ops && sb->ops->statfs ? sb->ops->statfs(p->dentry, &k) : -ENOSYS;

	if (err)
		return err;
	memset(&s, 0, sizeof(s));
	s.f_type = k.type;
	s.f_bsize = k.bsize;
	s.f_blocks = k.blocks;
	s.f_bfree = k.bfree;
	s.f_bavail = k.bavail;
	s.f_files = k.files;
	s.f_ffree = k.ffree;
	s.f_fsid.val[0] = k.fsid[0];
	s.f_fsid.val[1] = k.fsid[1];
	s.f_namelen = k.namelen;
	s.f_frsize = k.frsize;
	s.f_flags = k.flags | statfs_flags(p->mnt);
	return copy_out(to, &s, sizeof(s));
}

long sys_statfs(uptr path, uptr buf)
{
	struct path p;
	int err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = statfs_path(&p, buf);
	path_put(&p);
	return err;
}

long sys_fstatfs(u32 fd, uptr buf)
{
	struct fd f = fd_get_raw(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = statfs_path(&f.file->path, buf);
	fd_put(f);
	return err;
}
