// task/signal.h - signals: queues, delivery, stop and continue. man 7 signal.
//
// sighand.siglock (interrupts off) guards blocked, pending sets and queues of all threads that share the sighand.
#pragma once
#include "kern/spinlock.h"
#include "sched/task.h"
#include "task/pid.h"
#include "task/process.h"

#define NSIG_K 64
#define sigmask_k(s) (1ull << ((s) - 1))

// siginfo_t as the ABI has it: 128 bytes; built field by field, no leak.
struct siginfo_k {
	s32 si_signo, si_errno, si_code, pad;
	union {
		struct { s32 pid; u32 uid; u64 value; } rt;		// kill, tgkill, sigqueue
		struct { s32 tid; s32 overrun; u64 value; s32 sys_private; } timer;
		struct { s32 pid; u32 uid; s32 status; s32 pad2; s64 utime, stime; } chld;
		struct { u64 addr; u16 addr_lsb; u16 pad3[3]; u64 lower, upper; } fault;
		struct { s64 band; s32 fd; } poll;
		struct { u64 call_addr; s32 syscall; u32 arch; } sys;
		u8 raw[112];
	};
};
BUILD_ASSERT(sizeof(struct siginfo_k) == 128);

struct ksigaction {		// as the rt_sigaction(2) ABI of x86-64
	u64 handler;
	u64 flags;
	u64 restorer;
	u64 mask;
};

struct sighand {
	struct ref ref;
	struct spinlock siglock;
	struct ksigaction action[NSIG_K] GUARDED_BY(&siglock);
	struct waitq signalfd_wait;
	struct rcu_head rcu;
};

struct sigqueue {
	struct list_head link;
	u32 flags;			// SIGQUEUE_PREALLOC: a POSIX timer's
	struct siginfo_k info;
	struct user *user;		// charged (RLIMIT_SIGPENDING)
};

// Special infos: no information stored beyond the number.
#define SEND_SIG_NOINFO ((const struct siginfo_k *)0)	// from user, by current
#define SEND_SIG_PRIV ((const struct siginfo_k *)1)	// from the kernel

// Sending. 0 or -errno (-EAGAIN: queue full for real-time signals; -ESRCH). Context: any, no siglock held. Permission: may_signal() first.
int send_signal(struct task *t, int sig, const struct siginfo_k *info, enum pid_type type);	// PIDTYPE_PID: that thread, else the process
int send_signal_pid(struct pid *p, int sig, const struct siginfo_k *info, enum pid_type type);	// TGID: process; PGID: group (any reached: 0)
int send_signal_group(struct pid *pgrp, int sig, bool priv);		// kernel to a process group (tty)
// Synchronous fault of current: cannot be blocked or ignored (then it kills).
void force_sig_fault(int sig, int code, u64 addr);
void force_sig(int sig);
void force_fatal_sig(int sig);
int may_signal(struct task *t, int sig, const struct siginfo_k *info);	// 0, -EPERM, -EINVAL (no such signal)

