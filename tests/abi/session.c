// Process groups and sessions: setpgid(2), getpgid(2), getpgrp(2), setsid(2), getsid(2), getpid(2), getppid(2).
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
	kill(pid, SIGKILL);
	abi_status(pid);
}

ABI_TEST(child_is_in_the_group_of_the_parent)
{
	pid_t g = getpgrp(), s = getsid(0);

	CHECK_EQ(g, getpid());		// the harness made it so
	CHECK_CHILD(CHECK_EQ(getpgrp(), g); CHECK_EQ(getpgid(0), g); CHECK_EQ(getsid(0), s));
}

ABI_TEST(getpgid_and_getsid_of_others)
{
	pid_t pid = sleeper();

	CHECK_EQ(getpgid(pid), getpgrp());
	CHECK_EQ(getsid(pid), getsid(0));
	CHECK_ERRNO(getpgid(4000000), ESRCH);
	CHECK_ERRNO(getpgid(-1), ESRCH);
	CHECK_ERRNO(getsid(4000000), ESRCH);
	end(pid);
}

ABI_TEST(setpgid_makes_and_joins)
{
	pid_t a = sleeper(), b = sleeper();

	CHECK_EQ(setpgid(a, 0), 0);
	CHECK_EQ(getpgid(a), a);
	CHECK_EQ(setpgid(b, a), 0);
	CHECK_EQ(getpgid(b), a);
	CHECK_EQ(setpgid(b, getpgrp()), 0);
	CHECK_EQ(getpgid(b), getpgrp());
	end(a);
	end(b);
}

ABI_TEST(setpgid_arguments)
{
	pid_t a = sleeper();

	CHECK_ERRNO(setpgid(a, -1), EINVAL);
	CHECK_ERRNO(setpgid(-1, 0), EINVAL);	// the group would be -1
	CHECK_ERRNO(setpgid(-1, 5), ESRCH);
	CHECK_ERRNO(setpgid(4000000, 0), ESRCH);
	CHECK_ERRNO(setpgid(1, 0), ESRCH);		// not a child
	CHECK_ERRNO(setpgid(a, 4000000), EPERM);	// no such group in the session
	end(a);
}

// What the child of the next case runs: this program again, which then does nothing but live.
static void __attribute__((constructor)) live_when_asked(void)
{
	if (getenv("SESSION_LIVE"))
		for (;;)
			pause();
}

ABI_TEST(setpgid_of_a_child_that_has_executed)
{
	int fd[2];
	char c;

	OK(pipe2(fd, O_CLOEXEC));
	pid_t pid = OK(fork());
	if (pid == 0) {
		execle("/proc/self/exe", "session", (char *)NULL, (char *[]){ "SESSION_LIVE=1", NULL });
		_exit(1);
	}
	close(fd[1]);
	CHECK_EQ(read(fd[0], &c, 1), 0);	// closed by execve
	CHECK_ERRNO(setpgid(pid, pid), EACCES);
	CHECK_ERRNO(setpgid(pid, getpgrp()), EACCES);
	CHECK_EQ(getpgid(pid), getpgrp());
	end(pid);
}

ABI_TEST(setpgid_of_a_session_leader)
{
	struct abi_gate g;

	abi_gate_init(&g);
	pid_t pid = OK(fork());
	if (pid == 0) {
		OK(setsid());
		CHECK_ERRNO(setpgid(0, 0), EPERM);
		abi_gate_open(&g);
		for (;;)
			pause();
	}
	abi_gate_wait(&g);
	CHECK_ERRNO(setpgid(pid, pid), EPERM);
	end(pid);
}

ABI_TEST(setpgid_into_another_session)
{
	struct abi_gate g;

	abi_gate_init(&g);
	pid_t other = OK(fork());
	if (other == 0) {
		OK(setsid());
		abi_gate_open(&g);
		for (;;)
			pause();
	}
	abi_gate_wait(&g);
	pid_t a = sleeper();
	CHECK_ERRNO(setpgid(a, other), EPERM);
	end(a);
	end(other);
}

ABI_TEST(setsid_makes_a_session)
{
	CHECK_CHILD(
		CHECK_EQ(setsid(), getpid());
		CHECK_EQ(getsid(0), getpid());
		CHECK_EQ(getpgrp(), getpid()));
}

ABI_TEST(setsid_of_a_group_leader)
{
	CHECK_EQ(getpgrp(), getpid());
	CHECK_ERRNO(setsid(), EPERM);
}

ABI_TEST(setsid_while_the_group_lives_on)
{
	// The process left its group, but another process is still in the group with its number.
	CHECK_CHILD(
		OK(setpgid(0, 0));
		pid_t kid = sleeper();
		OK(setpgid(0, getpgid(getppid())));
		CHECK_ERRNO(setsid(), EPERM);
		end(kid);
		CHECK_EQ(setsid(), getpid()));
}

ABI_TEST(group_outlives_its_leader)
{
	pid_t a = sleeper(), b = sleeper();

	OK(setpgid(a, a));
	OK(setpgid(b, a));
	end(a);
	CHECK_EQ(getpgid(b), a);
	CHECK_EQ(kill(-a, 0), 0);
	end(b);
	CHECK_ERRNO(kill(-a, 0), ESRCH);
}

ABI_TEST(orphaned_stopped_group_gets_hup_and_cont)
{
	int fd[2];
	pid_t pid;
	char c;

	OK(pipe(fd));
	CHECK_CHILD(
		OK(setsid());
		pid = OK(fork());
		if (pid == 0) {
			OK(setpgid(0, 0));
			for (;;)
				pause();	// holds the pipe until SIGHUP
		}
		OK(setpgid(pid, pid));
		int st;
		OK(kill(pid, SIGSTOP));
		CHECK_EQ(waitpid(pid, &st, WUNTRACED), pid));
	close(fd[1]);
	CHECK_EQ(read(fd[0], &c, 1), 0);
}

ABI_TEST(getppid_of_a_child)
{
	pid_t me = getpid();

	CHECK_CHILD(CHECK_EQ(getppid(), me));
	CHECK_EQ(syscall(SYS_gettid), me);
}

ABI_TEST(stat_file_shows_them)
{
	char buf[1000], state;
	int pid, ppid, pgrp, sid, tty;

	abi_read_file("/proc/self/stat", buf, sizeof(buf));
	CHECK_EQ(sscanf(buf, "%d (session) %c %d %d %d %d", &pid, &state, &ppid, &pgrp, &sid, &tty), 6);
	CHECK_EQ(pid, getpid());
	CHECK_EQ(state, 'R');
	CHECK_EQ(ppid, getppid());
	CHECK_EQ(pgrp, getpgrp());
	CHECK_EQ(sid, getsid(0));
	CHECK_EQ(tty, 0);
}
