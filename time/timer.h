// time/timer.h - timeouts: a hierarchical wheel per CPU; precise to about 1/8 of the delay, cheap to cancel. Callbacks run in the timer softirq.
#pragma once
#include "lib/list.h"
#include "lib/types.h"

struct timer {
	struct hlist_node node;
	u64 expires;		// jiffy of the wheel (1 ms)
	void (*fn)(struct timer *t);
	u32 cpu ATOMIC;
	u32 flags;
};

void timer_setup(struct timer *t, void (*fn)(struct timer *t));
// (Re)arms: fires no sooner than delay_ns from now. Context: any. Returns whether it was pending.
bool timer_mod(struct timer *t, u64 delay_ns);
bool timer_del(struct timer *t);		// true: was pending, will not run (again)
bool timer_del_sync(struct timer *t);	// also waits for a running callback. Context: task or softirq of no timer
bool timer_pending(const struct timer *t);
u64 timer_next_event(int cpu);		// ktime of this CPU's next timeout, KTIME_MAX if none
void timers_init(void);
