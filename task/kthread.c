// Kernel threads: made by kthreadd on request, stopped, parked; and the softirq threads.
#include "kthread.h"
#include "arch/irq.h"
#include "arch/thread.h"
#include "kern/panic.h"
#include "kern/softirq.h"
#include "lib/fmt.h"
#include "mm/slab.h"
#include "sched/waitq.h"
#include "task/process.h"

#define KTHREAD_STOP 1u
#define KTHREAD_PARK 2u
#define KTHREAD_PARKED 4u
#define KTHREAD_ENDED 8u

struct kthread {
	u32 flags ATOMIC;
	int result;			// valid once ended
	int (*fn)(void *arg);
	void *arg;
	int cpu;			// -1: any
	struct task *task;
	struct waitq wait;		// for flags to change
	// While it is being made.
	struct list_head link;
	int err;
	struct completion *made;	// null once the creator has gone on
	char name[16];
};

DEFINE_LOCK_CLASS(requests_lock_class, LOCK_TASK);
static struct spinlock requests_lock = SPINLOCK_INIT(&requests_lock_class);
static LIST_HEAD(requests);		// of kthread.link, under requests_lock
static struct waitq kthreadd_wait = WAITQ_INIT(kthreadd_wait);

static struct kthread *kthread_of(struct task *t)
{
	return READ_ONCE(t->kthread);
}

static void set_flag(struct kthread *k, u32 flag)
{
	__atomic_fetch_or(&k->flags, flag, __ATOMIC_SEQ_CST);
}

static void clear_flag(struct kthread *k, u32 flag)
{
	__atomic_fetch_and(&k->flags, ~flag, __ATOMIC_SEQ_CST);
}

static bool has_flag(const struct kthread *k, u32 flag)
{
	return READ_ONCE(k->flags) & flag;
}

// ---- the new thread ---------------------------------------------------------------------------------------------------

static int kthread_main(void *arg)
{
	struct kthread *k = arg;

	// The creator owns the thread once `made` is complete; until it wakes us we sleep here.
	set_current_state(TASK_UNINTERRUPTIBLE);
	complete(k->made);
	schedule();
	k->result = has_flag(k, KTHREAD_STOP) ? -EINTR : k->fn(k->arg);
	set_flag(k, KTHREAD_ENDED);
	waitq_wake_all(&k->wait);
	do_exit(0);
}

static void make_thread(struct kthread *k)
{
	struct task *t;
	int err = fork_kernel_thread(kthread_main, k, &t);

	if (err) {
		k->err = err;
		complete(k->made);
		return;
	}
	t->kthread = k;
	k->task = t;
	for (int i = 0; i < 16; i++)
		t->comm[i] = k->name[i];
	if (k->cpu >= 0) {
		struct cpumask m = {};
		cpumask_set(k->cpu, &m);
		t->cpus_allowed = m;
		t->nr_cpus_allowed = 1;
		t->flags |= PF_NO_SETAFFINITY;
	}
	wake_up_new(t);
}

static int kthreadd(void *arg)
{
	struct kthread *k;

	(void)arg;
	for (;;) {
		WAIT_EVENT_IDLE(&kthreadd_wait, !list_empty(&requests));
		spin_lock(&requests_lock);
		k = list_first_entry_or_null(&requests, struct kthread, link);
		if (k)
			list_del_init(&k->link);
		spin_unlock(&requests_lock);
		if (k)
			make_thread(k);
	}
	return 0;
}

// ---- creation ---------------------------------------------------------------------------------------------------------

PRINTF(5, 0) static int create(struct task **out, int cpu, int (*fn)(void *arg), void *arg, const char *fmt, va_list ap)
{
	struct completion made;
	struct kthread *k = kalloc(sizeof(*k), GFP_KERNEL);

	if (!k)
		return -ENOMEM;
	completion_init(&made);
	*k = (struct kthread){ .fn = fn, .arg = arg, .cpu = cpu, .made = &made };
	waitq_init(&k->wait);
	vsnprintf(k->name, sizeof(k->name), fmt, ap);
	spin_lock(&requests_lock);
	list_add_tail(&k->link, &requests);
	spin_unlock(&requests_lock);
	waitq_wake_all(&kthreadd_wait);
	wait_for_completion(&made);
	if (k->err) {
		int err = k->err;
		kfree(k);
		return err;
	}
	*out = k->task;
	return 0;
}

