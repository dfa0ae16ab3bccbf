// execve(2), execveat(2): arguments, #! scripts, what survives, the auxiliary vector.
// The program executes itself under the names of the table in main_role().
#include "abi.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

extern char **environ;

#define SELF "/proc/self/exe"

// A role is taken when argv[0] starts with '@': run before main, so that the harness does not see it.
static void role_args(int argc, char **argv)	// writes its arguments and environment, one per line, to fd 1
{
	for (int i = 0; i < argc; i++)
		dprintf(1, "%s\n", argv[i]);
	for (char **e = environ; *e; e++)
		dprintf(1, "env %s\n", *e);
}

static void role_state(void)
{
	sigset_t set;
	struct sigaction a, b;
	stack_t ss;

	OK(sigprocmask(SIG_BLOCK, NULL, &set));
	OK(sigaction(SIGUSR1, NULL, &a));
	OK(sigaction(SIGUSR2, NULL, &b));
	OK(sigaltstack(NULL, &ss));
	char name[20] = "";
	OK(prctl(PR_GET_NAME, name));
	dprintf(1, "blocked %d caught %s ignored %s altstack %d umask %o fd50 %d fd51 %d alarm %d name %s\n",
		sigismember(&set, SIGHUP), a.sa_handler == SIG_DFL ? "default" : "other", b.sa_handler == SIG_IGN ? "ignored" : "other",
		!(ss.ss_flags & SS_DISABLE), umask(0), fcntl(50, F_GETFD), fcntl(51, F_GETFD), alarm(0) != 0, name);
}

__attribute__((constructor)) static void main_role(void)
{
	int argc = 0;		// musl gives a constructor no arguments: they end two words below the environment

	while ((long)environ[-2 - argc] != argc)
		argc++;
	char **argv = environ - 1 - argc;
	if (argc < 1 || argv[0][0] != '@') {
		if (argc > 1 && !strcmp(argv[0], "interp")) {	// as a script's interpreter
			role_args(argc, argv);
			_exit(0);
		}
		return;
	}
	if (!strncmp(argv[0], "@args", 5))
		role_args(argc, argv);
	else if (!strcmp(argv[0], "@state"))
		role_state();
	else if (!strcmp(argv[0], "@exit"))
		_exit(atoi(argv[1]));
	else if (!strcmp(argv[0], "@pid"))
		dprintf(1, "%d %ld %d\n", getpid(), syscall(SYS_gettid), getppid());
	else if (!strcmp(argv[0], "@ids"))
		dprintf(1, "%d %d %d %d %ld %d\n", getuid(), geteuid(), getgid(), getegid(), getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE));
	_exit(0);
}

// Runs execve(path, argv, envp) in a child with its output taken; the wait status.
static char output[262144];
static int run(const char *path, char *const argv[], char *const envp[])
{
	int fd[2], st;
	size_t have = 0;
	ssize_t n;

	OK(pipe(fd));
	pid_t pid = OK(fork());
	if (pid == 0) {
		dup2(fd[1], 1);
		syscall(SYS_execve, path, argv, envp);
		_exit(errno);
	}
	close(fd[1]);
	while ((n = read(fd[0], output + have, sizeof(output) - 1 - have)) > 0)
		have += (size_t)n;
	output[have] = 0;
	close(fd[0]);
	st = abi_status(pid);
	return st;
}

// The errno with which execve(path) fails in a child, or 0.
static int exec_errno(const char *path)
{
	int st = run(path, (char *[]){ "@exit", "0", NULL }, (char *[]){ NULL });

	CHECK(WIFEXITED(st));
	return WEXITSTATUS(st);
}

static void copy_self(const char *to, mode_t mode)
{
	static char buf[1 << 20];
	int in = OK(open(SELF, O_RDONLY)), out = OK(open(to, O_WRONLY | O_CREAT | O_TRUNC, mode));
	ssize_t n = OK(read(in, buf, sizeof(buf)));

	CHECK_EQ(write(out, buf, (size_t)n), n);
	close(in);
	close(out);
	OK(chmod(to, mode));
}

static void script(const char *path, const char *text)
{
	abi_write_file(path, text);
	OK(chmod(path, 0755));
}

ABI_TEST(arguments_and_environment)
{
	CHECK_EQ(run(SELF, (char *[]){ "@args", "one", "", "two words", NULL }, (char *[]){ "A=1", "B=", NULL }), 0);
	CHECK_STR(output, "@args\none\n\ntwo words\nenv A=1\nenv B=\n");
}

