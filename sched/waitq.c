// Wait queues, completions, and sleeping for a time.
#include "waitq.h"
#include "kern/panic.h"
#include "sched/sched.h"
#include "time/hrtimer.h"
#include "time/timer.h"

struct lock_class waitq_lock_class = { .name = "waitq", .ctx = LOCK_HARDIRQ, .nestable = 1 };

void waitq_init(struct waitq *q)
{
	*q = (struct waitq)WAITQ_INIT(*q);
}

int waitq_wake_task(struct waitq_entry *e, u32 mode, u32 key)
{
	struct task *t = e->task;

	// While e is linked, t cannot leave waitq_finish() without the queue's lock, which we hold: so t and e live until
	// the last store below.
	if (!wake_up_state(t, mode))
		return 0;
	// As list_del_init(), but in an order that waitq_finish() can rely on: when both links point to e we are done with the list.
	e->link.next->prev = e->link.prev;
	WRITE_ONCE(e->link.prev->next, e->link.next);
	store_release(&e->link.next, &e->link);
	store_release(&e->link.prev, &e->link);
	return 1;
}

void waitq_add(struct waitq *q, struct waitq_entry *e)
{
	e->flags &= ~WAITQ_EXCLUSIVE;
	unsigned long flags = spin_lock_irqsave(&q->lock);
	list_add(&e->link, &q->head);
	spin_unlock_irqrestore(&q->lock, flags);
}

void waitq_add_exclusive(struct waitq *q, struct waitq_entry *e)
{
	e->flags |= WAITQ_EXCLUSIVE;
	unsigned long flags = spin_lock_irqsave(&q->lock);
	list_add_tail(&e->link, &q->head);
	spin_unlock_irqrestore(&q->lock, flags);
}

void waitq_remove(struct waitq *q, struct waitq_entry *e)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);
	list_del_init(&e->link);
	spin_unlock_irqrestore(&q->lock, flags);
}

static void wake_locked(struct waitq *q, u32 mode, int nr, u32 key) REQUIRES(&q->lock)
{
	struct waitq_entry *e, *next;

	list_for_each_entry_safe(e, next, &q->head, link) {
		u32 flags = e->flags;	// e may be gone after its function
		int n = e->fn(e, mode, key);
		if (n < 0)
			break;
		if (n && flags & WAITQ_EXCLUSIVE && !--nr)
			break;
	}
}

void waitq_wake_key(struct waitq *q, u32 mode, int nr, u32 key)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);
	if (!list_empty(&q->head))
		wake_locked(q, mode, nr, key);
	spin_unlock_irqrestore(&q->lock, flags);
}

void waitq_prepare(struct waitq *q, struct waitq_entry *e, u32 state, bool exclusive)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);
	if (list_empty(&e->link)) {
		if (exclusive) {
			e->flags |= WAITQ_EXCLUSIVE;
			list_add_tail(&e->link, &q->head);
		} else {
			list_add(&e->link, &q->head);
		}
	}
	set_current_state(state);	// the barrier between this store and the caller's test; pairs with the waker's
	spin_unlock_irqrestore(&q->lock, flags);
}

// Leaves without the lock if a waker has already taken e out: both links point to e then, and the second of those stores was its last access.
void waitq_finish(struct waitq *q, struct waitq_entry *e)
{
	WRITE_ONCE(current->state, TASK_RUNNING);
	if (load_acquire(&e->link.next) == &e->link && load_acquire(&e->link.prev) == &e->link)
		return;
	unsigned long flags = spin_lock_irqsave(&q->lock);
	list_del_init(&e->link);
	spin_unlock_irqrestore(&q->lock, flags);
}

static int sleep_on(struct waitq *q, struct spinlock *lock, bool exclusive, bool irq) NO_LOCK_ANALYSIS
{
	struct waitq_entry e = { .fn = waitq_wake_task, .task = current, .link = LIST_HEAD_INIT(e.link) };
	int err = 0;

	waitq_prepare(q, &e, TASK_INTERRUPTIBLE, exclusive);
	if (signal_pending(current)) {
		err = -ERESTARTSYS;
		waitq_finish(q, &e);
		// An exclusive wake-up that came at this moment must not be lost: somebody else gets it.
		if (exclusive)
			waitq_wake_one(q);
		return err;
	}
	if (irq)
		spin_unlock_irq(lock);
	else
		spin_unlock(lock);
	schedule();
	waitq_finish(q, &e);
	if (irq)
		spin_lock_irq(lock);
	else
		spin_lock(lock);
	return 0;	// the caller tests its condition first; a signal is seen at the next sleep
}

