// fuzz-syscalls: random calls with typed arguments. The kernel must survive them: it is a checking build, whose reports whoever reads
// the console counts. An ordinary static Linux program.
//
//	fuzz-syscalls [-s SEED] [-t SECONDS] [-w WORKER] [-n WORKERS] [-v]
//
// One worker after the other, each a process tree of its own with a seed made of SEED and its number, half of them root in a chroot, half
// nobody. -w runs that one only. -v prints each call before it is made. The last line says how many calls returned.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DIR "/tmp/fuzz-syscalls"
#define WORKER_MS 1500		// then it is killed
#define CALLS_MAX 400		// of one thread
#define ARENA_PAGES 16
#define PAGE 4096ul
#define MAX_THREADS 3

enum kind { K_INT, K_FD, K_DIRFD, K_PATH, K_OUT, K_PTR, K_TIME, K_IOVEC, K_SIGSET, K_SIGACTION, K_STRINGS, K_POLLFDS, K_FUTEX, K_SIZE,
	K_OFFSET, K_FLAGS, K_ADDR, K_SMALL, K_PID, K_ID, K_MODE, K_SIGNAL, K_COMMAND };

static const struct call {
	int nr;
	const char *name;
	int nargs;
	unsigned char kind[6];
} calls[] = {
#include "calls.h"
};
#define NR_CALLS (sizeof(calls) / sizeof(calls[0]))

struct thread {
	unsigned long rng;
	char *arena;		// ARENA_PAGES, then one page without rights
	size_t used;
	int number;
};

static _Atomic unsigned long *total;	// shared by all processes
static int verbose;
static int null_fd;	// opened by the master: a worker may have removed the node

static unsigned long next(struct thread *t)
{
	t->rng ^= t->rng << 13;
	t->rng ^= t->rng >> 7;
	t->rng ^= t->rng << 17;
	return t->rng * 0x2545f4914f6cdd1dul;
}

static unsigned long below(struct thread *t, unsigned long n)
{
	return (next(t) >> 16) % n;
}

static int chance(struct thread *t, unsigned int percent)
{
	return below(t, 100) < percent;
}

static unsigned long edge_value(struct thread *t)
{
	static const unsigned long edges[] = { 0, 1, 2, 7, 8, 63, 64, 255, 4095, 4096, 4097, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff,
		0x100000000, 0x7fffffffffffffff, 0x8000000000000000, -1ul, -2ul, -4096ul, -4095ul };

	return chance(t, 70) ? edges[below(t, sizeof(edges) / sizeof(edges[0]))] : next(t) >> below(t, 64);
}

// Addresses that must be refused: kernel's, holes, the last ones of user space.
static unsigned long bad_address(struct thread *t)
{
	static const unsigned long bad[] = { 0, 1, 8, 4095, 0x7ffffffff000, 0x7fffffffefff, 0x7fffffffeff8, 0x800000000000, 0xffff800000000000,
		0xffff888000000000, 0xffffc90000000000, 0xffffffff80200000, 0xffffffffff600000, -1ul, -8ul, -4096ul };

	return bad[below(t, sizeof(bad) / sizeof(bad[0]))] + (chance(t, 20) ? below(t, 16) : 0);
}

// Room in the arena, filled with bytes that look like small numbers more often than not.
static void *room(struct thread *t, size_t n)
{
	if (t->used + n > ARENA_PAGES * PAGE)
		t->used = 0;
	char *p = t->arena + t->used;
	t->used += (n + 15) & ~15ul;
	for (size_t i = 0; i < n; i += 8) {
		unsigned long v = chance(t, 60) ? below(t, 16) : edge_value(t);
		memcpy(p + i, &v, n - i < 8 ? n - i : 8);
	}
	return p;
}

static unsigned long buffer(struct thread *t)
{
	unsigned int what = (unsigned int)below(t, 100);

	if (what < 15)
		return bad_address(t);
	if (what < 30)		// ends at, or crosses, the page without rights
		return (unsigned long)t->arena + ARENA_PAGES * PAGE - below(t, 64);
	return (unsigned long)room(t, 8 + below(t, 512));
}

