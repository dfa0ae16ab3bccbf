// exit(2), exit_group(2), wait4(2), waitid(2), getrusage(2), times(2).
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "proc/exit.h"
#include "syscalls.h"
#include "task/cred.h"
#include "task/kthread.h"
#include "task/pid.h"
#include "task/process.h"
#include "task/signal.h"
#include <asm/signal.h>
#include <linux/wait.h>

long sys_exit(int code)
{
	do_exit((code & 0xff) << 8);
}

long sys_exit_group(int code)
{
	do_group_exit((code & 0xff) << 8);
}

// A process that does not exist has no children here either: ECHILD, not ESRCH.
static int wait_pid(struct wait_request *r, struct wait_result *res, pid_t nr, int type)
{
	int err;

	if (type < 0) {
		err = do_wait(r, res);
		return err;
	}
	if (type == PIDTYPE_PGID && nr == 0) {
		rcu_read_lock();
		r->pid = current->process->pids[PIDTYPE_PGID];
		pid_get(r->pid);
		rcu_read_unlock();
	} else {
		r->pid = pid_find_get(nr);
	}
	r->type = type;
	err = r->pid ? do_wait(r, res) : -ECHILD;
	pid_put(r->pid);
	return err;
}

long sys_wait4(pid_t pid, uptr status, int options, uptr ru)
{
	struct wait_request r = { .options = options | WEXITED };
	struct wait_result res = { .want_ru = !uptr_is_null(ru) };
	int err;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == INT_MIN)	// -INT_MIN is not defined
		return -ESRCH;
	if (pid == -1)
		err = wait_pid(&r, &res, 0, -1);
	else if (pid <= 0)
		err = wait_pid(&r, &res, -pid, PIDTYPE_PGID);
	else
		err = wait_pid(&r, &res, pid, PIDTYPE_TGID);
	if (err || !res.pid)
		return err;
	if (!uptr_is_null(status) && put_user_u32(res.status, status))
		return -EFAULT;
	if (res.want_ru && copy_out(ru, &res.ru, sizeof(res.ru)))
		return -EFAULT;
	return res.pid;
}

static int waitid_type(int which, pid_t pid)
{
	switch (which) {
	case P_ALL:
		return -1;
	case P_PID:
		return pid <= 0 ? -EINVAL : PIDTYPE_TGID;
	case P_PGID:
		return pid < 0 ? -EINVAL : PIDTYPE_PGID;
	}
	return -EINVAL;	// ABI: P_PIDFD too, until there are pidfds
}

long sys_waitid(int which, pid_t pid, uptr info, int options, uptr ru)
{
	struct wait_request r = { .options = options };
	struct wait_result res = { .want_ru = !uptr_is_null(ru) };

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	int type = waitid_type(which, pid);
	if (type == -EINVAL)
		return type;
	int err = wait_pid(&r, &res, pid, type);
	if (!err && res.pid && res.want_ru && copy_out(ru, &res.ru, sizeof(res.ru)))
		return -EFAULT;
	if (uptr_is_null(info))
		return err;
	// Only the members that belong to SIGCHLD are written, as Linux does: 28 bytes up to the status.
	struct { s32 signo, error, code, pad, pid; u32 uid; s32 status; } out = {};
	if (!err && res.pid) {
		out.signo = SIGCHLD;
		out.code = res.cause;
		out.pid = res.pid;
		out.uid = from_kuid_munged(current_cred()->user_ns, res.uid);
		out.status = res.istatus;
	}
	if (err && err != -ECHILD)
		return err;
	if (err)
		return err;
	// The hole is not touched.
	if (copy_out(info, &out, 12) || copy_out(uptr_add(info, 16), &out.pid, 12))
		return -EFAULT;
	return 0;
}

long sys_getrusage(int who, uptr ru)
{
	struct rusage_k r;

	if (who != RUSAGE_SELF_ && who != RUSAGE_CHILDREN_ && who != RUSAGE_THREAD_)
		return -EINVAL;
	process_rusage(current->process, who, &r);
	return copy_out(ru, &r, sizeof(r));
}

long sys_times(uptr buf)
{
	const u64 tick = NSEC_PER_SEC / USER_HZ;
	struct process *p = current->process;
	u64 utime, stime;

	if (!uptr_is_null(buf)) {
		process_cputime(p, &utime, &stime);
		s64 t[4] = { utime / tick, stime / tick, p->cutime / tick, p->cstime / tick };
		if (copy_out(buf, t, sizeof(t)))
			return -EFAULT;
	}
	return (u64)ktime_get_boottime() / tick;
}
