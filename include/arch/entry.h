// include/arch/entry.h - what entry code calls. All upcalls. Code: arch/<isa>/{entry.S,trap.c}.
//
// Order at entry from user mode: registers saved, kernel stack, then for a system call: if task->entry_work, syscall_entry_work(); syscall_dispatch();
// for a fault: the handler below with interrupts on; for an interrupt: irq_enter(), handler, irq_exit(). Before the return
// to user mode, interrupts off: while task->work has bits that are not WORK_ARCH_*, exit_to_user_work().
// On return to kernel mode from an interrupt with preemption possible: preempt_schedule_irq().
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct frame;

// Runs the system call in f and sets its return value. Interrupts on. sys/dispatch.c (generated)
void syscall_dispatch(struct frame *f);
// Before dispatch when entry_work is not 0 (seccomp, ptrace, trace). May change the frame (number, arguments, return value); false: skip the call.
bool syscall_entry_work(struct frame *f, u32 entry_work);
// After dispatch when entry_work was not 0.
void syscall_exit_work(struct frame *f, u32 entry_work);
// Does what `work` asks for (signals, reschedule, task work). Called with interrupts on, in a loop until nothing is left. proc/exit_work.c
void exit_to_user_work(struct frame *f, u32 work);

// Declared by their owners: irq_enter(), irq_exit() (kern/softirq.h: brackets of every hard interrupt); preempt_schedule_irq()
// (sched/sched.h: interrupt return to kernel code with preempt_count 0; interrupts off on entry and return);
// panic_frame() (kern/panic.h: an exception in the kernel that nothing fixes up).

// Page faults. `error` bits are FAULT_*. From user mode (or in a kernel access to a user address): interrupts as they were
// (on, when from user mode). Must end by mapping, signal, or arch_fixup_exception(), else panics. mm/fault.c
#define FAULT_PRESENT BIT(0)	// a protection violation; else nothing was mapped
#define FAULT_WRITE BIT(1)
#define FAULT_USER BIT(2)	// the access was made in user mode
#define FAULT_RESERVED BIT(3)	// page tables are corrupt
#define FAULT_EXEC BIT(4)
#define FAULT_PKEY BIT(5)
void page_fault(struct frame *f, u64 addr, u32 error);

// Any other exception in user mode that becomes a signal. addr: si_addr. trapno and error go to the signal context as they are. task/signal.c
void fault_user(struct frame *f, int sig, int si_code, u64 addr, u32 trapno, u64 error);
// An NMI that nobody here asked for, and the request of arch_nmi_all_others(). kern/panic.c
void nmi_arrived(struct frame *f);
