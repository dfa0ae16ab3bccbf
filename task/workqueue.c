// Work queues: pools of workers that grow when their workers block.
//
// Lock: pool.lock, interrupts off, is a leaf but for the scheduler's locks. A work's PENDING bit is its ownership: who sets it queues or cancels it; the
// worker clears it just before fn starts. wq->inflight counts queued and running works in two generations, for flush_workqueue().
#include "workqueue.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "kern/panic.h"
#include "kern/rcu.h"
#include "lib/atomic.h"
#include "mm/slab.h"
#include "sched/mutex.h"
#include "task/kthread.h"

#define PENDING 1u
#define LINKED 2u		// the next in the list belongs to it: a barrier
#define GENERATION 4u		// which wq->inflight it counts in
#define IDLE_KEEP 2		// idle workers that stay
#define IDLE_TIME (60 * NSEC_PER_SEC)

struct worker_pool {
	struct spinlock lock;
	int cpu SET_ONCE;		// -1: unbound
	int nice SET_ONCE;
	int max_workers SET_ONCE;	// 0: no limit
	struct list_head works GUARDED_BY(&lock);
	struct list_head idle GUARDED_BY(&lock);	// worker.link
	struct list_head busy GUARDED_BY(&lock);
	int nr_workers GUARDED_BY(&lock);
	int nr_running GUARDED_BY(&lock);	// busy and not asleep
	bool creating GUARDED_BY(&lock);
	bool stopping GUARDED_BY(&lock);
	struct waitq gone;		// workers leave
	struct worker_pool *next_spare;
};

struct worker {
	struct list_head link;		// pool.idle or pool.busy
	struct worker_pool *pool;
	struct task *task;
	struct work *current_work;	// compared, not followed: fn may free it
	struct list_head scheduled;	// works that must follow the current one on this worker
	bool asleep;			// inside fn, not counted in nr_running
};

struct workqueue {
	u32 flags;
	struct worker_pool *own;	// WQ_ORDERED
	struct mutex flush_lock;
	u32 generation ATOMIC;		// 0 or GENERATION; written under flush_lock
	struct atomic inflight[2];
	struct waitq flushed;
};

// For a flush: completes when the works before it are done.
struct barrier_work {
	struct work work;
	struct completion done;
};

static struct lock_class pool_lock_class = { .name = "worker_pool", .ctx = LOCK_HARDIRQ, .nestable = 1 };
static struct lock_class flush_lock_class = { .name = "workqueue.flush", .ctx = LOCK_TASK };
STATIC_PER_CPU(struct worker_pool[2], cpu_pools);	// normal, high priority
static struct worker_pool unbound_pools[2];
// Pools of destroyed ordered queues: works may still point to them, so they are used again but never freed.
DEFINE_LOCK_CLASS(spare_lock_class, LOCK_TASK);
static struct spinlock spare_lock = SPINLOCK_INIT(&spare_lock_class);
static struct worker_pool *spare_pools GUARDED_BY(&spare_lock);
struct workqueue *system_wq, *system_unbound_wq, *system_highpri_wq;

static int worker_main(void *arg);

void work_init(struct work *w, void (*fn)(struct work *w))
{
	*w = (struct work){ .link = LIST_HEAD_INIT(w->link), .fn = fn };
}

bool work_pending(const struct work *w)
{
	return READ_ONCE(w->state) & PENDING;
}

// ---- pools ------------------------------------------------------------------------------------------------------------

static void pool_init(struct worker_pool *p, int cpu, int nice, int max)
{
	*p = (struct worker_pool){ .cpu = cpu, .nice = nice, .max_workers = max };
	spin_init(&p->lock, &pool_lock_class);
	INIT_LIST_HEAD(&p->works);
	INIT_LIST_HEAD(&p->idle);
	INIT_LIST_HEAD(&p->busy);
	waitq_init(&p->gone);
}

static int worker_create(struct worker_pool *p)
{
	struct worker *w = kalloc(sizeof(*w), GFP_KERNEL);
	int err;

	if (!w)
		return -ENOMEM;
	w->pool = p;
	INIT_LIST_HEAD(&w->link);
	INIT_LIST_HEAD(&w->scheduled);
	if (p->cpu >= 0)
		err = kthread_create_on_cpu(&w->task, p->cpu, worker_main, w, "kworker/%d%s", p->cpu, p->nice ? "H" : "");
	else
		err = kthread_create_on_cpu(&w->task, -1, worker_main, w, "kworker/u%s", p->nice ? "H" : "");
	if (err) {
		kfree(w);
		return err;
	}
	if (p->nice)
		sched_set_nice(w->task, p->nice);
	spin_lock_irq(&p->lock);
	p->nr_workers++;
	spin_unlock_irq(&p->lock);
	wake_up_task(w->task);
	return 0;
}

