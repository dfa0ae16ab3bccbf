// fork(2), vfork(2), clone(2), clone3(2), unshare(2), set_tid_address(2).
#include "proc/fork.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "syscalls.h"
#include "task/pid.h"
#include <asm/signal.h>
#include <linux/sched.h>

#define CLONE3_FLAGS (0xffffffffull & ~(u64)CSIGNAL)
#define SET_TID_MAX 32

long sys_fork(void)
{
	struct clone_request r = { .exit_signal = SIGCHLD };

	return do_fork(&r);
}

long sys_vfork(void)
{
	struct clone_request r = { .flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD };

	return do_fork(&r);
}

// The parent_tid argument is where CLONE_PIDFD puts the descriptor, so the two exclude each other.
long sys_clone(u64 flags, u64 sp, uptr parent_tid, uptr child_tid, u64 tls)
{
	struct clone_request r = {
		.flags = (u32)flags & ~CSIGNAL, .exit_signal = flags & CSIGNAL, .stack = sp, .tls = tls,
		.parent_tid = parent_tid, .child_tid = child_tid, .pidfd = parent_tid,
	};

	if ((flags & CLONE_PIDFD) && (flags & (CLONE_PARENT_SETTID | CLONE_DETACHED)))
		return -EINVAL;
	return do_fork(&r);
}

static int check_clone3(const struct clone_args *a, size_t size)
{
	if (a->set_tid_size > SET_TID_MAX || (!a->set_tid && a->set_tid_size) || (a->set_tid && !a->set_tid_size))
		return -EINVAL;
	if ((a->exit_signal & ~(u64)CSIGNAL) || a->exit_signal > 64)
		return -EINVAL;
	if ((a->flags & CLONE_INTO_CGROUP) && (a->cgroup > INT_MAX || size < CLONE_ARGS_SIZE_VER2))
		return -EINVAL;
	return 0;
}

static int check_clone3_flags(struct clone_args *a)
{
	if (a->flags & ~(CLONE3_FLAGS | 0x80 /* CLONE_NEWTIME */ | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP))
		return -EINVAL;
	if (a->flags & (CLONE_DETACHED | (CSIGNAL & ~0x80)))
		return -EINVAL;
	if ((a->flags & (CLONE_SIGHAND | CLONE_CLEAR_SIGHAND)) == (CLONE_SIGHAND | CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((a->flags & (CLONE_THREAD | CLONE_PARENT)) && a->exit_signal)
		return -EINVAL;
	if (!a->stack)
		return a->stack_size ? -EINVAL : 0;
	if (!a->stack_size || !user_range_ok(UPTR(a->stack), a->stack_size))
		return -EINVAL;
	a->stack += a->stack_size;
	return 0;
}

// ABI: CLONE_PIDFD, CLONE_INTO_CGROUP and CLONE_NEW*, except NEWNS and NEWUTS, are refused with EINVAL: what they make does not exist yet.
long sys_clone3(uptr args, size_t size)
{
	struct clone_args a;
	pid_t set_tid[SET_TID_MAX];

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	int err = copy_struct_in(&a, sizeof(a), args, size);
	if (!err)
		err = check_clone3(&a, size);
	if (!err && a.set_tid_size)
		err = copy_in(set_tid, UPTR(a.set_tid), a.set_tid_size * sizeof(pid_t));
	if (!err)
		err = check_clone3_flags(&a);
	if (err)
		return err;
	if (a.flags & (CLONE_INTO_CGROUP | 0x80))
		return -EINVAL;
	struct clone_request r = {
		.flags = a.flags, .exit_signal = a.exit_signal, .stack = a.stack, .tls = a.tls, .parent_tid = UPTR(a.parent_tid),
		.child_tid = UPTR(a.child_tid), .pidfd = UPTR(a.pidfd), .set_tid = set_tid, .set_tid_size = a.set_tid_size,
	};
	return do_fork(&r);
}

long sys_unshare(u64 flags)
{
	return do_unshare(flags);
}

long sys_set_tid_address(uptr tid)
{
	current->clear_child_tid = tid;
	return task_pid_vnr(current);
}
