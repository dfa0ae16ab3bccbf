// The leak report: objects in use at power-off against those before the first program. Only caches whose objects die with what made them are
// looked at: names, inodes and cached pages stay as long as there is memory. Some slack is for what PID 1 does in between, so a leak
// of a few objects goes unseen; one per fork, open or mapping does not.
#include "mm/leak.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/rcu.h"
#include "lib/string.h"
#include "mm/folio.h"
#include "mm/reclaim.h"
#include "mm/slab_kasan.h"

static struct watched {
	const char *name;
	u32 slack;		// objects
	u32 per_thread;		// for each thread that came since
	u64 before;
} watched[] = {
	{ "task", 4, 1, 0 }, { "process", 4, 1, 0 }, { "pid", 6, 1, 0 }, { "sighand", 4, 1, 0 }, { "cred", 16, 4, 0 }, { "files_cache", 4, 1, 0 },
	{ "fs_cache", 4, 1, 0 }, { "mm", 3, 1, 0 }, { "vma", 48, 64, 0 }, { "vtree_leaf", 12, 16, 0 }, { "vtree_node", 8, 8, 0 }, { "rmap", 8, 8, 0 },
	{ "fpu_state", 4, 1, 0 }, { "sigqueue", 16, 16, 0 }, { "filp", 24, 32, 0 }, { "pipe", 4, 8, 0 },
};
#define PAGES_SLACK 1024	// 4 MiB: allocations above 8 KiB are counted nowhere

static u32 threads_before;
static u64 pages_before;
static bool marked;

static void collect(const struct slab_info *info, void *arg)
{
	u64 *in_use = arg;

	for (u32 i = 0; i < ARRAY_SIZE(watched); i++)
		if (!strcmp(info->name, watched[i].name))
			in_use[i] += info->in_use;
}

// Pages that are neither free nor in any of the known uses.
static u64 unknown_pages(void)
{
	struct mem_info m;
	u64 known;

	mem_info(&m);
	known = m.free + m.cached + m.anon + m.slab_reclaimable + m.slab_unreclaimable + m.kernel_stack + m.page_tables;
	return m.total > known ? m.total - known : 0;
}

static void count(u64 *in_use)
{
	memset(in_use, 0, sizeof(u64) * ARRAY_SIZE(watched));
	// Twice: what a first round frees may have been the last reference to something else.
	for (int i = 0; i < 2; i++) {
		shrink_caches_all();
		rcu_barrier();
		kmem_cache_shrink_all();
	}
	slab_for_each(collect, in_use);
}

void leak_mark(u32 threads)
{
	u64 in_use[ARRAY_SIZE(watched)];

	count(in_use);
	for (u32 i = 0; i < ARRAY_SIZE(watched); i++)
		watched[i].before = in_use[i];
	threads_before = threads;
	pages_before = unknown_pages();
	kasan_leak_mark();
	marked = true;
}

void leak_report(u32 threads)
{
	u64 in_use[ARRAY_SIZE(watched)], pages, extra = threads > threads_before ? threads - threads_before : 0;
	bool none = true;

	if (!marked || panic_in_progress())
		return;
	count(in_use);
	for (u32 i = 0; i < ARRAY_SIZE(watched); i++) {
		const struct watched *w = &watched[i];

		if (in_use[i] <= w->before + w->slack + extra * w->per_thread)
			continue;
		none = false;
		pr_err("leak: %s: %llu objects, %llu before the first program, %llu more threads\n", w->name, in_use[i], w->before, extra);
		kasan_leak_sites(w->name);
	}
	pages = unknown_pages();
	if (pages > pages_before + PAGES_SLACK + extra * 64) {
		none = false;
		pr_err("leak: %llu pages more than before the first program are in no known use\n", pages - pages_before);
	}
	if (none)
		pr_notice("leak: none\n");
}
