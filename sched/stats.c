// What the scheduler tells about itself: load average, CPU times, run times.
#include "rq.h"
#include "kern/upcalls.h"
#include "lib/fmt.h"
#include "sched/waitq.h"

// ---- load average -----------------------------------------------------------------------------------------------------

#define LOAD_PERIOD (5 * NSEC_PER_SEC)
#define LOAD_SHIFT 11
#define LOAD_ONE (1ul << LOAD_SHIFT)
// exp(-5 s / 1, 5, 15 min) in 11 bits.
static const unsigned long load_decay[3] = { 1884, 2014, 2037 };
DEFINE_LOCK_CLASS(loadavg_lock_class, LOCK_HARDIRQ);
static struct spinlock loadavg_lock = SPINLOCK_INIT(&loadavg_lock_class);
static unsigned long loadavg[3] GUARDED_BY(&loadavg_lock);
static u64 loadavg_next = LOAD_PERIOD;	// sched_clock() of the next step; written under the lock

static unsigned long load_step(unsigned long load, unsigned long decay, unsigned long active)
{
	unsigned long v = load * decay + active * (LOAD_ONE - decay);
	if (active >= load)
		v += LOAD_ONE - 1;
	return v / LOAD_ONE;
}

static unsigned long active_tasks(void)
{
	s64 n = 0;

	for_each_online_cpu(cpu)
		n += (s64)READ_ONCE(cpu_rq(cpu)->nr_running) + READ_ONCE(cpu_rq(cpu)->nr_uninterruptible);
	return n > 0 ? n << LOAD_SHIFT : 0;
}

// Catches up with the periods that have passed, with the present number of tasks: CPUs that sleep do not wake up for statistics.
void loadavg_update(u64 now)
{
	if (likely((s64)(now - READ_ONCE(loadavg_next)) < 0))
		return;
	unsigned long flags = spin_lock_irqsave(&loadavg_lock);
	unsigned long active = active_tasks();
	for (int n = 0; (s64)(now - loadavg_next) >= 0; n++) {
		for (int i = 0; i < 3 && n < 4096; i++)	// after that it has converged
			loadavg[i] = load_step(loadavg[i], load_decay[i], active);
		WRITE_ONCE(loadavg_next, loadavg_next + LOAD_PERIOD);
	}
	spin_unlock_irqrestore(&loadavg_lock, flags);
}

void sched_loadavg(unsigned long out[3])
{
	loadavg_update(sched_clock());
	unsigned long flags = spin_lock_irqsave(&loadavg_lock);
	for (int i = 0; i < 3; i++)
		out[i] = loadavg[i];
	spin_unlock_irqrestore(&loadavg_lock, flags);
}

u64 sched_nr_running(void)
{
	u64 n = 0;

	for_each_online_cpu(cpu)
		n += READ_ONCE(cpu_rq(cpu)->nr_running);
	return n;
}

u64 sched_nr_switches(void)
{
	u64 n = 0;

	for_each_online_cpu(cpu)
		n += READ_ONCE(cpu_rq(cpu)->nr_switches);
	return n;
}

u32 sched_nr_iowait(int cpu)
{
	return atomic_read(&cpu_rq(cpu)->nr_iowait);
}

// ---- CPU times --------------------------------------------------------------------------------------------------------
// Total run time is exact, from the clock at each switch. How it divides into user and system is sampled: no work at system calls.

// Under rq->lock, with the clock fresh and the running task's time brought up to date.
void stats_tick(struct rq *rq, bool user)
{
	u64 busy = rq->clock - rq->boot_clock - rq->idle->se.sum_exec;
	u64 delta = busy - rq->accounted;
	struct task *t = rq->curr;

	rq->accounted = busy;
	if (t == rq->idle) {	// what ran since the last tick ended in the kernel
		rq->stat[STAT_SYSTEM] += delta;
		return;
	}
	if (user) {
		t->utime += TICK_NSEC;
		rq->stat[t->static_prio > DEFAULT_PRIO ? STAT_NICE : STAT_USER] += delta;
	} else {
		t->stime += TICK_NSEC;
		rq->stat[STAT_SYSTEM] += delta;
	}
}

