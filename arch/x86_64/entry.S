// entry.S - ways into the kernel and out of it.
//
// Every entry leaves a whole struct frame at the place where it found the stack: at the top of the task's kernel stack, from
// user mode. gs holds the per-CPU base in kernel mode and the user's in user mode; swapgs exchanges them, and must be done exactly
// once each way. Interrupts are off in all of the assembly, except around calls that say so.
//
// A system call that finds no work to do returns by the short way: nobody has changed its frame, so the registers that C preserves
// are still right, rip is canonical (port/pte.h, TASK_SIZE_MAX) and sysretq needs no checks. All others leave by return_user.
#include "asm-offsets.h"

#define USER_DS 0x2b
#define USER_CS 0x33
#define KERNEL_DS 0x18
#define MSR_GS_BASE 0xc0000101
#define PERCPU(sym) %gs:sym(%rip)
#define TASK_SIZE_MAX 0x00007ffffffff000
#define FLAGS_TF_RF 0x10100

	.section .entry.text, "ax"

// The general registers of a frame, below orig_rax. rcx and rax may be given.
.macro PUSH_REGS rcx=%rcx rax=%rax
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq \rcx
	pushq \rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
.endm

.macro POP_REGS
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
.endm

	.balign 64
	.globl entry_syscall
	.type entry_syscall, @function
entry_syscall:				// rax number; rcx return address; r11 flags
	swapgs
	movq %rsp, PERCPU(cpu_hot+CPU_HOT_USER_SP)
	movq PERCPU(cpu_hot+CPU_HOT_KERNEL_STACK), %rsp
	pushq $USER_DS
	pushq PERCPU(cpu_hot+CPU_HOT_USER_SP)
	pushq %r11
	pushq $USER_CS
	pushq %rcx
	pushq %rax
	PUSH_REGS rax=$-38		// ENOSYS, until the call sets its result
	movq PERCPU(cpu_hot+CPU_HOT_TASK), %rax
	movq %rsp, %rdi
	cmpl $0, TASK_ENTRY_WORK(%rax)
	jne syscall_slow
	sti
	call syscall_dispatch
	cli
syscall_return:
	movq PERCPU(cpu_hot+CPU_HOT_TASK), %rax
	cmpl $0, TASK_WORK(%rax)
	jne return_user
	movq FRAME_R10(%rsp), %r10
	movq FRAME_R9(%rsp), %r9
	movq FRAME_R8(%rsp), %r8
	movq FRAME_RAX(%rsp), %rax
	movq FRAME_RDX(%rsp), %rdx
	movq FRAME_RSI(%rsp), %rsi
	movq FRAME_RDI(%rsp), %rdi
	movq FRAME_RIP(%rsp), %rcx
	movq FRAME_RFLAGS(%rsp), %r11
	movq FRAME_RSP(%rsp), %rsp
	swapgs
	sysretq
syscall_slow:
	call syscall_with_work		// C; interrupts off on return
	jmp return_user
	.size entry_syscall, . - entry_syscall

// The long way to user mode: rsp is the frame, interrupts are off.
	.balign 16
	.globl return_user
	.type return_user, @function
return_user:
	movq PERCPU(cpu_hot+CPU_HOT_TASK), %rax
	cmpl $0, TASK_WORK(%rax)
	je 1f
	movq %rsp, %rdi
	call user_return_work
1:	POP_REGS
	// orig_rax, rip, cs, rflags, rsp, ss are left. sysretq is the faster when it can express them all.
	cmpq %rcx, 8(%rsp)
	jne 2f
	cmpq %r11, 24(%rsp)
	jne 2f
	testl $FLAGS_TF_RF, 24(%rsp)
	jnz 2f
	btq $47, %rcx			// user half? (sign-extended addresses have bit 47)
	jc 2f
	cmpl $USER_CS, 16(%rsp)
	jne 2f
	movq 32(%rsp), %rsp
	swapgs
	sysretq
2:	addq $8, %rsp
	swapgs
	.globl entry_iret
entry_iret:
	iretq
	.size return_user, . - return_user

// Interrupts and exceptions. Each vector has a stub of 16 bytes; those without an error code push 0.
	.balign 16
	.globl entry_stubs
	.type entry_stubs, @function
entry_stubs:
	vector = 0
	.rept 256
	.balign 16
	.if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21
	.else
	pushq $-1
	.endif
	pushq $(vector - 128)		// fits in a byte; SAVE_FRAME puts rdi in its place
	.if vector == 14
	jmp page_fault_common
	.elseif vector < 32
	jmp exception_common
	.else
	jmp interrupt_common
	.endif
	vector = vector + 1
	.endr
	.size entry_stubs, . - entry_stubs

// On the stack: vector - 128 (in rdi's place), error code or -1 (in orig_rax's), and what the processor pushed.
.macro SAVE_FRAME
	cld
991:	.byte 0x0f, 0x1f, 0x00		// clac, where there is SMAP (text.c)
	.pushsection .smap_sites, "a"
	.balign 4
	.long 991b - .
	.long 0xca
	.popsection
	pushq %rsi
	movq 8(%rsp), %rsi		// vector - 128
	movq %rdi, 8(%rsp)
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	testb $3, FRAME_CS(%rsp)
.endm

	.balign 16
	.type interrupt_common, @function
interrupt_common:
	SAVE_FRAME
	jz 1f
	swapgs
	addl $128, %esi
	movq %rsp, %rdi
	call interrupt_from_vector
	jmp return_user
