// mm/leak.h - what user activity left behind: checked at power-off in DEBUG and KASAN builds. Code: leak.c. docs/debugging.md.
#pragma once
#include "lib/types.h"

#if defined(CONFIG_DEBUG) || defined(CONFIG_KASAN)
// Remembers what is in use before the first program runs. threads: how many there are. Context: task.
void leak_mark(u32 threads);
// Compares, and prints `leak: none`, or what there is too much of. Context: task.
void leak_report(u32 threads);
#else
static inline void leak_mark(u32 threads) { }
static inline void leak_report(u32 threads) { }
#endif
