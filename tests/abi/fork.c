// fork(2), vfork(2), clone(2), clone3(2), set_tid_address(2), exit(2), exit_group(2).
#include "abi.h"
#include <sys/syscall.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static long raw_clone(unsigned long flags, void *stack, int *ptid, int *ctid, unsigned long tls)
{
	return syscall(SYS_clone, flags, stack, ptid, ctid, tls);
}

static long raw_clone3(struct clone3_args *a, size_t size)
{
	return syscall(SYS_clone3, a, size);
}

static volatile int word;

static int set_word(void *arg)
{
	word = (int)(intptr_t)arg;
	return 5;
}

static void nothing(int sig)
{
	(void)sig;
}

static char stack[65536] __attribute__((aligned(16)));

ABI_TEST(fork_child_gets_zero_and_other_pid)
{
	pid_t me = getpid();

	CHECK_CHILD(CHECK(getpid() != me); CHECK_EQ(getppid(), me));
	CHECK_EQ(getpid(), me);
}

ABI_TEST(fork_copies_memory)
{
	word = 1;
	CHECK_CHILD(CHECK_EQ(word, 1); word = 2);
	CHECK_EQ(word, 1);
}

ABI_TEST(fork_shares_file_offsets)
{
	abi_write_file("f", "0123456789");
	int fd = OK(open("f", O_RDONLY));

	CHECK_CHILD(CHECK_EQ(lseek(fd, 5, SEEK_SET), 5));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5);
}

ABI_TEST(fork_copies_the_table_of_fds)
{
	int fd = OK(open("/dev/null", O_RDONLY));

	CHECK_CHILD(close(fd));
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
}

ABI_TEST(fork_child_inherits)
{
	sigset_t set, got;
	struct sigaction sa;

	umask(027);
	OK(chdir("/proc"));
	signal(SIGUSR1, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_CHILD(
		char cwd[20];
		CHECK_EQ(umask(0), 027);
		CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
		CHECK_STR(cwd, "/proc");
		OK(sigaction(SIGUSR1, NULL, &sa));
		CHECK(sa.sa_handler == SIG_IGN);
		OK(sigprocmask(SIG_BLOCK, NULL, &got));
		CHECK(sigismember(&got, SIGUSR2)));
}

ABI_TEST(fork_child_does_not_inherit)
{
	sigset_t set, got;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	OK(raise(SIGUSR2));
	alarm(100);
	OK(mlockall(MCL_CURRENT));
	CHECK_CHILD(
		OK(sigpending(&got));
		CHECK(!sigismember(&got, SIGUSR2));
		CHECK_EQ(alarm(0), 0);
		CHECK_EQ(strtol(abi_field("/proc/self/status", "VmLck"), NULL, 10), 0);
		struct rusage ru;
		OK(getrusage(RUSAGE_CHILDREN, &ru));
		CHECK_EQ(ru.ru_utime.tv_sec + ru.ru_utime.tv_usec, 0));
}

ABI_TEST(fork_child_keeps_only_the_calling_thread)
{
	CHECK_CHILD(CHECK_EQ(syscall(SYS_gettid), getpid()); CHECK_STR(abi_field("/proc/self/status", "Threads"), "1"));
}

ABI_TEST(fork_many_at_once)
{
	enum { N = 200 };
	pid_t pid[N];

	for (int i = 0; i < N; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0)
			_exit(i & 0x7f);
	}
	for (int i = N - 1; i >= 0; i--) {
		int st = abi_status(pid[i]);
		CHECK(WIFEXITED(st) && WEXITSTATUS(st) == (i & 0x7f));
	}
}

ABI_TEST(fork_limit)
{
	struct rlimit r = { 3, 3 };

	CHECK_CHILD(
		OK(setrlimit(RLIMIT_NPROC, &r));
		abi_drop(4321);
		pid_t a = OK(fork());
		if (a == 0)
			for (;;)
				pause();
		pid_t b = OK(fork());
		if (b == 0)
			for (;;)
				pause();
		CHECK_ERRNO(fork(), EAGAIN);
		kill(a, SIGKILL);
		abi_status(a);
		pid_t c = OK(fork());
		if (c == 0)
			_exit(0);
		CHECK_EQ(abi_status(c), 0);
		kill(b, SIGKILL);
		abi_status(b));
}

ABI_TEST(vfork_suspends_the_parent_and_shares_memory)
{
	word = 0;
	pid_t pid = vfork();
	if (pid == 0) {
		word = 33;
		_exit(4);
	}
	CHECK_EQ(word, 33);
	CHECK_EQ(abi_status(pid), 4 << 8);
}

