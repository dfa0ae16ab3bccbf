// Read-copy-update: grace periods and callbacks. Without locks, and without a thread.
//
// Grace periods. rcu_gp_seq is odd while one is in progress. Who asks for one and finds none in progress starts it (gp_busy): makes the number odd, then
// fills the mask tree with the CPUs that must pass a quiescent state, then says so in gp_ready. A CPU that passes one clears its bit; who clears the last
// bit of a leaf clears the leaf's bit in the root; who clears the last bit of the root ends the grace period, and starts the next if one is wanted.
//
// A CPU clears its own bit only while it is in a quiescent state, so it does not matter if the grace period it meant has ended meanwhile: the
// state counts for the one in progress. A bit is cleared for another CPU (one that idles) only by who holds back the end of the grace period by a
// HOLD bit in the root, for the observation must fall into it.
//
// Idle CPUs. `eqs` is even while a CPU idles; it changes by fully ordered operations. Starter: number odd, barrier, look at eqs. Idler: eqs even,
// barrier, look at the number. One of them sees the other, so the bit is cleared and nobody is woken.
//
// Quiescent state of a CPU = preempt_count 0 or a context switch. An interrupt (tick, or the IPI that a late grace period sends) that finds a count of 0
// below it is one; one that does not makes the task reschedule when its reader ends.
//
// Callbacks. Per CPU three lists: done, wait (for wait_seq), next. They move on when this CPU sees that a grace period has ended: at a tick, a
// switch, or when idling.
#include "kern/rcu.h"
#include "arch/irq.h"
#include "arch/time.h"
#include "kern/cpumask.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/smp.h"
#include "kern/softirq.h"
#include "kern/upcalls.h"
#include "lib/atomic.h"

#define NR_LEAVES (NR_CPUS / 64)
#define HOLD_START BIT(63)	// in the root: masks are being filled
#define HOLD_FORCE BIT(62)	// somebody looks at what the late CPUs do
#define FORCE_AFTER_MS 3
#define STALL_TICKS (21 * 250)	// 21 s of this CPU's ticks
#define BATCH 256		// callbacks run at a time
#define KFREE_MAX (1u << 20)	// "functions" below this are offsets of an rcu_head in an object to free

struct rcu_list {
	struct rcu_head *first, *last;
	u64 n;
};

struct rcu_cpu {
	u32 eqs ATOMIC;		// even: idle
	u32 irq_nest;		// interrupts out of idle
	u64 qs_seq;		// grace period that this CPU has reported for
	struct rcu_list done, wait, next;	// OWNER(this CPU, interrupts off)
	u64 wait_seq;		// `wait` is done when rcu_gp_seq reaches it
	u64 stall_seq;
	u32 stall_ticks;
	struct smp_call ipi;
	u64 pending ATOMIC;	// callbacks that have not run
} CACHE_ALIGNED;

STATIC_PER_CPU(struct rcu_cpu, rcu_cpu) = { .eqs = 1 };
DEFINE_PER_CPU(u64, rcu_seen_seq);
DEFINE_PER_CPU(u32, rcu_idle);

// Read at each context switch, written twice per grace period: a line of its own.
u64 rcu_gp_seq CACHE_ALIGNED;

static struct {
	u64 gp_ready ATOMIC;	// the last grace period whose masks are filled
	u64 requested ATOMIC;	// the highest number that somebody waits for
	u32 gp_busy ATOMIC;	// a grace period is being started, runs, or ends
	u32 expedite ATOMIC;	// > 0: IPIs at once
	u64 gp_start ATOMIC;	// cycles
	u64 online[NR_LEAVES] ATOMIC;	// CPUs that take part
} rcu CACHE_ALIGNED = { .online = { 1 } };

struct rcu_leaf {
	u64 mask ATOMIC;	// CPUs that have not yet passed a quiescent state
} CACHE_ALIGNED;
static struct rcu_leaf rcu_leaf[NR_LEAVES];
static u64 rcu_root CACHE_ALIGNED;	// ATOMIC: leaves that are not empty, and HOLD_*

// ---- grace periods; interrupts off in all of it ----

static void try_start(void);
static void start_gp(void);

static u64 gp_seq(void)
{
	return __atomic_load_n(&rcu_gp_seq, __ATOMIC_ACQUIRE);
}

