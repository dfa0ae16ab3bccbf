// The soft lockup watchdog.
#include "kern/watchdog.h"
#include "arch/frame.h"
#include "kern/cpu_hot.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/upcalls.h"

#define LOCKUP_TICKS (20 * 250)		// 20 s

STATIC_PER_CPU(u32, late_ticks);

void watchdog_tick(bool user)
{
	// The inverted bit is clear while a reschedule is wanted. In the kernel, it must happen before long.
	if (user || (this_cpu_read(cpu_hot.preempt_count) & PREEMPT_NO_RESCHED)) {
		this_cpu_write(late_ticks, 0);
		return;
	}
	this_cpu_inc(late_ticks);
	if (likely(this_cpu_read(late_ticks) < LOCKUP_TICKS))
		return;
	this_cpu_write(late_ticks, 0);
	char who[40];
	task_describe(current, who, sizeof(who));
	pr_emerg("watchdog: CPU %d has not rescheduled for %d s: %s\n", cpu_id(), LOCKUP_TICKS / 250, who);
	const struct frame *f = this_cpu_read(irq_frame);
	if (f)
		backtrace_print_frame(f);
}