ABI_TEST(vfork_parent_runs_after_exec)
{
	int fd[2];
	char c;

	OK(pipe2(fd, O_CLOEXEC));
	pid_t pid = vfork();
	if (pid == 0) {
		execl("/does/not/exist", "x", (char *)NULL);
		_exit(9);
	}
	close(fd[1]);
	CHECK_EQ(read(fd[0], &c, 1), 0);
	CHECK_EQ(abi_status(pid), 9 << 8);
}

ABI_TEST(clone_without_flags_is_fork)
{
	long pid = raw_clone(SIGCHLD, NULL, NULL, NULL, 0);

	if (pid == 0)
		_exit(6);
	CHECK_EQ(abi_status((pid_t)pid), 6 << 8);
}

ABI_TEST(clone_with_stack_and_vm)
{
	word = 0;
	int pid = clone(set_word, stack + sizeof(stack), CLONE_VM | SIGCHLD, (void *)77L);
	CHECK(pid > 0);
	CHECK_EQ(abi_status(pid), 5 << 8);
	CHECK_EQ(word, 77);
}

ABI_TEST(clone_tids_are_stored)
{
	int ptid = 0, ctid = 0;
	long pid = raw_clone(SIGCHLD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, NULL, &ptid, &ctid, 0);

	if (pid == 0)
		_exit(ctid == getpid() && ptid == 0 ? 0 : 1);	// ptid is the parent's memory only
	CHECK_EQ(ptid, pid);
	CHECK_EQ(ctid, 0);
	CHECK_EQ(abi_status((pid_t)pid), 0);
}

ABI_TEST(clone_child_cleartid_wakes_the_futex)
{
	int *tid = OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	int pid = OK(clone(set_word, stack + sizeof(stack), CLONE_VM | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD, NULL,
			   NULL, NULL, tid));
	for (int v; (v = __atomic_load_n(tid, __ATOMIC_SEQ_CST)) != 0;)
		syscall(SYS_futex, tid, 0 /* FUTEX_WAIT */, v, NULL, NULL, 0);
	CHECK_EQ(abi_status(pid), 5 << 8);
	CHECK_EQ(*tid, 0);
}

static int table_child(void *arg)
{
	(void)arg;
	return dup2(0, 77) == 77 && !chdir("/proc") && umask(0111) == 022 ? 0 : 1;
}

ABI_TEST(clone_files_and_fs_are_shared)
{
	char cwd[20];
	int pid = OK(clone(table_child, stack + sizeof(stack), CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, NULL));

	CHECK_EQ(abi_status(pid), 0);
	CHECK_EQ(fcntl(77, F_GETFD), 0);
	CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
	CHECK_STR(cwd, "/proc");
	CHECK_EQ(umask(0), 0111);
}

static int handler_child(void *arg)
{
	(void)arg;
	return signal(SIGUSR1, SIG_IGN) == SIG_ERR;
}

ABI_TEST(clone_sighand_is_shared)
{
	struct sigaction sa;
	int pid = OK(clone(handler_child, stack + sizeof(stack), CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL));

	CHECK_EQ(abi_status(pid), 0);
	OK(sigaction(SIGUSR1, NULL, &sa));
	CHECK(sa.sa_handler == SIG_IGN);
}

