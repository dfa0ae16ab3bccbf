// The sparse array against a plain table: random operations of a fixed seed, entries of many orders, marks, identifiers, lack of memory.
#include "mm/xarray.h"
#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/slab_internal.h"
#include "sched/task.h"

DEFINE_LOCK_CLASS(xa_test_class, LOCK_HARDIRQ);

#define M_SIZE 8192u
struct model {
	void *entry[M_SIZE];
	u8 order[M_SIZE];		// of the entry that covers the index
	u8 marks[M_SIZE];		// of the entry, at its first index
};

static u64 xa_seed;

static u32 xa_random(u32 below)
{
	xa_seed = xa_seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(xa_seed >> 33) % below;
}

static u32 first_of(const struct model *m, u32 i)
{
	return i & ~((1u << m->order[i]) - 1);
}

static void m_put(struct model *m, u32 at, u32 order, void *e)
{
	for (u32 i = 0; i < 1u << order; i++) {
		m->entry[at + i] = e;
		m->order[at + i] = e ? order : 0;
	}
	m->marks[at] = 0;
}

// Whether storing there must work: nothing there, or one entry of that order.
static bool m_fits(const struct model *m, u32 at, u32 order)
{
	if (m->entry[at] && m->order[at] == order)
		return true;
	for (u32 i = 0; i < 1u << order; i++)
		if (m->entry[at + i])
			return false;
	return true;
}

static void store_somewhere(struct xarray *xa, struct model *m, u32 order)
{
	u32 at = xa_random(M_SIZE) & ~((1u << order) - 1);
	void *e = xa_mk_value(xa_random(1u << 30)), *old = NULL, *was = m->entry[at];
	bool fits = m_fits(m, at, order);
	int err = order ? xa_store_order(xa, at + xa_random(1u << order), (int)order, e, GFP_KERNEL) : xa_store(xa, at, e, GFP_KERNEL, &old);

	CHECK_EQ(err, fits ? 0 : -EEXIST);
	if (err)
		return;
	if (!order)
		CHECK_EQ(old, was);
	m_put(m, at, order, e);
}

static void erase_somewhere(struct xarray *xa, struct model *m)
{
	u32 i = xa_random(M_SIZE);

	CHECK_EQ(xa_erase(xa, i), m->entry[i]);
	if (m->entry[i])
		m_put(m, first_of(m, i), m->order[i], NULL);
}

static void mark_somewhere(struct xarray *xa, struct model *m)
{
	u32 i = xa_random(M_SIZE), mark = xa_random(3);

	if (xa_random(3)) {
		xa_set_mark(xa, i, mark);
		if (m->entry[i])
			m->marks[first_of(m, i)] |= 1u << mark;
	} else {
		xa_clear_mark(xa, i, mark);
		if (m->entry[i])
			m->marks[first_of(m, i)] &= ~(1u << mark);
	}
}

static void compare(struct xarray *xa, const struct model *m)
{
	unsigned long index;
	void *e;
	u32 next = 0;

	for (u32 i = 0; i < M_SIZE; i++) {
		if (!CHECK_EQ(xa_load(xa, i), m->entry[i]))
			return;
		for (int k = 0; k < 3; k++)
			CHECK_EQ(xa_get_mark(xa, i, k), m->entry[i] && (m->marks[first_of(m, i)] >> k & 1));
	}
	xa_for_each(xa, index, e) {
		while (next < M_SIZE && !m->entry[next])
			next++;
		CHECK_EQ(index, next);
		CHECK_EQ(e, m->entry[next]);
		if (index != next)
			return;
		next += 1u << m->order[next];
	}
	while (next < M_SIZE && !m->entry[next])
		next++;
	CHECK_EQ(next, M_SIZE);
}

static void find_somewhere(struct xarray *xa, const struct model *m)
{
	u32 from = xa_random(M_SIZE), max = from + xa_random(300), i = from;
	int mark = (int)xa_random(4) - 1;
	unsigned long at = from;
	void *e = mark < 0 ? xa_find(xa, &at, max) : xa_find_marked(xa, &at, max, mark);

	while (i <= max && i < M_SIZE && !(m->entry[i] && (mark < 0 || m->marks[first_of(m, i)] >> mark & 1)))
		i++;
	if (i > max || i >= M_SIZE) {
		CHECK_EQ(e, NULL);
		return;
	}
	CHECK_EQ(e, m->entry[i]);
	CHECK_EQ(at, i);
}

