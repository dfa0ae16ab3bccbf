// Receiving signals: masks, dequeueing, handlers, stop and continue, telling the parent. man 7 signal, man 2 sigaction.
#include "task/signal.h"
#include "arch/frame.h"
#include "arch/entry.h"
#include "kern/rculist.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "sched/sched.h"
#include "task/cred.h"
#include "time/hrtimer.h"
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/sched.h>

#define SA_KNOWN (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND | 0x04000000ul | 0x800ul)
#define SIGS_SYNCHRONOUS (sigmask_k(SIGSEGV) | sigmask_k(SIGBUS) | sigmask_k(SIGILL) | sigmask_k(SIGTRAP) | sigmask_k(SIGFPE) | sigmask_k(SIGSYS))
#define SIGS_UNMASKABLE (sigmask_k(SIGKILL) | sigmask_k(SIGSTOP))
#ifndef SS_ONSTACK	// the packaged asm/signal.h leaves them to libc
#define SS_ONSTACK 1u
#define SS_DISABLE 2u
#endif
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

DEFINE_LOCK_CLASS(siglock_class, LOCK_HARDIRQ);
static struct kmem_cache *sighand_cache RO_AFTER_INIT;
struct sighand init_sighand = {
	.ref = REF_INIT(1), .siglock = SPINLOCK_INIT(&siglock_class), .signalfd_wait = WAITQ_INIT(init_sighand.signalfd_wait),
};

bool signal_is_unmaskable(int sig) { return SIGS_UNMASKABLE & sigmask_k(sig); }

// ---- handlers table ---------------------------------------------------------------------------------------------------

static int sighand_copy(const struct task *from, bool clear, struct sighand **out) NO_LOCK_ANALYSIS	// the copy is not published yet
{
	struct sighand *s = kmem_cache_alloc(sighand_cache, GFP_KERNEL | GFP_UNINIT), *old = from->sighand;

	if (!s)
		return -ENOMEM;
	ref_init(&s->ref, 1);
	spin_init(&s->siglock, &siglock_class);
	waitq_init(&s->signalfd_wait);
	spin_lock_irq(&old->siglock);
	memcpy(s->action, old->action, sizeof(s->action));
	spin_unlock_irq(&old->siglock);
	for (int i = 0; clear && i < NSIG_K; i++)
		if (s->action[i].handler != (u64)SIG_IGN)
			s->action[i] = (struct ksigaction){};
	*out = s;
	return 0;
}

int copy_sighand(struct task *child, unsigned long clone_flags)
{
	if (clone_flags & CLONE_SIGHAND) {
		ref_get(&current->sighand->ref);
		child->sighand = current->sighand;
		return 0;
	}
	struct sighand *s;
	int err = sighand_copy(current, clone_flags & CLONE_CLEAR_SIGHAND, &s);
	if (!err)
		child->sighand = s;
	return err;
}

void sighand_put(struct sighand *s)
{
	if (ref_put(&s->ref))
		kfree_rcu(s, rcu);
}

int unshare_sighand(void)
{
	struct task *t = current;
	struct sighand *old = t->sighand, *s;

	if (ref_read(&old->ref) == 1)
		return 0;
	int err = sighand_copy(t, false, &s);
	if (err)
		return err;
	tasklist_write_lock_irq();
	spin_lock(&old->siglock);
	rcu_assign_pointer(t->sighand, s);
	spin_unlock(&old->siglock);
	tasklist_write_unlock_irq();
	sighand_put(old);
	return 0;
}

void flush_signal_handlers(struct task *t, bool force_default)
{
	for (int i = 0; i < NSIG_K; i++) {
		struct ksigaction *a = &t->sighand->action[i];
		u64 h = force_default || a->handler != (u64)SIG_IGN ? (u64)SIG_DFL : (u64)SIG_IGN;
		*a = (struct ksigaction){ .handler = h };
	}
}

