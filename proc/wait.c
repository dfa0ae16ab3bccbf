// wait4(2), waitid(2): a child's end, stop or continuation.
#include "lib/errno.h"
#include "proc/exit.h"
#include "sched/sched.h"
#include "task/cred.h"
#include "task/process.h"
#include "task/signal.h"
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/wait.h>

static bool eligible(const struct wait_request *r, const struct process *c)
{
	if (r->pid && c->pids[r->type] != r->pid)
		return false;
	if ((r->options & __WNOTHREAD) && c->parent_task != current)
		return false;
	// "Clone" children are those that do not send SIGCHLD when they end.
	return (r->options & __WALL) || (c->leader->exit_signal != SIGCHLD) == !!(r->options & __WCLONE);
}

static void fill(const struct process *c, struct wait_result *out)
{
	out->pid = pid_vnr(c->pids[PIDTYPE_TGID]);
	rcu_read_lock();
	out->uid = rcu_dereference(c->leader->real_cred)->uid;
	rcu_read_unlock();
}

static void fill_exit(const struct process *c, struct wait_result *out)
{
	int code = c->flags & PROCESS_GROUP_EXIT ? c->group_exit_code : c->leader->exit_code;

	fill(c, out);
	out->status = code;
	out->cause = !(code & 0x7f) ? CLD_EXITED : code & 0x80 ? CLD_DUMPED : CLD_KILLED;
	out->istatus = code & 0x7f ?: code >> 8 & 0xff;
}

// What the child used becomes part of what our children used.
static void inherit_usage(struct process *c)
{
	struct process *p = current->process;
	struct task *l = c->leader;
	u64 utime, stime;

	task_cputime(l, &utime, &stime);
	spin_lock(&p->stats_lock.lock);
	p->cutime += utime + c->utime + c->cutime;
	p->cstime += stime + c->stime + c->cstime;
	p->cmin_flt += l->min_flt + c->min_flt + c->cmin_flt;
	p->cmaj_flt += l->maj_flt + c->maj_flt + c->cmaj_flt;
	p->cnvcsw += l->nvcsw + c->nvcsw + c->cnvcsw;
	p->cnivcsw += l->nivcsw + c->nivcsw + c->cnivcsw;
	p->cinblock += c->inblock + c->cinblock;
	p->coublock += c->oublock + c->coublock;
	p->cmaxrss = MAX(p->cmaxrss, MAX(c->maxrss, c->cmaxrss));
	spin_unlock(&p->stats_lock.lock);
}

// tasklist_lock is held for read, and dropped if the value is true: the result is complete.
static bool take_zombie(const struct wait_request *r, struct process *c, struct wait_result *out)
{
	struct task *t = c->leader;
	int zombie = EXIT_ZOMBIE;

	if (r->options & WNOWAIT) {
		fill_exit(c, out);
		process_get(c);
		tasklist_read_unlock();
		if (out->want_ru)
			process_rusage(c, RUSAGE_BOTH_, &out->ru);
		process_put(c);
		return true;
	}
	if (!try_cmpxchg(&t->exit_state, &zombie, EXIT_DEAD))
		return false;	// another thread of ours was faster
	fill_exit(c, out);
	tasklist_read_unlock();
	inherit_usage(c);
	if (out->want_ru)
		process_rusage(c, RUSAGE_BOTH_, &out->ru);
	release_task(t);
	return true;
}

static bool take_state(const struct wait_request *r, struct process *c, struct wait_result *out)
{
	unsigned long flags;
	struct sighand *s = sighand_lock(c->leader, &flags);
	bool found = false;

	if (!s)
		return false;
	if ((r->options & WSTOPPED) && (c->flags & PROCESS_STOP_STOPPED) && c->group_exit_code) {
		out->istatus = c->group_exit_code;
		out->status = c->group_exit_code << 8 | 0x7f;
		out->cause = CLD_STOPPED;
		if (!(r->options & WNOWAIT))
			c->group_exit_code = 0;
		found = true;
	} else if ((r->options & WCONTINUED) && (c->flags & PROCESS_STOP_CONTINUED)) {
		out->istatus = SIGCONT;
		out->status = 0xffff;
		out->cause = CLD_CONTINUED;
		if (!(r->options & WNOWAIT))
			c->flags &= ~PROCESS_STOP_CONTINUED;
		found = true;
	}
	sighand_unlock(s, flags);
	if (!found)
		return false;
	fill(c, out);
	process_get(c);
	tasklist_read_unlock();
	if (out->want_ru)
		process_rusage(c, RUSAGE_BOTH_, &out->ru);
	process_put(c);
	return true;
}

// 1: found; 0: there is something to wait for; -ECHILD.
static int scan(const struct wait_request *r, struct wait_result *out)
{
	struct process *c;
	int ret = -ECHILD;

	tasklist_read_lock();
	list_for_each_entry(c, &current->process->children, sibling) {
		if (!eligible(r, c))
			continue;
		int state = READ_ONCE(c->leader->exit_state);
		if (state == EXIT_DEAD)
			continue;
		if (state == EXIT_ZOMBIE && c->nr_threads == 1) {
			if (!(r->options & WEXITED))
				continue;	// it can neither stop nor continue any more
			if (take_zombie(r, c, out))
				return 1;
			continue;
		}
		ret = 0;
		if ((r->options & (WSTOPPED | WCONTINUED)) && take_state(r, c, out))
			return 1;
	}
	tasklist_read_unlock();
	return ret;
}

int do_wait(const struct wait_request *r, struct wait_result *out)
{
	struct waitq *q = &current->process->wait_child;
	int ret = scan(r, out);

	if (ret || (r->options & WNOHANG))
		return ret < 0 ? ret : 0;
	struct waitq_entry e = { .fn = waitq_wake_task, .task = current, .link = LIST_HEAD_INIT(e.link) };
	for (;;) {
		waitq_prepare(q, &e, TASK_INTERRUPTIBLE, false);
		ret = scan(r, out);
		if (ret)
			break;
		if (signal_pending(current)) {
			ret = -ERESTARTSYS;
			break;
		}
		schedule();
	}
	waitq_finish(q, &e);
	return ret < 0 ? ret : 0;
}
