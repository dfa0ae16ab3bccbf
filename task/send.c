// Sending signals: ignored ones, queues, coalescing, whom to wake, forced ones. man 7 signal.
#include "task/signal.h"
#include "kern/rculist.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "sched/sched.h"
#include "task/cred.h"
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <linux/capability.h>
#include <linux/resource.h>

#define SIG_DFL_ADDR 0ul
#define SIG_IGN_ADDR 1ul
#define SIGS_STOP (sigmask_k(SIGSTOP) | sigmask_k(SIGTSTP) | sigmask_k(SIGTTIN) | sigmask_k(SIGTTOU))
#define SIGS_IGNORED (sigmask_k(SIGCONT) | sigmask_k(SIGCHLD) | sigmask_k(SIGWINCH) | sigmask_k(SIGURG))
#define SIGS_COREDUMP (sigmask_k(SIGQUIT) | sigmask_k(SIGILL) | sigmask_k(SIGTRAP) | sigmask_k(SIGABRT) | sigmask_k(SIGFPE) | \
	sigmask_k(SIGSEGV) | sigmask_k(SIGBUS) | sigmask_k(SIGSYS) | sigmask_k(SIGXCPU) | sigmask_k(SIGXFSZ))
#define SIGS_ONLY_KERNEL (sigmask_k(SIGKILL) | sigmask_k(SIGSTOP))
#define SIGQUEUE_PREALLOC 1u

static struct kmem_cache *sigqueue_cache RO_AFTER_INIT;

bool signal_default_ignored(int sig) { return SIGS_IGNORED & sigmask_k(sig); }
bool signal_is_stop(int sig) { return SIGS_STOP & sigmask_k(sig); }
bool signal_is_coredump(int sig) { return SIGS_COREDUMP & sigmask_k(sig); }

struct sighand *sighand_lock(struct task *t, unsigned long *flags) NO_LOCK_ANALYSIS
{
	struct sighand *s;

	rcu_read_lock();
	for (;;) {
		s = READ_ONCE(t->sighand);
		if (unlikely(!s))
			break;
		*flags = spin_lock_irqsave(&s->siglock);
		// exec replaces it, the reaper takes it away: both under the old one's lock.
		if (likely(s == READ_ONCE(t->sighand)))
			break;
		spin_unlock_irqrestore(&s->siglock, *flags);
	}
	rcu_read_unlock();
	return s;
}

// ---- queues -----------------------------------------------------------------------------------------------------------

void sigqueue_free(struct sigqueue *q)
{
	if (q->flags & SIGQUEUE_PREALLOC)
		return;
	atomic64_dec(&q->user->pending_signals);
	user_put(q->user);
	kmem_cache_free(sigqueue_cache, q);
}

// Charged to the receiver's user. The kernel's own and legacy signals may exceed the limit.
static struct sigqueue *sigqueue_alloc(struct task *t, bool override)
{
	struct sigqueue *q = NULL;
	struct user *u;

	rcu_read_lock();
	u = rcu_dereference(t->real_cred)->user;
	u64 n = atomic64_inc_return(&u->pending_signals);
	if (override || n <= READ_ONCE(t->process->rlim[RLIMIT_SIGPENDING].cur))
		q = kmem_cache_alloc(sigqueue_cache, GFP_ATOMIC | GFP_UNINIT | GFP_NOWARN);
	if (q) {
		user_get(u);
		q->user = u;
		q->flags = 0;
	} else {
		atomic64_dec(&u->pending_signals);
	}
	rcu_read_unlock();
	return q;
}

void flush_signals(u64 mask, struct list_head *queue, u64 *set)
{
	struct sigqueue *q, *n;

	if (!(*set & mask))
		return;
	*set &= ~mask;
	list_for_each_entry_safe(q, n, queue, link) {
		if (mask & sigmask_k(q->info.si_signo)) {
			list_del(&q->link);
			sigqueue_free(q);
		}
	}
}

void flush_pending(struct list_head *queue, u64 *set)
{
	flush_signals(~0ull, queue, set);
}

// ---- is it worth sending? ---------------------------------------------------------------------------------------------

bool signal_ignored(struct task *t, int sig)
{
	u64 h = READ_ONCE(t->sighand->action[sig - 1].handler);

	return h == SIG_IGN_ADDR || (h == SIG_DFL_ADDR && signal_default_ignored(sig));
}

