// sched/mutex.h - sleeping locks. Owners spin on a running owner before they sleep; hand-off to a waiter that has waited long.
#pragma once
#include "kern/lockcheck.h"
#include "kern/spinlock.h"
#include "lib/atomic.h"
#include "lib/list.h"

struct LOCKABLE mutex {
	struct atomic64 owner;		// struct task * | flags (waiters, hand-off)
	struct spinlock wait_lock;
	struct list_head waiters GUARDED_BY(&wait_lock);
	LOCKCHECK_FIELD(check)
};
extern struct lock_class mutex_wait_lock_class;
#define MUTEX_INIT(name, cls) { .wait_lock = SPINLOCK_INIT(&mutex_wait_lock_class), .waiters = LIST_HEAD_INIT((name).waiters), LOCKCHECK_INIT(check, cls) }
#define DEFINE_MUTEX(name) DEFINE_LOCK_CLASS(name##_class, LOCK_TASK); struct mutex name = MUTEX_INIT(name, &name##_class)
void mutex_init(struct mutex *m, struct lock_class *cls);
void mutex_lock(struct mutex *m) ACQUIRES(m);
MUST_CHECK int mutex_lock_interruptible(struct mutex *m) TRY_ACQUIRES(false, m);	// 0 or -EINTR
MUST_CHECK int mutex_lock_killable(struct mutex *m) TRY_ACQUIRES(false, m);
MUST_CHECK bool mutex_trylock(struct mutex *m) TRY_ACQUIRES(true, m);
void mutex_unlock(struct mutex *m) RELEASES(m);
bool mutex_is_locked(const struct mutex *m);

// Many readers or one writer. Writers are not starved.
struct LOCKABLE rwsem {
	struct atomic64 count;
	struct atomic64 owner;
	struct spinlock wait_lock;
	struct list_head waiters GUARDED_BY(&wait_lock);
	LOCKCHECK_FIELD(check)
};
extern struct lock_class rwsem_wait_lock_class;
#define RWSEM_INIT(name, cls) { .wait_lock = SPINLOCK_INIT(&rwsem_wait_lock_class), .waiters = LIST_HEAD_INIT((name).waiters), LOCKCHECK_INIT(check, cls) }
#define DEFINE_RWSEM(name) DEFINE_LOCK_CLASS(name##_class, LOCK_TASK); struct rwsem name = RWSEM_INIT(name, &name##_class)
void rwsem_init(struct rwsem *s, struct lock_class *cls);
void down_read(struct rwsem *s) ACQUIRES_SHARED(s);
MUST_CHECK int down_read_killable(struct rwsem *s) TRY_ACQUIRES_SHARED(false, s);
MUST_CHECK bool down_read_trylock(struct rwsem *s) TRY_ACQUIRES_SHARED(true, s);
void up_read(struct rwsem *s) RELEASES_SHARED(s);
void down_write(struct rwsem *s) ACQUIRES(s);
MUST_CHECK int down_write_killable(struct rwsem *s) TRY_ACQUIRES(false, s);
MUST_CHECK bool down_write_trylock(struct rwsem *s) TRY_ACQUIRES(true, s);
void up_write(struct rwsem *s) RELEASES(s);
void downgrade_write(struct rwsem *s) RELEASES(s) ACQUIRES_SHARED(s);
