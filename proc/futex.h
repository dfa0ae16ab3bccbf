// proc/futex.h - futexes: sleeping until a word of user memory is changed. man 2 futex. Code: futex.c.
//
// Lock order: hash bucket (two of them by address) > scheduler. A waiter's entry is on its own stack; the waker's last access to it is the store to `woken`.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"
#include "time/clock.h"

struct task;

struct futex_timeout {
	ktime_t expires;	// absolute
	int clock;		// enum hrtimer_clock
};
// All: 0 or a count, or -errno. Context: task.
long futex_wait(uptr uaddr, bool shared, u32 val, const struct futex_timeout *to, u32 bitset, bool restartable);
long futex_wake(uptr uaddr, bool shared, int nr, u32 bitset);
long futex_requeue(uptr from, uptr to, bool shared, int nr_wake, int nr_requeue, const u32 *cmp);
long futex_wake_op(uptr a, uptr b, bool shared, int nr_a, int nr_b, u32 op);
// clear_child_tid's wake-up; robust mutexes of a dying thread.
void futex_wake_one(uptr uaddr);
void futex_exit_robust(struct task *t);
// restart_syscall(2)'s part for a timed wait.
long futex_restart(void);