static void batch_somewhere(struct xarray *xa, const struct model *m)
{
	void *got[16];
	unsigned long at = xa_random(M_SIZE);
	u32 i = at, n = xa_find_batch(xa, &at, M_SIZE - 1, got, 16);

	for (u32 k = 0; k < n; k++) {
		while (i < M_SIZE && !m->entry[i])
			i++;
		if (!CHECK(i < M_SIZE))
			return;
		CHECK_EQ(got[k], m->entry[i]);
		i = first_of(m, i) + (1u << m->order[i]);
	}
	if (n < 16)
		for (; i < M_SIZE; i++)
			CHECK_EQ(m->entry[i], NULL);
}

static void xa_random_run(u64 seed, u32 max_order, u32 steps)
{
	struct model *m = kvalloc(sizeof(*m), GFP_KERNEL);
	struct xarray xa;

	REQUIRE(m);
	xa_seed = seed;
	xa_init(&xa, &xa_test_class);
	for (u32 step = 0; step < steps; step++) {
		u32 what = xa_random(16), full = step / 1000 & 1;

		if (what < 6 - 3 * full)
			store_somewhere(&xa, m, xa_random(max_order + 1));
		else if (what < 8)
			erase_somewhere(&xa, m);
		else if (what < 11)
			mark_somewhere(&xa, m);
		else if (what < 14)
			find_somewhere(&xa, m);
		else
			batch_somewhere(&xa, m);
		if (step % 997 == 0)
			compare(&xa, m);
	}
	compare(&xa, m);
	for (u32 i = 0; i < M_SIZE; i++)
		xa_erase(&xa, i);
	CHECK_EQ(rcu_dereference_protected(xa.head), NULL);
	xa_destroy(&xa);
	kvfree(m);
}

KTEST(xarray, single_entries_match_a_model)
{
	xa_random_run(1, 0, 20000);
}

KTEST(xarray, entries_of_small_orders_match_a_model)
{
	xa_random_run(2, 5, 20000);
}

KTEST(xarray, entries_of_large_orders_match_a_model)
{
	xa_random_run(3, 11, 20000);
}

KTEST(xarray, far_indices_need_few_nodes_and_give_them_back)
{
	static const unsigned long far[] = { 0, 63, 64, 1ul << 30, 1ul << 40, ~0ul >> 12, ~0ul - 1, ~0ul };
	struct xarray xa;
	unsigned long index, n = 0;
	void *e, *old;

	xa_init(&xa, &xa_test_class);
	for (u32 i = 0; i < ARRAY_SIZE(far); i++) {
		REQUIRE(xa_store(&xa, far[i], xa_mk_value(i), GFP_KERNEL, &old) == 0);
		CHECK_EQ(old, NULL);
	}
	for (u32 i = 0; i < ARRAY_SIZE(far); i++)
		CHECK_EQ(xa_load(&xa, far[i]), xa_mk_value(i));
	xa_for_each(&xa, index, e) {
		REQUIRE(n < ARRAY_SIZE(far));
		CHECK_EQ(index, far[n]);
		CHECK_EQ(e, xa_mk_value(n));
		n++;
	}
	CHECK_EQ(n, ARRAY_SIZE(far));
	for (u32 i = 0; i < ARRAY_SIZE(far); i++)
		CHECK_EQ(xa_erase(&xa, far[i]), xa_mk_value(i));
	CHECK_EQ(rcu_dereference_protected(xa.head), NULL);
	// One far entry alone leaves nothing behind it either.
	REQUIRE(xa_store(&xa, 1ul << 40, xa_mk_value(1), GFP_KERNEL, NULL) == 0);
	xa_erase(&xa, 1ul << 40);
	CHECK_EQ(rcu_dereference_protected(xa.head), NULL);
}

