// mount(2), umount2(2), pivot_root(2). The cases run in a mount namespace of their own.
#include "abi.h"
#include <sys/mount.h>

static void own_namespace(void)
{
	OK(unshare(CLONE_NEWNS));
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
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

static void tmpfs_at(const char *p)
{
	OK(mkdir(p, 0755));
	OK(mount("none", p, "tmpfs", 0, NULL));
}

ABI_TEST(a_mount_covers)
{
	own_namespace();
	OK(mkdir("m", 0755));
	touch("m/under");
	OK(mount("none", "m", "tmpfs", 0, "mode=711,size=1m,uid=5"));
	CHECK(!there("m/under"));
	struct stat st, here;
	OK(stat("m", &st));
	OK(stat(".", &here));
	CHECK_EQ(st.st_mode & 07777, 0711);
	CHECK_EQ(st.st_uid, 5);
	CHECK(st.st_dev != here.st_dev);
	touch("m/f");
	CHECK_ERRNO(rename("m/f", "f"), EXDEV);
	CHECK_ERRNO(link("m/f", "f"), EXDEV);
	CHECK(there("m/../m/f"));
	OK(umount("m"));
	CHECK(there("m/under"));
	CHECK(!there("m/f"));
}

ABI_TEST(mount_errors)
{
	own_namespace();
	OK(mkdir("m", 0755));
	touch("f");
	CHECK_ERRNO(mount("none", "m", "nosuchfs", 0, NULL), ENODEV);
	CHECK_ERRNO(mount("none", "none", "tmpfs", 0, NULL), ENOENT);
	CHECK_ERRNO(mount("none", "f", "tmpfs", 0, NULL), ENOTDIR);
	CHECK_ERRNO(mount("none", "m", "tmpfs", 0, "nosuchoption"), EINVAL);
	CHECK_ERRNO(mount("none", "m", NULL, 0, NULL), EINVAL);
	CHECK_ERRNO(mount("none", "m", BAD, 0, NULL), EFAULT);
	CHECK_ERRNO(mount("none", BAD, "tmpfs", 0, NULL), EFAULT);
	CHECK_ERRNO(umount("m"), EINVAL);
	CHECK_ERRNO(umount("none"), ENOENT);
	CHECK_ERRNO(umount2("m", 0x100), EINVAL);
	CHECK_CHILD(
		abi_drop(1000);
		CHECK_ERRNO(mount("none", "m", "tmpfs", 0, NULL), EPERM);
		CHECK_ERRNO(umount("/proc"), EPERM));
}

ABI_TEST(mounts_stack)
{
	own_namespace();
	tmpfs_at("m");
	touch("m/1");
	OK(mount("none", "m", "tmpfs", 0, NULL));
	touch("m/2");
	CHECK(!there("m/1"));
	OK(umount("m"));
	CHECK(there("m/1") && !there("m/2"));
	OK(umount("m"));
}

ABI_TEST(busy)
{
	own_namespace();
	tmpfs_at("m");
	int fd = OK(open("m/f", O_RDWR | O_CREAT, 0600));
	CHECK_ERRNO(umount("m"), EBUSY);
	CHECK_ERRNO(rmdir("m"), EBUSY);
	CHECK_ERRNO(rename("m", "n"), EBUSY);
	OK(umount2("m", MNT_DETACH));		// gone from the tree, alive until it is closed
	CHECK(!there("m/f"));
	CHECK_EQ(write(fd, "x", 1), 1);
	close(fd);
	OK(mount("none", "m", "tmpfs", 0, NULL));
	OK(chdir("m"));
	CHECK_ERRNO(umount("../m"), EBUSY);
	OK(chdir(".."));
	tmpfs_at("m/sub");
	CHECK_ERRNO(umount("m"), EBUSY);
	OK(umount2("m", MNT_DETACH));
}

ABI_TEST(expiry)
{
	own_namespace();
	tmpfs_at("m");
	CHECK_ERRNO(umount2("m", MNT_EXPIRE), EAGAIN);		// marks
	OK(umount2("m", MNT_EXPIRE));				// and takes if it was not used since
	OK(mount("none", "m", "tmpfs", 0, NULL));
	CHECK_ERRNO(umount2("m", MNT_EXPIRE | MNT_DETACH), EINVAL);
}

ABI_TEST(umount_nofollow)
{
	own_namespace();
	tmpfs_at("m");
	OK(symlink("m", "s"));
	CHECK_ERRNO(umount2("s", UMOUNT_NOFOLLOW), EINVAL);
	OK(umount2("s", 0));
}

ABI_TEST(read_only)
{
	own_namespace();
	tmpfs_at("m");
	abi_write_file("m/f", "x");
	int fd = OK(open("m/f", O_RDWR));
	CHECK_ERRNO(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);	// open for writing
	close(fd);
	OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	CHECK_ERRNO(open("m/f", O_RDWR), EROFS);
	CHECK_ERRNO(open("m/new", O_RDWR | O_CREAT, 0600), EROFS);
	OK(open("m/f", O_RDONLY | O_CREAT, 0600));
	CHECK_ERRNO(open("m/f", O_RDONLY | O_TRUNC), EROFS);
	CHECK_ERRNO(mkdir("m/d", 0755), EROFS);
	CHECK_ERRNO(mkdir("m/f", 0755), EEXIST);
	CHECK_ERRNO(unlink("m/f"), EROFS);
	CHECK_ERRNO(rename("m/f", "m/g"), EROFS);
	CHECK_ERRNO(symlink("x", "m/s"), EROFS);
	CHECK_ERRNO(link("m/f", "m/g"), EROFS);
	CHECK_ERRNO(chmod("m/f", 0600), EROFS);
	CHECK_ERRNO(chown("m/f", 1, 1), EROFS);
	CHECK_ERRNO(truncate("m/f", 0), EROFS);
	CHECK_ERRNO(utimensat(AT_FDCWD, "m/f", NULL, 0), EROFS);
	CHECK_ERRNO(access("m/f", W_OK), EROFS);
	CHECK_EQ(access("m/f", R_OK), 0);
	OK(mount(NULL, "m", NULL, MS_REMOUNT, NULL));
	OK(open("m/f", O_RDWR));
}

ABI_TEST(mount_flags)
{
	own_namespace();
	OK(mkdir("m", 0755));
	OK(mount("none", "m", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	abi_write_file("m/script", "#!/bin/sh\n");
	OK(chmod("m/script", 0755));
	CHECK_ERRNO(execl("m/script", "script", (char *)NULL), EACCES);
	CHECK_ERRNO(access("m/script", X_OK), EACCES);
	OK(mknod("m/null", S_IFCHR | 0666, 0x103));
	CHECK_ERRNO(open("m/null", O_RDONLY), EACCES);
	int fd = OK(open("m/script", O_RDONLY));
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0, EPERM);
}

ABI_TEST(bind_mounts)
{
	own_namespace();
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	touch("a/f");
	OK(mount("a", "b", NULL, MS_BIND, NULL));
	CHECK(there("b/f"));
	touch("b/g");
	CHECK(there("a/g"));
	CHECK_ERRNO(link("a/f", "b/h"), EXDEV);		// another mount, though the same file system
	OK(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_ERRNO(open("b/f", O_RDWR), EROFS);
	OK(open("a/f", O_RDWR));
	OK(umount("b"));
	CHECK(!there("b/f"));
	abi_write_file("x", "X");
	touch("y");
	OK(mount("x", "y", NULL, MS_BIND, NULL));	// a file over a file
	char buf[4];
	CHECK_EQ(abi_read_file("y", buf, 4), 1);
	CHECK_ERRNO(unlink("y"), EBUSY);
	OK(umount("y"));
	CHECK_ERRNO(mount("x", "a", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_ERRNO(mount("a", "x", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_ERRNO(mount(NULL, "a", NULL, MS_BIND, NULL), EINVAL);
}

ABI_TEST(recursive_bind)
{
	own_namespace();
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	tmpfs_at("a/sub");
	touch("a/sub/f");
	OK(mount("a", "b", NULL, MS_BIND, NULL));
	CHECK(there("b/sub") && !there("b/sub/f"));
	OK(umount("b"));
	OK(mount("a", "b", NULL, MS_BIND | MS_REC, NULL));
	CHECK(there("b/sub/f"));
	CHECK_ERRNO(umount("b"), EBUSY);
	OK(umount2("b", MNT_DETACH));
	CHECK(there("a/sub/f"));
}

ABI_TEST(moving)
{
	own_namespace();
	tmpfs_at("a");
	touch("a/f");
	OK(mkdir("b", 0755));
	OK(mount("a", "b", NULL, MS_MOVE, NULL));
	CHECK(there("b/f") && !there("a/f"));
	tmpfs_at("b/sub");
	CHECK_ERRNO(mount("b", "b/sub", NULL, MS_MOVE, NULL), ELOOP);
	CHECK_ERRNO(mount("a", "b", NULL, MS_MOVE, NULL), EINVAL);	// a is no mount any more
	OK(mount("b", "a", NULL, MS_MOVE, NULL));
	CHECK(there("a/sub"));
}

ABI_TEST(shared_subtrees)
{
	own_namespace();
	tmpfs_at("a");
	OK(mount(NULL, "a", NULL, MS_SHARED, NULL));
	OK(mkdir("b", 0755));
	OK(mkdir("a/sub", 0755));
	OK(mount("a", "b", NULL, MS_BIND, NULL));
	OK(mount("none", "a/sub", "tmpfs", 0, NULL));
	touch("a/sub/f");
	CHECK(there("b/sub/f"));			// propagated
	OK(umount("b/sub"));
	CHECK(!there("a/sub/f"));
	CHECK_ERRNO(mount(NULL, "a", NULL, MS_SHARED | MS_PRIVATE, NULL), EINVAL);
}

ABI_TEST(a_namespace_is_private)
{
	struct abi_gate g, h;

	OK(mkdir("m", 0755));
	abi_gate_init(&g);
	abi_gate_init(&h);
	pid_t pid = OK(fork());
	if (pid == 0) {
		own_namespace();
		OK(mount("none", "m", "tmpfs", 0, NULL));
		touch("m/f");
		abi_gate_open(&g);
		abi_gate_wait(&h);
		CHECK(there("m/f"));
		_exit(0);
	}
	abi_gate_wait(&g);
	CHECK(!there("m/f"));
	abi_gate_open(&h);
	CHECK_EQ(abi_status(pid), 0);
}

ABI_TEST(proc_shows_mounts)
{
	static char buf[16384];
	char cwd[100], want[200];

	own_namespace();
	CHECK(getcwd(cwd, sizeof(cwd)));
	OK(mkdir("a b", 0755));
	OK(mount("source", "a b", "tmpfs", MS_NOSUID | MS_RDONLY, "mode=700"));
	abi_read_file("/proc/self/mounts", buf, sizeof(buf));
	snprintf(want, sizeof(want), "source %s/a\\040b tmpfs ro,nosuid,relatime,mode=700", cwd);
	CHECK(strstr(buf, want));
	abi_read_file("/proc/self/mountinfo", buf, sizeof(buf));
	snprintf(want, sizeof(want), " / %s/a\\040b ro,nosuid,relatime - tmpfs source ro,", cwd);
	CHECK(strstr(buf, want));
	OK(umount("a b"));
	abi_read_file("/proc/self/mounts", buf, sizeof(buf));
	CHECK(!strstr(buf, "\\040b"));
}

ABI_TEST(size_limits)
{
	static char block[PAGE];

	own_namespace();
	OK(mkdir("m", 0755));
	OK(mount("none", "m", "tmpfs", 0, "size=16k,nr_inodes=4"));
	int fd = OK(open("m/f", O_RDWR | O_CREAT, 0600));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(write(fd, block, PAGE), PAGE);
	CHECK_ERRNO(write(fd, block, 1), ENOSPC);
	touch("m/2");
	touch("m/3");
	CHECK_ERRNO(open("m/4", O_RDWR | O_CREAT, 0600), ENOSPC);	// the root is one
	OK(unlink("m/3"));
	OK(mkdir("m/4", 0700));
	OK(ftruncate(fd, 0));
	CHECK_EQ(write(fd, block, PAGE), PAGE);
}

ABI_TEST(pivot)
{
	char b[100];

	own_namespace();
	tmpfs_at("new");
	OK(mkdir("new/old", 0755));
	touch("new/in");
	OK(chdir("new"));
	CHECK_ERRNO(syscall(SYS_pivot_root, ".", "/proc"), EINVAL);	// not below the new root
	OK(mkdir("plain", 0755));
	CHECK_ERRNO(syscall(SYS_pivot_root, "plain", "plain"), EINVAL);	// not a mount
	CHECK_CHILD(abi_drop(1000); CHECK_ERRNO(syscall(SYS_pivot_root, ".", "old"), EPERM));
	CHECK_CHILD(CHECK_ERRNO(syscall(SYS_pivot_root, "none", "old"), ENOENT));
	if (syscall(SYS_pivot_root, ".", "old")) {
		CHECK_EQ(errno, EINVAL);	// the root is the initramfs, which cannot be moved
		abi_skip("the root cannot be pivoted here");
	}
	CHECK(there("/in"));
	CHECK(there("/old/proc"));
	CHECK_EQ(syscall(SYS_getcwd, b, sizeof(b)), 2);
	OK(umount2("/old", MNT_DETACH));
	CHECK(!there("/old/proc"));
}
