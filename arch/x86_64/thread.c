// Threads: their first stack contents, what is switched besides the stack, TLS.
#include "arch/thread.h"

#include "arch/frame.h"
#include "arch/irq.h"
#include "arch/time.h"
#include "arch/uaccess.h"
#include "entry_asm.h"
#include "features.h"
#include "fpu.h"
#include "fpu_state.h"
#include "kern/cpu_hot.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "trap.h"
#include "x86.h"

// What arch_switch() pops from a stack.
struct switch_frame {
	u64 r15, r14, r13, r12, rbp, rbx, rip;
};

// The user's fs and gs bases that are in this CPU's registers, unless the running task changed them by itself.
STATIC_PER_CPU(u64, loaded_fs);
STATIC_PER_CPU(u64, loaded_gs);

// A new task's canary. Its low byte is 0, so that strings cannot carry it.
static u64 new_canary(void)
{
	u64 v;

	if (!arch_random_u64(&v))
		v = (cycles_now() + (u64)this_cpu_read(cpu_hot.canary)) * 0x9e3779b97f4a7c15ull;
	return v & ~0xffull;
}

static u64 read_user_fs(const struct arch_thread *a)
{
	u64 v = a->fs_base;

	if (cpu_has(X86_FSGSBASE))
		__asm__ volatile("rdfsbase %0" : "=r"(v));
	return v;
}

// The user's gs base waits in the other register while the kernel runs. Interrupts are off; an NMI does not mind (entry.S).
static u64 read_user_gs(const struct arch_thread *a)
{
	u64 v = a->gs_base;

	if (cpu_has(X86_FSGSBASE))
		__asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(v));
	return v;
}

static void write_user_fs(u64 v)
{
	if (cpu_has(X86_FSGSBASE))
		__asm__ volatile("wrfsbase %0" : : "r"(v));
	else
		wrmsr(MSR_FS_BASE, v);
	this_cpu_write(loaded_fs, v);
}

static void write_user_gs(u64 v)
{
	if (cpu_has(X86_FSGSBASE))
		__asm__ volatile("swapgs; wrgsbase %0; swapgs" : : "r"(v));
	else
		wrmsr(MSR_KERNEL_GS_BASE, v);
	this_cpu_write(loaded_gs, v);
}

static void save_bases(struct arch_thread *a)
{
	a->fs_base = read_user_fs(a);
	a->gs_base = read_user_gs(a);
	this_cpu_write(loaded_fs, a->fs_base);
	this_cpu_write(loaded_gs, a->gs_base);
}

// The end of arch_switch(), on next's stack. Only user threads (with an FPU area) have user registers.
struct task *switch_registers(struct task *prev, struct task *next)
{
	struct task_head *p = (struct task_head *)prev;
	const struct task_head *n = (const struct task_head *)next;

	if (p->arch.fpu) {
		save_bases(&p->arch);
		fpu_switch_out(p);
	}
	if (n->arch.fpu) {
		if (n->arch.fs_base != this_cpu_read(loaded_fs))
			write_user_fs(n->arch.fs_base);
		if (n->arch.gs_base != this_cpu_read(loaded_gs))
			write_user_gs(n->arch.gs_base);
	}
	return prev;
}

// The stack of a task that has never run: its frame at the top, and below it what arch_switch() takes.
static struct switch_frame *first_stack(struct task_head *t, void (*entry)(void))
{
	struct switch_frame *s = (struct switch_frame *)arch_thread_frame((struct task *)t) - 1;

	*s = (struct switch_frame){ .rip = (u64)entry };
	t->arch.sp = (u64)s;
	t->arch.canary = new_canary();
	return s;
}

int arch_thread_init_user(struct task *task, struct task *from, const struct frame *parent, u64 sp, bool set_tls, u64 tls)
{
	struct task_head *t = (struct task_head *)task, *f = (struct task_head *)from;
	struct frame *frame = arch_thread_frame(task);
	void *fpu;
	int err = fpu_area_alloc(&fpu);

	if (err)
		return err;
	if (f->arch.fpu) {
		arch_fpu_save();
		memcpy(fpu, f->arch.fpu, fpu_area_size);
	}
	unsigned long flags = irq_save();
	t->arch = (struct arch_thread){
		.fpu = fpu, .fpu_cpu = FPU_NO_CPU,
		.fs_base = set_tls ? tls : read_user_fs(&f->arch), .gs_base = read_user_gs(&f->arch),
	};
	irq_restore(flags);
	first_stack(t, thread_entry_user);
	*frame = *parent;
	frame->rax = 0;
	if (sp)
		frame->rsp = sp;
	t->work |= WORK_ARCH_MASK;
	return 0;
}

