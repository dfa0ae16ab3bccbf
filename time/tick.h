// time/tick.h - the scheduler tick: TICK_NSEC long, runs only while a CPU is busy. Code: tick.c.
//
// The tick starts when the CPU leaves idle and stops itself: a tick that finds sched_tick_needed() false does not rearm. So a CPU
// that goes in and out of idle faster than a tick pays nothing.
#pragma once
#include "arch/percpu.h"
#include "time/clock.h"

DECLARE_PER_CPU(bool, tick_running);	// written by this CPU with interrupts off
// Arms this CPU's tick; the caller has found tick_running false. Interrupts off, run queue lock held: takes no lock outside time/.
void tick_start(void);

// Upcalls: defined in sched/core.c. Hardirq context.
void sched_tick(bool user);		// user: the interrupt came from user mode
bool sched_tick_needed(void);		// this CPU is busy: rearm
