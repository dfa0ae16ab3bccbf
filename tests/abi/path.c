// Names: mkdir, rmdir, link, symlink, unlink, rename, chmod, chown, access, utimensat, umask, chdir, getcwd, chroot, and the walk itself.
#include "abi.h"
#include <sys/sysmacros.h>

static mode_t mode_of(const char *p)
{
	struct stat st;

	OK(lstat(p, &st));
	return st.st_mode & 07777;
}

static nlink_t links(const char *p)
{
	struct stat st;

	OK(lstat(p, &st));
	return st.st_nlink;
}

static bool there(const char *p)
{
	struct stat st;

	return lstat(p, &st) == 0;
}

static void touch(const char *p)
{
	close(OK(open(p, O_WRONLY | O_CREAT, 0644)));
}

ABI_TEST(mkdir_and_rmdir)
{
	umask(022);
	OK(mkdir("d", 0777));
	CHECK_EQ(mode_of("d"), 0755);
	CHECK_EQ(links("d"), 2);
	OK(mkdir("d/e", 07777));
	CHECK_EQ(mode_of("d/e"), 01755);		// only the sticky bit
	CHECK_EQ(links("d"), 3);
	CHECK_ERRNO(mkdir("d", 0777), EEXIST);
	CHECK_ERRNO(mkdir("no/d", 0777), ENOENT);
	CHECK_ERRNO(mkdir("", 0777), ENOENT);
	CHECK_ERRNO(mkdir("/", 0777), EEXIST);
	CHECK_ERRNO(mkdir("d/.", 0777), EEXIST);
	CHECK_ERRNO(mkdir("d/..", 0777), EEXIST);
	touch("f");
	CHECK_ERRNO(mkdir("f", 0777), EEXIST);
	CHECK_ERRNO(mkdir("f/d", 0777), ENOTDIR);
	OK(mkdir("slash///", 0777));
	CHECK_ERRNO(rmdir("d"), ENOTEMPTY);
	CHECK_ERRNO(rmdir("f"), ENOTDIR);
	CHECK_ERRNO(rmdir("none"), ENOENT);
	CHECK_ERRNO(rmdir("d/."), EINVAL);
	CHECK_ERRNO(rmdir("d/e/.."), ENOTEMPTY);
	CHECK_ERRNO(rmdir("/"), EBUSY);
	OK(rmdir("d/e/"));
	CHECK_EQ(links("d"), 2);
	OK(rmdir("d"));
}

ABI_TEST(a_removed_directory)
{
	char buf[100];

	OK(mkdir("d", 0755));
	OK(chdir("d"));
	OK(rmdir("../d"));
	CHECK_ERRNO(syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT);
	CHECK_ERRNO(open("f", O_CREAT | O_RDWR, 0600), ENOENT);
	CHECK_ERRNO(mkdir("x", 0700), ENOENT);
	CHECK_EQ(links("."), 0);
	OK(chdir(".."));
}

ABI_TEST(hard_links)
{
	abi_write_file("a", "hello");
	OK(link("a", "b"));
	CHECK_EQ(links("a"), 2);
	CHECK_ERRNO(link("a", "b"), EEXIST);
	CHECK_ERRNO(link("none", "c"), ENOENT);
	CHECK_ERRNO(link("a", "no/c"), ENOENT);
	CHECK_ERRNO(link("a", "c/"), ENOENT);
	OK(mkdir("d", 0755));
	CHECK_ERRNO(link("d", "e"), EPERM);
	CHECK_ERRNO(link("a", "/dev/abi-link"), EXDEV);
	OK(symlink("a", "s"));
	OK(link("s", "s2"));			// of the symbolic link itself
	CHECK_EQ(links("s"), 2);
	OK(linkat(AT_FDCWD, "s", AT_FDCWD, "c", AT_SYMLINK_FOLLOW));
	CHECK_EQ(links("a"), 3);
	CHECK_ERRNO(linkat(AT_FDCWD, "a", AT_FDCWD, "x", 0x8000), EINVAL);
	int fd = OK(open("a", O_RDONLY));
	OK(linkat(fd, "", AT_FDCWD, "e", AT_EMPTY_PATH));
	CHECK_EQ(links("a"), 4);
	OK(unlink("a"));
	CHECK_EQ(links("e"), 3);
}