static unsigned long path(struct thread *t)
{
	static const char *const names[] = { "a", "b", "d/a", "d", "d/e", "/", ".", "..", "d/../a", "", "link", "loop", "fifo", "d/e/f/g", "/dev/null",
		"/dev/zero", "/dev/full", "/dev/random", "/proc/self/maps", "/proc/self/status", "/proc/self/fd/3", "/proc/self/mem", "/proc/self/cmdline",
		"/proc/meminfo", "/proc/stat", "/proc/1/stat", "a/", "d//./e", "tmpfs", "proc", "user.x", "security.y", "trusted.z" };

	if (chance(t, 8))
		return bad_address(t);
	if (chance(t, 3)) {
		char *p = room(t, 5000);
		memset(p, 'x', 4999);
		for (size_t i = below(t, 300); i < 4999; i += 1 + below(t, 300))
			p[i] = '/';
		p[chance(t, 50) ? 4999 : 4095] = 0;
		return (unsigned long)p;
	}
	const char *s = names[below(t, sizeof(names) / sizeof(names[0]))];
	return (unsigned long)strcpy(room(t, 64), s);
}

static unsigned long struct_time(struct thread *t)
{
	long *v = room(t, 32);

	if (chance(t, 10))
		return buffer(t);
	v[0] = v[2] = 0;
	v[1] = (long)below(t, 3000000);
	v[3] = chance(t, 90) ? (long)below(t, 3000) : (long)edge_value(t);
	return (unsigned long)v;
}

static unsigned long struct_iovec(struct thread *t)
{
	struct iovec *v = room(t, 8 * sizeof(*v));

	for (int i = 0; i < 8; i++)
		v[i] = (struct iovec){ (void *)buffer(t), chance(t, 90) ? below(t, 3000) : edge_value(t) };
	return chance(t, 10) ? buffer(t) : (unsigned long)v;
}

static unsigned long struct_pollfds(struct thread *t)
{
	struct pollfd *v = room(t, 8 * sizeof(*v));

	for (int i = 0; i < 8; i++)
		v[i] = (struct pollfd){ (int)below(t, 24), (short)next(t), 0 };
	return chance(t, 10) ? buffer(t) : (unsigned long)v;
}

static unsigned long struct_sigaction(struct thread *t)
{
	unsigned long *v = room(t, 32);

	v[0] = below(t, 2);	// SIG_DFL or SIG_IGN: a handler at a random address only ends the worker
	return chance(t, 10) ? buffer(t) : (unsigned long)v;
}

static unsigned long struct_strings(struct thread *t)
{
	unsigned long *v = room(t, 64);

	for (int i = 0; i < 7; i++)
		v[i] = path(t);
	v[below(t, 8)] = 0;
	v[7] = 0;
	return chance(t, 10) ? buffer(t) : (unsigned long)v;
}

// Processes that may be signalled or traced: ours, and some that do not exist. Never PID 1, the master, or everybody.
static unsigned long process(struct thread *t)
{
	switch (below(t, 6)) {
	case 0:
		return 0;
	case 1:
		return 99999 + below(t, 10);
	case 2:
		return 0x7fffffff;
	case 3:
		return (unsigned long)-99999;
	default:
		return (unsigned long)getpid();
	}
}

static unsigned long argument(struct thread *t, enum kind k)
{
	switch (k) {
	case K_FD:
		return chance(t, 92) ? below(t, 24) : edge_value(t);
	case K_DIRFD:
		return chance(t, 60) ? (unsigned long)AT_FDCWD : chance(t, 80) ? below(t, 24) : edge_value(t);
	case K_PATH:
		return path(t);
	case K_OUT:
	case K_PTR:
		return buffer(t);
	case K_TIME:
		return struct_time(t);
	case K_IOVEC:
		return struct_iovec(t);
	case K_SIGACTION:
		return struct_sigaction(t);
	case K_STRINGS:
		return struct_strings(t);
	case K_POLLFDS:
		return struct_pollfds(t);
	case K_FUTEX:
		return chance(t, 80) ? (unsigned long)t->arena + below(t, 4) * 4 : buffer(t);
	case K_SIZE:
		return chance(t, 75) ? below(t, 9000) : edge_value(t);
	case K_OFFSET:
		return chance(t, 60) ? below(t, 1 << 20) : edge_value(t);
	case K_FLAGS:
		return chance(t, 40) ? 1ul << below(t, 32) | 1ul << below(t, 32) : chance(t, 50) ? below(t, 16) : edge_value(t);
	case K_ADDR:
		return chance(t, 40) ? 0x10000000 + below(t, 64) * PAGE : chance(t, 50) ? (unsigned long)t->arena + below(t, ARENA_PAGES) * PAGE : buffer(t);
	case K_SMALL:
		return chance(t, 90) ? below(t, 24) : edge_value(t);
	case K_PID:
		return process(t);
	case K_ID:
		return chance(t, 60) ? 65534 : edge_value(t);
	case K_MODE:
		return chance(t, 80) ? below(t, 010000) : next(t) & 0177777;
	case K_SIGNAL:
		return chance(t, 80) ? 1 + below(t, 64) : edge_value(t);
	case K_SIGSET:
		return buffer(t);
	case K_COMMAND:
		return chance(t, 50) ? below(t, 20) : chance(t, 50) ? 0x5400 + below(t, 0x60) : chance(t, 50) ? 1024 + below(t, 16) : edge_value(t);
	default:
		return edge_value(t);
	}
}

