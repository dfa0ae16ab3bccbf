// Tasks and processes as objects: allocation, the tasklist lock, limits, task work.
#include "task/process.h"
#include "arch/cpu.h"
#include "kern/fail.h"
#include "kern/panic.h"
#include "kern/upcalls.h"
#include "kern/rculist.h"
#include "lib/string.h"
#include "mm/folio.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"
#include "task/cred.h"
#include "task/kthread.h"
#include "task/nsproxy.h"
#include "task/signal.h"
#include <linux/resource.h>

static struct kmem_cache *task_cache RO_AFTER_INIT, *process_cache RO_AFTER_INIT;
struct list_head process_list = LIST_HEAD_INIT(process_list);
struct atomic nr_threads;
int max_threads RO_AFTER_INIT;

DEFINE_LOCK_CLASS(alloc_lock_class, LOCK_TASK);
DEFINE_LOCK_CLASS(stats_lock_class, LOCK_TASK);

#define INF { RLIM_INF, RLIM_INF }
struct process init_process = {
	.ref = REF_INIT(1),
	.live = ATOMIC_INIT(1),
	.nr_threads = 1,
	.threads = LIST_HEAD_INIT(init_process.threads),
	.leader = &init_task,
	.children = LIST_HEAD_INIT(init_process.children),
	.sibling = LIST_HEAD_INIT(init_process.sibling),
	.all = LIST_HEAD_INIT(init_process.all),
	.pending_queue = LIST_HEAD_INIT(init_process.pending_queue),
	.wait_child = WAITQ_INIT(init_process.wait_child),
	.rlim = {
		[RLIMIT_CPU] = INF, [RLIMIT_FSIZE] = INF, [RLIMIT_DATA] = INF, [RLIMIT_STACK] = { 8 << 20, RLIM_INF },
		[RLIMIT_CORE] = { 0, RLIM_INF }, [RLIMIT_RSS] = INF, [RLIMIT_NOFILE] = { 1024, 4096 },
		[RLIMIT_MEMLOCK] = { 8 << 20, 8 << 20 }, [RLIMIT_AS] = INF, [RLIMIT_LOCKS] = INF,
		[RLIMIT_MSGQUEUE] = { 819200, 819200 }, [RLIMIT_RTTIME] = INF,
	},
	.stats_lock = SEQLOCK_INIT(&stats_lock_class),
};
#undef INF

// The pid of CPU 0's idle task: not found by number, parent and group of nobody that can be seen.
static struct {
	struct pid pid;
	struct upid number;
} init_struct_pid = { .pid = { .ref = REF_INIT(1), .wait_pidfd = WAITQ_INIT(init_struct_pid.pid.wait_pidfd) }, .number = { .nr = 0, .ns = &init_pid_ns } };

// ---- the tasklist lock ------------------------------------------------------------------------------------------------
// Readers count themselves; a writer first excludes other writers, says that it waits, then waits for the readers to leave. Tasks do not begin to
// read while a writer waits: it has interrupts off, and programs can read at will (kill(2) of a group). Interrupts do: their CPU may be reading already.

#define WRITER 0x40000000
#define WRITER_WAITS 0x20000000
STATIC_SPINLOCK(tasklist_writers, LOCK_TASK);
static struct atomic tasklist_count;

void tasklist_read_lock(void)
{
	int n;

	preempt_disable();
	n = atomic_read(&tasklist_count);
	do {
		while ((n & WRITER) || ((n & WRITER_WAITS) && !in_interrupt())) {
			cpu_relax();
			n = atomic_read(&tasklist_count);
		}
	} while (!atomic_try_cmpxchg_acquire(&tasklist_count, &n, n + 1));
}

void tasklist_read_unlock(void)
{
	(void)atomic_fetch_add_release(&tasklist_count, -1);
	preempt_enable();
}

void tasklist_write_lock_irq(void) NO_LOCK_ANALYSIS
{
	int free = 0;

	// An interrupt on this CPU may read, so interrupts go off before the lock is ours.
	spin_lock(&tasklist_writers);
	irq_disable();
	if (likely(atomic_try_cmpxchg_acquire(&tasklist_count, &free, WRITER)))
		return;
	atomic_or(&tasklist_count, WRITER_WAITS);
	do {
		cpu_relax();
		free = WRITER_WAITS;
	} while (!atomic_try_cmpxchg_acquire(&tasklist_count, &free, WRITER));
}