ABI_TEST(symbolic_links)
{
	char buf[PATH_MAX + 1];
	struct stat st;

	OK(symlink("target/of it", "s"));
	memset(buf, 'z', sizeof(buf));
	CHECK_EQ(readlink("s", buf, sizeof(buf)), 12);
	CHECK(!memcmp(buf, "target/of itz", 13));	// not terminated
	CHECK_EQ(readlink("s", buf, 3), 3);
	CHECK_ERRNO(syscall(SYS_readlink, "s", buf, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_readlink, "s", buf, -1), EINVAL);
	CHECK_ERRNO(readlink("s", BAD, 5), EFAULT);
	OK(lstat("s", &st));
	CHECK_EQ(st.st_mode, S_IFLNK | 0777);
	CHECK_EQ(st.st_size, 12);
	CHECK_ERRNO(symlink("x", "s"), EEXIST);
	CHECK_ERRNO(symlink("", "t"), ENOENT);
	CHECK_ERRNO(symlink("x", ""), ENOENT);
	CHECK_ERRNO(symlink("x", "new/"), ENOENT);
	touch("f");
	CHECK_ERRNO(readlink("f", buf, 5), EINVAL);
	CHECK_ERRNO(readlink("none", buf, 5), ENOENT);
	memset(buf, 'x', sizeof(buf));
	buf[PATH_MAX - 1] = 0;
	OK(symlink(buf, "long"));
	CHECK_EQ(readlink("long", buf, sizeof(buf)), PATH_MAX - 1);
	memset(buf, 'x', sizeof(buf));
	buf[PATH_MAX] = 0;
	CHECK_ERRNO(symlink(buf, "longer"), ENAMETOOLONG);
}

ABI_TEST(links_are_followed_forty_times)
{
	char from[8], to[8];

	touch("l0");
	for (int i = 1; i <= 41; i++) {
		snprintf(from, sizeof(from), "l%d", i);
		snprintf(to, sizeof(to), "l%d", i - 1);
		OK(symlink(to, from));
	}
	OK(open("l40", O_RDONLY));
	CHECK_ERRNO(open("l41", O_RDONLY), ELOOP);
	OK(symlink("self", "self"));
	CHECK_ERRNO(open("self", O_RDONLY), ELOOP);
	CHECK_ERRNO(open("self/x", O_RDONLY), ELOOP);
	CHECK_ERRNO(chdir("self"), ELOOP);
	struct stat st;
	OK(lstat("self", &st));
}

ABI_TEST(links_in_the_middle)
{
	char cwd[100], to[200];

	OK(mkdir("d", 0755));
	OK(mkdir("d/e", 0755));
	touch("d/e/f");
	OK(symlink("d/e", "rel"));
	OK(symlink("..", "d/e/up"));
	CHECK(getcwd(cwd, sizeof(cwd)));
	snprintf(to, sizeof(to), "%s/d", cwd);
	OK(symlink(to, "abs"));
	CHECK(there("rel/f"));
	CHECK(there("abs/e/f"));
	CHECK(there("rel/../e/f"));		// .. of where the link led
	CHECK(there("rel/up/e/f"));
	CHECK(there("abs/e/up/e/../e/./f"));
	OK(chdir("rel"));
	CHECK(getcwd(to, sizeof(to)));
	CHECK_EQ(strcmp(to + strlen(cwd), "/d/e"), 0);
}

