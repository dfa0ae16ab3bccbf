// mmap(2), munmap(2).
#include "abi.h"
#include <setjmp.h>

static siginfo_t fault_info;
static sigjmp_buf fault_jump;

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	fault_info = *si;
	siglongjmp(fault_jump, 1);
}

// Stores a byte; 1 if that raised SIGSEGV or SIGBUS, which fault_info then describes.
static int store_faults(char *at)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	OK(sigaction(SIGSEGV, &sa, NULL));
	OK(sigaction(SIGBUS, &sa, NULL));
	if (sigsetjmp(fault_jump, 1))
		return 1;
	*(volatile char *)at = 1;
	return 0;
}

static void *map(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	return (void *)syscall(SYS_mmap, at, len, prot, flags, fd, off);
}

static int file_of(size_t pages)
{
	int fd = OK(open("file", O_RDWR | O_CREAT | O_TRUNC, 0600));
	char page[PAGE];

	for (size_t i = 0; i < pages; i++) {
		memset(page, 'a' + (int)i, PAGE);
		CHECK_EQ(write(fd, page, PAGE), PAGE);
	}
	return fd;
}

enum { PA = MAP_PRIVATE | MAP_ANONYMOUS, RW = PROT_READ | PROT_WRITE };

ABI_TEST(anonymous_memory_is_zero)
{
	unsigned long *p = OK(map(NULL, 4 * PAGE, RW, PA, -1, 0));

	CHECK_EQ((uintptr_t)p % PAGE, 0);
	for (size_t i = 0; i < 4 * PAGE / sizeof(*p); i++)
		CHECK_EQ(p[i], 0);
}

ABI_TEST(length_zero)
{
	CHECK_ERRNO(map(NULL, 0, RW, PA, -1, 0), EINVAL);
}

ABI_TEST(length_is_rounded_up)
{
	char *p = OK(map(NULL, 1, RW, PA, -1, 0));

	p[PAGE - 1] = 1;
	CHECK_EQ(munmap(p, 1), 0);
	CHECK(!abi_readable(p + PAGE - 1));
}

ABI_TEST(length_that_wraps)
{
	CHECK_ERRNO(map(NULL, (size_t)-1, RW, PA, -1, 0), ENOMEM);
	CHECK_ERRNO(map(NULL, (size_t)-PAGE, RW, PA, -1, 0), ENOMEM);
	CHECK_ERRNO(map(NULL, 1ul << 47, PROT_NONE, PA, -1, 0), ENOMEM);
}

