// The VMA tree against a plain sorted array, under random edits.
#include "mm/vma_tree.h"
#include "lib/ktest.h"
#include "lib/string.h"
#include "mm/slab.h"

struct vtree_model {
	struct vtree_item it[512];
	int n;
};

static u64 vtree_seed;
static u64 vtree_rnd(u64 below)
{
	vtree_seed = vtree_seed * 6364136223846793005ull + 1442695040888963407ull;
	return (vtree_seed >> 33) % below;
}

static int model_cut(struct vtree_model *m, u64 start, u64 end)
{
	int k = 0, at = 0;
	for (int i = 0; i < m->n; i++) {
		if (m->it[i].end <= start)
			at = k + 1;
		if (m->it[i].end <= start || m->it[i].start >= end)
			m->it[k++] = m->it[i];
	}
	m->n = k;
	return at;
}

static void model_put(struct vtree_model *m, int at, const struct vtree_item *it)
{
	memmove(&m->it[at + 1], &m->it[at], (m->n - at) * sizeof(*it));
	m->it[at] = *it;
	m->n++;
}

static const struct vtree_item *model_find(const struct vtree_model *m, u64 a)
{
	for (int i = 0; i < m->n; i++)
		if (m->it[i].start <= a && a < m->it[i].end)
			return &m->it[i];
	return NULL;
}

static u64 model_gap(const struct vtree_model *m, u64 lo, u64 hi, u64 len, bool down)
{
	u64 found = 0, from = 0;
	for (int i = 0; i <= m->n; i++) {
		u64 a = MAX(from, lo), b = MIN(i < m->n ? m->it[i].start : U64_MAX, hi);
		if (b > a && b - a >= len) {
			found = down ? b - len : a;
			if (!down)
				return found;
		}
		if (i < m->n)
			from = m->it[i].end;
	}
	return found;
}

static void compare_lookups(const struct vma_tree *t, const struct vtree_model *m, u64 span)
{
	for (int k = 0; k < 8; k++) {
		u64 a = vtree_rnd(span), after = 0, before = 0;
		const struct vtree_item *f = model_find(m, a);
		CHECK(vma_tree_find(t, a) == (f ? f->ptr : NULL));
		for (int i = m->n - 1; i >= 0; i--)
			if (m->it[i].end > a)
				after = (u64)m->it[i].ptr;
		for (int i = 0; i < m->n; i++)
			if (m->it[i].start < a)
				before = (u64)m->it[i].ptr;
		CHECK_EQ((u64)vma_tree_find_after(t, a), after);
		CHECK_EQ((u64)vma_tree_find_before(t, a), before);
	}
	u64 len = 1 + vtree_rnd(64), lo = 1 + vtree_rnd(span / 2), hi = lo + vtree_rnd(span);
	struct vtree_gap g = { .lo = lo, .hi = hi, .len = len, .align = 1 };
	CHECK_EQ(vma_tree_gap_down(t, &g), model_gap(m, lo, hi, len, true));
	CHECK_EQ(vma_tree_gap_up(t, &g), model_gap(m, lo, hi, len, false));
}

static u64 vtree_next_ptr;

static void random_step(struct vma_tree *t, struct vtree_model *m, u64 span, u64 max_len, int inserts)
{
	u64 start = 1 + vtree_rnd(span), len = 1 + vtree_rnd(max_len);
	// Whole ranges are replaced, as VMA code does.
	u64 lo = start, hi = start + len;
	for (int i = 0; i < m->n; i++)
		if (m->it[i].end > lo && m->it[i].start < hi) {
			lo = MIN(lo, m->it[i].start);
			hi = MAX(hi, m->it[i].end);
		}
	struct vtree_item it[VTREE_MAX_INSERT];
	int n = 0;
	u64 at = lo;
	for (int i = 0; i < inserts && m->n + n < 500; i++) {
		u64 s = at + vtree_rnd(3), e = s + 1 + vtree_rnd(4);
		if (e > hi)
			break;
		vtree_next_ptr += 8;
		it[n++] = (struct vtree_item){ s, e, (void *)vtree_next_ptr };
		at = e;
	}
	struct vtree_edit e;
	if (vma_tree_prepare(t, &e, start, start + len, it, n) != 0)
		return;
	if (vtree_rnd(16) == 0) {
		vma_tree_abort(&e);
		return;
	}
	vma_tree_commit(t, &e);
	int pos = model_cut(m, start, start + len);
	for (int i = 0; i < n; i++)
		model_put(m, pos + i, &it[i]);
}