ABI_TEST(name_and_path_lengths)
{
	char name[300], path[PATH_MAX + 10];

	memset(name, 'n', sizeof(name));
	name[255] = 0;
	touch(name);
	name[255] = 'n';
	name[256] = 0;
	CHECK_ERRNO(open(name, O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
	CHECK_ERRNO(mkdir(name, 0700), ENAMETOOLONG);
	struct stat st;
	CHECK_ERRNO(stat(name, &st), ENAMETOOLONG);
	memset(path, '/', sizeof(path));
	path[PATH_MAX - 1] = 0;
	OK(stat(path, &st));
	path[PATH_MAX - 1] = '/';
	path[PATH_MAX] = 0;
	CHECK_ERRNO(stat(path, &st), ENAMETOOLONG);
	CHECK_ERRNO(stat("", &st), ENOENT);
	CHECK_ERRNO(syscall(SYS_stat, BAD, &st), EFAULT);
	CHECK_ERRNO(syscall(SYS_stat, "/", BAD), EFAULT);
	// A path that ends at the end of a mapping, and one that runs over it.
	char *p = abi_guarded(2);
	memcpy(p, "/", 2);
	OK(stat(p, &st));
	memcpy(p, "//", 2);
	CHECK_ERRNO(syscall(SYS_stat, p, &st), EFAULT);
}

ABI_TEST(files_are_no_directories)
{
	struct stat st;

	touch("f");
	CHECK_ERRNO(stat("f/", &st), ENOTDIR);
	CHECK_ERRNO(stat("f/.", &st), ENOTDIR);
	CHECK_ERRNO(stat("f/..", &st), ENOTDIR);
	CHECK_ERRNO(stat("f/x", &st), ENOTDIR);
	CHECK_ERRNO(open("f/", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(unlink("f/"), ENOTDIR);
	CHECK_ERRNO(chdir("f"), ENOTDIR);
	OK(symlink("f", "s"));
	CHECK_ERRNO(lstat("s/", &st), ENOTDIR);
	OK(mkdir("d", 0755));
	OK(symlink("d", "sd"));
	OK(lstat("sd/", &st));
	CHECK(S_ISDIR(st.st_mode));		// a slash follows
	OK(lstat("sd", &st));
	CHECK(S_ISLNK(st.st_mode));
	CHECK_ERRNO(rmdir("sd/"), ENOTDIR);
	CHECK_ERRNO(rmdir("sd"), ENOTDIR);
}

ABI_TEST(unlinking)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0600));
	char c;

	CHECK_EQ(write(fd, "x", 1), 1);
	OK(unlink("f"));
	CHECK(!there("f"));
	CHECK_EQ(pread(fd, &c, 1, 0), 1);	// lives while it is open
	struct stat st;
	OK(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_ERRNO(unlink("f"), ENOENT);
	OK(mkdir("d", 0755));
	CHECK_ERRNO(unlink("d"), EISDIR);
	CHECK_ERRNO(unlink("/"), EISDIR);
	CHECK_ERRNO(unlinkat(AT_FDCWD, "d", 0x8000), EINVAL);
	OK(symlink("d", "s"));
	OK(unlink("s"));
	CHECK(there("d"));
	OK(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
	CHECK_ERRNO(unlinkat(-1, "x", 0), EBADF);
}

ABI_TEST(rename_replaces)
{
	char buf[8];

	abi_write_file("a", "A");
	abi_write_file("b", "B");
	OK(rename("a", "b"));
	CHECK(!there("a"));
	abi_read_file("b", buf, 8);
	CHECK_STR(buf, "A");
	OK(rename("b", "b"));
	OK(link("b", "c"));
	OK(rename("b", "c"));			// the same file: nothing happens
	CHECK(there("b") && there("c"));
	CHECK_ERRNO(rename("none", "x"), ENOENT);
	CHECK_ERRNO(rename("b", "no/x"), ENOENT);
	CHECK_ERRNO(rename("b", "/proc/x"), EXDEV);
	CHECK_ERRNO(rename("b", "x/"), ENOTDIR);
}

ABI_TEST(rename_of_directories)
{
	OK(mkdir("d", 0755));
	OK(mkdir("d/e", 0755));
	OK(mkdir("empty", 0755));
	touch("f");
	CHECK_ERRNO(rename("d", "d/e/x"), EINVAL);
	CHECK_ERRNO(rename("d", "f"), ENOTDIR);
	CHECK_ERRNO(rename("f", "d"), EISDIR);
	CHECK_ERRNO(rename("empty", "d"), ENOTEMPTY);
	CHECK_ERRNO(rename("d/e", "d"), ENOTEMPTY);
	CHECK_ERRNO(rename("d/.", "x"), EBUSY);
	CHECK_ERRNO(rename("d/..", "x"), EBUSY);
	CHECK_ERRNO(rename("f/", "x"), ENOTDIR);
	OK(rename("d", "empty"));
	CHECK(there("empty/e"));
	CHECK_EQ(links("empty"), 3);
	OK(rename("empty/e/", "up/"));
	CHECK_EQ(links("empty"), 2);
	CHECK_EQ(links("."), 4);
	OK(chdir("up"));
	OK(rename("../up", "../moved"));
	char cwd[200];
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK_STR(strrchr(cwd, '/'), "/moved");
}

ABI_TEST(renameat2_flags)
{
	char buf[8];

	abi_write_file("a", "A");
	abi_write_file("b", "B");
	OK(mkdir("d", 0755));
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", 1 /* NOREPLACE */), EEXIST);
	OK(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "c", 1));
	OK(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "c", 2 /* EXCHANGE */));
	abi_read_file("b", buf, 8);
	CHECK_STR(buf, "A");
	OK(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "d", 2));
	CHECK(mode_of("b") == 0755 && mode_of("d") == 0644);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "none", 2), ENOENT);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "c", 3), EINVAL);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "c", 8), EINVAL);
}

