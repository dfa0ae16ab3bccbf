// kern/ubsan.h - UBSAN=1 builds report C operations without a defined result. Code: ubsan.c. docs/debugging.md.
#pragma once
#include "lib/types.h"

// Number of places reported so far.
u32 ubsan_reports(void);
// ubsan.fault=report (the default) or panic.
int ubsan_param_fault(char *val);
