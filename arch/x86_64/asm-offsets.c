// Offsets that assembly needs: the build turns "->NAME value" in the compiler's output into asm-offsets.h.
#include "arch/frame.h"
#include "arch/thread.h"
#include "kern/cpu_hot.h"

#define OFFSET(name, type, member) __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"(offsetof(type, member)))

// The linker script and the compiler's stack protector know this one.
BUILD_ASSERT(offsetof(struct cpu_hot, canary) == 32);

void asm_offsets(void);
void asm_offsets(void)
{
	OFFSET(CPU_HOT_TASK, struct cpu_hot, task);
	OFFSET(CPU_HOT_PREEMPT, struct cpu_hot, preempt_count);
	OFFSET(CPU_HOT_CPU, struct cpu_hot, cpu);
	OFFSET(CPU_HOT_KERNEL_STACK, struct cpu_hot, kernel_stack);
	OFFSET(CPU_HOT_USER_SP, struct cpu_hot, user_sp);
	OFFSET(CPU_HOT_CANARY, struct cpu_hot, canary);
	OFFSET(TASK_WORK, struct task_head, work);
	OFFSET(TASK_ENTRY_WORK, struct task_head, entry_work);
	OFFSET(TASK_STACK, struct task_head, stack);
	OFFSET(TASK_SP, struct task_head, arch.sp);
	OFFSET(TASK_CANARY, struct task_head, arch.canary);
	OFFSET(FRAME_R15, struct frame, r15);
	OFFSET(FRAME_RBX, struct frame, rbx);
	OFFSET(FRAME_R11, struct frame, r11);
	OFFSET(FRAME_R10, struct frame, r10);
	OFFSET(FRAME_R9, struct frame, r9);
	OFFSET(FRAME_R8, struct frame, r8);
	OFFSET(FRAME_RAX, struct frame, rax);
	OFFSET(FRAME_RCX, struct frame, rcx);
	OFFSET(FRAME_RDX, struct frame, rdx);
	OFFSET(FRAME_RSI, struct frame, rsi);
	OFFSET(FRAME_RDI, struct frame, rdi);
	OFFSET(FRAME_ORIG_RAX, struct frame, orig_rax);
	OFFSET(FRAME_RIP, struct frame, rip);
	OFFSET(FRAME_CS, struct frame, cs);
	OFFSET(FRAME_RFLAGS, struct frame, rflags);
	OFFSET(FRAME_RSP, struct frame, rsp);
	OFFSET(FRAME_SS, struct frame, ss);
	__asm__ volatile("\n.ascii \"->FRAME_SIZE %0\"" : : "i"(sizeof(struct frame)));
	__asm__ volatile("\n.ascii \"->KSTACK_BYTES %0\"" : : "i"(KSTACK_SIZE));
}
