// task/kthread.h - kernel threads. Code: kthread.c.
//
// kthreadd (pid 2) makes them all, so that none inherits anything from whoever asks.
//
// Lifetime: a created thread does not run until wake_up_task() or kthread_run(). *out holds a reference of the caller's, given back by kthread_stop()
// or task_put(). A thread that returns from fn exits.
#pragma once
#include "kern/cpumask.h"
#include "lib/compiler.h"
#include "sched/sched.h"

// Makes a thread that will call fn(arg). cpu >= 0: it runs there only, and its affinity cannot be changed from user space.
// Context: task, may sleep, not kthreadd. Returns 0, -ENOMEM or -EAGAIN; *out is set only on 0.
MUST_CHECK int kthread_create_on_cpu(struct task **out, int cpu, int (*fn)(void *arg), void *arg, const char *fmt, ...) PRINTF(5, 6);
// The same on any CPU, and started at once. out may be null: then nobody can stop it.
MUST_CHECK int kthread_run(struct task **out, int (*fn)(void *arg), void *arg, const char *fmt, ...) PRINTF(4, 5);
// Asks t to end, wakes it, and waits until fn has returned. Consumes the reference. Returns fn's value, -EINTR if fn was never called.
int kthread_stop(struct task *t);
bool kthread_should_stop(void);		// of current
void *kthread_data(struct task *t);	// the argument of its fn
// Parking: t stops at its next kthread_parkme() and stays there until it is unparked or stopped. kthread_park() waits for that.
// 0, or -ENOSYS when t has ended.
int kthread_park(struct task *t);
void kthread_unpark(struct task *t);
bool kthread_should_park(void);
void kthread_parkme(void);
void kthread_free(struct task *t);	// task_free()'s part: t->kthread, null is fine

// Starts kthreadd. From start-up code on CPU 0's idle task, after PID 1 was made: it becomes pid 2. Panics when out of memory.
void kthread_init(void);
// Starts each online CPU's softirq thread. Context: task.
void softirq_threads_init(void);

// Upcalls: defined in proc/fork.c. A process of one kernel thread (PF_KTHREAD, no mm, current's namespaces and fs context, all signals
// ignored, exit_signal none) that will call fn(arg); not woken: wake_up_new(). *out is a reference of the caller's. 0 or -errno.
MUST_CHECK int fork_kernel_thread(int (*fn)(void *arg), void *arg, struct task **out);
// Upcalls: defined in proc/exit.c: ends current.
NORETURN void do_exit(int code);