// current's mask and pending.
void set_current_blocked(u64 set);		// SIGKILL and SIGSTOP are removed
void recalc_sigpending(void);			// siglock held
bool signal_ignored(struct task *t, int sig);	// disposition, not mask
u64 signal_pending_set(struct task *t);		// private | shared
// For calls with a temporary mask (ppoll, pselect, sigsuspend, epoll_pwait): saved_sigmask is put back by delivery or at exit.
int set_user_sigmask(uptr mask, size_t size);	// null mask: nothing. 0, -EINVAL, -EFAULT
void restore_saved_sigmask_unless(bool interrupted);
// Exit-to-user work: delivers signals to current; frame setup by the port. Handles restart (ERESTART*), stop, core, death.
void do_signal(struct frame *f);
// Takes a pending signal out for sigtimedwait(2), signalfd: number or 0.
int dequeue_signal(u64 mask, struct siginfo_k *info);
// fork/exec/exit parts
MUST_CHECK int copy_sighand(struct task *child, unsigned long clone_flags);
void sighand_put(struct sighand *s);
void flush_signal_handlers(struct task *t, bool force_default);		// exec
MUST_CHECK int unshare_sighand(void);					// exec: private copy
void flush_pending(struct list_head *queue, u64 *set);
void exit_signals(struct task *t);		// no more shared signals to this thread
void zap_other_threads(struct task *t);		// siglock held; SIGKILL to the others, count returned in process.notify_count
void do_group_exit(int code) NORETURN;		// proc/exit.c
int do_sigaction(int sig, const struct ksigaction *new, struct ksigaction *old);
// Child's state change to its parent (CLD_*): SIGCHLD and wait4 wake-up. tasklist_lock held.
void notify_parent_stop(struct process *p, int why);
bool notify_parent_exit(struct task *leader, int sig);	// true: the parent ignores it, reap at once
// Copies to user: only what the layout of the code says, zero elsewhere.
MUST_CHECK int copy_siginfo_out(uptr to, const struct siginfo_k *info);
MUST_CHECK int copy_siginfo_in(struct siginfo_k *info, uptr from);
void signals_init(void);		// INIT
void sighand_cache_init(void);		// INIT
bool signal_is_unmaskable(int sig);	// SIGKILL, SIGSTOP
// tasklist_lock held: nobody in the group has a parent in another group of the session. ignored: counts as gone; may be null.
bool pgrp_is_orphaned(struct pid *pgrp, const struct process *ignored);
// A new thread joins a group stop in progress. siglock held.
void signal_join_group_stop(struct task *child);
// SS_* as sigaltstack(2) shows them to a program whose stack pointer is sp.
u32 sigaltstack_flags(u64 sp);
// siglock held: changes current's mask, wakes other threads for what it no longer takes.
void set_blocked_locked(u64 set);

extern struct sighand init_sighand;
// Locks the sighand of t; null when t has been reaped. Context: any.
MUST_CHECK struct sighand *sighand_lock(struct task *t, unsigned long *flags);
static inline void sighand_unlock(struct sighand *s, unsigned long flags) NO_LOCK_ANALYSIS { spin_unlock_irqrestore(&s->siglock, flags); }
// siglock held: queues a signal and wakes whom it concerns. force: also for an init that has no handler.
int send_signal_locked(struct task *t, int sig, const struct siginfo_k *info, enum pid_type type, bool force);
// The same as send_signal_pid(PGID) for who holds tasklist_lock.
int send_signal_group_locked(struct pid *pgrp, int sig, const struct siginfo_k *info);
// siglock held. fatal: wakes killable sleeps and stopped tasks.
void signal_wake_up(struct task *t, bool fatal);
bool signal_default_ignored(int sig);
bool signal_is_stop(int sig);		// SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU
bool signal_is_coredump(int sig);
static inline bool is_si_special(const struct siginfo_k *i) { return (u64)i <= 1; }
// siglock held: takes the lowest deliverable signal of current (synchronous ones first) outside mask; 0: none.
int dequeue_signal_locked(u64 mask, struct siginfo_k *info);
// siglock held: frees what is queued of the signals in mask.
void flush_signals(u64 mask, struct list_head *queue, u64 *set);
void sigqueue_free(struct sigqueue *q);

// task->jobctl
#define JOBCTL_STOP_SIGMASK 0xffffu
#define JOBCTL_STOP_DEQUEUED 0x10000u	// a stop signal was taken; SIGCONT cancels
#define JOBCTL_STOP_PENDING 0x20000u	// must take part in the group stop
#define JOBCTL_STOP_CONSUME 0x40000u	// is counted in group_stop_count
#define JOBCTL_STOP_ALL (JOBCTL_STOP_DEQUEUED | JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME)
static inline bool process_exiting(const struct process *p) { return READ_ONCE(p->flags) & PROCESS_GROUP_EXIT; }
