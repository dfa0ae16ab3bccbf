// kern/kcsan.h - KCSAN=1 builds report data races. Code: kcsan.c. docs/debugging.md.
#pragma once
#include "lib/types.h"

// Number of races reported so far.
u32 kcsan_reports(void);
// kcsan.strict: plain writes race with marked accesses too.
int kcsan_param_strict(char *val);
