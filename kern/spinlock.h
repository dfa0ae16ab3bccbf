// kern/spinlock.h - spinning locks, preemption off while held.
//
// A lock that is taken in interrupt context is taken with interrupts off everywhere (_irq, _irqsave);
// one that is taken in softirq context with softirqs off elsewhere (_bh). The class says which, and the
// lock checker enforces it. Uncontended: one cmpxchg to take, one store to release. Contended: FIFO
// queue of per-CPU nodes; test-and-set under a hypervisor (FIFO hand-off to a descheduled vCPU would stall all).
#pragma once
#include "arch/irq.h"
#include "kern/lockcheck.h"
#include "kern/preempt.h"
#include "lib/atomic.h"

struct LOCKABLE spinlock {
	struct atomic val;	// 0 free, 1 held, more: waiters (kern/spinlock.c)
	LOCKCHECK_FIELD(check)
};

// Static and run-time initialisation; cls is a struct lock_class * (ignored in release builds).
#define SPINLOCK_INIT(cls) { .val = { 0 }, LOCKCHECK_INIT(check, cls) }
#define DEFINE_SPINLOCK(name, ctx) \
	DEFINE_LOCK_CLASS(name##_class, ctx); \
	struct spinlock name = SPINLOCK_INIT(&name##_class)
#define STATIC_SPINLOCK(name, ctx) \
	DEFINE_LOCK_CLASS(name##_class, ctx); \
	static struct spinlock name = SPINLOCK_INIT(&name##_class)
static inline void spin_init(struct spinlock *l, struct lock_class *cls)
{
	*l = (struct spinlock)SPINLOCK_INIT(cls);
	(void)cls;
}

void spin_lock_slow(struct spinlock *l);

static ALWAYS_INLINE void spin_lock_raw(struct spinlock *l) NO_LOCK_ANALYSIS
{
	int expected = 0;
	lockcheck_acquire(l);
	if (unlikely(!atomic_try_cmpxchg_acquire(&l->val, &expected, 1)))
		spin_lock_slow(l);
	lockcheck_acquired(l);
}

static ALWAYS_INLINE void spin_unlock_raw(struct spinlock *l) NO_LOCK_ANALYSIS
{
	lockcheck_release(l);
	// The low byte is "held"; waiters live in the other bytes and see it fall.
	__atomic_store_n((u8 *)&l->val, 0, __ATOMIC_RELEASE);
}

static ALWAYS_INLINE void spin_lock(struct spinlock *l) ACQUIRES(l) NO_LOCK_ANALYSIS
{
	preempt_disable();
	spin_lock_raw(l);
}

static ALWAYS_INLINE void spin_unlock(struct spinlock *l) RELEASES(l) NO_LOCK_ANALYSIS
{
	spin_unlock_raw(l);
	preempt_enable();
}

static ALWAYS_INLINE bool spin_trylock(struct spinlock *l) TRY_ACQUIRES(true, l) NO_LOCK_ANALYSIS
{
	int expected = 0;
	preempt_disable();
	if (likely(atomic_read(&l->val) == 0 && atomic_try_cmpxchg_acquire(&l->val, &expected, 1))) {
		lockcheck_trylocked(l);
		return true;
	}
	preempt_enable();
	return false;
}

static ALWAYS_INLINE void spin_lock_irq(struct spinlock *l) ACQUIRES(l) NO_LOCK_ANALYSIS
{
	irq_disable();
	spin_lock(l);
}

static ALWAYS_INLINE void spin_unlock_irq(struct spinlock *l) RELEASES(l) NO_LOCK_ANALYSIS
{
	spin_unlock_raw(l);
	irq_enable();
	preempt_enable();
}

static ALWAYS_INLINE unsigned long spin_lock_irqsave(struct spinlock *l) ACQUIRES(l) NO_LOCK_ANALYSIS
{
	unsigned long flags = irq_save();
	spin_lock(l);
	return flags;
}

static ALWAYS_INLINE void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags) RELEASES(l) NO_LOCK_ANALYSIS
{
	spin_unlock_raw(l);
	irq_restore(flags);
	preempt_enable();
}

void local_bh_disable(void);
void local_bh_enable(void);	// runs pending softirqs when the last level is left

static ALWAYS_INLINE void spin_lock_bh(struct spinlock *l) ACQUIRES(l) NO_LOCK_ANALYSIS
{
	local_bh_disable();
	spin_lock_raw(l);
}

static ALWAYS_INLINE void spin_unlock_bh(struct spinlock *l) RELEASES(l) NO_LOCK_ANALYSIS
{
	spin_unlock_raw(l);
	local_bh_enable();
}

static inline bool spin_is_locked(const struct spinlock *l)
{
	return atomic_read(&l->val) != 0;
}
