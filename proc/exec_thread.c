// exec: one thread remains. It ends the others, and takes the leader's place and number.
#include "kern/rculist.h"
#include "lib/errno.h"
#include "proc/exec.h"
#include "proc/exit.h"
#include "sched/sched.h"
#include "task/process.h"
#include "task/signal.h"
#include <asm/signal.h>

// Sleeps until `left` threads remain (and a leader that is not us is a zombie). -EAGAIN: killed.
static int wait_for_others(struct process *p, int left)
{
	struct task *t = current;

	for (;;) {
		set_current_state(TASK_KILLABLE);
		if (READ_ONCE(p->nr_threads) <= left && (p->leader == t || READ_ONCE(p->leader->exit_state) == EXIT_ZOMBIE))
			break;
		if (fatal_signal_pending(t)) {
			set_current_state(TASK_RUNNING);
			return -EAGAIN;
		}
		schedule();
	}
	set_current_state(TASK_RUNNING);
	return 0;
}

// The old leader becomes an ordinary thread that is dead.
static void take_lead(struct process *p)
{
	struct task *t = current, *old;

	tasklist_write_lock_irq();
	old = p->leader;
	t->start_time = old->start_time;
	t->start_boottime = old->start_boottime;
	pid_exchange(t, old);
	old->pid = t->pid;
	t->pid = t->tgid;
	t->exit_signal = SIGCHLD;
	old->exit_signal = -1;
	WRITE_ONCE(p->leader, t);
	old->exit_state = EXIT_DEAD;
	tasklist_write_unlock_irq();
	release_task(old);
}

static int end_others(struct process *p)
{
	struct task *t = current;
	int err = 0;

	spin_lock_irq(&t->sighand->siglock);
	if ((p->flags & PROCESS_GROUP_EXIT) || p->group_exec_task)
		err = -EAGAIN;	// somebody else ends us
	else
		p->group_exec_task = t;
	if (!err)
		zap_other_threads(t);
	spin_unlock_irq(&t->sighand->siglock);
	if (err)
		return err;
	bool leader = thread_is_leader(t);
	err = wait_for_others(p, leader ? 1 : 2);
	if (!err && !leader)
		take_lead(p);
	spin_lock_irq(&t->sighand->siglock);
	p->group_exec_task = NULL;
	p->notify_count = 0;
	spin_unlock_irq(&t->sighand->siglock);
	return err;
}

int exec_de_thread(void)
{
	struct process *p = current->process;

	if (p->nr_threads > 1) {
		int err = end_others(p);
		if (err)
			return err;
	}
	current->exit_signal = SIGCHLD;
	return unshare_sighand();
}
