// futex(2): wait, wake, bitsets, requeue, wake_op; robust lists (get_robust_list(2), set_robust_list(2)).
#include "abi.h"

enum { WAIT = 0, WAKE = 1, REQUEUE = 3, CMP_REQUEUE = 4, WAKE_OP = 5, WAIT_BITSET = 9, WAKE_BITSET = 10, PRIVATE = 128, REALTIME = 256 };

static long futex(void *word, int op, unsigned int val, const void *timeout, void *word2, unsigned int val3)
{
	return syscall(SYS_futex, word, op, val, timeout, word2, val3);
}

static unsigned int *shared(void)
{
	return OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

// A child that waits; its exit status is 0 when woken, else the errno.
static pid_t waiter(unsigned int *word, int op, unsigned int val, unsigned int bits)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(futex(word, op, val, NULL, NULL, bits) == 0 ? 0 : errno);
	abi_wait_asleep(pid);
	return pid;
}

static int ended(pid_t pid)
{
	siginfo_t si = { 0 };

	OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT));
	return si.si_pid == pid;
}

ABI_TEST(wait_value_differs)
{
	unsigned int w = 1;

	CHECK_ERRNO(futex(&w, WAIT, 2, NULL, NULL, 0), EAGAIN);
	CHECK_ERRNO(futex(&w, WAIT | PRIVATE, 2, NULL, NULL, 0), EAGAIN);
	CHECK_ERRNO(futex(&w, WAIT_BITSET, 2, NULL, NULL, ~0u), EAGAIN);
}

ABI_TEST(wait_times_out)
{
	unsigned int w = 1;
	struct timespec t = { 0, 1000000 }, zero = { 0, 0 };

	CHECK_ERRNO(futex(&w, WAIT, 1, &t, NULL, 0), ETIMEDOUT);
	CHECK_ERRNO(futex(&w, WAIT | PRIVATE, 1, &zero, NULL, 0), ETIMEDOUT);
	CHECK_ERRNO(futex(&w, WAIT_BITSET, 1, &t, NULL, ~0u), ETIMEDOUT);	// absolute: long past
	CHECK_ERRNO(futex(&w, WAIT_BITSET | REALTIME, 1, &t, NULL, ~0u), ETIMEDOUT);
}

ABI_TEST(wait_timeout_is_checked)
{
	unsigned int w = 1;
	struct timespec neg = { -1, 0 }, big = { 0, 1000000000 };

	CHECK_ERRNO(futex(&w, WAIT, 1, &neg, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&w, WAIT, 2, &big, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&w, WAIT, 1, BAD, NULL, 0), EFAULT);
}

