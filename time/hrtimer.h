// time/hrtimer.h - precise timers: a red-black tree per CPU and clock, expiring in hard interrupt context.
#pragma once
#include "lib/rbtree.h"
#include "time/clock.h"

enum hrtimer_clock { HRTIMER_MONOTONIC, HRTIMER_REALTIME, HRTIMER_BOOTTIME, NR_HRTIMER_CLOCKS };
enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };

struct hrtimer {
	struct rb_node node;
	ktime_t expires;
	ktime_t soft;		// may fire from here on (slack)
	enum hrtimer_restart (*fn)(struct hrtimer *t);
	u8 clock;
	u8 state ATOMIC;
	u16 cpu ATOMIC;		// whose tree and lock it belongs to
};

void hrtimer_setup(struct hrtimer *t, enum hrtimer_clock clock, enum hrtimer_restart (*fn)(struct hrtimer *t));
// Arms for the absolute time `expires` of the timer's clock, at most slack later. Context: any.
void hrtimer_start(struct hrtimer *t, ktime_t expires, u64 slack);
bool hrtimer_cancel(struct hrtimer *t);		// waits for a running callback; true: was pending
int hrtimer_try_to_cancel(struct hrtimer *t);	// 1 was pending, 0 was not, -1 callback is running
bool hrtimer_active(const struct hrtimer *t);
ktime_t hrtimer_remaining(const struct hrtimer *t);
// From a callback: moves expires past now by whole intervals; returns how many.
u64 hrtimer_forward(struct hrtimer *t, ktime_t now, ktime_t interval);
// The realtime clock was set: timers on it expire or wait longer. Context: task.
void hrtimer_clock_was_set(void);
// When this CPU's next timer is due (CLOCK_MONOTONIC), KTIME_MAX if never. Interrupts off.
ktime_t hrtimer_next_event(void);
ktime_t hrtimer_clock_now(enum hrtimer_clock clock);
// The port's event interrupt: expires due timers, programs the next event. Interrupts off.
void hrtimer_interrupt(void);
void hrtimer_cpu_online(void);			// on the new CPU, interrupts off: starts its event timer
