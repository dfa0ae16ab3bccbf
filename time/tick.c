// The tick: an hrtimer per CPU that stops itself. It exists for time slices and for RCU; clocks and timeouts do not need it.
#include "time/tick.h"
#include "arch/frame.h"
#include "arch/time.h"
#include "kern/rcu.h"
#include "kern/watchdog.h"
#include "time/hrtimer.h"

DEFINE_PER_CPU(bool, tick_running);
STATIC_PER_CPU(struct hrtimer, tick_timer);

static enum hrtimer_restart tick(struct hrtimer *t)
{
	const struct frame *f = this_cpu_read(irq_frame);
	bool user = f && frame_user_mode(f);
	rcu_tick(user);
	watchdog_tick(user);
	sched_tick(user);
	if (!sched_tick_needed() && !rcu_needs_cpu()) {
		this_cpu_write(tick_running, false);
		return HRTIMER_NORESTART;
	}
	hrtimer_forward(t, ktime_get(), TICK_NSEC);
	return HRTIMER_RESTART;
}

void tick_start(void)
{
	struct hrtimer *t = this_cpu_ptr(&tick_timer);
	if (unlikely(!t->fn))
		hrtimer_setup(t, HRTIMER_MONOTONIC, tick);
	this_cpu_write(tick_running, true);
	hrtimer_start(t, ktime_get() + TICK_NSEC, 0);
}

void tick_rcu_kick(void)
{
	if (!this_cpu_read(tick_running))
		tick_start();
}

void timer_event(void)
{
	hrtimer_interrupt();
}