static void end_gp(void)
{
	u64 seq = gp_seq() + 1;
	__atomic_store_n(&rcu_gp_seq, seq, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&rcu.requested, __ATOMIC_SEQ_CST) > seq) {
		start_gp();
		return;
	}
	__atomic_store_n(&rcu.gp_busy, 0, __ATOMIC_SEQ_CST);
	try_start();	// a request that came after the look above found gp_busy set
}

static void root_clear(u64 bit)
{
	u64 old = __atomic_fetch_and(&rcu_root, ~bit, __ATOMIC_SEQ_CST);
	if ((old & bit) && !(old & ~bit))
		end_gp();
}

static void leaf_clear(int cpu)
{
	u64 bit = BIT(cpu % 64);
	u64 old = __atomic_fetch_and(&rcu_leaf[cpu / 64].mask, ~bit, __ATOMIC_SEQ_CST);
	if ((old & bit) && !(old & ~bit))
		root_clear(BIT(cpu / 64));
}

static void rcu_ipi(void *arg);

// Clears the bits of CPUs that idle; interrupts the others if force is set. The caller holds back the end.
static void scan_cpus(bool force)
{
	for (int w = 0; w < NR_LEAVES; w++) {
		u64 left = __atomic_load_n(&rcu_leaf[w].mask, __ATOMIC_SEQ_CST);
		for (; left; left &= left - 1) {
			int cpu = w * 64 + __builtin_ctzl(left);
			struct rcu_cpu *r = per_cpu_ptr(&rcu_cpu, cpu);
			if (!(__atomic_load_n(&r->eqs, __ATOMIC_SEQ_CST) & 1))
				leaf_clear(cpu);
			else if (force && cpu != cpu_id())
				smp_call_async(cpu, &r->ipi, rcu_ipi, NULL);
		}
	}
}

// gp_busy is ours and no grace period is in progress.
static void start_gp(void)
{
	u64 seq = gp_seq() + 1, leaves = HOLD_START;
	u64 masks[NR_LEAVES];
	__atomic_store_n(&rcu_gp_seq, seq, __ATOMIC_SEQ_CST);
	smp_mb();	// pairs with rcu_cpu_online(): a CPU that we do not see online reads what was published before
	for (int w = 0; w < NR_LEAVES; w++) {
		masks[w] = __atomic_load_n(&rcu.online[w], __ATOMIC_SEQ_CST);
		leaves |= masks[w] ? BIT(w) : 0;
	}
	// The root first: from the moment a leaf is filled, its bits may be cleared.
	__atomic_store_n(&rcu_root, leaves, __ATOMIC_SEQ_CST);
	for (int w = 0; w < NR_LEAVES; w++)
		__atomic_store_n(&rcu_leaf[w].mask, masks[w], __ATOMIC_SEQ_CST);
	WRITE_ONCE(rcu.gp_start, cycles_now());
	__atomic_store_n(&rcu.gp_ready, seq, __ATOMIC_SEQ_CST);
	smp_mb();	// pairs with eqs_enter(): number and masks before the look at eqs
	scan_cpus(READ_ONCE(rcu.expedite));
	root_clear(HOLD_START);
}

static void try_start(void)
{
	u32 idle = 0;
	while (__atomic_load_n(&rcu.requested, __ATOMIC_SEQ_CST) > gp_seq() && try_cmpxchg(&rcu.gp_busy, &idle, 1)) {
		if (READ_ONCE(rcu.requested) > gp_seq()) {
			start_gp();
			return;
		}
		__atomic_store_n(&rcu.gp_busy, 0, __ATOMIC_SEQ_CST);
		idle = 0;
	}
}

static void request_gp(u64 seq)
{
	u64 old = READ_ONCE(rcu.requested);
	while (old < seq && !try_cmpxchg(&rcu.requested, &old, seq))
		;
	try_start();
}

// Looks at what holds the grace period up.
static void force_gp(void)
{
	u64 root = READ_ONCE(rcu_root);
	do {
		if (!root || (root & (HOLD_START | HOLD_FORCE)))
			return;
	} while (!try_cmpxchg(&rcu_root, &root, root | HOLD_FORCE));
	scan_cpus(true);
	root_clear(HOLD_FORCE);
}