void sched_cpu_times(int cpu, u64 out[10]) NO_LOCK_ANALYSIS
{
	struct rq *rq = cpu_rq(cpu);
	unsigned long flags = irq_save();

	spin_lock_raw(&rq->lock);
	u64 now = sched_clock(), idle = 0;
	for (int i = 0; i < 10; i++)
		out[i] = i < NR_CPU_STATS ? rq->stat[i] : 0;
	if (rq->idle) {
		idle = rq->idle->se.sum_exec;
		if (rq->curr == rq->idle && (s64)(now - rq->idle->se.exec_start) > 0)
			idle += now - rq->idle->se.exec_start;
		u64 busy = now - rq->boot_clock - idle;
		if ((s64)(busy - rq->accounted) > 0)	// not sampled yet
			out[STAT_SYSTEM] += busy - rq->accounted;
	}
	out[STAT_IOWAIT] = MIN(rq->stat[STAT_IOWAIT], idle);
	out[STAT_IDLE] = idle - out[STAT_IOWAIT];
	spin_unlock_raw(&rq->lock);
	irq_restore(flags);
}

u64 task_runtime(struct task *t) NO_LOCK_ANALYSIS
{
	unsigned long flags = irq_save();
	spin_lock_raw(&t->pi_lock);
	struct rq *rq = task_rq_lock(t);
	u64 ns = t->se.sum_exec;
	if (rq->curr == t) {
		s64 delta = sched_clock() - t->se.exec_start;
		ns += delta > 0 ? delta : 0;
	}
	spin_unlock_raw(&rq->lock);
	spin_unlock_raw(&t->pi_lock);
	irq_restore(flags);
	return ns;
}

// v * part / whole, without 128-bit arithmetic: the samples keep 20 bits.
static u64 scale(u64 v, u64 part, u64 whole)
{
	int shift = 44 - __builtin_clzll(whole);

	if (shift > 0) {
		part >>= shift;
		whole >>= shift;
	}
	return v / whole * part + v % whole * part / whole;
}

// The exact total, divided as the samples say; neither part ever goes back.
void task_cputime(struct task *t, u64 *utime, u64 *stime)
{
	u64 total = task_runtime(t), u, s;
	unsigned long flags = spin_lock_irqsave(&t->pi_lock);
	u64 us = READ_ONCE(t->utime), ss = READ_ONCE(t->stime);

	if (total <= t->utime_shown + t->stime_shown)
		goto out;
	if (ss == 0)
		s = 0;
	else if (us == 0)
		s = total;
	else
		s = scale(total, ss, us + ss);
	s = s > total ? total : s;
	s = MAX(s, t->stime_shown);
	u = total - s;
	if (u < t->utime_shown) {
		u = t->utime_shown;
		s = total - u;
	}
	t->utime_shown = u;
	t->stime_shown = s;
out:
	*utime = t->utime_shown;
	*stime = t->stime_shown;
	spin_unlock_irqrestore(&t->pi_lock, flags);
}

// ---- states -----------------------------------------------------------------------------------------------------------

char task_state_char(const struct task *t)
{
	u32 exit_state = READ_ONCE(t->exit_state), s = READ_ONCE(t->state);

	if (exit_state)
		return exit_state == EXIT_DEAD ? 'X' : 'Z';
	if (s & TASK_TRACED)
		return 't';
	if (s & TASK_STOPPED)
		return 'T';
	if (s & TASK_DEAD)
		return 'X';
	if (s & TASK_PARKED)
		return 'P';
	if ((s & TASK_IDLE) == TASK_IDLE)
		return 'I';
	if (s & TASK_UNINTERRUPTIBLE)
		return 'D';
	if (s & TASK_INTERRUPTIBLE)
		return 'S';
	return 'R';
}

void task_describe(const void *task, char *buf, size_t size)
{
	const struct task *t = task;

	if (t)
		snprintf(buf, size, "%.16s[%d]", t->comm, t->pid);
	else
		snprintf(buf, size, "nobody");
}

int task_cpu(const struct task *t)
{
	return READ_ONCE(t->cpu);
}

bool task_is_running_on(struct task *t, int cpu)
{
	return READ_ONCE(cpu_rq(cpu)->curr) == t;
}

// Usually it is already on its way: a few looks, then sleeps of a tick. Nothing could wake us at the right moment without
// work in every switch.
void wait_task_inactive(struct task *t)
{
	for (int i = 0; READ_ONCE(t->on_cpu) && i < 100; i++)
		cpu_relax();
	while (load_acquire(&t->on_cpu)) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout(NSEC_PER_MSEC);
	}
}

void io_schedule(void)
{
	(void)io_schedule_timeout(KTIME_MAX);
}

long io_schedule_timeout(s64 ns)
{
	struct rq *rq = cpu_rq(READ_ONCE(current->cpu));	// a guess will do

	atomic_inc(&rq->nr_iowait);
	long left = schedule_timeout(ns);
	atomic_dec(&rq->nr_iowait);
	return left;
}
