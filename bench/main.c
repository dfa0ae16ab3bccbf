// The benchmark driver: a static program, usually the /init of an initramfs that holds nothing else.
//
// Each case runs in a child of its own, five times; the median is printed: "BENCH name value" or "BENCH name fail WHY".
// Words in /bench.args or the arguments pick cases ("fork*" matches a beginning); "boot" stops after the boot line.
#include "bench.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPETITIONS 5
#define CASE_LIMIT 30	// seconds until a case counts as hanging
#define SETTLE_NS 100000000	// Ochre has no late work; Linux's goes on for seconds (bench.py gives it more)

char bench_buffer[1 << 20] __attribute__((aligned(4096)));
const char *bench_self = "/proc/self/exe";
static const char *case_name;
static char *words[64];
static int nr_words;

void must(int ok, const char *what)
{
	if (ok)
		return;
	printf("BENCH %s fail %s-%d\n", case_name, what, errno);
	fflush(stdout);
	_exit(1);
}

int bench_file(const char *name, size_t size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	must(fd >= 0, "open");
	for (size_t done = 0; done < size;) {
		size_t n = size - done < sizeof(bench_buffer) ? size - done : sizeof(bench_buffer);
		ssize_t w = write(fd, bench_buffer, n);
		must(w > 0, "write");
		done += w;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

void bench_touch(char *p, size_t size)
{
	for (volatile char *c = p; c < p + size; c += 4096)
		*c = 1;
}

char *bench_map(size_t size, int touched, int small)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(p != MAP_FAILED, "mmap");
	if (small)
		madvise(p, size, MADV_NOHUGEPAGE);
	if (touched)
		bench_touch(p, size);
	return p;
}

static uint64_t run_once(const struct bench *b)
{
	uint64_t start, time;

	MARK(10);
	if (b->measure) {
		time = b->measure();
	} else {
		start = ticks();
		b->run();
		time = ticks() - start;
	}
	MARK(11);
	return time;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void run_case(const struct bench *b)
{
	int err = b->prepare ? b->prepare() : 0;
	if (err) {
		errno = -err;
		must(0, "prepare");
	}
	uint64_t t[REPETITIONS];
	for (int i = 0; i < REPETITIONS; i++)
		t[i] = run_once(b);
	qsort(t, REPETITIONS, sizeof(t[0]), compare);
	printf("BENCH %s %.3f\n", b->name, (double)t[REPETITIONS / 2] / b->ops);
	fflush(stdout);
}

static int wanted(const char *name)
{
	int picky = 0;
	for (int i = 0; i < nr_words; i++) {
		size_t n = strlen(words[i]);
		if (strchr(words[i], '=') || !strcmp(words[i], "boot"))
			continue;
		picky = 1;
		if (n && words[i][n - 1] == '*' ? !strncmp(words[i], name, n - 1) : !strcmp(words[i], name))
			return 1;
	}
	return !picky;
}

static void run_table(const struct bench *table)
{
	for (const struct bench *b = table; b->name; b++) {
		if (!wanted(b->name))
			continue;
		case_name = b->name;
		MARK(12);
		pid_t pid = fork();
		if (pid == 0) {
			setpgid(0, 0);
			signal(SIGPIPE, SIG_IGN);
			alarm(CASE_LIMIT);
			run_case(b);
			_exit(0);
		}
		int status = 0;
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		kill(-pid, SIGKILL);
		if (WIFSIGNALED(status))
			printf("BENCH %s fail signal-%d\n", b->name, WTERMSIG(status));
		fflush(stdout);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static void print_memory(void)
{
	static char text[4096];
	int fd = open("/proc/meminfo", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	const char *total = strstr(text, "MemTotal:"), *available = strstr(text, "MemAvailable:");
	printf("BENCH-MEM total_kb=%ld available_kb=%ld\n", total ? atol(total + 9) : -1, available ? atol(available + 13) : -1);
}

static void read_words(int argc, char **argv)
{
	static char text[4096];
	for (int i = 1; i < argc && nr_words < 64; i++)
		words[nr_words++] = argv[i];
	int fd = open("/bench.args", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	char *save = NULL;
	if (n > 0) {
		for (char *w = strtok_r(text, " \n", &save); w && nr_words < 64; w = strtok_r(NULL, " \n", &save))
			words[nr_words++] = w;
	}
	if (fd >= 0)
		close(fd);
}

static void become_init(void)
{
	mkdir("/proc", 0755);
	mkdir("/tmp", 01777);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3));
	mknod("/dev/zero", S_IFCHR | 0666, makedev(1, 5));
}

static int has_word(const char *word)
{
	for (int i = 0; i < nr_words; i++) {
		if (!strcmp(words[i], word))
			return 1;
	}
	return 0;
}

static long word_value(const char *key, long otherwise)
{
	for (int i = 0; i < nr_words; i++) {
		if (!strncmp(words[i], key, strlen(key)))
			return atol(words[i] + strlen(key));
	}
	return otherwise;
}

// Counts depend on where things are mapped (page tables). Starts /init again without randomised addresses; the time of the first start.
static unsigned long long without_randomisation(unsigned long long at_start)
{
	const char *first = getenv("BENCH_FIRST_START");
	char text[32];

	if (first)
		return strtoull(first, NULL, 10);
	MARK(1);
	snprintf(text, sizeof(text), "%llu", at_start);
	setenv("BENCH_FIRST_START", text, 1);
	personality(ADDR_NO_RANDOMIZE);
	execl("/init", "/init", NULL);
	return at_start;
}

int main(int argc, char **argv)
{
	uint64_t at_start = ticks();
	if (argc == 2 && !strcmp(argv[1], "exit-now"))
		return 0;
	int init = getpid() == 1;
	if (init)
		at_start = without_randomisation(at_start);
	if (init) {
		bench_self = "/init";
		become_init();
	}
	read_words(argc, argv);
	printf("BENCH-BOOT ticks=%llu\n", (unsigned long long)at_start);
	print_memory();
	fflush(stdout);
	if (!has_word("boot") && chdir("/tmp") == 0) {
		long ns = word_value("settle=", SETTLE_NS);
		nanosleep(&(struct timespec){ ns / 1000000000, ns % 1000000000 }, NULL);
		cpu_set_t first;
		CPU_ZERO(&first);
		CPU_SET(0, &first);
		sched_setaffinity(0, sizeof(first), &first);
		run_table(cases_calls);
		run_table(cases_process);
		run_table(cases_memory);
		run_table(cases_files);
	}
	printf("BENCH-END\n");
	fflush(stdout);
	if (init)
		reboot(RB_POWER_OFF);
	return 0;
}
