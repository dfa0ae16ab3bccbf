// poll(2), ppoll(2), select(2), pselect6(2).
#include "syscalls.h"
#include "fs/poll.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "task/signal.h"
#include "time/clock.h"
#include <linux/poll.h>
#include <linux/resource.h>

#define POLL_STACK 32

struct pollfd_k {		// struct pollfd
	s32 fd;
	s16 events, revents;
};

// When to give up. forever: never; else at the absolute time `at`, at once when it is 0.
struct deadline {
	bool forever;
	ktime_t at;
};

static struct deadline deadline_in(s64 sec, s64 nsec)
{
	ktime_t ns = sec >= KTIME_MAX / NSEC_PER_SEC ? KTIME_MAX : sec * NSEC_PER_SEC + nsec;

	return (struct deadline){ .at = ns ? ktime_add_safe(ktime_get(), ns) : 0 };
}

// ---- poll -----------------------------------------------------------------------------------------------------------

static int poll_scan(struct poller *p, struct pollfd_k *fds, u32 n)
{
	int count = 0;

	for (u32 i = 0; i < n; i++) {
		struct pollfd_k *f = &fds[i];

		f->revents = f->fd < 0 ? 0 : poller_ask(p, f->fd, (u16)f->events);
		if (f->revents) {
			count++;
			p->pt.queue = NULL;
		}
	}
	return count;
}

static int poll_wait_for(struct pollfd_k *fds, u32 n, const struct deadline *d)
{
	ktime_t at = d->at;
	bool late = !d->forever && !d->at;
	struct poller p;
	int count;

	poller_init(&p, !late);
	for (;;) {
		count = poll_scan(&p, fds, n);
		if (!count)
			count = p.err;
		if (!count && signal_pending(current))
			count = -EINTR;
		if (count || late)
			break;
		late = poller_sleep(&p, d->forever ? NULL : &at);
	}
	poller_done(&p);
	return count;
}