static bool task_ignores(struct task *t, int sig, bool force) REQUIRES(&t->sighand->siglock)
{
	u64 h = t->sighand->action[sig - 1].handler;

	// PID 1 gets only what it asked for.
	if (unlikely(t->process->flags & PROCESS_UNKILLABLE) && h == SIG_DFL_ADDR && !(force && (sigmask_k(sig) & SIGS_ONLY_KERNEL)))
		return true;
	if (unlikely(t->flags & PF_KTHREAD) && h == 0 && !force)
		return true;
	return signal_ignored(t, sig);
}

// A blocked signal is kept even if it is ignored now: the handler may change before it is unblocked.
static bool sig_ignored(struct task *t, int sig, bool force) REQUIRES(&t->sighand->siglock)
{
	if ((t->blocked | t->real_blocked) & sigmask_k(sig))
		return false;
	return task_ignores(t, sig, force);
}

static void flush_process(struct process *p, u64 mask)
{
	struct task *t;

	flush_signals(mask, &p->pending_queue, &p->pending_set);
	for_each_thread(p, t)
		flush_signals(mask, &t->pending_queue, &t->pending_set);
}

static void prepare_continue(struct process *p)
{
	struct task *t;
	u32 why = 0;

	flush_process(p, SIGS_STOP);
	for_each_thread(p, t) {
		t->jobctl &= ~JOBCTL_STOP_ALL;
		wake_up_state(t, TASK_STOPPED);
	}
	if (p->flags & PROCESS_STOP_STOPPED)
		why = PROCESS_CLD_CONTINUED;
	else if (p->group_stop_count)
		why = PROCESS_CLD_STOPPED;
	if (why) {
		// The parent is told by the first thread that runs: we hold the wrong lock.
		p->flags = (p->flags & ~(PROCESS_STOP_STOPPED | PROCESS_STOP_CONTINUED | PROCESS_CLD_STOPPED | PROCESS_CLD_CONTINUED)) |
			   why | PROCESS_STOP_CONTINUED;
		p->group_stop_count = 0;
		p->group_exit_code = 0;
	}
}

// Effects that a signal has by being sent, even if it is ignored or blocked. False: nothing more to do.
static bool prepare_signal(struct task *t, int sig, bool force) REQUIRES(&t->sighand->siglock)
{
	struct process *p = t->process;

	if (unlikely(p->flags & PROCESS_GROUP_EXIT))
		return sig == SIGKILL && !(t->pending_set & sigmask_k(SIGKILL));
	if (unlikely(sigmask_k(sig) & (SIGS_STOP | sigmask_k(SIGCONT)))) {
		if (sig == SIGCONT)
			prepare_continue(p);
		else
			flush_process(p, sigmask_k(SIGCONT));
	}
	return !sig_ignored(t, sig, force);
}

// ---- whom to wake -----------------------------------------------------------------------------------------------------

void signal_wake_up(struct task *t, bool fatal)
{
	task_work_set(t, WORK_SIGNAL);
	if (t == current)
		return;
	if (!wake_up_state(t, TASK_INTERRUPTIBLE | (fatal ? TASK_WAKEKILL : 0)))
		kick_task(t);
}

static bool wants_signal(int sig, struct task *t)
{
	if ((t->blocked & sigmask_k(sig)) || (t->flags & PF_EXITING))
		return false;
	if (sig == SIGKILL)
		return true;
	if (READ_ONCE(t->state) & (TASK_STOPPED | TASK_TRACED))
		return false;
	return t == current || !signal_pending(t);
}

static struct task *choose_thread(struct task *t, int sig, enum pid_type type)
{
	struct process *p = t->process;
	struct task *i;

	if (wants_signal(sig, t))
		return t;
	if (type == PIDTYPE_PID || p->nr_threads <= 1)
		return NULL;	// it will look at its queue when it unblocks
	i = p->curr_target ?: t;
	for (int n = p->nr_threads; n > 0; n--) {
		struct list_head *next = i->thread_node.next;
		if (next == &p->threads)
			next = next->next;
		i = list_entry(next, struct task, thread_node);
		if (wants_signal(sig, i)) {
			p->curr_target = i;
			return i;
		}
	}
	return NULL;
}

static bool signal_kills(struct task *t, int sig) NO_LOCK_ANALYSIS	// siglock: held as another thread's
{
	struct process *p = t->process;

	if (signal_default_ignored(sig) || signal_is_stop(sig) || (t->real_blocked & sigmask_k(sig)))
		return sig == SIGKILL;
	return t->sighand->action[sig - 1].handler == SIG_DFL_ADDR && !(p->flags & (PROCESS_GROUP_EXIT | PROCESS_UNKILLABLE));
}

