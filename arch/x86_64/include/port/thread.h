// port/thread.h - x86_64's part of struct task.
#pragma once

struct arch_thread {
	u64 sp;			// saved kernel stack pointer while not running
	u64 canary;		// stack protector's, of this task's kernel code
	u64 fs_base, gs_base;	// user values; in the registers while running
	void *fpu;		// XSAVE or FXSAVE area; null: kernel thread
	void *io_bitmap;	// ioperm(2); null: no ports allowed
	u16 fs, gs, ds, es;	// selectors; 0 but for programs that load segments
	u8 iopl;
	u8 fpu_live;		// the registers hold this task's state (they are newer than *fpu)
	u16 fpu_cpu;		// whose registers equal *fpu, if they still do (fpu.c)
	u32 trapno;		// of the last exception, for signal frames
	u64 error_code;
	u64 cr2;
	u64 debug_reg[8];	// ptrace's; dr6, dr7 at their own numbers
};

#define ARCH_ELF_MACHINE 62	// EM_X86_64
#define ARCH_FRAME_SIZE (21 * 8)	// sizeof(struct frame); it ends where the stack does
