// Descriptors: dup(2) and its family, fcntl(2), close(2), close_range(2), open(2)'s flags, getdents64(2), flock(2) and record locks.
#include "abi.h"
#include <dirent.h>
#include <sys/file.h>
#include <sys/ioctl.h>

enum { UNSHARE_TABLE = 2, MARK_CLOEXEC = 4 };	// flags of close_range

static int lowest(void)
{
	int fd = OK(dup(0));

	close(fd);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static int make(const char *name)
{
	return OK(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));
}

ABI_TEST(dup_shares_the_position)
{
	int a = make("f"), b = OK(dup(a)), c = OK(open("f", O_RDWR));

	CHECK_EQ(write(a, "abc", 3), 3);
	CHECK_EQ(lseek(b, 0, SEEK_CUR), 3);
	CHECK_EQ(lseek(c, 0, SEEK_CUR), 0);
	close(a);
	CHECK_EQ(write(b, "d", 1), 1);
}

ABI_TEST(status_flags_are_shared_descriptor_flags_are_not)
{
	int a = make("f"), b = OK(dup(a));

	OK(fcntl(a, F_SETFD, FD_CLOEXEC));
	CHECK_EQ(fcntl(b, F_GETFD), 0);
	OK(fcntl(a, F_SETFL, O_APPEND | O_NONBLOCK));
	CHECK_EQ(fcntl(b, F_GETFL), O_RDWR | O_APPEND | O_NONBLOCK | 0100000 /* O_LARGEFILE */);
	OK(fcntl(b, F_SETFD, -1));
	CHECK_EQ(fcntl(b, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(OK(dup(a)), F_GETFD), 0);
}

ABI_TEST(setfl_changes_few_flags)
{
	int a = make("f");

	OK(fcntl(a, F_SETFL, O_RDONLY | O_TRUNC | O_CREAT | O_SYNC | O_NOATIME));
	CHECK_EQ(fcntl(a, F_GETFL), O_RDWR | O_NOATIME | 0100000);
	OK(fcntl(a, F_SETFL, 0));
	CHECK_EQ(fcntl(a, F_GETFL), O_RDWR | 0100000);
	CHECK_ERRNO(fcntl(-1, F_SETFL, 0), EBADF);
	CHECK_ERRNO(fcntl(a, 9999, 0), EINVAL);
}

ABI_TEST(dup2_replaces)
{
	int a = make("f"), b = make("g");

	CHECK_EQ(dup2(a, b), b);
	CHECK_EQ(write(b, "x", 1), 1);
	CHECK_EQ(lseek(a, 0, SEEK_CUR), 1);
	OK(fcntl(a, F_SETFD, FD_CLOEXEC));
	CHECK_EQ(dup2(a, a), a);
	CHECK_EQ(fcntl(a, F_GETFD), FD_CLOEXEC);	// nothing was done
	CHECK_EQ(dup2(a, 100), 100);
	CHECK_EQ(fcntl(100, F_GETFD), 0);
	CHECK_ERRNO(dup2(200, 201), EBADF);
	CHECK_ERRNO(dup2(200, 200), EBADF);
	CHECK_ERRNO(dup2(a, -1), EBADF);
	CHECK_ERRNO(dup2(a, 1 << 30), EBADF);
	CHECK(is_open(a));
}

ABI_TEST(dup3_flags)
{
	int a = make("f");

	// Not by way of the library, which does some of it itself.
	CHECK_EQ(syscall(SYS_dup3, a, 50, O_CLOEXEC), 50);
	CHECK_EQ(fcntl(50, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(syscall(SYS_dup3, a, a, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_dup3, a, 51, O_NONBLOCK), EINVAL);
	CHECK_ERRNO(syscall(SYS_dup3, -1, 51, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_dup3, a, 1 << 30, 0), EBADF);
	CHECK(!is_open(51));
}

ABI_TEST(dupfd_from_a_minimum)
{
	int a = make("f");

	CHECK_EQ(fcntl(a, F_DUPFD, 70), 70);
	CHECK_EQ(fcntl(a, F_DUPFD, 70), 71);
	CHECK_EQ(fcntl(a, F_DUPFD_CLOEXEC, 70), 72);
	CHECK_EQ(fcntl(72, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(fcntl(a, F_DUPFD, -1), EINVAL);
	struct rlimit r;
	OK(getrlimit(RLIMIT_NOFILE, &r));
	CHECK_ERRNO(fcntl(a, F_DUPFD, r.rlim_cur), EINVAL);
	CHECK_EQ(fcntl(a, F_DUPFD, r.rlim_cur - 1), (int)r.rlim_cur - 1);
	CHECK_ERRNO(fcntl(a, F_DUPFD, r.rlim_cur - 1), EMFILE);
	CHECK_ERRNO(fcntl(300, F_DUPFD, 0), EBADF);
}

ABI_TEST(the_table_grows_to_the_limit)
{
	struct rlimit r = { 5000, 5000 };
	int fd, last = -1;

	OK(setrlimit(RLIMIT_NOFILE, &r));
	while ((fd = dup(0)) != -1)
		last = fd;
	CHECK_EQ(errno, EMFILE);
	CHECK_EQ(last, 4999);
	CHECK_ERRNO(open("/", O_RDONLY), EMFILE);
	close(3000);
	CHECK_EQ(dup(0), 3000);
	CHECK_CHILD(CHECK(is_open(4999)); close(4999); CHECK(!is_open(4999)));
	CHECK(is_open(4999));
}

ABI_TEST(closed_is_closed)
{
	int fd = make("f");

	CHECK_EQ(close(fd), 0);
	CHECK_ERRNO(close(fd), EBADF);
	CHECK_ERRNO(dup(fd), EBADF);
	CHECK_ERRNO(fcntl(fd, F_GETFD), EBADF);
	CHECK_ERRNO(fcntl(fd, F_GETFL), EBADF);
}

ABI_TEST(close_range_closes)
{
	int fd = make("f");

	for (int i = 100; i < 110; i++)
		OK(dup2(fd, i));
	CHECK_EQ(syscall(SYS_close_range, 102, 104, 0), 0);
	CHECK(is_open(101) && !is_open(102) && !is_open(104) && is_open(105));
	CHECK_EQ(syscall(SYS_close_range, 105, 106, MARK_CLOEXEC), 0);
	CHECK_EQ(fcntl(105, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(106, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(107, F_GETFD), 0);
	CHECK_EQ(syscall(SYS_close_range, 107, ~0u, 0), 0);
	CHECK(!is_open(107) && !is_open(109) && is_open(106));
	CHECK_EQ(syscall(SYS_close_range, 200, 300, 0), 0);
	CHECK_ERRNO(syscall(SYS_close_range, 5, 4, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_close_range, 5, 6, 1), EINVAL);
}

static int closer(void *arg)
{
	(void)arg;
	if (syscall(SYS_close_range, 100, 100, UNSHARE_TABLE))
		return 1;
	return is_open(100) ? 2 : 0;
}

ABI_TEST(close_range_unshare)
{
	int fd = make("f");
	char *stack = abi_pages(16);

	OK(dup2(fd, 100));
	pid_t pid = OK(clone(closer, stack + 16 * PAGE, CLONE_FILES | SIGCHLD, NULL));
	CHECK_EQ(abi_status(pid), 0);
	CHECK(is_open(100));
}

ABI_TEST(open_creates)
{
	struct stat st;

	CHECK_ERRNO(open("f", O_RDWR), ENOENT);
	umask(027);
	int fd = OK(open("f", O_RDONLY | O_CREAT, 0666));
	OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_ERRNO(open("f", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
	OK(open("f", O_RDWR | O_CREAT, 0));	// exists: the mode does not matter
	OK(symlink("nowhere", "s"));
	CHECK_ERRNO(open("s", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
	OK(open("s", O_RDWR | O_CREAT, 0666));	// makes the target
	OK(stat("nowhere", &st));
	CHECK_ERRNO(open("new/", O_RDWR | O_CREAT, 0666), EISDIR);
	CHECK_ERRNO(open("no/new", O_RDWR | O_CREAT, 0666), ENOENT);
	CHECK_ERRNO(open("", O_RDONLY), ENOENT);
	CHECK_ERRNO(open(BAD, O_RDONLY), EFAULT);
}

ABI_TEST(a_new_file_may_be_used_whatever_its_mode)
{
	umask(0);
	CHECK_CHILD(
		abi_drop(1000);
		int fd = OK(open("f", O_RDWR | O_CREAT, 0));
		CHECK_EQ(write(fd, "x", 1), 1);
		CHECK_ERRNO(open("f", O_RDONLY), EACCES));
}

ABI_TEST(open_truncates)
{
	struct stat st;

	abi_write_file("f", "hello");
	close(OK(open("f", O_RDONLY)));
	OK(stat("f", &st));
	CHECK_EQ(st.st_size, 5);
	close(OK(open("f", O_WRONLY | O_TRUNC)));
	OK(stat("f", &st));
	CHECK_EQ(st.st_size, 0);
}

ABI_TEST(open_directory_and_nofollow)
{
	abi_write_file("f", "x");
	OK(mkdir("d", 0755));
	OK(symlink("f", "sf"));
	OK(symlink("d", "sd"));
	CHECK_ERRNO(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	OK(open("d", O_RDONLY | O_DIRECTORY));
	OK(open("sd", O_RDONLY | O_DIRECTORY));
	CHECK_ERRNO(open("sd", O_RDONLY | O_DIRECTORY | O_NOFOLLOW), ENOTDIR);
	CHECK_ERRNO(open("sf", O_RDONLY | O_NOFOLLOW), ELOOP);
	OK(open("sd/.", O_RDONLY | O_NOFOLLOW));
	CHECK_ERRNO(open("d2", O_RDONLY | O_DIRECTORY | O_CREAT, 0755), EINVAL);
}

ABI_TEST(path_descriptors)
{
	char buf[8];
	struct stat st;

	abi_write_file("f", "x");
	OK(symlink("f", "s"));
	OK(mkdir("d", 0755));
	abi_write_file("d/in", "y");
	int p = OK(open("f", O_PATH | O_RDWR | O_CREAT)), s = OK(open("s", O_PATH | O_NOFOLLOW)), d = OK(open("d", O_PATH));
	CHECK_ERRNO(read(p, buf, 1), EBADF);
	CHECK_ERRNO(write(p, buf, 1), EBADF);
	CHECK_ERRNO(lseek(p, 0, SEEK_SET), EBADF);
	CHECK_ERRNO(ioctl(p, FIONREAD, buf), EBADF);
	CHECK_ERRNO(syscall(SYS_fchmod, p, 0600), EBADF);
	CHECK_ERRNO(ftruncate(p, 0), EBADF);
	CHECK_ERRNO(fsync(p), EBADF);
	CHECK_EQ(fcntl(p, F_GETFL), O_PATH);
	CHECK_ERRNO(fcntl(p, F_SETFL, 0), EBADF);
	OK(fstat(p, &st));
	CHECK(S_ISREG(st.st_mode));
	OK(fstat(s, &st));
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(readlinkat(s, "", buf, 8), 1);
	OK(openat(d, "in", O_RDONLY));
	CHECK_EQ(fchdir(d), 0);
	CHECK(is_open(dup(p)));
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, p, 0) == MAP_FAILED ? -1 : 0, EBADF);
}

ABI_TEST(reopening_by_proc)
{
	char path[40], buf[4];

	abi_write_file("f", "xyz");
	int p = OK(open("f", O_PATH));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p);
	int fd = OK(open(path, O_RDONLY));
	CHECK_EQ(read(fd, buf, 4), 3);
	OK(unlink("f"));
	OK(open(path, O_RDWR));			// also when it has no name any more
}

ABI_TEST(unnamed_files)
{
	struct stat st;
	char path[40], buf[8];

	int fd = OK(open(".", O_TMPFILE | O_RDWR, 0640));
	OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(write(fd, "hello", 5), 5);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	OK(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(abi_read_file("named", buf, 8), 5);
	fd = OK(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERRNO(linkat(AT_FDCWD, path, AT_FDCWD, "other", AT_SYMLINK_FOLLOW), ENOENT);
	CHECK_ERRNO(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_ERRNO(open("named", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	CHECK_ERRNO(open("none", O_TMPFILE | O_RDWR, 0600), ENOENT);
}

ABI_TEST(openat_bases)
{
	OK(mkdir("d", 0755));
	abi_write_file("d/f", "x");
	int d = OK(open("d", O_RDONLY)), f = OK(openat(d, "f", O_RDONLY));
	CHECK_ERRNO(openat(f, "x", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(openat(-1, "x", O_RDONLY), EBADF);
	OK(openat(-1, "/", O_RDONLY));
	OK(openat(AT_FDCWD, "d/f", O_RDONLY));
	OK(openat(d, "../d/f", O_RDONLY));
}

struct open_how_t {
	uint64_t flags, mode, resolve;
	uint64_t more;
};

static long openat2(int d, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how_t how = { flags, mode, resolve, 0 };

	return syscall(437, d, path, &how, 24);
}

ABI_TEST(openat2_rules)
{
	struct open_how_t how = { O_RDONLY, 0, 0, 0 };

	OK(mkdir("d", 0755));
	abi_write_file("d/f", "x");
	OK(symlink("f", "d/s"));
	OK(symlink("/", "d/abs"));
	OK(symlink("..", "d/up"));
	int d = OK(open("d", O_RDONLY));
	OK(openat2(d, "f", O_RDONLY, 0, 0));
	CHECK_ERRNO(openat2(d, "f", O_RDONLY, 0600, 0), EINVAL);	// a mode without creation
	CHECK_ERRNO(openat2(d, "f", 1ull << 40, 0, 0), EINVAL);
	CHECK_ERRNO(openat2(d, "g", O_CREAT | O_RDWR, 0100000, 0), EINVAL);
	CHECK_ERRNO(openat2(d, "f", O_RDONLY, 0, 0x80), EINVAL);
	CHECK_ERRNO(openat2(d, "f", O_PATH | O_RDWR, 0, 0), EINVAL);
	CHECK_ERRNO(openat2(d, "../d/f", O_RDONLY, 0, 8 /* BENEATH */), EXDEV);
	CHECK_ERRNO(openat2(d, "/", O_RDONLY, 0, 8), EXDEV);
	CHECK_ERRNO(openat2(d, "abs", O_RDONLY, 0, 8), EXDEV);
	CHECK_ERRNO(openat2(d, "up", O_RDONLY, 0, 8), EXDEV);
	OK(openat2(d, "s", O_RDONLY, 0, 8));
	CHECK_ERRNO(openat2(d, "s", O_RDONLY, 0, 4 /* NO_SYMLINKS */), ELOOP);
	OK(openat2(d, "/f", O_RDONLY, 0, 0x10 /* IN_ROOT */));
	OK(openat2(d, "abs/f", O_RDONLY, 0, 0x10));
	OK(openat2(d, "../../f", O_RDONLY, 0, 0x10));
	CHECK_ERRNO(openat2(d, "f", O_RDONLY, 0, 0x18), EINVAL);
	CHECK_ERRNO(openat2(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, 2 /* NO_MAGICLINKS */), ELOOP);
	CHECK_ERRNO(openat2(AT_FDCWD, "/proc/self/stat", O_RDONLY, 0, 1 /* NO_XDEV */), EXDEV);
	CHECK_ERRNO(syscall(437, d, "f", &how, 23), EINVAL);
	CHECK_ERRNO(syscall(437, d, "f", &how, PAGE + 1), E2BIG);
	OK(syscall(437, d, "f", &how, 32));
	how.more = 1;
	CHECK_ERRNO(syscall(437, d, "f", &how, 32), E2BIG);
}

ABI_TEST(noatime_is_the_owners)
{
	abi_write_file("f", "x");
	OK(open("f", O_RDONLY | O_NOATIME));
	CHECK_CHILD(abi_drop(1000); CHECK_ERRNO(open("f", O_RDONLY | O_NOATIME), EPERM));
}

struct entry {
	uint64_t ino;
	int64_t	off;
	uint16_t len;
	uint8_t	type;
	char	name[];
};

ABI_TEST(getdents_lists_all)
{
	static char buf[8192] __attribute__((aligned(8)));
	char name[8];
	int seen = 0, dots = 0;
	long n;

	OK(mkdir("d", 0755));
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		close(make(name));
	}
	OK(mkdir("d/dir", 0755));
	OK(symlink("x", "d/sym"));
	int d = OK(open("d", O_RDONLY));
	while ((n = OK(syscall(SYS_getdents64, d, buf, 300))) > 0)
		for (long at = 0; at < n;) {
			struct entry *e = (struct entry *)(buf + at);
			CHECK_EQ(e->len % 8, 0);
			CHECK(e->ino != 0);
			if (!strcmp(e->name, ".") || !strcmp(e->name, ".."))
				dots += e->type == DT_DIR;
			else if (!strcmp(e->name, "dir"))
				CHECK_EQ(e->type, DT_DIR);
			else if (!strcmp(e->name, "sym"))
				CHECK_EQ(e->type, DT_LNK);
			else {
				CHECK_EQ(e->type, DT_REG);
				seen++;
			}
			at += e->len;
		}
	CHECK_EQ(seen, 50);
	CHECK_EQ(dots, 2);
	CHECK_EQ(lseek(d, 0, SEEK_SET), 0);
	CHECK(syscall(SYS_getdents64, d, buf, sizeof(buf)) > 50 * 24);
}

ABI_TEST(getdents_resumes_at_an_offset)
{
	static char buf[4096] __attribute__((aligned(8))), again[4096] __attribute__((aligned(8)));

	OK(mkdir("d", 0755));
	for (char c = 'a'; c < 'i'; c++)
		close(make((char[]){ 'd', '/', c, 0 }));
	int d = OK(open("d", O_RDONLY));
	long n = OK(syscall(SYS_getdents64, d, buf, sizeof(buf)));
	for (long at = 0; at < n; at += ((struct entry *)(buf + at))->len) {
		struct entry *e = (struct entry *)(buf + at), *next = (struct entry *)(buf + at + e->len);
		OK(lseek(d, e->off, SEEK_SET));
		long m = OK(syscall(SYS_getdents64, d, again, sizeof(again)));
		if (at + e->len >= n)
			CHECK_EQ(m, 0);
		else
			CHECK_STR(((struct entry *)again)->name, next->name);
	}
}

ABI_TEST(removal_while_listing)
{
	static char buf[4096] __attribute__((aligned(8)));
	char name[16];
	int seen = 0;
	long n;

	OK(mkdir("d", 0755));
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		close(make(name));
	}
	int d = OK(open("d", O_RDONLY));
	while ((n = OK(syscall(SYS_getdents64, d, buf, 200))) > 0)
		for (long at = 0; at < n; at += ((struct entry *)(buf + at))->len) {
			struct entry *e = (struct entry *)(buf + at);
			if (e->name[0] == '.')
				continue;
			OK(unlinkat(d, e->name, 0));
			seen++;
		}
	CHECK_EQ(seen, 100);
	OK(rmdir("d"));
}

ABI_TEST(getdents_arguments)
{
	char buf[512];
	int d = OK(open(".", O_RDONLY)), f = make("f");

	CHECK_ERRNO(syscall(SYS_getdents64, f, buf, sizeof(buf)), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_getdents64, -1, buf, sizeof(buf)), EBADF);
	CHECK_ERRNO(syscall(SYS_getdents64, d, buf, 10), EINVAL);	// too small for one entry
	CHECK_ERRNO(syscall(SYS_getdents64, d, BAD, sizeof(buf)), EFAULT);
	OK(mkdir("gone", 0755));
	d = OK(open("gone", O_RDONLY));
	OK(rmdir("gone"));
	CHECK_ERRNO(syscall(SYS_getdents64, d, buf, sizeof(buf)), ENOENT);
}

ABI_TEST(flock_excludes)
{
	int a = make("f"), b = OK(open("f", O_RDONLY)), c = OK(dup(a));

	OK(flock(a, LOCK_EX));
	CHECK_ERRNO(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(c, LOCK_EX | LOCK_NB), 0);	// the same open file
	OK(flock(a, LOCK_SH));
	CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
	CHECK_ERRNO(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	OK(flock(a, LOCK_UN));
	CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
	close(b);
	CHECK_EQ(flock(c, LOCK_EX | LOCK_NB), 0);
	CHECK_ERRNO(flock(a, 0), EINVAL);
	CHECK_ERRNO(flock(-1, LOCK_SH), EBADF);
}

ABI_TEST(record_locks)
{
	int fd = make("f");
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	pid_t me = getpid();

	OK(fcntl(fd, F_SETLK, &l));
	CHECK_CHILD(
		struct flock m = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0 };
		OK(fcntl(fd, F_GETLK, &m));
		CHECK_EQ(m.l_type, F_WRLCK);
		CHECK_EQ(m.l_start, 10);
		CHECK_EQ(m.l_len, 10);
		CHECK_EQ(m.l_pid, me);
		m = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 15, .l_len = 1 };
		CHECK_ERRNO(fcntl(fd, F_SETLK, &m), EAGAIN);
		m.l_start = 20;
		OK(fcntl(fd, F_SETLK, &m)));
	l = (struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 12, .l_len = 2 };
	OK(fcntl(fd, F_SETLK, &l));			// splits
	CHECK_CHILD(
		struct flock m = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 12, .l_len = 2 };
		OK(fcntl(fd, F_SETLK, &m));
		m.l_len = 3;
		CHECK_ERRNO(fcntl(fd, F_SETLK, &m), EAGAIN));
	close(OK(open("f", O_RDONLY)));			// any close of the file drops the process's locks
	CHECK_CHILD(
		struct flock m = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		OK(fcntl(fd, F_SETLK, &m)));
	l.l_type = 17;
	CHECK_ERRNO(fcntl(fd, F_SETLK, &l), EINVAL);
	CHECK_ERRNO(fcntl(fd, F_SETLK, BAD), EFAULT);
	int r = OK(open("f", O_RDONLY));
	l = (struct flock){ .l_type = F_WRLCK };
	CHECK_ERRNO(fcntl(r, F_SETLK, &l), EBADF);
}

ABI_TEST(record_lock_waits)
{
	int fd = make("f");
	struct flock l = { .l_type = F_WRLCK };

	OK(fcntl(fd, F_SETLK, &l));
	pid_t pid = OK(fork());
	if (pid == 0) {
		struct flock m = { .l_type = F_WRLCK };
		OK(fcntl(fd, F_SETLKW, &m));
		_exit(0);
	}
	abi_wait_asleep(pid);
	l.l_type = F_UNLCK;
	OK(fcntl(fd, F_SETLK, &l));
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(open_file_description_locks)
{
	int a = make("f"), b = OK(open("f", O_RDWR));
	struct flock l = { .l_type = F_WRLCK };

	OK(fcntl(a, F_OFD_SETLK, &l));
	l = (struct flock){ .l_type = F_WRLCK };
	CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &l), EAGAIN);
	OK(fcntl(b, F_OFD_GETLK, &l));
	CHECK_EQ(l.l_type, F_WRLCK);
	CHECK_EQ(l.l_pid, -1);
	close(OK(open("f", O_RDONLY)));
	l = (struct flock){ .l_type = F_WRLCK };
	CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &l), EAGAIN);	// closing another file drops nothing
	close(a);
	OK(fcntl(b, F_OFD_SETLK, &l));
	l.l_pid = 1;
	CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &l), EINVAL);
}

ABI_TEST(cloexec_ioctls)
{
	int fd = make("f");

	OK(ioctl(fd, FIOCLEX));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	OK(ioctl(fd, FIONCLEX));
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	OK(ioctl(fd, FIONBIO, &(int){ 1 }));
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_ERRNO(ioctl(fd, 0x12345678, 0), ENOTTY);
	CHECK_ERRNO(ioctl(-1, FIOCLEX), EBADF);
	int n;
	CHECK_EQ(write(fd, "hello", 5), 5);
	OK(lseek(fd, 1, SEEK_SET));
	OK(ioctl(fd, FIONREAD, &n));
	CHECK_EQ(n, 4);
	CHECK_EQ(lowest(), fd + 1);
}
