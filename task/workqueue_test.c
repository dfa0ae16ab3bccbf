// Tests of work queues.
#include "workqueue.h"
#include "lib/ktest.h"
#include "sched/sched.h"

struct counted_work {
	struct work work;
	struct atomic runs;
	struct completion *wait;	// sleeps there when not null
	struct completion entered;
};

static void count_fn(struct work *w)
{
	struct counted_work *c = CONTAINER_OF(w, struct counted_work, work);

	atomic_inc(&c->runs);
	if (c->wait) {
		complete(&c->entered);
		wait_for_completion(c->wait);
	}
}

static void counted_init(struct counted_work *c, struct completion *wait)
{
	*c = (struct counted_work){ .wait = wait };
	work_init(&c->work, count_fn);
	completion_init(&c->entered);
}

KTEST(workqueue, flush_waits_and_a_pending_work_is_queued_once)
{
	struct counted_work c;

	counted_init(&c, NULL);
	CHECK(!flush_work(&c.work));
	preempt_disable();
	CHECK(schedule_work(&c.work));
	CHECK(!schedule_work(&c.work));
	preempt_enable();
	flush_work(&c.work);
	CHECK_EQ(atomic_read(&c.runs), 1);
	CHECK(!work_pending(&c.work));
}

KTEST(workqueue, a_blocked_work_does_not_hold_up_others)
{
	struct completion go;
	struct counted_work blocked[3], free_one;

	completion_init(&go);
	for (int i = 0; i < 3; i++) {
		counted_init(&blocked[i], &go);
		schedule_work(&blocked[i].work);
		wait_for_completion(&blocked[i].entered);
	}
	counted_init(&free_one, NULL);
	schedule_work(&free_one.work);
	flush_work(&free_one.work);
	CHECK_EQ(atomic_read(&free_one.runs), 1);
	// Queued again while it runs: it runs again, afterwards, not beside itself.
	schedule_work(&blocked[0].work);
	schedule_yield();
	CHECK_EQ(atomic_read(&blocked[0].runs), 1);
	complete_all(&go);
	for (int i = 0; i < 3; i++)
		flush_work(&blocked[i].work);
	CHECK_EQ(atomic_read(&blocked[0].runs), 2);
	flush_workqueue(system_wq);
}

KTEST(workqueue, cancel_takes_out_what_is_pending)
{
	struct counted_work c;
	struct delayed_work d;

	counted_init(&c, NULL);
	preempt_disable();
	schedule_work(&c.work);
	preempt_enable();
	cancel_work_sync(&c.work);
	CHECK_LE(atomic_read(&c.runs), 1);
	CHECK(!work_pending(&c.work));
	delayed_work_init(&d, count_fn);
	CHECK(queue_delayed_work(system_wq, &d, 3600 * NSEC_PER_SEC));
	CHECK(!queue_delayed_work(system_wq, &d, 1));
	CHECK(mod_delayed_work(system_wq, &d, 1800 * NSEC_PER_SEC));
	CHECK(cancel_delayed_work_sync(&d));
	CHECK(!cancel_delayed_work_sync(&d));
}

struct ordered_work {
	struct work work;
	int number;
	int *last;
	bool *wrong;
};

static void ordered_fn(struct work *w)
{
	struct ordered_work *o = CONTAINER_OF(w, struct ordered_work, work);

	if (*o->last != o->number - 1)
		*o->wrong = true;
	schedule_yield();
	*o->last = o->number;
}

KTEST(workqueue, an_ordered_queue_keeps_the_order)
{
	struct ordered_work works[20];
	struct workqueue *wq;
	int last = -1;
	bool wrong = false;

	REQUIRE(workqueue_create("test", WQ_ORDERED, &wq) == 0);
	for (int i = 0; i < 20; i++) {
		works[i] = (struct ordered_work){ .number = i, .last = &last, .wrong = &wrong };
		work_init(&works[i].work, ordered_fn);
		CHECK(queue_work(wq, &works[i].work));
	}
	flush_workqueue(wq);
	CHECK_EQ(last, 19);
	CHECK(!wrong);
	workqueue_destroy(wq);
}