int waitq_sleep(struct waitq *q, struct spinlock *lock)
{
	return sleep_on(q, lock, false, false);
}

int waitq_sleep_exclusive(struct waitq *q, struct spinlock *lock)
{
	return sleep_on(q, lock, true, false);
}

int waitq_sleep_irq(struct waitq *q, struct spinlock *lock)
{
	return sleep_on(q, lock, false, true);
}

// ---- completions ------------------------------------------------------------------------------------------------------

#define DONE_FOR_EVER U32_MAX

void completion_init(struct completion *c)
{
	c->done = 0;
	waitq_init(&c->wait);
}

// All under the lock, so that the waiter can free c as soon as it has held the lock after `done`.
void complete(struct completion *c)
{
	unsigned long flags = spin_lock_irqsave(&c->wait.lock);
	if (c->done != DONE_FOR_EVER)
		c->done++;
	wake_locked(&c->wait, TASK_NORMAL | TASK_WAKEKILL, 1, 0);
	spin_unlock_irqrestore(&c->wait.lock, flags);
}

void complete_all(struct completion *c)
{
	unsigned long flags = spin_lock_irqsave(&c->wait.lock);
	c->done = DONE_FOR_EVER;
	wake_locked(&c->wait, TASK_NORMAL | TASK_WAKEKILL, 0, 0);
	spin_unlock_irqrestore(&c->wait.lock, flags);
}

static int wait_for_done(struct completion *c, u32 state)
{
	struct waitq_entry e = { .fn = waitq_wake_task, .task = current, .link = LIST_HEAD_INIT(e.link), .flags = WAITQ_EXCLUSIVE };
	int err = 0;

	might_sleep();
	unsigned long flags = spin_lock_irqsave(&c->wait.lock);
	while (!c->done) {
		if (signal_pending_state(state, current)) {
			err = -ERESTARTSYS;
			break;
		}
		if (list_empty(&e.link))
			list_add_tail(&e.link, &c->wait.head);
		set_current_state(state);
		spin_unlock_irqrestore(&c->wait.lock, flags);
		schedule();
		flags = spin_lock_irqsave(&c->wait.lock);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	list_del_init(&e.link);
	if (!err && c->done != DONE_FOR_EVER)
		c->done--;
	spin_unlock_irqrestore(&c->wait.lock, flags);
	return err;
}

void wait_for_completion(struct completion *c)
{
	(void)wait_for_done(c, TASK_UNINTERRUPTIBLE);
}

int wait_for_completion_killable(struct completion *c)
{
	return wait_for_done(c, TASK_KILLABLE);
}

int wait_for_completion_interruptible(struct completion *c)
{
	return wait_for_done(c, TASK_INTERRUPTIBLE);
}

// ---- sleeping for a time ----------------------------------------------------------------------------------------------

struct timeout {
	struct timer timer;
	struct task *task;
};

static void timeout_fired(struct timer *t)
{
	wake_up_state(CONTAINER_OF(t, struct timeout, timer)->task, TASK_NORMAL);
}

long schedule_timeout(s64 ns)
{
	if (ns < 0 || ns == KTIME_MAX) {
		schedule();
		return KTIME_MAX;
	}
	struct timeout to = { .task = current };
	ktime_t end = ktime_add_safe(ktime_get(), ns);

	timer_setup(&to.timer, timeout_fired);
	timer_mod(&to.timer, ns);
	schedule();
	timer_del_sync(&to.timer);
	s64 left = end - ktime_get();
	return left > 0 ? left : 0;
}

struct precise_timeout {
	struct hrtimer timer;
	struct task *task;	// cleared when the time is reached
};

static enum hrtimer_restart precise_timeout_fired(struct hrtimer *t)
{
	struct precise_timeout *p = CONTAINER_OF(t, struct precise_timeout, timer);
	struct task *task = p->task;

	WRITE_ONCE(p->task, NULL);
	if (task)
		wake_up_state(task, TASK_NORMAL);
	return HRTIMER_NORESTART;
}

int schedule_hrtimeout(ktime_t *expires, u64 slack, int clock)
{
	if (!expires) {
		schedule();
		return -EINTR;
	}
	if (*expires <= 0) {
		WRITE_ONCE(current->state, TASK_RUNNING);
		return 0;
	}
	struct precise_timeout p = { .task = current };

	hrtimer_setup(&p.timer, clock, precise_timeout_fired);
	hrtimer_start(&p.timer, *expires, slack);
	if (READ_ONCE(p.task))
		schedule();
	hrtimer_cancel(&p.timer);
	WRITE_ONCE(current->state, TASK_RUNNING);
	return READ_ONCE(p.task) ? -EINTR : 0;
}