static void random_resize(struct vma_tree *t, struct vtree_model *m)
{
	if (!m->n)
		return;
	int i = vtree_rnd(m->n);
	u64 lo = i ? m->it[i - 1].end : 1, hi = i + 1 < m->n ? m->it[i + 1].start : m->it[i].end + 5;
	u64 s = lo + vtree_rnd(m->it[i].end - lo), e = s + 1 + vtree_rnd(hi - s);
	if (e > hi)
		e = hi;
	vma_tree_resize(t, m->it[i].start, s, e);
	m->it[i].start = s;
	m->it[i].end = e;
}

KTEST(vma_tree, random_edits_match_a_plain_array)
{
	struct vtree_model *m = kalloc(sizeof(*m), GFP_KERNEL);
	REQUIRE(m);
	vtree_seed = 7;
	for (int round = 0; round < 6; round++) {
		struct vma_tree t = { NULL };
		m->n = 0;
		u64 span = round % 2 ? 400 : 4000;
		for (int i = 0; i < 1500; i++) {
			bool shrink = i / 250 % 3 == 2;
			random_step(&t, m, span, shrink ? 200 : 12, shrink ? 1 : 1 + vtree_rnd(4));
			if (vtree_rnd(4) == 0)
				random_resize(&t, m);
			if (!CHECK_EQ(vma_tree_check(&t), m->n))
				break;
			compare_lookups(&t, m, span);
		}
		vma_tree_destroy(&t, false);
	}
	kfree(m);
}

KTEST(vma_tree, builder_makes_the_same_tree)
{
	for (int n = 0; n < 700; n += 1 + n / 7) {
		struct vma_tree t = { NULL };
		struct vtree_builder b = { .depth = 0 };
		for (int i = 0; i < n; i++)
			REQUIRE(vtree_builder_add(&b, &(struct vtree_item){ 10 + i * 10, 15 + i * 10, (void *)(8ul + i * 8) }) == 0);
		REQUIRE(vtree_builder_finish(&b, &t) == 0);
		CHECK_EQ(vma_tree_check(&t), n);
		for (int i = 0; i < n; i++)
			CHECK_EQ((u64)vma_tree_find(&t, 12 + i * 10), 8ul + i * 8);
		vma_tree_destroy(&t, false);
	}
}

static u64 guard_of_all(const void *p)
{
	return 4;
}

KTEST(vma_tree, gaps_keep_alignment_and_guards)
{
	struct vma_tree t = { NULL };
	struct vtree_edit e;
	struct vtree_item it[2] = { { 100, 200, (void *)8 }, { 300, 400, (void *)16 } };
	REQUIRE(vma_tree_prepare(&t, &e, 100, 400, it, 2) == 0);
	vma_tree_commit(&t, &e);
	struct vtree_gap g = { .lo = 50, .hi = 400, .len = 20, .align = 32, .offset = 0 };
	CHECK_EQ(vma_tree_gap_down(&t, &g), 256);
	CHECK_EQ(vma_tree_gap_up(&t, &g), 64);
	g.offset = 5;
	CHECK_EQ(vma_tree_gap_down(&t, &g), 261);
	g = (struct vtree_gap){ .lo = 50, .hi = 400, .len = 97, .align = 1, .guard = guard_of_all };
	CHECK_EQ(vma_tree_gap_down(&t, &g), 0);
	g.len = 96;
	CHECK_EQ(vma_tree_gap_down(&t, &g), 200);
	vma_tree_destroy(&t, false);
}