ABI_TEST(null_environment)
{
	CHECK_EQ(run(SELF, (char *[]){ "@args", NULL }, NULL), 0);
	CHECK_STR(output, "@args\n");
}

ABI_TEST(empty_argv_gets_an_empty_string)
{
	script("s", "#!interp\n");
	copy_self("interp", 0755);
	CHECK_EQ(run("s", NULL, NULL), 0);		// argv[0] is replaced for a script
	CHECK_STR(output, "interp\ns\n");
}

ABI_TEST(errors_of_the_path)
{
	CHECK_EQ(exec_errno("nothing"), ENOENT);
	CHECK_EQ(exec_errno(""), ENOENT);
	CHECK_EQ(exec_errno("."), EACCES);
	abi_write_file("file", "x");
	CHECK_EQ(exec_errno("file/x"), ENOTDIR);
	CHECK_EQ(exec_errno("file"), EACCES);		// not executable, also for root
	OK(symlink("loop", "loop"));
	CHECK_EQ(exec_errno("loop"), ELOOP);
	char name[300];
	memset(name, 'n', 299);
	name[299] = 0;
	CHECK_EQ(exec_errno(name), ENAMETOOLONG);
}

ABI_TEST(errors_of_the_file)
{
	abi_write_file("empty", "");
	OK(chmod("empty", 0755));
	CHECK_EQ(exec_errno("empty"), ENOEXEC);
	script("text", "echo hello\n");
	CHECK_EQ(exec_errno("text"), ENOEXEC);
	OK(mkfifo("fifo", 0755));
	CHECK_EQ(exec_errno("fifo"), EACCES);
	CHECK_EQ(exec_errno("/dev/null"), EACCES);
}

ABI_TEST(open_for_writing_is_etxtbsy)
{
	copy_self("prog", 0755);
	int fd = OK(open("prog", O_WRONLY));

	CHECK_EQ(exec_errno("prog"), ETXTBSY);
	close(fd);
	CHECK_EQ(exec_errno("prog"), 0);
}

ABI_TEST(running_program_cannot_be_written)
{
	CHECK_ERRNO(open(SELF, O_WRONLY), ETXTBSY);
	CHECK_ERRNO(truncate(SELF, 0), ETXTBSY);
}

ABI_TEST(bad_pointers)
{
	char *bad_arg[] = { "@args", BAD, NULL };

	CHECK_ERRNO(syscall(SYS_execve, BAD, bad_arg, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, SELF, BAD, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, SELF, bad_arg, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, SELF, (char *[]){ "@args", NULL }, BAD), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, SELF, BAD_KERNEL, NULL), EFAULT);
}

ABI_TEST(argument_list_too_long)
{
	size_t n = (128 << 10) + 1;
	char *big = malloc(n + 1);

	memset(big, 'x', n);
	big[n] = 0;
	CHECK_ERRNO(execve(SELF, (char *[]){ "@args", big, NULL }, NULL), E2BIG);
	big[(128 << 10) - 1] = 0;		// 128 KiB with its end: the longest
	CHECK_EQ(run(SELF, (char *[]){ "@args", big, NULL }, NULL), 0);
	CHECK_EQ(strlen(output), 6 + (128 << 10));
}

ABI_TEST(arguments_limited_by_the_stack_limit)
{
	struct rlimit r = { 1 << 20, 1 << 20 };
	enum { N = 64 };
	char *arg[N + 2], *s = malloc(8192);

	memset(s, 'y', 8191);
	s[8191] = 0;
	arg[0] = "@exit";
	for (int i = 1; i <= N; i++)
		arg[i] = s;
	arg[N + 1] = NULL;
	OK(setrlimit(RLIMIT_STACK, &r));
	CHECK_ERRNO(execve(SELF, arg, NULL), E2BIG);	// a quarter of 1 MiB is allowed
	arg[20] = NULL;
	arg[1] = "0";
	CHECK_EQ(run(SELF, arg, NULL), 0);
}

ABI_TEST(script_without_argument)
{
	script("s", "#!interp\nanything");
	copy_self("interp", 0755);
	CHECK_EQ(run("./s", (char *[]){ "lost", "a", "b", NULL }, (char *[]){ "X=y", NULL }), 0);
	CHECK_STR(output, "interp\n./s\na\nb\nenv X=y\n");
}

