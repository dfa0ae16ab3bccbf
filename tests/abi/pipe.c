// pipe(2), pipe2(2), FIFOs and the pipe commands of fcntl(2).
#include "abi.h"
#include <poll.h>
#include <sys/ioctl.h>

enum { CAPACITY = 65536 };

static volatile sig_atomic_t got;

static void note(int sig)
{
	got = sig;
}

static void catch(int sig)
{
	struct sigaction sa = { .sa_handler = note };

	OK(sigaction(sig, &sa, NULL));
}

static void fill(int fd)
{
	static char block[PAGE];

	OK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK));
	while (write(fd, block, sizeof(block)) == sizeof(block))
		;
	CHECK_EQ(errno, EAGAIN);
	OK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK));
}

ABI_TEST(carries_bytes_in_order)
{
	int fd[2];
	char buf[10];

	OK(pipe(fd));
	CHECK_EQ(write(fd[1], "abc", 3), 3);
	CHECK_EQ(write(fd[1], "defg", 4), 4);
	CHECK_EQ(read(fd[0], buf, 5), 5);
	CHECK(!memcmp(buf, "abcde", 5));
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 2);	// what there is, not what was asked for
	CHECK(!memcmp(buf, "fg", 2));
}

ABI_TEST(takes_the_lowest_descriptors)
{
	int fd[2], low = OK(dup(0));

	close(low);
	OK(pipe(fd));
	CHECK_EQ(fd[0], low);
	CHECK_EQ(fd[1], low + 1);
}