1:	addl $128, %esi
	movq %rsp, %rdi
	leaq 1(%rsp), %rbp		// odd: a frame (unwind.c)
	call interrupt_from_vector
	jmp return_kernel_preempt
	.size interrupt_common, . - interrupt_common

	.balign 16
	.type page_fault_common, @function
page_fault_common:
	SAVE_FRAME
	jz 1f
	swapgs
	movq %rsp, %rdi
	call trap_page_fault		// C; interrupts off on return
	jmp return_user
1:	movq %rsp, %rdi
	leaq 1(%rsp), %rbp		// odd: a frame (unwind.c)
	call trap_page_fault
	jmp return_kernel_preempt
	.size page_fault_common, . - page_fault_common

	.balign 16
	.type exception_common, @function
exception_common:
	SAVE_FRAME
	jz 1f
	swapgs
2:	addl $128, %esi
	movq %rsp, %rdi
	call trap_exception		// C; interrupts off on return
	jmp return_user
1:	leaq entry_iret(%rip), %rax
	cmpq %rax, FRAME_RIP(%rsp)
	je 3f
	addl $128, %esi
	movq %rsp, %rdi
	leaq 1(%rsp), %rbp		// odd: a frame (unwind.c)
	call trap_exception
	jmp return_kernel_preempt
3:	// The iretq to user mode refused the frame. gs is the user's already. Rebuild that frame and blame the program.
	swapgs
	movl %esi, %ebx
	movq %rsp, %rdi
	call trap_bad_iret		// returns the frame
	movq %rax, %rsp
	movl %ebx, %esi
	jmp 2b
	.size exception_common, . - exception_common

	.balign 16
	.type return_kernel_preempt, @function
return_kernel_preempt:
	// Count 0: nothing forbids a switch, and one is due (kern/cpu_hot.h).
	cmpl $0, PERCPU(cpu_hot+CPU_HOT_PREEMPT)
	jne return_kernel
	testl $0x200, FRAME_RFLAGS(%rsp)
	jz return_kernel
	call preempt_schedule_irq
return_kernel:
	POP_REGS
	addq $8, %rsp
	iretq
	.size return_kernel_preempt, . - return_kernel_preempt

// Entries on their own stacks, which may come anywhere, also between an entry and its swapgs. The gs base to use is kept at the
// top of the stack that the processor switched to (gdt.c).
.macro IST_ENTRY name, vector, handler, has_error
	.balign 16
	.globl \name
	.type \name, @function
\name:
	.if \has_error == 0
	pushq $-1
	.endif
	pushq $(\vector - 128)
	SAVE_FRAME
	.ifc \name, entry_db
	jnz debug_from_user
	.endif
	movl $MSR_GS_BASE, %ecx
	rdmsr
	movl %eax, %r12d
	movl %edx, %r13d
	movl FRAME_SIZE(%rsp), %eax
	movl FRAME_SIZE+4(%rsp), %edx
	wrmsr
	movq %rsp, %rdi
	movl $\vector, %esi
	leaq 1(%rsp), %rbp		// odd: a frame (unwind.c)
	call \handler
	movl $MSR_GS_BASE, %ecx
	movl %r12d, %eax
	movl %r13d, %edx
	wrmsr
	jmp return_kernel
	.size \name, . - \name
.endm
	IST_ENTRY entry_nmi, 2, trap_nmi, 0
	IST_ENTRY entry_df, 8, trap_fatal, 1
	IST_ENTRY entry_mc, 18, trap_fatal, 0
	IST_ENTRY entry_db, 1, trap_exception, 0

// #DB from user mode is an ordinary exception: move its frame to the task's stack.
	.balign 16
	.type debug_from_user, @function
debug_from_user:
	swapgs
	movq %rsp, %rsi
	movq PERCPU(cpu_hot+CPU_HOT_KERNEL_STACK), %rsp
	subq $FRAME_SIZE, %rsp
	movq %rsp, %rdi
	movl $(FRAME_SIZE / 8), %ecx
	rep movsq
	movq %rsp, %rdi
	movl $1, %esi
	call trap_exception
	jmp return_user
	.size debug_from_user, . - debug_from_user

// struct task *arch_switch(prev, next)
	.balign 16
	.globl arch_switch
	.type arch_switch, @function
arch_switch:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, TASK_SP(%rdi)
	movq TASK_SP(%rsi), %rsp
	movq TASK_CANARY(%rsi), %rax
	movq %rax, PERCPU(cpu_hot+CPU_HOT_CANARY)
	movq %rsi, PERCPU(cpu_hot+CPU_HOT_TASK)
	movq TASK_STACK(%rsi), %rax
	addq $KSTACK_BYTES, %rax
	movq %rax, PERCPU(cpu_hot+CPU_HOT_KERNEL_STACK)
	movq %rax, PERCPU(cpu_tss+4)	// rsp0
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	jmp switch_registers		// C: (prev, next), returns prev
	.size arch_switch, . - arch_switch

// First run of a user task (thread.c laid out its stack): rax is the previous task.
	.balign 16
	.globl thread_entry_user
	.type thread_entry_user, @function
thread_entry_user:
	movq %rax, %rdi
	call thread_first_run
	cli
	movq %rsp, %rdi
	jmp return_user
	.size thread_entry_user, . - thread_entry_user

// First run of a kernel thread: fn in rbx, its argument in r12. When fn returns, a user frame has been filled.
	.balign 16
	.globl thread_entry_kernel
	.type thread_entry_kernel, @function
thread_entry_kernel:
	movq %rax, %rdi
	call thread_first_run
	movq %r12, %rdi
	call *%rbx
	cli
	jmp return_user
	.size thread_entry_kernel, . - thread_entry_kernel
	.section .note.GNU-stack, "", @progbits
