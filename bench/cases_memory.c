// Memory: mapping, faults, protection, copy on write.
#include "bench.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define FILE_SIZE (4ul << 20)
#define COW_SIZE (2ul << 20)

static char *area;
static uint64_t *result;
static int fd;

static void mmap_4k(void)
{
	for (int i = 0; i < 300; i++) {
		volatile char *p = bench_map(PAGE, 0, 0);
		*p = 1;
		munmap((void *)p, PAGE);
	}
}

static void map_16m(int small)
{
	char *p = bench_map(16 << 20, 1, small);
	munmap(p, 16 << 20);
}

static void mmap_16m(void) { map_16m(0); }
static void mmap_16m_4k(void) { map_16m(1); }

static int cow_area(void)
{
	area = bench_map(COW_SIZE, 1, 1);
	result = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return result == MAP_FAILED ? -errno : 0;
}

// The child measures: only the faults count, not the fork.
static uint64_t cow_fault(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		uint64_t start = ticks();
		bench_touch(area, COW_SIZE);
		*result = ticks() - start;
		_exit(0);
	}
	must(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork");
	return *result;
}

static int map_file(void)
{
	fd = bench_file("mapped", FILE_SIZE);
	return 0;
}

static void file_fault_ro(void)
{
	volatile char *p = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p != MAP_FAILED, "mmap");
	for (size_t i = 0; i < FILE_SIZE; i += PAGE)
		(void)p[i];
	munmap((void *)p, FILE_SIZE);
}

static void file_fault_cow(void)
{
	char *p = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	must(p != MAP_FAILED, "mmap");
	bench_touch(p, FILE_SIZE);
	munmap(p, FILE_SIZE);
}

static int sixteen_pages(void)
{
	area = bench_map(16 * PAGE, 1, 1);
	return 0;
}

static void protect(char *p, size_t size, int n)
{
	for (int i = 0; i < n; i++) {
		must(mprotect(p, size, PROT_READ | PROT_WRITE) == 0, "mprotect");
		must(mprotect(p, size, PROT_READ) == 0, "mprotect");
	}
}

static void mprotect_16p(void) { protect(area, 16 * PAGE, 300); }
static void mprotect_split(void) { protect(area + 2 * PAGE, PAGE, 200); }

static int one_mib(void)
{
	area = bench_map(1 << 20, 0, 1);
	return 0;
}

static void madv_dontneed(void)
{
	for (int i = 0; i < 4; i++) {
		bench_touch(area, 1 << 20);
		must(madvise(area, 1 << 20, MADV_DONTNEED) == 0, "madvise");
	}
}

static void brk_grow(void)
{
	uintptr_t base = ((uintptr_t)syscall(SYS_brk, 0) + PAGE - 1) & -PAGE;
	for (int i = 1; i <= 256; i++) {
		uintptr_t end = base + i * PAGE;
		must((uintptr_t)syscall(SYS_brk, end) == end, "brk");
		*(volatile char *)(end - PAGE) = 1;
	}
	syscall(SYS_brk, base);
}

const struct bench cases_memory[] = {
	{ "mmap_4k", 300, NULL, mmap_4k, NULL },
	{ "mmap_16m", 4096, NULL, mmap_16m, NULL },
	{ "mmap_16m_4k", 4096, NULL, mmap_16m_4k, NULL },
	{ "cow_fault", COW_SIZE / PAGE, cow_area, NULL, cow_fault },
	{ "file_fault_ro", FILE_SIZE / PAGE, map_file, file_fault_ro, NULL },
	{ "file_fault_cow", FILE_SIZE / PAGE, map_file, file_fault_cow, NULL },
	{ "mprotect_16p", 300, sixteen_pages, mprotect_16p, NULL },
	{ "mprotect_split", 200, sixteen_pages, mprotect_split, NULL },
	{ "madv_dontneed", 1024, one_mib, madv_dontneed, NULL },
	{ "brk_grow", 256, NULL, brk_grow, NULL },
	{ NULL, 0, NULL, NULL, NULL },
};