ABI_TEST(address_not_aligned)
{
	char w[8] = { 0 };

	CHECK_ERRNO(futex((void *)(((uintptr_t)w + 3) / 4 * 4 + 1), WAIT, 0, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex((void *)(((uintptr_t)w + 3) / 4 * 4 + 2), WAKE, 1, NULL, NULL, 0), EINVAL);
}

ABI_TEST(bad_address)
{
	CHECK_ERRNO(futex(BAD, WAIT, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(BAD, WAIT | PRIVATE, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(BAD_KERNEL, WAIT | PRIVATE, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(BAD, WAKE, 1, NULL, NULL, 0), EFAULT);
	CHECK_EQ(futex(BAD, WAKE | PRIVATE, 1, NULL, NULL, 0), 0);	// a private key needs no page
	CHECK_ERRNO(futex(BAD_KERNEL, WAKE | PRIVATE, 1, NULL, NULL, 0), EFAULT);
}

ABI_TEST(unknown_operation)
{
	unsigned int w = 0;

	CHECK_ERRNO(futex(&w, 99, 0, NULL, NULL, 0), ENOSYS);
	CHECK_ERRNO(futex(&w, 2 /* FUTEX_FD, removed */, 0, NULL, NULL, 0), ENOSYS);
	CHECK_ERRNO(futex(&w, WAKE | REALTIME, 0, NULL, NULL, 0), ENOSYS);
}

ABI_TEST(wake_nobody)
{
	unsigned int w = 0;

	CHECK_EQ(futex(&w, WAKE, 10, NULL, NULL, 0), 0);
	CHECK_EQ(futex(&w, WAKE | PRIVATE, INT_MAX, NULL, NULL, 0), 0);
}

ABI_TEST(wake_across_processes)
{
	unsigned int *w = shared();
	pid_t pid = waiter(w, WAIT, 0, 0);

	CHECK_EQ(futex(w, WAKE, 1, NULL, NULL, 0), 1);
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(private_key_does_not_cross_processes)
{
	unsigned int *w = shared();
	pid_t pid = waiter(w, WAIT, 0, 0);

	CHECK_EQ(futex(w, WAKE | PRIVATE, 1, NULL, NULL, 0), 0);
	CHECK_EQ(futex(w, WAKE, 1, NULL, NULL, 0), 1);
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(shared_key_is_the_page_not_the_address)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0600));
	OK(ftruncate(fd, PAGE));
	unsigned int *a = OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	unsigned int *b = OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	pid_t pid = waiter(a + 5, WAIT, 0, 0);

	CHECK_EQ(futex(b + 4, WAKE, 1, NULL, NULL, 0), 0);
	CHECK_EQ(futex(b + 5, WAKE, 1, NULL, NULL, 0), 1);
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(private_memory_of_a_fork_is_another_key)
{
	unsigned int *w = abi_pages(1);
	*w = 0;
	pid_t pid = waiter(w, WAIT, 0, 0);

	CHECK_EQ(futex(w, WAKE, 1, NULL, NULL, 0), 0);
	kill(pid, SIGKILL);
	abi_status(pid);
}

ABI_TEST(wake_counts)
{
	unsigned int *w = shared();
	pid_t pid[5];

	for (int i = 0; i < 5; i++)
		pid[i] = waiter(w, WAIT, 0, 0);
	CHECK_EQ(futex(w, WAKE, 2, NULL, NULL, 0), 2);
	CHECK_EQ(futex(w, WAKE, INT_MAX, NULL, NULL, 0), 3);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(abi_status(pid[i]), 0);
}

ABI_TEST(wake_in_order_of_arrival)
{
	unsigned int *w = shared();
	pid_t a = waiter(w, WAIT, 0, 0), b = waiter(w, WAIT, 0, 0);

	CHECK_EQ(futex(w, WAKE, 1, NULL, NULL, 0), 1);
	CHECK_EQ(abi_status(a), 0);
	CHECK(!ended(b));
	CHECK_EQ(futex(w, WAKE, 1, NULL, NULL, 0), 1);
	CHECK_EQ(abi_status(b), 0);
}

ABI_TEST(wake_of_zero_wakes_one)
{
	unsigned int *w = shared();
	pid_t a = waiter(w, WAIT, 0, 0);

	CHECK_EQ(futex(w, WAKE, 0, NULL, NULL, 0), 1);	// only futex2 takes 0 at its word
	CHECK_EQ(abi_status(a), 0);
}

ABI_TEST(bitsets_select)
{
	unsigned int *w = shared();
	pid_t a = waiter(w, WAIT_BITSET, 0, 1), b = waiter(w, WAIT_BITSET, 0, 6);

	CHECK_EQ(futex(w, WAKE_BITSET, 10, NULL, NULL, 8), 0);
	CHECK_EQ(futex(w, WAKE_BITSET, 10, NULL, NULL, 4), 1);
	CHECK_EQ(abi_status(b), 0);
	CHECK_EQ(futex(w, WAKE, 10, NULL, NULL, 0), 1);
	CHECK_EQ(abi_status(a), 0);
}

ABI_TEST(bitset_zero)
{
	unsigned int w = 0;

	CHECK_ERRNO(futex(&w, WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&w, WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
}

ABI_TEST(requeue_moves)
{
	unsigned int *w = shared(), *v = w + 100;
	pid_t a = waiter(w, WAIT, 0, 0), b = waiter(w, WAIT, 0, 0), c = waiter(w, WAIT, 0, 0);

	CHECK_EQ(futex(w, REQUEUE, 1, (void *)1L, v, 0), 2);	// one woken, one moved
	CHECK_EQ(abi_status(a), 0);
	CHECK_EQ(futex(v, WAKE, 10, NULL, NULL, 0), 1);
	CHECK_EQ(abi_status(b), 0);
	CHECK_EQ(futex(w, WAKE, 10, NULL, NULL, 0), 1);
	CHECK_EQ(abi_status(c), 0);
}

ABI_TEST(cmp_requeue)
{
	unsigned int *w = shared(), *v = w + 100;
	pid_t a = waiter(w, WAIT, 0, 0);

	CHECK_ERRNO(futex(w, CMP_REQUEUE, 0, (void *)10L, v, 1), EAGAIN);
	CHECK_EQ(futex(w, CMP_REQUEUE, 0, (void *)10L, v, 0), 1);
	CHECK_EQ(futex(w, WAKE, 10, NULL, NULL, 0), 0);
	CHECK_EQ(futex(v, WAKE, 10, NULL, NULL, 0), 1);
	CHECK_EQ(abi_status(a), 0);
	CHECK_ERRNO(futex(w, CMP_REQUEUE, (unsigned int)-1, (void *)1L, v, 0), EINVAL);
	CHECK_ERRNO(futex(w, CMP_REQUEUE, 1, (void *)-1L, v, 0), EINVAL);
	CHECK_ERRNO(futex(w, CMP_REQUEUE, 1, (void *)1L, BAD, 0), EFAULT);
}

ABI_TEST(wake_op)
{
	unsigned int *w = shared(), *v = w + 100;
	pid_t a = waiter(w, WAIT, 0, 0), b = waiter(v, WAIT, 0, 0);

	*v = 5;
	// *v += 3; wake w; if the old *v > 4, wake v
	CHECK_EQ(futex(w, WAKE_OP, 1, (void *)1L, v, (1u << 28) | (4u << 24) | (3u << 12) | 4), 2);
	CHECK_EQ(*v, 8);
	CHECK_EQ(abi_status(a), 0);
	CHECK_EQ(abi_status(b), 0);
	CHECK_EQ(futex(w, WAKE_OP, 1, (void *)1L, v, (0u << 28) | (0u << 24) | (77u << 12) | 4), 0);
	CHECK_EQ(*v, 77);
	CHECK_EQ(futex(w, WAKE_OP, 1, (void *)1L, v, (2u << 28) | (0x100 << 12)), 0);
	CHECK_EQ(*v, 77 | 0x100);
	CHECK_EQ(futex(w, WAKE_OP, 1, (void *)1L, v, (3u << 28) | (0x100 << 12)), 0);
	CHECK_EQ(*v, 77);
	CHECK_EQ(futex(w, WAKE_OP, 1, (void *)1L, v, (4u << 28) | (1 << 12)), 0);
	CHECK_EQ(*v, 76);
	CHECK_EQ(futex(w, WAKE_OP, 1, (void *)1L, v, (8u << 28) | (0u << 28) | (9 << 12)), 0);	// operand is a shift
	CHECK_EQ(*v, 512);
	CHECK_ERRNO(futex(w, WAKE_OP, 1, (void *)1L, v, 7u << 28), ENOSYS);
	CHECK_ERRNO(futex(w, WAKE_OP, 1, (void *)1L, v, 9u << 24), ENOSYS);
}

ABI_TEST(wait_on_unmapped_memory_after_unmap)
{
	unsigned int *w = shared();

	OK(munmap(w, PAGE));
	CHECK_ERRNO(futex(w, WAIT, 0, NULL, NULL, 0), EFAULT);
}

ABI_TEST(waiter_killed)
{
	unsigned int *w = shared();
	pid_t a = waiter(w, WAIT, 0, 0);

	OK(kill(a, SIGKILL));
	CHECK_EQ(abi_status(a), SIGKILL);
	CHECK_EQ(futex(w, WAKE, 1, NULL, NULL, 0), 0);
}

struct robust { struct robust *next; };
struct robust_head { struct robust list; long offset; struct robust *pending; };
struct robust_lock { struct robust list; unsigned int word; };

ABI_TEST(robust_list_can_be_read_back)
{
	struct robust_head h = { { &h.list }, 0, NULL }, *got;
	size_t size;

	CHECK_ERRNO(syscall(SYS_set_robust_list, &h, 8), EINVAL);
	OK(syscall(SYS_set_robust_list, &h, sizeof(h)));
	OK(syscall(SYS_get_robust_list, 0, &got, &size));
	CHECK(got == &h);
	CHECK_EQ(size, sizeof(h));
	OK(syscall(SYS_get_robust_list, getpid(), &got, &size));
	CHECK_ERRNO(syscall(SYS_get_robust_list, 4000000, &got, &size), ESRCH);
	CHECK_ERRNO(syscall(SYS_get_robust_list, 0, BAD, &size), EFAULT);
	CHECK_ERRNO(syscall(SYS_get_robust_list, 0, &got, BAD), EFAULT);
	CHECK_CHILD(abi_drop(1000); CHECK_ERRNO(syscall(SYS_get_robust_list, 1, &got, &size), EPERM));
}

ABI_TEST(robust_lock_of_a_dead_owner)
{
	struct { struct robust_head h; struct robust_lock l; } *s = (void *)shared();
	pid_t w = waiter(&s->l.word, WAIT, 0, 0);

	CHECK_CHILD(
		s->h.list.next = &s->l.list;
		s->l.list.next = &s->h.list;
		s->h.offset = offsetof(struct robust_lock, word);
		OK(syscall(SYS_set_robust_list, &s->h, sizeof(s->h)));
		s->l.word = (unsigned int)getpid() | 0x80000000);
	CHECK_EQ(s->l.word, 0xc0000000);	// waiters, owner died
	CHECK_EQ(abi_status(w), 0);
}

ABI_TEST(robust_lock_of_another_is_left_alone)
{
	struct { struct robust_head h; struct robust_lock l; } *s = (void *)shared();

	CHECK_CHILD(
		s->h.list.next = &s->l.list;
		s->l.list.next = &s->h.list;
		s->h.offset = offsetof(struct robust_lock, word);
		OK(syscall(SYS_set_robust_list, &s->h, sizeof(s->h)));
		s->l.word = 1);
	CHECK_EQ(s->l.word, 1);
}

ABI_TEST(robust_pending)
{
	struct { struct robust_head h; struct robust_lock l; } *s = (void *)shared();

	CHECK_CHILD(
		s->h.list.next = &s->h.list;
		s->h.pending = &s->l.list;
		s->h.offset = offsetof(struct robust_lock, word);
		OK(syscall(SYS_set_robust_list, &s->h, sizeof(s->h)));
		s->l.word = (unsigned int)getpid());
	CHECK_EQ(s->l.word, 0x40000000);
}

ABI_TEST(robust_list_that_never_ends)
{
	struct { struct robust_head h; struct robust_lock l; } *s = (void *)shared();

	CHECK_CHILD(
		s->h.list.next = &s->l.list;
		s->l.list.next = &s->l.list;	// a loop: the kernel gives up
		s->h.offset = offsetof(struct robust_lock, word);
		OK(syscall(SYS_set_robust_list, &s->h, sizeof(s->h))));
	CHECK_CHILD(OK(syscall(SYS_set_robust_list, BAD, sizeof(s->h))));
}
