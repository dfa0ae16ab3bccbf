// uname(2), sethostname(2), sysinfo(2), getrandom(2), personality(2), getrusage(2), times(2), limits on files.
#include "abi.h"
#include <sys/personality.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

ABI_TEST(uname_fields)
{
	struct utsname u;

	OK(uname(&u));
	CHECK_STR(u.sysname, "Linux");
	CHECK_STR(u.machine, "x86_64");
	CHECK_EQ(u.release[0], '7');
	CHECK(u.version[0] == '#');
	CHECK_ERRNO(syscall(SYS_uname, BAD), EFAULT);
}

ABI_TEST(host_name_of_a_namespace)
{
	struct utsname u;
	char old[65];

	OK(gethostname(old, sizeof(old)));
	CHECK_CHILD(
		OK(unshare(CLONE_NEWUTS));
		OK(sethostname("inside", 6));
		OK(uname(&u));
		CHECK_STR(u.nodename, "inside");
		OK(setdomainname("example", 7));
		OK(uname(&u));
		CHECK_STR(u.domainname, "example"));
	OK(uname(&u));
	CHECK_STR(u.nodename, old);
	CHECK_ERRNO(syscall(SYS_sethostname, "x", 65), EINVAL);
	CHECK_ERRNO(syscall(SYS_sethostname, "x", -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_sethostname, BAD, 5), EFAULT);
	CHECK_CHILD(abi_drop(1000); CHECK_ERRNO(sethostname("x", 1), EPERM));
}

ABI_TEST(sysinfo_fields)
{
	struct sysinfo s;

	OK(sysinfo(&s));
	CHECK(s.uptime > 0);
	CHECK(s.mem_unit >= 1);
	CHECK(s.totalram > 0 && s.freeram > 0 && s.freeram < s.totalram);
	CHECK(s.procs >= 3);
	CHECK_ERRNO(syscall(SYS_sysinfo, BAD), EFAULT);
}

ABI_TEST(getrandom_fills)
{
	unsigned char a[300], b[300];

	CHECK_EQ(getrandom(a, sizeof(a), 0), 300);
	CHECK_EQ(getrandom(b, sizeof(b), GRND_NONBLOCK | GRND_RANDOM), 300);
	CHECK(memcmp(a, b, 300));
	CHECK_EQ(getrandom(a, 0, 0), 0);
	CHECK_ERRNO(getrandom(a, 1, 0x100), EINVAL);
	CHECK_ERRNO(getrandom(a, 1, 6), EINVAL);	// GRND_RANDOM and GRND_INSECURE
	CHECK_ERRNO(getrandom(BAD, 1, 0), EFAULT);
}

ABI_TEST(personality_is_inherited)
{
	int old = personality(0xffffffff);

	CHECK_EQ(old, 0);
	CHECK_EQ(personality(ADDR_NO_RANDOMIZE), 0);
	CHECK_EQ(personality(0xffffffff), ADDR_NO_RANDOMIZE);
	CHECK_CHILD(CHECK_EQ(personality(0xffffffff), ADDR_NO_RANDOMIZE));
}

ABI_TEST(processor_time)
{
	struct rusage u;
	struct tms t;
	volatile unsigned long n = 0;

	do {
		for (int i = 0; i < 1000000; i++)
			n += i;
		OK(getrusage(RUSAGE_SELF, &u));
	} while (u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec < 60000);
	CHECK(times(&t) != -1);
	CHECK(t.tms_utime >= 5);
	CHECK_EQ(t.tms_cutime, 0);
	CHECK_CHILD(
		do {
			for (int i = 0; i < 1000000; i++)
				n += i;
			OK(getrusage(RUSAGE_SELF, &u));
		} while (u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec < 60000));
	times(&t);
	CHECK(t.tms_cutime >= 5);
	OK(getrusage(RUSAGE_CHILDREN, &u));
	CHECK(u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec >= 50000);
	CHECK_ERRNO(syscall(SYS_getrusage, 5, &u), EINVAL);
	CHECK_ERRNO(syscall(SYS_getrusage, 0, BAD), EFAULT);
}

ABI_TEST(faults_are_counted)
{
	struct rusage a, b;

	OK(getrusage(RUSAGE_SELF, &a));
	for (volatile char *p = abi_pages(64), *q = p; q < p + 64 * PAGE; q += PAGE)
		*q = 1;
	OK(getrusage(RUSAGE_SELF, &b));
	CHECK(b.ru_minflt > a.ru_minflt);
}

ABI_TEST(file_size_limit)
{
	struct rlimit r = { 10, 1000 };
	static char buf[100];
	int fd = OK(open("f", O_RDWR | O_CREAT, 0600));

	OK(setrlimit(RLIMIT_FSIZE, &r));
	CHECK_EQ(write(fd, buf, 100), 10);		// up to the limit
	CHECK_KILLED(SIGXFSZ, write(fd, buf, 1));
	CHECK_KILLED(SIGXFSZ, ftruncate(fd, 11));
	signal(SIGXFSZ, SIG_IGN);
	CHECK_ERRNO(write(fd, buf, 1), EFBIG);
	CHECK_ERRNO(ftruncate(fd, 11), EFBIG);
	OK(ftruncate(fd, 10));
	r.rlim_cur = 1000;
	OK(setrlimit(RLIMIT_FSIZE, &r));
	CHECK_EQ(write(fd, buf, 1), 1);
}

ABI_TEST(address_space_limit)
{
	struct rlimit r = { 64 << 20, 64 << 20 };

	OK(setrlimit(RLIMIT_AS, &r));
	CHECK_ERRNO(mmap(NULL, 65 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0, ENOMEM);
	OK(mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

ABI_TEST(process_limit)
{
	struct rlimit r = { 1, 1 };

	OK(setrlimit(RLIMIT_NPROC, &r));
	CHECK_CHILD();					// not the superuser's limit
	CHECK_CHILD(
		abi_drop(4321);
		CHECK_ERRNO(fork(), EAGAIN));
}
