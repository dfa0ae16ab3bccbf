// Mutexes. owner holds the task and three flags; an uncontended lock and unlock are one cmpxchg each.
//
// No lost wake-up: a waiter sets FLAG_WAITERS before it sleeps (under wait_lock), and an unlock that sees the flag wakes the first waiter under the
// same lock. No starvation: the first waiter that was woken in vain sets FLAG_HANDOFF; the next unlock then gives the mutex to it alone (FLAG_PICKUP).
#include "mutex.h"
#include "arch/barrier.h"
#include "arch/cpu.h"
#include "kern/panic.h"
#include "kern/rcu.h"
#include "sched/sched.h"

#define FLAG_WAITERS 1ul
#define FLAG_HANDOFF 2ul
#define FLAG_PICKUP 4ul
#define FLAGS_ALL 7ul

struct lock_class mutex_wait_lock_class = { .name = "mutex.wait_lock", .ctx = LOCK_TASK };

struct lock_waiter {
	struct list_head link;
	struct task *task;
	bool writer;	// rwsem.c
	bool granted;	// rwsem.c
};

void mutex_init(struct mutex *m, struct lock_class *cls)
{
	*m = (struct mutex)MUTEX_INIT(*m, cls);
	(void)cls;
}

static ALWAYS_INLINE struct task *owner_task(u64 owner)
{
	return (struct task *)(owner & ~FLAGS_ALL);
}

// Takes the mutex if it is free or meant for us. Otherwise returns false with what was seen in *seen.
static bool try_take(struct mutex *m, u64 *seen)
{
	u64 self = (u64)current;
	s64 old = atomic64_read(&m->owner);

	for (;;) {
		u64 flags = old & FLAGS_ALL;
		struct task *owner = owner_task(old);
		if (owner) {
			if (owner != current || !(flags & FLAG_PICKUP)) {
				*seen = old;
				return false;
			}
			flags &= ~FLAG_PICKUP;
		} else {
			flags &= ~FLAG_HANDOFF;	// it is ours before it could be handed on
		}
		if (atomic64_try_cmpxchg_acquire(&m->owner, &old, self | flags))
			return true;
	}
}

// Whether it makes sense to wait for the owner awake: it runs on another CPU, and this one has nothing else to do.
// Preemption is off, which keeps the owner's struct alive (RCU).
static bool spin_while_owner_runs(struct mutex *m, struct task *owner)
{
	while (owner_task(atomic64_read(&m->owner)) == owner) {
		if (!READ_ONCE(owner->on_cpu) || READ_ONCE(current->work) & (WORK_RESCHED | WORK_RESCHED_LAZY))
			return false;
		cpu_relax();
	}
	return true;
}

static bool spin_for_mutex(struct mutex *m)
{
	bool got = false;
	u64 seen;

	rcu_read_lock();
	for (;;) {
		if (try_take(m, &seen)) {
			got = true;
			break;
		}
		struct task *owner = owner_task(seen);
		if (owner == current || seen & FLAG_PICKUP || !spin_while_owner_runs(m, owner))
			break;
	}
	rcu_read_unlock();
	return got;
}

static int lock_slow(struct mutex *m, u32 state) NO_LOCK_ANALYSIS
{
	struct lock_waiter w = { .task = current };
	int err = 0;
	u64 seen;

	if (spin_for_mutex(m))
		return 0;
	spin_lock(&m->wait_lock);
	list_add_tail(&w.link, &m->waiters);
	bool woken = false;
	for (;;) {
		set_current_state(state);
		bool first = list_is_first(&w.link, &m->waiters);
		atomic64_fetch_or(&m->owner, first && woken ? FLAG_WAITERS | FLAG_HANDOFF : FLAG_WAITERS);
		if (try_take(m, &seen))	// after the flag: an unlock sees either the flag or us
			break;
		if (signal_pending_state(state, current)) {
			err = -EINTR;
			break;
		}
		spin_unlock(&m->wait_lock);
		schedule();
		woken = true;
		// First in the queue, and awake: the owner may be about to finish.
		if (first && spin_for_mutex(m)) {
			spin_lock(&m->wait_lock);
			break;
		}
		spin_lock(&m->wait_lock);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	bool was_first = list_is_first(&w.link, &m->waiters);
	list_del(&w.link);
	if (list_empty(&m->waiters))
		atomic64_fetch_andnot(&m->owner, FLAG_WAITERS | FLAG_HANDOFF);
	if (unlikely(err) && was_first) {
		// The unlock may have handed the mutex to us after the look at it.
		if (try_take(m, &seen))
			err = 0;
		else
			atomic64_fetch_andnot(&m->owner, FLAG_HANDOFF);
	}
	spin_unlock(&m->wait_lock);
	return err;
}

static ALWAYS_INLINE int lock_common(struct mutex *m, u32 state)
{
	s64 free = 0;

	might_sleep();
	lockcheck_acquire(m);
	if (unlikely(!atomic64_try_cmpxchg_acquire(&m->owner, &free, (s64)current))) {
		int err = lock_slow(m, state);
		if (err) {
			lockcheck_acquired(m);
			lockcheck_release(m);
			return err;
		}
	}
	lockcheck_acquired(m);
	return 0;
}

void mutex_lock(struct mutex *m) NO_LOCK_ANALYSIS
{
	(void)lock_common(m, TASK_UNINTERRUPTIBLE);
}

int mutex_lock_interruptible(struct mutex *m)
{
	return lock_common(m, TASK_INTERRUPTIBLE);
}

int mutex_lock_killable(struct mutex *m)
{
	return lock_common(m, TASK_KILLABLE);
}

bool mutex_trylock(struct mutex *m) NO_LOCK_ANALYSIS
{
	u64 seen;

	if (!try_take(m, &seen))
		return false;
	lockcheck_trylocked(m);
	return true;
}

static void unlock_slow(struct mutex *m) NO_LOCK_ANALYSIS
{
	s64 old = atomic64_read(&m->owner);

	DEBUG_ASSERT(owner_task(old) == current);
	// Without a hand-off the mutex becomes free at once, the flags stay.
	while (!(old & FLAG_HANDOFF)) {
		if (atomic64_try_cmpxchg_release(&m->owner, &old, old & FLAGS_ALL)) {
			if (!(old & FLAG_WAITERS))
				return;
			break;
		}
	}
	bool hand_over = old & FLAG_HANDOFF;
	struct task *next = NULL;
	spin_lock(&m->wait_lock);
	if (!list_empty(&m->waiters)) {
		next = list_first_entry(&m->waiters, struct lock_waiter, link)->task;
		task_get(next);
	}
	if (hand_over) {
		u64 to = next ? (u64)next | FLAG_PICKUP | FLAG_WAITERS : 0;
		atomic64_set_release(&m->owner, to);
	}
	spin_unlock(&m->wait_lock);
	if (next) {
		wake_up_state(next, TASK_NORMAL | TASK_WAKEKILL);
		task_put(next);
	}
}

void mutex_unlock(struct mutex *m) NO_LOCK_ANALYSIS
{
	s64 self = (s64)current;

	lockcheck_release(m);
	if (unlikely(!atomic64_try_cmpxchg_release(&m->owner, &self, 0)))
		unlock_slow(m);
}

bool mutex_is_locked(const struct mutex *m)
{
	return owner_task(atomic64_read(&m->owner)) != NULL;
}