int do_sigaction(int sig, const struct ksigaction *new, struct ksigaction *old)
{
	struct task *t = current, *i;
	struct process *p = t->process;

	if (sig < 1 || sig > NSIG_K || (new && signal_is_unmaskable(sig)))
		return -EINVAL;
	struct ksigaction *a = &t->sighand->action[sig - 1];
	spin_lock_irq(&t->sighand->siglock);
	if (old) {
		*old = *a;
		old->flags &= SA_KNOWN;
	}
	if (new) {
		*a = *new;
		a->flags &= SA_KNOWN;
		a->mask &= ~SIGS_UNMASKABLE;
		// POSIX: what is ignored from now on is discarded if it is pending.
		if (unlikely((p->pending_set | t->pending_set) & sigmask_k(sig) || p->nr_threads > 1) && signal_ignored(t, sig)) {
			flush_signals(sigmask_k(sig), &p->pending_queue, &p->pending_set);
			for_each_thread(p, i)
				flush_signals(sigmask_k(sig), &i->pending_queue, &i->pending_set);
		}
	}
	spin_unlock_irq(&t->sighand->siglock);
	return 0;
}

// ---- masks ------------------------------------------------------------------------------------------------------------

u64 signal_pending_set(struct task *t)
{
	return READ_ONCE(t->pending_set) | READ_ONCE(t->process->pending_set);
}

static bool has_work(struct task *t)
{
	return (signal_pending_set(t) & ~t->blocked) || (t->jobctl & JOBCTL_STOP_PENDING);
}

void recalc_sigpending(void)
{
	struct task *t = current;
	bool want = has_work(t) || process_exiting(t->process);

	if (want != signal_pending(t)) {
		if (want)
			task_work_set(t, WORK_SIGNAL);
		else
			task_work_clear(t, WORK_SIGNAL);
	}
}

// Shared signals that t will not take any more are shown to the threads that can.
static void retarget(struct task *t, u64 which)
{
	struct process *p = t->process;
	struct task *i;

	which &= p->pending_set;
	if (!which)
		return;
	for_each_thread(p, i) {
		if (i == t || (i->flags & PF_EXITING) || !(which & ~i->blocked))
			continue;
		which &= i->blocked;
		if (!signal_pending(i))
			signal_wake_up(i, false);
		if (!which)
			return;
	}
}

void set_blocked_locked(u64 set)
{
	struct task *t = current;

	if (signal_pending(t) && t->process->nr_threads > 1)
		retarget(t, set & ~t->blocked);
	WRITE_ONCE(t->blocked, set);
	recalc_sigpending();
}

void set_current_blocked(u64 set)
{
	struct task *t = current;

	set &= ~SIGS_UNMASKABLE;
	if (set == t->blocked)	// only we write it
		return;
	spin_lock_irq(&t->sighand->siglock);
	set_blocked_locked(set);
	spin_unlock_irq(&t->sighand->siglock);
}

int set_user_sigmask(uptr mask, size_t size)
{
	u64 set;

	if (uptr_is_null(mask))
		return 0;
	if (size != sizeof(set))
		return -EINVAL;
	if (copy_in(&set, mask, sizeof(set)))
		return -EFAULT;
	current->saved_sigmask = current->blocked;
	task_work_set(current, WORK_RESTORE_SIGMASK);
	set_current_blocked(set);
	return 0;
}

static void restore_saved_sigmask(void)
{
	if (READ_ONCE(current->work) & WORK_RESTORE_SIGMASK) {
		task_work_clear(current, WORK_RESTORE_SIGMASK);
		set_current_blocked(current->saved_sigmask);
	}
}

void restore_saved_sigmask_unless(bool interrupted)
{
	if (!interrupted)
		restore_saved_sigmask();
}

// ---- dequeueing -------------------------------------------------------------------------------------------------------

static int next_signal(u64 set)
{
	if (set & SIGS_SYNCHRONOUS)
		set &= SIGS_SYNCHRONOUS;	// the fault that stopped us comes before anything else
	return set ? (int)ctz64(set) + 1 : 0;
}

