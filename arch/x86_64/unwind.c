// Walking kernel stacks by frame pointers. An odd frame pointer is the address of an entry's struct frame, plus one (entry.S).
#include "arch/unwind.h"

#include "arch/frame.h"
#include "arch/pte.h"
#include "arch/thread.h"
#include "arch/uaccess.h"
#include "features.h"
#include "kern/cpu_hot.h"
#include "kern/log.h"
#include "x86.h"

// What arch_switch() leaves at a switched-out task's stack pointer: r15 r14 r13 r12 rbp rbx, return address.
#define SWITCH_RBP 4
#define SWITCH_RIP 6

// The top of the IST stack of this CPU that sp is on; sp itself, an empty stack, if it is on none.
static u64 ist_stack_top(u64 sp)
{
	const struct tss *t = this_cpu_ptr(&cpu_tss);

	for (u32 i = 0; i < 3; i++)
		if (sp <= t->ist[i] && t->ist[i] - sp < IST_STACK_SIZE)
			return t->ist[i];
	return sp;
}

static void set_bounds(struct unwind *u, u64 sp)
{
	u64 task_top = this_cpu_read(cpu_hot.kernel_stack);

	u->lo = sp;
	if (sp < task_top && task_top - sp <= KSTACK_SIZE)
		u->hi = task_top;
	else
		u->hi = ist_stack_top(sp);
}

static void take_frame(struct unwind *u, const struct frame *f)
{
	u->frame = f;
	u->exact_ip = true;
	if (frame_user_mode(f)) {
		u->ip = 0;
		return;
	}
	u->ip = f->rip;
	u->sp = f->rsp;
	u->fp = f->rbp;
	if (u->sp < u->lo || u->sp > u->hi)	// an entry that changed stacks
		set_bounds(u, u->sp);
}

void unwind_start_frame(struct unwind *u, const struct frame *f)
{
	*u = (struct unwind){ 0 };
	set_bounds(u, (u64)f);
	take_frame(u, f);
	if (frame_user_mode(f))
		u->ip = 0;
}

NOINLINE void unwind_start(struct unwind *u)
{
	u64 fp = (u64)__builtin_frame_address(0);

	*u = (struct unwind){ .fp = fp, .sp = fp };
	set_bounds(u, fp);
	unwind_next(u);
}

void unwind_start_task(struct unwind *u, const struct task *t)
{
	const struct task_head *h = (const struct task_head *)t;
	u64 sp = h->arch.sp;

	*u = (struct unwind){ .lo = sp, .hi = (u64)h->stack + KSTACK_SIZE, .sp = sp };
	if (sp < (u64)h->stack || sp + 8 * (SWITCH_RIP + 1) > u->hi)
		return;
	u->fp = ((const u64 *)sp)[SWITCH_RBP];
	u->ip = ((const u64 *)sp)[SWITCH_RIP];
}

static bool on_stack(const struct unwind *u, u64 p, u64 size)
{
	return p >= u->lo && p < u->hi && u->hi - p >= size;
}

void unwind_next(struct unwind *u)
{
	u64 pair[2];

	u->frame = NULL;
	u->exact_ip = false;
	u->ip = 0;
	if (u->fp & 1) {
		if (on_stack(u, u->fp - 1, sizeof(struct frame)))
			take_frame(u, (const struct frame *)(u->fp - 1));
		return;
	}
	if ((u->fp & 7) || !on_stack(u, u->fp, 16) || kernel_read_nofault(pair, (const void *)u->fp, 16))
		return;
	u->lo = u->fp + 16;	// frames only go up
	u->fp = pair[0];
	u->ip = pair[1];
	u->sp = u->lo;
}

void frame_print(const struct frame *f)
{
	pr_emerg("rip %016llx %pS\n", f->rip, frame_user_mode(f) ? NULL : (void *)f->rip);
	pr_emerg("rsp %016llx flags %08llx cs %llx ss %llx orig_rax %llx\n", f->rsp, f->rflags, f->cs, f->ss, f->orig_rax);
	pr_emerg("rax %016llx rbx %016llx rcx %016llx\n", f->rax, f->rbx, f->rcx);
	pr_emerg("rdx %016llx rsi %016llx rdi %016llx\n", f->rdx, f->rsi, f->rdi);
	pr_emerg("rbp %016llx r8  %016llx r9  %016llx\n", f->rbp, f->r8, f->r9);
	pr_emerg("r10 %016llx r11 %016llx r12 %016llx\n", f->r10, f->r11, f->r12);
	pr_emerg("r13 %016llx r14 %016llx r15 %016llx\n", f->r13, f->r14, f->r15);
	pr_emerg("cr2 %016llx gs %016llx fs %016llx\n", read_cr2(), rdmsr(MSR_GS_BASE), rdmsr(MSR_FS_BASE));
}
