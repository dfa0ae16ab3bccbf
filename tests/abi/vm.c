// mprotect(2), mremap(2), madvise(2), brk(2), msync(2), mincore(2), mlock(2) and its family.
#include "abi.h"

enum { PA = MAP_PRIVATE | MAP_ANONYMOUS, RW = PROT_READ | PROT_WRITE };

static void *remap(void *old, size_t old_len, size_t new_len, int flags, void *new_addr)
{
	return (void *)syscall(SYS_mremap, old, old_len, new_len, flags, new_addr);
}

// Pages with distinct contents, in a place with free pages behind them.
static char *letters(size_t n, size_t room)
{
	char *p = abi_pages(n + room);

	for (size_t i = 0; i < n; i++)
		memset(p + i * PAGE, 'a' + (int)i, PAGE);
	if (room)
		OK(munmap(p + n * PAGE, room * PAGE));
	return p;
}

static bool resident(void *p)
{
	unsigned char v = 0;

	OK(mincore(p, PAGE, &v));
	return v & 1;
}

ABI_TEST(mprotect_takes_and_gives)
{
	volatile char *p = abi_pages(1);

	p[0] = 1;
	OK(mprotect((void *)p, PAGE, PROT_READ));
	CHECK_KILLED(SIGSEGV, p[0] = 2);
	OK(mprotect((void *)p, PAGE, PROT_NONE));
	CHECK_KILLED(SIGSEGV, p[0]);
	OK(mprotect((void *)p, PAGE, RW));
	CHECK_EQ(p[0], 1);
	p[0] = 2;
}

