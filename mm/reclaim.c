// Reclaim: what an allocation that found too little memory does, and the background thread that tries to be there first.
#include "mm/reclaim.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "mm/lru.h"
#include "mm/mapping_internal.h"
#include "mm/slab_internal.h"
#include "mm/vmalloc_internal.h"
#include "sched/mutex.h"
#include "sched/sched.h"
#include "sched/waitq.h"

DEFINE_LOCK_CLASS(shrinkers_class, LOCK_TASK);
static struct rwsem shrinkers_lock = RWSEM_INIT(shrinkers_lock, &shrinkers_class);
static LIST_HEAD(shrinkers);		// shrinkers_lock
static struct waitq kswapd_wait = WAITQ_INIT(kswapd_wait);
static u32 kswapd_wanted;
#define RECLAIM_BATCH 32

void shrinker_register(struct shrinker *s)
{
	down_write(&shrinkers_lock);
	list_add_tail(&s->link, &shrinkers);
	up_write(&shrinkers_lock);
}

void shrinker_unregister(struct shrinker *s)
{
	down_write(&shrinkers_lock);
	list_del(&s->link);
	up_write(&shrinkers_lock);
}

// One step of every shrinker: a part of what it holds that grows as priority falls from 12 to 0. Only where file system locks may be taken.
static u64 shrink_caches(gfp_t gfp, int priority)
{
	struct shrinker *s;
	u64 freed = 0;

	if (!(gfp & GFP_FS_OK) || (current->flags & PF_NOFS) || !down_read_trylock(&shrinkers_lock))
		return 0;
	list_for_each_entry(s, &shrinkers, link) {
		u64 n = s->count(s) >> priority;

		if (n || priority == 0)
			freed += s->scan(s, MAX(n, 128ul));
	}
	up_read(&shrinkers_lock);
	return freed;
}

u64 shrink_caches_all(void)
{
	u64 sum = 0, freed;

	for (int round = 0; round < 64 && (freed = shrink_caches(GFP_KERNEL, 0)) != 0; round++)
		sum += freed;
	return sum;
}

// Tries to free one isolated file folio. True: freed.
static bool reclaim_folio(struct folio *f)
{
	struct mapping *m;
	bool done = false;

	if (!folio_trylock(f))
		goto keep;
	m = READ_ONCE(f->mapping);
	if (!m || folio_test(f, PG_DIRTY) || folio_test(f, PG_WRITEBACK) || atomic_read(&f->mapcount) || (m->flags & MAPPING_UNEVICTABLE))
		goto unlock;
	done = mapping_remove_unused(m, f);
unlock:
	folio_unlock(f);
keep:
	if (done)
		folio_free_final(f);
	else
		lru_putback(f, folio_test_and_clear(f, PG_REFERENCED));
	return done;
}

static u64 shrink_lru(u64 want)
{
	u64 freed = 0;

	for (int round = 0; round < 64 && freed < want; round++) {
		struct folio *batch[RECLAIM_BATCH];
		u32 n = lru_isolate(LRU_FILE, batch, RECLAIM_BATCH);

		if (!n)
			break;
		for (u32 i = 0; i < n; i++) {
			u64 nr = folio_nr(batch[i]);

			freed += reclaim_folio(batch[i]) ? nr : 0;
		}
	}
	return freed;
}

static u64 free_pages_now(void)
{
	u64 n = 0;

	for (int i = 0; i < NR_ZONES; i++)
		n += READ_ONCE(zones[i].nr_free) + READ_ONCE(zones[i].nr_deferred);
	return n;
}

// Frees until `want` pages more are free or nothing is left to free. Returns pages gained.
static u64 reclaim(gfp_t gfp, u64 want)
{
	u64 before = free_pages_now(), now = before, gained = 0;

	for (int priority = 12; priority >= 0 && gained < want; priority -= 3) {
		gained += shrink_lru(want);
		shrink_caches(gfp, priority);
		if (gained < want)	// interrupts every CPU
			kmem_cache_shrink_all();
		if (priority <= 6)
			vmalloc_purge();
		now = free_pages_now();
		gained = MAX(gained, now > before ? now - before : 0);
	}
	return gained;
}

u64 reclaim_direct(gfp_t gfp, int order)
{
	u64 gained;

	might_sleep();
	if (current->flags & PF_MEMALLOC)
		return 0;
	current->flags |= PF_MEMALLOC;
	gained = reclaim(gfp, MAX(32ul, 1ul << order));
	current->flags &= ~PF_MEMALLOC;
	return gained;
}

void reclaim_wake(void)
{
	if (!READ_ONCE(kswapd_wanted)) {
		WRITE_ONCE(kswapd_wanted, 1);
		waitq_wake_all(&kswapd_wait);
	}
}

static bool balanced(void)
{
	for (int i = 0; i < NR_ZONES; i++)
		if (zones[i].managed && READ_ONCE(zones[i].nr_free) + READ_ONCE(zones[i].nr_deferred) < zones[i].wmark_high)
			return false;
	return true;
}

// When a pass gains nothing there is nothing to gain: the next wake-up is not honoured before a pause, so that the thread does not spin.
NORETURN void kswapd(void *unused)
{
	current->flags |= PF_MEMALLOC;
	for (;;) {
		u64 gained = 1;

		WAIT_EVENT_IDLE(&kswapd_wait, READ_ONCE(kswapd_wanted));
		while (!balanced() && gained)
			gained = reclaim(GFP_KERNEL, 128);
		if (!gained) {
			set_current_state(TASK_IDLE);
			schedule_timeout(100 * NSEC_PER_MSEC);
		}
		WRITE_ONCE(kswapd_wanted, 0);
	}
}

u32 memalloc_noio_save(void)
{
	u32 old = current->flags & PF_NOIO;

	current->flags |= PF_NOIO;
	return old;
}

void memalloc_noio_restore(u32 flags)
{
	current->flags = (current->flags & ~PF_NOIO) | flags;
}

u32 memalloc_nofs_save(void)
{
	u32 old = current->flags & PF_NOFS;

	current->flags |= PF_NOFS;
	return old;
}

void memalloc_nofs_restore(u32 flags)
{
	current->flags = (current->flags & ~PF_NOFS) | flags;
}
