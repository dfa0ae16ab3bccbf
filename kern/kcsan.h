// kern/kcsan.h - KCSAN=1 builds report data races. Code: kcsan.c. docs/debugging.md.
#pragma once
#include "lib/types.h"

// Number of races reported so far.
u32 kcsan_reports(void);
// For tests: from now on races on the n bytes at p are counted, all of them, and not reported; n of 0 ends that.
void kcsan_expect(const void *p, size_t n);
u32 kcsan_expected(void);
// kcsan.strict: plain writes race with marked accesses too.
int kcsan_param_strict(char *val);
