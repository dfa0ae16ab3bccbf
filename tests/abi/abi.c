// The main program of each ABI test: runs its cases and prints TAP.
//
//   prog [-n FIRST] [-r FD] [-f FILE.c] [CASE...]
//
// FIRST is the number of the first case; on FD one byte per case tells the outcome: p(ass), f(ail), s(kip).
#include "abi.h"
#include <ftw.h>
#include <stdarg.h>

enum { CASE_LIMIT_S = 60, STATUS_FAIL = 99, STATUS_SKIP = 77 };

extern const struct abi_case __start_abi_cases[], __stop_abi_cases[];

static int result_fd = -1;
static volatile sig_atomic_t timed_out;
static pid_t case_pid;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	char buf[700];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(buf) - 1)
		n = sizeof(buf) - 1;
	ssize_t r = write(2, buf, (size_t)n);	// one write, so that lines do not mix
	(void)r;
}

void abi_fail(const char *file, int line, const char *fmt, ...)
{
	char buf[500];
	va_list ap;
	const char *slash = strrchr(file, '/');

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	say("# %s:%d: %s\n", slash ? slash + 1 : file, line, buf);
	_exit(STATUS_FAIL);
}

void abi_skip(const char *why)
{
	say("# skipped: %s\n", why);
	_exit(STATUS_SKIP);
}

int abi_status(pid_t pid)
{
	int st;
	pid_t r;

	do
		r = waitpid(pid, &st, 0);
	while (r == -1 && errno == EINTR);
	CHECK_EQ(r, pid);
	return st;
}

void *abi_pages(size_t n)
{
	void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

void *abi_guarded(size_t n)
{
	char *p = abi_pages(2);

	memset(p, 0xa5, PAGE);
	CHECK_EQ(mprotect(p + PAGE, PAGE, PROT_NONE), 0);
	return p + PAGE - n;
}

bool abi_readable(const void *p)
{
	int fd[2];

	CHECK_EQ(pipe(fd), 0);
	ssize_t r = write(fd[1], p, 1);
	CHECK(r == 1 || errno == EFAULT);
	close(fd[0]);
	close(fd[1]);
	return r == 1;
}

bool abi_writable(void *p)
{
	int fd[2];
	char old = 0;

	CHECK_EQ(pipe(fd), 0);
	if (abi_readable(p))
		old = *(volatile char *)p;
	CHECK_EQ(write(fd[1], &old, 1), 1);
	ssize_t r = read(fd[0], p, 1);
	CHECK(r == 1 || errno == EFAULT);
	close(fd[0]);
	close(fd[1]);
	return r == 1;
}

char abi_state(pid_t id)
{
	char path[40], buf[400];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", id);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	buf[n] = 0;
	char *e = strrchr(buf, ')');	// the name may contain anything
	return e ? e[2] : 0;
}

void abi_wait_asleep(pid_t id)
{
	for (;;) {
		char s = abi_state(id);

		CHECK(s != 0);
		if (s == 'S')
			return;
		abi_msleep(1);
	}
}

void abi_drop(uid_t uid)
{
	CHECK_EQ(syscall(SYS_setgroups, 0, NULL), 0);
	CHECK_EQ(syscall(SYS_setresgid, uid, uid, uid), 0);
	CHECK_EQ(syscall(SYS_setresuid, uid, uid, uid), 0);
}

void abi_write_file(const char *path, const char *text)
{
	int fd = OK(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

size_t abi_read_file(const char *path, char *buf, size_t size)
{
	int fd = OK(open(path, O_RDONLY));
	size_t have = 0;
	ssize_t n;

	while (have < size - 1 && (n = OK(read(fd, buf + have, size - 1 - have))) > 0)
		have += (size_t)n;
	close(fd);
	buf[have] = 0;
	return have;
}

const char *abi_field(const char *path, const char *key)
{
	static char buf[8192];
	size_t k = strlen(key);

	abi_read_file(path, buf, sizeof(buf));
	for (char *line = strtok(buf, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, key, k) && line[k] == ':') {
			line += k + 1;
			return line + strspn(line, " \t");
		}
	return "";
}

void abi_gate_init(struct abi_gate *g)
{
	CHECK_EQ(pipe(g->fd), 0);
}

void abi_gate_open(struct abi_gate *g)
{
	CHECK_EQ(write(g->fd[1], "g", 1), 1);
}

void abi_gate_wait(struct abi_gate *g)
{
	char c;
	ssize_t r;

	do
		r = read(g->fd[0], &c, 1);
	while (r == -1 && errno == EINTR);
	CHECK_EQ(r, 1);
}

void abi_msleep(unsigned int ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) == -1 && errno == EINTR)
		;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	remove(path);
	return 0;
}

static void on_alarm(int sig)
{
	(void)sig;
	timed_out = 1;
	kill(-case_pid, SIGKILL);
	kill(case_pid, SIGKILL);
}

static void run_case(const struct abi_case *c, const char *dir)
{
	setpgid(0, 0);
	if (result_fd >= 0)
		close(result_fd);
	if (chdir(dir))
		abi_fail(__FILE__, __LINE__, "chdir %s: errno %d", dir, errno);
	signal(SIGALRM, SIG_DFL);
	umask(022);
	c->run();
	_exit(0);
}

static char outcome(int st)
{
	if (timed_out)
		say("# no end after %d s\n", CASE_LIMIT_S);
	else if (WIFSIGNALED(st))
		say("# killed by signal %d\n", WTERMSIG(st));
	else if (WEXITSTATUS(st) == STATUS_SKIP)
		return 's';
	else if (WEXITSTATUS(st) == 0)
		return 'p';
	else if (WEXITSTATUS(st) != STATUS_FAIL)
		say("# exit status %d\n", WEXITSTATUS(st));
	return 'f';
}

static char one(const struct abi_case *c)
{
	char dir[64];
	int st = 0;

	snprintf(dir, sizeof(dir), "/tmp/abi.%d", (int)getpid());
	mkdir(dir, 0777);
	chmod(dir, 0777);
	timed_out = 0;
	case_pid = fork();
	if (case_pid == -1) {
		say("# fork: errno %d\n", errno);
		return 'f';
	}
	if (case_pid == 0)
		run_case(c, dir);
	setpgid(case_pid, case_pid);
	alarm(CASE_LIMIT_S);
	while (waitpid(case_pid, &st, 0) == -1 && errno == EINTR)
		;
	alarm(0);
	char r = outcome(st);
	kill(-case_pid, SIGKILL);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return r;
}

static bool wanted(const char *name, char **list)
{
	if (!*list)
		return true;
	for (; *list; list++)
		if (!strcmp(*list, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	const char *file = argv[0];
	int opt, number = 1, failed = 0;

	while ((opt = getopt(argc, argv, "n:r:f:")) != -1) {
		if (opt == 'n')
			number = atoi(optarg);
		else if (opt == 'r')
			result_fd = atoi(optarg);
		else if (opt == 'f')
			file = optarg;
		else
			return 2;
	}
	sigaction(SIGALRM, &sa, NULL);
	for (const struct abi_case *c = __start_abi_cases; c < __stop_abi_cases; c++) {
		if (!wanted(c->name, argv + optind))
			continue;
		char r = one(c);
		say("%s %d - %s:%s%s\n", r == 'f' ? "not ok" : "ok", number++, file, c->name, r == 's' ? " # SKIP" : "");
		if (result_fd >= 0 && write(result_fd, &r, 1) != 1)
			return 2;
		failed += r == 'f';
	}
	return failed ? 1 : 0;
}
