// wait4(2), waitid(2), and what PID 1 is to orphans.
#include "abi.h"

static pid_t sleeper(void)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void end(pid_t pid)
{
	OK(kill(pid, SIGKILL));
	abi_status(pid);
}

static long raw_wait4(pid_t pid, int *st, int options, struct rusage *ru)
{
	return syscall(SYS_wait4, pid, st, options, ru);
}

static long raw_waitid(int type, pid_t id, siginfo_t *si, int options, struct rusage *ru)
{
	return syscall(SYS_waitid, type, id, si, options, ru);
}

ABI_TEST(no_children)
{
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
	CHECK_ERRNO(waitpid(1, NULL, 0), ECHILD);
	CHECK_ERRNO(waitpid(0, NULL, 0), ECHILD);
	CHECK_ERRNO(raw_waitid(P_ALL, 0, NULL, WEXITED, NULL), ECHILD);
}

ABI_TEST(status_of_exit)
{
	int st = IN_CHILD(_exit(42));

	CHECK(WIFEXITED(st));
	CHECK_EQ(WEXITSTATUS(st), 42);
	CHECK_EQ(st, 42 << 8);
}

ABI_TEST(status_of_killed_child)
{
	pid_t pid = sleeper();
	int st;

	OK(kill(pid, SIGTERM));
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK_EQ(st, SIGTERM);
}

ABI_TEST(status_of_stop_and_continue)
{
	pid_t pid = sleeper();
	int st;

	OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitpid(pid, &st, WUNTRACED), pid);
	CHECK_EQ(st, (SIGSTOP << 8) | 0x7f);
	CHECK_EQ(abi_state(pid), 'T');
	CHECK_EQ(waitpid(pid, &st, WUNTRACED | WNOHANG), 0);	// reported once
	OK(kill(pid, SIGCONT));
	CHECK_EQ(waitpid(pid, &st, WCONTINUED), pid);
	CHECK_EQ(st, 0xffff);
	CHECK(WIFCONTINUED(st));
	CHECK_EQ(waitpid(pid, &st, WCONTINUED | WNOHANG), 0);
	end(pid);
}

ABI_TEST(stop_is_not_reported_without_wuntraced)
{
	pid_t pid = sleeper();

	OK(kill(pid, SIGSTOP));
	while (abi_state(pid) != 'T')
		abi_msleep(1);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	end(pid);
}

ABI_TEST(nohang_returns_zero)
{
	pid_t pid = sleeper();
	int st = 0x1234;

	CHECK_EQ(waitpid(pid, &st, WNOHANG), 0);
	CHECK_EQ(st, 0x1234);
	end(pid);
}

ABI_TEST(zombie_is_reaped_once)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(0);
	abi_status(pid);
	CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD);
	CHECK_ERRNO(kill(pid, 0), ESRCH);
}

ABI_TEST(zombie_exists_until_waited_for)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(0);
	siginfo_t si;
	CHECK_EQ(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	CHECK_EQ(abi_state(pid), 'Z');
	CHECK_EQ(kill(pid, 0), 0);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(wait_by_group)
{
	pid_t a = sleeper(), b = sleeper();

	OK(setpgid(a, a));
	OK(kill(a, SIGKILL));
	OK(kill(b, SIGKILL));
	CHECK_EQ(waitpid(-a, NULL, 0), a);
	CHECK_ERRNO(waitpid(-a, NULL, 0), ECHILD);
	CHECK_EQ(waitpid(0, NULL, 0), b);
}

ABI_TEST(wait_for_any)
{
	pid_t a = sleeper(), b = sleeper();

	OK(kill(b, SIGKILL));
	CHECK_EQ(waitpid(-1, NULL, 0), b);
	OK(kill(a, SIGKILL));
	CHECK_EQ(wait(NULL), a);
}

ABI_TEST(wait4_bad_arguments)
{
	CHECK_ERRNO(raw_wait4(-1, NULL, 0x10, NULL), EINVAL);
	CHECK_ERRNO(raw_wait4(-1, NULL, WEXITED, NULL), EINVAL);
	CHECK_ERRNO(raw_wait4(-1, NULL, WNOWAIT, NULL), EINVAL);
	CHECK_ERRNO(raw_wait4(INT_MIN, NULL, 0, NULL), ESRCH);
}

ABI_TEST(wait4_bad_pointer_still_reaps)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(0);
	CHECK_ERRNO(raw_wait4(pid, BAD, 0, NULL), EFAULT);
	CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD);
}

