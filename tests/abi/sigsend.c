// Sending, masks and waiting: kill(2) and relatives' arguments and permissions, rt_sigprocmask(2), rt_sigtimedwait(2),
// rt_sigsuspend(2), and which system calls are restarted after a handler.
#include "abi.h"
#include <poll.h>
#include <sys/select.h>
#include <sys/time.h>

static volatile sig_atomic_t count;

static void handler(int sig)
{
	(void)sig;
	count++;
}

static void install(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	OK(sigaction(sig, &sa, NULL));
}

static uint64_t bit(int sig)
{
	return 1ull << (sig - 1);
}

static long raw_mask(int how, const void *new, void *old, size_t size)
{
	return syscall(SYS_rt_sigprocmask, how, new, old, size);
}

// A child that sends sig to this process once this process sleeps, n times.
static pid_t poke_when_asleep(int sig, int n)
{
	pid_t me = getpid(), pid = OK(fork());

	if (pid == 0) {
		while (n--) {
			abi_wait_asleep(me);
			kill(me, sig);
			abi_msleep(2);
		}
		_exit(0);
	}
	return pid;
}

ABI_TEST(kill_arguments)
{
	CHECK_ERRNO(kill(getpid(), 65), EINVAL);
	CHECK_ERRNO(kill(getpid(), -1), EINVAL);
	CHECK_EQ(kill(getpid(), 0), 0);
	CHECK_ERRNO(kill(4000000, 0), ESRCH);
	CHECK_ERRNO(kill(-4000000, SIGTERM), ESRCH);
	CHECK_ERRNO(kill(INT_MIN, SIGTERM), ESRCH);
}

ABI_TEST(kill_process_group)
{
	pid_t a = OK(fork());
	if (a == 0)
		for (;;)
			pause();
	OK(setpgid(a, a));
	pid_t b = OK(fork());
	if (b == 0)
		for (;;)
			pause();
	OK(setpgid(b, a));
	OK(kill(-a, SIGTERM));
	CHECK_EQ(abi_status(a), SIGTERM);
	CHECK_EQ(abi_status(b), SIGTERM);
	CHECK_ERRNO(kill(-a, 0), ESRCH);
}

ABI_TEST(kill_zero_is_own_group)
{
	install(SIGUSR1, 0);
	CHECK_EQ(kill(0, SIGUSR1), 0);
	CHECK_EQ(count, 1);
}

ABI_TEST(kill_permission)
{
	pid_t pid = OK(fork());
	if (pid == 0) {
		abi_drop(1001);
		for (;;)
			pause();
	}
	abi_wait_asleep(pid);
	CHECK_CHILD(
		abi_drop(1002);
		CHECK_ERRNO(kill(pid, SIGTERM), EPERM);
		CHECK_ERRNO(kill(pid, 0), EPERM);
		CHECK_ERRNO(kill(1, SIGTERM), EPERM);
		CHECK_ERRNO(syscall(SYS_tgkill, pid, pid, SIGTERM), EPERM));
	CHECK_CHILD(abi_drop(1001); CHECK_EQ(kill(pid, 0), 0); CHECK_EQ(kill(pid, SIGTERM), 0));
	CHECK_EQ(abi_status(pid), SIGTERM);
}

ABI_TEST(sigcont_is_allowed_within_the_session)
{
	pid_t pid = OK(fork());
	if (pid == 0)
		for (;;)
			pause();
	CHECK_CHILD(abi_drop(1002); CHECK_EQ(kill(pid, SIGCONT), 0); CHECK_ERRNO(kill(pid, SIGTERM), EPERM));
	CHECK_CHILD(OK(setsid()); abi_drop(1002); CHECK_ERRNO(kill(pid, SIGCONT), EPERM));
	OK(kill(pid, SIGKILL));
	abi_status(pid);
}

ABI_TEST(tgkill_arguments)
{
	pid_t me = getpid();

	CHECK_ERRNO(syscall(SYS_tgkill, me, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tgkill, 0, me, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tgkill, -1, me, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tgkill, me, 1, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_tgkill, me, me, 65), EINVAL);
	CHECK_ERRNO(syscall(SYS_tkill, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tkill, 4000000, 0), ESRCH);
	CHECK_EQ(syscall(SYS_tgkill, me, me, 0), 0);
}

