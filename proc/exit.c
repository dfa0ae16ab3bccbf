// exit(2): a task gives everything back, its children to a reaper, and its status to its parent. man 2 exit, 3 exit, 2 wait.
#include "proc/exit.h"
#include "dev/tty.h"
#include "fs/file.h"
#include "fs/path.h"
#include "kern/panic.h"
#include "kern/rculist.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "proc/fork.h"
#include "sched/sched.h"
#include "task/cred.h"
#include "task/kthread.h"
#include "task/nsproxy.h"
#include "task/process.h"
#include "task/signal.h"
#include <asm/signal.h>

// ---- reaping ----------------------------------------------------------------------------------------------------------

static void stats_lock(struct process *p) ACQUIRES(&p->stats_lock.lock)
{
	spin_lock(&p->stats_lock.lock);
	seq_write_begin(&p->stats_lock.count);
}

static void stats_unlock(struct process *p) RELEASES(&p->stats_lock.lock)
{
	seq_write_end(&p->stats_lock.count);
	spin_unlock(&p->stats_lock.lock);
}

void process_add_dead(struct process *p, struct task *t)
{
	u64 utime, stime;

	task_cputime(t, &utime, &stime);
	stats_lock(p);
	p->utime += utime;
	p->stime += stime;
	p->min_flt += t->min_flt;
	p->maj_flt += t->maj_flt;
	p->nvcsw += t->nvcsw;
	p->nivcsw += t->nivcsw;
	p->sum_sched_runtime += t->se.sum_exec;
	stats_unlock(p);
}

// siglock held: out of the process, no more signals.
static void leave_process(struct task *t, struct process *p, bool last)
{
	p->nr_threads--;
	if (p->curr_target == t)
		p->curr_target = NULL;
	list_del_rcu(&t->thread_node);
	flush_pending(&t->pending_queue, &t->pending_set);
	if (last)
		flush_pending(&p->pending_queue, &p->pending_set);
	WRITE_ONCE(t->sighand, NULL);
}

static void unlink_process(struct task *t, struct process *p)
{
	pid_detach(t, PIDTYPE_TGID);
	pid_detach(t, PIDTYPE_PGID);
	pid_detach(t, PIDTYPE_SID);
	list_del_rcu(&p->all);
	list_del_init(&p->sibling);
}

// tasklist_lock held for write. The zombie leader that has to be reaped next, or null.
static struct task *unlink_task(struct task *t)
{
	struct process *p = t->process;
	struct task *leader = p->leader;
	struct sighand *s = t->sighand;
	bool last = t == leader;	// a leader is reaped when it is alone

	if (!last)
		process_add_dead(p, t);
	spin_lock(&s->siglock);
	leave_process(t, p, last);
	spin_unlock(&s->siglock);
	sighand_put(s);
	if (unlikely(p->group_exec_task))	// exec waits for its siblings to go
		wake_up_state(p->group_exec_task, TASK_NORMAL | TASK_WAKEKILL);
	if (last)
		unlink_process(t, p);
	pid_detach(t, PIDTYPE_PID);
	if (last || p->nr_threads != 1 || leader->exit_state != EXIT_ZOMBIE)
		return NULL;
	if (!notify_parent_exit(leader, leader->exit_signal))
		return NULL;
	leader->exit_state = EXIT_DEAD;
	return leader;
}

void release_task(struct task *t)
{
	while (t) {
		tasklist_write_lock_irq();
		struct task *next = unlink_task(t);
		tasklist_write_unlock_irq();
		atomic64_dec(&((const struct cred __force *)t->real_cred)->user->processes);
		task_put(t);
		t = next;
	}
}

// ---- orphans ----------------------------------------------------------------------------------------------------------

static struct task *alive_thread(struct process *p)
{
	struct task *t;

	for_each_thread(p, t)
		if (!(t->flags & PF_EXITING))
			return t;
	return NULL;
}

static bool has_stopped_jobs(struct pid *pgrp)
{
	struct process *p;

	hlist_for_each_entry(p, &pgrp->tasks[PIDTYPE_PGID], pid_links[PIDTYPE_PGID])
		if (p->flags & PROCESS_STOP_STOPPED)
			return true;
	return false;
}

// POSIX: a process group that becomes orphaned and has stopped members gets SIGHUP and SIGCONT. parent: the one that dies, if not p itself.
static void kill_orphaned_pgrp(struct process *p, struct process *parent)
{
	struct pid *pgrp = p->pids[PIDTYPE_PGID];
	struct process *ignored = NULL;

	if (!parent) {
		parent = p->parent;
		ignored = p;
	}
	if (parent->pids[PIDTYPE_PGID] != pgrp && parent->pids[PIDTYPE_SID] == p->pids[PIDTYPE_SID] &&
	    pgrp_is_orphaned(pgrp, ignored) && has_stopped_jobs(pgrp)) {
		(void)send_signal_group_locked(pgrp, SIGHUP, SEND_SIG_PRIV);
		(void)send_signal_group_locked(pgrp, SIGCONT, SEND_SIG_PRIV);
	}
}

