// mount(2), umount2(2), pivot_root(2).
#include "syscalls.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include <linux/fcntl.h>

#define UMOUNT_FLAGS 0xf
#define UMOUNT_NOFOLLOW_K 8

static int string_in(uptr p, char **out)
{
	*out = NULL;
	return uptr_is_null(p) ? 0 : strndup_user(p, 4096, out);
}

// Up to a page of options; what lies beyond readable memory is cut.
static int options_in(uptr p, char **out)
{
	size_t n, left;

	*out = NULL;
	if (uptr_is_null(p))
		return 0;
	*out = kalloc(PAGE_SIZE, GFP_KERNEL);
	if (!*out)
		return -ENOMEM;
	n = MIN(PAGE_SIZE - 1, (size_t)(ALIGN_UP(p.a + 1, PAGE_SIZE) - p.a));
	left = raw_copy_from_user(*out, p, n);
	if (!left)	// the next page need not exist
		(void)!raw_copy_from_user(*out + n, uptr_add(p, n), PAGE_SIZE - 1 - n);
	if (left == n) {
		kfree(*out);
		*out = NULL;
		return -EFAULT;
	}
	return 0;
}

long sys_mount(uptr source, uptr target, uptr type, u64 flags, uptr data)
{
	char *t, *s = NULL, *d = NULL;
	struct path where;
	int err = string_in(type, &t);

	if (!err)
		err = string_in(source, &s);
	if (!err)
		err = options_in(data, &d);
	if (!err)
		err = user_path(AT_FDCWD, target, LOOKUP_FOLLOW, &where);
	if (!err) {
		err = do_mount(s, &where, t, flags, d);
		path_put(&where);
	}
	kfree(t);
	kfree(s);
	kfree(d);
	return err;
}

long sys_umount2(uptr target, int flags)
{
	struct path p;
	int err;

	if (flags & ~UMOUNT_FLAGS)
		return -EINVAL;
	err = user_path(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW_K ? 0 : LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = may_mount() ? do_umount(&p, flags) : -EPERM;
	path_put(&p);
	return err;
}

long sys_pivot_root(uptr new_root, uptr put_old)
{
	struct path new, old;
	int err;

	if (!may_mount())
		return -EPERM;
	err = user_path(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new);
	if (err)
		return err;
	err = user_path(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (!err) {
		err = do_pivot_root(&new, &old);
		path_put(&old);
	}
	path_put(&new);
	return err;
}
