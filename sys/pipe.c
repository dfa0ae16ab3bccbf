// pipe(2), pipe2(2).
#include "syscalls.h"
#include "fs/pipe.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include <linux/fcntl.h>

static int two_fds(u32 flags, int fds[2])
{
	fds[0] = fd_reserve(flags & O_CLOEXEC);
	if (fds[0] < 0)
		return fds[0];
	fds[1] = fd_reserve(flags & O_CLOEXEC);
	if (fds[1] < 0) {
		fd_unreserve(fds[0]);
		return fds[1];
	}
	return 0;
}

long sys_pipe2(uptr fds, int flags)
{
	struct file *rd, *wr;
	int fd[2], err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))	// ABI: O_NOTIFICATION_PIPE is not there
		return -EINVAL;
	err = pipe_create(flags, &rd, &wr);
	if (err)
		return err;
	err = two_fds(flags, fd);
	if (!err && copy_out(fds, fd, sizeof(fd))) {
		fd_unreserve(fd[0]);
		fd_unreserve(fd[1]);
		err = -EFAULT;
	}
	if (err) {
		fput_sync(rd);
		fput_sync(wr);
		return err;
	}
	fd_install(fd[0], rd);
	fd_install(fd[1], wr);
	return 0;
}

long sys_pipe(uptr fds)
{
	return sys_pipe2(fds, 0);
}
