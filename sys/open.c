// open(2), openat(2), openat2(2), creat(2).
#include "syscalls.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include <linux/fcntl.h>
#include <linux/openat2.h>

#define TMPFILE_BIT 020000000u
#define KNOWN_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | FASYNC | O_DIRECT | \
	00100000u | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | TMPFILE_BIT)
#define KNOWN_PATH_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)
#define FLAG_LARGEFILE 00100000u
#define OPEN_HOW_SIZE 24

static long open_fd(int dfd, uptr path, const struct open_how_k *how)
{
	struct name_buf b;
	struct filename *name;
	struct file *f;
	int fd, err = getname_buf(&b, path, 0, &name);

	if (err)
		return err;
	fd = fd_reserve(how->flags & O_CLOEXEC);
	if (fd >= 0) {
		err = path_open(dfd, name, how, &f);
		if (likely(!err)) {
			fd_install(fd, f);
		} else {
			fd_unreserve(fd);
			fd = err;
		}
	}
	putname(name);
	return fd;
}

// ABI: open(2) and openat(2) ignore unknown flags, surplus mode bits, and the flags that O_PATH excludes; openat2(2) refuses them.
static long open_compat(int dfd, uptr path, u32 flags, u32 mode)
{
	struct open_how_k how = { .flags = (flags & KNOWN_FLAGS) | FLAG_LARGEFILE, .mode = mode & 07777 };

	if (how.flags & O_PATH)
		how.flags &= KNOWN_PATH_FLAGS;
	if (!(how.flags & (O_CREAT | TMPFILE_BIT)))
		how.mode = 0;
	return open_fd(dfd, path, &how);
}

long sys_open(uptr path, int flags, umode_t mode)
{
	return open_compat(AT_FDCWD, path, flags, mode);
}

long sys_openat(int dfd, uptr path, int flags, umode_t mode)
{
	return open_compat(dfd, path, flags, mode);
}

long sys_creat(uptr path, umode_t mode)
{
	return open_compat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

long sys_openat2(int dfd, uptr path, uptr how, size_t size)
{
	struct open_how_k k;
	int err;

	BUILD_ASSERT(sizeof(struct open_how_k) == OPEN_HOW_SIZE);
	if (size < OPEN_HOW_SIZE)
		return -EINVAL;
	if (size > 4096)
		return -E2BIG;
	err = copy_struct_in(&k, sizeof(k), how, size);
	if (err)
		return err;
	if (k.flags & FMODE_EXEC)	// exec's own
		return -EINVAL;
	if (!(k.flags & O_PATH))
		k.flags |= FLAG_LARGEFILE;
	return open_fd(dfd, path, &k);
}
