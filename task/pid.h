// task/pid.h - process identifiers: a counted object with one number per namespace level, found under RCU.
//
// pidfds, ttys, F_SETOWN, signals and groups hold a struct pid, never a number. tasks[] lists are written under tasklist_lock and read under RCU.
#pragma once
#include "kern/rcu.h"
#include "kern/ref.h"
#include "mm/xarray.h"
#include "sched/waitq.h"

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, NR_PID_TYPES };

struct pid_namespace {
	struct ref ref;
	struct xarray pids;		// number -> struct pid, RCU
	u32 next ATOMIC;		// under pids.lock
	u32 pid_max;
	int level SET_ONCE;
	struct pid_namespace *parent SET_ONCE;
	struct task *child_reaper;	// PID 1 of the namespace
	struct user_namespace *user_ns SET_ONCE;
	struct atomic64 nr_pids;
	bool dying;
};
extern struct pid_namespace init_pid_ns;

struct upid {
	pid_t nr;
	struct pid_namespace *ns;
};

struct pid {
	struct ref ref ATOMIC;
	u32 level SET_ONCE;
	struct hlist_head tasks[NR_PID_TYPES] RCU(tasklist_lock);
	struct waitq wait_pidfd;
	struct rcu_head rcu;
	struct upid numbers[];		// level + 1
};

// Numbers in every level of ns; set_tid (clone3) may give wanted ones. -EAGAIN: none free; -ENOMEM; -EEXIST.
MUST_CHECK int pid_alloc(struct pid_namespace *ns, const pid_t *set_tid, size_t n, struct pid **out);
void pid_free_numbers(struct pid *p);		// no task uses it any more: lookups fail from now on
static inline void pid_get(struct pid *p) { ref_get(&p->ref); }
void pid_put(struct pid *p);			// null is fine
struct pid *pid_find(struct pid_namespace *ns, pid_t nr);	// RCU; no reference taken
struct pid *pid_find_get(pid_t nr);				// in current's namespace, counted
pid_t pid_nr_ns(const struct pid *p, const struct pid_namespace *ns);	// 0: not visible
pid_t pid_vnr(const struct pid *p);				// as current sees it
struct pid_namespace *current_pid_ns(void);			// namespace of current's own pid
struct task *pid_task(struct pid *p, enum pid_type t);		// RCU or tasklist_lock
struct task *pid_task_get(struct pid *p, enum pid_type t);	// counted or null
struct task *find_task_get(pid_t nr);				// thread with this number in current's namespace, counted
void pid_attach(struct task *t, enum pid_type type, struct pid *p);	// tasklist_lock held for write
void pid_detach(struct task *t, enum pid_type type);
// Two tasks change numbers (exec of a thread). tasklist_lock held for write.
void pid_exchange(struct task *a, struct task *b);
pid_t task_pid_vnr(struct task *t);
pid_t task_tgid_vnr(struct task *t);
struct pid *pid_next(struct pid_namespace *ns, pid_t *nr);	// iteration for /proc: first pid >= *nr, counted
void pid_init(void);
