// kern/fail.h - fault injection: makes allocations fail on purpose. Debug builds only.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

#ifdef CONFIG_DEBUG
// Whether this allocation is chosen to fail: task->fail_nth, or fail.interval= on the command line. Context: any.
bool fail_alloc_now(u32 gfp);
#define fail_alloc(gfp) unlikely(fail_alloc_now(gfp))
#else
#define fail_alloc(gfp) ((void)(gfp), false)
#endif