ABI_TEST(wait4_fills_rusage)
{
	struct rusage ru, sum;

	pid_t pid = OK(fork());
	if (pid == 0) {
		char *p = abi_pages(256);
		memset(p, 1, 256 * PAGE);
		_exit(0);
	}
	memset(&ru, 0xff, sizeof(ru));
	CHECK_EQ(raw_wait4(pid, NULL, 0, &ru), pid);
	CHECK(ru.ru_minflt >= 1 && ru.ru_maxrss >= 1024);
	OK(getrusage(RUSAGE_CHILDREN, &sum));
	CHECK(sum.ru_minflt >= ru.ru_minflt);
	CHECK(sum.ru_maxrss >= ru.ru_maxrss);
}

ABI_TEST(waitid_exited)
{
	siginfo_t si;
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(17);
	memset(&si, 0xff, sizeof(si));
	CHECK_EQ(raw_waitid(P_PID, pid, &si, WEXITED, NULL), 0);
	CHECK_EQ(si.si_signo, SIGCHLD);
	CHECK_EQ(si.si_errno, 0);
	CHECK_EQ(si.si_code, CLD_EXITED);
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(si.si_uid, 0);
	CHECK_EQ(si.si_status, 17);
}

ABI_TEST(waitid_killed_stopped_continued)
{
	siginfo_t si;
	pid_t pid = sleeper();

	OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitid(P_PID, (id_t)pid, &si, WSTOPPED), 0);
	CHECK_EQ(si.si_code, CLD_STOPPED);
	CHECK_EQ(si.si_status, SIGSTOP);
	OK(kill(pid, SIGCONT));
	CHECK_EQ(waitid(P_PID, (id_t)pid, &si, WCONTINUED), 0);
	CHECK_EQ(si.si_code, CLD_CONTINUED);
	CHECK_EQ(si.si_status, SIGCONT);
	OK(kill(pid, SIGKILL));
	CHECK_EQ(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	CHECK_EQ(si.si_code, CLD_KILLED);
	CHECK_EQ(si.si_status, SIGKILL);
}

ABI_TEST(waitid_nowait_leaves_the_stop)
{
	siginfo_t si;
	pid_t pid = sleeper();

	OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WNOWAIT), 0);
	CHECK_EQ(waitid(P_PID, (id_t)pid, &si, WSTOPPED), 0);
	si.si_pid = 1;
	CHECK_EQ(raw_waitid(P_PID, pid, &si, WSTOPPED | WNOHANG, NULL), 0);
	CHECK_EQ(si.si_pid, 0);
	end(pid);
}

ABI_TEST(waitid_nohang_zeroes_info)
{
	siginfo_t si;
	pid_t pid = sleeper();

	memset(&si, 0xff, sizeof(si));
	CHECK_EQ(raw_waitid(P_PID, pid, &si, WEXITED | WNOHANG, NULL), 0);
	CHECK_EQ(si.si_pid, 0);
	CHECK_EQ(si.si_signo, 0);
	end(pid);
}

ABI_TEST(waitid_bad_arguments)
{
	siginfo_t si;
	pid_t pid = sleeper();

	CHECK_ERRNO(raw_waitid(P_ALL, 0, &si, 0, NULL), EINVAL);
	CHECK_ERRNO(raw_waitid(P_ALL, 0, &si, WNOHANG, NULL), EINVAL);
	CHECK_ERRNO(raw_waitid(P_ALL, 0, &si, WEXITED | 0x10, NULL), EINVAL);
	CHECK_ERRNO(raw_waitid(9, pid, &si, WEXITED, NULL), EINVAL);
	CHECK_ERRNO(raw_waitid(P_PID, 0, &si, WEXITED, NULL), EINVAL);
	CHECK_ERRNO(raw_waitid(P_PID, -1, &si, WEXITED, NULL), EINVAL);
	CHECK_ERRNO(raw_waitid(P_PGID, -1, &si, WEXITED, NULL), EINVAL);
	CHECK_ERRNO(raw_waitid(3, 999, &si, WEXITED, NULL), EBADF);
	CHECK_ERRNO(raw_waitid(3, 0, &si, WEXITED, NULL), EBADF);	// not a pidfd
	end(pid);
}

ABI_TEST(waitid_null_info)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(0);
	CHECK_EQ(raw_waitid(P_PID, pid, NULL, WEXITED, NULL), 0);
	CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD);
}

ABI_TEST(waitid_group_zero_is_own_group)
{
	siginfo_t si;
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(0);
	CHECK_EQ(raw_waitid(P_PGID, 0, &si, WEXITED, NULL), 0);
	CHECK_EQ(si.si_pid, pid);
}

static void nothing(int sig)
{
	(void)sig;
}

ABI_TEST(interrupted_wait)
{
	struct sigaction sa = { .sa_handler = nothing };
	pid_t me = getpid(), pid = sleeper();

	OK(sigaction(SIGUSR1, &sa, NULL));
	pid_t poker = OK(fork());
	if (poker == 0) {
		abi_wait_asleep(me);
		kill(me, SIGUSR1);
		_exit(0);
	}
	CHECK_ERRNO(waitpid(pid, NULL, 0), EINTR);
	abi_status(poker);
	end(pid);
}

