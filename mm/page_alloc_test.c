// The page allocator: blocks of all orders do not overlap, go back whole, and free memory is counted.
#include "mm/page_alloc.h"
#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "sched/task.h"

static u64 pa_free_pages(void)
{
	u64 n = pcp_pages();

	for (int i = 0; i < NR_ZONES; i++)
		n += READ_ONCE(zones[i].nr_free) + READ_ONCE(zones[i].nr_deferred);
	return n;
}

static u64 pa_seed;

static u32 pa_random(u32 below)
{
	pa_seed = pa_seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(pa_seed >> 33) % below;
}

struct held {
	u64 *p;
	u32 order;
	u64 tag;
};

static void held_free(struct held *h)
{
	for (u64 i = 0; i < 1ul << h->order; i++) {
		u64 *page = h->p + i * (PAGE_SIZE / 8);
		CHECK_EQ(page[0], h->tag);
		CHECK_EQ(page[PAGE_SIZE / 8 - 1], h->tag);
	}
	pages_free(h->p, (int)h->order);
	h->p = NULL;
}

static void held_fill(struct held *h, u32 order, u64 tag)
{
	bool zero = tag & 1;

	h->p = pages_alloc(zero ? GFP_KERNEL : GFP_KERNEL | GFP_UNINIT, (int)order);
	if (!CHECK(h->p))
		return;
	h->order = order;
	h->tag = tag;
	CHECK_EQ((u64)h->p & ((PAGE_SIZE << order) - 1), 0);
	if (zero)
		CHECK(!memchr_inv(h->p, 0, PAGE_SIZE << order));
	for (u64 i = 0; i < 1ul << order; i++)
		h->p[i * (PAGE_SIZE / 8)] = h->p[(i + 1) * (PAGE_SIZE / 8) - 1] = tag;
}

KTEST(page_alloc, blocks_of_all_orders_are_apart_and_come_back)
{
	enum { N = 200 };
	struct held *h = kalloc_array(N, sizeof(*h), GFP_KERNEL);
	u64 before;

	REQUIRE(h);
	before = pa_free_pages();
	pa_seed = 4;
	for (u64 step = 0; step < 6000; step++) {
		struct held *one = &h[pa_random(N)];

		if (one->p)
			held_free(one);
		else
			held_fill(one, pa_random(8) ? pa_random(5) : pa_random(MAX_ORDER + 1), step);
	}
	for (u32 i = 0; i < N; i++)
		if (h[i].p)
			held_free(&h[i]);
	// Slabs and other threads move a little meanwhile.
	CHECK_GE(pa_free_pages() + 512, before);
	CHECK_LE(pa_free_pages(), before + 512);
	kfree(h);
}

KTEST(page_alloc, freed_buddies_join)
{
	u64 *p = pages_alloc(GFP_KERNEL | GFP_UNINIT, MAX_ORDER);
	struct folio *f;

	REQUIRE(p);
	f = virt_folio(p);
	pages_free(p, MAX_ORDER);
	CHECK(f->flags & 1ul << PG_BUDDY);
	CHECK_EQ(f->flags >> FOLIO_ORDER_SHIFT & 15, MAX_ORDER);
}

KTEST(page_alloc, folios_know_their_size)
{
	for (int order = 0; order <= MAX_ORDER; order++) {
		struct folio *f = folio_alloc(GFP_KERNEL, order);

		REQUIRE(f);
		CHECK_EQ(folio_order(f), order);
		CHECK_EQ(folio_size(f), PAGE_SIZE << order);
		CHECK(!memchr_inv(folio_addr(f), 0, PAGE_SIZE << order));
		CHECK_EQ(virt_folio((char *)folio_addr(f) + (PAGE_SIZE << order) - 1), f);
		folio_put(f);
	}
}

KTEST(page_alloc, dma32_memory_is_low)
{
	for (int order = 0; order < 4; order++) {
		void *p = pages_alloc(GFP_KERNEL | GFP_DMA32, order);
		REQUIRE(p);
		CHECK_LT(virt_to_phys(p), 1ul << 32);
		pages_free(p, order);
	}
}

// Takes what atomic allocations may have, without reclaim: it ends, leaves the reserve alone, and all comes back.
KTEST(page_alloc, exhaustion_ends_at_the_reserve)
{
	struct list_node_ { struct list_node_ *next; } *list = NULL, *n;
	u64 before = pa_free_pages(), got = 0, reserve = 0;

	if (before > (1ul << 30) / PAGE_SIZE)
		return;		// too much memory to take all of it
	for (int i = 0; i < NR_ZONES; i++)
		reserve += zones[i].wmark_min;
	while ((n = pages_alloc(GFP_NOWAIT & ~GFP_RECLAIM_KSWAPD, 6)) != NULL) {
		n->next = list;
		list = n;
		got += 64;
	}
	CHECK_GE(pa_free_pages(), reserve);
	CHECK_GE(got + reserve + before / 8, before);
	n = pages_alloc(GFP_HIGH | GFP_UNINIT, 0);
	CHECK(n);
	pages_free(n, 0);
	while ((n = list) != NULL) {
		list = n->next;
		pages_free(n, 6);
	}
	CHECK_GE(pa_free_pages() + 512, before);
}
