// Read-write semaphores. count: bit 0 a writer owns it, bit 1 somebody waits, readers above; uncontended operations are one atomic each.
//
// Who waits is granted the semaphore by whoever releases it (the count is adjusted for him under wait_lock), in order of arrival, readers in
// batches: nobody starves and no wake-up is lost. While nobody waits, anybody may take it; a task that finds the owner running spins for it first.
#include "mutex.h"
#include "arch/barrier.h"
#include "arch/cpu.h"
#include "kern/panic.h"
#include "kern/rcu.h"
#include "sched/sched.h"

#define RW_WRITER 1l
#define RW_WAITERS 2l
#define RW_READER 0x100l

struct lock_class rwsem_wait_lock_class = { .name = "rwsem.wait_lock", .ctx = LOCK_TASK };

struct rw_waiter {
	struct list_head link;
	struct task *task;	// null: granted. Counted by the granter until it has woken it
	bool writer;
};

void rwsem_init(struct rwsem *s, struct lock_class *cls)
{
	*s = (struct rwsem)RWSEM_INIT(*s, cls);
	(void)cls;
}

static void grant(struct rwsem *s, struct rw_waiter *w)
{
	struct task *t = w->task;

	list_del(&w->link);
	if (w->writer)
		atomic64_set(&s->owner, (s64)t);
	task_get(t);
	store_release(&w->task, NULL);	// w is gone from here on
	wake_up_state(t, TASK_NORMAL | TASK_WAKEKILL);
	task_put(t);
}

// Gives a semaphore that was released to those who wait first. wait_lock held.
static void grant_waiters(struct rwsem *s) REQUIRES(&s->wait_lock)
{
	while (!list_empty(&s->waiters)) {
		struct rw_waiter *w = list_first_entry(&s->waiters, struct rw_waiter, link);
		s64 last = list_is_singular(&s->waiters) ? RW_WAITERS : 0;
		s64 old = atomic64_read(&s->count), want;
		do {
			if (old & RW_WRITER || (w->writer && old >= RW_READER))
				return;
			want = (old | RW_WAITERS) - last + (w->writer ? RW_WRITER : RW_READER);
		} while (!atomic64_try_cmpxchg_acquire(&s->count, &old, want));
		bool writer = w->writer;
		grant(s, w);
		if (writer)
			return;
	}
	atomic64_fetch_andnot(&s->count, RW_WAITERS);
}

static void release_slow(struct rwsem *s) NO_LOCK_ANALYSIS
{
	spin_lock(&s->wait_lock);
	grant_waiters(s);
	spin_unlock(&s->wait_lock);
}

static bool try_write(struct rwsem *s)
{
	s64 old = atomic64_read(&s->count);

	while (!(old & (RW_WRITER | RW_WAITERS)) && old < RW_READER)
		if (atomic64_try_cmpxchg_acquire(&s->count, &old, old | RW_WRITER)) {
			atomic64_set(&s->owner, (s64)current);
			return true;
		}
	return false;
}

static bool try_read(struct rwsem *s)
{
	s64 old = atomic64_read(&s->count);

	while (!(old & (RW_WRITER | RW_WAITERS)))
		if (atomic64_try_cmpxchg_acquire(&s->count, &old, old + RW_READER))
			return true;
	return false;
}

// Waits awake while a writer owns it and runs. Preemption off keeps the owner's struct alive (RCU).
static bool spin_for(struct rwsem *s, bool write)
{
	bool got = false;

	rcu_read_lock();
	for (;;) {
		if (write ? try_write(s) : try_read(s)) {
			got = true;
			break;
		}
		s64 count = atomic64_read(&s->count);
		struct task *owner = (struct task *)atomic64_read(&s->owner);
		if (count & RW_WAITERS || !(count & RW_WRITER) || !owner || owner == current || !READ_ONCE(owner->on_cpu) ||
		    READ_ONCE(current->work) & (WORK_RESCHED | WORK_RESCHED_LAZY))
			break;
		cpu_relax();
	}
	rcu_read_unlock();
	return got;
}

