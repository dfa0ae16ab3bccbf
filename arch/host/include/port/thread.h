// port/thread.h - host: a task runs on a stack of the program's own (sanitizers need more room than kernel stacks have).
#pragma once

struct arch_thread {
	void *fiber;		// arch/host/os.c
	void (*fn)(void *arg);
	void *arg;
	u64 tls;
};

#define ARCH_FRAME_SIZE (12 * 8)	// sizeof(struct frame)
#define ARCH_ELF_MACHINE 62	// programs are read, not run: x86_64's will do
