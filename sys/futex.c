// futex(2), set_robust_list(2), get_robust_list(2).
#include "proc/futex.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "syscalls.h"
#include "task/cred.h"
#include "task/pid.h"
#include "time/hrtimer.h"
#include <linux/futex.h>

static int get_timeout(uptr p, u32 op, int cmd, struct futex_timeout *to)
{
	struct { s64 sec, nsec; } ts;

	if (copy_in(&ts, p, sizeof(ts)))
		return -EFAULT;
	if (ts.sec < 0 || (u64)ts.nsec >= (u64)NSEC_PER_SEC)
		return -EINVAL;
	to->expires = ts.sec >= KTIME_MAX / NSEC_PER_SEC ? KTIME_MAX : ts.sec * NSEC_PER_SEC + ts.nsec;
	to->clock = op & FUTEX_CLOCK_REALTIME ? HRTIMER_REALTIME : HRTIMER_MONOTONIC;
	// FUTEX_WAIT's time is relative, the others' absolute.
	if (cmd == FUTEX_WAIT)
		to->expires = ktime_add_safe(ktime_get(), to->expires);
	return 0;
}

static bool takes_timeout(int cmd)
{
	return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET;
}

// ABI: the priority-inheriting operations are ENOSYS until there are PI mutexes.
long sys_futex(uptr uaddr, int op, u32 val, uptr timeout, uptr uaddr2, u32 val3)
{
	int cmd = op & FUTEX_CMD_MASK;
	bool shared = !(op & FUTEX_PRIVATE_FLAG), timed = takes_timeout(cmd) && !uptr_is_null(timeout);
	struct futex_timeout to;

	if (timed) {
		int err = get_timeout(timeout, op, cmd, &to);
		if (err)
			return err;
	}
	if ((op & FUTEX_CLOCK_REALTIME) && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
		val3 = FUTEX_BITSET_MATCH_ANY;
		FALLTHROUGH;
	case FUTEX_WAIT_BITSET:
		return futex_wait(uaddr, shared, val, timed ? &to : NULL, val3, true);
	case FUTEX_WAKE:
		val3 = FUTEX_BITSET_MATCH_ANY;
		FALLTHROUGH;
	case FUTEX_WAKE_BITSET:
		return futex_wake(uaddr, shared, val, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(uaddr, uaddr2, shared, val, (int)timeout.a, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(uaddr, uaddr2, shared, val, (int)timeout.a, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, uaddr2, shared, val, (int)timeout.a, val3);
	}
	return -ENOSYS;
}

#define ROBUST_HEAD_SIZE 24

long sys_set_robust_list(uptr head, size_t len)
{
	if (len != ROBUST_HEAD_SIZE)
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

long sys_get_robust_list(int pid, uptr head, uptr len)
{
	u64 value = current->robust_list.a;

	if (pid) {
		struct task *t = find_task_get(pid);
		if (!t)
			return -ESRCH;
		bool ok = ptrace_may_access(t, PTRACE_MODE_READ | PTRACE_MODE_REALCREDS);
		value = t->robust_list.a;
		task_put(t);
		if (!ok)
			return -EPERM;
	}
	if (put_user_u64(ROBUST_HEAD_SIZE, len) || put_user_u64(value, head))
		return -EFAULT;
	return 0;
}