static void complete_signal(struct task *t, int sig, enum pid_type type)
{
	struct process *p = t->process;
	struct task *i;

	t = choose_thread(t, sig, type);
	if (!t)
		return;
	// What will kill the whole process does so at once: no thread runs on until the first one has looked.
	if ((sig == SIGKILL || signal_kills(t, sig)) && !signal_is_coredump(sig) && !(p->flags & PROCESS_GROUP_EXIT)) {
		p->flags = (p->flags & PROCESS_UNKILLABLE) | PROCESS_GROUP_EXIT;
		p->group_exit_code = sig;
		p->group_stop_count = 0;
		for_each_thread(p, i) {
			i->jobctl &= ~JOBCTL_STOP_ALL;
			i->pending_set |= sigmask_k(SIGKILL);
			signal_wake_up(i, true);
		}
		return;
	}
	signal_wake_up(t, sig == SIGKILL);
}

// ---- sending ----------------------------------------------------------------------------------------------------------

static void fill_info(struct siginfo_k *to, int sig, const struct siginfo_k *info, struct task *t)
{
	if (!is_si_special(info)) {
		*to = *info;
		return;
	}
	memset(to, 0, sizeof(*to));
	to->si_signo = sig;
	if (info == SEND_SIG_NOINFO) {
		to->si_code = SI_USER;
		to->rt.pid = pid_nr_ns(current->process->pids[PIDTYPE_TGID], t->thread_pid->numbers[t->thread_pid->level].ns);
		to->rt.uid = from_kuid_munged(&init_user_ns, current_cred()->uid);
	} else {
		to->si_code = SI_KERNEL;
	}
}

// siglock is held, perhaps as another thread's.
int send_signal_locked(struct task *t, int sig, const struct siginfo_k *info, enum pid_type type, bool force) NO_LOCK_ANALYSIS
{
	struct process *p = t->process;
	bool private = type == PIDTYPE_PID;
	u64 *set = private ? &t->pending_set : &p->pending_set;

	if (!prepare_signal(t, sig, force))
		return 0;
	if (sig < SIGRTMIN && (*set & sigmask_k(sig)))
		return 0;	// one of each is kept
	if (sig != SIGKILL && !(t->flags & PF_KTHREAD)) {
		bool override = sig < SIGRTMIN && (is_si_special(info) || info->si_code >= 0);
		struct sigqueue *q = sigqueue_alloc(t, override);
		if (q) {
			fill_info(&q->info, sig, info, t);
			list_add_tail(&q->link, private ? &t->pending_queue : &p->pending_queue);
		} else if (!is_si_special(info) && sig >= SIGRTMIN && info->si_code != SI_USER) {
			return -EAGAIN;
		}
		// Else the number is delivered without its information.
	}
	WRITE_ONCE(*set, *set | sigmask_k(sig));
	waitq_wake_all(&t->sighand->signalfd_wait);
	complete_signal(t, sig, type);
	return 0;
}

static bool info_forces(const struct siginfo_k *info)
{
	return info == SEND_SIG_PRIV || (!is_si_special(info) && (info->si_code > 0 && info->si_code != SI_USER));
}

int send_signal(struct task *t, int sig, const struct siginfo_k *info, enum pid_type type)
{
	unsigned long flags;
	struct sighand *s = sighand_lock(t, &flags);

	if (!s)
		return -ESRCH;
	int err = send_signal_locked(t, sig, info, type, info_forces(info));
	sighand_unlock(s, flags);
	return err;
}

static bool kill_ok_by_cred(struct task *t)
{
	const struct cred *c = current_cred(), *tc;
	bool ok;

	rcu_read_lock();
	tc = rcu_dereference(t->real_cred);
	ok = uid_eq(c->euid, tc->suid) || uid_eq(c->euid, tc->uid) || uid_eq(c->uid, tc->suid) || uid_eq(c->uid, tc->uid) ||
	     ns_capable(tc->user_ns, CAP_KILL);
	rcu_read_unlock();
	return ok;
}

