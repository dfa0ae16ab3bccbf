// time/clock.h - the clocks. Data: one latched page that kernel and vDSO share (time/clock.c).
#pragma once
#include "lib/types.h"

#define NSEC_PER_SEC 1000000000ll
#define NSEC_PER_MSEC 1000000ll
#define NSEC_PER_USEC 1000ll
#define USEC_PER_SEC 1000000ll
#define KTIME_MAX S64_MAX
#define USER_HZ 100
#define TICK_NSEC (NSEC_PER_SEC / 250)		// length of a scheduler tick while one runs

ktime_t ktime_get(void);		// CLOCK_MONOTONIC. Context: any, NMI included
ktime_t ktime_get_boottime(void);
ktime_t ktime_get_real(void);		// CLOCK_REALTIME, ns since 1970
ktime_t ktime_get_raw(void);
ktime_t ktime_mono_to_real(ktime_t mono);
ktime_t ktime_real_offset(void);	// real = mono + offset
// clock_settime(CLOCK_REALTIME): tells timers that the clock was set. Context: task.
int clock_set_real(ktime_t real);
ktime_t ktime_boot_offset(void);	// boottime = mono + offset
// How often the realtime clock was set (timerfd's TFD_TIMER_CANCEL_ON_SET compares).
u32 clock_was_set_count(void);
u64 clock_ns_to_cycles(u64 ns);		// in arch/time.h's cycles
// sched_clock: ns, cheap, per CPU monotonic.
u64 sched_clock(void);
// Needs arch_clock_init(). Context: boot CPU.
void clock_init(void);
// Once all CPUs have started: leaves the cycle counter if it differs between them.
void clock_validate(void);

static inline ktime_t ktime_add_safe(ktime_t a, ktime_t b)	// both >= 0; saturates
{
	return a > KTIME_MAX - b ? KTIME_MAX : a + b;
}