ABI_TEST(mprotect_arguments)
{
	char *p = abi_pages(1);

	CHECK_ERRNO(syscall(SYS_mprotect, p + 1, PAGE, PROT_READ), EINVAL);
	CHECK_ERRNO(syscall(SYS_mprotect, p, PAGE, 0x40), EINVAL);
	CHECK_ERRNO(syscall(SYS_mprotect, p, PAGE, PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
	CHECK_ERRNO(syscall(SYS_mprotect, p, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
	CHECK_EQ(syscall(SYS_mprotect, p, 0, PROT_READ), 0);
	CHECK_ERRNO(syscall(SYS_mprotect, p, (size_t)-PAGE, PROT_READ), ENOMEM);
	CHECK(abi_writable(p));
}

ABI_TEST(mprotect_of_a_hole)
{
	char *p = abi_pages(3);

	OK(munmap(p + PAGE, PAGE));
	CHECK_ERRNO(mprotect(p, 3 * PAGE, PROT_READ), ENOMEM);
	CHECK_ERRNO(mprotect(p + PAGE, PAGE, PROT_READ), ENOMEM);
	CHECK(!abi_writable(p));	// what lies before the hole was changed
	CHECK(abi_writable(p + 2 * PAGE));
}

ABI_TEST(mprotect_splits)
{
	char *p = letters(3, 0);

	OK(mprotect(p + PAGE, PAGE, PROT_READ));
	CHECK(abi_writable(p));
	CHECK(!abi_writable(p + PAGE));
	CHECK(abi_writable(p + 2 * PAGE));
	CHECK_EQ(p[PAGE], 'b');
}

ABI_TEST(mprotect_shared_of_a_read_only_fd)
{
	abi_write_file("f", "hello");
	int fd = OK(open("f", O_RDONLY));
	char *p = OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));

	CHECK_ERRNO(mprotect(p, PAGE, RW), EACCES);
	CHECK_EQ(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0);
	p = OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	CHECK_EQ(mprotect(p, PAGE, RW), 0);
	p[0] = 'x';
}

ABI_TEST(mprotect_exec)
{
	unsigned char *p = abi_pages(1);

	memcpy(p, "\xb8\x07\0\0\0\xc3", 6);
	OK(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	CHECK_EQ(((int (*)(void))p)(), 7);
}

ABI_TEST(mprotect_does_not_undo_copy_on_write)
{
	volatile char *p = abi_pages(1);

	p[0] = 1;
	CHECK_CHILD(OK(mprotect((void *)p, PAGE, PROT_READ)); OK(mprotect((void *)p, PAGE, RW)); p[0] = 2; CHECK_EQ(p[0], 2));
	CHECK_EQ(p[0], 1);
}

ABI_TEST(mremap_shrinks)
{
	char *p = letters(4, 0);

	CHECK_EQ((uintptr_t)remap(p, 4 * PAGE, 2 * PAGE, 0, NULL), (uintptr_t)p);
	CHECK_EQ(p[PAGE], 'b');
	CHECK(!abi_readable(p + 2 * PAGE));
}

ABI_TEST(mremap_grows_in_place)
{
	char *p = letters(2, 4);

	CHECK_EQ((uintptr_t)remap(p, 2 * PAGE, 4 * PAGE, 0, NULL), (uintptr_t)p);
	CHECK_EQ(p[PAGE], 'b');
	CHECK_EQ(p[3 * PAGE], 0);
}

ABI_TEST(mremap_cannot_grow)
{
	char *p = letters(3, 0);

	OK(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
	CHECK_ERRNO(remap(p, 2 * PAGE, 3 * PAGE, 0, NULL), ENOMEM);
	CHECK_EQ(p[2 * PAGE], 'c');
}

ABI_TEST(mremap_moves)
{
	char *p = letters(3, 0);

	OK(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
	char *q = OK(remap(p, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE, NULL));
	CHECK(q != p);
	CHECK_EQ(q[0], 'a');
	CHECK_EQ(q[PAGE], 'b');
	CHECK_EQ(q[2 * PAGE], 0);
	CHECK(!abi_readable(p));
	CHECK(!abi_readable(p + PAGE));
	CHECK_EQ(p[2 * PAGE], 'c');
}

ABI_TEST(mremap_fixed)
{
	char *p = letters(2, 0), *to = letters(4, 0);

	CHECK_EQ((uintptr_t)remap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE), (uintptr_t)to + PAGE);
	CHECK_EQ(to[0], 'a');
	CHECK_EQ(to[PAGE], 'a');
	CHECK_EQ(to[2 * PAGE], 'b');
	CHECK_EQ(to[3 * PAGE], 'd');
	CHECK(!abi_readable(p));
}

ABI_TEST(mremap_part_of_a_mapping)
{
	char *p = letters(4, 0);
	char *q = OK(remap(p + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL));

	CHECK_EQ(q[0], 'b');
	CHECK_EQ(p[0], 'a');
	CHECK(!abi_readable(p + PAGE));
	CHECK_EQ(p[2 * PAGE], 'c');
}

ABI_TEST(mremap_arguments)
{
	char *p = letters(4, 0);

	CHECK_ERRNO(remap(p + 1, PAGE, PAGE, 0, NULL), EINVAL);
	CHECK_ERRNO(remap(p, PAGE, 0, 0, NULL), EINVAL);
	CHECK_ERRNO(remap(p, PAGE, PAGE, 0x80, NULL), EINVAL);
	CHECK_ERRNO(remap(p, PAGE, PAGE, MREMAP_FIXED, p + 2 * PAGE), EINVAL);
	CHECK_ERRNO(remap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 2 * PAGE + 1), EINVAL);
	CHECK_ERRNO(remap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE), EINVAL);
	CHECK_ERRNO(remap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, BAD_KERNEL), EINVAL);
	CHECK_EQ(p[0], 'a');
}

ABI_TEST(mremap_of_nothing)
{
	char *p = letters(1, 1);

	CHECK_ERRNO(remap(p + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL), EFAULT);
	CHECK_ERRNO(remap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE, NULL), EFAULT);
}

ABI_TEST(mremap_dontunmap)
{
	char *p = letters(2, 0);

	CHECK_ERRNO(remap(p, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL), EINVAL);
	CHECK_ERRNO(remap(p, 2 * PAGE, 2 * PAGE, MREMAP_DONTUNMAP, NULL), EINVAL);
	char *q = OK(remap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
	CHECK(q != p);
	CHECK_EQ(q[PAGE], 'b');
	CHECK_EQ(p[PAGE], 0);
}

ABI_TEST(mremap_old_size_zero_duplicates_shared)
{
	char *p = OK(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	p[0] = 'k';
	char *q = OK(remap(p, 0, PAGE, MREMAP_MAYMOVE, NULL));
	CHECK(q != p);
	q[0] = 'l';
	CHECK_EQ(p[0], 'l');
}

ABI_TEST(mremap_file_keeps_offset)
{
	abi_write_file("f", "x");
	int fd = OK(open("f", O_RDWR));
	OK(ftruncate(fd, 4 * PAGE));
	OK(pwrite(fd, "2", 1, 2 * PAGE));
	OK(pwrite(fd, "3", 1, 3 * PAGE));
	char *p = OK(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 2 * PAGE));
	p = OK(remap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL));
	CHECK_EQ(p[0], '2');
	CHECK_EQ(p[PAGE], '3');
}