void tasklist_write_unlock_irq(void) NO_LOCK_ANALYSIS
{
	atomic_set_release(&tasklist_count, 0);
	irq_enable();
	spin_unlock(&tasklist_writers);
}

// ---- tasks ------------------------------------------------------------------------------------------------------------

// Everything that a child does not inherit is reset here, in the order of struct task.
static void task_reset(struct task *t)
{
	t->work = 0;
	t->entry_work = current->entry_work & ENTRY_WORK_TRACE;
	t->flags &= ~(PF_SUPERPRIV | PF_WORKER | PF_NO_SETAFFINITY | PF_MEMALLOC | PF_NOIO | PF_NOFS | PF_SIGNALED | PF_VFORK_PARENT_WAITS |
		      PF_OOM_VICTIM | PF_DUMPCORE | PF_KTHREAD);
	t->flags |= PF_FORKNOEXEC;
	t->arch = (struct arch_thread){};
	ref_init(&t->ref, 2);
	t->start_time = ktime_get();
	t->start_boottime = t->start_time + ktime_boot_offset();
	t->mm = t->active_mm = NULL;
	t->min_flt = t->maj_flt = 0;
	t->reclaim_state = NULL;
	t->thread_pid = NULL;
	t->process = NULL;
	INIT_LIST_HEAD(&t->thread_node);
	RCU_INIT_POINTER(t->cred, NULL);
	RCU_INIT_POINTER(t->real_cred, NULL);
	t->files = NULL;
	t->fs = NULL;
	t->nsproxy = NULL;
	t->sighand = NULL;
	spin_init(&t->alloc_lock, &alloc_lock_class);
	t->real_blocked = t->saved_sigmask = 0;
	t->pending_set = 0;
	INIT_LIST_HEAD(&t->pending_queue);
	t->jobctl = 0;
	t->task_works = NULL;
	t->clear_child_tid = t->set_child_tid = t->robust_list = UPTR_NULL;
	t->robust_list_len = 0;
	t->vfork_done = NULL;
	t->exit_code = t->exit_state = t->pdeath_signal = 0;
	t->futex_pi_state = NULL;
	t->in_execve = 0;
	t->restart_fn = NULL;
	t->nameidata = t->plug = t->trace_state = t->kthread = NULL;
	t->fail_nth = 0;
#ifdef CONFIG_LOCKCHECK
	t->locks = (struct lock_stack){};
#endif
}

int task_alloc(struct task **out)
{
	struct task *t = kmem_cache_alloc(task_cache, GFP_KERNEL | GFP_UNINIT);
	void *stack;

	if (!t)
		return -ENOMEM;
	stack = kstack_alloc();
	if (!stack) {
		kmem_cache_free(task_cache, t);
		return -ENOMEM;
	}
	memcpy(t, current, sizeof(*t));
	t->stack = stack;
	task_reset(t);
	atomic_inc(&nr_threads);
	*out = t;
	return 0;
}

void task_free(struct task *t)
{
	kthread_free(t);
	arch_thread_free(t);
	exit_creds(t);
	if (t->process)
		process_put(t->process);
	kstack_free(t->stack);
	kmem_cache_free(task_cache, t);
	atomic_dec(&nr_threads);
}

// ---- processes --------------------------------------------------------------------------------------------------------

