// kern/cpumask.h - sets of CPUs.
#pragma once
#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "lib/compiler.h"
#include "lib/types.h"

#define NR_CPUS 256

struct cpumask {
	unsigned long bits[NR_CPUS / 64];
};

extern struct cpumask cpu_possible_mask;	// SET_ONCE before other CPUs start
extern struct cpumask cpu_online_mask;		// ATOMIC
extern int nr_cpu_ids;				// highest possible CPU + 1

static inline bool cpumask_test(int cpu, const struct cpumask *m)
{
	return READ_ONCE(m->bits[cpu / 64]) >> (cpu % 64) & 1;
}

static inline void cpumask_set(int cpu, struct cpumask *m)		// not atomic
{
	m->bits[cpu / 64] |= 1ul << (cpu % 64);
}

static inline void cpumask_clear(int cpu, struct cpumask *m)		// not atomic
{
	m->bits[cpu / 64] &= ~(1ul << (cpu % 64));
}

static inline void cpumask_set_atomic(int cpu, struct cpumask *m)
{
	__atomic_fetch_or(&m->bits[cpu / 64], 1ul << (cpu % 64), __ATOMIC_SEQ_CST);
}

static inline void cpumask_clear_atomic(int cpu, struct cpumask *m)
{
	__atomic_fetch_and(&m->bits[cpu / 64], ~(1ul << (cpu % 64)), __ATOMIC_SEQ_CST);
}

// The next CPU of the set after `cpu` (-1 to start), or nr_cpu_ids.
static inline int cpumask_next(int cpu, const struct cpumask *m)
{
	for (int w = (cpu + 1) / 64, first = 1; w * 64 < nr_cpu_ids; w++, first = 0) {
		unsigned long v = READ_ONCE(m->bits[w]);
		if (first)
			v &= ~0ul << ((cpu + 1) % 64);
		if (v)
			return w * 64 + __builtin_ctzl(v);
	}
	return nr_cpu_ids;
}

#define for_each_cpu(cpu, m) for (int cpu = cpumask_next(-1, m); cpu < nr_cpu_ids; cpu = cpumask_next(cpu, m))
#define for_each_online_cpu(cpu) for_each_cpu(cpu, &cpu_online_mask)
#define for_each_possible_cpu(cpu) for_each_cpu(cpu, &cpu_possible_mask)

// Makes CPUs [0, nr) possible. Context: boot CPU, before the per-CPU areas are made.
void cpus_set_possible(u32 nr);
int cpumask_weight(const struct cpumask *m);
bool cpumask_empty(const struct cpumask *m);
bool cpumask_and(struct cpumask *out, const struct cpumask *a, const struct cpumask *b);	// true: not empty
bool cpumask_subset(const struct cpumask *a, const struct cpumask *b);
bool cpumask_equal(const struct cpumask *a, const struct cpumask *b);

static inline int num_online_cpus(void)
{
	return cpumask_weight(&cpu_online_mask);
}
