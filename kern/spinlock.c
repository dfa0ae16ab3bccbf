// The slow path of spinlocks.
//
// The lock word: byte 0 is "held"; the upper 16 bits name the last waiter's queue node (CPU + 1, and which of its nodes). A waiter
// puts its node at the tail with one compare-and-exchange, links it behind its predecessor's, and spins on its own cache line until it is at
// the head; only the head looks at the lock word. While there is a queue the word is not 0, so that fast paths cannot barge in.
//
// On a hypervisor a queue is harmful: the lock may be handed to a waiter whose virtual CPU does not run. There, waiters test and set.
#include "kern/spinlock.h"
#include "arch/cpu.h"
#include "arch/time.h"
#include "kern/cpu_hot.h"
#include "kern/log.h"
#include "kern/upcalls.h"

#define HELD 0xffu
#define MAX_NESTING 4		// task, softirq, hardirq, NMI
#define STALL_SECONDS 10

struct spin_node {
	struct spin_node *next ATOMIC;
	u32 ready ATOMIC;
};

struct spin_queue {
	struct spin_node node[MAX_NESTING];
	u32 depth;		// nodes in use: nests as interrupts do
} CACHE_ALIGNED;

STATIC_PER_CPU(struct spin_queue, spin_queue);

// One wait: when it began, and whether it was reported.
struct spin_wait {
	u64 start;
	u32 loops;
	bool reported;
};

static NOINLINE COLD void report_stall(struct spinlock *l)
{
	pr_err("spinlock %p: CPU %d has waited for %d s in %pS; word %#x\n", (void *)l, cpu_id(), STALL_SECONDS,
	       __builtin_return_address(0), (u32)atomic_read(&l->val));
#ifdef CONFIG_LOCKCHECK
	char who[40];
	task_describe(READ_ONCE(l->check.holder), who, sizeof(who));
	pr_err("  class %s, held by %s, taken at %pS\n", l->check.cls ? l->check.cls->name : "?", who, (void *)READ_ONCE(l->check.taken_at));
#endif
}

static void spin_pause(struct spin_wait *w, struct spinlock *l)
{
	cpu_relax();
	if (likely(++w->loops & 0xfff))
		return;
	u64 now = cycles_now();
	if (!w->start)
		w->start = now;
	if (!w->reported && cycles_khz() && now - w->start > STALL_SECONDS * 1000ull * cycles_khz()) {
		w->reported = true;
		report_stall(l);
	}
}

static void lock_by_retry(struct spinlock *l)
{
	struct spin_wait w = { 0 };
	u32 pauses = 1;
	for (;;) {
		while (atomic_read(&l->val))
			spin_pause(&w, l);
		int expected = 0;
		if (atomic_try_cmpxchg_acquire(&l->val, &expected, 1))
			return;
		// Somebody was faster: stay away longer each time.
		for (u32 i = 0; i < pauses; i++)
			spin_pause(&w, l);
		if (pauses < 256)
			pauses *= 2;
	}
}

static struct spin_node *node_of(u32 tail)
{
	struct spin_queue *q = per_cpu_ptr(&spin_queue, (tail >> 2) - 1);
	return &q->node[tail & 3];
}

// Puts the node at the tail. Returns the tail before it, 0 if there was none.
static u32 enqueue(struct spinlock *l, u32 tail)
{
	int old = atomic_read(&l->val);
	while (!atomic_try_cmpxchg(&l->val, &old, (int)(((u32)old & HELD) | tail << 16)))
		;
	return (u32)old >> 16;
}

// The head of the queue takes the free lock, and makes its successor the head.
static void take_as_head(struct spinlock *l, struct spin_node *node, u32 tail, struct spin_wait *w)
{
	int v;
	while ((u32)(v = atomic_read_acquire(&l->val)) & HELD)
		spin_pause(w, l);
	while ((u32)v >> 16 == tail)	// nobody behind: the queue goes away with us
		if (atomic_try_cmpxchg_acquire(&l->val, &v, 1))
			return;
	(void)atomic_fetch_or_acquire(&l->val, 1);
	struct spin_node *next;
	while (!(next = load_acquire(&node->next)))
		cpu_relax();
	store_release(&next->ready, 1);
}

static void lock_queued(struct spinlock *l, struct spin_queue *q, u32 depth)
{
	struct spin_wait w = { 0 };
	struct spin_node *node = &q->node[depth];
	u32 tail = ((u32)cpu_id() + 1) << 2 | depth;
	WRITE_ONCE(node->next, NULL);
	WRITE_ONCE(node->ready, 0);
	u32 before = enqueue(l, tail);
	if (before) {
		store_release(&node_of(before)->next, node);
		while (!load_acquire(&node->ready))
			spin_pause(&w, l);
	}
	take_as_head(l, node, tail, &w);
}

void spin_lock_slow(struct spinlock *l)
{
	lockstat_contended(l);
	struct spin_queue *q = this_cpu_ptr(&spin_queue);
	u32 depth = q->depth;
	if (arch_on_hypervisor() || depth >= MAX_NESTING) {
		lock_by_retry(l);
		return;
	}
	WRITE_ONCE(q->depth, depth + 1);	// an interrupt from here on uses the next node
	barrier();
	lock_queued(l, q, depth);
	barrier();
	WRITE_ONCE(q->depth, depth);
}