// An idle worker should look at the list.
static void wake_worker(struct worker_pool *p) REQUIRES(&p->lock)
{
	struct worker *w = list_first_entry_or_null(&p->idle, struct worker, link);

	if (w)
		wake_up_task(w->task);
}

static bool need_worker(const struct worker_pool *p) REQUIRES(&p->lock)
{
	return !list_empty(&p->works) && (p->cpu < 0 || p->nr_running == 0);
}

// ---- queueing ---------------------------------------------------------------------------------------------------------

static struct worker *find_running(struct worker_pool *p, const struct work *work) REQUIRES(&p->lock)
{
	struct worker *w;

	list_for_each_entry(w, &p->busy, link)
		if (w->current_work == work)
			return w;
	return NULL;
}

static struct worker_pool *pool_of(struct workqueue *wq, int cpu)
{
	int high = !!(wq->flags & WQ_HIGHPRI);

	if (wq->own)
		return wq->own;
	return wq->flags & WQ_UNBOUND ? &unbound_pools[high] : &per_cpu(cpu_pools, cpu)[high];
}

// Counts a work in the generation that is current after counting: a flush that started earlier waits for it, or it came later.
static u32 count_in(struct workqueue *wq)
{
	u32 generation = READ_ONCE(wq->generation);

	for (;;) {
		atomic_fetch_inc(&wq->inflight[!!generation]);
		u32 now = READ_ONCE(wq->generation);
		if (likely(now == generation))
			return generation;
		if (atomic_dec_and_test(&wq->inflight[!!generation]))
			waitq_wake_all(&wq->flushed);
		generation = now;
	}
}

// The pool for the work: where it still runs, else where it is wanted. Locked.
static struct worker_pool *lock_target(struct work *w, struct worker_pool *wanted) NO_LOCK_ANALYSIS
{
	struct worker_pool *last = READ_ONCE(w->pool);

	if (last && last != wanted) {
		spin_lock(&last->lock);
		if (find_running(last, w))
			return last;
		spin_unlock(&last->lock);
	}
	spin_lock(&wanted->lock);
	return wanted;
}

// The work is ours (PENDING). Interrupts off.
static void insert_work(struct workqueue *wq, struct work *w, int cpu) NO_LOCK_ANALYSIS
{
	u32 generation = count_in(wq);
	struct worker_pool *p = lock_target(w, pool_of(wq, cpu));

	WRITE_ONCE(w->wq, wq);
	WRITE_ONCE(w->pool, p);
	WRITE_ONCE(w->state, PENDING | generation);
	list_add_tail(&w->link, &p->works);
	if (need_worker(p))
		wake_worker(p);
	spin_unlock(&p->lock);
}

static bool set_pending(struct work *w)
{
	return !(__atomic_fetch_or(&w->state, PENDING, __ATOMIC_SEQ_CST) & PENDING);
}

bool queue_work_on(int cpu, struct workqueue *wq, struct work *w)
{
	unsigned long flags = irq_save();
	bool mine = set_pending(w);
	if (mine)
		insert_work(wq, w, cpu);
	irq_restore(flags);
	return mine;
}

bool queue_work(struct workqueue *wq, struct work *w)
{
	preempt_disable();
	bool mine = queue_work_on(this_cpu_read(cpu_hot.cpu), wq, w);
	preempt_enable();
	return mine;
}

// ---- running ----------------------------------------------------------------------------------------------------------

// Moves a work, and what is linked to it, to a worker.
static void assign(struct worker *to, struct work *w)
{
	u32 linked;

	do {
		struct work *next = list_next_entry(w, link);
		linked = READ_ONCE(w->state) & LINKED;
		list_move_tail(&w->link, &to->scheduled);
		w = next;
	} while (linked);
}

// Under RCU: a flush that sees the count at 0 may be the queue's destruction, which waits for a grace period.
static void wq_done(struct workqueue *wq, u32 state)
{
	rcu_read_lock();
	if (wq && atomic_dec_and_test(&wq->inflight[!!(state & GENERATION)]))
		waitq_wake_all(&wq->flushed);
	rcu_read_unlock();
}

