// rt_sigaction(2), rt_sigprocmask(2), kill(2) and the rest of the signal family.
#include "task/signal.h"
#include "arch/frame.h"
#include "arch/thread.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "sched/sched.h"
#include "syscalls.h"
#include "task/cred.h"
#include "task/process.h"
#include "kern/rculist.h"
#include <asm/siginfo.h>
#include <asm/signal.h>

#define SIGSET_SIZE sizeof(u64)
#define SIGS_NEVER_BLOCKED (sigmask_k(SIGKILL) | sigmask_k(SIGSTOP))
#define ALTSTACK_MIN 2048u
#ifndef SS_ONSTACK
#define SS_ONSTACK 1u
#define SS_DISABLE 2u
#endif
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

// ---- handlers and masks -----------------------------------------------------------------------------------------------

long sys_rt_sigaction(int sig, uptr act, uptr oact, size_t size)
{
	struct ksigaction new, old;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (!uptr_is_null(act) && copy_in(&new, act, sizeof(new)))
		return -EFAULT;
	int err = do_sigaction(sig, uptr_is_null(act) ? NULL : &new, uptr_is_null(oact) ? NULL : &old);
	if (err)
		return err;
	return copy_out_opt(oact, &old, sizeof(old));
}

static int new_mask(int how, u64 set, u64 *out)
{
	switch (how) {
	case SIG_BLOCK:
		*out = current->blocked | set;
		return 0;
	case SIG_UNBLOCK:
		*out = current->blocked & ~set;
		return 0;
	case SIG_SETMASK:
		*out = set;
		return 0;
	}
	return -EINVAL;
}

long sys_rt_sigprocmask(int how, uptr set, uptr oset, size_t size)
{
	u64 old = current->blocked, s;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (!uptr_is_null(set)) {
		if (get_user_u64(&s, set))
			return -EFAULT;
		int err = new_mask(how, s & ~SIGS_NEVER_BLOCKED, &s);
		if (err)
			return err;
		set_current_blocked(s);
	}
	if (!uptr_is_null(oset) && put_user_u64(old, oset))
		return -EFAULT;
	return 0;
}

long sys_rt_sigpending(uptr set, size_t size)
{
	if (size > SIGSET_SIZE)
		return -EINVAL;
	u64 s = signal_pending_set(current) & current->blocked;
	return copy_out(set, &s, size);
}

long sys_rt_sigsuspend(uptr set, size_t size)
{
	u64 s;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (get_user_u64(&s, set))
		return -EFAULT;
	current->saved_sigmask = current->blocked;
	set_current_blocked(s);
	while (!signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current))
			break;
		schedule();
	}
	set_current_state(TASK_RUNNING);
	task_work_set(current, WORK_RESTORE_SIGMASK);
	return -ERESTARTNOHAND;
}

long sys_pause(void)
{
	while (!signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current))
			break;
		schedule();
	}
	set_current_state(TASK_RUNNING);
	return -ERESTARTNOHAND;
}

static u64 user_sp(void)
{
	return frame_sp(arch_thread_frame(current));
}

static int set_altstack(u64 sp, u32 flags, u64 size, bool check_min)
{
	struct task *t = current;
	u32 mode = flags & ~SS_AUTODISARM;

	if (sigaltstack_flags(user_sp()) & SS_ONSTACK)
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		sp = size = 0;
	} else if (check_min && size < ALTSTACK_MIN) {
		return -ENOMEM;
	}
	t->sas_sp = sp;
	t->sas_size = size;
	t->sas_flags = flags;
	return 0;
}

long sys_sigaltstack(uptr ss, uptr oss)
{
	struct { u64 sp; u32 flags, pad; u64 size; } new, old = { .sp = current->sas_sp, .size = current->sas_size };
	int err = 0;

	old.flags = sigaltstack_flags(user_sp());
	if (!uptr_is_null(ss)) {
		if (copy_in(&new, ss, sizeof(new)))
			return -EFAULT;
		err = set_altstack(new.sp, new.flags, new.size, true);
	}
	if (!err && !uptr_is_null(oss))
		err = copy_out(oss, &old, sizeof(old));
	return err;
}

long sys_rt_sigreturn(void)
{
	struct frame *f = arch_thread_frame(current);
	struct sigframe s = {};

	if (arch_sigframe_pop(f, &s)) {
		force_sig(SIGSEGV);
		return 0;
	}
	set_current_blocked(s.oldmask);
	(void)set_altstack(s.altstack_sp, s.altstack_flags, s.altstack_size, false);
	return frame_return(f);
}

// ---- sending ----------------------------------------------------------------------------------------------------------

static void user_info(struct siginfo_k *info, int sig, int code)
{
	*info = (struct siginfo_k){ .si_signo = sig, .si_code = code };
	info->rt.pid = task_tgid_vnr(current);
	info->rt.uid = from_kuid_munged(current_cred()->user_ns, current_cred()->uid);
}

// Every process but init and our own.
static int kill_all(int sig, const struct siginfo_k *info)
{
	struct process *p;
	int ret = 0, n = 0;

	tasklist_read_lock();
	for_each_process(p) {
		if (pid_vnr(p->pids[PIDTYPE_TGID]) <= 1 || p == current->process)
			continue;
		int err = may_signal(p->leader, sig, info);
		if (!err && sig)
			err = send_signal(p->leader, sig, info, PIDTYPE_TGID);
		n++;
		if (err != -EPERM)
			ret = err;
	}
	tasklist_read_unlock();
	return n ? ret : -ESRCH;
}

