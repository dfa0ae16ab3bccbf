// sched/percpu_rwsem.h - a read-write semaphore whose readers touch only their own CPU's counter. Writers are rare and slow: they wait for an RCU
// grace period. Code: percpu_rwsem.c.
//
// Readers may sleep inside. A reader may leave on another CPU than it came in on: only the sum of the counters means anything.
#pragma once
#include "arch/percpu.h"
#include "kern/preempt.h"
#include "sched/mutex.h"
#include "sched/waitq.h"

struct LOCKABLE percpu_rwsem {
	s64 __percpu *readers SET_ONCE;
	u32 slow ATOMIC;		// a writer is there: readers go by the slow way
	bool blocked GUARDED_INSIDE(&readers_wait.lock);	// readers must wait
	struct waitq readers_wait;	// readers while blocked
	struct waitq writer_wait;	// the writer, until the sum is 0
	struct mutex writers;
};
#define DEFINE_PERCPU_RWSEM(name) \
	STATIC_PER_CPU(s64, name##_readers); \
	DEFINE_LOCK_CLASS(name##_class, LOCK_TASK); \
	struct percpu_rwsem name = { .readers = &name##_readers, .readers_wait = WAITQ_INIT(name.readers_wait), \
		.writer_wait = WAITQ_INIT(name.writer_wait), .writers = MUTEX_INIT(name.writers, &name##_class) }
// readers: a zeroed per-CPU s64 of the caller's.
void percpu_rwsem_init(struct percpu_rwsem *s, s64 __percpu *readers, struct lock_class *cls);
void percpu_down_read_slow(struct percpu_rwsem *s);
void percpu_up_read_slow(struct percpu_rwsem *s);

static inline void percpu_down_read(struct percpu_rwsem *s)
{
	preempt_disable();
	if (likely(!READ_ONCE(s->slow)))
		this_cpu_inc(*s->readers);	// seen by a writer after its grace period
	else
		percpu_down_read_slow(s);
	preempt_enable();
}

static inline void percpu_up_read(struct percpu_rwsem *s)
{
	preempt_disable();
	if (likely(!READ_ONCE(s->slow)))
		this_cpu_dec(*s->readers);
	else
		percpu_up_read_slow(s);
	preempt_enable();
}

void percpu_down_write(struct percpu_rwsem *s) ACQUIRES(s);	// Context: task, may sleep for milliseconds
void percpu_up_write(struct percpu_rwsem *s) RELEASES(s);
