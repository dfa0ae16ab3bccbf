// Reading, writing and positions of regular files: read(2), write(2), lseek(2), pread(2), readv(2), preadv2(2), truncate(2), open(2)'s flags.
#include "abi.h"
#include <sys/sendfile.h>
#include <sys/uio.h>

#define HUGE_LEN	((size_t)SSIZE_MAX + 1)

static int make(const char *name, const char *text)
{
	int fd = OK(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));

	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static off_t size_of(int fd)
{
	struct stat st;

	OK(fstat(fd, &st));
	return st.st_size;
}

ABI_TEST(read_and_write_move_the_position)
{
	int fd = make("f", "");
	char buf[8];

	CHECK_EQ(write(fd, "hello", 5), 5);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5);
	CHECK_EQ(read(fd, buf, 8), 0);
	CHECK_EQ(lseek(fd, 1, SEEK_SET), 1);
	CHECK_EQ(read(fd, buf, 3), 3);
	CHECK(!memcmp(buf, "ell", 3));
	CHECK_EQ(read(fd, buf, 8), 1);
	CHECK_EQ(buf[0], 'o');
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5);
}

ABI_TEST(bad_descriptors)
{
	char c;

	CHECK_ERRNO(read(-1, &c, 1), EBADF);
	CHECK_ERRNO(write(-1, &c, 1), EBADF);
	CHECK_ERRNO(read(1000000, &c, 1), EBADF);
	CHECK_ERRNO(lseek(-1, 0, SEEK_SET), EBADF);
	CHECK_ERRNO(pread(-1, &c, 1, 0), EBADF);
	CHECK_ERRNO(ftruncate(-1, 0), EBADF);
	CHECK_ERRNO(fsync(-1), EBADF);
	CHECK_ERRNO(close(-1), EBADF);
	CHECK_ERRNO(readv(-1, NULL, 0), EBADF);
}

ABI_TEST(access_mode_is_enforced)
{
	char c;

	abi_write_file("f", "x");
	int r = OK(open("f", O_RDONLY)), w = OK(open("f", O_WRONLY)), n = OK(open("f", 3));
	CHECK_ERRNO(write(r, "y", 1), EBADF);
	CHECK_ERRNO(read(w, &c, 1), EBADF);
	CHECK_ERRNO(read(n, &c, 1), EBADF);		// mode 3: for ioctl only
	CHECK_ERRNO(write(n, &c, 1), EBADF);
	CHECK_ERRNO(write(r, BAD, 1), EBADF);
	CHECK_ERRNO(ftruncate(r, 0), EINVAL);
	CHECK_EQ(fcntl(w, F_GETFL) & O_ACCMODE, O_WRONLY);
}

ABI_TEST(bad_buffers)
{
	int fd = make("f", "hello");

	CHECK_ERRNO(read(fd, BAD, 1), EFAULT);
	CHECK_ERRNO(read(fd, BAD_KERNEL, 1), EFAULT);
	CHECK_ERRNO(read(fd, BAD_NONCANON, 1), EFAULT);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK_ERRNO(write(fd, BAD, 1), EFAULT);
	CHECK_ERRNO(write(fd, BAD_KERNEL, 1), EFAULT);
	CHECK_EQ(size_of(fd), 5);
	CHECK_EQ(read(fd, BAD, 0), 0);
	lseek(fd, 5, SEEK_SET);
	CHECK_EQ(read(fd, BAD, 1), 0);			// nothing to copy
}

ABI_TEST(part_of_a_buffer)
{
	int fd = make("f", "hello");
	char *p = abi_guarded(3), buf[8];

	CHECK_EQ(read(fd, p, 5), 3);
	CHECK(!memcmp(p, "hel", 3));
	lseek(fd, 0, SEEK_SET);
	memcpy(p, "abc", 3);
	CHECK_EQ(write(fd, p, 5), 3);
	CHECK_EQ(pread(fd, buf, 8, 0), 5);
	CHECK(!memcmp(buf, "abclo", 5));
}