// ---- this CPU's part ----

static void rcu_list_append(struct rcu_list *l, struct rcu_head *first, struct rcu_head *last, u64 n)
{
	if (l->first)
		l->last->next = first;
	else
		l->first = first;
	l->last = last;
	l->n += n;
}

static void rcu_list_splice(struct rcu_list *to, struct rcu_list *from)
{
	if (from->first)
		rcu_list_append(to, from->first, from->last, from->n);
	*from = (struct rcu_list){ 0 };
}

// Moves the lists on as far as grace periods have come.
static void advance(struct rcu_cpu *r)
{
	if (r->wait.first && gp_seq() >= r->wait_seq)
		rcu_list_splice(&r->done, &r->wait);
	if (r->wait.first || !r->next.first)
		return;
	rcu_list_splice(&r->wait, &r->next);
	smp_mb();	// what the callers of call_rcu() changed comes before the grace period that starts now
	// The end of the first one that begins after this moment.
	r->wait_seq = (gp_seq() + 3) & ~1ull;
	request_gp(r->wait_seq);
}

// Deals with a changed grace period. qs: this CPU is in a quiescent state.
static void note(struct rcu_cpu *r, bool qs)
{
	u64 ready = __atomic_load_n(&rcu.gp_ready, __ATOMIC_SEQ_CST);
	if (qs && r->qs_seq != ready) {
		r->qs_seq = ready;
		leaf_clear(cpu_id());
	}
	u64 seq = gp_seq();
	// A grace period that is still being set up is looked at again next time, as is one that still waits for us.
	if (!(seq & 1) || r->qs_seq == seq)
		this_cpu_write(rcu_seen_seq, seq);
	if (r->done.first || (r->wait.first && seq >= r->wait_seq))
		softirq_raise_lazy(SOFTIRQ_RCU);
}

void rcu_note_switch_slow(void)
{
	note(this_cpu_ptr(&rcu_cpu), true);
}

static void rcu_ipi(void *arg)
{
	// What was interrupted is not a reader if preemption was possible. Else it shall come to the scheduler when it is done.
	if (preempt_count() == HARDIRQ_ONE)
		note(this_cpu_ptr(&rcu_cpu), true);
	else
		this_cpu_and(cpu_hot.preempt_count, ~PREEMPT_NO_RESCHED);
}

static void eqs_enter(struct rcu_cpu *r)
{
	(void)__atomic_fetch_add(&r->eqs, 1, __ATOMIC_SEQ_CST);
	smp_mb();	// pairs with start_gp()
	if (r->qs_seq != __atomic_load_n(&rcu.gp_ready, __ATOMIC_SEQ_CST))
		note(r, true);
}

static void eqs_exit(struct rcu_cpu *r)
{
	(void)__atomic_fetch_add(&r->eqs, 1, __ATOMIC_SEQ_CST);
	smp_mb();	// pairs with start_gp(): readers from here on are seen, or see what was published before
}

void rcu_enter_idle(void)
{
	struct rcu_cpu *r = this_cpu_ptr(&rcu_cpu);
	advance(r);
	note(r, true);
	this_cpu_write(rcu_idle, 1);
	eqs_enter(r);
}

void rcu_exit_idle(void)
{
	eqs_exit(this_cpu_ptr(&rcu_cpu));
	this_cpu_write(rcu_idle, 0);
}

void rcu_irq_enter_idle(void)
{
	struct rcu_cpu *r = this_cpu_ptr(&rcu_cpu);
	if (r->irq_nest++ == 0)
		eqs_exit(r);
}

void rcu_irq_exit_idle(void)
{
	struct rcu_cpu *r = this_cpu_ptr(&rcu_cpu);
	if (--r->irq_nest == 0)
		eqs_enter(r);
}

bool rcu_cpu_has_callbacks(int cpu)
{
	return READ_ONCE(per_cpu_ptr(&rcu_cpu, cpu)->pending);
}

bool rcu_needs_cpu(void)
{
	return READ_ONCE(this_cpu_ptr(&rcu_cpu)->pending);
}

