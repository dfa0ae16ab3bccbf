// kern/seqlock.h - sequence counts: readers retry when a writer was at work. Writers exclude each other by a lock of their own.
#pragma once
#include "arch/barrier.h"
#include "arch/cpu.h"
#include "kern/spinlock.h"

struct seqcount {
	u32 seq ATOMIC;		// odd while a writer is at work
};

static inline u32 seq_read_begin(const struct seqcount *s)
{
	u32 v;
	while (unlikely((v = READ_ONCE(s->seq)) & 1))
		cpu_relax();
	smp_rmb();		// pairs with smp_wmb() in seq_write_end()
	return v;
}

// Like seq_read_begin(), but does not wait: an odd value makes the later retry check fail.
static inline u32 seq_read_begin_nowait(const struct seqcount *s)
{
	u32 v = READ_ONCE(s->seq) & ~1u;
	smp_rmb();
	return v;
}

static inline bool seq_read_retry(const struct seqcount *s, u32 start)
{
	smp_rmb();		// pairs with smp_wmb() in seq_write_begin()
	return unlikely(READ_ONCE(s->seq) != start);
}

// Preemption must be off (the writer's lock is a spinlock, or the caller disabled it).
static inline void seq_write_begin(struct seqcount *s)
{
	WRITE_ONCE(s->seq, s->seq + 1);
	smp_wmb();
}

static inline void seq_write_end(struct seqcount *s)
{
	smp_wmb();
	WRITE_ONCE(s->seq, s->seq + 1);
}

// Makes every reader that is under way retry, without a write section.
static inline void seq_invalidate(struct seqcount *s)
{
	smp_wmb();
	WRITE_ONCE(s->seq, s->seq + 2);
}

// A spinlock and a sequence count together.
struct seqlock {
	struct spinlock lock;
	struct seqcount count;
};

#define SEQLOCK_INIT(cls) { .lock = SPINLOCK_INIT(cls) }
