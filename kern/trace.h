// kern/trace.h - ochre.trace=: what programs and the kernel do, line by line. Code: trace.c. docs/kern.md.
//
//	ochre.trace=syscalls,signals,sched,faults|all[,ring]
//
// Lines go to the log as they come; with `ring`, into a ring in memory that is printed at panic, at a fraction of the cost.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

enum trace_kind { TRACE_SYSCALLS = 1, TRACE_SIGNALS = 2, TRACE_SCHED = 4, TRACE_FAULTS = 8 };

extern u8 trace_kinds;		// read-mostly: what is on

static ALWAYS_INLINE bool trace_on(enum trace_kind k)
{
	return unlikely(READ_ONCE(trace_kinds) & k);
}

// Adds a line about the running task. Context: any. Call it under trace_on(); use the macro.
void trace_line(const char *fmt, ...) PRINTF(1, 2) COLD;
#define trace(kind, fmt, ...) ((void)(trace_on(kind) && (trace_line(fmt, ##__VA_ARGS__), true)))
// Prints the ring, oldest first. Called by panic().
void trace_dump(void) COLD;
int trace_param(char *val);	// during start-up, memblock in use
