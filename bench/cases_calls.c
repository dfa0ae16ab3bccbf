// Calls that do little: entry and exit, descriptors, path look-up, time, signals' bookkeeping.
#include "bench.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define REPEAT(n) for (int i_ = 0; i_ < (n); i_++)

static int fd;
static struct stat st;
static struct timespec now;
static int word;

static void null_syscall(void) { REPEAT(8000) syscall(SYS_getppid); }
static void clock_vdso(void) { REPEAT(40000) clock_gettime(CLOCK_MONOTONIC, &now); }
static void clock_sys(void) { REPEAT(5000) syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now); }

static int open_zero(void) { return (fd = open("/dev/zero", O_RDONLY)) < 0 ? -errno : 0; }
static int open_null(void) { return (fd = open("/dev/null", O_WRONLY)) < 0 ? -errno : 0; }
static void zero_1(void) { REPEAT(4000) must(read(fd, bench_buffer, 1) == 1, "read"); }
static void zero_64k(void) { REPEAT(300) must(read(fd, bench_buffer, 65536) == 65536, "read"); }
static void null_1(void) { REPEAT(4000) must(write(fd, bench_buffer, 1) == 1, "write"); }

static int small_file(void)
{
	fd = bench_file("file", 16);
	return 0;
}

static int deep_directory(void)
{
	char path[64] = "";
	for (int i = 0; i < 8; i++) {
		snprintf(path + strlen(path), 8, "%sd%d", i ? "/" : "", i);
		mkdir(path, 0755);
	}
	return 0;
}

static void do_stat(void) { REPEAT(2000) must(stat("/tmp/file", &st) == 0, "stat"); }
static void do_stat_deep(void) { REPEAT(1000) must(stat("/tmp/d0/d1/d2/d3/d4/d5/d6/d7", &st) == 0, "stat"); }
static void do_stat_enoent(void) { REPEAT(2000) must(stat("/tmp/not_there", &st) < 0, "stat"); }
static void do_fstat(void) { REPEAT(4000) must(fstat(fd, &st) == 0, "fstat"); }

static void open_close(void)
{
	REPEAT(1000) {
		int f = open("/tmp/file", O_RDONLY);
		must(f >= 0 && close(f) == 0, "open");
	}
}

static void proc_self_stat(void)
{
	char text[1024];
	REPEAT(200) {
		int f = open("/proc/self/stat", O_RDONLY);
		must(f >= 0 && read(f, text, sizeof(text)) > 0 && close(f) == 0, "proc");
	}
}

static void getrandom_16(void)
{
	char bytes[16];
	REPEAT(1000) must(syscall(SYS_getrandom, bytes, 16, 0) == 16, "getrandom");
}

static void nanosleep_1us(void) { REPEAT(30) nanosleep(&(struct timespec){ 0, 1000 }, NULL); }
static void futex_wake_none(void) { REPEAT(4000) syscall(SYS_futex, &word, 129, 1, NULL, NULL, 0); }

static int make_eventfd(void) { return (fd = eventfd(0, 0)) < 0 ? -errno : 0; }

static void eventfd_rw(void)
{
	REPEAT(2000) {
		uint64_t v = 1;
		must(write(fd, &v, 8) == 8 && read(fd, &v, 8) == 8, "eventfd");
	}
}

static struct pollfd polled[100];

// Pipes, not eventfds: they exist first. The last one is ready.
static int make_pipes(void)
{
	int p[2] = { -1, -1 };
	for (int i = 0; i < 100; i++) {
		if (pipe(p) < 0)
			return -errno;
		polled[i] = (struct pollfd){ .fd = p[0], .events = POLLIN };
	}
	return write(p[1], "x", 1) == 1 ? 0 : -errno;
}

static void poll_100(void) { REPEAT(200) must(poll(polled, 100, 0) == 1, "poll"); }

static volatile int caught;
static void on_signal(int sig)
{
	(void)sig;
	caught++;
}

static void sig_install(void)
{
	struct sigaction a = { .sa_handler = on_signal };
	REPEAT(3000) must(sigaction(SIGUSR1, &a, NULL) == 0, "sigaction");
}

static int install(void)
{
	struct sigaction a = { .sa_handler = on_signal };
	return sigaction(SIGUSR1, &a, NULL) < 0 ? -errno : 0;
}

static void sig_deliver(void)
{
	int me = getpid(), before = caught;
	REPEAT(500) kill(me, SIGUSR1);
	must(caught - before == 500, "signals");
}

static void sig_mask(void)
{
	sigset_t set, old;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	REPEAT(3000) sigprocmask(SIG_BLOCK, &set, &old);
}

const struct bench cases_calls[] = {
	{ "null_syscall", 8000, NULL, null_syscall, NULL },
	{ "clock_gettime_vdso", 40000, NULL, clock_vdso, NULL },
	{ "clock_gettime_sys", 5000, NULL, clock_sys, NULL },
	{ "read_zero_1", 4000, open_zero, zero_1, NULL },
	{ "read_zero_64k", 300, open_zero, zero_64k, NULL },
	{ "write_null_1", 4000, open_null, null_1, NULL },
	{ "stat", 2000, small_file, do_stat, NULL },
	{ "stat_deep8", 1000, deep_directory, do_stat_deep, NULL },
	{ "stat_enoent", 2000, NULL, do_stat_enoent, NULL },
	{ "fstat", 4000, small_file, do_fstat, NULL },
	{ "open_close", 1000, small_file, open_close, NULL },
	{ "proc_self_stat", 200, NULL, proc_self_stat, NULL },
	{ "getrandom_16", 1000, NULL, getrandom_16, NULL },
	{ "nanosleep_1us", 30, NULL, nanosleep_1us, NULL },
	{ "futex_wake_none", 4000, NULL, futex_wake_none, NULL },
	{ "eventfd_rw", 2000, make_eventfd, eventfd_rw, NULL },
	{ "poll_100", 200, make_pipes, poll_100, NULL },
	{ "sig_install", 3000, NULL, sig_install, NULL },
	{ "sig_deliver", 500, install, sig_deliver, NULL },
	{ "sig_mask", 3000, NULL, sig_mask, NULL },
	{ NULL, 0, NULL, NULL, NULL },
};