int kthread_create_on_cpu(struct task **out, int cpu, int (*fn)(void *arg), void *arg, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int err = create(out, cpu, fn, arg, fmt, ap);
	va_end(ap);
	return err;
}

int kthread_run(struct task **out, int (*fn)(void *arg), void *arg, const char *fmt, ...)
{
	struct task *t;
	va_list ap;

	va_start(ap, fmt);
	int err = create(&t, -1, fn, arg, fmt, ap);
	va_end(ap);
	if (err)
		return err;
	wake_up_task(t);
	if (out)
		*out = t;
	else
		task_put(t);
	return 0;
}

void kthread_free(struct task *t)
{
	kfree(t->kthread);
}

// ---- stopping and parking ---------------------------------------------------------------------------------------------

void *kthread_data(struct task *t)
{
	return kthread_of(t)->arg;
}

bool kthread_should_stop(void)
{
	return has_flag(kthread_of(current), KTHREAD_STOP);
}

int kthread_stop(struct task *t)
{
	struct kthread *k = kthread_of(t);

	set_flag(k, KTHREAD_STOP);
	clear_flag(k, KTHREAD_PARK);
	wake_up_state(t, TASK_NORMAL | TASK_PARKED);
	WAIT_EVENT(&k->wait, has_flag(k, KTHREAD_ENDED));
	int result = k->result;
	task_put(t);
	return result;
}

bool kthread_should_park(void)
{
	return has_flag(kthread_of(current), KTHREAD_PARK);
}

void kthread_parkme(void)
{
	struct kthread *k = kthread_of(current);

	for (;;) {
		// Special: a late ordinary wake-up must not end the parking.
		set_special_state(TASK_PARKED);
		if (!has_flag(k, KTHREAD_PARK))
			break;
		set_flag(k, KTHREAD_PARKED);
		waitq_wake_all(&k->wait);
		schedule();
	}
	set_current_state(TASK_RUNNING);
	clear_flag(k, KTHREAD_PARKED);
}

int kthread_park(struct task *t)
{
	struct kthread *k = kthread_of(t);

	if (has_flag(k, KTHREAD_ENDED))
		return -ENOSYS;
	set_flag(k, KTHREAD_PARK);
	wake_up_task(t);
	WAIT_EVENT(&k->wait, has_flag(k, KTHREAD_PARKED | KTHREAD_ENDED));
	return has_flag(k, KTHREAD_ENDED) ? -ENOSYS : 0;
}

void kthread_unpark(struct task *t)
{
	clear_flag(kthread_of(t), KTHREAD_PARK);
	wake_up_state(t, TASK_PARKED);
}

void kthread_init(void)
{
	struct task *t;

	if (fork_kernel_thread(kthreadd, NULL, &t))
		panic("cannot start kthreadd");
	for (int i = 0; i < 9; i++)
		t->comm[i] = "kthreadd"[i];
	wake_up_new(t);
	task_put(t);
}

int sched_idle_create(int cpu, struct task **out)
{
	struct task *t;
	int err = task_alloc(&t);

	if (err)
		return err;
	t->flags |= PF_IDLE | PF_KTHREAD;
	snprintf(t->comm, sizeof(t->comm), "swapper/%d", cpu);
	arch_thread_init_idle(t);
	*out = t;
	return 0;
}

// ---- softirq threads --------------------------------------------------------------------------------------------------

static int softirq_thread_main(void *arg)
{
	(void)arg;
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		irq_disable();
		if (!softirq_pending()) {
			irq_enable();
			schedule();
			continue;
		}
		WRITE_ONCE(current->state, TASK_RUNNING);
		softirq_run();
		irq_enable();
	}
	return 0;
}

void softirq_threads_init(void)
{
	for_each_online_cpu(cpu) {
		struct task *t;
		if (kthread_create_on_cpu(&t, cpu, softirq_thread_main, NULL, "ksoftirqd/%d", cpu))
			panic("cannot start ksoftirqd/%d", cpu);
		sched_set_softirq_thread(cpu, t);	// keeps the reference for ever
		wake_up_task(t);
	}
}
