// mm/memstat.h - counters of pages, per CPU, summed on read (/proc/meminfo).
#pragma once
#include "arch/percpu.h"
#include "lib/types.h"

enum mem_stat { STAT_FILE, STAT_SHMEM, NR_MEM_STATS };
struct mem_stats {
	s64 n[NR_MEM_STATS];
};
DECLARE_PER_CPU(struct mem_stats, mem_stats);

static inline void mem_stat_add(enum mem_stat s, s64 n)
{
	this_cpu_add(mem_stats.n[s], n);
}
u64 mem_stat(enum mem_stat s);		// sum over all CPUs, not below 0
