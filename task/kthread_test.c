// Tests of scheduling with real threads: kthreads, wait queues, completions, sleeping locks, real-time policy, affinity.
#include "kthread.h"
#include "kern/rcu.h"
#include "lib/ktest.h"
#include "mm/slab.h"
#include "sched/mutex.h"
#include "sched/percpu_rwsem.h"
#include "sched/waitq.h"

#define NR_THREADS 4
#define ROUNDS 500

struct seven {
	int ran;
	struct completion started;
};

static int returns_seven(void *arg)
{
	struct seven *s = arg;

	complete(&s->started);
	while (!kthread_should_stop()) {
		set_current_state(TASK_IDLE);
		if (!kthread_should_stop())
			schedule();
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	s->ran++;
	return 7;
}

KTEST(kthread, stop_returns_what_the_thread_returned)
{
	struct task *t;
	struct seven s = {};

	completion_init(&s.started);
	REQUIRE(kthread_run(&t, returns_seven, &s, "test") == 0);
	wait_for_completion(&s.started);	// else it may be stopped before it has begun
	CHECK_EQ(kthread_stop(t), 7);
	CHECK_EQ(s.ran, 1);
}

KTEST(kthread, one_that_was_never_started_does_not_run)
{
	struct task *t;
	struct seven s = {};

	completion_init(&s.started);
	REQUIRE(kthread_create_on_cpu(&t, 0, returns_seven, &s, "test") == 0);
	CHECK_EQ(kthread_stop(t), -EINTR);
	CHECK_EQ(s.ran, 0);
}

struct parker {
	u32 rounds;
};

static int parks(void *arg)
{
	struct parker *p = arg;

	while (!kthread_should_stop()) {
		if (kthread_should_park())
			kthread_parkme();
		WRITE_ONCE(p->rounds, p->rounds + 1);
		schedule_yield();
	}
	return 0;
}

KTEST(kthread, a_parked_thread_stands_still)
{
	struct parker p = {};
	struct task *t;

	REQUIRE(kthread_run(&t, parks, &p, "test") == 0);
	CHECK_EQ(kthread_park(t), 0);
	u32 rounds = READ_ONCE(p.rounds);
	for (int i = 0; i < 10; i++)
		schedule_yield();
	wake_up_task(t);	// an ordinary wake-up does not end it
	schedule_yield();
	CHECK_EQ(READ_ONCE(p.rounds), rounds);
	kthread_unpark(t);
	while (READ_ONCE(p.rounds) == rounds)
		schedule_yield();
	kthread_stop(t);
}

struct pingpong {
	struct waitq q[2];
	u32 turn;
};

static int pong(void *arg)
{
	struct pingpong *p = arg;

	for (int i = 0; i < ROUNDS; i++) {
		WAIT_EVENT(&p->q[1], READ_ONCE(p->turn) == 1);
		WRITE_ONCE(p->turn, 0);
		waitq_wake_one(&p->q[0]);
	}
	return 0;
}

KTEST(waitq, no_wake_up_is_lost)
{
	struct pingpong p = {};
	struct task *t;

	waitq_init(&p.q[0]);
	waitq_init(&p.q[1]);
	REQUIRE(kthread_run(&t, pong, &p, "test") == 0);
	for (int i = 0; i < ROUNDS; i++) {
		WRITE_ONCE(p.turn, 1);
		waitq_wake_one(&p.q[1]);
		WAIT_EVENT(&p.q[0], READ_ONCE(p.turn) == 0);
	}
	CHECK_EQ(kthread_stop(t), 0);
}

struct contest {
	struct mutex mutex;
	struct rwsem sem;
	struct percpu_rwsem *percpu;
	struct completion done;
	u64 counter, shared, shared_copy;
	struct atomic bad;
};

DEFINE_LOCK_CLASS(contest_mutex_class, LOCK_TASK);
DEFINE_LOCK_CLASS(contest_sem_class, LOCK_TASK);
STATIC_PER_CPU(s64, contest_readers);
DEFINE_LOCK_CLASS(contest_percpu_class, LOCK_TASK);
static struct percpu_rwsem contest_percpu;

static int uses_mutex(void *arg)
{
	struct contest *c = arg;

	for (int i = 0; i < ROUNDS; i++) {
		mutex_lock(&c->mutex);
		u64 v = c->counter;
		if (i % 3 == 0)
			schedule_yield();	// lets the others run into it
		c->counter = v + 1;
		mutex_unlock(&c->mutex);
	}
	complete(&c->done);
	return 0;
}

static void contest_init(struct contest *c)
{
	*c = (struct contest){ .percpu = &contest_percpu };
	mutex_init(&c->mutex, &contest_mutex_class);
	rwsem_init(&c->sem, &contest_sem_class);
	completion_init(&c->done);
	percpu_rwsem_init(&contest_percpu, &contest_readers, &contest_percpu_class);
}

static bool run_contest(struct contest *c, int (*fn)(void *))
{
	for (int i = 0; i < NR_THREADS; i++)
		if (!CHECK_EQ(kthread_run(NULL, fn, c, "test/%d", i), 0))
			return false;
	for (int i = 0; i < NR_THREADS; i++)
		wait_for_completion(&c->done);
	return true;
}

KTEST(mutex, one_at_a_time)
{
	struct contest c;

	contest_init(&c);
	REQUIRE(run_contest(&c, uses_mutex));
	CHECK_EQ(c.counter, NR_THREADS * ROUNDS);
	CHECK(!mutex_is_locked(&c.mutex));
	CHECK(mutex_trylock(&c.mutex));
	mutex_unlock(&c.mutex);
}

static int uses_rwsem(void *arg)
{
	struct contest *c = arg;

	for (int i = 0; i < ROUNDS; i++) {
		if (i % 4 == 0) {
			down_write(&c->sem);
			c->shared++;
			schedule_yield();
			c->shared_copy++;
			if (i % 8 == 0) {
				downgrade_write(&c->sem);
				if (c->shared != c->shared_copy)
					atomic_inc(&c->bad);
				up_read(&c->sem);
			} else {
				up_write(&c->sem);
			}
		} else {
			down_read(&c->sem);
			if (i % 5 == 0)
				schedule_yield();
			if (READ_ONCE(c->shared) != READ_ONCE(c->shared_copy))
				atomic_inc(&c->bad);
			up_read(&c->sem);
		}
	}
	complete(&c->done);
	return 0;
}

KTEST(rwsem, readers_see_whole_writes)
{
	struct contest c;

	contest_init(&c);
	REQUIRE(run_contest(&c, uses_rwsem));
	CHECK_EQ(atomic_read(&c.bad), 0);
	CHECK_EQ(c.shared, NR_THREADS * ((ROUNDS + 3) / 4));
	CHECK(down_write_trylock(&c.sem));
	CHECK(!down_read_trylock(&c.sem));
	up_write(&c.sem);
}

static int uses_percpu_rwsem(void *arg)
{
	struct contest *c = arg;

	for (int i = 0; i < 60; i++) {
		if (i % 20 == 0) {
			percpu_down_write(c->percpu);
			c->shared++;
			schedule_yield();
			c->shared_copy++;
			percpu_up_write(c->percpu);
		}
		percpu_down_read(c->percpu);
		if (i % 3 == 0)
			schedule_yield();
		if (READ_ONCE(c->shared) != READ_ONCE(c->shared_copy))
			atomic_inc(&c->bad);
		percpu_up_read(c->percpu);
	}
	complete(&c->done);
	return 0;
}

KTEST(percpu_rwsem, readers_see_whole_writes)
{
	struct contest c;

	contest_init(&c);
	REQUIRE(run_contest(&c, uses_percpu_rwsem));
	CHECK_EQ(atomic_read(&c.bad), 0);
	CHECK_EQ(c.shared, NR_THREADS * 3);
}

KTEST(sched, parameters_are_checked_and_kept)
{
	struct sched_params p = { .policy = 1, .rt_priority = 0 }, q;

	CHECK_EQ(sched_set_params(current, &p), -EINVAL);
	p.rt_priority = 100;
	CHECK_EQ(sched_set_params(current, &p), -EINVAL);
	p.rt_priority = 50;
	CHECK_EQ(sched_set_params(current, &p), 0);
	sched_get_params(current, &q);
	CHECK_EQ(q.policy, 1);
	CHECK_EQ(q.rt_priority, 50);
	p = (struct sched_params){ .policy = 0, .nice = 3 };
	CHECK_EQ(sched_set_params(current, &p), 0);
	sched_get_params(current, &q);
	CHECK_EQ(q.nice, 3);
	sched_set_nice(current, 0);
	p = (struct sched_params){ .policy = 4 };
	CHECK_EQ(sched_set_params(current, &p), -EINVAL);
}

KTEST(sched, affinity_moves_the_caller)
{
	struct cpumask m = {}, old;

	sched_get_affinity(current, &old);
	CHECK_EQ(sched_set_affinity(current, &m), -EINVAL);
	for_each_online_cpu(cpu) {
		m = (struct cpumask){};
		cpumask_set(cpu, &m);
		CHECK_EQ(sched_set_affinity(current, &m), 0);
		CHECK_EQ(task_cpu(current), cpu);
	}
	CHECK_EQ(sched_set_affinity(current, &old), 0);
}