ABI_TEST(huge_counts)
{
	int fd = make("f", "hello");
	char *p = abi_pages(1);

	CHECK_ERRNO(syscall(SYS_read, fd, p, HUGE_LEN), EFAULT);	// it would end above the user's addresses
	CHECK_ERRNO(syscall(SYS_write, fd, p, HUGE_LEN), EFAULT);
	CHECK_EQ(syscall(SYS_read, fd, p, 0x7fffffff), 5);	// cut to what a call transfers at most
}

ABI_TEST(reading_a_directory)
{
	char c;
	int fd = OK(open(".", O_RDONLY));

	CHECK_ERRNO(read(fd, &c, 1), EISDIR);
	CHECK_ERRNO(open(".", O_WRONLY), EISDIR);
	CHECK_ERRNO(open(".", O_RDWR | O_CREAT, 0600), EISDIR);
}

ABI_TEST(lseek_whence)
{
	int fd = make("f", "hello");

	CHECK_EQ(lseek(fd, 2, SEEK_CUR), 2);
	CHECK_EQ(lseek(fd, -1, SEEK_CUR), 1);
	CHECK_EQ(lseek(fd, -2, SEEK_END), 3);
	CHECK_EQ(lseek(fd, 100, SEEK_END), 105);
	CHECK_EQ(size_of(fd), 5);
	CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERRNO(lseek(fd, -6, SEEK_END), EINVAL);
	CHECK_ERRNO(lseek(fd, 0, 17), EINVAL);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 105);
	CHECK_EQ(lseek(fd, INT64_MAX, SEEK_SET), INT64_MAX);
	CHECK_ERRNO(lseek(fd, INT64_MAX, SEEK_CUR), EINVAL);
}

ABI_TEST(lseek_data_and_hole)
{
	int fd = make("f", "");

	CHECK_EQ(pwrite(fd, "x", 1, 8 * PAGE), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 8 * PAGE);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 0);
	CHECK_EQ(lseek(fd, 8 * PAGE, SEEK_HOLE), 8 * PAGE + 1);	// the end of the file is a hole
	CHECK_ERRNO(lseek(fd, 8 * PAGE + 1, SEEK_DATA), ENXIO);
	CHECK_ERRNO(lseek(fd, 8 * PAGE + 1, SEEK_HOLE), ENXIO);
	CHECK_ERRNO(lseek(fd, -1, SEEK_DATA), ENXIO);
}

ABI_TEST(holes_read_as_zeros)
{
	int fd = make("f", "");
	char buf[100];

	CHECK_EQ(pwrite(fd, "end", 3, 3 * PAGE), 3);
	CHECK_EQ(size_of(fd), 3 * PAGE + 3);
	memset(buf, 1, sizeof(buf));
	CHECK_EQ(pread(fd, buf, 100, PAGE - 50), 100);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(buf[i], 0);
}

