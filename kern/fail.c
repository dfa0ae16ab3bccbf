// Fault injection.
#include "kern/fail.h"
#ifdef CONFIG_DEBUG
#include "kern/cpu_hot.h"
#include "kern/preempt.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/parse.h"

static u32 fail_interval;		// 0: off
static struct atomic fail_times = { -1 };	// left; -1: for ever
static struct atomic64 fail_count;

static bool by_task(u32 *nth)
{
	if (*nth == 0)
		return false;
	return --*nth == 0;
}

static bool by_interval(void)
{
	u32 every = READ_ONCE(fail_interval);
	if (!every || atomic64_add_return(&fail_count, 1) % every)
		return false;
	return atomic_read(&fail_times) < 0 || atomic_dec_if_positive(&fail_times) >= 0;
}

bool fail_alloc_now(u32 gfp)
{
	if (!in_task())
		return false;
	u32 *nth = task_fail_nth();
	return nth && (by_task(nth) || by_interval());
}

int fail_param_interval(char *val)
{
	return val ? kstrtou32(val, 0, &fail_interval) : -EINVAL;
}

int fail_param_times(char *val)
{
	s32 n;
	if (!val || kstrtos32(val, 0, &n))
		return -EINVAL;
	atomic_set(&fail_times, n);
	return 0;
}
#endif
