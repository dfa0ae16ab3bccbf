// include/arch/thread.h - what a port keeps for each thread; switching; TLS; FPU. Code: port/thread.h, arch/<isa>/{switch.S,thread.c,fpu.c}.
//
// `struct task` begins with the members of struct task_head, in that order (asserted in sched/task.h), so that ports can
// reach them below sched's layer.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct task;
struct frame;
struct arch_thread;	// defined by the port

// Bits of task->work that belong to the port; all others are in sched/task.h.
#define WORK_ARCH_FPU BIT(31)	// the FPU registers do not hold this task's state
#define WORK_ARCH_FRAME BIT(30)	// the user frame was changed: no short return
#define WORK_ARCH_MASK (WORK_ARCH_FPU | WORK_ARCH_FRAME)

// Kernel stacks: size and alignment. The frame of a user task's entry is at the top.
#define KSTACK_SHIFT 14
#define KSTACK_SIZE (1ul << KSTACK_SHIFT)

// ARCH_ELF_MACHINE: EM_* of the programs that this port runs. Defined by the port.
#include "port/thread.h"

struct task_head {
	u32 work ATOMIC;	// what to do before the next return to user mode
	u32 entry_work ATOMIC;	// what to do at each system call's entry and exit
	u32 state ATOMIC;
	u32 flags;
	void *stack SET_ONCE;	// lowest address of the kernel stack
	struct arch_thread arch OWNER(the task and the CPU that switches);
};

// Switches stacks and per-thread registers from prev to next; returns, on next's stack, the task that ran before on this
// CPU. current and cpu_hot.kernel_stack_top are the port's to change. Context: interrupts off, run queue lock as sched/ likes.
struct task *arch_switch(struct task *prev, struct task *next);

// Prepares a new task, whose kernel stack is [t->stack, t->stack + KSTACK_SIZE), to be switched to for the first time.
// A user thread: a copy of *parent with a return value of 0 in the child, the stack pointer sp unless it is 0, and TLS if
// set_tls. FPU state and thread registers come from `from` (the parent; current). It starts in thread_first_run(prev), then returns to user.
// Context: task. Returns 0 or -ENOMEM; undone by arch_thread_free().
MUST_CHECK int arch_thread_init_user(struct task *t, struct task *from, const struct frame *parent, u64 sp,
				     bool set_tls, u64 tls);
// A kernel thread: thread_first_run(prev), then fn(arg). When fn returns, the thread returns to user mode with the frame
// at the top of its stack, which it must have filled (exec by init); else fn does not return.
void arch_thread_init_kernel(struct task *t, void (*fn)(void *), void *arg);
// The boot CPU's and other CPUs' idle tasks, which already run on their stacks.
void arch_thread_init_idle(struct task *t);
// Frees what init_user() allocated (FPU area, I/O bitmap).
void arch_thread_free(struct task *t);
// exec(2): forgets TLS, FPU contents, debug registers, I/O permissions of current.
// Context: task, may sleep. Returns 0 or -ENOMEM (a kernel thread's first exec allocates its FPU area), nothing changed.
MUST_CHECK int arch_thread_exec(void);
// The frame of a user task's entry: at the top of its kernel stack.
static inline struct frame *arch_thread_frame(const struct task *t)
{
	return (struct frame *)((u64)((const struct task_head *)t)->stack + KSTACK_SIZE - ARCH_FRAME_SIZE);
}

// TLS of current (as CLONE_SETTLS gives it).
void arch_set_tls(u64 tls);
u64 arch_get_tls(void);
// arch_prctl(2), where there is one: -EINVAL for what the port does not know. Context: task.
long arch_prctl_call(int op, uptr arg);
// Reaps FPU registers into current's area, so that it may be read: signal frames, ptrace, fork. Context: task.
void arch_fpu_save(void);
// Finds what the FPU needs and makes its cache. Context: boot CPU, after slabs work; and each CPU's own part.
void arch_fpu_init(void);

// Upcalls: defined in mm/thread_area.c: memory of FPU areas, all of one size. Context: task.
void thread_area_init(size_t size, size_t align);
void *thread_area_alloc(void);
void thread_area_free(void *area);
// Upcalls: defined in sched/core.c.
// First thing on a new task's stack, interrupts off: finishes the switch (drops the lock, releases prev) and enables interrupts.
void thread_first_run(struct task *prev);