// Runs the first of worker->scheduled. Drops the lock meanwhile.
static void run_one(struct worker_pool *p, struct worker *worker) REQUIRES(&p->lock) NO_LOCK_ANALYSIS
{
	struct work *w = list_first_entry(&worker->scheduled, struct work, link);
	void (*fn)(struct work *) = w->fn;
	struct workqueue *wq = w->wq;
	u32 state = w->state;

	worker->current_work = w;
	list_del_init(&w->link);
	// Full barrier: what the queuer wrote before it found PENDING set is seen by fn, else it sets it again.
	xchg(&w->state, 0);
	spin_unlock_irq(&p->lock);
	fn(w);
	wq_done(wq, state);
	if (WARN_ON(preempt_count() || irqs_disabled()))
		irq_enable();
	spin_lock_irq(&p->lock);
	worker->current_work = NULL;
}

// Takes works until there are none or others are awake to do them.
static void run_works(struct worker_pool *p, struct worker *worker) REQUIRES(&p->lock)
{
	while (!list_empty(&p->works)) {
		struct work *w = list_first_entry(&p->works, struct work, link);
		struct worker *other = find_running(p, w);
		if (unlikely(other)) {	// it still runs: afterwards again, by the same worker
			assign(other, w);
			continue;
		}
		assign(worker, w);
		if (p->cpu < 0 && need_worker(p))
			wake_worker(p);	// unbound: everything at once
		while (!list_empty(&worker->scheduled))
			run_one(p, worker);
		if (p->cpu >= 0 && p->nr_running > 1)
			break;		// others woke up again meanwhile
	}
}

// Makes another worker while there is no idle one to take over when we block. One at a time does that.
static void keep_one_idle(struct worker_pool *p) REQUIRES(&p->lock) NO_LOCK_ANALYSIS
{
	if (!list_empty(&p->idle) || p->creating || p->stopping || (p->max_workers && p->nr_workers >= p->max_workers))
		return;
	p->creating = true;
	spin_unlock_irq(&p->lock);
	int err = worker_create(p);
	spin_lock_irq(&p->lock);
	p->creating = false;
	(void)err;	// out of memory: the works wait for those that run
}

static bool superfluous(const struct worker_pool *p) REQUIRES(&p->lock)
{
	return p->stopping || (list_empty(&p->works) && !list_is_singular(&p->idle) && p->nr_workers > IDLE_KEEP);
}

// Waits for work. False: the worker should end; it is out of the lists.
static bool wait_for_work(struct worker_pool *p, struct worker *w) REQUIRES(&p->lock) NO_LOCK_ANALYSIS
{
	list_move(&w->link, &p->idle);
	while (!need_worker(p)) {
		if (p->stopping) {
			list_del_init(&w->link);
			return false;
		}
		set_current_state(TASK_IDLE);
		spin_unlock_irq(&p->lock);
		long left = schedule_timeout(IDLE_TIME);
		spin_lock_irq(&p->lock);
		if (left == 0 && superfluous(p)) {
			list_del_init(&w->link);
			return false;
		}
	}
	list_move(&w->link, &p->busy);
	return true;
}

static int worker_main(void *arg) NO_LOCK_ANALYSIS
{
	struct worker *w = arg;
	struct worker_pool *p = w->pool;

	spin_lock_irq(&p->lock);
	while (wait_for_work(p, w)) {
		p->nr_running++;
		keep_one_idle(p);
		current->flags |= PF_WORKER;
		run_works(p, w);
		current->flags &= ~PF_WORKER;
		p->nr_running--;
	}
	p->nr_workers--;
	waitq_wake_all(&p->gone);
	spin_unlock_irq(&p->lock);
	task_put(w->task);
	kfree(w);
	return 0;
}

// The scheduler's calls. A worker that waits for its pool's lock is not asleep: spinlocks do not get here.
void workqueue_worker_sleeping(struct task *t)
{
	struct worker *w = kthread_data(t);
	struct worker_pool *p = w->pool;

	if (w->asleep)
		return;
	unsigned long flags = spin_lock_irqsave(&p->lock);
	w->asleep = true;
	p->nr_running--;
	if (need_worker(p))
		wake_worker(p);
	spin_unlock_irqrestore(&p->lock, flags);
}

void workqueue_worker_running(struct task *t)
{
	struct worker *w = kthread_data(t);
	struct worker_pool *p = w->pool;

	if (!w->asleep)
		return;
	unsigned long flags = spin_lock_irqsave(&p->lock);
	w->asleep = false;
	p->nr_running++;
	spin_unlock_irqrestore(&p->lock, flags);
}

// ---- flushing and cancelling ------------------------------------------------------------------------------------------

static void barrier_fn(struct work *w)
{
	complete(&CONTAINER_OF(w, struct barrier_work, work)->done);
}