static int do_poll(uptr ufds, u32 n, const struct deadline *d)
{
	struct pollfd_k small[POLL_STACK], *fds = small;
	int count = -EFAULT;

	if (n > rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	if (n > POLL_STACK) {
		fds = kvalloc(n * sizeof(*fds), GFP_KERNEL | GFP_UNINIT);
		if (!fds)
			return -ENOMEM;
	}
	if (copy_in(fds, ufds, n * sizeof(*fds)))
		goto out;
	count = poll_wait_for(fds, n, d);
	ufds = uptr_add(ufds, offsetof(struct pollfd_k, revents));
	for (u32 i = 0; i < n; i++, ufds = uptr_add(ufds, sizeof(*fds))) {
		if (put_user_u16(fds[i].revents, ufds)) {
			count = -EFAULT;
			break;
		}
	}
out:
	if (n > POLL_STACK)
		kvfree(fds);
	return count;
}

static long poll_restart(void)
{
	u64 *a = current->restart_args;
	struct deadline d = { .forever = a[2], .at = a[3] };
	long r = do_poll(UPTR(a[0]), a[1], &d);

	return r == -EINTR ? -ERESTART_RESTARTBLOCK : r;
}

long sys_poll(uptr fds, u32 nfds, int timeout)
{
	struct deadline d = { .forever = timeout < 0 };
	long r;

	if (timeout > 0)
		d.at = ktime_get() + timeout * NSEC_PER_MSEC;
	r = do_poll(fds, nfds, &d);
	if (r != -EINTR)
		return r;
	current->restart_fn = (void *)poll_restart;
	current->restart_args[0] = fds.a;
	current->restart_args[1] = nfds;
	current->restart_args[2] = d.forever;
	current->restart_args[3] = d.at;
	return -ERESTART_RESTARTBLOCK;
}

struct timespec_in {
	s64 sec, nsec;
};

// Both calls write the time that is left. A fault there does not matter (man 2 select, Linux).
static void put_time_left(const struct deadline *d, uptr to, bool micro)
{
	struct timespec_in t;
	ktime_t left;

	if (d->forever || uptr_is_null(to))
		return;
	left = d->at ? d->at - ktime_get() : 0;
	left = MAX(left, 0);
	t.sec = left / NSEC_PER_SEC;
	t.nsec = left % NSEC_PER_SEC;
	if (micro)
		t.nsec /= 1000;
	if (copy_out(to, &t, sizeof(t)))
		return;
}

static int deadline_from(uptr from, bool micro, struct deadline *d)
{
	struct timespec_in t;

	*d = (struct deadline){ .forever = true };
	if (uptr_is_null(from))
		return 0;
	if (copy_in(&t, from, sizeof(t)))
		return -EFAULT;
	if (micro) {			// select(2): microseconds may be more than a second
		if (t.sec < 0 || t.nsec < 0)
			return -EINVAL;
		t.sec += t.nsec / USEC_PER_SEC;
		t.nsec = t.nsec % USEC_PER_SEC * 1000;
	}
	if (t.sec < 0 || t.nsec < 0 || t.nsec >= NSEC_PER_SEC)
		return -EINVAL;
	*d = deadline_in(t.sec, t.nsec);
	return 0;
}

long sys_ppoll(uptr fds, u32 nfds, uptr ts, uptr mask, size_t size)
{
	struct deadline d;
	long r = deadline_from(ts, false, &d);

	if (r)
		return r;
	r = set_user_sigmask(mask, size);
	if (r)
		return r;
	r = do_poll(fds, nfds, &d);
	if (r == -EINTR)
		r = -ERESTARTNOHAND;
	restore_saved_sigmask_unless(r == -ERESTARTNOHAND);
	put_time_left(&d, ts, false);
	return r;
}

// ---- select ---------------------------------------------------------------------------------------------------------

#define SELECT_IN (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define SELECT_OUT (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define SELECT_EX POLLPRI
#define SELECT_STACK_WORDS 4		// 256 descriptors

struct fd_sets {		// words of the three sets, asked and answered
	u32 n, words;
	unsigned long *ask[3], *got[3];
};

static const u32 select_events[3] = { SELECT_IN, SELECT_OUT, SELECT_EX };

static int select_scan_word(struct poller *p, struct fd_sets *s, u32 w)
{
	unsigned long all = s->ask[0][w] | s->ask[1][w] | s->ask[2][w], got[3] = { 0 };
	int count = 0;

	for (; all; all &= all - 1) {
		u32 bit = __builtin_ctzl(all);
		unsigned long m = 1ul << bit;
		u32 wanted = 0, mask;

		for (int k = 0; k < 3; k++)
			wanted |= s->ask[k][w] & m ? select_events[k] : 0;
		mask = poller_ask(p, w * BITS_PER_LONG + bit, wanted);
		if (mask & POLLNVAL)
			return -EBADF;
		for (int k = 0; k < 3; k++) {
			if ((mask & select_events[k]) && (s->ask[k][w] & m)) {
				got[k] |= m;
				count++;
				p->pt.queue = NULL;
			}
		}
	}
	for (int k = 0; k < 3; k++)
		s->got[k][w] = got[k];
	return count;
}

static int select_scan(struct poller *p, struct fd_sets *s)
{
	int count = 0;

	for (u32 w = 0; w < s->words; w++) {
		int n = select_scan_word(p, s, w);

		if (n < 0)
			return n;
		count += n;
	}
	return count;
}

static int select_wait(struct fd_sets *s, const struct deadline *d)
{
	ktime_t at = d->at;
	bool late = !d->forever && !d->at;
	struct poller p;
	int count;

	poller_init(&p, !late);
	for (;;) {
		count = select_scan(&p, s);
		if (!count)
			count = p.err;
		if (!count && signal_pending(current))
			count = -ERESTARTNOHAND;
		if (count || late)
			break;
		late = poller_sleep(&p, d->forever ? NULL : &at);
	}
	poller_done(&p);
	return count;
}

static u32 table_max(void)
{
	u32 max;

	rcu_read_lock();
	max = rcu_dereference(current->files->fdt)->max;
	rcu_read_unlock();
	return max;
}

static int sets_in(struct fd_sets *s, const uptr user[3])
{
	for (int k = 0; k < 3; k++) {
		memset(s->ask[k], 0, s->words * sizeof(long));
		if (!uptr_is_null(user[k]) && copy_in(s->ask[k], user[k], s->words * sizeof(long)))
			return -EFAULT;
		if (s->n % BITS_PER_LONG)
			s->ask[k][s->words - 1] &= (1ul << s->n % BITS_PER_LONG) - 1;
	}
	return 0;
}

static int sets_out(const struct fd_sets *s, const uptr user[3])
{
	for (int k = 0; k < 3; k++) {
		if (!uptr_is_null(user[k]) && copy_out(user[k], s->got[k], s->words * sizeof(long)))
			return -EFAULT;
	}
	return 0;
}

static int do_select(int n, uptr in, uptr out, uptr ex, const struct deadline *d)
{
	const uptr user[3] = { in, out, ex };
	unsigned long small[6 * SELECT_STACK_WORDS], *mem = small;
	struct fd_sets s = { 0 };
	int count;

	if (n < 0)
		return -EINVAL;
	s.n = MIN((u32)n, table_max());
	s.words = BITS_TO_LONGS(s.n);
	if (s.words > SELECT_STACK_WORDS) {
		mem = kvalloc(6 * s.words * sizeof(long), GFP_KERNEL | GFP_UNINIT);
		if (!mem)
			return -ENOMEM;
	}
	for (int k = 0; k < 3; k++) {
		s.ask[k] = mem + k * s.words;
		s.got[k] = mem + (3 + k) * s.words;
	}
	count = sets_in(&s, user);
	if (!count)
		count = select_wait(&s, d);
	if (count >= 0 && sets_out(&s, user))
		count = -EFAULT;
	if (mem != small)
		kvfree(mem);
	return count;
}

long sys_select(int n, uptr in, uptr out, uptr ex, uptr tv)
{
	struct deadline d;
	long r = deadline_from(tv, true, &d);

	if (r)
		return r;
	r = do_select(n, in, out, ex, &d);
	put_time_left(&d, tv, true);
	return r;
}

long sys_pselect6(int n, uptr in, uptr out, uptr ex, uptr ts, uptr sig)
{
	struct { u64 mask, size; } s = { 0 };
	struct deadline d;
	long r;

	if (!uptr_is_null(sig) && copy_in(&s, sig, sizeof(s)))
		return -EFAULT;
	r = deadline_from(ts, false, &d);
	if (r)
		return r;
	r = set_user_sigmask(UPTR(s.mask), s.size);
	if (r)
		return r;
	r = do_select(n, in, out, ex, &d);
	restore_saved_sigmask_unless(r == -ERESTARTNOHAND);
	put_time_left(&d, ts, false);
	return r;
}
