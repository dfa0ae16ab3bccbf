// Exceptions and interrupts: from the vector to whoever handles it. The assembly is entry.S; the order of
// things is in arch/entry.h. SDM 3A chapter 6.
#include "arch/entry.h"

#include "apic.h"
#include "arch/cpu.h"
#include "arch/frame.h"
#include "arch/irq.h"
#include "arch/thread.h"
#include "arch/time.h"
#include "arch/uaccess.h"
#include "entry_asm.h"
#include "features.h"
#include "fpu.h"
#include "kern/cpu_hot.h"
#include "kern/panic.h"
#include "kern/preempt.h"
#include "kern/smp.h"
#include "kern/softirq.h"
#include "trap.h"
#include "x86.h"

#define SIGILL 4
#define SIGTRAP 5
#define SIGBUS 7
#define SIGFPE 8
#define SIGSEGV 11
// si_code values, as in <asm-generic/siginfo.h>.
#define CODE_KERNEL 0x80
#define CODE_FPE_INTDIV 1
#define CODE_ILL_ILLOPN 2
#define CODE_BUS_ADRALN 1
#define CODE_TRAP_BRKPT 1
#define CODE_TRAP_TRACE 2

struct idt_gate {
	u16 off0, selector;
	u8 ist, type;
	u16 off1;
	u32 off2, reserved;
};

static struct idt_gate idt[256] ALIGNED(4096) RO_AFTER_INIT;

static INIT void set_gate(u32 vector, const void *handler, u32 ist, u32 dpl)
{
	u64 a = (u64)handler;

	idt[vector] = (struct idt_gate){
		.off0 = (u16)a, .off1 = (u16)(a >> 16), .off2 = (u32)(a >> 32),
		.selector = KERNEL_CS, .ist = (u8)ist, .type = (u8)(0x8e | dpl << 5),	// interrupt gate
	};
}

void INIT idt_init(void)
{
	for (u32 v = 0; v < 256; v++)
		set_gate(v, entry_stubs + v * ENTRY_STUB_SIZE, 0, v == TRAP_BP || v == TRAP_OF ? 3 : 0);
	set_gate(TRAP_NMI, entry_nmi, IST_NMI, 0);
	set_gate(TRAP_DF, entry_df, IST_DF, 0);
	set_gate(TRAP_MC, entry_mc, IST_DF, 0);
	set_gate(TRAP_DB, entry_db, IST_DB, 0);
}

void idt_load(void)
{
	struct { u16 limit; u64 base; } PACKED r = { sizeof(idt) - 1, (u64)idt };
	__asm__ volatile("lidt %0" : : "m"(r));
}

static const char *const trap_names[] = {
	"divide error", "debug", "NMI", "int3", "overflow", "bounds", "invalid opcode", "device not available",
	"double fault", "coprocessor segment overrun", "invalid TSS", "segment not present", "stack segment",
	"general protection fault", "page fault", "reserved", "x87 error", "alignment check", "machine check",
	"SIMD floating-point error", "virtualization exception", "control protection",
};

static const char *trap_name(u32 vector)
{
	return vector < ARRAY_SIZE(trap_names) ? trap_names[vector] : "unexpected exception";
}

// Signal of each exception that needs no look at the details. Others: see user_exception().
static const struct { u8 sig, code; } trap_signals[32] = {
	[TRAP_DE] = { SIGFPE, CODE_FPE_INTDIV },
	[TRAP_OF] = { SIGSEGV, CODE_KERNEL },
	[TRAP_BR] = { SIGSEGV, CODE_KERNEL },
	[TRAP_UD] = { SIGILL, CODE_ILL_ILLOPN },
	[TRAP_TS] = { SIGSEGV, CODE_KERNEL },
	[TRAP_NP] = { SIGBUS, CODE_KERNEL },
	[TRAP_SS] = { SIGBUS, CODE_KERNEL },
	[TRAP_GP] = { SIGSEGV, CODE_KERNEL },
	[TRAP_AC] = { SIGBUS, CODE_BUS_ADRALN },
	[TRAP_BP] = { SIGTRAP, CODE_KERNEL },
};

static void user_exception(struct frame *f, u32 vector, u64 error)
{
	// Those whose si_addr is the instruction. The others carry 0, as on Linux.
	bool at_ip = vector == TRAP_DE || vector == TRAP_UD || vector == TRAP_MF || vector == TRAP_XF;
	u64 addr = at_ip ? f->rip : 0;

	switch (vector) {
	case TRAP_MF:
	case TRAP_XF: {
		int code = fpu_exception_code(vector == TRAP_XF);
		if (code)	// none: a spurious one, nothing happened
			fault_user(f, SIGFPE, code, addr, vector, 0);
		break;
	}
	case TRAP_DB: {
		u64 dr6;
		__asm__ volatile("movq %%dr6, %0" : "=r"(dr6));
		__asm__ volatile("movq %0, %%dr6" : : "r"(0xffff0ff0ul));
		fault_user(f, SIGTRAP, dr6 & 0x4000 ? CODE_TRAP_TRACE : CODE_TRAP_BRKPT, f->rip, vector, error);
		break;
	}
	default:
		if (vector < 32 && trap_signals[vector].sig)
			fault_user(f, trap_signals[vector].sig, trap_signals[vector].code, addr, vector, error);
		else
			fault_user(f, SIGSEGV, CODE_KERNEL, 0, vector, error);
	}
}

