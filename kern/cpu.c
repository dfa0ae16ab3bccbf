// The per-CPU hot line, and sets of CPUs.
#include "kern/cpumask.h"
#include "kern/cpu_hot.h"
#include "lib/math.h"

// The first task, which is what runs from the first instruction on. Defined in sched/idle.c.
extern struct task init_task;

// A CPU starts unpreemptible: its idle task keeps the count at 1 for good. Other CPUs than the first get their task from the port.
DEFINE_PER_CPU(struct cpu_hot, cpu_hot) = { .task = &init_task, .preempt_count = PREEMPT_NO_RESCHED | PREEMPT_ONE };

struct cpumask cpu_possible_mask = { { 1 } };
struct cpumask cpu_online_mask = { { 1 } };
int nr_cpu_ids = 1;

int cpumask_weight(const struct cpumask *m)
{
	int n = 0;
	for (int i = 0; i * 64 < nr_cpu_ids; i++)
		n += (int)hweight64(READ_ONCE(m->bits[i]));
	return n;
}

bool cpumask_empty(const struct cpumask *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->bits); i++)
		if (READ_ONCE(m->bits[i]))
			return false;
	return true;
}

bool cpumask_and(struct cpumask *out, const struct cpumask *a, const struct cpumask *b)
{
	unsigned long any = 0;
	for (size_t i = 0; i < ARRAY_SIZE(out->bits); i++)
		any |= out->bits[i] = READ_ONCE(a->bits[i]) & READ_ONCE(b->bits[i]);
	return any;
}

bool cpumask_subset(const struct cpumask *a, const struct cpumask *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->bits); i++)
		if (READ_ONCE(a->bits[i]) & ~READ_ONCE(b->bits[i]))
			return false;
	return true;
}

bool cpumask_equal(const struct cpumask *a, const struct cpumask *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->bits); i++)
		if (READ_ONCE(a->bits[i]) != READ_ONCE(b->bits[i]))
			return false;
	return true;
}

void cpus_set_possible(u32 nr)
{
	for (u32 c = 0; c < nr; c++)
		cpumask_set((int)c, &cpu_possible_mask);
	nr_cpu_ids = (int)nr;
}