bool is_current_pgrp_orphaned(void)
{
	tasklist_read_lock();
	bool r = pgrp_is_orphaned(current->process->pids[PIDTYPE_PGID], NULL);
	tasklist_read_unlock();
	return r;
}

// The nearest ancestor that wants orphans (PR_SET_CHILD_SUBREAPER), else the namespace's init.
static struct task *find_reaper(struct process *p)
{
	struct pid *pid = p->pids[PIDTYPE_TGID];
	struct task *init = pid->numbers[pid->level].ns->child_reaper ?: &init_task;
	struct task *t;

	if (p->has_child_subreaper) {
		for (struct process *a = p->parent; a != init->process && a != &init_process; a = a->parent)
			if (a->child_subreaper && (t = alive_thread(a)))
				return t;
	}
	return init;
}

static void send_pdeath(struct process *child)
{
	struct task *t;

	for_each_thread(child, t)
		if (t->pdeath_signal)
			(void)send_signal(t, t->pdeath_signal, SEND_SIG_NOINFO, PIDTYPE_TGID);
}

static void reparent_child(struct process *child, struct process *dying, struct list_head *dead)
{
	struct task *leader = child->leader;

	if (leader->exit_state == EXIT_DEAD)
		return;
	leader->exit_signal = SIGCHLD;
	if (leader->exit_state == EXIT_ZOMBIE && child->nr_threads == 1 && notify_parent_exit(leader, SIGCHLD)) {
		leader->exit_state = EXIT_DEAD;
		list_move_tail(&child->sibling, dead);
	}
	kill_orphaned_pgrp(child, dying);
}

// tasklist_lock held for write. Zombies that nobody will wait for are collected in dead.
static void forget_children(struct task *t, struct list_head *dead)
{
	struct process *p = t->process, *c, *n;
	struct task *heir = alive_thread(p);

	if (heir) {
		list_for_each_entry(c, &p->children, sibling) {
			if (c->parent_task == t) {
				c->parent_task = heir;
				send_pdeath(c);
			}
		}
		return;
	}
	heir = find_reaper(p);
	list_for_each_entry_safe(c, n, &p->children, sibling) {
		c->parent = heir->process;
		c->parent_task = heir;
		list_move_tail(&c->sibling, &heir->process->children);
		send_pdeath(c);
		reparent_child(c, p, dead);
	}
}

// ---- exit -------------------------------------------------------------------------------------------------------------

static void exit_notify(struct task *t, bool group_dead)
{
	struct process *p = t->process, *c, *n;
	bool autoreap = true;
	LIST_HEAD(dead);

	tasklist_write_lock_irq();
	if (!list_empty(&p->children))
		forget_children(t, &dead);
	if (group_dead)
		kill_orphaned_pgrp(p, NULL);
	t->exit_state = EXIT_ZOMBIE;
	if (thread_is_leader(t)) {
		autoreap = p->nr_threads == 1 && (notify_parent_exit(t, t->exit_signal) || (t->flags & PF_KTHREAD));
		waitq_wake_all(&p->pids[PIDTYPE_TGID]->wait_pidfd);
	}
	if (autoreap)
		t->exit_state = EXIT_DEAD;
	// exec waits for its siblings, and for the old leader to become a zombie.
	if (unlikely(p->group_exec_task))
		wake_up_state(p->group_exec_task, TASK_NORMAL | TASK_WAKEKILL);
	tasklist_write_unlock_irq();
	list_for_each_entry_safe(c, n, &dead, sibling)
		release_task(c->leader);
	if (autoreap)
		release_task(t);
}

static void note_maxrss(struct process *p, struct mm *mm)
{
	u64 rss = mm_rss(mm, MM_FILE) + mm_rss(mm, MM_ANON) + mm_rss(mm, MM_SHMEM);

	rss = MAX(rss, mm->hiwater_rss);
	if (p->maxrss < rss)
		p->maxrss = rss;
}

static void last_thread(struct task *t, int code)
{
	struct process *p = t->process;

	if (unlikely(p->flags & PROCESS_UNKILLABLE) || t->pid == 1)
		panic("Attempted to kill init! exitcode=0x%08x", p->group_exit_code ?: code);
	// Without an exit_group() the process's status is that of the thread that ends last, not the leader's.
	spin_lock_irq(&t->sighand->siglock);
	if (!(p->flags & PROCESS_GROUP_EXIT)) {
		p->flags |= PROCESS_GROUP_EXIT;
		p->group_exit_code = code;
	}
	spin_unlock_irq(&t->sighand->siglock);
	hrtimer_cancel(&p->real_timer);
	if (t->mm)
		note_maxrss(p, t->mm);
}

