// getpid(2), getppid(2), gettid(2), process groups and sessions.
#include "task/pid.h"
#include "dev/tty.h"
#include "lib/errno.h"
#include "syscalls.h"
#include "task/process.h"

long sys_getpid(void)
{
	return pid_vnr(current->process->pids[PIDTYPE_TGID]);
}

long sys_gettid(void)
{
	return pid_vnr(current->thread_pid);
}

long sys_getppid(void)
{
	rcu_read_lock();
	pid_t nr = pid_vnr(READ_ONCE(READ_ONCE(current->process->parent)->pids[PIDTYPE_TGID]));
	rcu_read_unlock();
	return nr;
}

// The group or session of pid; 0: of ourselves.
static long related(pid_t pid, enum pid_type type)
{
	long nr = -ESRCH;

	rcu_read_lock();
	struct task *t = pid ? pid_task(pid_find(current_pid_ns(), pid), PIDTYPE_PID) : current;
	if (t) {
		struct pid *p = READ_ONCE(t->process->pids[type]);
		nr = p ? pid_vnr(p) : -ESRCH;
	}
	rcu_read_unlock();
	return nr;
}

long sys_getpgid(pid_t pid)
{
	return related(pid, PIDTYPE_PGID);
}

long sys_getpgrp(void)
{
	return related(0, PIDTYPE_PGID);
}

long sys_getsid(pid_t pid)
{
	return related(pid, PIDTYPE_SID);
}

// A group of the same session with that number exists.
static struct pid *group_in_session(pid_t nr, struct process *p)
{
	struct pid *g = pid_find(current_pid_ns(), nr);
	struct task *member = pid_task(g, PIDTYPE_PGID);

	return member && member->process->pids[PIDTYPE_SID] == p->pids[PIDTYPE_SID] ? g : NULL;
}

static void change_pid(struct process *p, enum pid_type type, struct pid *to)
{
	if (p->pids[type] == to)
		return;
	pid_get(to);	// the old group may be what keeps it
	pid_detach(p->leader, type);
	pid_attach(p->leader, type, to);
	pid_put(to);
}

// The order of these checks is Linux's.
static int setpgid_locked(struct task *t, pid_t pgid)
{
	struct process *p, *me = current->process;
	struct pid *g;

	if (!t)
		return -ESRCH;
	if (!thread_is_leader(t))
		return -EINVAL;
	p = t->process;
	if (p->parent == me) {
		if (p->pids[PIDTYPE_SID] != me->pids[PIDTYPE_SID])
			return -EPERM;
		if (!(t->flags & PF_FORKNOEXEC))
			return -EACCES;
	} else if (p != me) {
		return -ESRCH;
	}
	if (p->session_leader)
		return -EPERM;
	g = p->pids[PIDTYPE_TGID];
	if (pgid != pid_vnr(g)) {
		g = group_in_session(pgid, p);
		if (!g)
			return -EPERM;
	}
	change_pid(p, PIDTYPE_PGID, g);
	return 0;
}

long sys_setpgid(pid_t pid, pid_t pgid)
{
	if (!pid)
		pid = task_tgid_vnr(current);
	if (!pgid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	tasklist_write_lock_irq();
	int err = setpgid_locked(pid_task(pid_find(current_pid_ns(), pid), PIDTYPE_PID), pgid);
	tasklist_write_unlock_irq();
	return err;
}

long sys_setsid(void)
{
	struct process *p = current->process;
	struct pid *mine = p->pids[PIDTYPE_TGID];
	long err = -EPERM;

	tasklist_write_lock_irq();
	if (!p->session_leader && !pid_task(mine, PIDTYPE_PGID)) {
		p->session_leader = true;
		change_pid(p, PIDTYPE_SID, mine);
		change_pid(p, PIDTYPE_PGID, mine);
		err = 0;
	}
	tasklist_write_unlock_irq();
	if (err)
		return err;
	if (p->tty)
		process_drop_tty(p);
	return pid_vnr(mine);
}
