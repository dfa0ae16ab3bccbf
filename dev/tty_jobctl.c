// Job control: sessions and foreground groups of terminals. man 7 credentials, POSIX.1 chapter 11.
//
// process.tty is guarded by the process's siglock, tty.session and tty.pgrp by tty.ctrl_lock, inside it.
#include "dev/tty.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "task/cred.h"
#include "task/pid.h"
#include "task/process.h"
#include "task/signal.h"
#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/signal.h>

static struct pid *pid_counted(struct pid *p)
{
	if (p)
		pid_get(p);
	return p;
}

static struct pid *current_group(void)
{
	return READ_ONCE(current->process->pids[PIDTYPE_PGID]);
}

// Only current's session leader could change it, by setsid(2), which a group leader cannot call: stable enough to compare.
static struct pid *current_session(void)
{
	return READ_ONCE(current->process->pids[PIDTYPE_SID]);
}

struct pid *tty_pgrp_get(struct tty *t)
{
	unsigned long flags = spin_lock_irqsave(&t->ctrl_lock);
	struct pid *p = pid_counted(t->pgrp);

	spin_unlock_irqrestore(&t->ctrl_lock, flags);
	return p;
}

static struct pid *tty_session_get(struct tty *t)
{
	unsigned long flags = spin_lock_irqsave(&t->ctrl_lock);
	struct pid *p = pid_counted(t->session);

	spin_unlock_irqrestore(&t->ctrl_lock, flags);
	return p;
}

void tty_signal_foreground(struct tty *t, int sig)
{
	struct pid *p = tty_pgrp_get(t);

	if (p)
		(void)send_signal_group(p, sig, true);
	pid_put(p);
}

// Takes the terminal off a process; the caller puts it.
static struct tty *take_tty(struct process *p) NO_LOCK_ANALYSIS
{
	unsigned long flags;
	struct sighand *s = sighand_lock(p->leader, &flags);
	struct tty *t = NULL;

	if (s) {
		t = p->tty;
		p->tty = NULL;
		sighand_unlock(s, flags);
	}
	return t;
}

void process_drop_tty(struct process *p)
{
	tty_put(take_tty(p));
}

struct tty *current_tty(void)
{
	spin_lock_irq(&current->sighand->siglock);
	struct tty *t = tty_get(current->process->tty);
	spin_unlock_irq(&current->sighand->siglock);
	return t;
}

void process_inherit_tty(struct process *child)
{
	child->tty = current_tty();
}

static bool current_ignores(int sig)
{
	return (current->blocked & sigmask_k(sig)) || signal_ignored(current, sig);
}

int tty_check_change(struct tty *t, int sig)
{
	struct pid *mine = current_group();

	if (READ_ONCE(current->process->tty) != t)
		return 0;
	unsigned long flags = spin_lock_irqsave(&t->ctrl_lock);
	bool foreground = !t->pgrp || t->pgrp == mine;
	spin_unlock_irqrestore(&t->ctrl_lock, flags);
	if (likely(foreground))
		return 0;
	if (current_ignores(sig))
		return sig == SIGTTIN ? -EIO : 0;
	tasklist_read_lock();
	bool orphaned = pgrp_is_orphaned(mine, NULL);
	tasklist_read_unlock();
	if (orphaned)
		return -EIO;
	(void)send_signal_group(mine, sig, true);
	task_work_set(current, WORK_SIGNAL);	// also when another thread of ours takes it: the call restarts behind the stop
	return -ERESTARTSYS;
}

