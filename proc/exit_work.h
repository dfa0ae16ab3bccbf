// proc/exit_work.h - work around system calls and at the return to user mode. Code: exit_work.c. The port calls it: arch/entry.h.
#pragma once
#include "arch/frame.h"

// Upcalls: defined in sys/trace.c: ochre.trace=syscalls, in words.
void syscall_trace_enter(const struct frame *f);
void syscall_trace_exit(const struct frame *f);