ABI_TEST(pread_keeps_the_position)
{
	int fd = make("f", "hello");
	char buf[8];

	CHECK_EQ(pread(fd, buf, 3, 2), 3);
	CHECK(!memcmp(buf, "llo", 3));
	CHECK_EQ(pwrite(fd, "LL", 2, 2), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK_EQ(read(fd, buf, 8), 5);
	CHECK(!memcmp(buf, "heLLo", 5));
	CHECK_EQ(pread(fd, buf, 8, 5), 0);
	CHECK_ERRNO(pread(fd, buf, 1, -1), EINVAL);
	CHECK_ERRNO(pwrite(fd, buf, 1, -1), EINVAL);
	CHECK_ERRNO(pread(-1, buf, 1, -1), EINVAL);	// the offset is looked at first
}

ABI_TEST(append_writes_at_the_end)
{
	int fd = make("f", "hello");
	char buf[16];

	int a = OK(open("f", O_WRONLY | O_APPEND));
	CHECK_EQ(lseek(a, 0, SEEK_CUR), 0);
	CHECK_EQ(write(a, "A", 1), 1);
	CHECK_EQ(lseek(a, 0, SEEK_CUR), 6);
	CHECK_EQ(lseek(a, 1, SEEK_SET), 1);
	CHECK_EQ(write(a, "B", 1), 1);
	CHECK_EQ(pwrite(a, "C", 1, 0), 1);		// as man 2 pwrite says of Linux: the offset is ignored
	CHECK_EQ(read(fd, buf, 16), 8);
	CHECK(!memcmp(buf, "helloABC", 8));
	OK(fcntl(a, F_SETFL, 0));
	CHECK_EQ(pwrite(a, "X", 1, 0), 1);
	CHECK_EQ(pread(fd, buf, 16, 0), 8);
	CHECK_EQ(buf[0], 'X');
}

ABI_TEST(vectors)
{
	int fd = make("f", "");
	char a[3], b[4];
	struct iovec v[4] = { { "ab", 2 }, { NULL, 0 }, { "cde", 3 }, { "f", 1 } };

	CHECK_EQ(writev(fd, v, 4), 6);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	v[0] = (struct iovec){ a, 3 };
	v[1] = (struct iovec){ b, 4 };
	CHECK_EQ(readv(fd, v, 2), 6);
	CHECK(!memcmp(a, "abc", 3));
	CHECK(!memcmp(b, "def", 3));
	CHECK_EQ(readv(fd, v, 2), 0);
	CHECK_EQ(writev(fd, v, 0), 0);
	CHECK_EQ(writev(fd, NULL, 0), 0);
}

ABI_TEST(vector_limits)
{
	static struct iovec many[1025];
	int fd = make("f", "");
	char c = 'x';

	for (int i = 0; i < 1025; i++)
		many[i] = (struct iovec){ &c, 1 };
	CHECK_EQ(writev(fd, many, 1024), 1024);
	CHECK_ERRNO(writev(fd, many, 1025), EINVAL);
	CHECK_ERRNO(writev(fd, many, -1), EINVAL);
	CHECK_ERRNO(readv(fd, many, 1025), EINVAL);
	CHECK_ERRNO(writev(fd, BAD, 1), EFAULT);
	many[1].iov_len = HUGE_LEN;
	CHECK_ERRNO(writev(fd, many, 2), EINVAL);
	many[1] = (struct iovec){ BAD, 1 };
	CHECK_EQ(writev(fd, many, 2), 1);	// what came before the bad address
	many[0] = (struct iovec){ BAD_KERNEL, 1 };
	CHECK_ERRNO(writev(fd, many, 2), EFAULT);
	CHECK_EQ(size_of(fd), 1025);
}

ABI_TEST(preadv_and_pwritev)
{
	int fd = make("f", "hello");
	char a[2], b[2];
	struct iovec v[2] = { { a, 2 }, { b, 2 } };

	CHECK_EQ(preadv(fd, v, 2, 1), 4);
	CHECK(!memcmp(a, "el", 2));
	CHECK(!memcmp(b, "lo", 2));
	CHECK_ERRNO(preadv(fd, v, 2, -1), EINVAL);
	memcpy(a, "XY", 2);
	CHECK_EQ(pwritev(fd, v, 1, 4), 2);
	CHECK_EQ(size_of(fd), 6);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

ABI_TEST(preadv2_and_pwritev2)
{
	int fd = make("f", "hello");
	char a[8] = "";
	struct iovec v = { a, 2 };

	CHECK_EQ(syscall(SYS_preadv2, fd, &v, 1, -1L, -1L, 0), 2);	// at the position, which moves
	CHECK(!memcmp(a, "he", 2));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 2);
	CHECK_EQ(syscall(SYS_preadv2, fd, &v, 1, 3L, 0L, 0), 2);
	CHECK(!memcmp(a, "lo", 2));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 2);
	v = (struct iovec){ "END", 3 };
	CHECK_EQ(syscall(SYS_pwritev2, fd, &v, 1, 0L, 0L, 0x10 /* RWF_APPEND */), 3);
	CHECK_EQ(size_of(fd), 8);
	CHECK_EQ(syscall(SYS_pwritev2, fd, &v, 1, 0L, 0L, 0x2 /* RWF_DSYNC */), 3);
	CHECK_ERRNO(syscall(SYS_pwritev2, fd, &v, 1, 0L, 0L, 0x40000000), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_preadv2, fd, &v, 1, -2L, -1L, 0), EINVAL);
}

