// sched/task.h - struct task: a thread. Its process (thread group) is task/process.h.
//
// Lifetime: counted; the scheduler holds one reference until the task has switched away for the last time, the parent's
// reaping (proc/exit.c) drops the other; freed after an RCU grace period, so that lookups under RCU may take a reference by task_get_unless_dead().
// What higher layers hang on a task are forward-declared pointers. All fields without a rule are only touched by the task itself (OWNER(current)).
#pragma once
#include "arch/thread.h"
#include "kern/cpumask.h"
#include "kern/rcu.h"
#include "kern/ref.h"
#include "kern/spinlock.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "lib/llist.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "time/clock.h"

struct cred;
struct files;
struct fs_context;
struct mm;
struct nsproxy;
struct pid;
struct process;
struct sighand;
struct siginfo_queue;
struct rq;
struct task_work;

// state
#define TASK_RUNNING 0u
#define TASK_INTERRUPTIBLE 1u		// any unblocked signal wakes it
#define TASK_UNINTERRUPTIBLE 2u
#define TASK_STOPPED 4u
#define TASK_TRACED 8u
#define TASK_DEAD 0x10u			// will never run again
#define TASK_WAKEKILL 0x20u		// a fatal signal wakes it
#define TASK_NEW 0x40u			// not yet started
#define TASK_PARKED 0x80u
#define TASK_NOLOAD 0x200u		// not counted in the load average
#define TASK_KILLABLE (TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define TASK_IDLE (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)

// work: what must be done before the return to user mode (arch entry tests the whole word). ATOMIC bits.
#define WORK_RESCHED 0x1u		// now
#define WORK_RESCHED_LAZY 0x2u		// on return to user, or at the next tick
#define WORK_SIGNAL 0x4u		// signal_pending(): a signal, stop or freeze may have to be handled
#define WORK_TASK_WORK 0x8u		// task->task_works is not empty
#define WORK_RESTORE_SIGMASK 0x10u	// saved_sigmask is to be put back if no handler runs
#define WORK_PTRACE 0x20u
#define WORK_FORKED 0x40u		// first return of a new task: CLONE_CHILD_SETTID
#define WORK_RSEQ 0x80u
#define WORK_SINGLESTEP 0x100u		// bits 30 and 31 are the port's: arch/thread.h
// entry_work: what must be done at system call entry and exit.
#define ENTRY_WORK_TRACE 0x1u		// ochre.trace=
#define ENTRY_WORK_PTRACE 0x2u
#define ENTRY_WORK_SECCOMP 0x4u

// flags
#define PF_KTHREAD 0x1u
#define PF_EXITING 0x2u
#define PF_FORKNOEXEC 0x4u		// forked but has not called exec (ps, acct)
#define PF_SUPERPRIV 0x8u
#define PF_SIGNALED 0x10u		// killed by a signal
#define PF_DUMPCORE 0x20u
#define PF_MEMALLOC 0x40u		// may use the reserves (is reclaiming)
#define PF_NOIO 0x80u			// allocation scopes (mm/gfp.h)
#define PF_NOFS 0x100u
#define PF_OOM_VICTIM 0x200u
#define PF_VFORK_PARENT_WAITS 0x400u
#define PF_IDLE 0x800u
#define PF_WORKER 0x1000u
#define PF_NO_SETAFFINITY 0x2000u

// Fair class: one entity per task (groups come with cgroups: struct rq's root group only).
struct sched_entity {
	struct rb_node node;
	u64 deadline;
	u64 min_vruntime;		// of the subtree (augmented)
	u64 vruntime;
	s64 vlag;
	u64 slice;			// ns
	u64 vprot;			// the running entity is not preempted by its equals before this vruntime
	u64 min_slice;			// of the subtree
	u64 exec_start;
	u64 sum_exec;			// ns of CPU time
	u64 prev_sum_exec;
	u32 weight;
	u8 on_rq;
	u8 delayed;			// asleep, but kept queued until its lag is 0
	u8 custom_slice;
	u8 rel_deadline;
};

struct sched_rt_entity {
	struct list_head run_list;
	u64 time_slice;			// ns left of the RR slice
};

struct task {
	// --- touched at each entry, switch and wake-up ---
	u32 work ATOMIC;
	u32 entry_work ATOMIC;
	u32 state ATOMIC;		// TASK_*; set by current, cleared by the waker
	u32 flags;			// PF_*: written by current only, read by anybody
	void *stack SET_ONCE;		// lowest address of the guarded kernel stack
	struct arch_thread arch;
	struct ref ref ATOMIC;

	// --- scheduler: guarded by the lock of the run queue that the task is on (or pi_lock while it is on none) ---
	struct spinlock pi_lock;	// serialises wake-ups and affinity/policy changes; outside rq->lock
	u32 cpu ATOMIC;			// where it runs or last ran
	u8 on_rq;
	u8 on_cpu ATOMIC;		// its registers are still being saved: a waker must wait
	u8 policy;			// SCHED_*
	u8 reset_on_fork;
	s16 static_prio;		// 100 + 20 + nice
	s16 normal_prio;
	s16 prio;			// 0..99 RT, 100..139 fair
	u16 rt_priority;		// 1..99
	u8 in_load;			// sleeps uninterruptibly: counts in the load average
	u8 in_iowait;
	struct sched_entity se;
	struct sched_rt_entity rt;
	struct llist_node wake_entry;
	struct cpumask cpus_allowed;
	int nr_cpus_allowed;
	int migration_disabled;
	u64 nvcsw, nivcsw;		// voluntary and involuntary switches
	u64 last_wakeup;