// Locks the pool that the work was last queued on. Null: never queued.
static struct worker_pool *lock_pool(struct work *w, unsigned long *flags) NO_LOCK_ANALYSIS
{
	for (;;) {
		struct worker_pool *p = READ_ONCE(w->pool);
		if (!p)
			return NULL;
		*flags = spin_lock_irqsave(&p->lock);
		if (p == READ_ONCE(w->pool))
			return p;
		spin_unlock_irqrestore(&p->lock, *flags);
	}
}

// Waits for the running instance, and with `pending` for the queued one. True: waited.
static bool wait_for_work_done(struct work *w, bool pending) NO_LOCK_ANALYSIS
{
	struct barrier_work b;
	unsigned long flags;
	struct worker_pool *p = lock_pool(w, &flags);
	struct worker *worker;

	if (!p)
		return false;
	work_init(&b.work, barrier_fn);
	completion_init(&b.done);
	if (pending && !list_empty(&w->link)) {
		u32 linked = w->state & LINKED;	// barriers that are there already come after ours, and stay linked
		b.work.state = PENDING | linked;
		__atomic_fetch_or(&w->state, LINKED, __ATOMIC_SEQ_CST);
		list_add(&b.work.link, &w->link);
	} else if ((worker = find_running(p, w))) {
		b.work.state = PENDING;
		list_add(&b.work.link, &worker->scheduled);
	} else {
		spin_unlock_irqrestore(&p->lock, flags);
		return false;
	}
	spin_unlock_irqrestore(&p->lock, flags);
	wait_for_completion(&b.done);
	return true;
}

bool flush_work(struct work *w)
{
	return wait_for_work_done(w, true);
}

// Takes a pending work out of its list; PENDING stays ours. 1: was queued. 0: was not pending, is ours now. -1: somebody else is at it.
static int grab(struct work *w) NO_LOCK_ANALYSIS
{
	unsigned long flags;

	if (set_pending(w))
		return 0;
	struct worker_pool *p = lock_pool(w, &flags);
	if (!p)
		return -1;
	if (list_empty(&w->link)) {
		spin_unlock_irqrestore(&p->lock, flags);
		return -1;
	}
	u32 state = w->state;
	struct workqueue *wq = w->wq;
	list_del_init(&w->link);	// barriers that were linked to it run as works of their own
	WRITE_ONCE(w->state, PENDING);
	spin_unlock_irqrestore(&p->lock, flags);
	wq_done(wq, state);
	return 1;
}

static bool cancel(struct work *w, struct timer *timer, bool sync)
{
	int got;

	for (;;) {
		if (timer && timer_del_sync(timer)) {
			got = 1;
			break;
		}
		got = grab(w);
		if (got >= 0)
			break;
		// Another canceller, or a queuer between its bit and the list.
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout(NSEC_PER_MSEC);
	}
	if (sync)
		wait_for_work_done(w, false);	// a running fn cannot queue it again: PENDING is ours
	__atomic_fetch_and(&w->state, ~PENDING, __ATOMIC_RELEASE);
	return got == 1;
}

bool cancel_work_sync(struct work *w)
{
	return cancel(w, NULL, true);
}

// ---- delayed work -----------------------------------------------------------------------------------------------------

static void delayed_fired(struct timer *t)
{
	struct delayed_work *d = CONTAINER_OF(t, struct delayed_work, timer);

	unsigned long flags = irq_save();
	insert_work(d->work.wq, &d->work, d->cpu);
	irq_restore(flags);
}

void delayed_work_init(struct delayed_work *d, void (*fn)(struct work *w))
{
	work_init(&d->work, fn);
	timer_setup(&d->timer, delayed_fired);
	d->cpu = 0;
}

static void start_delayed(struct workqueue *wq, struct delayed_work *d, u64 delay_ns)
{
	unsigned long flags = irq_save();
	d->cpu = this_cpu_read(cpu_hot.cpu);
	if (delay_ns == 0) {
		insert_work(wq, &d->work, d->cpu);
	} else {
		WRITE_ONCE(d->work.wq, wq);
		timer_mod(&d->timer, delay_ns);
	}
	irq_restore(flags);
}

bool queue_delayed_work(struct workqueue *wq, struct delayed_work *d, u64 delay_ns)
{
	unsigned long flags = irq_save();
	bool mine = set_pending(&d->work);
	if (mine)
		start_delayed(wq, d, delay_ns);
	irq_restore(flags);
	return mine;
}

