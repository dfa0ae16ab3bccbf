// execve(2), execveat(2).
#include "proc/exec.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "syscalls.h"
#include <linux/fcntl.h>

static long exec(int dfd, uptr path, uptr argv, uptr envp, int flags)
{
	struct arg_source a = { .user = argv }, e = { .user = envp };
	struct filename *name;
	int err = getname(path, flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0, &name);

	if (err)
		return err;
	err = do_execve(dfd, name, &a, &e, flags);
	putname(name);
	return err;
}

long sys_execve(uptr path, uptr argv, uptr envp)
{
	return exec(AT_FDCWD, path, argv, envp, 0);
}

long sys_execveat(int dfd, uptr path, uptr argv, uptr envp, int flags)
{
	return exec(dfd, path, argv, envp, flags);
}