ABI_TEST(neither_shared_nor_private)
{
	CHECK_ERRNO(map(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
}

ABI_TEST(anonymous_ignores_fd)
{
	CHECK(map(NULL, PAGE, RW, PA, 12345, 0) != MAP_FAILED);
}

ABI_TEST(offset_not_aligned)
{
	int fd = file_of(1);

	CHECK_ERRNO(map(NULL, PAGE, RW, MAP_SHARED, fd, 1), EINVAL);
	CHECK_ERRNO(map(NULL, PAGE, RW, PA, -1, 512), EINVAL);
}

ABI_TEST(offset_overflow)
{
	int fd = file_of(1);

	CHECK_ERRNO(map(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, (off_t)(~0ul & ~(PAGE - 1))), EOVERFLOW);
}

ABI_TEST(bad_fd)
{
	CHECK_ERRNO(map(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERRNO(map(NULL, PAGE, RW, MAP_SHARED, 999, 0), EBADF);
}

ABI_TEST(bad_fd_is_found_before_length_zero)
{
	CHECK_ERRNO(map(NULL, 0, RW, MAP_PRIVATE, -1, 0), EBADF);
}

ABI_TEST(fd_not_readable)
{
	file_of(1);
	int fd = OK(open("file", O_WRONLY));

	CHECK_ERRNO(map(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), EACCES);
	CHECK_ERRNO(map(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
}

ABI_TEST(shared_writable_needs_a_writable_fd)
{
	file_of(1);
	int fd = OK(open("file", O_RDONLY));

	CHECK_ERRNO(map(NULL, PAGE, RW, MAP_SHARED, fd, 0), EACCES);
	CHECK(map(NULL, PAGE, RW, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	CHECK(map(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
}

ABI_TEST(o_path_fd)
{
	file_of(1);
	int fd = OK(open("file", O_PATH));

	CHECK_ERRNO(map(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), EBADF);
}

ABI_TEST(pipe_and_directory_cannot_be_mapped)
{
	int p[2];

	OK(pipe(p));
	CHECK_ERRNO(map(NULL, PAGE, PROT_READ, MAP_PRIVATE, p[0], 0), ENODEV);
	CHECK_ERRNO(map(NULL, PAGE, PROT_READ, MAP_PRIVATE, OK(open(".", O_RDONLY)), 0), ENODEV);
}

ABI_TEST(private_file_is_copied_on_write)
{
	int fd = file_of(1);
	char *p = OK(map(NULL, PAGE, RW, MAP_PRIVATE, fd, 0)), c;

	CHECK_EQ(p[0], 'a');
	p[0] = 'X';
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_EQ(c, 'a');
}

ABI_TEST(private_file_shows_writes_to_untouched_pages)
{
	int fd = file_of(1);
	char *p = OK(map(NULL, PAGE, RW, MAP_PRIVATE, fd, 0));

	CHECK_EQ(p[1], 'a');
	CHECK_EQ(pwrite(fd, "Z", 1, 1), 1);
	CHECK_EQ(p[1], 'Z');
}

ABI_TEST(shared_file_and_read_write_agree)
{
	int fd = file_of(2);
	char *p = OK(map(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0)), c;

	p[PAGE] = 'Q';
	CHECK_EQ(pread(fd, &c, 1, PAGE), 1);
	CHECK_EQ(c, 'Q');
	CHECK_EQ(pwrite(fd, "R", 1, 0), 1);
	CHECK_EQ(p[0], 'R');
}

ABI_TEST(two_shared_mappings_agree)
{
	int fd = file_of(1);
	char *p = OK(map(NULL, PAGE, RW, MAP_SHARED, fd, 0));
	char *q = OK(map(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));

	CHECK(p != q);
	p[77] = 'Y';
	CHECK_EQ(q[77], 'Y');
}

ABI_TEST(file_offset)
{
	int fd = file_of(4);
	char *p = OK(map(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE));

	CHECK_EQ(p[0], 'c');
	CHECK_EQ(p[PAGE], 'd');
}

ABI_TEST(tail_of_last_page_is_zero)
{
	int fd = file_of(0);

	CHECK_EQ(write(fd, "abc", 3), 3);
	char *p = OK(map(NULL, PAGE, RW, MAP_SHARED, fd, 0));
	for (size_t i = 3; i < PAGE; i++)
		CHECK_EQ(p[i], 0);
	p[100] = 1;
	struct stat st;
	OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 3);
}

ABI_TEST(beyond_end_of_file_is_sigbus)
{
	int fd = file_of(1);
	volatile char *p = OK(map(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0));

	CHECK_KILLED(SIGBUS, p[PAGE]);
	CHECK_KILLED(SIGBUS, p[PAGE] = 1);
}

ABI_TEST(truncated_pages_are_sigbus)
{
	int fd = file_of(2);
	volatile char *p = OK(map(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0));

	CHECK_EQ(p[PAGE], 'b');
	OK(ftruncate(fd, PAGE));
	CHECK_KILLED(SIGBUS, p[PAGE]);
	CHECK_EQ(p[0], 'a');
	OK(ftruncate(fd, 2 * PAGE));
	CHECK_EQ(p[PAGE], 0);
}

ABI_TEST(truncate_takes_private_copies_too)
{
	int fd = file_of(2);
	volatile char *p = OK(map(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0));

	p[PAGE] = 'X';
	OK(ftruncate(fd, PAGE));
	CHECK_KILLED(SIGBUS, p[PAGE]);
}

ABI_TEST(mapping_outlives_fd_and_name)
{
	int fd = file_of(1);
	char *p = OK(map(NULL, PAGE, RW, MAP_SHARED, fd, 0));

	close(fd);
	OK(unlink("file"));
	CHECK_EQ(p[5], 'a');
	p[5] = 'b';
	CHECK_EQ(p[5], 'b');
}

ABI_TEST(fixed_replaces)
{
	char *p = abi_pages(3);

	memset(p, 'x', 3 * PAGE);
	CHECK_EQ((uintptr_t)map(p + PAGE, PAGE, RW, PA | MAP_FIXED, -1, 0), (uintptr_t)p + PAGE);
	CHECK_EQ(p[0], 'x');
	CHECK_EQ(p[PAGE], 0);
	CHECK_EQ(p[2 * PAGE], 'x');
}

ABI_TEST(fixed_not_aligned)
{
	char *p = abi_pages(1);

	CHECK_ERRNO(map(p + 1, PAGE, RW, PA | MAP_FIXED, -1, 0), EINVAL);
}

ABI_TEST(fixed_beyond_user_space)
{
	CHECK_ERRNO(map((void *)0x7ffffffff000, 2 * PAGE, RW, PA | MAP_FIXED, -1, 0), ENOMEM);
	CHECK_ERRNO(map(BAD_KERNEL, PAGE, RW, PA | MAP_FIXED, -1, 0), ENOMEM);
}

ABI_TEST(fixed_below_mmap_min_addr)
{
	CHECK_CHILD(abi_drop(1000); CHECK_ERRNO(map(NULL, PAGE, RW, PA | MAP_FIXED, -1, 0), EPERM));
}

ABI_TEST(fixed_noreplace)
{
	char *p = abi_pages(2);

	CHECK_ERRNO(map(p, PAGE, RW, PA | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	OK(munmap(p, PAGE));
	CHECK_EQ((uintptr_t)map(p, PAGE, RW, PA | MAP_FIXED_NOREPLACE, -1, 0), (uintptr_t)p);
	CHECK_ERRNO(map(p - PAGE, 3 * PAGE, RW, PA | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
}

ABI_TEST(hint_is_taken_if_free)
{
	char *p = abi_pages(1);

	OK(munmap(p, PAGE));
	CHECK_EQ((uintptr_t)map(p, PAGE, RW, PA, -1, 0), (uintptr_t)p);
}

ABI_TEST(hint_in_use_gives_another_place)
{
	char *p = abi_pages(1);
	char *q = OK(map(p, PAGE, RW, PA, -1, 0));

	CHECK(q != p);
}

ABI_TEST(hint_not_aligned_is_rounded)
{
	char *p = OK(map(abi_pages(1) + 100, PAGE, RW, PA, -1, 0));

	CHECK_EQ((uintptr_t)p % PAGE, 0);
}

ABI_TEST(prot_none)
{
	volatile char *p = OK(map(NULL, PAGE, PROT_NONE, PA, -1, 0));

	CHECK_KILLED(SIGSEGV, p[0]);
	CHECK_KILLED(SIGSEGV, p[0] = 1);
	CHECK(!abi_readable((char *)p));
}

ABI_TEST(read_only)
{
	volatile char *p = OK(map(NULL, PAGE, PROT_READ, PA, -1, 0));

	CHECK_EQ(p[0], 0);
	CHECK_KILLED(SIGSEGV, p[0] = 1);
	CHECK(!abi_writable((char *)p));
}

ABI_TEST(not_executable)
{
	unsigned char *p = abi_pages(1);

	*p = 0xc3;
	CHECK_KILLED(SIGSEGV, ((void (*)(void))p)());
}

ABI_TEST(executable)
{
	unsigned char *p = OK(map(NULL, PAGE, RW | PROT_EXEC, PA, -1, 0));

	memcpy(p, "\xb8\x2a\0\0\0\xc3", 6);	// mov eax, 42; ret
	CHECK_EQ(((int (*)(void))p)(), 42);
}

ABI_TEST(shared_anonymous_is_shared_with_a_child)
{
	volatile int *p = OK(map(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	CHECK_CHILD(*p = 7);
	CHECK_EQ(*p, 7);
}

ABI_TEST(private_is_not_shared_with_a_child)
{
	volatile int *p = abi_pages(1);

	*p = 1;
	CHECK_CHILD(CHECK_EQ(*p, 1); *p = 7);
	CHECK_EQ(*p, 1);
}

ABI_TEST(shared_validate_refuses_unknown_flags)
{
	int fd = file_of(1);

	CHECK_ERRNO(map(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x2000000, fd, 0), EOPNOTSUPP);
	CHECK(map(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE, fd, 0) != MAP_FAILED);
	CHECK(map(NULL, PAGE, PROT_READ, MAP_SHARED | 0x2000000, fd, 0) != MAP_FAILED);
}

ABI_TEST(populate_makes_pages_resident)
{
	unsigned char vec[8] = { 0 };
	char *p = OK(map(NULL, 8 * PAGE, RW, PA | MAP_POPULATE, -1, 0));

	OK(mincore(p, 8 * PAGE, vec));
	for (int i = 0; i < 8; i++)
		CHECK_EQ(vec[i] & 1, 1);
}

ABI_TEST(growsdown_grows)
{
	char *area = OK(map(NULL, 600 * PAGE, PROT_NONE, PA | MAP_NORESERVE, -1, 0));

	OK(munmap(area, 600 * PAGE));
	volatile char *p = OK(map(area + 590 * PAGE, PAGE, RW, PA | MAP_GROWSDOWN | MAP_FIXED, -1, 0));
	p[-1] = 1;
	p[-(long)PAGE * 3] = 2;
	CHECK_EQ(p[-1], 1);
}

ABI_TEST(rlimit_as)
{
	struct rlimit r = { 64 << 20, 64 << 20 };

	OK(setrlimit(RLIMIT_AS, &r));
	CHECK_ERRNO(map(NULL, 128 << 20, RW, PA, -1, 0), ENOMEM);
	CHECK(map(NULL, 1 << 20, RW, PA, -1, 0) != MAP_FAILED);
}

ABI_TEST(rlimit_data)
{
	struct rlimit r = { 16 << 20, 16 << 20 };

	OK(setrlimit(RLIMIT_DATA, &r));
	CHECK_ERRNO(map(NULL, 32 << 20, RW, PA, -1, 0), ENOMEM);
	CHECK(map(NULL, 32 << 20, PROT_READ, PA, -1, 0) != MAP_FAILED);
}

ABI_TEST(dev_zero)
{
	int fd = OK(open("/dev/zero", O_RDWR));
	char *p = OK(map(NULL, PAGE, RW, MAP_PRIVATE, fd, 0));

	CHECK_EQ(p[9], 0);
	p[9] = 1;
	volatile int *s = OK(map(NULL, PAGE, RW, MAP_SHARED, fd, 0));
	CHECK_CHILD(*s = 3);
	CHECK_EQ(*s, 3);
}

ABI_TEST(munmap_arguments)
{
	char *p = abi_pages(1);

	CHECK_ERRNO(munmap(p, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_munmap, p + 1, PAGE), EINVAL);
	CHECK_ERRNO(syscall(SYS_munmap, BAD_KERNEL, PAGE), EINVAL);
	CHECK_ERRNO(syscall(SYS_munmap, p, 1ul << 47), EINVAL);
	CHECK(abi_readable(p));
}

ABI_TEST(munmap_of_nothing)
{
	char *p = abi_pages(2);

	OK(munmap(p, 2 * PAGE));
	CHECK_EQ(munmap(p, 2 * PAGE), 0);
}

ABI_TEST(munmap_makes_a_hole)
{
	char *p = abi_pages(5);

	memset(p, 'm', 5 * PAGE);
	OK(munmap(p + 2 * PAGE, PAGE));
	CHECK_EQ(p[2 * PAGE - 1], 'm');
	CHECK(!abi_readable(p + 2 * PAGE));
	CHECK_EQ(p[3 * PAGE], 'm');
}

ABI_TEST(munmap_over_several_mappings_and_holes)
{
	char *p = abi_pages(8);

	OK(munmap(p + PAGE, PAGE));
	OK(mprotect(p + 3 * PAGE, PAGE, PROT_READ));
	OK(munmap(p + 5 * PAGE, PAGE));
	OK(munmap(p, 8 * PAGE));
	for (int i = 0; i < 8; i++)
		CHECK(!abi_readable(p + i * PAGE));
}

ABI_TEST(remapped_page_is_zero_again)
{
	char *p = abi_pages(1);

	p[3] = 3;
	OK(munmap(p, PAGE));
	OK(map(p, PAGE, RW, PA | MAP_FIXED, -1, 0));
	CHECK_EQ(p[3], 0);
}

ABI_TEST(many_mappings)
{
	enum { N = 1000 };
	char *p[N];

	for (int i = 0; i < N; i++) {
		p[i] = OK(map(NULL, PAGE, i % 2 ? RW : PROT_READ, PA, -1, 0));
		if (i % 2)
			*p[i] = (char)i;
	}
	for (int i = 1; i < N; i += 2)
		CHECK_EQ(*p[i], (char)i);
}

ABI_TEST(sigsegv_info)
{
	char *p = OK(map(NULL, PAGE, PROT_READ, PA, -1, 0));

	CHECK_EQ(store_faults(p + 5), 1);
	CHECK_EQ(fault_info.si_signo, SIGSEGV);
	CHECK_EQ(fault_info.si_code, SEGV_ACCERR);
	CHECK_EQ((uintptr_t)fault_info.si_addr, (uintptr_t)p + 5);
	OK(munmap(p, PAGE));
	CHECK_EQ(store_faults(p + 9), 1);
	CHECK_EQ(fault_info.si_code, SEGV_MAPERR);
	CHECK_EQ((uintptr_t)fault_info.si_addr, (uintptr_t)p + 9);
}

ABI_TEST(sigbus_info)
{
	int fd = file_of(1);
	char *p = OK(map(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0));

	CHECK_EQ(store_faults(p + PAGE + 17), 1);
	CHECK_EQ(fault_info.si_signo, SIGBUS);
	CHECK_EQ(fault_info.si_code, BUS_ADRERR);
	CHECK_EQ((uintptr_t)fault_info.si_addr, (uintptr_t)p + PAGE + 17);
}

ABI_TEST(dev_null_cannot_be_mapped)
{
	CHECK_ERRNO(map(NULL, PAGE, PROT_READ, MAP_PRIVATE, OK(open("/dev/null", O_RDWR)), 0), ENODEV);
}