void trap_exception(struct frame *f, u32 vector)
{
	// The slot of orig_rax held the error code, or -1.
	u64 error = f->orig_rax == ~0ull ? 0 : f->orig_rax;

	f->orig_rax = ~0ull;
	if (frame_user_mode(f)) {
		irq_enable();
		user_exception(f, vector, error);
		irq_disable();
		return;
	}
	if (arch_fixup_exception(f))
		return;
	if (vector == TRAP_DB) {	// a program's breakpoint hit by the kernel, or its step flag at an entry
		f->rflags &= ~FLAGS_TF;
		__asm__ volatile("movq %0, %%dr6" : : "r"(0xffff0ff0ul));
		return;
	}
	panic_frame(f, "%s in the kernel, error %llx", trap_name(vector), error);
}

// cr2 is read before anything can fault again.
void trap_page_fault(struct frame *f)
{
	u64 addr = read_cr2();
	u32 error = (u32)f->orig_rax & 0x3f;

	f->orig_rax = ~0ull;
	// Outside of the user copy routines the kernel has no business in user space.
	if (!frame_user_mode(f) && addr < TASK_SIZE_MAX && cpu_has(X86_SMAP) && !(f->rflags & FLAGS_AC))
		panic_frame(f, "stray access to user address %llx in the kernel", addr);
	if (frame_irqs_on(f))
		irq_enable();
	page_fault(f, addr, error);
	irq_disable();
}

struct frame *trap_bad_iret(struct frame *f)
{
	// What iretq was given is still at the top of the task's stack; the registers it had loaded are in f.
	struct frame *uf = (struct frame *)(this_cpu_read(cpu_hot.kernel_stack) - sizeof(struct frame));
	u64 error = f->orig_rax;

	__builtin_memmove(uf, f, offsetof(struct frame, orig_rax));
	uf->orig_rax = error;
	uf->cs = USER_CS;	// so that this counts as an exception of user mode
	return uf;
}

void trap_fatal(struct frame *f, u32 vector)
{
	if (vector == TRAP_DF)
		panic_frame(f, "double fault: the kernel stack overflowed, or is corrupt");
	panic_frame(f, "%s", trap_name(vector));
}

void trap_nmi(struct frame *f, u32 vector)
{
	(void)vector;
	this_cpu_add(cpu_hot.preempt_count, NMI_ONE + HARDIRQ_ONE);
	if (!smp_nmi_stop())
		nmi_arrived(f);
	this_cpu_sub(cpu_hot.preempt_count, NMI_ONE + HARDIRQ_ONE);
}

// The task's frame of the interrupt now handled, for the tick and sysrq.
DEFINE_PER_CPU(struct frame *, irq_frame);

void interrupt_from_vector(struct frame *f, u32 vector)
{
	struct frame *outer = this_cpu_read(irq_frame);

	f->orig_rax = ~0ull;
	this_cpu_write(irq_frame, f);
	irq_enter();
	if (likely(vector <= IRQ_VECTOR_LAST && vector >= IRQ_VECTOR_FIRST))
		irq_vector_arrived(vector);
	else
		apic_vector_arrived(vector);
	irq_exit();
	this_cpu_write(irq_frame, outer);
}

// With entry_work: the slow way of a system call. Interrupts are off on entry and return.
void syscall_with_work(struct frame *f)
{
	struct task_head *t = (struct task_head *)current;
	u32 work = READ_ONCE(t->entry_work);

	irq_enable();
	if (syscall_entry_work(f, work))
		syscall_dispatch(f);
	work = READ_ONCE(t->entry_work);
	if (work)
		syscall_exit_work(f, work);
	irq_disable();
}

void user_return_work(struct frame *f)
{
	struct task_head *t = (struct task_head *)current;
	u32 work;

	while ((work = READ_ONCE(t->work)) & ~WORK_ARCH_MASK) {
		irq_enable();
		exit_to_user_work(f, work & ~WORK_ARCH_MASK);
		irq_disable();
	}
	if (work & WORK_ARCH_MASK)
		__atomic_fetch_and(&t->work, ~(u32)WORK_ARCH_MASK, __ATOMIC_SEQ_CST);
	if (work & WORK_ARCH_FPU)
		fpu_load_current();
}

void frame_changed(void)
{
	__atomic_fetch_or(&((struct task_head *)current)->work, WORK_ARCH_FRAME, __ATOMIC_SEQ_CST);
}

// The compiler calls it when a function finds its stack canary changed.
NORETURN void __stack_chk_fail(void);
NORETURN void __stack_chk_fail(void)
{
	panic("stack corrupt in %pS", __builtin_return_address(0));
}
