// proc/fork.h - making tasks. man 2 clone. Code: fork.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"
#include "sched/task.h"

struct clone_request {
	u64 flags;			// CLONE_*, without CSIGNAL
	int exit_signal;
	u64 stack;			// the child's stack pointer; 0: the parent's
	u64 tls;
	uptr parent_tid, child_tid, pidfd;
	const pid_t *set_tid;		// clone3
	size_t set_tid_size;
	int (*fn)(void *);		// kernel threads
	void *fn_arg;
};
// The child's number as current sees it, or -errno. With CLONE_VFORK it returns when the child has exited or called exec. Context: task.
long do_fork(const struct clone_request *r);
// fork_kernel_thread() is declared in task/kthread.h.
// A kernel thread, started: its number or -errno. flags: CLONE_FS, CLONE_FILES. When fn returns 0 after kernel_execve(), it goes on in user mode.
pid_t kernel_thread(int (*fn)(void *), void *arg, unsigned long flags);
// Lets go of what waits for the address space: clear_child_tid, robust futexes, vfork's parent. exec and exit.
void mm_release(struct task *t, bool exiting);
// sys/fork.c: unshare(2)
int do_unshare(u64 flags);
