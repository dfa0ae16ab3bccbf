// What files tell: stat(2) and its family, statx(2), statfs(2).
#include "abi.h"
#include <sys/statfs.h>
#include <sys/sysmacros.h>

// statx(2)'s structure, as linux/stat.h has it.
struct sx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad;
	uint64_t ino, size, blocks, attributes_mask;
	struct { int64_t sec; uint32_t nsec; int32_t pad; } atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id, more[13];
};

enum { BASIC = 0x7ff, BTIME = 0x800, MNT_ID = 0x1000, ATTR_MOUNT_ROOT = 0x2000 };

static long sx(int d, const char *path, int flags, unsigned int mask, void *out)
{
	return syscall(SYS_statx, d, path, flags, mask, out);
}

ABI_TEST(a_regular_file)
{
	struct stat st;
	time_t now = time(NULL);

	umask(022);
	abi_write_file("f", "hello");
	OK(stat("f", &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0644);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_uid, 0);
	CHECK_EQ(st.st_gid, 0);
	CHECK_EQ(st.st_rdev, 0);
	CHECK_EQ(st.st_size, 5);
	CHECK_EQ(st.st_blocks, 8);
	CHECK_EQ(st.st_blksize, 4096);
	CHECK(st.st_ino != 0);
	CHECK(st.st_mtim.tv_sec - now >= -2 && st.st_mtim.tv_sec - now <= 2);
	CHECK(st.st_mtim.tv_nsec >= 0 && st.st_mtim.tv_nsec < 1000000000);
}

ABI_TEST(all_forms_agree)
{
	struct stat a, b, c, d;

	abi_write_file("f", "hello");
	OK(symlink("f", "s"));
	int fd = OK(open("f", O_RDONLY));
	OK(syscall(SYS_stat, "s", &a));
	OK(syscall(SYS_fstat, fd, &b));
	OK(syscall(SYS_lstat, "f", &c));
	OK(syscall(SYS_newfstatat, fd, "", &d, AT_EMPTY_PATH));
	CHECK(!memcmp(&a, &b, sizeof(a)));
	CHECK(!memcmp(&a, &c, sizeof(a)));
	CHECK(!memcmp(&a, &d, sizeof(a)));
	OK(syscall(SYS_newfstatat, AT_FDCWD, "s", &d, 0));
	CHECK(!memcmp(&a, &d, sizeof(a)));
	OK(syscall(SYS_newfstatat, AT_FDCWD, "s", &d, AT_SYMLINK_NOFOLLOW));
	CHECK(S_ISLNK(d.st_mode));
	CHECK_EQ(d.st_size, 1);
}

ABI_TEST(stat_errors)
{
	struct stat st;
	int fd = OK(open(".", O_RDONLY));

	CHECK_ERRNO(stat("none", &st), ENOENT);
	CHECK_ERRNO(fstat(-1, &st), EBADF);
	CHECK_ERRNO(syscall(SYS_fstat, fd, BAD), EFAULT);
	CHECK_ERRNO(syscall(SYS_newfstatat, fd, "", &st, 0), ENOENT);
	CHECK_ERRNO(syscall(SYS_newfstatat, fd, ".", &st, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_newfstatat, -1, ".", &st, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_newfstatat, -1, "", &st, AT_EMPTY_PATH), EBADF);
	OK(syscall(SYS_newfstatat, fd, NULL, &st, AT_EMPTY_PATH));	// since Linux 6.11
}