static void collect(int sig, struct list_head *queue, u64 *set, struct siginfo_k *info)
{
	struct sigqueue *q, *found = NULL;
	bool more = false;

	list_for_each_entry(q, queue, link) {
		if (q->info.si_signo != sig)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = q;
	}
	if (!more)
		WRITE_ONCE(*set, *set & ~sigmask_k(sig));
	if (found) {
		*info = found->info;
		list_del(&found->link);
		sigqueue_free(found);
	} else {
		// The queue was full when it was sent: only the number is known.
		memset(info, 0, sizeof(*info));
		info->si_signo = sig;
	}
}

// The interval timer is armed again only now, so that a short interval cannot flood a process that does not run.
static void rearm_real_timer(struct process *p)
{
	if (p->it_real_incr && !hrtimer_active(&p->real_timer)) {
		hrtimer_forward(&p->real_timer, ktime_get(), p->it_real_incr);
		hrtimer_start(&p->real_timer, p->real_timer.expires, 0);
	}
}

int dequeue_signal_locked(u64 mask, struct siginfo_k *info)
{
	struct task *t = current;
	struct process *p = t->process;
	int sig = next_signal(t->pending_set & ~mask);

	if (sig) {
		collect(sig, &t->pending_queue, &t->pending_set, info);
	} else {
		sig = next_signal(p->pending_set & ~mask);
		if (!sig)
			return 0;
		collect(sig, &p->pending_queue, &p->pending_set, info);
		if (unlikely(sig == SIGALRM))
			rearm_real_timer(p);
	}
	if (unlikely(signal_is_stop(sig)))
		t->jobctl |= JOBCTL_STOP_DEQUEUED;
	recalc_sigpending();
	return sig;
}

int dequeue_signal(u64 mask, struct siginfo_k *info)
{
	spin_lock_irq(&current->sighand->siglock);
	int sig = dequeue_signal_locked(mask, info);
	spin_unlock_irq(&current->sighand->siglock);
	return sig;
}

// ---- telling the parent -----------------------------------------------------------------------------------------------

static u64 clock_t_of(u64 ns)
{
	return ns / (NSEC_PER_SEC / USER_HZ);
}

static void child_info(struct siginfo_k *info, struct process *p, int sig, u64 utime, u64 stime)
{
	struct process *parent = p->parent;
	struct pid *pp = parent->pids[PIDTYPE_TGID];

	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->chld.pid = pid_nr_ns(p->pids[PIDTYPE_TGID], pp->numbers[pp->level].ns);
	rcu_read_lock();
	info->chld.uid = from_kuid_munged(&init_user_ns, rcu_dereference(p->leader->real_cred)->uid);
	rcu_read_unlock();
	info->chld.utime = clock_t_of(utime);
	info->chld.stime = clock_t_of(stime);
}

void notify_parent_stop(struct process *p, int why)
{
	struct process *parent = p->parent;
	struct siginfo_k info;
	unsigned long flags;
	u64 utime, stime;

	task_cputime(p->leader, &utime, &stime);
	child_info(&info, p, SIGCHLD, utime, stime);
	info.si_code = why;
	info.chld.status = why == CLD_STOPPED ? p->group_exit_code & 0x7f : why == CLD_CONTINUED ? SIGCONT : 0;
	struct sighand *s = sighand_lock(parent->leader, &flags);
	if (!s)
		return;
	struct ksigaction *a = &s->action[SIGCHLD - 1];
	if (a->handler != (u64)SIG_IGN && !(a->flags & SA_NOCLDSTOP))
		(void)send_signal_locked(parent->leader, SIGCHLD, &info, PIDTYPE_TGID, false);
	sighand_unlock(s, flags);
	waitq_wake_all(&parent->wait_child);	// wait4(2) sees it even if the signal is ignored
}

