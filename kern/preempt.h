// kern/preempt.h - preemption and execution context of the running CPU.
//
// All kernel code is preemptible unless preempt_count is raised. Lazy and full preemption differ only
// in the flag that a wake-up sets (sched/core.c).
#pragma once
#include "kern/cpu_hot.h"

// Upcalls: defined in sched/core.c
void preempt_schedule(void);	// called when the count falls to 0 with a reschedule pending

static ALWAYS_INLINE void preempt_disable(void)
{
	this_cpu_inc(cpu_hot.preempt_count);
	barrier();
}

// Leaves the region without looking whether a reschedule is due (the caller is about to schedule or to enter another region).
static ALWAYS_INLINE void preempt_enable_no_resched(void)
{
	barrier();
	this_cpu_dec(cpu_hot.preempt_count);
}

static ALWAYS_INLINE void preempt_enable(void)
{
	barrier();
	if (unlikely(this_cpu_dec_and_test(cpu_hot.preempt_count)))
		preempt_schedule();
}

static ALWAYS_INLINE u32 preempt_count(void)
{
	return this_cpu_read(cpu_hot.preempt_count) & ~PREEMPT_NO_RESCHED;
}

static inline bool in_hardirq(void)
{
	return preempt_count() & HARDIRQ_MASK;
}

static inline bool in_softirq(void)	// serving a softirq, or softirqs disabled
{
	return preempt_count() & SOFTIRQ_MASK;
}

static inline bool in_nmi(void)
{
	return preempt_count() & NMI_MASK;
}

static inline bool in_interrupt(void)
{
	return preempt_count() & (HARDIRQ_MASK | SOFTIRQ_MASK | NMI_MASK);
}

static inline bool in_task(void)
{
	return !(preempt_count() & (HARDIRQ_MASK | NMI_MASK)) && (preempt_count() & SOFTIRQ_MASK) != SOFTIRQ_ONE;
}

// A pointer to this CPU's copy of a per-CPU variable, with preemption off until percpu_put().
#define percpu_get(p) ({ preempt_disable(); this_cpu_ptr(p); })
#define percpu_put() preempt_enable()

// Debug builds: reports (once per place) a call that may sleep from a context that must not. Release: nothing.
#ifdef CONFIG_LOCKCHECK
void might_sleep_at(const char *file, int line);
#define might_sleep() might_sleep_at(__FILE__, __LINE__)
#else
#define might_sleep() ((void)0)
#endif

// Between these a fault on a user address is not resolved: the copy ends there (arch/uaccess.h). Pairs nest.
static ALWAYS_INLINE void pagefault_disable(void)
{
	preempt_disable();		// the count below is this CPU's
	this_cpu_inc(cpu_hot.in_fault_disabled);
	barrier();
}

static ALWAYS_INLINE void pagefault_enable(void)
{
	barrier();
	this_cpu_dec(cpu_hot.in_fault_disabled);
	preempt_enable();
}

static ALWAYS_INLINE bool pagefault_disabled(void)
{
	return this_cpu_read(cpu_hot.in_fault_disabled) != 0;
}