ABI_TEST(sigqueueinfo_arguments)
{
	siginfo_t si = { .si_code = SI_QUEUE };

	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, BAD), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &si), EINVAL);
	si.si_code = SI_USER;			// only the kernel may say that, to others
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, 1, SIGUSR1, &si), EPERM);
	si.si_code = SI_TKILL;
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, 1, SIGUSR1, &si), EPERM);
	CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &si), EINVAL);
}

ABI_TEST(mask_arguments)
{
	uint64_t m = bit(SIGUSR1);

	CHECK_ERRNO(raw_mask(SIG_BLOCK, &m, NULL, 4), EINVAL);
	CHECK_ERRNO(raw_mask(SIG_BLOCK, &m, NULL, 128), EINVAL);
	CHECK_ERRNO(raw_mask(17, &m, NULL, 8), EINVAL);
	CHECK_EQ(raw_mask(17, NULL, &m, 8), 0);		// how is not looked at without a new mask
	CHECK_ERRNO(raw_mask(SIG_BLOCK, BAD, NULL, 8), EFAULT);
	CHECK_ERRNO(raw_mask(SIG_BLOCK, NULL, BAD, 8), EFAULT);
}

ABI_TEST(mask_operations)
{
	uint64_t m = bit(SIGUSR1), old;

	OK(raw_mask(SIG_SETMASK, &m, NULL, 8));
	m = bit(SIGUSR2);
	OK(raw_mask(SIG_BLOCK, &m, &old, 8));
	CHECK_EQ(old, bit(SIGUSR1));
	m = bit(SIGUSR1);
	OK(raw_mask(SIG_UNBLOCK, &m, &old, 8));
	CHECK_EQ(old, bit(SIGUSR1) | bit(SIGUSR2));
	OK(raw_mask(SIG_BLOCK, NULL, &old, 8));
	CHECK_EQ(old, bit(SIGUSR2));
}

ABI_TEST(kill_and_stop_cannot_be_blocked)
{
	uint64_t m = ~0ull, old;

	OK(raw_mask(SIG_SETMASK, &m, NULL, 8));
	OK(raw_mask(SIG_BLOCK, NULL, &old, 8));
	CHECK_EQ(old, ~(bit(SIGKILL) | bit(SIGSTOP)));
}

ABI_TEST(pending_arguments)
{
	uint64_t m[2] = { ~0ull, ~0ull };

	CHECK_ERRNO(syscall(SYS_rt_sigpending, m, 16), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigpending, BAD, 8), EFAULT);
	CHECK_EQ(syscall(SYS_rt_sigpending, m, 8), 0);
	CHECK_EQ(m[0], 0);
	CHECK_EQ(m[1], ~0ull);
}

ABI_TEST(timedwait)
{
	uint64_t m = bit(SIGUSR1);
	struct timespec zero = { 0, 0 }, bad = { 0, 1000000000 }, negative = { -1, 0 };
	siginfo_t si;

	OK(raw_mask(SIG_BLOCK, &m, NULL, 8));
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &m, &si, &zero, 8), EAGAIN);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &m, &si, &(struct timespec){ 0, 1000000 }, 8), EAGAIN);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &m, &si, &bad, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &m, &si, &negative, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &m, &si, &zero, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, BAD, &si, &zero, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &m, &si, BAD, 8), EFAULT);
	OK(raise(SIGUSR1));
	CHECK_EQ(syscall(SYS_rt_sigtimedwait, &m, NULL, &zero, 8), SIGUSR1);
	OK(raise(SIGUSR1));
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &m, BAD, &zero, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &m, &si, &zero, 8), EAGAIN);	// it was taken
}

ABI_TEST(timedwait_takes_a_signal_that_comes_later)
{
	uint64_t m = bit(SIGUSR1);
	siginfo_t si;

	OK(raw_mask(SIG_BLOCK, &m, NULL, 8));
	pid_t pid = poke_when_asleep(SIGUSR1, 1);
	CHECK_EQ(syscall(SYS_rt_sigtimedwait, &m, &si, NULL, 8), SIGUSR1);
	CHECK_EQ(si.si_pid, pid);
	abi_status(pid);
}