ABI_TEST(truncate_cuts_and_extends)
{
	int fd = make("f", "hello");
	char buf[16];

	OK(ftruncate(fd, 2));
	CHECK_EQ(size_of(fd), 2);
	OK(truncate("f", 6));
	CHECK_EQ(read(fd, buf, 16), 6);
	CHECK(!memcmp(buf, "he\0\0\0\0", 6));	// what was cut does not come back
	OK(ftruncate(fd, 0));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(size_of(fd), 7);
}

ABI_TEST(truncate_arguments)
{
	abi_write_file("f", "hello");
	OK(mkdir("d", 0755));
	CHECK_ERRNO(truncate("f", -1), EINVAL);
	CHECK_ERRNO(truncate("d", 0), EISDIR);
	CHECK_ERRNO(truncate("none", 0), ENOENT);
	CHECK_ERRNO(truncate("f/x", 0), ENOTDIR);
	CHECK_ERRNO(truncate(BAD, 0), EFAULT);
	CHECK_ERRNO(truncate(BAD, -1), EINVAL);
	OK(chmod("f", 0444));
	CHECK_CHILD(abi_drop(1000); CHECK_ERRNO(truncate("f", 0), EACCES));
	CHECK_ERRNO(ftruncate(OK(open("d", O_RDONLY)), 0), EINVAL);
	CHECK_ERRNO(ftruncate(OK(open("f", O_RDWR)), -1), EINVAL);
}

ABI_TEST(truncated_mapping_is_sigbus)
{
	int fd = make("f", "");
	OK(ftruncate(fd, 3 * PAGE));
	volatile char *p = OK(mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));

	p[2 * PAGE] = 1;
	p[PAGE + 5] = 7;
	OK(ftruncate(fd, PAGE + 1));
	CHECK_EQ(p[PAGE + 5], 0);		// the rest of the last page is zeroed
	CHECK_KILLED(SIGBUS, p[2 * PAGE]);
	OK(ftruncate(fd, 3 * PAGE));
	CHECK_EQ(p[2 * PAGE], 0);
}

ABI_TEST(mapping_and_file_agree)
{
	int fd = make("f", "hello");
	char buf[8];
	char *p = OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));

	p[0] = 'J';
	CHECK_EQ(pread(fd, buf, 5, 0), 5);
	CHECK(!memcmp(buf, "Jello", 5));
	CHECK_EQ(pwrite(fd, "M", 1, 0), 1);
	CHECK_EQ(p[0], 'M');
	CHECK_EQ(pwrite(fd, p, 5, 2), 5);		// from the file into itself
	CHECK(!memcmp(p, "MeMello", 7) || !memcmp(p, "MeMeMeM", 7));
}

ABI_TEST(fallocate_basics)
{
	int fd = make("f", "hello");
	char buf[8];

	CHECK_EQ(fallocate(fd, 0, 0, 3 * PAGE), 0);
	CHECK_EQ(size_of(fd), 3 * PAGE);
	CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 5 * PAGE), 0);
	CHECK_EQ(size_of(fd), 3 * PAGE);
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2), 0);
	CHECK_EQ(pread(fd, buf, 5, 0), 5);
	CHECK(!memcmp(buf, "\0\0llo", 5));
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 2), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, 0, -1, 2), EINVAL);
	CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERRNO(fallocate(OK(open("f", O_RDONLY)), 0, 0, 1), EBADF);
	CHECK_ERRNO(fallocate(OK(open(".", O_RDONLY)), 0, 0, 1), EBADF);
}