ABI_TEST(inode_numbers)
{
	struct stat a, b;

	abi_write_file("a", "");
	abi_write_file("b", "");
	OK(link("a", "c"));
	OK(stat("a", &a));
	OK(stat("b", &b));
	CHECK(a.st_ino != b.st_ino);
	CHECK_EQ(a.st_dev, b.st_dev);
	OK(stat("c", &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(b.st_nlink, 2);
	OK(stat("/proc", &b));
	CHECK(a.st_dev != b.st_dev);
	CHECK_EQ(b.st_ino, 1);
}

ABI_TEST(directories)
{
	struct stat st;

	OK(mkdir("d", 0750));
	OK(stat("d", &st));
	CHECK_EQ(st.st_mode, S_IFDIR | 0750);
	CHECK_EQ(st.st_size, 40);		// tmpfs counts 20 bytes per entry and for . and ..
	abi_write_file("d/a", "");
	OK(stat("d", &st));
	CHECK_EQ(st.st_size, 60);
	CHECK_EQ(st.st_nlink, 2);
	OK(mkdir("d/e", 0700));
	OK(stat("d", &st));
	CHECK_EQ(st.st_size, 80);
	CHECK_EQ(st.st_nlink, 3);
}

ABI_TEST(device_numbers)
{
	struct stat st;

	OK(stat("/dev/null", &st));
	CHECK_EQ(st.st_mode, S_IFCHR | 0666);
	CHECK_EQ(st.st_rdev, makedev(1, 3));
	CHECK_EQ(st.st_size, 0);
	OK(stat("/dev/console", &st));
	CHECK_EQ(st.st_rdev, makedev(5, 1));
}

ABI_TEST(blocks_count_what_is_there)
{
	struct stat st;
	int fd = OK(open("f", O_RDWR | O_CREAT, 0600));

	OK(ftruncate(fd, 1 << 20));
	OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 1 << 20);
	CHECK_EQ(st.st_blocks, 0);
	CHECK_EQ(pwrite(fd, "x", 1, 5 * PAGE), 1);
	OK(fstat(fd, &st));
	CHECK_EQ(st.st_blocks, 8);
	OK(ftruncate(fd, 0));
	OK(fstat(fd, &st));
	CHECK_EQ(st.st_blocks, 0);
}

ABI_TEST(change_time)
{
	struct stat a, b;

	abi_write_file("f", "x");
	OK(stat("f", &a));
	abi_msleep(30);
	OK(chmod("f", 0600));
	OK(stat("f", &b));
	CHECK(memcmp(&a.st_ctim, &b.st_ctim, sizeof(a.st_ctim)));
	CHECK(!memcmp(&a.st_mtim, &b.st_mtim, sizeof(a.st_mtim)));
	abi_msleep(30);
	OK(link("f", "g"));
	OK(stat("f", &a));
	CHECK(memcmp(&a.st_ctim, &b.st_ctim, sizeof(a.st_ctim)));
	OK(mkdir("d", 0755));
	OK(stat("d", &a));
	abi_msleep(30);
	abi_write_file("d/x", "");
	OK(stat("d", &b));
	CHECK(memcmp(&a.st_mtim, &b.st_mtim, sizeof(a.st_mtim)));
	abi_msleep(30);
	OK(unlink("d/x"));
	OK(stat("d", &a));
	CHECK(memcmp(&a.st_mtim, &b.st_mtim, sizeof(a.st_mtim)));
}

ABI_TEST(statx_tells_the_same)
{
	struct sx x;
	struct stat st;

	abi_write_file("f", "hello");
	OK(stat("f", &st));
	memset(&x, 0xff, sizeof(x));
	OK(sx(AT_FDCWD, "f", 0, BASIC | BTIME, &x));
	CHECK_EQ(x.mask & (BASIC | BTIME), BASIC | BTIME);
	CHECK_EQ(x.mode, st.st_mode);
	CHECK_EQ(x.nlink, 1);
	CHECK_EQ(x.uid, 0);
	CHECK_EQ(x.ino, st.st_ino);
	CHECK_EQ(x.size, 5);
	CHECK_EQ(x.blocks, 8);
	CHECK_EQ(x.blksize, 4096);
	CHECK_EQ(x.mtime.sec, st.st_mtim.tv_sec);
	CHECK_EQ(x.mtime.nsec, st.st_mtim.tv_nsec);
	CHECK(x.btime.sec <= x.mtime.sec);
	CHECK_EQ(makedev(x.dev_major, x.dev_minor), st.st_dev);
	CHECK_EQ(x.pad, 0);
}

ABI_TEST(statx_arguments)
{
	struct sx x;
	int fd = OK(open(".", O_RDONLY));

	CHECK_ERRNO(sx(fd, ".", 0, 0x80000000u, &x), EINVAL);
	CHECK_ERRNO(sx(fd, ".", 1, BASIC, &x), EINVAL);
	CHECK_ERRNO(sx(fd, ".", 0x6000, BASIC, &x), EINVAL);	// both kinds of synchronisation
	CHECK_ERRNO(sx(fd, "none", 0, BASIC, &x), ENOENT);
	CHECK_ERRNO(sx(fd, ".", 0, BASIC, BAD), EFAULT);
	OK(sx(fd, "", AT_EMPTY_PATH, BASIC, &x));
	OK(sx(fd, ".", 0x2000, 0, &x));
	CHECK(S_ISDIR(x.mode));
	OK(symlink("none", "s"));
	OK(sx(fd, "s", AT_SYMLINK_NOFOLLOW, BASIC, &x));
	CHECK(S_ISLNK(x.mode));
}

ABI_TEST(statx_of_mounts)
{
	struct sx a, b;

	OK(sx(AT_FDCWD, "/proc", 0, BASIC | MNT_ID, &a));
	OK(sx(AT_FDCWD, "/tmp", 0, BASIC | MNT_ID, &b));
	CHECK(a.mask & MNT_ID);
	CHECK(a.mnt_id != b.mnt_id);
	CHECK(a.attributes_mask & ATTR_MOUNT_ROOT);
	CHECK(a.attributes & ATTR_MOUNT_ROOT);
	OK(sx(AT_FDCWD, ".", 0, BASIC | MNT_ID, &a));
	CHECK_EQ(a.mnt_id, b.mnt_id);
	CHECK(!(a.attributes & ATTR_MOUNT_ROOT));
}

ABI_TEST(statfs_of_tmpfs)
{
	struct statfs s, t;

	OK(syscall(SYS_statfs, ".", &s));
	CHECK_EQ(s.f_type, 0x01021994);
	CHECK_EQ(s.f_bsize, 4096);
	CHECK_EQ(s.f_frsize, 4096);
	CHECK_EQ(s.f_namelen, 255);
	CHECK(s.f_blocks > 0 && s.f_bfree <= s.f_blocks && s.f_bavail <= s.f_bfree);
	CHECK(s.f_files > 0 && s.f_ffree < s.f_files);
	CHECK(s.f_flags & 0x20 /* ST_VALID */);
	OK(syscall(SYS_fstatfs, OK(open(".", O_RDONLY)), &t));
	CHECK(!memcmp(&s.f_fsid, &t.f_fsid, sizeof(s.f_fsid)));
	CHECK_ERRNO(syscall(SYS_statfs, "none", &s), ENOENT);
	CHECK_ERRNO(syscall(SYS_statfs, ".", BAD), EFAULT);
	CHECK_ERRNO(syscall(SYS_fstatfs, -1, &s), EBADF);
}

ABI_TEST(statfs_of_others)
{
	struct statfs s;
	int fd[2];

	OK(syscall(SYS_statfs, "/proc", &s));
	CHECK_EQ(s.f_type, 0x9fa0);
	CHECK_EQ(s.f_blocks, 0);
	CHECK_EQ(s.f_namelen, 255);
	OK(pipe(fd));
	OK(syscall(SYS_fstatfs, fd[0], &s));
	CHECK_EQ(s.f_type, 0x50495045);
}
