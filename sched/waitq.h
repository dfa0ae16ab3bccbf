// sched/waitq.h - wait queues, with callback entries (poll, epoll, io_uring, exclusive waiters).
//
// Lock order: waitq.lock is taken with interrupts off and nests outside only the scheduler's locks.
// The waker makes the condition true first; a wake-up is a full barrier.
#pragma once
#include "kern/spinlock.h"
#include "lib/list.h"
#include "sched/task.h"

struct waitq {
	struct spinlock lock;
	struct list_head head GUARDED_BY(&lock);
};

struct waitq_entry;
// Called under the queue's lock, interrupts off. Returns 1 when it woke somebody (counts against the number of exclusive waiters
// to wake), 0 when not, < 0 to stop the walk. key: poll event bits, or 0.
typedef int (*waitq_fn)(struct waitq_entry *e, u32 mode, u32 key);

#define WAITQ_EXCLUSIVE 1u

struct waitq_entry {
	struct list_head link;	// in waitq.head
	waitq_fn fn;
	struct task *task;	// for waitq_wake_task()
	u32 flags;
};

extern struct lock_class waitq_lock_class;
#define WAITQ_INIT(name) { .lock = SPINLOCK_INIT(&waitq_lock_class), .head = LIST_HEAD_INIT((name).head) }
void waitq_init(struct waitq *q);
int waitq_wake_task(struct waitq_entry *e, u32 mode, u32 key);		// the default function: wakes and unlinks

void waitq_add(struct waitq *q, struct waitq_entry *e);			// at the front
void waitq_add_exclusive(struct waitq *q, struct waitq_entry *e);	// at the end
void waitq_remove(struct waitq *q, struct waitq_entry *e);

// Cheap test for "nobody waits": needs a full barrier after the condition was made true (smp_mb() inside).
static inline bool waitq_active(struct waitq *q)
{
	smp_mb();
	return !list_empty(&q->head);
}

// Wakes all non-exclusive waiters and up to nr exclusive ones (0: all). Context: any.
void waitq_wake_key(struct waitq *q, u32 mode, int nr, u32 key);
static inline void waitq_wake_all(struct waitq *q) { waitq_wake_key(q, TASK_NORMAL, 0, 0); }
static inline void waitq_wake_one(struct waitq *q) { waitq_wake_key(q, TASK_NORMAL, 1, 0); }
static inline void waitq_wake_poll(struct waitq *q, u32 key) { waitq_wake_key(q, TASK_NORMAL, 1, key); }

// The two idioms. 1: WAIT_EVENT(q, cond): state, full barrier, test, schedule. Value: 0, or -ERESTARTSYS for the interruptible forms.
void waitq_prepare(struct waitq *q, struct waitq_entry *e, u32 state, bool exclusive);
void waitq_finish(struct waitq *q, struct waitq_entry *e);
#define WAIT_EVENT_STATE(q, cond, state, sleep) ({ \
	int err_ = 0; \
	struct waitq_entry e_ = { .fn = waitq_wake_task, .task = current, .link = LIST_HEAD_INIT(e_.link) }; \
	for (;;) { \
		waitq_prepare(q, &e_, state, false); \
		if (cond) \
			break; \
		if (signal_pending_state(state, current)) { err_ = -ERESTARTSYS; break; } \
		sleep; \
		if (cond)	/* usually: no need to queue again */ \
			break; \
	} \
	waitq_finish(q, &e_); \
	err_; })
// Sleeps as an exclusive waiter: one of them is woken per waitq_wake_one(). Interruptible.
#define WAIT_EVENT_EXCLUSIVE(q, cond) ({ \
	int err_ = 0; \
	struct waitq_entry e_ = { .fn = waitq_wake_task, .task = current, .link = LIST_HEAD_INIT(e_.link) }; \
	while (!(cond)) { \
		waitq_prepare(q, &e_, TASK_INTERRUPTIBLE, true); \
		if (cond) \
			break; \
		if (signal_pending(current)) { err_ = -ERESTARTSYS; break; } \
		schedule(); \
	} \
	waitq_finish(q, &e_); \
	err_; })
#define WAIT_EVENT(q, cond) ((void)((cond) ? 0 : WAIT_EVENT_STATE(q, cond, TASK_UNINTERRUPTIBLE, schedule())))
// For kernel threads with nothing to do: not counted in the load average.
#define WAIT_EVENT_IDLE(q, cond) ((void)((cond) ? 0 : WAIT_EVENT_STATE(q, cond, TASK_IDLE, schedule())))
#define WAIT_EVENT_INTERRUPTIBLE(q, cond) ((cond) ? 0 : WAIT_EVENT_STATE(q, cond, TASK_INTERRUPTIBLE, schedule()))
#define WAIT_EVENT_KILLABLE(q, cond) ((cond) ? 0 : WAIT_EVENT_STATE(q, cond, TASK_KILLABLE, schedule()))

// 2: waitq_sleep(q, lock): the caller holds lock (plain spin_lock) and found its condition false; sleeps interruptibly
// without the lock, retakes it. Returns 0 or -ERESTARTSYS. The waker changes the condition under the same lock.
MUST_CHECK int waitq_sleep(struct waitq *q, struct spinlock *lock) REQUIRES(lock);
MUST_CHECK int waitq_sleep_exclusive(struct waitq *q, struct spinlock *lock) REQUIRES(lock);
MUST_CHECK int waitq_sleep_irq(struct waitq *q, struct spinlock *lock) REQUIRES(lock);	// lock was taken with spin_lock_irq

struct completion {
	u32 done GUARDED_INSIDE(&wait.lock);
	struct waitq wait;
};
void completion_init(struct completion *c);
void complete(struct completion *c);
void complete_all(struct completion *c);
void wait_for_completion(struct completion *c);
MUST_CHECK int wait_for_completion_killable(struct completion *c);	// 0 or -ERESTARTSYS
MUST_CHECK int wait_for_completion_interruptible(struct completion *c);
