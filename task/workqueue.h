// task/workqueue.h - functions that run soon in a kernel thread, where they may sleep. Code: workqueue.c.
//
// Each CPU has a pool of workers, normal and high priority; unbound work has a pool for all CPUs. A bound pool runs one work at a time until that
// blocks, then the next; pools grow while all their workers are blocked or busy, and shrink when workers have been idle.
//
// One struct work never runs on two workers at once, and is queued at most once: queueing what is pending does nothing.
// fn may free its work. Queueing happens before fn starts: what the queuer wrote before, fn sees.
#pragma once
#include "lib/list.h"
#include "lib/types.h"
#include "sched/waitq.h"
#include "time/timer.h"

struct workqueue;
struct worker_pool;

struct work {
	struct list_head link;		// in the pool's list: the pool's lock
	void (*fn)(struct work *w);
	struct worker_pool *pool ATOMIC;	// where it was queued last
	struct workqueue *wq ATOMIC;	// while pending
	u32 state ATOMIC;		// WORK_PENDING...
};

struct delayed_work {
	struct work work;
	struct timer timer;
	int cpu;
};

#define WORK_INIT(name, f) { .link = LIST_HEAD_INIT((name).link), .fn = (f) }
void work_init(struct work *w, void (*fn)(struct work *w));
void delayed_work_init(struct delayed_work *d, void (*fn)(struct work *w));
static inline struct delayed_work *to_delayed_work(struct work *w) { return CONTAINER_OF(w, struct delayed_work, work); }

#define WQ_UNBOUND 1u		// any CPU, any number at a time: for work that computes long
#define WQ_HIGHPRI 2u		// workers of nice -20
#define WQ_ORDERED 4u		// one at a time, in the order of queueing, by a thread of its own; also makes progress without memory
// Makes a queue. Context: task. 0 or -ENOMEM, -EAGAIN.
MUST_CHECK int workqueue_create(const char *name, u32 flags, struct workqueue **out);
void workqueue_destroy(struct workqueue *wq);	// flushes first. Nobody queues any more

extern struct workqueue *system_wq, *system_unbound_wq, *system_highpri_wq;

// Queue; true: was not pending. Context: any.
bool queue_work(struct workqueue *wq, struct work *w);		// this CPU's pool
bool queue_work_on(int cpu, struct workqueue *wq, struct work *w);
bool queue_delayed_work(struct workqueue *wq, struct delayed_work *d, u64 delay_ns);
bool mod_delayed_work(struct workqueue *wq, struct delayed_work *d, u64 delay_ns);	// sets the delay anew; true: was pending
static inline bool schedule_work(struct work *w) { return queue_work(system_wq, w); }

// Context of the rest: task, may sleep; not from the work itself.
bool flush_work(struct work *w);		// until its last queueing has run. True: had to wait
bool cancel_work_sync(struct work *w);		// neither pending nor running afterwards. True: was pending
bool flush_delayed_work(struct delayed_work *d);	// runs it now
bool cancel_delayed_work(struct delayed_work *d);	// does not wait for a running one. True: was pending
bool cancel_delayed_work_sync(struct delayed_work *d);
void flush_workqueue(struct workqueue *wq);	// until everything queued before has run
bool work_pending(const struct work *w);
void workqueue_init(void);			// start-up, once kthreads work