void do_exit(int code)
{
	struct task *t = current;
	struct process *p = t->process;

	if (unlikely(in_interrupt()))
		panic("exit in interrupt context");
	if (unlikely(!t->pid))
		panic("Attempted to kill the idle task!");
	exit_signals(t);
	mm_release(t, true);
	bool group_dead = atomic_dec_and_test(&p->live);
	if (group_dead)
		last_thread(t, code);
	t->exit_code = code;
	mm_exit();
	if (group_dead) {
		if (p->session_leader)
			tty_session_exit();
		else if (p->tty)
			process_drop_tty(p);
	}
	exit_files(t);
	exit_fs(t);
	task_work_run();	// the files' last references went: their release methods run now
	spin_lock(&t->alloc_lock);	// /proc/PID/mounts may be looking
	struct nsproxy *ns = t->nsproxy;
	t->nsproxy = NULL;
	spin_unlock(&t->alloc_lock);
	nsproxy_put(ns);
	exit_notify(t, group_dead);
	sched_exit();
}

void do_group_exit(int code)
{
	struct task *t = current;
	struct process *p = t->process;

	spin_lock_irq(&t->sighand->siglock);
	if (p->flags & PROCESS_GROUP_EXIT) {
		code = p->group_exit_code;
	} else if (p->group_exec_task) {
		code = 0;	// the process lives on in the thread that execs
	} else {
		p->group_exit_code = code;
		p->flags |= PROCESS_GROUP_EXIT;
		if (p->nr_threads > 1)
			zap_other_threads(t);
	}
	spin_unlock_irq(&t->sighand->siglock);
	do_exit(code);
}

// ---- usage ------------------------------------------------------------------------------------------------------------

static void set_times(struct rusage_k *r, u64 utime, u64 stime)
{
	r->utime_sec = utime / NSEC_PER_SEC;
	r->utime_usec = utime % NSEC_PER_SEC / 1000;
	r->stime_sec = stime / NSEC_PER_SEC;
	r->stime_usec = stime % NSEC_PER_SEC / 1000;
}

void process_cputime(struct process *p, u64 *utime, u64 *stime)
{
	struct task *t;
	u64 u, s;

	spin_lock(&p->stats_lock.lock);
	*utime = p->utime;
	*stime = p->stime;
	spin_unlock(&p->stats_lock.lock);
	rcu_read_lock();
	for_each_thread(p, t) {
		task_cputime(t, &u, &s);
		*utime += u;
		*stime += s;
	}
	rcu_read_unlock();
}

static void add_children(const struct process *p, struct rusage_k *r, u64 *utime, u64 *stime)
{
	*utime += p->cutime;
	*stime += p->cstime;
	r->minflt += p->cmin_flt;
	r->majflt += p->cmaj_flt;
	r->nvcsw += p->cnvcsw;
	r->nivcsw += p->cnivcsw;
	r->inblock += p->cinblock;
	r->oublock += p->coublock;
	if ((u64)r->maxrss < p->cmaxrss)
		r->maxrss = p->cmaxrss;
}

static void add_task(struct task *t, struct rusage_k *r)
{
	r->minflt += t->min_flt;
	r->majflt += t->maj_flt;
	r->nvcsw += t->nvcsw;
	r->nivcsw += t->nivcsw;
}

static void add_self(struct process *p, struct rusage_k *r)
{
	struct task *t;

	r->minflt += p->min_flt;
	r->majflt += p->maj_flt;
	r->nvcsw += p->nvcsw;
	r->nivcsw += p->nivcsw;
	r->inblock += p->inblock;
	r->oublock += p->oublock;
	if ((u64)r->maxrss < p->maxrss)
		r->maxrss = p->maxrss;
	rcu_read_lock();
	for_each_thread(p, t)
		add_task(t, r);
	rcu_read_unlock();
}

void process_rusage(struct process *p, int who, struct rusage_k *r)
{
	u64 utime = 0, stime = 0;

	*r = (struct rusage_k){};
	if (who == RUSAGE_THREAD_) {
		task_cputime(current, &utime, &stime);
		add_task(current, r);
		r->maxrss = p->maxrss;
	} else {
		if (who != RUSAGE_CHILDREN_) {
			process_cputime(p, &utime, &stime);
			add_self(p, r);
		}
		if (who != RUSAGE_SELF_) {
			spin_lock(&p->stats_lock.lock);
			add_children(p, r, &utime, &stime);
			spin_unlock(&p->stats_lock.lock);
		}
	}
	if (who != RUSAGE_CHILDREN_ && p == current->process && current->mm) {
		struct mm *mm = current->mm;
		s64 rss = mm_rss(mm, MM_FILE) + mm_rss(mm, MM_ANON) + mm_rss(mm, MM_SHMEM);
		r->maxrss = MAX(r->maxrss, MAX(rss, (s64)mm->hiwater_rss));
	}
	r->maxrss *= PAGE_SIZE / 1024;
	set_times(r, utime, stime);
}