ABI_TEST(timedwait_is_interrupted_by_others)
{
	uint64_t m = bit(SIGUSR1);

	install(SIGUSR2, SA_RESTART);
	OK(raw_mask(SIG_BLOCK, &m, NULL, 8));
	pid_t pid = poke_when_asleep(SIGUSR2, 1);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &m, NULL, NULL, 8), EINTR);
	CHECK_EQ(count, 1);
	abi_status(pid);
}

ABI_TEST(suspend)
{
	uint64_t block = bit(SIGUSR1), open = 0, now;

	install(SIGUSR1, SA_RESTART);
	OK(raw_mask(SIG_SETMASK, &block, NULL, 8));
	OK(raise(SIGUSR1));
	CHECK_EQ(count, 0);
	CHECK_ERRNO(syscall(SYS_rt_sigsuspend, &open, 8), EINTR);
	CHECK_EQ(count, 1);
	OK(raw_mask(SIG_BLOCK, NULL, &now, 8));
	CHECK_EQ(now, block);
	CHECK_ERRNO(syscall(SYS_rt_sigsuspend, &open, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigsuspend, BAD, 8), EFAULT);
}

ABI_TEST(pause_returns_after_a_handler)
{
	install(SIGUSR1, SA_RESTART);
	pid_t pid = poke_when_asleep(SIGUSR1, 1);
	CHECK_ERRNO(syscall(SYS_pause), EINTR);
	CHECK_EQ(count, 1);
	abi_status(pid);
}

ABI_TEST(alarm_returns_what_was_left)
{
	CHECK_EQ(alarm(100), 0);
	unsigned int left = alarm(0);
	CHECK(left > 90 && left <= 100);
	CHECK_EQ(alarm(0), 0);
}

ABI_TEST(interval_timer)
{
	struct itimerval t = { { 0, 2000 }, { 0, 1000 } }, old;

	install(SIGALRM, 0);
	OK(setitimer(ITIMER_REAL, &t, NULL));
	while (count < 3)
		pause();
	memset(&t, 0, sizeof(t));
	OK(setitimer(ITIMER_REAL, &t, &old));
	CHECK_EQ(old.it_interval.tv_usec, 2000);
	OK(getitimer(ITIMER_REAL, &old));
	CHECK_EQ(old.it_value.tv_sec + old.it_value.tv_usec, 0);
	t.it_value.tv_usec = 1000000;
	CHECK_ERRNO(syscall(SYS_setitimer, ITIMER_REAL, &t, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_setitimer, 3, &t, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_setitimer, ITIMER_REAL, BAD, NULL), EFAULT);
}

ABI_TEST(virtual_timers)
{
	struct itimerval t = { { 0, 0 }, { 0, 1000 } };

	install(SIGVTALRM, 0);
	install(SIGPROF, 0);
	OK(setitimer(ITIMER_VIRTUAL, &t, NULL));
	while (count < 1)
		;
	OK(setitimer(ITIMER_PROF, &t, NULL));
	while (count < 2)
		;
}

ABI_TEST(read_is_restarted)
{
	int fd[2];
	char c;

	OK(pipe(fd));
	install(SIGUSR1, SA_RESTART);
	pid_t me = getpid(), pid = OK(fork());
	if (pid == 0) {
		for (int i = 0; i < 3; i++) {
			abi_wait_asleep(me);
			kill(me, SIGUSR1);
			abi_msleep(2);
		}
		abi_wait_asleep(me);
		write(fd[1], "x", 1);
		_exit(0);
	}
	CHECK_EQ(read(fd[0], &c, 1), 1);
	CHECK(count >= 1);
	abi_status(pid);
}

ABI_TEST(read_is_interrupted)
{
	int fd[2];
	char c;

	OK(pipe(fd));
	install(SIGUSR1, 0);
	pid_t pid = poke_when_asleep(SIGUSR1, 1);
	CHECK_ERRNO(read(fd[0], &c, 1), EINTR);
	abi_status(pid);
}