static int kill_group(struct pid *pgrp, int sig, const struct siginfo_k *info)
{
	return send_signal_pid(pgrp, sig, info, PIDTYPE_PGID);
}

static int kill_pid(pid_t nr, int sig, const struct siginfo_k *info, enum pid_type type)
{
	rcu_read_lock();
	struct pid *p = pid_find(current_pid_ns(), nr);
	int err = p ? send_signal_pid(p, sig, info, type) : -ESRCH;
	rcu_read_unlock();
	return err;
}

long sys_kill(pid_t pid, int sig)
{
	struct siginfo_k info;

	user_info(&info, sig, SI_USER);
	if (pid > 0)
		return kill_pid(pid, sig, &info, PIDTYPE_TGID);
	if (pid == INT_MIN)
		return -ESRCH;
	if (pid == -1)
		return kill_all(sig, &info);
	struct pid *p;
	if (pid) {
		p = pid_find_get(-pid);
	} else {
		rcu_read_lock();
		p = current->process->pids[PIDTYPE_PGID];
		pid_get(p);
		rcu_read_unlock();
	}
	int err = p ? kill_group(p, sig, &info) : -ESRCH;
	pid_put(p);
	return err;
}

// The thread nr, which must be of process tgid unless that is 0.
static int send_thread(pid_t tgid, pid_t tid, int sig, const struct siginfo_k *info)
{
	int err = -ESRCH;
	struct task *t = find_task_get(tid);

	if (!t)
		return -ESRCH;
	if (!tgid || task_tgid_vnr(t) == tgid) {
		err = may_signal(t, sig, info);
		if (!err && sig) {
			err = send_signal(t, sig, info, PIDTYPE_PID);
			if (err == -ESRCH)	// it is just dying: as good as delivered
				err = 0;
		}
	}
	task_put(t);
	return err;
}

long sys_tgkill(pid_t tgid, pid_t tid, int sig)
{
	struct siginfo_k info;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	user_info(&info, sig, SI_TKILL);
	return send_thread(tgid, tid, sig, &info);
}

long sys_tkill(pid_t tid, int sig)
{
	struct siginfo_k info;

	if (tid <= 0)
		return -EINVAL;
	user_info(&info, sig, SI_TKILL);
	return send_thread(0, tid, sig, &info);
}

// Nobody may pretend that a signal comes from the kernel or kill(2), but to itself.
static int queued_info(struct siginfo_k *info, int sig, uptr from, pid_t to)
{
	if (copy_siginfo_in(info, from))
		return -EFAULT;
	info->si_signo = sig;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && task_tgid_vnr(current) != to)
		return -EPERM;
	return 0;
}

long sys_rt_sigqueueinfo(pid_t pid, int sig, uptr uinfo)
{
	struct siginfo_k info;
	int err = queued_info(&info, sig, uinfo, pid);

	if (err)
		return err;
	return kill_pid(pid, sig, &info, PIDTYPE_TGID);
}

long sys_rt_tgsigqueueinfo(pid_t tgid, pid_t tid, int sig, uptr uinfo)
{
	struct siginfo_k info;
	int err = queued_info(&info, sig, uinfo, tgid);

	if (err)
		return err;
	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	return send_thread(tgid, tid, sig, &info);
}

// ---- waiting for signals ----------------------------------------------------------------------------------------------

static int timed_wait(u64 mask, struct siginfo_k *info, s64 ns)
{
	struct task *t = current;
	int sig;

	spin_lock_irq(&t->sighand->siglock);
	sig = dequeue_signal_locked(mask, info);
	if (!sig && ns) {
		// While we sleep the wanted signals wake us, and are seen as blocked by whoever decides what they do.
		t->real_blocked = t->blocked;
		set_blocked_locked(t->blocked & mask);
		spin_unlock_irq(&t->sighand->siglock);
		ktime_t expires = ns < 0 ? 0 : ktime_add_safe(ktime_get(), ns);
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending(t))
			ns = 1;
		else
			ns = schedule_hrtimeout(ns < 0 ? NULL : &expires, t->timer_slack_ns, HRTIMER_MONOTONIC);
		set_current_state(TASK_RUNNING);
		spin_lock_irq(&t->sighand->siglock);
		set_blocked_locked(t->real_blocked);
		t->real_blocked = 0;
		sig = dequeue_signal_locked(mask, info);
	}
	spin_unlock_irq(&t->sighand->siglock);
	return sig ?: ns ? -EINTR : -EAGAIN;
}

long sys_rt_sigtimedwait(uptr set, uptr uinfo, uptr ts, size_t size)
{
	struct { s64 sec, nsec; } t;
	struct siginfo_k info;
	s64 ns = -1;
	u64 s;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (get_user_u64(&s, set))
		return -EFAULT;
	if (!uptr_is_null(ts)) {
		if (copy_in(&t, ts, sizeof(t)))
			return -EFAULT;
		if (t.sec < 0 || (u64)t.nsec >= (u64)NSEC_PER_SEC)
			return -EINVAL;
		ns = t.sec >= KTIME_MAX / NSEC_PER_SEC ? KTIME_MAX : t.sec * NSEC_PER_SEC + t.nsec;
	}
	int sig = timed_wait(~(s & ~SIGS_NEVER_BLOCKED), &info, ns);
	if (sig > 0 && !uptr_is_null(uinfo) && copy_siginfo_out(uinfo, &info))
		return -EFAULT;
	return sig;
}
