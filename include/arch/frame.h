// include/arch/frame.h - the register frame of an entry to the kernel; signal frames. Code: port/frame.h, arch/<isa>/signal.c.
//
// Every entry saves a full `struct frame` (the port's format) at the top of the kernel stack. It belongs to the task that made it;
// others touch it only while that task is stopped (ptrace).
#pragma once
#include "arch/percpu.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct frame;

// The frame of the interrupt that this CPU is handling; null outside hard interrupts. Set by the port around irq_enter() and irq_exit().
DECLARE_PER_CPU(struct frame *, irq_frame);

// System call number, and argument n (0..5), of a frame made by a system call. -1: not a system call (any more).
static inline long frame_syscall_nr(const struct frame *f);
static inline void frame_set_syscall_nr(struct frame *f, long nr);
static inline u64 frame_syscall_arg(const struct frame *f, u32 n);
static inline void frame_set_return(struct frame *f, long ret);
static inline long frame_return(const struct frame *f);
static inline u64 frame_ip(const struct frame *f);
static inline u64 frame_sp(const struct frame *f);
static inline void frame_set_ip(struct frame *f, u64 ip);
static inline void frame_set_sp(struct frame *f, u64 sp);
static inline bool frame_user_mode(const struct frame *f);
// Whether interrupts were on where the frame was made.
static inline bool frame_irqs_on(const struct frame *f);
// Makes the return to user mode issue the system call instruction again with the same number and arguments;
// with nr >= 0, with that number instead (restart_syscall).
static inline void frame_restart_syscall(struct frame *f, long nr);
// Registers of a program that starts at ip with stack sp: everything else as the ABI says (zero).
void frame_exec_init(struct frame *f, u64 ip, u64 sp);
// Whoever writes to a user frame by other means than these functions calls this, so that the return to
// user mode reloads all registers. Context: the frame's own task.
void frame_changed(void);
// Turns single-stepping in user mode on or off.
static inline void frame_set_step(struct frame *f, bool on);

// What a signal handler's frame is built from.
struct sigframe {
	u32 sig;
	u32 sa_flags;		// SA_*: SA_ONSTACK, SA_RESTORER, SA_SIGINFO are used
	uptr handler;
	uptr restorer;
	u64 oldmask;		// blocked signals to restore
	const void *siginfo;	// 128 bytes in the ABI's layout
	u64 altstack_sp, altstack_size;	// sigaltstack(2); size 0: none
	u32 altstack_flags;	// SS_AUTODISARM and SS_ONSTACK/SS_DISABLE as sigaltstack(2) reports them
};
// What the signal frame of current's next fault shows as its cause; fault_user() calls it with its own arguments.
void arch_fault_note(u32 trapno, u64 error, u64 addr);
// Writes a signal frame to the user stack of the current task, and makes *f enter the handler.
// Context: task, may fault. Returns 0, or -EFAULT with *f untouched (the caller forces SIGSEGV).
MUST_CHECK int arch_sigframe_push(struct frame *f, const struct sigframe *s);
// rt_sigreturn(2): loads the registers and FPU state from the frame at the stack pointer into *f, and sets s->oldmask
// and s->altstack_*, for the caller to act on. On -EFAULT the caller forces SIGSEGV.
// frame_return(f) is then the value the system call returns. Context: task, may fault.
MUST_CHECK int arch_sigframe_pop(struct frame *f, struct sigframe *s);
// Whether sp is on the alternate stack that s describes.
static inline bool sigframe_on_altstack(const struct sigframe *s, u64 sp)
{
	return s->altstack_size && sp > s->altstack_sp && sp - s->altstack_sp <= s->altstack_size;
}

#include "port/frame.h"