static COLD void report_stall_gp(u64 seq)
{
	struct cpumask late = { 0 };
	pr_err("RCU: grace period %llu has waited for %d s for CPUs\n", seq, STALL_TICKS / 250);
	for (int w = 0; w < NR_LEAVES; w++) {
		late.bits[w] = READ_ONCE(rcu_leaf[w].mask);
		if (late.bits[w])
			pr_err("  %d-%d: mask %lx\n", w * 64, w * 64 + 63, late.bits[w]);
	}
	backtrace_cpus(&late);
	if (cpumask_test(cpu_id(), &late))
		backtrace_print();
}

// Counted in ticks that this CPU got: a host that stops the machine makes no stall.
static void check_stall(struct rcu_cpu *r)
{
	u64 seq = gp_seq();
	if (!(seq & 1) || seq != r->stall_seq) {
		r->stall_seq = seq;
		r->stall_ticks = 0;
	} else if (++r->stall_ticks == STALL_TICKS) {
		r->stall_ticks = 0;
		report_stall_gp(seq);
	}
}

void rcu_tick(bool user)
{
	struct rcu_cpu *r = this_cpu_ptr(&rcu_cpu);
	if (gp_seq() != this_cpu_read(rcu_seen_seq) || r->done.first)
		note(r, user || preempt_count() == HARDIRQ_ONE);
	if (r->wait.first && (gp_seq() & 1) && cycles_now() - READ_ONCE(rcu.gp_start) > (u64)FORCE_AFTER_MS * cycles_khz()) {
		if (r->qs_seq != READ_ONCE(rcu.gp_ready))
			this_cpu_and(cpu_hot.preempt_count, ~PREEMPT_NO_RESCHED);
		force_gp();
	}
	check_stall(r);
}

// ---- callbacks ----

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	head->next = NULL;
	head->fn = fn;
	unsigned long flags = irq_save();
	struct rcu_cpu *r = this_cpu_ptr(&rcu_cpu);
	rcu_list_append(&r->next, head, head, 1);
	WRITE_ONCE(r->pending, r->pending + 1);
	if (!r->wait.first) {
		advance(r);
		tick_rcu_kick();
	}
	irq_restore(flags);
}

void kfree_rcu_head(struct rcu_head *head, void *object)
{
	size_t offset = (size_t)((char *)head - (char *)object);
	DEBUG_ASSERT(offset < KFREE_MAX);
	call_rcu(head, (void (*)(struct rcu_head *))offset);
}

static void run_callback(struct rcu_head *head)
{
	uintptr_t fn = (uintptr_t)head->fn;
	if (fn < KFREE_MAX)
		rcu_kfree((char *)head - fn);
	else
		head->fn(head);
}

// Takes up to n callbacks from the front of the done list. Interrupts off.
static struct rcu_head *take_batch(struct rcu_cpu *r, u64 n)
{
	struct rcu_head *first = r->done.first, *last = first;
	if (!first)
		return NULL;
	u64 k = 1;
	for (; k < n && last->next; k++)
		last = last->next;
	r->done.first = last->next;
	r->done.n -= k;
	last->next = NULL;
	return first;
}

static void rcu_softirq(void)
{
	irq_disable();
	struct rcu_cpu *r = this_cpu_ptr(&rcu_cpu);
	advance(r);
	// More at a time when many have gathered, so that a flood cannot outrun us.
	struct rcu_head *h = take_batch(r, MAX((u64)BATCH, r->done.n / 8));
	irq_enable();

	u64 ran = 0;
	for (struct rcu_head *next; h; h = next, ran++) {
		next = h->next;
		run_callback(h);
	}

	irq_disable();
	WRITE_ONCE(r->pending, r->pending - ran);
	if (r->done.first)
		softirq_raise_lazy(SOFTIRQ_RCU);
	irq_enable();
}

void rcu_expedite(bool on)
{
	(void)__atomic_fetch_add(&rcu.expedite, on ? 1 : -1, __ATOMIC_SEQ_CST);
	if (!on)
		return;
	unsigned long flags = irq_save();
	force_gp();
	irq_restore(flags);
}

void rcu_cpu_online(int cpu)
{
	(void)__atomic_fetch_or(&rcu.online[cpu / 64], BIT(cpu % 64), __ATOMIC_SEQ_CST);
	smp_mb();	// pairs with start_gp()
}

INIT void rcu_init(void)
{
	softirq_set_handler(SOFTIRQ_RCU, rcu_softirq);
}
