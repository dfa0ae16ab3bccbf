// tests/abi/abi.h - the harness of the ABI tests. Code: abi.c (main), init.c (/init of the guest).
//
// One file is one program; each ABI_TEST runs in a child process of its own, in a process group of its own, as root, in
// an empty current directory that is removed afterwards. A case passes if it returns; a crash, a time-out, a CHECK that
// does not hold (also in a descendant whose status the case checks) is a failure.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct abi_case {
	const char	*name;
	void		(*run)(void);
};

#define ABI_TEST(n)							\
	static void n(void);						\
	static const struct abi_case abi_case_##n			\
		__attribute__((section("abi_cases"), used)) = { #n, n };	\
	static void n(void)

// Reports and ends the calling process with status 99.
void abi_fail(const char *file, int line, const char *fmt, ...) __attribute__((noreturn, format(printf, 3, 4)));
// Ends the case as skipped: only for what the CPU or the machine does not have.
void abi_skip(const char *why) __attribute__((noreturn));

#define CHECK(c) do {							\
	if (!(c))							\
		abi_fail(__FILE__, __LINE__, "CHECK(%s), errno %d", #c, errno);	\
} while (0)

#define CHECK_EQ(a, b) do {						\
	long long a_ = (long long)(a), b_ = (long long)(b);		\
	if (a_ != b_)							\
		abi_fail(__FILE__, __LINE__, "CHECK_EQ(%s, %s): %lld (%#llx), %lld (%#llx), errno %d", #a, #b,	\
			 a_, (unsigned long long)a_, b_, (unsigned long long)b_, errno);	\
} while (0)

#define CHECK_STR(a, b) do {						\
	const char *a_ = (a), *b_ = (b);				\
	if (strcmp(a_, b_))						\
		abi_fail(__FILE__, __LINE__, "CHECK_STR(%s, %s): \"%s\", \"%s\"", #a, #b, a_, b_);	\
} while (0)

// The call fails with exactly this error.
#define CHECK_ERRNO(call, e) do {					\
	errno = 0;							\
	long long r_ = (long long)(call);				\
	if (r_ != -1 || errno != (e))					\
		abi_fail(__FILE__, __LINE__, "%s: returned %lld, errno %d, not %s", #call, r_, errno, #e);	\
} while (0)

// The value of a call that must not fail.
#define OK(call) ({							\
	errno = 0;							\
	__typeof__(call) ok_ = (call);					\
	if ((long long)ok_ == -1)					\
		abi_fail(__FILE__, __LINE__, "%s: errno %d", #call, errno);	\
	ok_;								\
})

// Runs statements in a child; the value is its wait status.
#define IN_CHILD(...) ({						\
	pid_t ic_pid_ = OK(fork());					\
	if (ic_pid_ == 0) {						\
		__VA_ARGS__;						\
		_exit(0);						\
	}								\
	abi_status(ic_pid_);						\
})
// Statements that must all hold, in a child (so that their effects on the process are gone afterwards).
#define CHECK_CHILD(...) CHECK_EQ(IN_CHILD(__VA_ARGS__), 0)
// Statements that must end the child by this signal.
#define CHECK_KILLED(sig, ...) do {					\
	int ck_st_ = IN_CHILD(__VA_ARGS__);				\
	CHECK(WIFSIGNALED(ck_st_));					\
	CHECK_EQ(WTERMSIG(ck_st_), sig);				\
} while (0)

// Addresses that no process can use: never mapped, not canonical, the kernel's.
#define BAD		((void *)(uintptr_t)0x10)
#define BAD_NONCANON	((void *)(uintptr_t)0x8000000000000000ull)
#define BAD_KERNEL	((void *)(uintptr_t)0xffff888000000000ull)
#define PAGE		4096ul

// Waits for one child and returns its status.
int abi_status(pid_t pid);
// n bytes that end exactly before an inaccessible page; n is at most PAGE. Filled with 0xa5.
void *abi_guarded(size_t n);
// One private anonymous read-write page, or several.
void *abi_pages(size_t n);
// Whether the process may read, write the byte at p, asked of the kernel (no signal).
bool abi_readable(const void *p);
bool abi_writable(void *p);
// Returns when the task (process or thread id) sleeps, as /proc/ID/stat says.
void abi_wait_asleep(pid_t id);
// The letter of the task's state in /proc/ID/stat, or 0.
char abi_state(pid_t id);
// Becomes an ordinary user without groups or capabilities.
void abi_drop(uid_t uid);
// Makes a file with this content.
void abi_write_file(const char *path, const char *text);
// Reads a whole file as a string of at most size - 1 bytes; the length.
size_t abi_read_file(const char *path, char *buf, size_t size);
// The value of "Key:" in a /proc status file as a string without leading blanks, or an empty string.
const char *abi_field(const char *path, const char *key);
// Lets a peer continue, waits for it: a pipe with one byte.
struct abi_gate { int fd[2]; };
void abi_gate_init(struct abi_gate *g);
void abi_gate_open(struct abi_gate *g);
void abi_gate_wait(struct abi_gate *g);
// Sleeps for some milliseconds of guest time; never used to order things.
void abi_msleep(unsigned int ms);