ABI_TEST(sync_calls)
{
	int fd = make("f", "hello");

	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(fdatasync(fd), 0);
	CHECK_EQ(syscall(SYS_sync), 0);
	CHECK_EQ(syncfs(fd), 0);
	CHECK_ERRNO(syncfs(-1), EBADF);
}

ABI_TEST(sendfile_copies)
{
	int in = make("in", "hello world"), out = make("out", "");
	off_t off = 6;
	char buf[16];

	CHECK_EQ(sendfile(out, in, &off, 100), 5);
	CHECK_EQ(off, 11);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 0);
	CHECK_EQ(sendfile(out, in, NULL, 5), 5);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 5);
	CHECK_EQ(pread(out, buf, 16, 0), 10);
	CHECK(!memcmp(buf, "worldhello", 10));
	CHECK_ERRNO(sendfile(out, -1, NULL, 1), EBADF);
	CHECK_ERRNO(sendfile(OK(open("out", O_RDONLY)), in, NULL, 1), EBADF);
	CHECK_ERRNO(sendfile(OK(open("out", O_WRONLY | O_APPEND)), in, NULL, 1), EINVAL);
	off = -1;
	CHECK_ERRNO(sendfile(out, in, &off, 1), EINVAL);
}

ABI_TEST(copy_file_range_copies)
{
	int in = make("in", "hello world"), out = make("out", "");
	loff_t off = 6;
	char buf[16];

	CHECK_EQ(copy_file_range(in, &off, out, NULL, 100, 0), 5);
	CHECK_EQ(off, 11);
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 5);
	CHECK_EQ(pread(out, buf, 16, 0), 5);
	CHECK(!memcmp(buf, "world", 5));
	CHECK_EQ(copy_file_range(in, &off, out, NULL, 100, 0), 0);
	CHECK_ERRNO(copy_file_range(in, NULL, out, NULL, 1, 1), EINVAL);
	off = 0;
	loff_t to = 3;
	CHECK_ERRNO(copy_file_range(in, &off, in, &to, 5, 0), EINVAL);	// the ranges overlap
}

ABI_TEST(times_of_reading_and_writing)
{
	struct stat a, b;
	int fd = make("f", "hello");

	OK(fstat(fd, &a));
	abi_msleep(30);
	CHECK_EQ(write(fd, "x", 1), 1);
	OK(fstat(fd, &b));
	CHECK(b.st_mtim.tv_sec > a.st_mtim.tv_sec || b.st_mtim.tv_nsec != a.st_mtim.tv_nsec);
	CHECK(!memcmp(&b.st_mtim, &b.st_ctim, sizeof(b.st_mtim)));
	CHECK(!memcmp(&b.st_atim, &a.st_atim, sizeof(b.st_atim)));
}

ABI_TEST(writing_takes_set_id_bits)
{
	struct stat st;

	OK(close(OK(open("f", O_CREAT | O_WRONLY, 0666))));
	OK(chown("f", 1000, 1000));
	OK(chmod("f", 06777));
	CHECK_CHILD(
		abi_drop(1001);
		int fd = OK(open("f", O_WRONLY));
		CHECK_EQ(write(fd, "x", 1), 1));
	OK(stat("f", &st));
	CHECK_EQ(st.st_mode & 07777, 0777);
	OK(chmod("f", 06777));
	int fd = OK(open("f", O_WRONLY));
	CHECK_EQ(write(fd, "x", 1), 1);		// the superuser keeps them
	OK(stat("f", &st));
	CHECK_EQ(st.st_mode & 07777, 06777);
}