ABI_TEST(sticky_directories)
{
	umask(0);
	OK(mkdir("d", 01777));
	OK(mkdir("plain", 0777));
	touch("d/root");
	touch("plain/root");
	CHECK_CHILD(
		abi_drop(1000);
		touch("d/mine");
		CHECK_ERRNO(unlink("d/root"), EPERM);
		CHECK_ERRNO(rename("d/root", "d/x"), EPERM);
		CHECK_ERRNO(rename("d/mine", "d/root"), EPERM);
		OK(unlink("plain/root"));
		OK(unlink("d/mine")));
}

ABI_TEST(chmod_rules)
{
	umask(0);
	touch("f");
	OK(chmod("f", 07654));
	CHECK_EQ(mode_of("f"), 07654);
	OK(chmod("f", 0170600));		// the type bits do not matter
	CHECK_EQ(mode_of("f"), 0600);
	int fd = OK(open("f", O_RDONLY));
	OK(fchmod(fd, 0644));
	CHECK_EQ(mode_of("f"), 0644);
	OK(symlink("f", "s"));
	OK(chmod("s", 0611));
	CHECK_EQ(mode_of("f"), 0611);
	CHECK_ERRNO(syscall(452 /* fchmodat2 */, AT_FDCWD, "s", 0600, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
	OK(syscall(452, fd, "", 0640, AT_EMPTY_PATH));
	CHECK_EQ(mode_of("f"), 0640);
	CHECK_ERRNO(syscall(452, AT_FDCWD, "f", 0600, 1), EINVAL);
	CHECK_ERRNO(chmod("none", 0600), ENOENT);
	CHECK_CHILD(abi_drop(1000); CHECK_ERRNO(chmod("f", 0777), EPERM); CHECK_ERRNO(chmod("/proc/version", 0777), EPERM));
	OK(chown("f", 1000, 2000));
	CHECK_CHILD(
		abi_drop(1000);
		OK(chmod("f", 02755)));
	CHECK_EQ(mode_of("f"), 0755);		// not a member of the group: no set-group-ID
}

ABI_TEST(chown_rules)
{
	struct stat st;

	umask(0);
	touch("f");
	OK(chown("f", 1000, 2000));
	OK(stat("f", &st));
	CHECK(st.st_uid == 1000 && st.st_gid == 2000);
	OK(chown("f", -1, 1000));
	OK(chown("f", -1, -1));
	OK(stat("f", &st));
	CHECK(st.st_uid == 1000 && st.st_gid == 1000);
	OK(chmod("f", 06777));
	OK(chown("f", 1000, 1000));		// takes the set-ID bits even of the superuser
	CHECK_EQ(mode_of("f"), 0777);
	OK(chmod("f", 02666));
	OK(chown("f", 1000, 1000));
	CHECK_EQ(mode_of("f"), 02666);		// not set-group-ID without group execution
	OK(chmod("f", 0666));
	CHECK_CHILD(
		abi_drop(1000);
		OK(chown("f", -1, 1000));
		CHECK_ERRNO(chown("f", 1001, -1), EPERM);
		CHECK_ERRNO(chown("f", -1, 2000), EPERM);
		CHECK_ERRNO(chown("f", 0, 0), EPERM));
	CHECK_CHILD(abi_drop(1001); CHECK_ERRNO(chown("f", -1, 1001), EPERM); OK(chown("f", -1, -1)));
	OK(symlink("f", "s"));
	OK(lchown("s", 5, 6));
	OK(lstat("s", &st));
	CHECK(st.st_uid == 5 && st.st_gid == 6);
	OK(stat("s", &st));
	CHECK_EQ(st.st_uid, 1000);
	int fd = OK(open("f", O_RDONLY));
	OK(fchown(fd, 7, 8));
	OK(fchownat(fd, "", 9, -1, AT_EMPTY_PATH));
	OK(fstat(fd, &st));
	CHECK(st.st_uid == 9 && st.st_gid == 8);
	CHECK_ERRNO(fchownat(AT_FDCWD, "f", 0, 0, 1), EINVAL);
}

ABI_TEST(set_group_id_directories)
{
	struct stat st;

	umask(0);
	OK(mkdir("d", 0777));
	OK(chown("d", 0, 2000));
	OK(chmod("d", 02777));
	touch("d/f");
	OK(mkdir("d/e", 0755));
	OK(stat("d/f", &st));
	CHECK_EQ(st.st_gid, 2000);
	OK(stat("d/e", &st));
	CHECK_EQ(st.st_gid, 2000);
	CHECK_EQ(st.st_mode & 07777, 02755);
}

ABI_TEST(permission_classes)
{
	umask(0);
	touch("f");
	OK(chown("f", 1000, 1001));
	OK(chmod("f", 0407));
	CHECK_CHILD(abi_drop(1000); OK(open("f", O_RDONLY)); CHECK_ERRNO(open("f", O_RDWR), EACCES));
	CHECK_CHILD(abi_drop(1001); CHECK_ERRNO(open("f", O_RDONLY), EACCES));		// the group has none, though others have
	CHECK_CHILD(abi_drop(1002); OK(open("f", O_RDWR)));
	OK(open("f", O_RDWR));
	OK(chmod("f", 0));
	OK(open("f", O_RDWR));				// the superuser
	OK(mkdir("d", 0700));
	touch("d/x");
	CHECK_CHILD(abi_drop(1000); CHECK_ERRNO(open("d/x", O_RDONLY), EACCES); CHECK_ERRNO(chdir("d"), EACCES));
	OK(chmod("d", 0711));
	CHECK_CHILD(
		abi_drop(1000);
		OK(open("d/x", O_RDONLY));
		CHECK_ERRNO(open("d", O_RDONLY), EACCES);
		CHECK_ERRNO(open("d/new", O_CREAT | O_RDWR, 0600), EACCES);
		CHECK_ERRNO(unlink("d/x"), EACCES));
	OK(chmod("d", 0744));
	CHECK_CHILD(abi_drop(1000); OK(open("d", O_RDONLY)); CHECK_ERRNO(open("d/x", O_RDONLY), EACCES));
}

ABI_TEST(access_asks_for_the_real_user)
{
	umask(0);
	touch("f");
	CHECK_EQ(access("f", F_OK), 0);
	CHECK_EQ(access("f", R_OK | W_OK), 0);
	CHECK_ERRNO(access("f", X_OK), EACCES);		// nobody may execute: nor may the superuser
	CHECK_ERRNO(access("none", F_OK), ENOENT);
	CHECK_ERRNO(access("f", 8), EINVAL);
	OK(chmod("f", 0600));
	CHECK_CHILD(
		OK(setresuid(1000, 0, 0));
		CHECK_ERRNO(access("f", R_OK), EACCES);
		CHECK_EQ(syscall(439 /* faccessat2 */, AT_FDCWD, "f", R_OK, AT_EACCESS), 0);
		OK(open("f", O_RDWR)));
	OK(symlink("none", "s"));
	CHECK_ERRNO(access("s", F_OK), ENOENT);
	CHECK_EQ(syscall(439, AT_FDCWD, "s", F_OK, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_ERRNO(syscall(439, AT_FDCWD, "f", F_OK, 1), EINVAL);
	CHECK_EQ(syscall(439, OK(open("f", O_RDONLY)), "", R_OK, AT_EMPTY_PATH), 0);
}

ABI_TEST(utimensat_sets)
{
	struct timespec t[2] = { { 1000, 1 }, { 2000, 999999999 } };
	struct stat st;

	touch("f");
	OK(utimensat(AT_FDCWD, "f", t, 0));
	OK(stat("f", &st));
	CHECK(st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 1);
	CHECK(st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 999999999);
	CHECK(st.st_ctim.tv_sec != 2000);
	t[0].tv_nsec = UTIME_OMIT;
	t[1] = (struct timespec){ -5, 0 };
	OK(utimensat(AT_FDCWD, "f", t, 0));
	OK(stat("f", &st));
	CHECK_EQ(st.st_atim.tv_sec, 1000);
	CHECK_EQ(st.st_mtim.tv_sec, -5);
	t[1].tv_nsec = UTIME_NOW;
	OK(utimensat(AT_FDCWD, "f", t, 0));
	OK(stat("f", &st));
	CHECK_EQ(st.st_mtim.tv_sec, st.st_ctim.tv_sec);
	int fd = OK(open("f", O_RDONLY));
	OK(syscall(SYS_utimensat, fd, NULL, NULL, 0));
	t[0].tv_nsec = 1000000000;
	CHECK_ERRNO(utimensat(AT_FDCWD, "f", t, 0), EINVAL);
	CHECK_ERRNO(utimensat(AT_FDCWD, "f", NULL, 1), EINVAL);
	CHECK_ERRNO(utimensat(AT_FDCWD, "none", NULL, 0), ENOENT);
	CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, "f", BAD, 0), EFAULT);
	OK(chmod("f", 0666));
	t[0] = t[1] = (struct timespec){ 7, 7 };
	CHECK_CHILD(
		abi_drop(1000);
		OK(utimensat(AT_FDCWD, "f", NULL, 0));			// who may write may set the present
		CHECK_ERRNO(utimensat(AT_FDCWD, "f", t, 0), EPERM));
	OK(chmod("f", 0644));
	CHECK_CHILD(abi_drop(1000); CHECK_ERRNO(utimensat(AT_FDCWD, "f", NULL, 0), EACCES));
	OK(symlink("f", "s"));
	OK(utimensat(AT_FDCWD, "s", t, AT_SYMLINK_NOFOLLOW));
	OK(lstat("s", &st));
	CHECK_EQ(st.st_mtim.tv_sec, 7);
}

ABI_TEST(umask_value)
{
	CHECK_EQ(umask(0177777), 022);
	CHECK_EQ(umask(0), 0777);
	CHECK_CHILD(umask(077));
	CHECK_EQ(umask(022), 0);
	CHECK_STR(abi_field("/proc/self/status", "Umask"), "0022");
}

ABI_TEST(current_directory)
{
	char a[200], b[200];

	CHECK(getcwd(a, sizeof(a)));
	CHECK_EQ(syscall(SYS_getcwd, b, sizeof(b)), (long)strlen(a) + 1);
	CHECK_ERRNO(syscall(SYS_getcwd, b, strlen(a)), ERANGE);
	CHECK_ERRNO(syscall(SYS_getcwd, BAD, 200), EFAULT);
	OK(mkdir("d", 0755));
	int here = OK(open(".", O_RDONLY)), d = OK(open("d", O_RDONLY));
	OK(fchdir(d));
	CHECK(getcwd(b, sizeof(b)));
	CHECK(!strncmp(a, b, strlen(a)));
	CHECK_STR(b + strlen(a), "/d");
	OK(fchdir(here));
	CHECK_CHILD(OK(chdir("d")));
	CHECK(getcwd(b, sizeof(b)));
	CHECK_STR(a, b);
	touch("f");
	CHECK_ERRNO(fchdir(OK(open("f", O_RDONLY))), ENOTDIR);
	CHECK_ERRNO(fchdir(-1), EBADF);
	CHECK_ERRNO(chdir("none"), ENOENT);
	CHECK_ERRNO(chdir(""), ENOENT);
	OK(chdir("/"));
	OK(chdir(".."));
	CHECK_EQ(syscall(SYS_getcwd, b, sizeof(b)), 2);
	CHECK_STR(b, "/");
	CHECK_EQ(readlink("/proc/self/cwd", b, sizeof(b)), 1);
}

ABI_TEST(root_directory)
{
	char b[200];
	int out = OK(open(".", O_RDONLY));

	OK(mkdir("jail", 0755));
	touch("jail/in");
	touch("outside");
	CHECK_CHILD(abi_drop(1000); CHECK_ERRNO(chroot("jail"), EPERM));
	CHECK_ERRNO(chroot("outside"), ENOTDIR);
	CHECK_ERRNO(chroot("none"), ENOENT);
	OK(chroot("jail"));
	CHECK(there("/in"));
	CHECK(there("outside"));			// the current directory stays where it was
	CHECK(syscall(SYS_getcwd, b, sizeof(b)) > 0);
	CHECK(!strncmp(b, "(unreachable)/", 14));
	OK(chdir("/"));
	OK(chdir(".."));
	CHECK(there("in"));
	CHECK(!there("/outside"));
	OK(symlink("/in", "abs"));
	OK(open("abs", O_RDONLY));
	OK(fchdir(out));
	CHECK(there("outside"));
}

ABI_TEST(device_nodes)
{
	struct stat st;
	char c;

	umask(0);
	OK(mknod("null", S_IFCHR | 0600, makedev(1, 3)));
	OK(stat("null", &st));
	CHECK_EQ(st.st_mode, S_IFCHR | 0600);
	CHECK_EQ(st.st_rdev, makedev(1, 3));
	int fd = OK(open("null", O_RDWR));
	CHECK_EQ(read(fd, &c, 1), 0);
	CHECK_EQ(write(fd, &c, 1), 1);
	OK(mknod("reg", 0644, 0));
	CHECK_EQ(mode_of("reg"), 0644);
	OK(mknod("sock", S_IFSOCK | 0600, 0));
	CHECK_ERRNO(open("sock", O_RDONLY), ENXIO);
	OK(mknod("nodev", S_IFCHR | 0600, makedev(240, 9)));
	CHECK_ERRNO(open("nodev", O_RDONLY), ENXIO);
	CHECK_ERRNO(mknod("d", S_IFDIR | 0755, 0), EPERM);
	CHECK_ERRNO(mknod("x", 0150000, 0), EINVAL);
	CHECK_ERRNO(mknod("reg", 0644, 0), EEXIST);
	CHECK_CHILD(
		abi_drop(1000);
		CHECK_ERRNO(mknod("dev", S_IFCHR | 0600, makedev(1, 3)), EPERM);
		OK(mknod("fifo", S_IFIFO | 0600, 0)));
}

ABI_TEST(deep_trees)
{
	char b[PATH_MAX];
	int depth = 0;

	for (; depth < 600; depth++) {
		OK(mkdir("0123456789", 0755));
		OK(chdir("0123456789"));
	}
	CHECK_ERRNO(syscall(SYS_getcwd, b, sizeof(b)), ENAMETOOLONG);
	for (; depth > 0; depth--) {
		OK(chdir(".."));
		OK(rmdir("0123456789"));
	}
}