	// --- time accounting (ns) ---
	u64 utime, stime;		// sampled at ticks; task_cputime() scales them to the exact run time
	u64 utime_shown, stime_shown;	// so that what task_cputime() says never goes back: pi_lock
	u64 start_time;			// CLOCK_MONOTONIC
	u64 start_boottime;
	u64 timer_slack_ns;

	// --- memory ---
	struct mm *mm;			// null for kernel threads
	struct mm *active_mm;		// whose page tables are loaded while it runs
	u64 min_flt, maj_flt;
	void *reclaim_state;

	// --- identity ---
	pid_t pid SET_ONCE;		// number in the initial namespace, for logs and speed; identity is thread_pid
	pid_t tgid SET_ONCE;
	struct pid *thread_pid;		// counted; null once reaped. RCU
	struct hlist_node pid_link;	// in thread_pid->tasks[PIDTYPE_PID]
	struct process *process;	// counted
	struct list_head thread_node;	// in process->threads; process->siglock writes, RCU reads
	char comm[16];			// alloc: pi_lock to write; readers may see a mix

	// --- credentials ---
	const struct cred __rcu *real_cred;	// objective: how others see it
	const struct cred __rcu *cred;	// subjective: what it acts as; written by current only

	// --- what the layers above hang here; each counted, shared by clone flags ---
	struct files *files;		// written under task_lock (alloc_lock)
	struct fs_context *fs;
	struct nsproxy *nsproxy;
	struct sighand *sighand;	// RCU; null once exited
	struct spinlock alloc_lock;	// guards the pointers above against other tasks' looks

	// --- signals (task/signal.c): guarded by sighand->lock ---
	u64 blocked;			// bit n-1 = signal n. Written by current under the lock, read by current without
	u64 real_blocked;		// during sigtimedwait
	u64 saved_sigmask;
	u64 pending_set;
	struct list_head pending_queue;	// struct sigqueue
	u64 sas_sp, sas_size;		// sigaltstack
	u32 sas_flags;
	u32 jobctl;

	// --- leaving, joining ---
	struct task_work *task_works ATOMIC;	// LIFO
	uptr clear_child_tid;
	uptr set_child_tid;
	uptr robust_list;
	size_t robust_list_len;
	struct completion *vfork_done;
	int exit_code;
	int exit_signal;		// sent to the parent when the leader dies; -1: a thread
	int exit_state ATOMIC;		// 0, EXIT_ZOMBIE, EXIT_DEAD
	int pdeath_signal;
	void *futex_pi_state;
	u8 in_execve;
	u8 no_new_privs;
	u8 dumpable_hint;
	u32 personality;
	void *restart_fn;		// restart_syscall(2): continuation and its arguments
	u64 restart_args[6];
	void *nameidata;		// path walk in progress (fs/namei.c)
	void *plug;
	void *trace_state;
	void *kthread;			// struct kthread (task/kthread.h)
#ifdef CONFIG_LOCKCHECK
	struct lock_stack locks;	// kern/lockcheck.c
#endif
#ifdef CONFIG_KASAN
	int kasan_depth;
#endif
#ifdef CONFIG_KCSAN
	void *kcsan[4];
#endif
	u32 fail_nth;			// fault injection: the n-th allocation of this task fails
	struct rcu_head rcu;
} CACHE_ALIGNED;

#define EXIT_ZOMBIE 0x20
#define EXIT_DEAD 0x10

BUILD_ASSERT(offsetof(struct task, arch) == offsetof(struct task_head, arch), "ports reach these members below sched");

extern struct task init_task;		// CPU 0's idle task, the first task

static inline void task_get(struct task *t)
{
	ref_get(&t->ref);
}
// Last put frees the task after a grace period. Context: any.
void task_put(struct task *t);
// For lookups under RCU: false when the last reference is gone.
MUST_CHECK static inline bool task_get_unless_dead(struct task *t)
{
	return ref_get_unless_zero(&t->ref);
}
// Upcalls: defined in task/task.c: the grace period is over, give back stack and structure. Softirq context.
void task_free(struct task *t);

static inline void task_work_set(struct task *t, u32 bits)
{
	__atomic_fetch_or(&t->work, bits, __ATOMIC_SEQ_CST);
}

static inline void task_work_clear(struct task *t, u32 bits)
{
	__atomic_fetch_and(&t->work, ~bits, __ATOMIC_SEQ_CST);
}

static inline bool signal_pending(const struct task *t)
{
	return unlikely(READ_ONCE(t->work) & WORK_SIGNAL);
}

// A SIGKILL is pending for the thread. Defined here because locks below signals use it.
static inline bool fatal_signal_pending(const struct task *t)
{
	return signal_pending(t) && (READ_ONCE(t->pending_set) & (1ul << (9 - 1)));
}

static inline bool signal_pending_state(u32 state, const struct task *t)
{
	if (!(state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL)) || !signal_pending(t))
		return false;
	return (state & TASK_INTERRUPTIBLE) || fatal_signal_pending(t);
}

// current's state before a sleep: full barrier after the store (pairs with the waker's).
static inline void set_current_state(u32 s)
{
	__atomic_store_n(&current->state, s, __ATOMIC_SEQ_CST);
}