// Flags of clone that leave the child a process of its own: one that shares our memory would need a stack.
static void fix_clone(unsigned long *a)
{
	a[0] &= ~(unsigned long)(CLONE_VM | CLONE_VFORK | CLONE_THREAD | CLONE_SIGHAND | CLONE_PARENT);
	a[1] = 0;
}

// Returns 0 in the child of a fork that was made: it goes on for a few calls.
static long make_call(struct thread *t, const struct call *c)
{
	unsigned long a[6] = { 0 };

	for (int i = 0; i < c->nargs; i++)
		a[i] = argument(t, c->kind[i]);
	if (c->nr == SYS_clone)
		fix_clone(a);
	if (c->nr == 435 /* clone3 */ && chance(t, 60)) {
		unsigned long *args = room(t, 88);
		memset(args, 0, 88);
		args[0] = (1ul << below(t, 34)) & ~(unsigned long)(CLONE_VM | CLONE_VFORK | CLONE_THREAD | CLONE_SIGHAND | CLONE_PARENT);
		args[4] = below(t, 65);
		a[0] = (unsigned long)args;
		a[1] = 88;
	}
	if (c->nr == SYS_mmap && (long)a[0] != (long)(a[0] & ~0xfffffffful))
		a[3] |= MAP_ANONYMOUS;
	if (verbose)
		dprintf(2, "%d.%d %s(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)\n", getpid(), t->number, c->name, a[0], a[1], a[2], a[3], a[4], a[5]);
	long r = syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	atomic_fetch_add(total, 1);
	return r;
}

static int forks(const struct call *c)
{
	return c->nr == SYS_fork || c->nr == SYS_clone || c->nr == 435;
}

static void *run(void *arg)
{
	struct thread *t = arg;
	int left = CALLS_MAX;

	while (left-- > 0) {
		const struct call *c = &calls[below(t, NR_CALLS)];

		if (forks(c) && left > 6 && !chance(t, 15))
			continue;
		if (make_call(t, c) == 0 && forks(c)) {
			left = left > 6 ? 5 : 0;
			t->rng ^= 0x9e3779b97f4a7c15ul;
			if (left == 0)
				_exit(0);
		}
	}
	return NULL;
}

static char *new_arena(void)
{
	char *p = mmap(NULL, (ARENA_PAGES + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(1);
	mprotect(p + ARENA_PAGES * PAGE, PAGE, PROT_NONE);
	return p;
}

// Descriptors 0 to 15 or so: the console is not among them.
static void open_things(void)
{
	static const char *const names[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "a", "d", "fifo", "/proc/self/maps", "/proc/meminfo" };
	int p[2];

	for (int fd = 0; fd < (verbose ? 2 : 3); fd++)
		dup2(null_fd, fd);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		open(names[i], (i == 5 || i > 6 ? O_RDONLY : O_RDWR) | O_NONBLOCK);
	if (pipe(p) == 0)
		fcntl(p[0], F_SETFL, O_NONBLOCK);
}

static void set_limit(int what, unsigned long n)
{
	struct rlimit r = { n, n };

	setrlimit(what, &r);
}

static void wake(int sig)
{
	(void)sig;
}

static void become(int root)
{
	if (chroot(DIR) || chdir("/"))
		_exit(1);
	set_limit(RLIMIT_FSIZE, 1 << 20);
	set_limit(RLIMIT_AS, 64ul << 20);
	set_limit(RLIMIT_CORE, 0);
	set_limit(RLIMIT_NPROC, 40);
	set_limit(RLIMIT_NICE, 0);
	set_limit(RLIMIT_RTPRIO, 0);
	if (!root && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
		_exit(1);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	// Calls that sleep are interrupted, until a worker's random calls put an end to that.
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = wake }, NULL);
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 10000 }, { 0, 10000 } }, NULL);
}