// Makes t the controlling terminal of current's session. only_free: not when it has a session, or we have a terminal.
static void set_ctty(struct tty *t, bool only_free)
{
	struct process *me = current->process;
	struct pid *pgrp = NULL, *session = NULL, *old_group = NULL;
	struct tty *before = NULL;

	spin_lock_irq(&current->sighand->siglock);
	spin_lock(&t->ctrl_lock);
	bool go = !only_free || (!me->tty && !t->session);
	if (go) {
		pgrp = t->pgrp;
		session = t->session;
		t->pgrp = pid_counted(current_group());
		t->session = pid_counted(current_session());
	}
	spin_unlock(&t->ctrl_lock);
	if (go) {
		before = me->tty;
		me->tty = tty_get(t);
		old_group = me->tty_old_pgrp;
		me->tty_old_pgrp = NULL;
	}
	spin_unlock_irq(&current->sighand->siglock);
	tty_put(before);
	pid_put(pgrp);
	pid_put(session);
	pid_put(old_group);
}

void tty_open_ctty(struct tty *t, const struct file *f)
{
	// A file that cannot be read does not make a terminal ours.
	if (current->process->session_leader && (f->mode & FMODE_READ))
		set_ctty(t, true);
}

// Calls fn for each process of the session. RCU alone would do for the walk; the lock keeps leaders in place.
static void for_session(struct pid *session, void (*fn)(struct process *p, void *arg), void *arg)
{
	struct process *p;

	tasklist_read_lock();
	hlist_for_each_entry(p, &session->tasks[PIDTYPE_SID], pid_links[PIDTYPE_SID])
		fn(p, arg);
	tasklist_read_unlock();
}

static void drop_tty_of(struct process *p, void *arg)
{
	// The tty's driver holds a reference as well: this is never the last one.
	tty_put(take_tty(p));
}

// Forgets session and foreground group.
static void clear_session(struct tty *t)
{
	unsigned long flags = spin_lock_irqsave(&t->ctrl_lock);
	struct pid *session = t->session, *pgrp = t->pgrp;

	t->session = t->pgrp = NULL;
	spin_unlock_irqrestore(&t->ctrl_lock, flags);
	pid_put(session);
	pid_put(pgrp);
}

static void hang_up_process(struct process *p, void *arg)
{
	struct tty *t = arg;
	struct tty *had = take_tty(p);

	tty_put(had);
	if (!p->session_leader)
		return;
	p->tty_old_pgrp = p->tty_old_pgrp ?: tty_pgrp_get(t);	// for its exit: stopped jobs are told then
	(void)send_signal(p->leader, SIGHUP, SEND_SIG_PRIV, PIDTYPE_TGID);
	(void)send_signal(p->leader, SIGCONT, SEND_SIG_PRIV, PIDTYPE_TGID);
}

void tty_hangup_session(struct tty *t)
{
	struct pid *session = tty_session_get(t);

	if (!session)
		return;
	for_session(session, hang_up_process, t);
	clear_session(t);
	pid_put(session);
}

static void signal_and_put(struct pid *pgrp, bool cont)
{
	if (!pgrp)
		return;
	(void)send_signal_group(pgrp, SIGHUP, true);
	if (cont)
		(void)send_signal_group(pgrp, SIGCONT, true);
	pid_put(pgrp);
}

// The leader gives its terminal up (TIOCNOTTY), or dies: the whole session loses it.
static void leave_session_tty(bool dying)
{
	struct process *me = current->process;
	struct tty *t = current_tty();

	if (!t) {
		spin_lock_irq(&current->sighand->siglock);
		struct pid *old = me->tty_old_pgrp;
		me->tty_old_pgrp = NULL;
		spin_unlock_irq(&current->sighand->siglock);
		if (dying)
			signal_and_put(old, true);
		else
			pid_put(old);
		return;
	}
	if (dying) {
		struct pid *pgrp = tty_pgrp_get(t);
		tty_hangup(t);
		signal_and_put(pgrp, false);
	} else {
		signal_and_put(tty_pgrp_get(t), true);
		clear_session(t);
	}
	for_session(current_session(), drop_tty_of, NULL);
	tty_put(t);
}

void tty_session_exit(void)
{
	if (current->process->session_leader)
		leave_session_tty(true);
}

// ---- ioctls -----------------------------------------------------------------------------------------------------------