bool notify_parent_exit(struct task *leader, int sig)
{
	struct process *p = leader->process, *parent = p->parent;
	struct siginfo_k info;
	unsigned long flags;
	u64 utime, stime;
	bool autoreap = false;

	task_cputime(leader, &utime, &stime);
	child_info(&info, p, sig, utime + p->utime, stime + p->stime);
	info.chld.status = leader->exit_code & 0x7f;
	if (leader->exit_code & 0x80) {
		info.si_code = CLD_DUMPED;
	} else if (leader->exit_code & 0x7f) {
		info.si_code = CLD_KILLED;
	} else {
		info.si_code = CLD_EXITED;
		info.chld.status = leader->exit_code >> 8;
	}
	struct sighand *s = sighand_lock(parent->leader, &flags);
	if (!s)
		return true;
	struct ksigaction *a = &s->action[SIGCHLD - 1];
	if (sig == SIGCHLD && (a->handler == (u64)SIG_IGN || (a->flags & SA_NOCLDWAIT))) {
		// POSIX: then nobody waits. SA_NOCLDWAIT alone still sends the signal, as Linux does.
		autoreap = true;
		if (a->handler == (u64)SIG_IGN)
			sig = 0;
	}
	if (sig > 0 && sig <= NSIG_K)
		(void)send_signal_locked(parent->leader, sig, &info, PIDTYPE_TGID, false);
	sighand_unlock(s, flags);
	waitq_wake_all(&parent->wait_child);
	return autoreap;
}

bool pgrp_is_orphaned(struct pid *pgrp, const struct process *ignored)
{
	struct process *p;

	hlist_for_each_entry(p, &pgrp->tasks[PIDTYPE_PGID], pid_links[PIDTYPE_PGID]) {
		if (p == ignored || (p->leader->exit_state && p->nr_threads <= 1) || p->parent->leader->pid == 1)
			continue;
		if (p->parent->pids[PIDTYPE_PGID] != pgrp && p->parent->pids[PIDTYPE_SID] == p->pids[PIDTYPE_SID])
			return false;
	}
	return true;
}

// ---- stopping ---------------------------------------------------------------------------------------------------------

static bool join_stop(struct task *t, int sig)
{
	if (process_exiting(t->process) || (t->flags & PF_EXITING) || (t->pending_set & sigmask_k(SIGKILL)))
		return false;
	t->jobctl = (t->jobctl & ~JOBCTL_STOP_SIGMASK) | sig | JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME;
	return true;
}

void signal_join_group_stop(struct task *child)
{
	struct task *t = current;

	if (t->jobctl & JOBCTL_STOP_PENDING) {
		if (join_stop(child, t->jobctl & JOBCTL_STOP_SIGMASK)) {
			t->process->group_stop_count++;
			task_work_set(child, WORK_SIGNAL);
		}
	}
}

// Takes t out of the count; true: it was the last one, the process is stopped now.
static bool participate(struct task *t)
{
	struct process *p = t->process;
	bool counted = t->jobctl & JOBCTL_STOP_CONSUME;

	t->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME);
	if (!counted)
		return false;
	if (p->group_stop_count > 0)
		p->group_stop_count--;
	if (p->group_stop_count || (p->flags & PROCESS_STOP_STOPPED))
		return false;
	p->flags = (p->flags & ~(PROCESS_STOP_CONTINUED | PROCESS_CLD_STOPPED | PROCESS_CLD_CONTINUED)) | PROCESS_STOP_STOPPED;
	return true;
}

static bool begin_stop(struct task *t, int sig)
{
	struct process *p = t->process;
	struct task *i;

	if (!(t->jobctl & JOBCTL_STOP_DEQUEUED) || process_exiting(p) || p->group_exec_task)
		return false;
	if (!(p->flags & PROCESS_STOP_STOPPED))
		p->group_exit_code = sig;
	p->group_stop_count = 0;
	for_each_thread(p, i) {
		if (i != t && (READ_ONCE(i->state) & TASK_STOPPED))
			continue;
		if (join_stop(i, sig)) {
			p->group_stop_count++;
			if (i != t)
				signal_wake_up(i, false);
		}
	}
	return true;
}

