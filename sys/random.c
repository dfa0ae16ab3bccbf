// getrandom(2)
#include "kern/random.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/uaccess.h"
#include "sched/task.h"
#include "syscalls.h"
#include <linux/random.h>

#define GETRANDOM_MAX ((size_t)INT_MAX)

// ABI: GRND_RANDOM changes nothing since Linux 5.6, and the pool is seeded before the first program runs, so nothing ever blocks.
long sys_getrandom(uptr buf, size_t len, u32 flags)
{
	u8 block[256];
	size_t done = 0;

	if (flags & ~(u32)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_INSECURE | GRND_RANDOM)) == (GRND_INSECURE | GRND_RANDOM))
		return -EINVAL;
	len = MIN(len, GETRANDOM_MAX);
	while (done < len) {
		size_t n = MIN(len - done, sizeof(block)), left;

		random_bytes(block, n);
		left = raw_copy_to_user(uptr_add(buf, done), block, n);
		done += n - left;
		if (left)
			break;
		if ((done & 0xfff) == 0 && signal_pending(current))
			break;
	}
	memzero_explicit(block, MIN(len, sizeof(block)));
	return done || !len ? (long)done : -EFAULT;
}
