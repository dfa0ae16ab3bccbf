// Tasks' stacks and what is switched with them.
#include "arch/thread.h"
#include "arch/frame.h"
#include "arch/irq.h"
#include "host.h"
#include "kern/cpu_hot.h"
#include "lib/errno.h"

BUILD_ASSERT(sizeof(struct frame) == ARCH_FRAME_SIZE);

static struct task_head *head(struct task *t)
{
	return (struct task_head *)t;
}

STATIC_PER_CPU(struct task *, switched_from);

struct task *arch_switch(struct task *prev, struct task *next)
{
	this_cpu_write(switched_from, prev);
	this_cpu_write(cpu_hot.task, next);
	this_cpu_write(cpu_hot.kernel_stack, (u64)head(next)->stack + KSTACK_SIZE);
	host_fiber_switch(head(prev)->arch.fiber, head(next)->arch.fiber);
	return this_cpu_read(switched_from);	// of the CPU that we are on now
}

static void first(void *arg)
{
	struct task_head *t = arg;

	thread_first_run(this_cpu_read(switched_from));
	t->arch.fn(t->arch.arg);
	host_abort("a kernel thread went to user mode, which the host does not have");
}

void arch_thread_init_kernel(struct task *t, void (*fn)(void *), void *arg)
{
	// As deep in start-up or as short of memory as we are, the contract has no error here.
	head(t)->arch = (struct arch_thread){ .fiber = host_fiber_create(first, t), .fn = fn, .arg = arg };
	if (!head(t)->arch.fiber)
		host_abort("no stack for a task");
	*arch_thread_frame(t) = (struct frame){ .nr = -1 };
}

static void no_user_mode(void *arg)
{
	(void)arg;
}

int arch_thread_init_user(struct task *t, struct task *from, const struct frame *parent, u64 sp, bool set_tls, u64 tls)
{
	arch_thread_init_kernel(t, no_user_mode, NULL);
	*arch_thread_frame(t) = *parent;
	arch_thread_frame(t)->ret = 0;
	if (sp)
		arch_thread_frame(t)->sp = sp;
	head(t)->arch.tls = set_tls ? tls : head(from)->arch.tls;
	return 0;
}

void arch_thread_init_idle(struct task *t)
{
	head(t)->arch = (struct arch_thread){ .fiber = host_this()->boot_fiber };
}

void arch_thread_free(struct task *t)
{
	if (head(t)->arch.fiber)
		host_fiber_free(head(t)->arch.fiber);
	head(t)->arch.fiber = NULL;
}

int arch_thread_exec(void)
{
	head(current)->arch.tls = 0;
	return 0;
}

void arch_set_tls(u64 tls)
{
	head(current)->arch.tls = tls;
}

u64 arch_get_tls(void)
{
	return head(current)->arch.tls;
}

long arch_prctl_call(int op, uptr arg)
{
	(void)op;
	(void)arg;
	return -EINVAL;
}

void arch_fpu_save(void)
{
}

void arch_fpu_init(void)
{
}

void frame_exec_init(struct frame *f, u64 ip, u64 sp)
{
	*f = (struct frame){ .ip = ip, .sp = sp, .nr = -1, .user = 1, .irqs_on = 1 };
}

void frame_changed(void)
{
}

void arch_fault_note(u32 trapno, u64 error, u64 addr)
{
	(void)trapno;
	(void)error;
	(void)addr;
}

int arch_sigframe_push(struct frame *f, const struct sigframe *s)
{
	(void)f;
	(void)s;
	return -EFAULT;	// there is no program to deliver to
}

int arch_sigframe_pop(struct frame *f, struct sigframe *s)
{
	(void)f;
	(void)s;
	return -EFAULT;
}
