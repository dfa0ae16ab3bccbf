// What is left to do before a return to user mode, and around traced system calls.
#include "proc/exit_work.h"
#include "arch/entry.h"
#include "arch/frame.h"
#include "kern/lockcheck.h"
#include "kern/trace.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "sched/sched.h"
#include "task/pid.h"
#include "task/process.h"
#include "task/signal.h"

// A new task tells its number where CLONE_CHILD_SETTID says, in its own memory.
static void first_return(void)
{
	task_work_clear(current, WORK_FORKED);
	(void)!put_user_u32(task_pid_vnr(current), current->set_child_tid);
}

void exit_to_user_work(struct frame *f, u32 work)
{
	if (work & (WORK_RESCHED | WORK_RESCHED_LAZY))
		schedule();
	if (unlikely(work & WORK_FORKED))
		first_return();
	if (work & WORK_TASK_WORK)
		task_work_run();
	if (work & (WORK_SIGNAL | WORK_RESTORE_SIGMASK))
		do_signal(f);
	else if (unlikely(work & (WORK_PTRACE | WORK_RSEQ | WORK_SINGLESTEP)))
		task_work_clear(current, WORK_PTRACE | WORK_RSEQ | WORK_SINGLESTEP);	// nothing sets them yet
#ifdef CONFIG_LOCKCHECK
	lockcheck_user_return();
#endif
}

bool syscall_entry_work(struct frame *f, u32 entry_work)
{
	if (entry_work & ENTRY_WORK_TRACE)
		syscall_trace_enter(f);
	return true;
}

void syscall_exit_work(struct frame *f, u32 entry_work)
{
	if (entry_work & ENTRY_WORK_TRACE)
		syscall_trace_exit(f);
}
