// /init of the ABI test guest: runs each program of /abi, counts, and powers off.
//
// The environment (from the kernel's command line) may hold abi=NAME[:CASE][,NAME...]: only these programs, cases.
// The last line is "ABI-DONE passed P failed F skipped S".
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROGRAM_LIMIT_S = 600, RESULT_FD = 9 };

static int passed, failed, skipped;

static void on_alarm(int sig)
{
	(void)sig;	// it only interrupts read
}

// Outcomes of one program, one byte each, until it and its result pipe are closed.
static int collect(int fd, pid_t pid)
{
	int n = 0;
	char c;

	alarm(PROGRAM_LIMIT_S);
	for (;;) {
		ssize_t r = read(fd, &c, 1);
		if (r != 1) {
			if (r == -1)
				kill(-pid, SIGKILL);
			break;
		}
		n++;
		passed += c == 'p';
		failed += c == 'f';
		skipped += c == 's';
	}
	alarm(0);
	return n;
}

static void child(const char *name, const char *one, int fd, int number)
{
	char path[300], file[300], num[16], res[16];

	setpgid(0, 0);
	dup2(fd, RESULT_FD);
	snprintf(path, sizeof(path), "/abi/%s", name);
	snprintf(file, sizeof(file), "%s.c", name);
	snprintf(num, sizeof(num), "%d", number);
	snprintf(res, sizeof(res), "%d", RESULT_FD);
	execl(path, path, "-n", num, "-r", res, "-f", file, one, (char *)NULL);
	_exit(127);
}

static void run(const char *name, const char *one)
{
	int fd[2], st = 0, number = passed + failed + skipped + 1;

	if (pipe2(fd, O_CLOEXEC)) {
		printf("# pipe2: errno %d\n", errno);
		return;
	}
	pid_t pid = fork();
	if (pid == 0)
		child(name, one, fd[1], number);
	close(fd[1]);
	number += collect(fd[0], pid);
	close(fd[0]);
	waitpid(pid, &st, 0);
	if (!WIFEXITED(st) || WEXITSTATUS(st) > 1) {
		printf("# %s: wait status %#x\nnot ok %d - %s.c:the_program_itself\n", name, st, number, name);
		failed++;
	}
	kill(-1, SIGKILL);	// what the cases left behind
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void run_list(char *list)
{
	for (char *save, *p = strtok_r(list, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		char *one = strchr(p, ':');

		if (one)
			*one++ = 0;
		run(p, one);
	}
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void run_all(void)
{
	struct dirent **list;
	int n = scandir("/abi", &list, visible, alphasort);

	for (int i = 0; i < n; i++)
		run(list[i]->d_name, NULL);
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct utsname u;

	mkdir("/proc", 0755);
	mkdir("/tmp", 01777);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mount("tmp", "/tmp", "tmpfs", 0, "mode=1777");
	int fd = open("/dev/console", O_RDWR);
	for (int i = 0; fd >= 0 && i < 3; i++)
		if (fd != i)
			dup2(fd, i);
	if (fd > 2)
		close(fd);
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGALRM, &sa, NULL);
	uname(&u);
	printf("TAP version 13\n# %s %s %s\n", u.sysname, u.release, u.version);
	char *list = getenv("abi");
	if (list)
		run_list(list);
	else
		run_all();
	printf("1..%d\nABI-DONE passed %d failed %d skipped %d\n", passed + failed + skipped, passed, failed, skipped);
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
