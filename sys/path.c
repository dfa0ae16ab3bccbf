// System calls on names: making, linking, removing, renaming; the working directory.
#include "syscalls.h"
#include "fs/chrdev.h"
#include "fs/file.h"
#include "fs/fs_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "task/cred.h"
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

// ---- making and removing --------------------------------------------------------------------------------------------

long sys_mkdirat(int dfd, uptr path, umode_t mode)
{
	struct name_buf b;
	struct filename *n;
	int err = getname_buf(&b, path, 0, &n);

	if (err)
		return err;
	err = do_mkdirat(dfd, n, mode);
	putname(n);
	return err;
}

long sys_mkdir(uptr path, umode_t mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}

long sys_mknodat(int dfd, uptr path, umode_t mode, u32 dev)
{
	struct name_buf b;
	struct filename *n;
	int err = getname_buf(&b, path, 0, &n);

	if (err)
		return err;
	err = do_mknodat(dfd, n, mode, decode_dev(dev));
	putname(n);
	return err;
}

long sys_mknod(uptr path, umode_t mode, u32 dev)
{
	return sys_mknodat(AT_FDCWD, path, mode, dev);
}

long sys_unlinkat(int dfd, uptr path, int flags)
{
	struct name_buf b;
	struct filename *n;
	int err;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	err = getname_buf(&b, path, 0, &n);
	if (err)
		return err;
	err = flags & AT_REMOVEDIR ? do_rmdirat(dfd, n) : do_unlinkat(dfd, n);
	putname(n);
	return err;
}

long sys_unlink(uptr path)
{
	return sys_unlinkat(AT_FDCWD, path, 0);
}

long sys_rmdir(uptr path)
{
	return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

long sys_symlinkat(uptr old, int dfd, uptr new)
{
	struct filename *target, *n;
	struct name_buf b;
	int err = getname(old, 0, &target);

	if (err)
		return err;
	err = getname_buf(&b, new, 0, &n);
	if (!err) {
		err = do_symlinkat(target->name, dfd, n);
		putname(n);
	}
	putname(target);
	return err;
}

long sys_symlink(uptr old, uptr new)
{
	return sys_symlinkat(old, AT_FDCWD, new);
}

// Two names, then what to do with them.
struct two_names {
	struct name_buf ob, nb;
	struct filename *old, *new;
};

static int two_names_get(struct two_names *t, uptr old, u32 old_flags, uptr new)
{
	int err = getname_buf(&t->ob, old, old_flags, &t->old);

	if (err)
		return err;
	err = getname_buf(&t->nb, new, 0, &t->new);
	if (err)
		putname(t->old);
	return err;
}

static void two_names_put(struct two_names *t)
{
	putname(t->new);
	putname(t->old);
}

long sys_linkat(int odfd, uptr old, int ndfd, uptr new, int flags)
{
	struct two_names t;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = two_names_get(&t, old, flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0, new);
	if (err)
		return err;
	err = do_linkat(odfd, t.old, ndfd, t.new, flags);
	two_names_put(&t);
	return err;
}

long sys_link(uptr old, uptr new)
{
	return sys_linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

long sys_renameat2(int odfd, uptr old, int ndfd, uptr new, u32 flags)
{
	struct two_names t;
	int err = two_names_get(&t, old, 0, new);

	if (err)
		return err;
	err = do_renameat2(odfd, t.old, ndfd, t.new, flags);
	two_names_put(&t);
	return err;
}

long sys_renameat(int odfd, uptr old, int ndfd, uptr new)
{
	return sys_renameat2(odfd, old, ndfd, new, 0);
}

long sys_rename(uptr old, uptr new)
{
	return sys_renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

// ---- reading a link -------------------------------------------------------------------------------------------------

static long read_magic_link(const struct path *p, uptr buf, u32 size)
{
	struct path target;
	char *page, *s;
	int err = p->dentry->inode->ops->follow_magic(p->dentry, &target);
	long n;

	if (err)
		return err;
	page = kalloc(PAGE_SIZE, GFP_KERNEL | GFP_UNINIT);
	n = -ENOMEM;
	if (page) {
		s = d_path(&target, page, PAGE_SIZE, &err);
		n = err ? err : (long)MIN((u32)(page + PAGE_SIZE - 1 - s), size);
		if (n > 0 && copy_out(buf, s, n))
			n = -EFAULT;
		kfree(page);
	}
	path_put(&target);
	return n;
}

static long read_link(const struct path *p, uptr buf, u32 size)
{
	struct inode *inode = p->dentry->inode;
	void (*done)(void *) = NULL;
	const char *target;
	void *arg;
	long n;
	int err;

	if (inode->opflags & IOP_MAGIC_LINK)
		return read_magic_link(p, buf, size);
	inode_touch_atime(inode, p->mnt->flags, p->mnt);
	if (inode->opflags & IOP_LINK_CACHED) {
		target = inode->link;
	} else {
		err = inode->ops->get_link(p->dentry, inode, &target, &done, &arg);
		if (err)
			return err;
	}
	n = MIN(strlen(target), (size_t)size);
	if (copy_out(buf, target, n))
		n = -EFAULT;
	if (done)
		done(arg);
	return n;
}

long sys_readlinkat(int dfd, uptr path, uptr buf, int size)
{
	struct path p;
	u8 first = 1;
	long r;

	if (size <= 0)
		return -EINVAL;
	r = user_path(dfd, path, LOOKUP_EMPTY, &p);
	if (r)
		return r;
	if (d_is_symlink(p.dentry))
		r = read_link(&p, buf, size);
	else
		r = get_user_u8(&first, path) == 0 && !first ? -ENOENT : -EINVAL;
	path_put(&p);
	return r;
}

long sys_readlink(uptr path, uptr buf, int size)
{
	return sys_readlinkat(AT_FDCWD, path, buf, size);
}

// ---- the working directory ------------------------------------------------------------------------------------------

long sys_getcwd(uptr buf, u64 size)
{
	char *page = kalloc(PAGE_SIZE, GFP_KERNEL | GFP_UNINIT), *s;
	long n;

	if (!page)
		return -ENOMEM;
	n = fs_getcwd(page, PAGE_SIZE, &s);
	if (n > 0 && (u64)n > size)
		n = -ERANGE;
	if (n > 0 && copy_out(buf, s, n))
		n = -EFAULT;
	kfree(page);
	return n;
}

static int may_chdir(const struct path *p)
{
	if (!d_is_dir(p->dentry))
		return -ENOTDIR;
	return inode_permission(p->dentry->inode, MAY_EXEC | MAY_CHDIR);
}

long sys_chdir(uptr path)
{
	struct path p;
	int err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = may_chdir(&p);
	if (!err)
		set_fs_pwd(current->fs, &p);
	path_put(&p);
	return err;
}

long sys_fchdir(u32 fd)
{
	struct fd f = fd_get_raw(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = may_chdir(&f.file->path);
	if (!err)
		set_fs_pwd(current->fs, &f.file->path);
	fd_put(f);
	return err;
}

long sys_chroot(uptr path)
{
	struct path p;
	int err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = may_chdir(&p);
	if (!err && !ns_capable(current_cred()->user_ns, CAP_SYS_CHROOT))
		err = -EPERM;
	if (!err)
		set_fs_root(current->fs, &p);
	path_put(&p);
	return err;
}

long sys_umask(int mask)
{
	return xchg(&current->fs->umask, (u32)mask & 0777);
}
