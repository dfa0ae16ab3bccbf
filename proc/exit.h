// proc/exit.h - the end of tasks, and waiting for it. Code: exit.c, wait.c. do_exit() is declared in task/kthread.h, do_group_exit() in task/signal.h.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"
#include "sched/task.h"
#include "time/hrtimer.h"

struct pid;
struct process;

// Takes a dead task out of everything and drops the reference of its reaper. tasklist_lock not held. True in *leader_done when it was the last
// thread of a process whose zombie leader must be reaped by the caller (its parent ignores it).
void release_task(struct task *t);
// exec of a thread: the old leader is gone, t takes its place. proc/exec.c
void process_add_dead(struct process *p, struct task *t);

struct rusage_k {	// struct rusage(2)
	s64 utime_sec, utime_usec, stime_sec, stime_usec;
	s64 maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};
#define RUSAGE_SELF_ 0
#define RUSAGE_CHILDREN_ (-1)
#define RUSAGE_THREAD_ 1
#define RUSAGE_BOTH_ (-2)
void process_rusage(struct process *p, int who, struct rusage_k *out);
// Times of all threads, dead ones included; ns.
void process_cputime(struct process *p, u64 *utime, u64 *stime);

struct wait_request {
	struct pid *pid;	// null: any child; else as type says
	int type;		// enum pid_type: TGID one process, PGID a group
	int options;		// W*
};
struct wait_result {
	pid_t pid;		// 0: nothing (WNOHANG)
	kuid_t uid;
	int status;		// as wait4(2) has it
	int cause;		// CLD_*
	int istatus;		// siginfo's
	struct rusage_k ru;
	bool want_ru;
};
// 0 or -errno (-ECHILD, -ERESTARTSYS).
int do_wait(const struct wait_request *r, struct wait_result *out);

enum hrtimer_restart itimer_real_fn(struct hrtimer *t);	// proc/itimer.c
