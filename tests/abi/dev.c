// The memory devices: null, zero, full, random, urandom, kmsg.
#include "abi.h"
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

ABI_TEST(null)
{
	char c = 'x';
	int fd = OK(open("/dev/null", O_RDWR));

	CHECK_EQ(read(fd, &c, 1), 0);
	CHECK_EQ(read(fd, BAD, 1), 0);
	CHECK_EQ(write(fd, "hello", 5), 5);
	CHECK_EQ(write(fd, BAD, 5), 5);
	CHECK_ERRNO(write(fd, BAD_KERNEL, 5), EFAULT);
	CHECK_EQ(lseek(fd, 100, SEEK_SET), 0);
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0, ENODEV);
	CHECK_ERRNO(ioctl(fd, TCGETS, &c), ENOTTY);
	CHECK_ERRNO(ftruncate(fd, 0), EINVAL);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	close(OK(open("/dev/null", O_WRONLY | O_TRUNC | O_CREAT, 0600)));
}

ABI_TEST(zero)
{
	char buf[5000];
	int fd = OK(open("/dev/zero", O_RDWR));

	memset(buf, 1, sizeof(buf));
	CHECK_EQ(read(fd, buf, sizeof(buf)), sizeof(buf));
	for (size_t i = 0; i < sizeof(buf); i++)
		CHECK_EQ(buf[i], 0);
	CHECK_EQ(write(fd, buf, 3), 3);
	CHECK_ERRNO(read(fd, BAD, 1), EFAULT);
	char *g = abi_guarded(10);
	CHECK_EQ(read(fd, g, 20), 10);
	CHECK_EQ(lseek(fd, 5, SEEK_SET), 0);
}

ABI_TEST(zero_mapped)
{
	int fd = OK(open("/dev/zero", O_RDWR));
	volatile char *p = OK(mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	volatile char *s = OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));

	CHECK_EQ(p[0], 0);
	p[PAGE] = 1;
	CHECK_CHILD(s[0] = 5; p[0] = 5);
	CHECK_EQ(s[0], 5);
	CHECK_EQ(p[0], 0);
	volatile char *s2 = OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	CHECK_EQ(s2[0], 0);			// each mapping is memory of its own
}

ABI_TEST(full)
{
	char c = 1;
	int fd = OK(open("/dev/full", O_RDWR));

	CHECK_ERRNO(write(fd, &c, 1), ENOSPC);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(c, 0);
	CHECK_EQ(lseek(fd, 5, SEEK_SET), 0);
}

static void random_device(const char *path)
{
	unsigned char a[64], b[64];
	int fd = OK(open(path, O_RDWR));

	CHECK_EQ(read(fd, a, 64), 64);
	CHECK_EQ(read(fd, b, 64), 64);
	CHECK(memcmp(a, b, 64));
	CHECK_EQ(write(fd, a, 64), 64);		// mixed in
	CHECK_ERRNO(read(fd, BAD, 64), EFAULT);
	CHECK_EQ(read(fd, a, 0), 0);
	int bits = -1;
	OK(ioctl(fd, 0x80045200 /* RNDGETENTCNT */, &bits));
	CHECK_EQ(bits, 256);
	CHECK_ERRNO(ioctl(fd, 0x12345, 0), EINVAL);
}

ABI_TEST(random_bytes)
{
	random_device("/dev/random");
}

ABI_TEST(urandom_bytes)
{
	random_device("/dev/urandom");
}

ABI_TEST(nodes)
{
	static const struct { const char *path; int minor, mode; } all[] = {
		{ "/dev/null", 3, 0666 }, { "/dev/zero", 5, 0666 }, { "/dev/full", 7, 0666 },
		{ "/dev/random", 8, 0666 }, { "/dev/urandom", 9, 0666 }, { "/dev/kmsg", 11, 0644 },
	};
	struct stat st;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		OK(stat(all[i].path, &st));
		CHECK_EQ(st.st_rdev, makedev(1, all[i].minor));
		CHECK_EQ(st.st_mode, S_IFCHR | all[i].mode);
	}
}

// Reads records until one contains the text; its length.
static ssize_t find_record(int fd, const char *text, char *buf, size_t size)
{
	ssize_t n;

	while ((n = read(fd, buf, size - 1)) > 0 || errno == EPIPE) {
		if (n <= 0)
			continue;	// was overwritten meanwhile
		buf[n] = 0;
		if (strstr(buf, text))
			return n;
	}
	return -1;
}

ABI_TEST(kmsg_records)
{
	static char buf[8192];
	int w = OK(open("/dev/kmsg", O_WRONLY)), r = OK(open("/dev/kmsg", O_RDONLY | O_NONBLOCK));
	unsigned int prio;
	unsigned long long seq, usec;
	char flag;

	OK(lseek(r, 0, SEEK_END));
	CHECK_ERRNO(read(r, buf, sizeof(buf)), EAGAIN);
	CHECK_EQ(write(w, "<13>abi kmsg \x01 test\n", 20), 20);
	CHECK(find_record(r, "abi kmsg", buf, sizeof(buf)) > 0);
	CHECK_EQ(sscanf(buf, "%u,%llu,%llu,%c;", &prio, &seq, &usec, &flag), 4);
	CHECK_EQ(prio, 13);
	CHECK_EQ(flag, '-');
	CHECK_STR(strchr(buf, ';') + 1, "abi kmsg \\x01 test\n");
	CHECK_EQ(write(w, "<7>second\n", 10), 10);
	CHECK(find_record(r, "second", buf, sizeof(buf)) > 0);
	CHECK_EQ(sscanf(buf, "%u,", &prio), 1);
	CHECK_EQ(prio, 15);			// facility 0 is the kernel's: made 1, user
	CHECK_EQ(lseek(r, 0, SEEK_SET), 0);
	CHECK(find_record(r, "abi kmsg", buf, sizeof(buf)) > 0);
	CHECK_EQ(write(w, "third", 5), 5);
	OK(lseek(r, 0, SEEK_SET));
	CHECK_ERRNO(read(r, buf, 1), EINVAL);		// a record does not fit
}

ABI_TEST(kmsg_permissions)
{
	CHECK_CHILD(abi_drop(1000); CHECK_ERRNO(open("/dev/kmsg", O_WRONLY), EACCES));
}