int may_signal(struct task *t, int sig, const struct siginfo_k *info)
{
	if (sig < 0 || sig > NSIG_K)
		return -EINVAL;
	if (info == SEND_SIG_PRIV || (!is_si_special(info) && info->si_code > 0))
		return 0;	// the kernel
	if (t->process == current->process || kill_ok_by_cred(t))
		return 0;
	// SIGCONT may be sent to anybody in the same session.
	if (sig == SIGCONT && READ_ONCE(t->process->pids[PIDTYPE_SID]) == current->process->pids[PIDTYPE_SID])
		return 0;
	return -EPERM;
}

static int send_checked(struct task *t, int sig, const struct siginfo_k *info, enum pid_type type)
{
	int err = may_signal(t, sig, info);

	return err || !sig ? err : send_signal(t, sig, info, type);
}

// Group: success if it reached anybody; else the last error, with EPERM preferred.
int send_signal_group_locked(struct pid *pgrp, int sig, const struct siginfo_k *info)
{
	int ret = -ESRCH;
	bool ok = false;
	struct process *p;

	hlist_for_each_entry(p, &pgrp->tasks[PIDTYPE_PGID], pid_links[PIDTYPE_PGID]) {
		int err = send_checked(p->leader, sig, info, PIDTYPE_PGID);
		ok |= !err;
		if (err != -ESRCH || ret == -ESRCH)
			ret = err;
	}
	return ok ? 0 : ret;
}

int send_signal_pid(struct pid *pid, int sig, const struct siginfo_k *info, enum pid_type type)
{
	int err = -ESRCH;

	if (type == PIDTYPE_PGID) {
		tasklist_read_lock();
		err = send_signal_group_locked(pid, sig, info);
		tasklist_read_unlock();
		return err;
	}
	rcu_read_lock();
	struct task *t = pid_task(pid, type == PIDTYPE_TGID ? PIDTYPE_PID : type);
	if (t)
		err = send_checked(t, sig, info, type);
	rcu_read_unlock();
	return err;
}

int send_signal_group(struct pid *pgrp, int sig, bool priv)
{
	return pgrp ? send_signal_pid(pgrp, sig, priv ? SEND_SIG_PRIV : SEND_SIG_NOINFO, PIDTYPE_PGID) : -ESRCH;
}

// ---- faults of current ------------------------------------------------------------------------------------------------

enum force { FORCE_IF_POSSIBLE, FORCE_DEFAULT };

static void force_info(const struct siginfo_k *info, enum force how)
{
	struct task *t = current;
	unsigned long flags = spin_lock_irqsave(&t->sighand->siglock);
	int sig = info->si_signo;
	struct ksigaction *a = &t->sighand->action[sig - 1];
	bool blocked = t->blocked & sigmask_k(sig);

	if (blocked || a->handler == SIG_IGN_ADDR || how == FORCE_DEFAULT) {
		a->handler = SIG_DFL_ADDR;
		if (blocked) {
			t->blocked &= ~sigmask_k(sig);
			recalc_sigpending();
		}
	}
	// With the default action even PID 1 dies of its own fault.
	if (a->handler == SIG_DFL_ADDR)
		t->process->flags &= ~PROCESS_UNKILLABLE;
	(void)send_signal_locked(t, sig, info, PIDTYPE_PID, true);
	if (!signal_pending(t))
		signal_wake_up(t, false);
	spin_unlock_irqrestore(&t->sighand->siglock, flags);
}

void force_sig_fault(int sig, int code, u64 addr)
{
	struct siginfo_k info = { .si_signo = sig, .si_code = code, .fault.addr = addr };

	force_info(&info, FORCE_IF_POSSIBLE);
}

void force_sig(int sig)
{
	struct siginfo_k info = { .si_signo = sig, .si_code = SI_KERNEL };

	force_info(&info, FORCE_IF_POSSIBLE);
}

void force_fatal_sig(int sig)
{
	struct siginfo_k info = { .si_signo = sig, .si_code = SI_KERNEL };

	force_info(&info, FORCE_DEFAULT);
}

void zap_other_threads(struct task *t)
{
	struct process *p = t->process;
	struct task *i;

	p->group_stop_count = 0;
	p->notify_count = 0;
	for_each_thread(p, i) {
		if (i == t)
			continue;
		i->jobctl &= ~JOBCTL_STOP_ALL;
		p->notify_count++;
		if (i->exit_state)
			continue;
		i->pending_set |= sigmask_k(SIGKILL);
		signal_wake_up(i, true);
	}
}

void signals_init(void)
{
	sigqueue_cache = kmem_cache_create("sigqueue", sizeof(struct sigqueue), 0, SLAB_ACCOUNT | SLAB_PANIC, NULL);
	sighand_cache_init();
}
