// Page counters, and the totals of /proc/meminfo.
#include "mm/memstat.h"
#include "kern/cpumask.h"
#include "kern/percpu_alloc.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/slab_internal.h"
#include "mm/vmalloc_internal.h"

DEFINE_PER_CPU(struct mem_stats, mem_stats);

u64 mem_stat(enum mem_stat s)
{
	s64 sum = 0;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(mem_stats, cpu).n[s]);
	return sum > 0 ? sum : 0;
}

// Available: free beyond the reserve, and half of what reclaim can give back, or all but the low watermark (as Linux estimates it).
static u64 available(const struct mem_info *m, u64 low)
{
	u64 cache = lru_pages(LRU_FILE, false) + lru_pages(LRU_FILE, true);
	u64 avail = m->free > low ? m->free - low : 0;

	avail += cache - MIN(cache / 2, low);
	avail += m->slab_reclaimable - MIN(m->slab_reclaimable / 2, low);
	return avail;
}

void mem_info(struct mem_info *out)
{
	size_t used;
	u64 low = 0;

	*out = (struct mem_info){ .free = pcp_pages() };
	for (int i = 0; i < NR_ZONES; i++) {
		out->total += zones[i].managed;
		out->free += READ_ONCE(zones[i].nr_free) + READ_ONCE(zones[i].nr_deferred);
		low += zones[i].wmark_low;
	}
	out->shmem = mem_stat(STAT_SHMEM);
	out->cached = mem_stat(STAT_FILE) + out->shmem;
	slab_totals(&out->slab_reclaimable, &out->slab_unreclaimable);
	out->kernel_stack = kstack_pages();
	out->vmalloc_used = vmalloc_pages();
	out->percpu = percpu_total(&used) >> PAGE_SHIFT;
	out->active_anon = lru_pages(LRU_ANON, true);
	out->inactive_anon = lru_pages(LRU_ANON, false);
	out->active_file = lru_pages(LRU_FILE, true);
	out->inactive_file = lru_pages(LRU_FILE, false);
	out->dirty = 0;		// nothing is written back to anywhere yet
	out->unevictable = out->shmem;
	out->anon = mm_stat_read(MM_STAT_ANON);
	out->mapped = mm_stat_read(MM_STAT_MAPPED);
	out->page_tables = mm_stat_read(MM_STAT_PGTABLES);
	out->committed = vm_committed();
	out->commit_limit = vm_commit_limit();
	out->available = available(out, low);
}
