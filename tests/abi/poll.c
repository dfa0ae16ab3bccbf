// Waiting for descriptors: poll(2), ppoll(2), select(2), pselect6(2).
#include "abi.h"
#include <poll.h>
#include <sys/select.h>

static volatile sig_atomic_t got;

static void note(int sig)
{
	got = sig;
}

static void catch(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = note, .sa_flags = flags };

	OK(sigaction(sig, &sa, NULL));
}

static long long now_ms(void)
{
	struct timespec t;

	OK(clock_gettime(CLOCK_MONOTONIC, &t));
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

ABI_TEST(regular_files_are_always_ready)
{
	abi_write_file("f", "");
	struct pollfd p = { .fd = OK(open("f", O_RDWR)), .events = POLLIN | POLLOUT | POLLPRI };
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLIN | POLLOUT);
	p = (struct pollfd){ .fd = OK(open(".", O_RDONLY)), .events = POLLIN };
	CHECK_EQ(poll(&p, 1, -1), 1);
	p = (struct pollfd){ .fd = OK(open("/dev/null", O_RDWR)), .events = POLLIN | POLLOUT };
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLIN | POLLOUT);
}

ABI_TEST(bad_descriptors_are_told)
{
	struct pollfd p[3] = { { .fd = -1, .events = POLLIN, .revents = 7 }, { .fd = 900, .events = 0 }, { .fd = -900, .events = POLLIN } };

	CHECK_EQ(poll(p, 3, -1), 1);
	CHECK_EQ(p[0].revents, 0);		// negative: not looked at
	CHECK_EQ(p[1].revents, POLLNVAL);
	CHECK_EQ(p[2].revents, 0);
	close(OK(dup2(OK(open("/", O_PATH)), 900)));
	p[1].fd = OK(open("/", O_PATH));
	CHECK_EQ(poll(p, 3, -1), 1);
	CHECK_EQ(p[1].revents, POLLNVAL);
}

ABI_TEST(poll_times_out)
{
	int fd[2];
	long long t = now_ms();

	OK(pipe(fd));
	struct pollfd p = { .fd = fd[0], .events = POLLIN };
	CHECK_EQ(poll(&p, 1, 50), 0);
	CHECK(now_ms() - t >= 50);
	CHECK_EQ(p.revents, 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(poll(NULL, 0, 10), 0);
}

ABI_TEST(poll_arguments)
{
	struct rlimit r = { 20, 20 };
	static struct pollfd p[21];

	for (int i = 0; i < 21; i++)
		p[i].fd = -1;
	CHECK_ERRNO(syscall(SYS_poll, BAD, 1, 0), EFAULT);
	OK(setrlimit(RLIMIT_NOFILE, &r));
	CHECK_EQ(syscall(SYS_poll, p, 20, 0), 0);
	CHECK_ERRNO(syscall(SYS_poll, p, 21, 0), EINVAL);
}

ABI_TEST(poll_wakes)
{
	int fd[2];

	OK(pipe(fd));
	pid_t pid = OK(fork());
	if (pid == 0) {
		struct pollfd p = { .fd = fd[0], .events = POLLIN };
		CHECK_EQ(poll(&p, 1, -1), 1);
		CHECK_EQ(p.revents, POLLIN);
		_exit(0);
	}
	abi_wait_asleep(pid);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(poll_of_many)
{
	static struct pollfd p[400];
	int fd[2];

	OK(pipe(fd));
	for (int i = 0; i < 400; i++)
		p[i] = (struct pollfd){ .fd = OK(dup(fd[0])), .events = POLLIN };
	CHECK_EQ(poll(p, 400, 0), 0);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	CHECK_EQ(poll(p, 400, -1), 400);
	CHECK_EQ(p[399].revents, POLLIN);
}

ABI_TEST(poll_is_interrupted_whatever_sa_restart)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		catch(SIGUSR1, SA_RESTART);
		CHECK_ERRNO(poll(NULL, 0, -1), EINTR);
		CHECK_EQ(got, SIGUSR1);
		_exit(0);
	}
	abi_wait_asleep(pid);
	OK(kill(pid, SIGUSR1));
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(poll_survives_a_stop)
{
	int fd[2], st;

	OK(pipe(fd));
	pid_t pid = OK(fork());
	if (pid == 0) {
		struct pollfd p = { .fd = fd[0], .events = POLLIN };
		CHECK_EQ(poll(&p, 1, 50000), 1);
		_exit(0);
	}
	abi_wait_asleep(pid);
	OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitpid(pid, &st, WUNTRACED), pid);
	OK(kill(pid, SIGCONT));
	abi_wait_asleep(pid);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(ppoll_mask_is_atomic)
{
	sigset_t block, empty;

	catch(SIGUSR1, 0);
	sigemptyset(&empty);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &block, NULL));
	OK(raise(SIGUSR1));
	CHECK_EQ(got, 0);
	CHECK_ERRNO(syscall(SYS_ppoll, NULL, 0, NULL, &empty, 8), EINTR);
	CHECK_EQ(got, SIGUSR1);
	sigset_t after;
	OK(sigprocmask(SIG_BLOCK, NULL, &after));
	CHECK(sigismember(&after, SIGUSR1));
}