bool mod_delayed_work(struct workqueue *wq, struct delayed_work *d, u64 delay_ns)
{
	int got;

	do {
		got = timer_del(&d->timer) ? 1 : grab(&d->work);
		if (got < 0)
			cpu_relax();	// the timer's function or a queuer, with interrupts off
	} while (got < 0);
	start_delayed(wq, d, delay_ns);
	return got == 1;
}

bool cancel_delayed_work(struct delayed_work *d)
{
	return cancel(&d->work, &d->timer, false);
}

bool cancel_delayed_work_sync(struct delayed_work *d)
{
	return cancel(&d->work, &d->timer, true);
}

bool flush_delayed_work(struct delayed_work *d)
{
	if (timer_del_sync(&d->timer)) {
		unsigned long flags = irq_save();
		insert_work(d->work.wq, &d->work, this_cpu_read(cpu_hot.cpu));
		irq_restore(flags);
	}
	return flush_work(&d->work);
}

// ---- queues -----------------------------------------------------------------------------------------------------------

void flush_workqueue(struct workqueue *wq)
{
	mutex_lock(&wq->flush_lock);
	u32 old = wq->generation;
	__atomic_store_n(&wq->generation, old ^ GENERATION, __ATOMIC_SEQ_CST);
	WAIT_EVENT(&wq->flushed, atomic_read(&wq->inflight[!!old]) == 0);
	mutex_unlock(&wq->flush_lock);
}

static void spare_pool(struct worker_pool *p)
{
	spin_lock(&spare_lock);
	p->next_spare = spare_pools;
	spare_pools = p;
	spin_unlock(&spare_lock);
}

// A pool of one worker, still to be made.
static struct worker_pool *ordered_pool(int nice) NO_LOCK_ANALYSIS	// not published yet
{
	spin_lock(&spare_lock);
	struct worker_pool *p = spare_pools;
	if (p)
		spare_pools = p->next_spare;
	spin_unlock(&spare_lock);
	if (p) {
		p->nice = nice;
		p->stopping = false;
		return p;
	}
	p = kalloc(sizeof(*p), GFP_KERNEL);
	if (p)
		pool_init(p, -1, nice, 1);
	return p;
}

int workqueue_create(const char *name, u32 flags, struct workqueue **out)
{
	struct workqueue *wq = kalloc(sizeof(*wq), GFP_KERNEL);
	int err = -ENOMEM;

	(void)name;
	if (!wq)
		return -ENOMEM;
	wq->flags = flags;
	mutex_init(&wq->flush_lock, &flush_lock_class);
	waitq_init(&wq->flushed);
	if (flags & WQ_ORDERED) {
		wq->own = ordered_pool(flags & WQ_HIGHPRI ? -20 : 0);
		if (!wq->own)
			goto free_wq;
		err = worker_create(wq->own);
		if (err)
			goto free_pool;
	}
	*out = wq;
	return 0;
free_pool:
	spare_pool(wq->own);
free_wq:
	kfree(wq);
	return err;
}

static int pool_workers(struct worker_pool *p)
{
	spin_lock_irq(&p->lock);
	int n = p->nr_workers;
	spin_unlock_irq(&p->lock);
	return n;
}

static void pool_destroy(struct worker_pool *p) NO_LOCK_ANALYSIS
{
	spin_lock_irq(&p->lock);
	p->stopping = true;
	wake_worker(p);
	spin_unlock_irq(&p->lock);
	WAIT_EVENT(&p->gone, pool_workers(p) == 0);
	spare_pool(p);
}

void workqueue_destroy(struct workqueue *wq)
{
	flush_workqueue(wq);
	flush_workqueue(wq);	// what was queued by works of the first generation
	if (wq->own)
		pool_destroy(wq->own);
	synchronize_rcu();
	kfree(wq);
}

static void pool_start(struct worker_pool *p)
{
	if (worker_create(p))
		panic("cannot start the first worker of a pool");
}

void workqueue_init(void)
{
	for_each_possible_cpu(cpu)
		for (int high = 0; high < 2; high++) {
			struct worker_pool *p = &per_cpu(cpu_pools, cpu)[high];
			pool_init(p, cpu, high ? -20 : 0, 0);
			if (cpumask_test(cpu, &cpu_online_mask))
				pool_start(p);
		}
	for (int high = 0; high < 2; high++) {
		pool_init(&unbound_pools[high], -1, high ? -20 : 0, 0);
		pool_start(&unbound_pools[high]);
	}
	if (workqueue_create("events", 0, &system_wq) || workqueue_create("events_unbound", WQ_UNBOUND, &system_unbound_wq) ||
	    workqueue_create("events_highpri", WQ_HIGHPRI, &system_highpri_wq))
		panic("cannot make the system work queues");
}