ABI_TEST(pipe2_flags)
{
	int fd[2];

	OK(pipe2(fd, O_CLOEXEC | O_NONBLOCK));
	CHECK_EQ(fcntl(fd[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd[1], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd[0], F_GETFL), O_RDONLY | O_NONBLOCK);
	CHECK_EQ(fcntl(fd[1], F_GETFL), O_WRONLY | O_NONBLOCK);
	OK(pipe2(fd, 0));
	CHECK_EQ(fcntl(fd[0], F_GETFD), 0);
	CHECK_EQ(fcntl(fd[0], F_GETFL), O_RDONLY);
	CHECK_ERRNO(syscall(SYS_pipe2, fd, O_APPEND), EINVAL);
	CHECK_ERRNO(syscall(SYS_pipe2, fd, O_RDWR), EINVAL);
	CHECK_ERRNO(syscall(SYS_pipe2, fd, 0x40000000), EINVAL);
}

ABI_TEST(bad_address_leaves_no_descriptors)
{
	int low = OK(dup(0));

	close(low);
	CHECK_ERRNO(syscall(SYS_pipe, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_pipe2, BAD_KERNEL, 0), EFAULT);
	CHECK_EQ(OK(dup(0)), low);
}

ABI_TEST(no_descriptors_left)
{
	struct rlimit r;
	int fd[2] = { -5, -6 }, low = OK(dup(0));

	close(low);
	OK(getrlimit(RLIMIT_NOFILE, &r));
	r.rlim_cur = (rlim_t)low + 1;
	OK(setrlimit(RLIMIT_NOFILE, &r));
	CHECK_ERRNO(pipe(fd), EMFILE);
	CHECK_EQ(fd[0], -5);
	CHECK_EQ(OK(dup(0)), low);
}

ABI_TEST(wrong_end)
{
	int fd[2];
	char c;

	OK(pipe(fd));
	CHECK_ERRNO(read(fd[1], &c, 1), EBADF);
	CHECK_ERRNO(write(fd[0], &c, 1), EBADF);
}

ABI_TEST(has_no_position)
{
	int fd[2];
	char c;

	OK(pipe(fd));
	CHECK_ERRNO(lseek(fd[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERRNO(pread(fd[0], &c, 1, 0), ESPIPE);
	CHECK_ERRNO(pwrite(fd[1], &c, 1, 0), ESPIPE);
	CHECK_ERRNO(ftruncate(fd[1], 0), EINVAL);
	CHECK_ERRNO(fsync(fd[1]), EINVAL);
}

ABI_TEST(status)
{
	int fd[2];
	struct stat st, st2;

	OK(pipe(fd));
	OK(fstat(fd[0], &st));
	OK(fstat(fd[1], &st2));
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_EQ(st.st_mode & 07777, 0600);
	CHECK_EQ(st.st_ino, st2.st_ino);
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_blksize, 4096);
	OK(pipe(fd));
	OK(fstat(fd[0], &st2));
	CHECK(st.st_ino != st2.st_ino);
	CHECK_EQ(st.st_dev, st2.st_dev);
}

ABI_TEST(end_of_file)
{
	int fd[2];
	char buf[4];

	OK(pipe(fd));
	CHECK_EQ(write(fd[1], "ab", 2), 2);
	close(fd[1]);
	CHECK_EQ(read(fd[0], buf, 4), 2);
	CHECK_EQ(read(fd[0], buf, 4), 0);
	CHECK_EQ(read(fd[0], buf, 4), 0);
}

ABI_TEST(end_of_file_needs_all_writers_gone)
{
	int fd[2], other;
	char c;

	OK(pipe2(fd, O_NONBLOCK));
	other = OK(dup(fd[1]));
	close(fd[1]);
	CHECK_ERRNO(read(fd[0], &c, 1), EAGAIN);
	close(other);
	CHECK_EQ(read(fd[0], &c, 1), 0);
}

ABI_TEST(no_reader_is_sigpipe)
{
	int fd[2];

	OK(pipe(fd));
	close(fd[0]);
	CHECK_KILLED(SIGPIPE, write(fd[1], "x", 1));
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(write(fd[1], "x", 1), EPIPE);
	CHECK_ERRNO(write(fd[1], BAD, 1), EPIPE);	// before the address is looked at
	CHECK_EQ(write(fd[1], "x", 0), 0);
	catch(SIGPIPE);
	CHECK_ERRNO(write(fd[1], "x", 1), EPIPE);
	CHECK_EQ(got, SIGPIPE);
}

ABI_TEST(nothing_to_transfer)
{
	int fd[2];

	OK(pipe(fd));
	CHECK_EQ(read(fd[0], NULL, 0), 0);		// does not wait
	CHECK_EQ(write(fd[1], NULL, 0), 0);
}

ABI_TEST(would_block)
{
	int fd[2];
	char c;

	OK(pipe2(fd, O_NONBLOCK));
	CHECK_ERRNO(read(fd[0], &c, 1), EAGAIN);
	fill(fd[1]);
	OK(fcntl(fd[1], F_SETFL, O_NONBLOCK));
	CHECK_ERRNO(write(fd[1], &c, 1), EAGAIN);
}

ABI_TEST(capacity_is_sixteen_pages)
{
	int fd[2];
	static char big[CAPACITY + PAGE];

	OK(pipe2(fd, O_NONBLOCK));
	CHECK_EQ(write(fd[1], big, sizeof(big)), CAPACITY);	// more than PIPE_BUF may be split
	CHECK_ERRNO(write(fd[1], big, 1), EAGAIN);
	CHECK_EQ(fcntl(fd[0], F_GETPIPE_SZ), CAPACITY);
}

ABI_TEST(small_writes_are_merged)
{
	int fd[2];
	long n = 0;

	OK(pipe2(fd, O_NONBLOCK));
	while (write(fd[1], "x", 1) == 1)
		n++;
	CHECK_EQ(n, CAPACITY);
}

ABI_TEST(pipe_buf_is_atomic)
{
	int fd[2];
	static char big[CAPACITY];

	OK(pipe2(fd, O_NONBLOCK));
	CHECK_EQ(write(fd[1], big, CAPACITY - 2 * PAGE + 1), CAPACITY - 2 * PAGE + 1);
	// PIPE_BUF bytes fit once; then there is less room than that, and nothing is written rather than a part.
	CHECK_EQ(write(fd[1], big, PIPE_BUF), PIPE_BUF);
	CHECK_ERRNO(write(fd[1], big, PIPE_BUF), EAGAIN);
}

ABI_TEST(a_blocked_reader_wakes)
{
	int fd[2];
	char buf[8];

	OK(pipe(fd));
	pid_t pid = OK(fork());
	if (pid == 0) {
		CHECK_EQ(read(fd[0], buf, 8), 3);
		CHECK(!memcmp(buf, "abc", 3));
		_exit(0);
	}
	abi_wait_asleep(pid);
	CHECK_EQ(write(fd[1], "abc", 3), 3);
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(a_blocked_reader_sees_the_end)
{
	int fd[2];
	char c;

	OK(pipe(fd));
	pid_t pid = OK(fork());
	if (pid == 0) {
		close(fd[1]);
		CHECK_EQ(read(fd[0], &c, 1), 0);
		_exit(0);
	}
	abi_wait_asleep(pid);
	close(fd[1]);
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(a_blocked_writer_wakes_or_dies)
{
	int fd[2];
	static char buf[2 * CAPACITY];

	OK(pipe(fd));
	fill(fd[1]);
	pid_t pid = OK(fork());
	if (pid == 0) {
		close(fd[0]);
		CHECK_EQ(write(fd[1], "abc", 3), 3);
		write(fd[1], buf, sizeof(buf));
		_exit(1);
	}
	abi_wait_asleep(pid);
	CHECK_EQ(read(fd[0], buf, PAGE), PAGE);
	while (read(fd[0], buf, PAGE) == PAGE && memcmp(buf, "abc", 3))
		;
	CHECK(!memcmp(buf, "abc", 3));
	abi_wait_asleep(pid);
	close(fd[0]);
	int st = abi_status(pid);
	CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGPIPE);
}

ABI_TEST(a_long_write_is_whole)
{
	int fd[2];
	size_t have = 0;
	static char buf[5 * CAPACITY];

	OK(pipe(fd));
	pid_t pid = OK(fork());
	if (pid == 0) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (char)(i * 31 >> 3);
		CHECK_EQ(write(fd[1], buf, sizeof(buf)), sizeof(buf));
		_exit(0);
	}
	close(fd[1]);
	for (ssize_t n; (n = OK(read(fd[0], buf + have, sizeof(buf) - have))) > 0; have += (size_t)n)
		;
	CHECK_EQ(have, sizeof(buf));
	for (size_t i = 0; i < sizeof(buf); i++)
		if (buf[i] != (char)(i * 31 >> 3))
			CHECK_EQ(i, -1);
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(a_signal_interrupts_a_read)
{
	int fd[2];
	char c;

	OK(pipe(fd));
	pid_t pid = OK(fork());
	if (pid == 0) {
		catch(SIGUSR1);
		CHECK_ERRNO(read(fd[0], &c, 1), EINTR);
		CHECK_EQ(got, SIGUSR1);
		_exit(0);
	}
	abi_wait_asleep(pid);
	OK(kill(pid, SIGUSR1));
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(a_signal_splits_a_long_write)
{
	int fd[2];
	static char buf[2 * CAPACITY];

	OK(pipe(fd));
	pid_t pid = OK(fork());
	if (pid == 0) {
		catch(SIGUSR1);
		CHECK_EQ(write(fd[1], buf, sizeof(buf)), CAPACITY);
		_exit(0);
	}
	abi_wait_asleep(pid);
	OK(kill(pid, SIGUSR1));
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(bad_buffers)
{
	int fd[2];
	char *p = abi_guarded(4);

	OK(pipe2(fd, O_NONBLOCK));
	CHECK_ERRNO(write(fd[1], BAD, 1), EFAULT);
	CHECK_EQ(write(fd[1], "abcdefgh", 8), 8);
	CHECK_ERRNO(read(fd[0], BAD, 1), EFAULT);
	CHECK_ERRNO(read(fd[0], BAD_KERNEL, 1), EFAULT);
	CHECK_EQ(read(fd[0], p, 4), 4);
	CHECK(!memcmp(p, "abcd", 4));
}

ABI_TEST(bytes_waiting)
{
	int fd[2], n = -1;

	OK(pipe(fd));
	OK(ioctl(fd[0], FIONREAD, &n));
	CHECK_EQ(n, 0);
	CHECK_EQ(write(fd[1], "abcde", 5), 5);
	OK(ioctl(fd[0], FIONREAD, &n));
	CHECK_EQ(n, 5);
	OK(ioctl(fd[1], FIONREAD, &n));
	CHECK_EQ(n, 5);
	CHECK_ERRNO(ioctl(fd[0], TCGETS, &n), ENOTTY);
	CHECK_ERRNO(ioctl(fd[0], FIONREAD, NULL), EFAULT);
}

ABI_TEST(size_can_be_set)
{
	int fd[2];
	static char big[4 * PAGE];

	OK(pipe2(fd, O_NONBLOCK));
	CHECK_EQ(fcntl(fd[1], F_SETPIPE_SZ, 1), PAGE);
	CHECK_EQ(fcntl(fd[1], F_GETPIPE_SZ), PAGE);
	CHECK_EQ(write(fd[1], big, sizeof(big)), PAGE);
	CHECK_EQ(fcntl(fd[1], F_SETPIPE_SZ, 3 * PAGE), 4 * PAGE);	// rounded to a power of two pages
	CHECK_EQ(write(fd[1], big, sizeof(big)), 3 * PAGE);
	CHECK_ERRNO(fcntl(fd[1], F_SETPIPE_SZ, PAGE), EBUSY);
	CHECK_EQ(read(fd[0], big, sizeof(big)), 4 * PAGE);
	CHECK_EQ(fcntl(fd[0], F_SETPIPE_SZ, 1 << 20), 1 << 20);
	CHECK_EQ(fcntl(fd[0], F_SETPIPE_SZ, (1 << 20) + 1), 2 << 20);	// the superuser may
	CHECK_ERRNO(fcntl(fd[0], F_SETPIPE_SZ, 0xffffffffu), EINVAL);
	CHECK_ERRNO(fcntl(0, F_GETPIPE_SZ), EBADF);
}

ABI_TEST(size_limit_of_a_user)
{
	int fd[2];

	abi_drop(1000);
	OK(pipe(fd));
	CHECK_EQ(fcntl(fd[0], F_SETPIPE_SZ, 1 << 20), 1 << 20);
	CHECK_ERRNO(fcntl(fd[0], F_SETPIPE_SZ, (1 << 20) + 1), EPERM);
}

ABI_TEST(poll_of_a_pipe)
{
	int fd[2];
	struct pollfd p[2];

	OK(pipe(fd));
	p[0] = (struct pollfd){ .fd = fd[0], .events = POLLIN | POLLOUT };
	p[1] = (struct pollfd){ .fd = fd[1], .events = POLLIN | POLLOUT };
	CHECK_EQ(poll(p, 2, 0), 1);
	CHECK_EQ(p[0].revents, 0);
	CHECK_EQ(p[1].revents, POLLOUT);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	CHECK_EQ(poll(p, 2, 0), 2);
	CHECK_EQ(p[0].revents, POLLIN);
	fill(fd[1]);
	CHECK_EQ(poll(p, 2, 0), 1);
	CHECK_EQ(p[1].revents, 0);
	close(fd[0]);
	CHECK_EQ(poll(p + 1, 1, 0), 1);
	CHECK_EQ(p[1].revents, POLLERR);
	OK(pipe(fd));
	close(fd[1]);
	p[0].fd = fd[0];
	CHECK_EQ(poll(p, 1, 0), 1);
	CHECK_EQ(p[0].revents, POLLHUP);
}

ABI_TEST(proc_name_of_a_pipe)
{
	int fd[2];
	char path[40], want[40], buf[40] = "";
	struct stat st;

	OK(pipe(fd));
	OK(fstat(fd[0], &st));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd[0]);
	snprintf(want, sizeof(want), "pipe:[%lu]", (unsigned long)st.st_ino);
	OK(readlink(path, buf, sizeof(buf) - 1));
	CHECK_STR(buf, want);
	int again = OK(open(path, O_WRONLY));		// a new file of the same pipe
	CHECK_EQ(write(again, "x", 1), 1);
	CHECK_EQ(read(fd[0], buf, 4), 1);
}

ABI_TEST(fifo_opens_meet)
{
	char c;

	OK(mkfifo("f", 0600));
	pid_t pid = OK(fork());
	if (pid == 0) {
		int r = OK(open("f", O_RDONLY));	// waits for the writer
		CHECK_EQ(read(r, &c, 1), 1);
		CHECK_EQ(read(r, &c, 1), 0);
		_exit(0);
	}
	abi_wait_asleep(pid);
	int w = OK(open("f", O_WRONLY));
	CHECK_EQ(write(w, "x", 1), 1);
	close(w);
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(fifo_open_without_waiting)
{
	char c;

	OK(mkfifo("f", 0600));
	CHECK_ERRNO(open("f", O_WRONLY | O_NONBLOCK), ENXIO);
	int r = OK(open("f", O_RDONLY | O_NONBLOCK));
	CHECK_EQ(read(r, &c, 1), 0);		// no writer yet: end of file, not EAGAIN
	int w = OK(open("f", O_WRONLY | O_NONBLOCK));
	CHECK_ERRNO(read(r, &c, 1), EAGAIN);
	CHECK_EQ(write(w, "x", 1), 1);
	close(w);
	CHECK_EQ(read(r, &c, 1), 1);
	CHECK_EQ(read(r, &c, 1), 0);
}

ABI_TEST(fifo_open_for_both)
{
	char c;

	OK(mkfifo("f", 0600));
	int fd = OK(open("f", O_RDWR));		// does not wait
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_ERRNO(lseek(fd, 0, SEEK_SET), ESPIPE);
}

ABI_TEST(fifo_poll_before_the_first_writer)
{
	OK(mkfifo("f", 0600));
	struct pollfd p = { .fd = OK(open("f", O_RDONLY | O_NONBLOCK)), .events = POLLIN };
	CHECK_EQ(poll(&p, 1, 0), 0);		// no hang-up before there was a writer
	int w = OK(open("f", O_WRONLY));
	CHECK_EQ(poll(&p, 1, 0), 0);
	close(w);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLHUP);
}

ABI_TEST(fifo_content_goes_with_the_last_user)
{
	char c;

	OK(mkfifo("f", 0600));
	int fd = OK(open("f", O_RDWR));
	CHECK_EQ(write(fd, "x", 1), 1);
	close(fd);
	fd = OK(open("f", O_RDWR | O_NONBLOCK));
	CHECK_ERRNO(read(fd, &c, 1), EAGAIN);
}

ABI_TEST(fifo_open_is_interrupted)
{
	OK(mkfifo("f", 0600));
	pid_t pid = OK(fork());
	if (pid == 0) {
		catch(SIGUSR1);
		CHECK_ERRNO(open("f", O_RDONLY), EINTR);
		_exit(0);
	}
	abi_wait_asleep(pid);
	OK(kill(pid, SIGUSR1));
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(fifo_truncation_is_ignored_at_open)
{
	struct stat st;

	OK(mkfifo("f", 0640));
	int fd = OK(open("f", O_RDWR | O_TRUNC | O_APPEND));
	OK(fstat(fd, &st));
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_EQ(st.st_mode & 07777, 0640);
	CHECK_ERRNO(truncate("f", 0), EINVAL);
}
