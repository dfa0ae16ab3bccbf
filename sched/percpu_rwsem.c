// Read-write semaphores with per-CPU reader counts.
//
// A writer sets `slow` and waits for a grace period: from then on every reader counts itself under readers_wait.lock, and what fast readers did before
// is visible. Then it blocks new readers and waits until the sum of all counts is zero.
#include "percpu_rwsem.h"
#include "arch/barrier.h"
#include "kern/cpumask.h"
#include "kern/rcu.h"
#include "sched/sched.h"

void percpu_rwsem_init(struct percpu_rwsem *s, s64 __percpu *readers, struct lock_class *cls)
{
	*s = (struct percpu_rwsem){ .readers = readers };
	waitq_init(&s->readers_wait);
	waitq_init(&s->writer_wait);
	mutex_init(&s->writers, cls);
}

// False: blocked.
static bool count_reader(struct percpu_rwsem *s)
{
	unsigned long flags = spin_lock_irqsave(&s->readers_wait.lock);
	bool ok = !s->blocked;
	if (ok)
		this_cpu_inc(*s->readers);
	spin_unlock_irqrestore(&s->readers_wait.lock, flags);
	return ok;
}

// Called with preemption off once, and returns so.
void percpu_down_read_slow(struct percpu_rwsem *s)
{
	while (!count_reader(s)) {
		preempt_enable();
		WAIT_EVENT(&s->readers_wait, !READ_ONCE(s->blocked));
		preempt_disable();
	}
}

void percpu_up_read_slow(struct percpu_rwsem *s)
{
	unsigned long flags = spin_lock_irqsave(&s->readers_wait.lock);
	this_cpu_dec(*s->readers);
	spin_unlock_irqrestore(&s->readers_wait.lock, flags);
	waitq_wake_all(&s->writer_wait);
}

static bool no_readers(struct percpu_rwsem *s)
{
	s64 sum = 0;

	// Under the lock no reader comes or goes.
	unsigned long flags = spin_lock_irqsave(&s->readers_wait.lock);
	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(s->readers, cpu));
	spin_unlock_irqrestore(&s->readers_wait.lock, flags);
	return sum == 0;
}

static void set_blocked(struct percpu_rwsem *s, bool blocked)
{
	unsigned long flags = spin_lock_irqsave(&s->readers_wait.lock);
	WRITE_ONCE(s->blocked, blocked);
	spin_unlock_irqrestore(&s->readers_wait.lock, flags);
}

void percpu_down_write(struct percpu_rwsem *s) NO_LOCK_ANALYSIS
{
	mutex_lock(&s->writers);
	WRITE_ONCE(s->slow, 1);
	synchronize_rcu();
	set_blocked(s, true);
	WAIT_EVENT(&s->writer_wait, no_readers(s));
}

void percpu_up_write(struct percpu_rwsem *s) NO_LOCK_ANALYSIS
{
	set_blocked(s, false);
	waitq_wake_all(&s->readers_wait);
	// Readers that still count under the lock and readers that do not may mix: the next writer waits for a grace period.
	WRITE_ONCE(s->slow, 0);
	mutex_unlock(&s->writers);
}