static void worker(unsigned long seed)
{
	struct thread t[MAX_THREADS] = { 0 };
	pthread_t id[MAX_THREADS];
	int n;

	setpgid(0, 0);
	become(seed & 1);
	open_things();
	t[0].rng = seed;
	n = 1 + (int)below(&t[0], MAX_THREADS);
	for (int i = 0; i < n; i++)
		t[i] = (struct thread){ .rng = seed * (unsigned long)(i + 1) | 1, .arena = new_arena(), .number = i };
	for (int i = 1; i < n; i++)
		if (pthread_create(&id[i], NULL, run, &t[i]))
			break;
	run(&t[0]);
	_exit(0);
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void reset_files(void)
{
	mkdir("a", 0777);	// whatever the last worker left, these are there again
	rmdir("a");
	chdir(DIR);
	mkdir("d", 0777);
	mkdir("d/e", 0777);
	mkfifo("fifo", 0666);
	symlink("a", "link");
	symlink("loop", "loop");
	close(open("a", O_CREAT | O_RDWR, 0666));
	close(open("b", O_CREAT | O_RDWR, 0666));
	close(open("d/a", O_CREAT | O_RDWR, 0666));
	chmod("a", 0666);
	chmod("d", 0777);
}

static void make_room(void)
{
	static const struct { const char *name; int minor; } nodes[] = { { "dev/null", 3 }, { "dev/zero", 5 }, { "dev/full", 7 }, { "dev/random", 8 },
		{ "dev/urandom", 9 } };

	mkdir("/tmp", 0777);
	mkdir(DIR, 0777);
	mount("tmpfs", DIR, "tmpfs", 0, "size=16m,mode=777");
	if (chdir(DIR))
		exit(1);
	mkdir("dev", 0755);
	mkdir("proc", 0755);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		mknod(nodes[i].name, S_IFCHR | 0666, makedev(1, (unsigned int)nodes[i].minor));
		chmod(nodes[i].name, 0666);
	}
	mount("proc", "proc", "proc", 0, NULL);
}

// Kills what is left of the worker, and reaps it and orphans that came to us.
static void finish(pid_t pid)
{
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void run_worker(unsigned long seed)
{
	long start = now_ms();
	pid_t pid;

	reset_files();
	pid = fork();
	if (pid == 0)
		worker(seed);
	if (pid < 0)
		return;
	while (now_ms() - start < WORKER_MS && waitpid(pid, NULL, WNOHANG) != pid)
		nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
	finish(pid);
}

static unsigned long mix(unsigned long seed, unsigned long n)
{
	unsigned long h = (seed + 1) * 0x9e3779b97f4a7c15ul ^ (n + 1) * 0xc2b2ae3d27d4eb4ful;

	return (h ^ h >> 29) | 2;
}

int main(int argc, char **argv)
{
	unsigned long seed = 1, only = -1ul, n = 0, most = -1ul;
	long seconds = 60;
	int opt;

	while ((opt = getopt(argc, argv, "s:t:w:n:v")) > 0) {
		if (opt == 's')
			seed = strtoul(optarg, NULL, 0);
		else if (opt == 't')
			seconds = atol(optarg);
		else if (opt == 'w')
			only = strtoul(optarg, NULL, 0);
		else if (opt == 'n')
			most = strtoul(optarg, NULL, 0);
		else if (opt == 'v')
			verbose = 1;
		else
			return 2;
	}
	null_fd = open("/dev/null", O_RDWR);
	total = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (total == MAP_FAILED || null_fd < 0)
		return 1;
	make_room();
	printf("# fuzz-syscalls: seed %lu, %zu calls known, %ld s\n", seed, NR_CALLS, seconds);
	fflush(stdout);
	if (only != -1ul) {
		run_worker(mix(seed, only));
	} else {
		long start = now_ms();
		for (; now_ms() - start < seconds * 1000 && n < most; n++) {
			if (n % 16 == 0) {
				printf("# worker %lu, %lu calls so far\n", n, atomic_load(total));
				fflush(stdout);
			}
			run_worker(mix(seed, n));
		}
	}
	printf("# fuzz-syscalls: seed %lu: %lu workers, %lu calls returned\n1 passed, 0 failed\n", seed, n, atomic_load(total));
	return 0;
}