ABI_TEST(ignored_sigchld_leaves_no_zombies)
{
	signal(SIGCHLD, SIG_IGN);
	pid_t pid = OK(fork());
	if (pid == 0)
		_exit(0);
	CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD);	// waits until it is gone
	CHECK_ERRNO(kill(pid, 0), ESRCH);
}

ABI_TEST(sa_nocldwait_leaves_no_zombies)
{
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = SA_NOCLDWAIT | SA_RESTART };

	OK(sigaction(SIGCHLD, &sa, NULL));
	pid_t pid = OK(fork());
	if (pid == 0)
		_exit(0);
	CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD);
}

ABI_TEST(sigchld_comes_with_the_status)
{
	sigset_t set;
	siginfo_t si;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	pid_t pid = sleeper();
	OK(kill(pid, SIGSTOP));
	CHECK_EQ(sigwaitinfo(&set, &si), SIGCHLD);
	CHECK_EQ(si.si_code, CLD_STOPPED);
	CHECK_EQ(si.si_status, SIGSTOP);
	CHECK_EQ(si.si_pid, pid);
	OK(kill(pid, SIGCONT));
	CHECK_EQ(sigwaitinfo(&set, &si), SIGCHLD);
	CHECK_EQ(si.si_code, CLD_CONTINUED);
	OK(kill(pid, SIGKILL));
	CHECK_EQ(sigwaitinfo(&set, &si), SIGCHLD);
	CHECK_EQ(si.si_code, CLD_KILLED);
	CHECK_EQ(si.si_status, SIGKILL);
	abi_status(pid);
}

ABI_TEST(sa_nocldstop)
{
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = SA_NOCLDSTOP };
	sigset_t set, got;

	OK(sigaction(SIGCHLD, &sa, NULL));
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	pid_t pid = sleeper();
	int st;
	OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitpid(pid, &st, WUNTRACED), pid);
	OK(sigpending(&got));
	CHECK(!sigismember(&got, SIGCHLD));
	end(pid);
}

ABI_TEST(core_dump_code)
{
	struct rlimit r = { 0, 0 };
	siginfo_t si;

	OK(setrlimit(RLIMIT_CORE, &r));
	pid_t pid = OK(fork());
	if (pid == 0)
		abort();
	CHECK_EQ(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	CHECK(si.si_code == CLD_KILLED || si.si_code == CLD_DUMPED);
	CHECK_EQ(si.si_status, SIGABRT);
}

ABI_TEST(grandchildren_are_not_children)
{
	int fd[2];
	pid_t grandchild;

	OK(pipe(fd));
	CHECK_CHILD(grandchild = sleeper(); CHECK_EQ(write(fd[1], &grandchild, 4), 4));
	CHECK_EQ(read(fd[0], &grandchild, 4), 4);
	CHECK_ERRNO(waitpid(grandchild, NULL, WNOHANG), ECHILD);
	OK(kill(grandchild, SIGKILL));
}

ABI_TEST(subreaper)
{
	int st;

	CHECK_EQ(syscall(SYS_prctl, 36 /* PR_SET_CHILD_SUBREAPER */, 1, 0, 0, 0), 0);
	CHECK_CHILD(if (OK(fork()) == 0) _exit(23));
	CHECK(OK(waitpid(-1, &st, 0)) > 0);
	CHECK_EQ(st, 23 << 8);
}

ABI_TEST(kill_of_pid_1_without_handler_is_ignored)
{
	// init of the test guest has a handler for SIGALRM only.
	CHECK_EQ(kill(1, SIGKILL), 0);
	CHECK_EQ(kill(1, SIGTERM), 0);
	CHECK_EQ(kill(1, SIGSTOP), 0);
	CHECK_EQ(kill(1, SIGSEGV), 0);
	abi_msleep(1);
	CHECK(abi_state(1) != 'T');
}

ABI_TEST(pid_1_reaps_orphans)
{
	int fd[2];
	pid_t orphan;

	OK(pipe(fd));
	CHECK_CHILD(
		orphan = OK(fork());
		if (orphan == 0)
			for (;;)
				pause();
		CHECK_EQ(write(fd[1], &orphan, 4), 4));
	CHECK_EQ(read(fd[0], &orphan, 4), 4);
	CHECK_STR(abi_field("/proc/self/status", "Name"), "wait");
	char path[40];
	snprintf(path, sizeof(path), "/proc/%d/status", orphan);
	CHECK_STR(abi_field(path, "PPid"), "1");
	OK(kill(orphan, SIGKILL));
}