void arch_thread_init_kernel(struct task *task, void (*fn)(void *), void *arg)
{
	struct task_head *t = (struct task_head *)task;

	t->arch = (struct arch_thread){ .fpu_cpu = FPU_NO_CPU };
	*arch_thread_frame(task) = (struct frame){ .orig_rax = ~0ull };
	struct switch_frame *s = first_stack(t, thread_entry_kernel);
	s->rbx = (u64)fn;
	s->r12 = (u64)arg;
}

void arch_thread_init_idle(struct task *task)
{
	struct task_head *t = (struct task_head *)task;

	t->arch = (struct arch_thread){ .fpu_cpu = FPU_NO_CPU, .canary = this_cpu_read(cpu_hot.canary) };
}

void arch_thread_free(struct task *task)
{
	struct arch_thread *a = &((struct task_head *)task)->arch;

	fpu_area_free(a->fpu);
	a->fpu = NULL;
}

int arch_thread_exec(void)
{
	struct task_head *t = (struct task_head *)current;

	if (!t->arch.fpu) {
		void *fpu;
		int err = fpu_area_alloc(&fpu);
		if (err)
			return err;
		t->arch.fpu_live = 0;
		t->arch.fpu = fpu;
	}
	arch_fpu_save();
	fpu_area_init(t->arch.fpu);
	fpu_area_changed(t);
	unsigned long flags = irq_save();
	t->arch.fs_base = t->arch.gs_base = 0;
	write_user_fs(0);
	write_user_gs(0);
	memset(t->arch.debug_reg, 0, sizeof(t->arch.debug_reg));
	irq_restore(flags);
	return 0;
}

void frame_exec_init(struct frame *f, u64 ip, u64 sp)
{
	*f = (struct frame){
		.orig_rax = f->orig_rax, .rip = ip, .rsp = sp, .cs = USER_CS, .ss = USER_DS, .rflags = FLAGS_IF | FLAGS_FIXED,
	};
	frame_changed();
}

void arch_set_tls(u64 tls)
{
	unsigned long flags = irq_save();

	((struct task_head *)current)->arch.fs_base = tls;
	write_user_fs(tls);
	irq_restore(flags);
}

u64 arch_get_tls(void)
{
	return read_user_fs(&((struct task_head *)current)->arch);
}

// arch_prctl(2). Operations: <asm/prctl.h>.
#define OP_SET_GS 0x1001
#define OP_SET_FS 0x1002
#define OP_GET_FS 0x1003
#define OP_GET_GS 0x1004
#define OP_GET_CPUID 0x1011
#define OP_SET_CPUID 0x1012
#define OP_GET_XCOMP_SUPP 0x1021
#define OP_GET_XCOMP_PERM 0x1022

static long set_gs(u64 v)
{
	unsigned long flags = irq_save();

	((struct task_head *)current)->arch.gs_base = v;
	write_user_gs(v);
	irq_restore(flags);
	return 0;
}

long arch_prctl_call(int op, uptr arg)
{
	struct arch_thread *a = &((struct task_head *)current)->arch;

	switch (op) {
	case OP_SET_GS:
		return arg.a >= TASK_SIZE_MAX ? -EPERM : set_gs(arg.a);
	case OP_SET_FS:
		if (arg.a >= TASK_SIZE_MAX)
			return -EPERM;
		arch_set_tls(arg.a);
		return 0;
	case OP_GET_FS:
		return put_user_u64(arch_get_tls(), arg);
	case OP_GET_GS: {
		unsigned long flags = irq_save();
		u64 v = read_user_gs(a);
		irq_restore(flags);
		return put_user_u64(v, arg);
	}
	case OP_GET_CPUID:
		return 1;	// CPUID never faults
	case OP_SET_CPUID:
		return -ENODEV;
	case OP_GET_XCOMP_SUPP:
	case OP_GET_XCOMP_PERM:
		return put_user_u64(fpu_xfeatures, arg);
	default:
		return -EINVAL;
	}
}
