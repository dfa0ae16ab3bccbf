// kern/lockcheck.h - lock classes, and the run-time checker of lock order and context (CONFIG_LOCKCHECK).
//
// Every lock belongs to a class; a class states the highest context in which its locks are taken. The checker
// learns the order of classes as they nest and reports an inversion, a lock taken in a higher context than its
// class says, a sleeping lock in atomic context, and locks held at return to user mode. Release builds: no code, no bytes.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

enum lock_ctx {
	LOCK_TASK,	// task context only
	LOCK_SOFTIRQ,	// also in softirqs: elsewhere taken with _bh or _irq
	LOCK_HARDIRQ,	// also in hard interrupts: always taken with interrupts off
};

struct lock_class {
	const char *name;
	u8 ctx;
	u8 nestable;	// two locks of the class may nest (the code orders them, e.g. by address)
	u16 id;		// given by the checker at first use
#ifdef CONFIG_LOCKSTAT
	u64 contended;	// ATOMIC: acquisitions that had to wait
	struct lock_class *next;	// classes that were ever contended
	u32 listed;
#endif
};

#define DEFINE_LOCK_CLASS(nm, c) UNUSED static struct lock_class nm = { .name = #nm, .ctx = (c) }
#define DEFINE_LOCK_CLASS_NESTABLE(nm, c) UNUSED static struct lock_class nm = { .name = #nm, .ctx = (c), .nestable = 1 }

struct lockcheck {
	struct lock_class *cls;
	const void *holder;	// task that holds it (stall reports name it)
	u64 taken_at;		// return address of the taker
};

#if defined(CONFIG_LOCKCHECK) || defined(CONFIG_LOCKSTAT)
#define LOCKCHECK_FIELD(n) struct lockcheck n;
#define LOCKCHECK_INIT(n, c) .n = { .cls = (c) }
#else
#define LOCKCHECK_FIELD(n)
#define LOCKCHECK_INIT(n, c)
#endif

// CONFIG_LOCKSTAT: counts acquisitions that had to wait, per class. Called by the slow paths of all kinds of locks.
#ifdef CONFIG_LOCKSTAT
void lockstat_count(struct lock_class *cls);
u64 lockstat_total(void);	// contended acquisitions since start-up, all classes
void lockstat_print(void);	// to the log, one line per class that was contended
#define lockstat_contended(l) lockstat_count((l)->check.cls)
#else
static inline void lockstat_print(void) {}
#define lockstat_contended(l) ((void)0)
#endif

#ifdef CONFIG_LOCKCHECK
// What a context holds: one in each task, and one per CPU for softirqs and for hard interrupts.
#define LOCK_STACK_MAX 32
struct lock_stack {
	u32 n;
	struct held_lock {
		struct lockcheck *check;
		const void *lock;
		u64 ip;
	} held[LOCK_STACK_MAX];
};
// Upcalls: defined in sched/core.c. That of current.
struct lock_stack *task_lock_stack(void);

// From the first task on: might_sleep() reports. Start-up itself runs unpreemptible and is spared.
void lockcheck_start(void);
void lockcheck_do_acquire(struct lockcheck *c, const void *lock, bool trylock);
void lockcheck_do_acquired(struct lockcheck *c, const void *lock);
void lockcheck_do_release(struct lockcheck *c, const void *lock);
void lockcheck_user_return(void);	// reports locks still held
#define lockcheck_acquire(l) lockcheck_do_acquire(&(l)->check, l, false)
#define lockcheck_acquired(l) lockcheck_do_acquired(&(l)->check, l)
#define lockcheck_trylocked(l) (lockcheck_do_acquire(&(l)->check, l, true), lockcheck_do_acquired(&(l)->check, l))
#define lockcheck_release(l) lockcheck_do_release(&(l)->check, l)
#else
#define lockcheck_start() ((void)0)
#define lockcheck_user_return() ((void)0)
#define lockcheck_acquire(l) ((void)0)
#define lockcheck_acquired(l) ((void)0)
#define lockcheck_trylocked(l) ((void)0)
#define lockcheck_release(l) ((void)0)
#endif
