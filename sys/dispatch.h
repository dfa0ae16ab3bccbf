// sys/dispatch.h - from a register frame to a handler, and descriptions of system calls for the trace.
#pragma once
#include "arch/frame.h"
#include "lib/types.h"

#define NR_SYSCALLS 512

enum syscall_arg { ARG_UNSIGNED, ARG_SIGNED, ARG_HEX, ARG_ADDR, ARG_OUT, ARG_STRING, ARG_OFLAGS };

struct syscall_desc {
	const char *name;	// null: no such call
	u8 nargs;
	u8 arg[6];		// enum syscall_arg
};

// The description of call nr, or null.
const struct syscall_desc *syscall_describe(long nr);
