// task/process.h - struct process: a thread group. What its threads share by being one process; shared by CLONE_THREAD only.
//
// Lifetime: counted, one reference per thread; the struct outlives the leader. Lock order: tasklist_lock > sighand.siglock > (pi_lock, waitq).
#pragma once
#include "kern/rculist.h"
#include "kern/ref.h"
#include "kern/seqlock.h"
#include "sched/task.h"
#include "sched/waitq.h"
#include "task/pid.h"
#include "time/hrtimer.h"

struct tty;

#define NR_RLIMITS 16
#define RLIM_INF (~0ull)
struct rlimit_k {
	u64 cur, max;
};

// The one short lock over parentage, groups and sessions: writers take it for write with interrupts off; readers use RCU, or take it for read.
struct tasklist_lock_t;
void tasklist_read_lock(void);
void tasklist_read_unlock(void);
void tasklist_write_lock_irq(void);
void tasklist_write_unlock_irq(void);

struct process {
	struct ref ref ATOMIC;
	struct atomic live;			// threads that have not exited
	int nr_threads;				// guarded by siglock
	struct list_head threads RCU(siglock);	// task.thread_node
	struct task *leader;			// group leader (may have exited; changed by exec of a thread under tasklist_lock)
	struct pid *pids[NR_PID_TYPES];		// counted: TGID, PGID, SID. RCU(tasklist_lock)
	struct hlist_node pid_links[NR_PID_TYPES];	// of the leader
	// Family: guarded by tasklist_lock.
	struct process *parent;			// real parent's process (never null but for init)
	struct task *parent_task;		// thread that forked it (PR_SET_PDEATHSIG, __WNOTHREAD)
	struct list_head children;		// process.sibling
	struct list_head sibling;
	struct list_head all;			// global list, RCU
	struct waitq wait_child;		// wait4(2) sleeps here
	// Signals shared by the threads: guarded by sighand.siglock.
	u64 pending_set;
	struct list_head pending_queue;
	struct task *curr_target;
	int group_exit_code;
	u32 flags;				// PROCESS_*
	int group_stop_count;
	struct task *group_exec_task;		// the thread that execs, while others die
	int notify_count;
	int stop_signal;
	// Limits: written under task_lock(leader); readers see each word.
	struct rlimit_k rlim[NR_RLIMITS];
	// Times and usage of dead threads and reaped children (getrusage, times): guarded by stats_lock.
	struct seqlock stats_lock;
	u64 utime, stime, cutime, cstime;
	u64 min_flt, maj_flt, cmin_flt, cmaj_flt, nvcsw, nivcsw, cnvcsw, cnivcsw, inblock, oublock, cinblock, coublock;
	u64 maxrss, cmaxrss;
	u64 sum_sched_runtime;
	// Timers and terminal.
	struct hrtimer real_timer;		// ITIMER_REAL
	ktime_t it_real_incr;
	struct { u64 expires, incr; } it_cpu[2];	// ITIMER_PROF, ITIMER_VIRTUAL
	void *posix_timers;
	struct tty *tty;			// controlling terminal, guarded by siglock
	struct pid *tty_old_pgrp;
	bool session_leader;
	bool child_subreaper, has_child_subreaper;
	s16 oom_score_adj, oom_score_adj_min;
	struct mutex *exec_guard;		// cred_guard: exec and ptrace attach
	struct rcu_head rcu;
};
#define PROCESS_GROUP_EXIT 0x1u		// all threads are leaving
#define PROCESS_STOP_STOPPED 0x2u
#define PROCESS_STOP_CONTINUED 0x4u
#define PROCESS_CLD_STOPPED 0x8u
#define PROCESS_CLD_CONTINUED 0x10u
#define PROCESS_UNKILLABLE 0x20u	// init of a namespace
#define PROCESS_EXEC 0x40u

extern struct process init_process;	// of init_task (the idle task): parent of PID 1
extern struct list_head process_list;	// RCU; process.all

static inline void process_get(struct process *p) { ref_get(&p->ref); }
void process_put(struct process *p);
// u64 rlimit(int which) is declared in mm/mm.h: memory management asks too.
static inline bool thread_is_leader(const struct task *t) { return t->process->leader == t; }
#define for_each_thread(p, t) list_for_each_entry_rcu(t, &(p)->threads, thread_node)
#define for_each_process(p) list_for_each_entry_rcu(p, &process_list, all)

// Task-independent state that fork copies and exit drops; used by proc/fork.c and proc/exit.c.
MUST_CHECK int task_alloc(struct task **out);		// copy of current with its own stack; nothing shared counted yet
// task_free() is declared in sched/task.h: called when a grace period has passed since the last task_put().
MUST_CHECK int process_alloc(struct process **out);
// task work: run before the task returns to user mode. -ESRCH when it is exiting.
struct task_work {
	struct task_work *next;
	void (*fn)(struct task_work *w);
};
MUST_CHECK int task_work_add(struct task *t, struct task_work *w, bool notify);
void task_work_run(void);
// oom.c defines oom_kill(); see mm/mm.h.

// Upcalls: defined in proc/.
bool is_current_pgrp_orphaned(void);
u64 total_forks(void);

extern struct atomic nr_threads;
extern int max_threads;			// kernel.threads-max
// INIT: after slabs and vmalloc: makes init_task complete (credentials, process, signals, pid 0).
void process_init(void);
