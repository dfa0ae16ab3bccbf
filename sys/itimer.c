// alarm(2), getitimer(2), setitimer(2).
#include "proc/itimer.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "syscalls.h"

#define ITIMER_REAL_ 0

struct itimerval_k {
	struct { s64 sec, usec; } interval, value;
};

static void to_user(struct itimerval_k *u, const struct itimer_k *t)
{
	u->interval.sec = t->interval / NSEC_PER_SEC;
	u->interval.usec = t->interval % NSEC_PER_SEC / 1000;
	u->value.sec = t->value / NSEC_PER_SEC;
	u->value.usec = t->value % NSEC_PER_SEC / 1000;
}

static int from_user(ktime_t *ns, s64 sec, s64 usec)
{
	if (sec < 0 || usec < 0 || usec >= USEC_PER_SEC)
		return -EINVAL;
	*ns = sec >= KTIME_MAX / NSEC_PER_SEC ? KTIME_MAX : sec * NSEC_PER_SEC + usec * 1000;
	return 0;
}

// ABI: ITIMER_VIRTUAL and ITIMER_PROF are EINVAL until CPU-time timers exist.
long sys_getitimer(int which, uptr value)
{
	struct itimerval_k u;
	struct itimer_k t;

	if (which != ITIMER_REAL_)
		return -EINVAL;
	itimer_real_get(&t);
	to_user(&u, &t);
	return copy_out(value, &u, sizeof(u));
}

long sys_setitimer(int which, uptr value, uptr ovalue)
{
	struct itimerval_k u = {};
	struct itimer_k new, old;

	if (!uptr_is_null(value) && copy_in(&u, value, sizeof(u)))
		return -EFAULT;
	if (from_user(&new.value, u.value.sec, u.value.usec) || from_user(&new.interval, u.interval.sec, u.interval.usec))
		return -EINVAL;
	if (which != ITIMER_REAL_)
		return -EINVAL;
	itimer_real_set(&new, &old);
	if (uptr_is_null(ovalue))
		return 0;
	to_user(&u, &old);
	return copy_out(ovalue, &u, sizeof(u));
}

long sys_alarm(u32 seconds)
{
	struct itimer_k new = { .value = (s64)MIN(seconds, (u32)INT_MAX) * NSEC_PER_SEC }, old;

	itimer_real_set(&new, &old);
	s64 sec = old.value / NSEC_PER_SEC, rest = old.value % NSEC_PER_SEC;
	// Rounded, but a timer that runs never reads 0.
	return (!sec && rest) || rest >= NSEC_PER_SEC / 2 ? sec + 1 : sec;
}
