// Clocks and sleeps: man 2 clock_gettime, clock_nanosleep, gettimeofday, time.
#include "kern/rculist.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "sched/sched.h"
#include "syscalls.h"
#include "task/cred.h"
#include "task/process.h"
#include "time/clock.h"
#include "time/hrtimer.h"
#include <linux/capability.h>
#include <linux/time.h>
#include <linux/time_types.h>

#define CLOCK_MAX 11
#define TIMESPEC_SEC_MAX (S64_MAX / NSEC_PER_SEC)

static int timespec_in(uptr p, ktime_t *out)
{
	struct __kernel_timespec ts;

	if (copy_in(&ts, p, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= (u64)NSEC_PER_SEC)
		return -EINVAL;
	*out = ts.tv_sec >= TIMESPEC_SEC_MAX ? KTIME_MAX : ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	return 0;
}

static int timespec_out(uptr p, ktime_t t)
{
	struct __kernel_timespec ts = { .tv_sec = t / NSEC_PER_SEC, .tv_nsec = t % NSEC_PER_SEC };

	return copy_out(p, &ts, sizeof(ts));
}

static ktime_t coarse(ktime_t t)
{
	return t - t % TICK_NSEC;
}

static u64 process_runtime(struct process *p)
{
	struct task *t;
	u64 sum = READ_ONCE(p->sum_sched_runtime);

	rcu_read_lock();
	for_each_thread(p, t)
		sum += task_runtime(t);
	rcu_read_unlock();
	return sum;
}

// Clocks of processes and threads by number: ~pid << 3 | 4 for a thread | type (man 2 clock_getcpuclockid).
static int cpu_clock_read(clockid_t clock, ktime_t *out)
{
	pid_t pid = ~(clock >> 3);
	struct task *t;

	if ((clock & 3) == 3)
		return -EINVAL;
	t = pid ? find_task_get(pid) : current;
	if (!t)
		return -EINVAL;
	if (!pid)
		task_get(t);
	*out = clock & 4 ? task_runtime(t) : process_runtime(t->process);
	task_put(t);
	return 0;
}

static int clock_read(clockid_t clock, ktime_t *out)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:			// no leap seconds are known: the same
	case CLOCK_REALTIME_ALARM:
		*out = ktime_get_real();
		return 0;
	case CLOCK_MONOTONIC:
		*out = ktime_get();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*out = process_runtime(current->process);
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*out = task_runtime(current);
		return 0;
	case CLOCK_MONOTONIC_RAW:
		*out = ktime_get_raw();
		return 0;
	case CLOCK_REALTIME_COARSE:
		*out = coarse(ktime_get_real());
		return 0;
	case CLOCK_MONOTONIC_COARSE:
		*out = coarse(ktime_get());
		return 0;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*out = ktime_get_boottime();
		return 0;
	}
	return clock < 0 ? cpu_clock_read(clock, out) : -EINVAL;
}

// clock_gettime(2)
long sys_clock_gettime(clockid_t clock, uptr ts)
{
	ktime_t t;
	int err = clock_read(clock, &t);

	return err ? err : timespec_out(ts, t);
}

// clock_getres(2)
long sys_clock_getres(clockid_t clock, uptr ts)
{
	ktime_t t, res = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ? TICK_NSEC : 1;
	int err = clock_read(clock, &t);

	if (err || uptr_is_null(ts))
		return err;
	return timespec_out(ts, res);
}

// clock_settime(2)
long sys_clock_settime(clockid_t clock, uptr ts)
{
	ktime_t t;
	int err;

	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	err = timespec_in(ts, &t);
	if (err)
		return err;
	return capable(CAP_SYS_TIME) ? clock_set_real(t) : -EPERM;
}

// gettimeofday(2). ABI: the time zone is always zero.
long sys_gettimeofday(uptr tv, uptr tz)
{
	if (!uptr_is_null(tv)) {
		ktime_t t = ktime_get_real();
		s64 out[2] = { t / NSEC_PER_SEC, t % NSEC_PER_SEC / NSEC_PER_USEC };

		if (copy_out(tv, out, sizeof(out)))
			return -EFAULT;
	}
	return copy_out_opt(tz, &(u64){ 0 }, 8);
}

// time(2)
long sys_time(uptr out)
{
	s64 t = ktime_get_real() / NSEC_PER_SEC;

	return copy_out_opt(out, &t, sizeof(t)) ? -EFAULT : t;
}

// --- sleeps. A signal without a handler makes restart_syscall(2) sleep until the same end. ---

static u64 slack(void)
{
	return current->policy == 1 || current->policy == 2 ? 0 : current->timer_slack_ns;	// SCHED_FIFO, SCHED_RR: precise
}

static long sleep_until(enum hrtimer_clock clock, ktime_t end)
{
	set_current_state(TASK_INTERRUPTIBLE);
	return schedule_hrtimeout(&end, slack(), clock) ? -EINTR : 0;
}

static ktime_t now_of(enum hrtimer_clock clock)
{
	return clock == HRTIMER_REALTIME ? ktime_get_real() : clock == HRTIMER_BOOTTIME ? ktime_get_boottime() : ktime_get();
}

static long sleep_restart(void);

// Interrupted before `end`: tells what is left if the caller asked, and how to go on.
static long sleep_interrupted(enum hrtimer_clock clock, ktime_t end, uptr rem)
{
	ktime_t left = end - now_of(clock);

	if (left <= 0)
		return 0;
	if (!uptr_is_null(rem) && timespec_out(rem, left))
		return -EFAULT;
	current->restart_fn = (void *)sleep_restart;
	current->restart_args[0] = clock;
	current->restart_args[1] = end;
	current->restart_args[2] = rem.a;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_restart(void)
{
	enum hrtimer_clock clock = current->restart_args[0];
	ktime_t end = current->restart_args[1];

	return sleep_until(clock, end) ? sleep_interrupted(clock, end, UPTR(current->restart_args[2])) : 0;
}

// restart_syscall(2)
long sys_restart_syscall(void)
{
	long (*fn)(void) = (long (*)(void))current->restart_fn;

	return fn ? fn() : -EINTR;
}

static long sleep_for(enum hrtimer_clock clock, ktime_t ns, uptr rem)
{
	ktime_t end = ktime_add_safe(now_of(clock), ns);

	return sleep_until(clock, end) ? sleep_interrupted(clock, end, rem) : 0;
}

// nanosleep(2)
long sys_nanosleep(uptr req, uptr rem)
{
	ktime_t ns;
	int err = timespec_in(req, &ns);

	return err ? err : sleep_for(HRTIMER_MONOTONIC, ns, rem);
}

static int sleep_clock(clockid_t clock, enum hrtimer_clock *out)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
		*out = HRTIMER_REALTIME;
		return 0;
	case CLOCK_MONOTONIC:
		*out = HRTIMER_MONOTONIC;
		return 0;
	case CLOCK_BOOTTIME:
		*out = HRTIMER_BOOTTIME;
		return 0;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_PROCESS_CPUTIME_ID:	// a thread cannot wait for its own clock; others' are not supported yet
		return -EOPNOTSUPP;
	}
	return -EINVAL;
}

// clock_nanosleep(2)
long sys_clock_nanosleep(clockid_t clock, int flags, uptr req, uptr rem)
{
	enum hrtimer_clock c;
	ktime_t t;
	int err = sleep_clock(clock, &c);

	err = err ?: timespec_in(req, &t);
	if (err)
		return err;
	if (!(flags & TIMER_ABSTIME))
		return sleep_for(c, t, rem);
	return sleep_until(c, t) ? -ERESTARTNOHAND : 0;
}