KTEST(xarray, identifiers_are_the_lowest_free)
{
	struct xarray xa;
	u32 id, next = 5;

	xa_init(&xa, &xa_test_class);
	for (u32 i = 0; i < 200; i++) {
		REQUIRE(xa_alloc(&xa, &id, xa_mk_value(i), 3, 202, GFP_KERNEL) == 0);
		CHECK_EQ(id, i + 3);
	}
	CHECK_EQ(xa_alloc(&xa, &id, xa_mk_value(1), 3, 202, GFP_KERNEL), -EBUSY);
	xa_erase(&xa, 100);
	xa_erase(&xa, 7);
	CHECK_EQ(xa_alloc(&xa, &id, xa_mk_value(1), 3, 202, GFP_KERNEL), 0);
	CHECK_EQ(id, 7);
	CHECK_EQ(xa_alloc_cyclic(&xa, &id, xa_mk_value(1), 3, 300, &next, GFP_KERNEL), 0);
	CHECK_EQ(id, 100);
	CHECK_EQ(next, 101);
	CHECK_EQ(xa_alloc_cyclic(&xa, &id, xa_mk_value(1), 3, 300, &next, GFP_KERNEL), 0);
	CHECK_EQ(id, 203);
	next = 300;
	CHECK_EQ(xa_alloc_cyclic(&xa, &id, xa_mk_value(1), 3, 300, &next, GFP_KERNEL), 0);
	CHECK_EQ(id, 300);
	CHECK_EQ(next, 3);
	xa_erase(&xa, 50);
	CHECK_EQ(xa_alloc_cyclic(&xa, &id, xa_mk_value(1), 3, 202, &next, GFP_KERNEL), 0);
	CHECK_EQ(id, 50);
	xa_destroy(&xa);
}

KTEST(xarray, insert_and_exchange)
{
	struct xarray xa;

	xa_init(&xa, &xa_test_class);
	CHECK_EQ(xa_insert(&xa, 70, xa_mk_value(1), GFP_KERNEL), 0);
	CHECK_EQ(xa_insert(&xa, 70, xa_mk_value(2), GFP_KERNEL), -EEXIST);
	CHECK_EQ(xa_cmpxchg(&xa, 70, xa_mk_value(3), xa_mk_value(4)), xa_mk_value(1));
	CHECK_EQ(xa_cmpxchg(&xa, 70, xa_mk_value(1), xa_mk_value(4)), xa_mk_value(1));
	CHECK_EQ(xa_load(&xa, 70), xa_mk_value(4));
	CHECK_EQ(xa_cmpxchg(&xa, 70, xa_mk_value(4), NULL), xa_mk_value(4));
	CHECK_EQ(rcu_dereference_protected(xa.head), NULL);
	CHECK_EQ(xa_store_order(&xa, 64, 3, xa_mk_value(9), GFP_KERNEL), 0);
	CHECK_EQ(xa_insert(&xa, 71, xa_mk_value(2), GFP_KERNEL), -EEXIST);
	CHECK_EQ(xa_cmpxchg(&xa, 69, xa_mk_value(9), xa_mk_value(10)), xa_mk_value(9));
	CHECK_EQ(xa_load(&xa, 66), xa_mk_value(10));
	xa_destroy(&xa);
}

#ifdef CONFIG_DEBUG
// Each allocation of a store fails in turn: it ends in success or in -ENOMEM, and then nothing has changed.
KTEST(xarray, lack_of_memory_changes_nothing)
{
	for (u32 nth = 1; nth < 12; nth++) {
		struct xarray xa;
		int err;

		xa_init(&xa, &xa_test_class);
		REQUIRE(xa_store(&xa, 5, xa_mk_value(5), GFP_KERNEL, NULL) == 0);
		current->fail_nth = nth;
		err = xa_store(&xa, 1ul << 33, xa_mk_value(6), GFP_KERNEL, NULL);
		current->fail_nth = 0;
		CHECK(err == 0 || err == -ENOMEM);
		CHECK_EQ(xa_load(&xa, 1ul << 33), err ? NULL : xa_mk_value(6));
		CHECK_EQ(xa_load(&xa, 5), xa_mk_value(5));
		xa_erase(&xa, 5);
		xa_erase(&xa, 1ul << 33);
		CHECK_EQ(rcu_dereference_protected(xa.head), NULL);
	}
}
#endif