ABI_TEST(script_with_one_argument)
{
	script("s", "#! \t interp   one argument \t with blanks \t \nanything");
	copy_self("interp", 0755);
	CHECK_EQ(run("s", (char *[]){ "lost", "a", NULL }, NULL), 0);
	CHECK_STR(output, "interp\none argument \t with blanks\ns\na\n");
}

ABI_TEST(script_without_newline)
{
	script("s", "#!interp arg");
	copy_self("interp", 0755);
	CHECK_EQ(run("s", (char *[]){ "lost", NULL }, NULL), 0);
	CHECK_STR(output, "interp\narg\ns\n");
}

ABI_TEST(script_errors)
{
	script("none", "#!/no/such/interpreter\n");
	CHECK_EQ(exec_errno("none"), ENOENT);
	script("empty", "#!\n");
	CHECK_EQ(exec_errno("empty"), ENOEXEC);
	script("blank", "#!  \t \n");
	CHECK_EQ(exec_errno("blank"), ENOEXEC);
	abi_write_file("plain", "x");
	script("notexec", "#!plain\n");
	CHECK_EQ(exec_errno("notexec"), EACCES);
	script("dir", "#!/proc\n");
	CHECK_EQ(exec_errno("dir"), EACCES);
}

ABI_TEST(script_line_too_long)
{
	char text[600] = "#!interp ";

	copy_self("interp", 0755);
	memset(text + 9, 'z', 500);
	text[509] = '\n';
	script("s", text);
	CHECK_EQ(run("s", (char *[]){ "x", NULL }, NULL), 0);	// the argument is cut off at 256 bytes of line
	CHECK_EQ(strlen(output), strlen("interp\n") + (255 - 9) + 1 + strlen("s\n"));
	memset(text + 2, 'i', 500);
	script("t", text);
	CHECK_EQ(exec_errno("t"), ENOEXEC);			// a name that is cut off is refused
}

ABI_TEST(scripts_nest)
{
	script("s1", "#!s2 from1\n");
	script("s2", "#!interp from2\n");
	copy_self("interp", 0755);
	CHECK_EQ(run("s1", (char *[]){ "x", "a", NULL }, NULL), 0);
	CHECK_STR(output, "interp\nfrom2\ns2\nfrom1\ns1\na\n");
}

ABI_TEST(scripts_nest_only_so_deep)
{
	char name[4], text[10];

	copy_self("interp", 0755);
	script("s0", "#!interp\n");
	for (int i = 1; i <= 6; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		snprintf(text, sizeof(text), "#!s%d\n", i - 1);
		script(name, text);
	}
	CHECK_EQ(exec_errno("s4"), 0);
	CHECK_EQ(exec_errno("s5"), ELOOP);
	script("self", "#!self\n");
	CHECK_EQ(exec_errno("self"), ELOOP);
}

ABI_TEST(pid_stays)
{
	int fd[2], p[3];
	char buf[60] = "";

	OK(pipe(fd));
	pid_t pid = OK(fork());
	if (pid == 0) {
		dup2(fd[1], 1);
		execl(SELF, "@pid", (char *)NULL);
	}
	abi_status(pid);
	OK(read(fd[0], buf, 59));
	CHECK_EQ(sscanf(buf, "%d %d %d", p, p + 1, p + 2), 3);
	CHECK(p[0] == pid && p[1] == pid && p[2] == getpid());
}

static void catcher(int sig)
{
	(void)sig;
}

ABI_TEST(what_survives)
{
	sigset_t set;
	stack_t ss = { .ss_sp = abi_pages(4), .ss_size = 4 * PAGE };

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	signal(SIGUSR1, catcher);
	signal(SIGUSR2, SIG_IGN);
	OK(sigaltstack(&ss, NULL));
	umask(013);
	int fd = OK(open("/dev/null", O_RDONLY));
	OK(dup2(fd, 50));
	OK(dup3(fd, 51, O_CLOEXEC));
	OK(prctl(PR_SET_NAME, "renamed"));
	// alarms survive execve, not fork: the child sets its own
	int out[2];
	char buf[300] = "";
	OK(pipe(out));
	pid_t pid = OK(fork());
	if (pid == 0) {
		alarm(500);
		dup2(out[1], 1);
		execl(SELF, "@state", (char *)NULL);
		_exit(1);
	}
	CHECK_EQ(abi_status(pid), 0);
	OK(read(out[0], buf, 299));
	CHECK_STR(buf, "blocked 1 caught default ignored ignored altstack 0 umask 13 fd50 0 fd51 -1 alarm 1 name exe\n");
}

