// kern/upcalls.h - what kern/ asks of the layers above it, where no header of its own is the better place.
#pragma once
#include "lib/types.h"

// Nanoseconds since start-up, cheap, monotonic on one CPU, 0 before the clock runs. Any context. Defined in time/clock.c.
u64 kern_clock(void);
// Writes "name[pid]" of a task to buf, always NUL-terminated; t may be null or dead: then says so. Any context. Defined in sched/core.c.
void task_describe(const void *t, char *buf, size_t size);
// Frees what kalloc() or a cache gave. Defined in mm/slab.c.
void rcu_kfree(void *object);