// Called with siglock held. True: it was dropped, and we stopped or at least slept; false: still held, no stop.
static bool do_signal_stop(int sig) NO_LOCK_ANALYSIS
{
	struct task *t = current;
	struct process *p = t->process;

	if (!(t->jobctl & JOBCTL_STOP_PENDING) && !begin_stop(t, sig))
		return false;
	if (!(t->jobctl & JOBCTL_STOP_PENDING))
		return false;	// a fatal signal came first
	bool notify = participate(t);
	set_special_state(TASK_STOPPED | TASK_WAKEKILL);
	spin_unlock_irq(&t->sighand->siglock);
	if (notify) {
		tasklist_read_lock();
		notify_parent_stop(p, CLD_STOPPED);
		tasklist_read_unlock();
	}
	schedule();
	return true;
}

// ---- delivery ---------------------------------------------------------------------------------------------------------

struct delivery {
	int sig;
	struct ksigaction action;
	struct siginfo_k info;
};

// Tells the parent about a SIGCONT that arrived while we could not. Drops and retakes siglock.
static void report_continued(struct process *p) NO_LOCK_ANALYSIS
{
	int why = p->flags & PROCESS_CLD_CONTINUED ? CLD_CONTINUED : CLD_STOPPED;

	p->flags &= ~(PROCESS_CLD_STOPPED | PROCESS_CLD_CONTINUED);
	spin_unlock_irq(&current->sighand->siglock);
	tasklist_read_lock();
	notify_parent_stop(p, why);
	tasklist_read_unlock();
	spin_lock_irq(&current->sighand->siglock);
}

NORETURN static void die_of(int sig) NO_LOCK_ANALYSIS
{
	spin_unlock_irq(&current->sighand->siglock);
	current->flags |= PF_SIGNALED;
	do_group_exit(sig);
}

static bool orphaned_stop(int sig) NO_LOCK_ANALYSIS
{
	if (sig == SIGSTOP)
		return false;
	spin_unlock_irq(&current->sighand->siglock);
	tasklist_read_lock();
	bool orphaned = pgrp_is_orphaned(current->process->pids[PIDTYPE_PGID], NULL);
	tasklist_read_unlock();
	spin_lock_irq(&current->sighand->siglock);
	return orphaned;
}

// What a signal without a handler does. siglock held, and held again on return.
static void default_action(int sig) NO_LOCK_ANALYSIS
{
	struct task *t = current;

	if (signal_default_ignored(sig))
		return;
	if (unlikely(t->process->flags & PROCESS_UNKILLABLE) && !signal_is_unmaskable(sig))
		return;
	if (signal_is_stop(sig)) {
		if (!orphaned_stop(sig) && do_signal_stop(sig))
			spin_lock_irq(&t->sighand->siglock);
		return;
	}
	die_of(sig);
}

// The next signal with a handler; everything else is dealt with here. False: nothing left.
static bool get_signal(struct delivery *d) NO_LOCK_ANALYSIS
{
	struct task *t = current;
	struct process *p = t->process;

	spin_lock_irq(&t->sighand->siglock);
	for (;;) {
		if (unlikely(p->flags & (PROCESS_CLD_STOPPED | PROCESS_CLD_CONTINUED)))
			report_continued(p);
		if (unlikely((p->flags & PROCESS_GROUP_EXIT) || p->group_exec_task)) {
			t->pending_set &= ~sigmask_k(SIGKILL);
			die_of(SIGKILL);
		}
		if (unlikely(t->jobctl & JOBCTL_STOP_PENDING) && do_signal_stop(0)) {
			spin_lock_irq(&t->sighand->siglock);
			continue;
		}
		d->sig = dequeue_signal_locked(t->blocked, &d->info);
		if (!d->sig)
			break;
		struct ksigaction *a = &t->sighand->action[d->sig - 1];
		if (a->handler == (u64)SIG_IGN)
			continue;
		if (a->handler != (u64)SIG_DFL) {
			d->action = *a;
			if (a->flags & SA_ONESHOT)
				a->handler = (u64)SIG_DFL;
			break;
		}
		default_action(d->sig);
	}
	spin_unlock_irq(&t->sighand->siglock);
	return d->sig != 0;
}