ABI_TEST(name_is_the_last_component)
{
	copy_self("a_very_long_program_name", 0755);
	CHECK_EQ(run("./a_very_long_program_name", (char *[]){ "@state", NULL }, NULL), 0);
	CHECK(strstr(output, "name a_very_long_pro\n") != NULL);
}

ABI_TEST(failed_exec_changes_nothing)
{
	int fd = OK(open("/dev/null", O_RDONLY | O_CLOEXEC));
	struct sigaction sa;

	signal(SIGUSR1, catcher);
	CHECK_ERRNO(execve("nothing", (char *[]){ "x", NULL }, NULL), ENOENT);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	OK(sigaction(SIGUSR1, NULL, &sa));
	CHECK(sa.sa_handler == catcher);
}

ABI_TEST(set_user_id)
{
	copy_self("/tmp/suid_program", 04755);
	OK(chown("/tmp/suid_program", 2000, 3000));
	OK(chmod("/tmp/suid_program", 06755));
	pid_t pid;
	int fd[2];
	char buf[80] = "";
	OK(pipe(fd));
	pid = OK(fork());
	if (pid == 0) {
		abi_drop(1000);
		dup2(fd[1], 1);
		execl("/tmp/suid_program", "@ids", (char *)NULL);
		_exit(1);
	}
	CHECK_EQ(abi_status(pid), 0);
	OK(read(fd[0], buf, 79));
	OK(unlink("/tmp/suid_program"));
	CHECK_STR(buf, "1000 2000 1000 3000 1 0\n");
}

ABI_TEST(set_group_id_without_group_execute_is_ignored)
{
	copy_self("prog", 0755);
	OK(chown("prog", 0, 3000));
	OK(chmod("prog", 02745));
	CHECK_EQ(run("prog", (char *[]){ "@ids", NULL }, NULL), 0);
	CHECK_STR(output, "0 0 0 0 0 1\n");
}

ABI_TEST(no_new_privs_ignores_set_user_id)
{
	copy_self("prog", 0755);
	OK(chown("prog", 2000, 3000));
	OK(chmod("prog", 06755));
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(run("prog", (char *[]){ "@ids", NULL }, NULL), 0);
	CHECK_STR(output, "0 0 0 0 0 1\n");
}

ABI_TEST(execveat_forms)
{
	copy_self("prog", 0755);
	int dir = OK(open(".", O_RDONLY)), fd = OK(open("prog", O_PATH));
	char *argv[] = { "@exit", "9", NULL };

	CHECK_EQ(IN_CHILD(syscall(SYS_execveat, dir, "prog", argv, NULL, 0)), 9 << 8);
	CHECK_EQ(IN_CHILD(syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH)), 9 << 8);
	CHECK_EQ(IN_CHILD(syscall(SYS_execveat, AT_FDCWD, "prog", argv, NULL, 0)), 9 << 8);
	CHECK_EQ(IN_CHILD(syscall(SYS_execveat, -1, SELF, argv, NULL, 0)), 9 << 8);
}

ABI_TEST(execveat_errors)
{
	copy_self("prog", 0755);
	OK(symlink("prog", "link"));
	int dir = OK(open(".", O_RDONLY)), file = OK(open("prog", O_RDONLY));
	char *argv[] = { "@exit", "0", NULL };

	CHECK_ERRNO(syscall(SYS_execveat, -1, "prog", argv, NULL, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_execveat, file, "prog", argv, NULL, 0), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_execveat, file, "", argv, NULL, 0), ENOENT);
	CHECK_ERRNO(syscall(SYS_execveat, dir, "", argv, NULL, AT_EMPTY_PATH), EACCES);
	CHECK_ERRNO(syscall(SYS_execveat, dir, "link", argv, NULL, AT_SYMLINK_NOFOLLOW), ELOOP);
	CHECK_ERRNO(syscall(SYS_execveat, dir, "prog", argv, NULL, 0x4), EINVAL);
}

