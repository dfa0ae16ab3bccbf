// kern/fail.h - fault injection: makes allocations fail on purpose. Debug builds only. Code: fail.c.
//
// A task's n-th allocation from now fails when task->fail_nth is n (/proc/PID/fail-nth). fail.interval=N on the command line makes every
// N-th allocation of all user tasks fail, fail.times=M only M times in all. Allocations of interrupts and kernel threads are spared.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

#ifdef CONFIG_DEBUG
// Whether this allocation is chosen to fail: task->fail_nth, or fail.interval= on the command line. Context: any.
bool fail_alloc_now(u32 gfp);
#define fail_alloc(gfp) unlikely(fail_alloc_now(gfp))
int fail_param_interval(char *val);
int fail_param_times(char *val);
// Upcalls: defined in sched/core.c.
// current's fail_nth; null for a kernel thread.
u32 *task_fail_nth(void);
#else
#define fail_alloc(gfp) ((void)(gfp), false)
#endif
