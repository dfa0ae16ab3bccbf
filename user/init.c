// The /init of `make run` and tools/run: mounts the usual file systems, runs a shell or one command on the console, turns the
// machine off. An ordinary static Linux program; it also runs under Linux.
//
// The command is the text of /etc/ochre-command, given to sh -c. Its status is told to tools/run in one line on the console.
// reboot, poweroff and halt ask by the signals that busybox sends its init; a halted guest would only leave QEMU waiting.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define COMMAND "/etc/ochre-command"
#define STATUS_NOT_STARTED 127

static void mount_all(void)
{
	static const struct {
		const char *type, *where, *options;
	} mounts[] = {
		{ "devtmpfs", "/dev", NULL }, { "proc", "/proc", NULL },	 { "sysfs", "/sys", NULL },
		{ "tmpfs", "/tmp", NULL },    { "devpts", "/dev/pts", "gid=5" }, { "tmpfs", "/run", NULL },
	};
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, 0755);
		// A kernel without this file system is no reason to stop.
		mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, mounts[i].options);
	}
	chmod("/tmp", 01777);
}

// The console is descriptors 0 to 2 already when the kernel could open it; opened by name it can become the controlling terminal.
static void take_console(void)
{
	setsid();
	int fd = open("/dev/console", O_RDWR);
	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	ioctl(0, TIOCSCTTY, 1);
}

static pid_t start(int command)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	take_console();
	if (command)
		execl("/bin/sh", "sh", COMMAND, (char *)NULL);
	else
		execl("/bin/sh", "-sh", (char *)NULL);
	dprintf(2, "init: /bin/sh: %s\n", strerror(errno));
	_exit(STATUS_NOT_STARTED);
}

static volatile sig_atomic_t how_to_end = RB_POWER_OFF, asked_to_end;

// With the shell killed main() goes on, however close to its wait() this came.
static void end_as_asked(int sig)
{
	how_to_end = sig == SIGTERM ? RB_AUTOBOOT : RB_POWER_OFF;
	asked_to_end = 1;
	kill(-1, SIGKILL);
}

// As PID 1 we also inherit and reap everybody's orphans.
static int wait_for(pid_t child)
{
	for (;;) {
		int status;
		pid_t pid = wait(&status);
		if (pid == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (pid < 0 && errno != EINTR)
			return STATUS_NOT_STARTED;
	}
}

// What the command left running must not write, flush or stop the console while its status is told.
static void end_the_rest(void)
{
	kill(-1, SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	tcflow(1, TCOON);
}

int main(void)
{
	static char *const environment[] = { "PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/", "TERM=linux", "USER=root" };
	for (size_t i = 0; i < sizeof(environment) / sizeof(environment[0]); i++)
		putenv(environment[i]);
	mount_all();
	signal(SIGTERM, end_as_asked);
	signal(SIGUSR1, end_as_asked);
	signal(SIGUSR2, end_as_asked);
	int command = access(COMMAND, R_OK) == 0;
	pid_t child = start(command);
	if (child < 0)
		dprintf(2, "init: fork: %s\n", strerror(errno));
	int status = child < 0 ? STATUS_NOT_STARTED : wait_for(child);
	if (asked_to_end)
		status = 0;
	end_the_rest();
	if (command)
		dprintf(1, "\036ochre-run: status %d\n", status);
	tcdrain(1);
	sync();
	reboot(how_to_end);
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