ABI_TEST(ppoll_arguments)
{
	struct timespec t = { 0, 1000000 };
	sigset_t empty;

	sigemptyset(&empty);
	CHECK_EQ(syscall(SYS_ppoll, NULL, 0, &t, NULL, 0), 0);
	CHECK_EQ(t.tv_sec, 0);
	CHECK_EQ(t.tv_nsec, 0);			// the time that was left
	t.tv_nsec = 1000000000;
	CHECK_ERRNO(syscall(SYS_ppoll, NULL, 0, &t, NULL, 0), EINVAL);
	t = (struct timespec){ -1, 0 };
	CHECK_ERRNO(syscall(SYS_ppoll, NULL, 0, &t, NULL, 0), EINVAL);
	t = (struct timespec){ 0, 0 };
	CHECK_ERRNO(syscall(SYS_ppoll, NULL, 0, &t, &empty, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_ppoll, NULL, 0, BAD, NULL, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_ppoll, NULL, 0, &t, BAD, 8), EFAULT);
}

ABI_TEST(select_reports)
{
	int fd[2];
	fd_set r, w;
	struct timeval t = { 0, 0 };

	OK(pipe(fd));
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(fd[0], &r);
	FD_SET(fd[1], &w);
	CHECK_EQ(syscall(SYS_select, fd[1] + 1, &r, &w, NULL, &t), 1);
	CHECK(!FD_ISSET(fd[0], &r) && FD_ISSET(fd[1], &w));
	CHECK_EQ(write(fd[1], "x", 1), 1);
	FD_SET(fd[0], &r);
	CHECK_EQ(syscall(SYS_select, fd[1] + 1, &r, &w, NULL, NULL), 2);
	CHECK(FD_ISSET(fd[0], &r));
	close(fd[1]);
	CHECK_EQ(read(fd[0], &t, 1), 1);
	FD_ZERO(&r);
	FD_SET(fd[0], &r);
	CHECK_EQ(syscall(SYS_select, fd[0] + 1, &r, NULL, NULL, NULL), 1);	// a hang-up is readable
}

ABI_TEST(select_times_out)
{
	int fd[2];
	fd_set r;
	struct timeval t = { 0, 30000 };
	long long start = now_ms();

	OK(pipe(fd));
	FD_ZERO(&r);
	FD_SET(fd[0], &r);
	CHECK_EQ(syscall(SYS_select, fd[0] + 1, &r, NULL, NULL, &t), 0);
	CHECK(now_ms() - start >= 29);
	CHECK(!FD_ISSET(fd[0], &r));
	CHECK_EQ(t.tv_sec, 0);
	CHECK_EQ(t.tv_usec, 0);
}

ABI_TEST(select_arguments)
{
	fd_set r;
	struct timeval t = { -1, 0 };

	FD_ZERO(&r);
	CHECK_ERRNO(syscall(SYS_select, -1, NULL, NULL, NULL, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_select, 0, NULL, NULL, NULL, &t), EINVAL);
	CHECK_ERRNO(syscall(SYS_select, 1, BAD, NULL, NULL, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_select, 0, NULL, NULL, NULL, BAD), EFAULT);
	FD_SET(50, &r);
	t = (struct timeval){ 0, 0 };
	CHECK_ERRNO(syscall(SYS_select, 51, &r, NULL, NULL, &t), EBADF);
	t.tv_usec = 1000;
	CHECK_EQ(syscall(SYS_select, 0, NULL, NULL, NULL, &t), 0);
}

ABI_TEST(select_is_interrupted)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		struct timeval t = { 50, 0 };
		catch(SIGUSR1, SA_RESTART);
		CHECK_ERRNO(syscall(SYS_select, 0, NULL, NULL, NULL, &t), EINTR);
		CHECK(t.tv_sec < 50);		// the time that was left
		_exit(0);
	}
	abi_wait_asleep(pid);
	OK(kill(pid, SIGUSR1));
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(pselect_mask_and_time)
{
	sigset_t block, empty;
	struct timespec t = { 0, 2000000 };

	catch(SIGUSR1, 0);
	sigemptyset(&empty);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &block, NULL));
	OK(raise(SIGUSR1));
	struct { const void *p; size_t n; } mask = { &empty, 8 };
	CHECK_ERRNO(syscall(SYS_pselect6, 0, NULL, NULL, NULL, NULL, &mask), EINTR);
	CHECK_EQ(got, SIGUSR1);
	mask.n = 3;
	CHECK_ERRNO(syscall(SYS_pselect6, 0, NULL, NULL, NULL, NULL, &mask), EINVAL);
	CHECK_EQ(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &t, NULL), 0);
	CHECK_EQ(t.tv_nsec, 0);
}
