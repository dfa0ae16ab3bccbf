// Edges of file system calls: what a failure leaves behind, removed directories, limits of tmpfs.
#include "abi.h"
#include <sys/mount.h>
#include <sys/xattr.h>

ABI_TEST(a_busy_remount_changes_nothing)
{
	OK(mkdir("m", 0755));
	OK(mount("none", "m", "tmpfs", 0, NULL));
	int fd = OK(open("m/f", O_WRONLY | O_CREAT, 0600));
	CHECK_ERRNO(mount("none", "m", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	close(OK(open("m/g", O_WRONLY | O_CREAT, 0600)));
	CHECK_ERRNO(mount("none", "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EBUSY);
	close(OK(open("m/h", O_WRONLY | O_CREAT, 0600)));
	close(fd);
	OK(mount("none", "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	CHECK_ERRNO(open("m/i", O_WRONLY | O_CREAT, 0600), EROFS);
	OK(umount("m"));
}

ABI_TEST(mount_options_may_cross_a_page)
{
	struct stat st;
	char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(two != MAP_FAILED);
	strcpy(two + 4096 - 6, "mode=0701");
	OK(mkdir("m", 0755));
	OK(mount("none", "m", "tmpfs", 0, two + 4096 - 6));
	OK(stat("m", &st));
	CHECK_EQ(st.st_mode & 07777, 0701);
	OK(umount("m"));
}

ABI_TEST(nothing_is_made_in_a_removed_directory)
{
	struct stat st;

	OK(mkdir("d", 0755));
	OK(chdir("d"));
	CHECK_ERRNO(stat("x", &st), ENOENT);	// now it is known not to exist
	OK(rmdir("../d"));
	CHECK_ERRNO(open("x", O_WRONLY | O_CREAT, 0600), ENOENT);
	CHECK_ERRNO(mkdir("x", 0700), ENOENT);
	CHECK_ERRNO(symlink("y", "x"), ENOENT);
}

ABI_TEST(tmpfs_counts_hard_links)
{
	OK(mkdir("m", 0755));
	OK(mount("none", "m", "tmpfs", 0, "nr_inodes=4"));
	close(OK(open("m/a", O_WRONLY | O_CREAT, 0600)));
	OK(link("m/a", "m/b"));
	OK(link("m/a", "m/c"));
	CHECK_ERRNO(link("m/a", "m/d"), ENOSPC);
	OK(unlink("m/a"));
	OK(link("m/b", "m/d"));
	OK(rename("m/d", "m/e"));
	OK(unlink("m/e"));
	OK(unlink("m/b"));
	OK(unlink("m/c"));
	for (int i = 0; i < 3; i++)
		OK(mkdir((char[]){ 'm', '/', '0' + i, 0 }, 0700));
	CHECK_ERRNO(mkdir("m/3", 0700), ENOSPC);
	OK(umount("m"));
}

ABI_TEST(a_fifo_needs_an_access_mode)
{
	OK(mkfifo("f", 0600));
	CHECK_ERRNO(open("f", 3 | O_NONBLOCK), EINVAL);
}

ABI_TEST(copy_file_range_within_a_file_is_cut_at_its_end)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0600));
	off_t in = 0, out = 4;

	CHECK_EQ(write(fd, "abcd", 4), 4);
	CHECK_EQ(syscall(SYS_copy_file_range, fd, &in, fd, &out, 1000ul, 0u), 4);
	in = 0;
	out = 4;
	CHECK_ERRNO(syscall(SYS_copy_file_range, fd, &in, fd, &out, 1000ul, 0u), EINVAL);
}

ABI_TEST(chown_takes_the_set_group_bit_without_execution)
{
	struct stat st;

	close(OK(open("f", O_WRONLY | O_CREAT, 0600)));
	OK(chmod("f", 06755));
	OK(chown("f", 5, 5));
	OK(stat("f", &st));
	CHECK_EQ(st.st_mode & 07777, 0755);
	OK(chmod("f", 02644));		// root has CAP_FSETID: the bit stays
	OK(chown("f", 6, 6));
	OK(stat("f", &st));
	CHECK_EQ(st.st_mode & 07777, 02644);
}