ABI_TEST(execveat_script_of_an_fd)
{
	script("s", "#!interp\n");
	copy_self("interp", 0755);
	int fd = OK(open("s", O_RDONLY)), out[2];
	char buf[80] = "", want[80];

	OK(pipe(out));
	CHECK_CHILD(dup2(out[1], 1); syscall(SYS_execveat, fd, "", (char *[]){ "x", NULL }, NULL, AT_EMPTY_PATH); _exit(1));
	OK(read(out[0], buf, 79));
	snprintf(want, sizeof(want), "interp\n/dev/fd/%d\n", fd);
	CHECK_STR(buf, want);
	OK(fcntl(fd, F_SETFD, FD_CLOEXEC));
	CHECK_ERRNO(syscall(SYS_execveat, fd, "", (char *[]){ "x", NULL }, NULL, AT_EMPTY_PATH), ENOENT);
}

static int exec_in_thread(void *arg)
{
	(void)arg;
	syscall(SYS_execve, SELF, (char *[]){ "@pid", NULL }, NULL);
	return 0;
}

ABI_TEST(exec_of_a_thread_takes_over_the_process)
{
	static char stack[65536];
	int fd[2], p[2];
	char buf[60] = "";

	OK(pipe(fd));
	pid_t pid = OK(fork());
	if (pid == 0) {
		dup2(fd[1], 1);
		OK(clone(exec_in_thread, stack + sizeof(stack), CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
			 NULL));
		for (;;)
			pause();
	}
	CHECK_EQ(abi_status(pid), 0);
	OK(read(fd[0], buf, 59));
	CHECK_EQ(sscanf(buf, "%d %d", p, p + 1), 2);
	CHECK_EQ(p[0], pid);
	CHECK_EQ(p[1], pid);
}

ABI_TEST(auxv_contents)
{
	CHECK_EQ(getauxval(AT_PAGESZ), PAGE);
	CHECK_EQ(getauxval(AT_CLKTCK), 100);
	CHECK_EQ(getauxval(AT_UID), getuid());
	CHECK_EQ(getauxval(AT_EUID), geteuid());
	CHECK_EQ(getauxval(AT_GID), getgid());
	CHECK_EQ(getauxval(AT_EGID), getegid());
	CHECK_EQ(getauxval(AT_SECURE), 0);
	CHECK_EQ(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
	CHECK_EQ(getauxval(AT_FLAGS), 0);
	CHECK_EQ(getauxval(AT_BASE), 0);
	CHECK(getauxval(AT_HWCAP) & 1);		// CPUID 1 EDX: FPU
	CHECK(getauxval(AT_RANDOM) != 0);
	CHECK_STR((char *)getauxval(AT_PLATFORM), "x86_64");
	CHECK(strchr((char *)getauxval(AT_EXECFN), '/') != NULL);
	extern void _start(void);
	CHECK_EQ(getauxval(AT_ENTRY), (uintptr_t)_start);
	Elf64_Phdr *ph = (Elf64_Phdr *)getauxval(AT_PHDR);
	extern const Elf64_Ehdr __ehdr_start;
	CHECK_EQ(getauxval(AT_PHNUM), __ehdr_start.e_phnum);
	CHECK_EQ((uintptr_t)ph, (uintptr_t)&__ehdr_start + __ehdr_start.e_phoff);
}

ABI_TEST(auxv_random_is_set)
{
	const char *a = (const char *)getauxval(AT_RANDOM);
	int zeros = 0;

	for (int i = 0; i < 16; i++)
		zeros += a[i] == 0;
	CHECK(zeros < 8);
}

ABI_TEST(auxv_in_proc_is_the_same)
{
	char buf[2048];
	size_t n = abi_read_file("/proc/self/auxv", buf, sizeof(buf));
	Elf64_auxv_t *a = (Elf64_auxv_t *)buf;

	CHECK(n >= 16 * 10 && n % 16 == 0);
	for (; a->a_type != AT_NULL; a++)
		CHECK_EQ(a->a_un.a_val, getauxval(a->a_type));
}

ABI_TEST(stack_at_start)
{
	// argc lies at a multiple of 16; strings lie above the vectors; AT_EXECFN is the highest string.
	char **e = environ;

	while (*e)
		e++;
	CHECK_EQ(((uintptr_t)getauxval(AT_EXECFN)) >> 47, 0);
	CHECK((uintptr_t)getauxval(AT_EXECFN) > (uintptr_t)e);
	CHECK((uintptr_t)getauxval(AT_RANDOM) > (uintptr_t)e);
}
