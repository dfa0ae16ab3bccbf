// sched/sched.h - what the rest of the kernel asks of the scheduler. Internals: sched/rq.h. docs/sched.md.
#pragma once
#include "sched/task.h"
#include "time/tick.h"

#define MAX_RT_PRIO 100
#define DEFAULT_PRIO 120
#define NICE_TO_PRIO(n) ((n) + DEFAULT_PRIO)
#define PRIO_TO_NICE(p) ((p) - DEFAULT_PRIO)

void schedule(void);				// switches away if state is not TASK_RUNNING or another task is due. Context: task
long schedule_timeout(s64 ns);			// sleeps in the state already set; returns ns left (0: timed out). ns < 0 or KTIME_MAX: for ever
int schedule_hrtimeout(ktime_t *expires, u64 slack, int clock);	// absolute; null: for ever. 0 when the time was reached, -EINTR when woken
long schedule_yield(void);			// sched_yield(2)
// Wakes t if its state is in the mask. True: it was woken. Full barrier before the state is looked at. Context: any.
bool wake_up_state(struct task *t, u32 mask);
static inline bool wake_up_task(struct task *t) { return wake_up_state(t, TASK_NORMAL); }
void wake_up_new(struct task *t);		// first start of a forked task
void kick_task(struct task *t);			// makes t enter the kernel soon if it runs in user mode on another CPU (new work bits)
// fork: scheduler part of a copied task. Context: task. 0 or -errno.
MUST_CHECK int sched_fork(struct task *child, unsigned long clone_flags);
void sched_exec(void);				// exec is a good moment to move
NORETURN void sched_exit(void);			// the last schedule of a dead task (state TASK_DEAD)
void sched_init(void);
void sched_cpu_online(int cpu);			// on the new CPU: becomes its idle task
NORETURN void cpu_idle_loop(void);
void preempt_schedule_irq(void);		// interrupt exit to kernel mode with a reschedule due; interrupts off
// Makes an idle task for a CPU, from start-up code. Defined in task/kthread.c.
MUST_CHECK int sched_idle_create(int cpu, struct task **out);

struct sched_params {
	int policy;			// SCHED_*, -1: keep
	int nice;
	int rt_priority;
	u64 runtime, deadline, period;
	u64 flags;			// SCHED_FLAG_*
};
// Permission is the caller's business. 0 or -errno.
int sched_set_params(struct task *t, const struct sched_params *p);
void sched_get_params(struct task *t, struct sched_params *p);
void sched_set_nice(struct task *t, int nice);
int sched_set_affinity(struct task *t, const struct cpumask *m);	// -EINVAL when no allowed CPU is online; migrates now
void sched_get_affinity(struct task *t, struct cpumask *m);
u64 sched_rr_interval(struct task *t);		// ns
u64 task_runtime(struct task *t);		// ns of CPU time, current stretch included
void task_cputime(struct task *t, u64 *utime, u64 *stime);	// scaled so that the sum is task_runtime()
bool task_is_running_on(struct task *t, int cpu);
int task_cpu(const struct task *t);
u64 sched_nr_running(void);
u64 sched_nr_switches(void);
void sched_loadavg(unsigned long out[3]);	// 11-bit fixed point, as in sysinfo(2)
void sched_cpu_times(int cpu, u64 out[10]);	// user nice system idle iowait irq softirq steal guest guest_nice, ns (/proc/stat)
char task_state_char(const struct task *t);	// R S D T t Z X I
void wait_task_inactive(struct task *t);	// until t has switched away
void io_schedule(void);				// schedule(), counted as waiting for I/O
long io_schedule_timeout(s64 ns);
// For states that a wake-up must not take for an older sleep: STOPPED, TRACED, PARKED, DEAD. Full barrier.
void set_special_state(u32 state);
// preempt=: "full" or "lazy"; -EINVAL for another. The name of the present one.
int sched_set_preempt(const char *mode);
const char *sched_preempt_name(void);
u32 sched_nr_iowait(int cpu);
// ksoftirqd of a CPU: woken by softirq_wake_thread(). Set once by task/kthread.c.
void sched_set_softirq_thread(int cpu, struct task *t);
// Upcalls: defined in task/workqueue.c: a PF_WORKER task is about to sleep, has woken. Preemption on.
void workqueue_worker_sleeping(struct task *t);
void workqueue_worker_running(struct task *t);
// Upcalls: defined in mm/tlb.c: next runs after prev on this CPU, and their mm differ. Interrupts off. next->mm null: keeps the tables lazily.
void mm_switch(struct task *prev, struct task *next);