u32 sigaltstack_flags(u64 sp)
{
	struct task *t = current;
	struct sigframe s = { .altstack_sp = t->sas_sp, .altstack_size = t->sas_size };
	u32 flags = t->sas_flags & SS_AUTODISARM;

	if (!t->sas_size)
		return flags | SS_DISABLE;
	return flags | (!flags && sigframe_on_altstack(&s, sp) ? SS_ONSTACK : 0);
}

// A handler will run: the interrupted system call returns EINTR, or is issued again afterwards.
static void restart_for_handler(struct frame *f, const struct ksigaction *a)
{
	switch (frame_return(f)) {
	case -ERESTARTNOINTR:
		frame_restart_syscall(f, -1);
		break;
	case -ERESTARTSYS:
		if (a->flags & SA_RESTART)
			frame_restart_syscall(f, -1);
		else
			frame_set_return(f, -EINTR);
		break;
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		frame_set_return(f, -EINTR);
	}
}

static void restart_without_handler(struct frame *f)
{
	switch (frame_return(f)) {
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
		frame_restart_syscall(f, -1);
		break;
	case -ERESTART_RESTARTBLOCK:
		frame_restart_syscall(f, __NR_restart_syscall);
	}
}

static void call_handler(struct frame *f, struct delivery *d)
{
	struct task *t = current;
	bool saved = READ_ONCE(t->work) & WORK_RESTORE_SIGMASK;
	struct sigframe s = {
		.sig = d->sig, .sa_flags = d->action.flags, .handler = UPTR(d->action.handler), .restorer = UPTR(d->action.restorer),
		.oldmask = saved ? t->saved_sigmask : t->blocked, .siginfo = &d->info,
		.altstack_sp = t->sas_sp, .altstack_size = t->sas_size, .altstack_flags = sigaltstack_flags(frame_sp(f)),
	};

	if (frame_syscall_nr(f) >= 0)
		restart_for_handler(f, &d->action);
	if (arch_sigframe_push(f, &s)) {
		if (d->sig == SIGSEGV)
			force_fatal_sig(SIGSEGV);
		else
			force_sig(SIGSEGV);
		return;
	}
	if (saved)
		task_work_clear(t, WORK_RESTORE_SIGMASK);
	if (t->sas_flags & SS_AUTODISARM) {
		t->sas_sp = t->sas_size = 0;
		t->sas_flags = SS_DISABLE;
	}
	u64 blocked = t->blocked | d->action.mask;
	if (!(d->action.flags & SA_NODEFER))
		blocked |= sigmask_k(d->sig);
	set_current_blocked(blocked);
}

void do_signal(struct frame *f)
{
	struct delivery d;

	if (get_signal(&d)) {
		call_handler(f, &d);
		return;
	}
	if (frame_syscall_nr(f) >= 0)
		restart_without_handler(f);
	restore_saved_sigmask();
}

void fault_user(struct frame *f, int sig, int si_code, u64 addr, u32 trapno, u64 error)
{
	(void)f;
	arch_fault_note(trapno, error, addr);
	force_sig_fault(sig, si_code, addr);
}

void exit_signals(struct task *t)
{
	struct process *p = t->process;

	if (p->nr_threads <= 1 || process_exiting(p)) {
		t->flags |= PF_EXITING;
		return;
	}
	spin_lock_irq(&t->sighand->siglock);
	t->flags |= PF_EXITING;
	bool stopped = false;
	if (signal_pending(t)) {
		retarget(t, ~t->blocked);
		if (t->jobctl & JOBCTL_STOP_PENDING)
			stopped = participate(t);
	}
	spin_unlock_irq(&t->sighand->siglock);
	if (stopped) {
		tasklist_read_lock();
		notify_parent_stop(p, CLD_STOPPED);
		tasklist_read_unlock();
	}
}

void sighand_cache_init(void)
{
	sighand_cache = kmem_cache_create("sighand", sizeof(struct sighand), 0, SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT | SLAB_PANIC, NULL);
}
