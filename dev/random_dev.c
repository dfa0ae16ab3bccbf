// /dev/random and /dev/urandom: man 4 random. The generator is kern/random.c; it is seeded at first use, so that neither device ever waits.
#include "dev/mem.h"
#include "kern/random.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "task/cred.h"
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/random.h>

#define POOL_BITS 256

static ssize_t random_read(struct kiocb *k, struct iov_iter *to)
{
	u8 buf[256];
	ssize_t done = 0;

	while (iov_iter_count(to)) {
		size_t n = MIN(iov_iter_count(to), sizeof(buf));
		random_bytes(buf, n);
		size_t put = copy_to_iter(buf, n, to);
		done += (ssize_t)put;
		if (put < n) {
			done = done ?: -EFAULT;
			break;
		}
		if (signal_pending(current) && done % PAGE_SIZE == 0)
			break;
	}
	memzero_explicit(buf, sizeof(buf));
	return done;
}

// What a program writes is mixed in, but counts for nothing: anybody may write.
static ssize_t random_write(struct kiocb *k, struct iov_iter *from)
{
	u8 buf[64];
	ssize_t done = 0;

	while (iov_iter_count(from)) {
		size_t want = MIN(iov_iter_count(from), sizeof(buf)), n = copy_from_iter(buf, want, from);
		random_add(buf, n, 0);
		done += (ssize_t)n;
		if (n < want) {
			done = done ?: -EFAULT;
			break;
		}
		if (signal_pending(current) && done % PAGE_SIZE == 0)
			break;
	}
	memzero_explicit(buf, sizeof(buf));
	return done;
}

static long add_entropy(uptr arg)
{
	s32 head[2];	// bits, bytes
	u8 buf[64];
	int err = copy_in(head, arg, sizeof(head));

	if (err)
		return err;
	if (head[0] < 0 || head[1] < 0)
		return -EINVAL;
	uptr p = uptr_add(arg, sizeof(head));
	for (u32 left = (u32)head[1], n; left && !err; left -= n, p = uptr_add(p, n)) {
		n = MIN(left, (u32)sizeof(buf));
		err = copy_in(buf, p, n);
		if (!err)
			random_add(buf, n, left == n ? (u32)MIN(head[0], POOL_BITS) : 0);
	}
	memzero_explicit(buf, sizeof(buf));
	return err;
}

static long random_ioctl(struct file *f, u32 cmd, u64 arg)
{
	s32 bits = POOL_BITS;
	int err;

	if (cmd == RNDGETENTCNT)
		return copy_out(UPTR(arg), &bits, sizeof(bits));
	if (cmd != RNDADDTOENTCNT && cmd != RNDADDENTROPY && cmd != RNDZAPENTCNT && cmd != RNDCLEARPOOL && cmd != RNDRESEEDCRNG)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (cmd) {
	case RNDADDTOENTCNT:
		err = copy_in(&bits, UPTR(arg), sizeof(bits));
		return err ?: bits < 0 ? -EINVAL : 0;
	case RNDADDENTROPY:
		return add_entropy(UPTR(arg));
	case RNDRESEEDCRNG:
		random_reseed();
		return 0;
	default:	// nothing to clear: the count is always full
		return 0;
	}
}

static u32 random_poll(struct file *f, struct poll_table *t)
{
	return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;
}

const struct file_ops random_fops = {
	.llseek = noop_llseek, .read = random_read, .write = random_write, .poll = random_poll, .ioctl = random_ioctl, .nowait_ok = true,
};
const struct file_ops urandom_fops = {
	.llseek = noop_llseek, .read = random_read, .write = random_write, .ioctl = random_ioctl, .nowait_ok = true,
};