int process_alloc(struct process **out)
{
	struct process *p = kmem_cache_alloc(process_cache, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	ref_init(&p->ref, 1);
	atomic_set(&p->live, 1);
	p->nr_threads = 1;
	INIT_LIST_HEAD(&p->threads);
	INIT_LIST_HEAD(&p->children);
	INIT_LIST_HEAD(&p->sibling);
	INIT_LIST_HEAD(&p->all);
	waitq_init(&p->wait_child);
	INIT_LIST_HEAD(&p->pending_queue);
	spin_init(&p->stats_lock.lock, &stats_lock_class);
	*out = p;
	return 0;
}

static void process_free_rcu(struct rcu_head *h)
{
	struct process *p = CONTAINER_OF(h, struct process, rcu);

	for (int i = PIDTYPE_TGID; i < NR_PID_TYPES; i++)
		pid_put(p->pids[i]);
	pid_put(p->tty_old_pgrp);
	kmem_cache_free(process_cache, p);
}

void process_put(struct process *p)
{
	if (ref_put(&p->ref))
		call_rcu(&p->rcu, process_free_rcu);
}

u64 rlimit(int which)
{
	struct process *p = current->process;

	return likely(p != NULL) ? READ_ONCE(p->rlim[which].cur) : RLIM_INF;
}

// ---- task work --------------------------------------------------------------------------------------------------------

static struct task_work works_closed;	// end of the list of a task that takes no more

int task_work_add(struct task *t, struct task_work *w, bool notify)
{
	struct task_work *head = READ_ONCE(t->task_works);

	do {
		if (unlikely(head == &works_closed))
			return -ESRCH;
		w->next = head;
	} while (!try_cmpxchg(&t->task_works, &head, w));
	if (notify) {
		task_work_set(t, WORK_TASK_WORK);
		if (t != current)
			kick_task(t);
	}
	return 0;
}

static void run_task_works(struct task_work *list)
{
	struct task_work *fifo = NULL, *next;

	for (; list; list = next) {
		next = list->next;
		list->next = fifo;
		fifo = list;
	}
	for (; fifo; fifo = next) {
		next = fifo->next;
		fifo->fn(fifo);
	}
}

void task_work_run(void)
{
	struct task *t = current;

	task_work_clear(t, WORK_TASK_WORK);
	for (;;) {
		struct task_work *w = READ_ONCE(t->task_works);
		if (!w) {
			// Closed in the same step that finds it empty: nothing that was accepted is lost.
			if (!(t->flags & PF_EXITING) || try_cmpxchg(&t->task_works, &w, &works_closed))
				return;
			continue;
		}
		if (w == &works_closed)
			return;
		w = xchg(&t->task_works, NULL);
		run_task_works(w);
	}
}

#ifdef CONFIG_DEBUG
// Fault injection per task: kernel threads are spared, but for those that asked for it (unit tests).
u32 *task_fail_nth(void)
{
	return (current->flags & PF_KTHREAD) && !current->fail_nth ? NULL : &current->fail_nth;
}
#endif

// ---- start-up ---------------------------------------------------------------------------------------------------------

static void limits_init(void)
{
	struct mem_info m;

	mem_info(&m);
	// As Linux: thread structures may take an eighth of memory.
	u64 n = m.total * PAGE_SIZE / (8 * KSTACK_SIZE);
	max_threads = CLAMP(n, 20ull, 0x3fffffffull);
	init_process.rlim[RLIMIT_NPROC] = init_process.rlim[RLIMIT_SIGPENDING] = (struct rlimit_k){ max_threads / 2, max_threads / 2 };
}

void process_init(void)
{
	struct task *t = &init_task;

	task_cache = kmem_cache_create("task", sizeof(struct task), CACHELINE, SLAB_ACCOUNT | SLAB_PANIC, NULL);
	process_cache = kmem_cache_create("process", sizeof(struct process), CACHELINE, SLAB_ACCOUNT | SLAB_PANIC, NULL);
	limits_init();
	cred_init();
	pid_init();
	uts_init();
	signals_init();
	atomic_set(&nr_threads, 1);
	spin_init(&t->alloc_lock, &alloc_lock_class);
	INIT_LIST_HEAD(&t->pending_queue);
	t->process = &init_process;
	t->sighand = &init_sighand;
	t->nsproxy = &init_nsproxy;
	t->exit_signal = -1;
	t->timer_slack_ns = 50000;
	t->thread_pid = &init_struct_pid.pid;
	for (int i = PIDTYPE_TGID; i < NR_PID_TYPES; i++)
		init_process.pids[i] = &init_struct_pid.pid;
	list_add_tail_rcu(&t->thread_node, &init_process.threads);
	init_process.parent = &init_process;
	init_process.parent_task = t;
}