ABI_TEST(stop_and_continue_do_not_interrupt_a_read)
{
	int fd[2], st;

	OK(pipe(fd));
	pid_t pid = OK(fork());
	if (pid == 0) {
		char c;
		_exit(read(fd[0], &c, 1) == 1 ? 0 : errno);
	}
	abi_wait_asleep(pid);
	OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitpid(pid, &st, WUNTRACED), pid);
	OK(kill(pid, SIGCONT));
	abi_wait_asleep(pid);
	OK(write(fd[1], "x", 1));
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(wait_is_restarted)
{
	install(SIGUSR1, SA_RESTART);
	struct abi_gate g;
	abi_gate_init(&g);
	pid_t me = getpid(), child = OK(fork());
	if (child == 0) {
		abi_gate_wait(&g);
		_exit(0);
	}
	pid_t poker = OK(fork());
	if (poker == 0) {
		abi_wait_asleep(me);
		kill(me, SIGUSR1);
		abi_msleep(2);
		abi_wait_asleep(me);
		abi_gate_open(&g);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(count, 1);
	abi_status(poker);
}

ABI_TEST(sleep_and_poll_are_not_restarted)
{
	struct timespec t = { 1000, 0 }, left = { 0, 0 };

	install(SIGUSR1, SA_RESTART);
	pid_t pid = poke_when_asleep(SIGUSR1, 1);
	CHECK_ERRNO(nanosleep(&t, &left), EINTR);
	CHECK(left.tv_sec > 900 && left.tv_sec <= 1000);
	abi_status(pid);
	pid = poke_when_asleep(SIGUSR1, 1);
	CHECK_ERRNO(syscall(SYS_poll, NULL, 0, -1), EINTR);
	abi_status(pid);
	pid = poke_when_asleep(SIGUSR1, 1);
	CHECK_ERRNO(select(0, NULL, NULL, NULL, NULL), EINTR);
	abi_status(pid);
}

ABI_TEST(sleep_goes_on_after_stop_and_continue)
{
	int st;
	pid_t pid = OK(fork());
	if (pid == 0) {
		struct timespec t = { 0, 300000000 };
		_exit(nanosleep(&t, NULL) ? errno : 0);
	}
	abi_wait_asleep(pid);
	OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitpid(pid, &st, WUNTRACED), pid);
	OK(kill(pid, SIGCONT));
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(futex_wait_is_restarted)
{
	int *word = OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	install(SIGUSR1, SA_RESTART);
	pid_t me = getpid(), pid = OK(fork());
	if (pid == 0) {
		abi_wait_asleep(me);
		kill(me, SIGUSR1);
		abi_msleep(2);
		abi_wait_asleep(me);
		while (syscall(SYS_futex, word, 1 /* WAKE */, 1, NULL, NULL, 0) != 1)
			sched_yield();
		_exit(0);
	}
	CHECK_EQ(syscall(SYS_futex, word, 0 /* WAIT */, 0, NULL, NULL, 0), 0);
	CHECK_EQ(count, 1);
	abi_status(pid);
}

ABI_TEST(continue_discards_pending_stops)
{
	sigset_t got;

	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, SIGTSTP);
	sigaddset(&s, SIGCONT);
	OK(sigprocmask(SIG_BLOCK, &s, NULL));
	OK(raise(SIGTSTP));
	OK(sigpending(&got));
	CHECK(sigismember(&got, SIGTSTP));
	OK(raise(SIGCONT));
	OK(sigpending(&got));
	CHECK(!sigismember(&got, SIGTSTP));
	CHECK(sigismember(&got, SIGCONT));
	OK(raise(SIGTSTP));
	OK(sigpending(&got));
	CHECK(!sigismember(&got, SIGCONT));
}

ABI_TEST(sigkill_ends_a_stopped_process)
{
	int st;
	pid_t pid = OK(fork());
	if (pid == 0)
		for (;;)
			pause();
	OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitpid(pid, &st, WUNTRACED), pid);
	OK(kill(pid, SIGTERM));
	CHECK_EQ(abi_state(pid), 'T');		// waits for SIGCONT
	OK(kill(pid, SIGKILL));
	CHECK_EQ(abi_status(pid), SIGKILL);
}

ABI_TEST(sigpipe)
{
	int fd[2];

	OK(pipe(fd));
	close(fd[0]);
	CHECK_KILLED(SIGPIPE, write(fd[1], "x", 1));
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(write(fd[1], "x", 1), EPIPE);
}