ABI_TEST(clone_parent)
{
	CHECK_CHILD(
		pid_t pp = getppid();
		long pid = raw_clone(CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
		if (pid == 0)
			_exit(getppid() == pp ? 7 : 1);
		CHECK(pid > 0);
		CHECK_ERRNO(waitpid((pid_t)pid, NULL, 0), ECHILD));
	int st;
	CHECK(OK(waitpid(-1, &st, 0)) > 0);	// the grandchild is a child of this process
	CHECK_EQ(st, 7 << 8);
}

ABI_TEST(clone_flag_combinations)
{
	CHECK_ERRNO(raw_clone(CLONE_SIGHAND | SIGCHLD, NULL, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(raw_clone(CLONE_THREAD | SIGCHLD, NULL, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(raw_clone(CLONE_THREAD | CLONE_VM | SIGCHLD, NULL, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(raw_clone(CLONE_FS | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(raw_clone(CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, NULL, &(int){ 0 }, NULL, 0), EINVAL);
	CHECK_ERRNO(raw_clone(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &(int){ 0 }, NULL, 0), EINVAL);
}

ABI_TEST(clone_pidfd)
{
	int fd = -1;
	siginfo_t si;
	long pid = raw_clone(CLONE_PIDFD | SIGCHLD, NULL, &fd, NULL, 0);

	if (pid == 0)
		_exit(3);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(waitid(3 /* P_PIDFD */, (id_t)fd, &si, WEXITED), 0);
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(si.si_status, 3);
}

ABI_TEST(clone_exit_signal)
{
	sigset_t set;
	siginfo_t si;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	long pid = raw_clone(SIGUSR1, NULL, NULL, NULL, 0);
	if (pid == 0)
		_exit(2);
	CHECK_EQ(sigwaitinfo(&set, &si), SIGUSR1);
	CHECK_EQ(si.si_pid, pid);
	CHECK_ERRNO(waitpid((pid_t)pid, NULL, 0), ECHILD);
	CHECK_EQ(waitpid((pid_t)pid, NULL, __WCLONE), pid);
}

ABI_TEST(clone_no_exit_signal_needs_wclone_or_wall)
{
	long pid = raw_clone(0, NULL, NULL, NULL, 0);
	int st;

	if (pid == 0)
		_exit(2);
	CHECK_ERRNO(waitpid(-1, &st, 0), ECHILD);
	CHECK_EQ(waitpid(-1, &st, __WALL), pid);
	CHECK_EQ(st, 2 << 8);
}

ABI_TEST(clone3_plain)
{
	struct clone3_args a = { .exit_signal = SIGCHLD };
	long pid = raw_clone3(&a, sizeof(a));

	if (pid == 0)
		_exit(8);
	CHECK_EQ(abi_status((pid_t)pid), 8 << 8);
}

ABI_TEST(clone3_sizes)
{
	struct { struct clone3_args a; uint64_t more; } b = { .a.exit_signal = SIGCHLD };

	CHECK_ERRNO(raw_clone3(&b.a, 0), EINVAL);
	CHECK_ERRNO(raw_clone3(&b.a, 63), EINVAL);
	CHECK_ERRNO(raw_clone3(&b.a, PAGE + 1), E2BIG);
	b.more = 1;
	CHECK_ERRNO(raw_clone3(&b.a, sizeof(b)), E2BIG);
	b.more = 0;
	long pid = raw_clone3(&b.a, sizeof(b));
	if (pid == 0)
		_exit(0);
	CHECK_EQ(abi_status((pid_t)OK(pid)), 0);
	pid = raw_clone3(&b.a, 64);
	if (pid == 0)
		_exit(0);
	CHECK_EQ(abi_status((pid_t)OK(pid)), 0);
}

ABI_TEST(clone3_bad_arguments)
{
	struct clone3_args a = { .exit_signal = SIGCHLD };

	CHECK_ERRNO(raw_clone3(BAD, sizeof(a)), EFAULT);
	a.flags = SIGCHLD;			// the low byte is not the signal here
	CHECK_ERRNO(raw_clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone3_args){ .exit_signal = 65 };
	CHECK_ERRNO(raw_clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone3_args){ .exit_signal = SIGCHLD, .stack = (uintptr_t)stack };
	CHECK_ERRNO(raw_clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone3_args){ .exit_signal = SIGCHLD, .stack_size = 4096 };
	CHECK_ERRNO(raw_clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone3_args){ .exit_signal = SIGCHLD, .flags = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND };
	CHECK_ERRNO(raw_clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone3_args){ .exit_signal = SIGCHLD, .flags = 1ull << 63 };
	CHECK_ERRNO(raw_clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone3_args){ .exit_signal = SIGCHLD, .flags = CLONE_DETACHED };
	CHECK_ERRNO(raw_clone3(&a, sizeof(a)), EINVAL);
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
}

ABI_TEST(clone3_clear_sighand)
{
	struct clone3_args a = { .exit_signal = SIGCHLD, .flags = 0x100000000ull };
	struct sigaction sa;

	signal(SIGUSR1, nothing);
	signal(SIGUSR2, SIG_IGN);
	long pid = raw_clone3(&a, sizeof(a));
	if (pid == 0) {
		OK(sigaction(SIGUSR1, NULL, &sa));
		CHECK(sa.sa_handler == SIG_DFL);
		OK(sigaction(SIGUSR2, NULL, &sa));
		CHECK(sa.sa_handler == SIG_IGN);
		_exit(0);
	}
	CHECK_EQ(abi_status((pid_t)pid), 0);
	a.flags |= CLONE_SIGHAND | CLONE_VM;
	CHECK_ERRNO(raw_clone3(&a, sizeof(a)), EINVAL);
}

ABI_TEST(clone3_set_tid)
{
	pid_t want = 30000;
	struct clone3_args a = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&want, .set_tid_size = 1 };
	long pid = raw_clone3(&a, sizeof(a));

	if (pid == 0)
		_exit(getpid() == 30000 ? 0 : 1);
	CHECK_EQ(pid, 30000);
	CHECK_ERRNO(raw_clone3(&a, sizeof(a)), EEXIST);
	CHECK_EQ(abi_status(30000), 0);
	want = 0;
	CHECK_ERRNO(raw_clone3(&a, sizeof(a)), EINVAL);
	a.set_tid_size = 40;
	CHECK_ERRNO(raw_clone3(&a, sizeof(a)), EINVAL);
}

ABI_TEST(set_tid_address_returns_tid)
{
	static int t;

	CHECK_EQ(syscall(SYS_set_tid_address, &t), getpid());
	CHECK_EQ(syscall(SYS_set_tid_address, BAD), getpid());	// not looked at before the exit
}

ABI_TEST(set_tid_address_in_a_fork)
{
	int *t = OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	*t = 99;
	CHECK_CHILD(syscall(SYS_set_tid_address, t));
	CHECK_EQ(*t, 99);	// written only where the memory has other users
}

static int thread_exit(void *arg)
{
	word = 1;
	syscall(SYS_exit, (int)(intptr_t)arg);
	return 0;
}

enum { THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM };

ABI_TEST(exit_ends_one_thread)
{
	static int tid = 1;

	OK(clone(thread_exit, stack + sizeof(stack), THREAD | CLONE_CHILD_CLEARTID, (void *)3L, NULL, NULL, &tid));
	while (__atomic_load_n(&tid, __ATOMIC_SEQ_CST))
		sched_yield();
	CHECK_EQ(word, 1);
}

static int group_exit(void *arg)
{
	(void)arg;
	syscall(SYS_exit_group, 21);
	return 0;
}

ABI_TEST(exit_group_ends_all_threads)
{
	int st = IN_CHILD(
		OK(clone(group_exit, stack + sizeof(stack), THREAD, NULL));
		for (;;)
			pause());

	CHECK_EQ(st, 21 << 8);
}

static int outlive(void *arg)
{
	abi_gate_wait(arg);
	syscall(SYS_exit, 13);
	return 0;
}

ABI_TEST(leader_exits_first)
{
	struct abi_gate g;
	siginfo_t si;

	abi_gate_init(&g);
	pid_t pid = OK(fork());
	if (pid == 0) {
		OK(clone(outlive, stack + sizeof(stack), THREAD, &g));
		syscall(SYS_exit, 12);
	}
	while (abi_state(pid) != 'Z')
		abi_msleep(1);
	memset(&si, 0, sizeof(si));
	CHECK_EQ(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG), 0);
	CHECK_EQ(si.si_pid, 0);		// the process is not over
	abi_gate_open(&g);
	CHECK_EQ(abi_status(pid), 13 << 8);	// the last thread's, since Linux 5.17
}

ABI_TEST(exit_status_is_eight_bits)
{
	CHECK_EQ(IN_CHILD(_exit(0x1ff)), 0xff00);
	CHECK_EQ(IN_CHILD(_exit(-1)), 0xff00);
	CHECK_EQ(IN_CHILD(_exit(256)), 0);
}

ABI_TEST(exit_closes_files)
{
	int fd[2];
	char c;

	OK(pipe(fd));
	pid_t pid = OK(fork());
	if (pid == 0)
		_exit(0);
	close(fd[1]);
	CHECK_EQ(read(fd[0], &c, 1), 0);
	abi_status(pid);
}

ABI_TEST(orphans_get_another_parent)
{
	struct abi_gate g, done;

	abi_gate_init(&g);
	abi_gate_init(&done);
	pid_t me = getpid();
	CHECK_CHILD(
		if (OK(fork()) == 0) {
			abi_gate_wait(&g);
			if (getppid() == 1 && getppid() != me)
				abi_gate_open(&done);
			_exit(0);
		});
	abi_gate_open(&g);
	close(done.fd[1]);
	abi_gate_wait(&done);
}

static int seen_pid, seen_tid;

static int thread_ids(void *arg)
{
	(void)arg;
	seen_pid = (int)syscall(SYS_getpid);
	seen_tid = (int)syscall(SYS_gettid);
	return 0;
}

ABI_TEST(thread_has_the_pid_of_the_process)
{
	static int tid = 1;
	int t = OK(clone(thread_ids, stack + sizeof(stack), THREAD | CLONE_CHILD_CLEARTID, NULL, NULL, NULL, &tid));

	while (__atomic_load_n(&tid, __ATOMIC_SEQ_CST))
		sched_yield();
	CHECK_EQ(seen_pid, getpid());
	CHECK_EQ(seen_tid, t);
	CHECK(t != getpid());
	CHECK_ERRNO(waitpid(t, NULL, __WALL), ECHILD);	// threads are not waited for
}