ABI_TEST(madvise_dontneed_zeroes_anonymous)
{
	char *p = letters(3, 0);

	OK(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	CHECK(!resident(p + PAGE));
	CHECK_EQ(p[0], 'a');
	CHECK_EQ(p[PAGE], 0);
	CHECK_EQ(p[2 * PAGE], 'c');
}

ABI_TEST(madvise_dontneed_drops_private_copies)
{
	abi_write_file("f", "hello");
	char *p = OK(mmap(NULL, PAGE, RW, MAP_PRIVATE, OK(open("f", O_RDWR)), 0));

	p[0] = 'J';
	OK(madvise(p, PAGE, MADV_DONTNEED));
	CHECK_EQ(p[0], 'h');
}

ABI_TEST(madvise_dontneed_keeps_shared)
{
	char *p = OK(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	p[0] = 'S';
	OK(madvise(p, PAGE, MADV_DONTNEED));
	CHECK_EQ(p[0], 'S');
}

ABI_TEST(madvise_arguments)
{
	char *p = letters(3, 0);

	CHECK_ERRNO(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_ERRNO(madvise(p, PAGE, 9999), EINVAL);
	CHECK_EQ(madvise(p, 0, MADV_DONTNEED), 0);
	CHECK_ERRNO(madvise(p, (size_t)-1, MADV_DONTNEED), EINVAL);
	CHECK_EQ(p[0], 'a');
	OK(munmap(p + PAGE, PAGE));
	CHECK_ERRNO(madvise(p, 3 * PAGE, MADV_DONTNEED), ENOMEM);
	CHECK_EQ(p[0], 0);		// what is mapped was done, also behind the hole
	CHECK_EQ(p[2 * PAGE], 0);
}

ABI_TEST(madvise_free_needs_private_anonymous)
{
	char *p = letters(1, 0);

	CHECK_EQ(madvise(p, PAGE, MADV_FREE), 0);
	CHECK(p[0] == 'a' || p[0] == 0);
	p[0] = 'n';
	CHECK_EQ(p[0], 'n');
	char *s = OK(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	CHECK_ERRNO(madvise(s, PAGE, MADV_FREE), EINVAL);
}

ABI_TEST(madvise_hints_change_nothing)
{
	static const int hint[] = { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, 20 /* COLD */, 21 /* PAGEOUT */ };
	char *p = letters(2, 0);

	for (size_t i = 0; i < sizeof(hint) / sizeof(*hint); i++)
		CHECK_EQ(madvise(p, 2 * PAGE, hint[i]), 0);
	CHECK_EQ(p[0], 'a');
	CHECK_EQ(p[PAGE], 'b');
}

ABI_TEST(madvise_populate)
{
	char *p = abi_pages(4);

	CHECK(!resident(p));
	CHECK_EQ(madvise(p, 2 * PAGE, 23 /* POPULATE_WRITE */), 0);
	CHECK(resident(p) && resident(p + PAGE));
	CHECK_EQ(madvise(p + 2 * PAGE, PAGE, 22 /* POPULATE_READ */), 0);
	CHECK(resident(p + 2 * PAGE));
	OK(mprotect(p + 3 * PAGE, PAGE, PROT_READ));
	CHECK_ERRNO(madvise(p + 3 * PAGE, PAGE, 23), EINVAL);
	OK(munmap(p + 3 * PAGE, PAGE));
	CHECK_ERRNO(madvise(p + 3 * PAGE, PAGE, 22), ENOMEM);
}

ABI_TEST(madvise_dontfork)
{
	char *p = letters(2, 0);

	OK(madvise(p, PAGE, MADV_DONTFORK));
	CHECK_CHILD(CHECK(!abi_readable(p)); CHECK_EQ(p[PAGE], 'b'));
	OK(madvise(p, PAGE, MADV_DOFORK));
	CHECK_CHILD(CHECK_EQ(p[0], 'a'));
}

ABI_TEST(madvise_wipeonfork)
{
	char *p = letters(1, 0);

	OK(madvise(p, PAGE, 18 /* WIPEONFORK */));
	CHECK_CHILD(CHECK_EQ(p[0], 0));
	CHECK_EQ(p[0], 'a');
	OK(madvise(p, PAGE, 19 /* KEEPONFORK */));
	CHECK_CHILD(CHECK_EQ(p[0], 'a'));
}

ABI_TEST(brk_grows_and_shrinks)
{
	uintptr_t b = (uintptr_t)syscall(SYS_brk, 0);

	CHECK(b != 0);
	CHECK_EQ(syscall(SYS_brk, b + 3 * PAGE), b + 3 * PAGE);
	memset((void *)b, 1, 3 * PAGE);
	CHECK_EQ(syscall(SYS_brk, b), b);
	CHECK(!abi_readable((char *)((b + PAGE - 1) & ~(PAGE - 1)) + PAGE));
	CHECK_EQ(syscall(SYS_brk, b + 3 * PAGE), b + 3 * PAGE);
	CHECK_EQ(*((char *)b + 2 * PAGE), 0);
}

ABI_TEST(brk_failure_returns_the_old_break)
{
	uintptr_t b = (uintptr_t)syscall(SYS_brk, 0);

	CHECK_EQ(syscall(SYS_brk, 1), b);
	CHECK_EQ(syscall(SYS_brk, 0x7ffffffff000ul), b);
	CHECK_EQ(syscall(SYS_brk, ~0ul), b);
}

ABI_TEST(brk_stops_at_a_mapping)
{
	uintptr_t b = (uintptr_t)syscall(SYS_brk, 0), up = (b + PAGE - 1) & ~(PAGE - 1);

	OK(mmap((void *)(up + 4 * PAGE), PAGE, RW, PA | MAP_FIXED_NOREPLACE, -1, 0));
	CHECK_EQ(syscall(SYS_brk, up + 8 * PAGE), b);
}

ABI_TEST(brk_obeys_rlimit_data)
{
	uintptr_t b = (uintptr_t)syscall(SYS_brk, 0);
	struct rlimit r = { 1 << 20, 1 << 20 };

	OK(setrlimit(RLIMIT_DATA, &r));
	CHECK_EQ(syscall(SYS_brk, b + (8 << 20)), b);
}

ABI_TEST(msync_arguments)
{
	char *p = letters(2, 1);

	CHECK_ERRNO(msync(p + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_ERRNO(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_ERRNO(msync(p, PAGE, 0x100), EINVAL);
	CHECK_ERRNO(msync(p, 3 * PAGE, MS_SYNC), ENOMEM);
	CHECK_ERRNO(msync(p, (size_t)-PAGE, MS_SYNC), ENOMEM);
	CHECK_EQ(msync(p, 0, MS_SYNC), 0);
	CHECK_EQ(msync(p, 2 * PAGE, 0), 0);
	CHECK_EQ(msync(p, 2 * PAGE, MS_ASYNC), 0);
	CHECK_EQ(msync(p, 2 * PAGE, MS_SYNC | MS_INVALIDATE), 0);
}

ABI_TEST(msync_invalidate_of_locked)
{
	char *p = letters(1, 0);

	OK(mlock(p, PAGE));
	CHECK_ERRNO(msync(p, PAGE, MS_ASYNC | MS_INVALIDATE), EBUSY);
}

ABI_TEST(mincore_shows_residence)
{
	unsigned char v[3];
	char *p = abi_pages(3);

	p[PAGE] = 1;
	memset(v, 0xff, sizeof(v));
	OK(mincore(p, 3 * PAGE, v));
	CHECK_EQ(v[0] & 1, 0);
	CHECK_EQ(v[1] & 1, 1);
	CHECK_EQ(v[2] & 1, 0);
}

ABI_TEST(mincore_arguments)
{
	unsigned char v[4];
	char *p = letters(1, 1);

	CHECK_ERRNO(mincore(p + 1, PAGE, v), EINVAL);
	CHECK_ERRNO(mincore(p + PAGE, PAGE, v), ENOMEM);
	CHECK_ERRNO(mincore(p, 2 * PAGE, v), ENOMEM);
	CHECK_ERRNO(syscall(SYS_mincore, p, PAGE, BAD), EFAULT);
	CHECK_ERRNO(mincore(p, (size_t)-PAGE, v), ENOMEM);
	CHECK_EQ(mincore(p, 0, v), 0);
}

ABI_TEST(mlock_makes_resident)
{
	char *p = abi_pages(4);

	OK(mlock(p + PAGE + 5, PAGE));	// rounded to whole pages: two of them
	CHECK(!resident(p));
	CHECK(resident(p + PAGE) && resident(p + 2 * PAGE));
	OK(munlock(p, 4 * PAGE));
}

ABI_TEST(mlock_arguments)
{
	char *p = letters(1, 1);

	CHECK_ERRNO(mlock(p, 2 * PAGE), ENOMEM);
	CHECK_ERRNO(munlock(p + PAGE, PAGE), ENOMEM);
	CHECK_ERRNO(syscall(SYS_mlock, p, (size_t)-PAGE), EINVAL);
	CHECK_EQ(mlock(p, 0), 0);
	CHECK_ERRNO(syscall(SYS_mlock2, p, PAGE, 2), EINVAL);
	CHECK_ERRNO(mlockall(0), EINVAL);
	CHECK_ERRNO(mlockall(8), EINVAL);
	CHECK_ERRNO(mlockall(4 /* ONFAULT alone */), EINVAL);
}

ABI_TEST(mlock2_onfault)
{
	char *p = abi_pages(2);

	CHECK_EQ(syscall(SYS_mlock2, p, 2 * PAGE, 1), 0);
	CHECK(!resident(p));
	p[0] = 1;
	CHECK(resident(p));
}

ABI_TEST(mlock_limit)
{
	char *p = abi_pages(8);
	struct rlimit r = { 4 * PAGE, 4 * PAGE };

	OK(setrlimit(RLIMIT_MEMLOCK, &r));
	CHECK_CHILD(abi_drop(1000); OK(mlock(p, 4 * PAGE)); CHECK_ERRNO(mlock(p, 8 * PAGE), ENOMEM));
	CHECK_EQ(mlock(p, 8 * PAGE), 0);	// CAP_IPC_LOCK
	r.rlim_cur = r.rlim_max = 0;
	OK(setrlimit(RLIMIT_MEMLOCK, &r));
	CHECK_CHILD(abi_drop(1000); CHECK_ERRNO(mlock(p, PAGE), EPERM); CHECK_ERRNO(mlockall(MCL_CURRENT), EPERM));
}

ABI_TEST(mlockall_future)
{
	OK(mlockall(MCL_FUTURE));
	char *p = abi_pages(2);
	CHECK(resident(p) && resident(p + PAGE));
	OK(munlockall());
	p = abi_pages(2);
	CHECK(!resident(p));
}

ABI_TEST(map_locked_is_resident)
{
	char *p = OK(mmap(NULL, 2 * PAGE, RW, PA | MAP_LOCKED, -1, 0));

	CHECK(resident(p) && resident(p + PAGE));
	CHECK(strtol(abi_field("/proc/self/status", "VmLck"), NULL, 10) >= 8);
}

ABI_TEST(stack_grows)
{
	volatile char *deep = alloca(1 << 20);

	deep[0] = 1;
	deep[(1 << 20) - 1] = 2;
	CHECK_EQ(deep[0], 1);
}

static int eat_stack(int n)
{
	volatile char block[4096];

	block[0] = (char)n;
	return n > 1000000 ? 0 : eat_stack(n + 1) + block[0];
}

ABI_TEST(stack_limit)
{
	struct rlimit r = { 256 << 10, RLIM_INFINITY };

	OK(setrlimit(RLIMIT_STACK, &r));
	CHECK_KILLED(SIGSEGV, eat_stack(0));
}

ABI_TEST(fork_of_large_area_copies_on_write)
{
	enum { N = 512 };
	char *p = abi_pages(N);

	for (int i = 0; i < N; i++)
		p[i * PAGE] = (char)i;
	CHECK_CHILD(for (int i = 0; i < N; i += 2) p[i * PAGE] = 'c');
	for (int i = 0; i < N; i++)
		CHECK_EQ(p[i * PAGE], (char)i);
}
