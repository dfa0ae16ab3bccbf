// arch/x86_64/fpu.h - floating-point and vector state of programs. Code: fpu.c.
#pragma once
#include "lib/types.h"

struct task;
struct task_head;

// si_code of the x87 (or SSE) exception that just trapped; 0 if there was none.
int fpu_exception_code(bool simd);
// Loads current's state into the registers. Context: on the way to user mode, interrupts off.
void fpu_load_current(void);
// Saves prev's registers if they are newer than its area. Context: switch, interrupts off.
void fpu_switch_out(struct task_head *prev);
// Bytes of a task's area, and the state components it holds (XCR0).
extern u32 fpu_area_size;
extern u64 fpu_xfeatures;