static int acquire_slow(struct rwsem *s, bool write, u32 state) NO_LOCK_ANALYSIS
{
	struct rw_waiter w = { .task = current, .writer = write };
	int err = 0;

	if (spin_for(s, write))
		return 0;
	spin_lock(&s->wait_lock);
	list_add_tail(&w.link, &s->waiters);
	// From now on a release sees that somebody waits; if it is free already we grant ourselves.
	atomic64_fetch_or(&s->count, RW_WAITERS);
	grant_waiters(s);
	spin_unlock(&s->wait_lock);
	for (;;) {
		set_current_state(state);
		if (!load_acquire(&w.task))
			break;
		if (signal_pending_state(state, current)) {
			spin_lock(&s->wait_lock);
			if (w.task) {
				err = -EINTR;
				list_del(&w.link);
				grant_waiters(s);	// those behind us may be able to go
			}
			spin_unlock(&s->wait_lock);
			break;
		}
		schedule();
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	return err;
}

static ALWAYS_INLINE int read_common(struct rwsem *s, u32 state)
{
	int err = 0;

	might_sleep();
	lockcheck_acquire(s);
	if (unlikely(!try_read(s)))
		err = acquire_slow(s, false, state);
	lockcheck_acquired(s);
	if (unlikely(err))
		lockcheck_release(s);
	return err;
}

static ALWAYS_INLINE int write_common(struct rwsem *s, u32 state)
{
	s64 free = 0;
	int err = 0;

	might_sleep();
	lockcheck_acquire(s);
	if (likely(atomic64_try_cmpxchg_acquire(&s->count, &free, RW_WRITER)))
		atomic64_set(&s->owner, (s64)current);
	else
		err = acquire_slow(s, true, state);
	lockcheck_acquired(s);
	if (unlikely(err))
		lockcheck_release(s);
	return err;
}

void down_read(struct rwsem *s) NO_LOCK_ANALYSIS
{
	(void)read_common(s, TASK_UNINTERRUPTIBLE);
}

int down_read_killable(struct rwsem *s) NO_LOCK_ANALYSIS
{
	return read_common(s, TASK_KILLABLE);
}

bool down_read_trylock(struct rwsem *s) NO_LOCK_ANALYSIS
{
	if (!try_read(s))
		return false;
	lockcheck_trylocked(s);
	return true;
}

void up_read(struct rwsem *s) NO_LOCK_ANALYSIS
{
	lockcheck_release(s);
	s64 now = atomic64_sub_return_release(&s->count, RW_READER);
	DEBUG_ASSERT(now >= 0);
	if (unlikely(now == RW_WAITERS))	// the last reader
		release_slow(s);
}

void down_write(struct rwsem *s) NO_LOCK_ANALYSIS
{
	(void)write_common(s, TASK_UNINTERRUPTIBLE);
}

int down_write_killable(struct rwsem *s) NO_LOCK_ANALYSIS
{
	return write_common(s, TASK_KILLABLE);
}

bool down_write_trylock(struct rwsem *s) NO_LOCK_ANALYSIS
{
	if (!try_write(s))
		return false;
	lockcheck_trylocked(s);
	return true;
}

void up_write(struct rwsem *s) NO_LOCK_ANALYSIS
{
	lockcheck_release(s);
	atomic64_set(&s->owner, 0);
	s64 now = atomic64_sub_return_release(&s->count, RW_WRITER);
	if (unlikely(now & RW_WAITERS))
		release_slow(s);
}

void downgrade_write(struct rwsem *s) NO_LOCK_ANALYSIS
{
	atomic64_set(&s->owner, 0);
	s64 now = atomic64_add_return_release(&s->count, RW_READER - RW_WRITER);
	if (now & RW_WAITERS)
		release_slow(s);	// readers at the head may come in
}
