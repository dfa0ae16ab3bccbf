// lib/ktest.h - unit tests beside the code. Runner: kern/ktest.c. Builds with TESTS=1 hold them; so does the host program.
//
// A test is a function that says what must hold; it fails if a check failed, and goes on after a failed check. The same test
// runs in QEMU (`ktest` on the command line) and on the build host under sanitizers (make test), in task context.
//
//	KTEST(eventfd, semaphore_takes_one)
//	{
//		struct eventfd *e;
//		REQUIRE(eventfd_create(2, EFD_SEMAPHORE, &e) == 0);
//		CHECK_EQ(e->count, 2);
//	}
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct ktest {
	const char *suite;
	const char *name;
	void (*run)(void);
};

// The linker gathers pointers, not structures: their spacing cannot depend on the compiler's idea of alignment.
#define KTEST(suite_, name_) KTEST_(suite_, name_, CONCAT(suite_, CONCAT(__ktest__, name_)))
#define KTEST_(suite_, name_, id)                                                         \
	static void id(void) NO_LOCK_ANALYSIS; /* owns what it looks at */                                          \
	static const struct ktest CONCAT(id, _t) = { STRINGIFY(suite_), STRINGIFY(name_), id }; \
	static const struct ktest *const CONCAT(id, _p) USED SECTION("ktest") = &CONCAT(id, _t); \
	static void id(void)

// Each returns whether it held, so that a test can stop where going on makes no sense. Integers and pointers alike are compared
// as signed 64-bit numbers. Context: any in which the log may be written; several CPUs may check at once.
#define CHECK(c) ktest_true(__FILE__, __LINE__, #c, (c))
#define CHECK_EQ(a, b) ktest_cmp(__FILE__, __LINE__, #a " == " #b, (s64)(a), (s64)(b), KTEST_EQ)
#define CHECK_NE(a, b) ktest_cmp(__FILE__, __LINE__, #a " != " #b, (s64)(a), (s64)(b), KTEST_NE)
#define CHECK_LT(a, b) ktest_cmp(__FILE__, __LINE__, #a " < " #b, (s64)(a), (s64)(b), KTEST_LT)
#define CHECK_LE(a, b) ktest_cmp(__FILE__, __LINE__, #a " <= " #b, (s64)(a), (s64)(b), KTEST_LE)
#define CHECK_GT(a, b) CHECK_LT(b, a)
#define CHECK_GE(a, b) CHECK_LE(b, a)
#define CHECK_STR(a, b) ktest_str(__FILE__, __LINE__, #a " is " #b, (a), (b))
#define CHECK_MEM(a, b, n) ktest_mem(__FILE__, __LINE__, #a " holds " #b, (a), (b), (n))
// Leaves the test function when c does not hold: what follows depends on it.
#define REQUIRE(c)                \
	do {                      \
		if (!CHECK(c))    \
			return;   \
	} while (0)

enum ktest_cmp { KTEST_EQ, KTEST_NE, KTEST_LT, KTEST_LE };

bool ktest_true(const char *file, int line, const char *text, bool held);
bool ktest_cmp(const char *file, int line, const char *text, s64 a, s64 b, enum ktest_cmp how);
bool ktest_str(const char *file, int line, const char *text, const char *a, const char *b);
bool ktest_mem(const char *file, int line, const char *text, const void *a, const void *b, size_t n);

// Runs the tests whose "suite.name" matches pattern (a name, or a beginning followed by *; NULL or "" is all of them) and writes
// TAP to the log. Returns how many failed; no match counts as one failure. Context: task.
int ktest_run(const char *pattern);
