// include/drv/test.h - how a Rust unit test says that something does not hold. Only in builds with TESTS=1. Code: dev/drv_glue.c.
#pragma once
#include "drv/types.h"

// A function and two strings of lib/ktest.h's struct ktest. The linker gathers pointers to them in the section "ktest".
struct drv_test {
	const char *suite STATIC_REF;
	const char *name STATIC_REF;
	void (*run)(void) CTX_TASK;
};

// Counts and logs a failure of the running test if `held` is false; returns `held`. file and text are static.
bool drv_test_check(const char *file STATIC_REF, u32 line, const char *text STATIC_REF, bool held) CTX_TASK;