static long tiocsctty(struct tty *t, struct file *f, u64 steal)
{
	struct process *me = current->process;
	struct pid *owner = tty_session_get(t);
	long err = 0;

	if (me->session_leader && owner == current_session())
		goto out;
	err = -EPERM;
	if (!me->session_leader || READ_ONCE(me->tty))
		goto out;
	if (owner) {
		if (steal != 1 || !capable(CAP_SYS_ADMIN))
			goto out;
		for_session(owner, drop_tty_of, NULL);
	}
	if (!(f->mode & FMODE_READ) && !capable(CAP_SYS_ADMIN))
		goto out;
	set_ctty(t, false);
	err = 0;
out:
	pid_put(owner);
	return err;
}

static long tiocnotty(struct tty *t)
{
	if (READ_ONCE(current->process->tty) != t)
		return -ENOTTY;
	if (current->process->session_leader)
		leave_session_tty(false);
	else
		process_drop_tty(current->process);
	return 0;
}

static bool is_my_tty(struct tty *t)
{
	unsigned long flags = spin_lock_irqsave(&t->ctrl_lock);
	bool mine = READ_ONCE(current->process->tty) == t && t->session == current_session();

	spin_unlock_irqrestore(&t->ctrl_lock, flags);
	return mine;
}

static long tiocgpgrp(struct tty *t, uptr arg)
{
	if (READ_ONCE(current->process->tty) != t)
		return -ENOTTY;
	struct pid *p = tty_pgrp_get(t);
	pid_t nr = p ? pid_vnr(p) : 0;
	pid_put(p);
	return copy_out(arg, &nr, sizeof(nr));
}

static long set_pgrp(struct tty *t, pid_t nr)
{
	struct pid *old = NULL, *p;
	struct task *leader;
	long err = 0;

	rcu_read_lock();
	p = pid_find(current_pid_ns(), nr);
	leader = p ? pid_task(p, PIDTYPE_PGID) : NULL;
	if (!p || !ref_get_unless_zero(&p->ref)) {
		rcu_read_unlock();
		return -ESRCH;
	}
	if (!leader || READ_ONCE(leader->process->pids[PIDTYPE_SID]) != current_session())
		err = -EPERM;
	rcu_read_unlock();
	if (err) {
		pid_put(p);
		return err;
	}
	unsigned long flags = spin_lock_irqsave(&t->ctrl_lock);
	old = t->pgrp;
	t->pgrp = p;
	spin_unlock_irqrestore(&t->ctrl_lock, flags);
	pid_put(old);
	return 0;
}

static long tiocspgrp(struct tty *t, uptr arg)
{
	pid_t nr;
	int err = tty_check_change(t, SIGTTOU);

	if (err)
		return err == -EIO ? -ENOTTY : err;
	err = copy_in(&nr, arg, sizeof(nr));
	if (err)
		return err;
	if (nr < 0)
		return -EINVAL;
	return is_my_tty(t) ? set_pgrp(t, nr) : -ENOTTY;
}

static long tiocgsid(struct tty *t, uptr arg)
{
	if (READ_ONCE(current->process->tty) != t)
		return -ENOTTY;
	struct pid *p = tty_session_get(t);
	if (!p)
		return -ENOTTY;
	pid_t nr = pid_vnr(p);
	pid_put(p);
	return copy_out(arg, &nr, sizeof(nr));
}

long tty_ioctl_jobctl(struct tty *t, struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case TIOCSCTTY:
		return tiocsctty(t, f, arg);
	case TIOCNOTTY:
		return tiocnotty(t);
	case TIOCGPGRP:
		return tiocgpgrp(t, UPTR(arg));
	case TIOCSPGRP:
		return tiocspgrp(t, UPTR(arg));
	case TIOCGSID:
		return tiocgsid(t, UPTR(arg));
	default:
		return -ENOIOCTLCMD;
	}
}
