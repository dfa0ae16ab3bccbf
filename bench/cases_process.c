// Processes and threads: creation, programs, switches, streams between them.
#include "bench.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

static char *const arguments[] = { "bench", "exit-now", NULL };
static char *const no_environment[] = { NULL };
static int ping[2], pong[2];

static void fork_n(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		must(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork");
	}
}

static void fork_8(void) { fork_n(8); }
static void fork_1(void) { fork_n(1); }

static int big_memory(void)
{
	bench_map(64 << 20, 1, 0);
	return 0;
}

static int big_memory_small_pages(void)
{
	bench_map(64 << 20, 1, 1);
	return 0;
}

static void finish(pid_t pid)
{
	int status = -1;
	must(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "child");
}

static void fork_exec(void)
{
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			execve(bench_self, arguments, no_environment);
			_exit(9);
		}
		finish(pid);
	}
}

static __attribute__((noinline)) pid_t vfork_one(void)
{
	pid_t pid = vfork();
	if (pid == 0) {
		execve(bench_self, arguments, no_environment);
		_exit(9);
	}
	return pid;
}

static void vfork_exec(void)
{
	for (int i = 0; i < 3; i++)
		finish(vfork_one());
}

static void spawn(void)
{
	for (int i = 0; i < 3; i++) {
		pid_t pid = -1;
		must(posix_spawn(&pid, bench_self, NULL, NULL, arguments, no_environment) == 0, "posix_spawn");
		finish(pid);
	}
}

static void *nothing(void *arg)
{
	return arg;
}

static void thread_join(void)
{
	for (int i = 0; i < 15; i++) {
		pthread_t t;
		must(pthread_create(&t, NULL, nothing, NULL) == 0, "pthread_create");
		pthread_join(t, NULL);
	}
}

static pid_t child(void)
{
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static void *echo(void *unused)
{
	char c;
	while (read(ping[0], &c, 1) == 1 && write(pong[1], &c, 1) == 1)
		;
	return unused;
}

static int make_pipes(void)
{
	return pipe(ping) < 0 || pipe(pong) < 0 ? -errno : 0;
}

static int echo_process(void)
{
	int err = make_pipes();
	if (!err && child() == 0) {
		echo(NULL);
		_exit(0);
	}
	return err;
}

static int echo_thread(void)
{
	pthread_t t;
	int err = make_pipes();
	return err ?: -pthread_create(&t, NULL, echo, NULL);
}

static void pipe_round_trips(void)
{
	char c = 'x';
	for (int i = 0; i < 300; i++)
		must(write(ping[1], &c, 1) == 1 && read(pong[0], &c, 1) == 1, "pipe");
}

static void yield_self(void)
{
	for (int i = 0; i < 3000; i++)
		sched_yield();
}

static int yielding_child(void)
{
	if (child() == 0) {
		for (;;)
			sched_yield();
	}
	return 0;
}

static void yield_2proc(void)
{
	for (int i = 0; i < 600; i++)
		sched_yield();
}

static _Atomic int baton;

static void futex(int op, int value)
{
	syscall(SYS_futex, &baton, op, value, NULL, NULL, 0);
}

static void *baton_thread(void *unused)
{
	for (;;) {
		while (atomic_load(&baton) == 0)
			futex(FUTEX_WAIT_PRIVATE, 0);
		atomic_store(&baton, 0);
		futex(FUTEX_WAKE_PRIVATE, 1);
	}
	return unused;
}

static int start_baton(void)
{
	pthread_t t;
	return -pthread_create(&t, NULL, baton_thread, NULL);
}

static void futex_round_trips(void)
{
	for (int i = 0; i < 300; i++) {
		atomic_store(&baton, 1);
		futex(FUTEX_WAKE_PRIVATE, 1);
		while (atomic_load(&baton) == 1)
			futex(FUTEX_WAIT_PRIVATE, 1);
	}
}

static int stream_writer(void)
{
	int err = make_pipes();
	if (!err && child() == 0) {
		while (write(ping[1], bench_buffer, 65536) > 0)
			;
		_exit(0);
	}
	return err;
}

static void read_2_mib(void)
{
	for (size_t left = 2 << 20; left;) {
		ssize_t n = read(ping[0], bench_buffer, left < 65536 ? left : 65536);
		must(n > 0, "read");
		left -= n;
	}
}

// Uncontended: one thread takes and drops a mutex, as most mutexes are used. No kernel in it.
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile long shared;

static void mutex_alone(void)
{
	for (int i = 0; i < 8000; i++) {
		pthread_mutex_lock(&mutex);
		shared++;
		pthread_mutex_unlock(&mutex);
	}
}

const struct bench cases_process[] = {
	{ "fork_small", 8, NULL, fork_8, NULL },
	{ "fork_64m", 1, big_memory, fork_1, NULL },
	{ "fork_64m_4k", 1, big_memory_small_pages, fork_1, NULL },
	{ "fork_exec", 3, NULL, fork_exec, NULL },
	{ "vfork_exec", 3, NULL, vfork_exec, NULL },
	{ "posix_spawn", 3, NULL, spawn, NULL },
	{ "thread_join", 15, NULL, thread_join, NULL },
	{ "pipe_pp_proc", 300, echo_process, pipe_round_trips, NULL },
	{ "pipe_pp_thr", 300, echo_thread, pipe_round_trips, NULL },
	{ "yield_self", 3000, NULL, yield_self, NULL },
	{ "yield_2proc", 600, yielding_child, yield_2proc, NULL },
	{ "futex_pp_thr", 300, start_baton, futex_round_trips, NULL },
	{ "pipe_bw", 2, stream_writer, read_2_mib, NULL },
	{ "mutex_alone", 8000, NULL, mutex_alone, NULL },
	{ NULL, 0, NULL, NULL, NULL },
};
