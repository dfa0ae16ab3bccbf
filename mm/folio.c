// Folios: lock, last reference.
#include "mm/folio.h"
#include "kern/panic.h"
#include "lib/hash.h"
#include "mm/lru.h"
#include "mm/page_alloc.h"
#include "sched/sched.h"
#include "sched/waitq.h"

// Sleepers on folio bits, hashed by folio: a bucket's queue is walked only if PG_WAITERS is set.
#define FOLIO_WAIT_BITS 6
static struct waitq folio_wait[1 << FOLIO_WAIT_BITS];

static struct waitq *folio_waitq(const struct folio *f)
{
	return &folio_wait[hash_64((u64)f, FOLIO_WAIT_BITS)];
}

INIT void folio_init(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(folio_wait); i++)
		waitq_init(&folio_wait[i]);
}

// PG_WAITERS is set before the bit is tested again, and read after the bit is cleared: one of the two sees the other.
static bool must_wait(struct folio *f, enum folio_flag bit)
{
	if (!folio_test(f, bit))
		return false;
	folio_test_and_set(f, PG_WAITERS);
	return folio_test(f, bit);
}

static void wake_folio(struct folio *f)
{
	if (folio_test(f, PG_WAITERS)) {
		folio_clear(f, PG_WAITERS);
		waitq_wake_all(folio_waitq(f));
	}
}

bool folio_trylock(struct folio *f)
{
	return !folio_test_and_set(f, PG_LOCKED);
}

void folio_lock(struct folio *f)
{
	while (!folio_trylock(f))
		WAIT_EVENT(folio_waitq(f), !must_wait(f, PG_LOCKED));
}

int folio_lock_killable(struct folio *f)
{
	while (!folio_trylock(f)) {
		int err = WAIT_EVENT_KILLABLE(folio_waitq(f), !must_wait(f, PG_LOCKED));

		if (err)
			return err;
	}
	return 0;
}

void folio_unlock(struct folio *f)
{
	DEBUG_ASSERT(folio_test(f, PG_LOCKED));
	folio_test_and_clear(f, PG_LOCKED);	// full barrier, then the waiters bit
	wake_folio(f);
}

void folio_wait_writeback(struct folio *f)
{
	WAIT_EVENT(folio_waitq(f), !must_wait(f, PG_WRITEBACK));
}

void folio_end_writeback(struct folio *f)
{
	folio_test_and_clear(f, PG_WRITEBACK);
	wake_folio(f);
}

void folio_free_final(struct folio *f)
{
	if (unlikely(folio_test(f, PG_LRU)))
		lru_del(f);
	folio_free_raw(f);
}

void folio_put_many(struct folio **f, int n)
{
	for (int i = 0; i < n; i++)
		folio_put(f[i]);
}
