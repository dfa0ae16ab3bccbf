// Lists of all three kinds, and list_sort().
#include "lib/list.h"

#include "lib/ktest.h"
#include "lib/llist.h"
#include "lib/sort.h"

struct entry {
	struct list_head link;
	struct hlist_node hash;
	struct llist_node lock_free;
	int v, seq;
};

static bool list_is(struct list_head *h, const char *want)
{
	struct entry *e;
	const char *w = want;

	list_for_each_entry(e, h, link)
		if (*w++ != e->v)
			return false;
	if (*w)
		return false;
	list_for_each_entry_reverse(e, h, link)
		if (*--w != e->v)
			return false;
	return w == want;
}

KTEST(list, add_move_delete)
{
	struct entry e[5] = { { .v = 'a' }, { .v = 'b' }, { .v = 'c' }, { .v = 'd' }, { .v = 'e' } }, *p, *n;
	LIST_HEAD(h);

	CHECK(list_empty(&h));
	CHECK(!list_first_entry_or_null(&h, struct entry, link));
	for (int i = 0; i < 5; i++)
		list_add_tail(&e[i].link, &h);
	CHECK(list_is(&h, "abcde"));
	list_move(&e[3].link, &h);
	CHECK(list_is(&h, "dabce"));
	list_move_tail(&e[0].link, &h);
	CHECK(list_is(&h, "dbcea"));
	list_rotate_left(&h);
	CHECK(list_is(&h, "bcead"));
	list_rotate_to_front(&e[0].link, &h);
	CHECK(list_is(&h, "adbce"));
	list_for_each_entry_safe(p, n, &h, link)
		if (p->v == 'd' || p->v == 'e')
			list_del(&p->link);
	CHECK(list_is(&h, "abc"));
	CHECK(e[3].link.next == LIST_POISON1);
	list_del_init(&e[1].link);
	CHECK(list_empty(&e[1].link));
	list_replace(&e[2].link, &e[4].link);
	CHECK(list_is(&h, "ae"));
	CHECK(!list_is_singular(&h));
	CHECK(list_last_entry(&h, struct entry, link) == &e[4]);
}

KTEST(list, splice_and_cut)
{
	struct entry e[4] = { { .v = 'a' }, { .v = 'b' }, { .v = 'c' }, { .v = 'd' } };
	LIST_HEAD(h);
	LIST_HEAD(g);

	list_splice_init(&g, &h);
	CHECK(list_empty(&h));
	list_add_tail(&e[0].link, &h);
	list_add_tail(&e[1].link, &h);
	list_add_tail(&e[2].link, &g);
	list_add_tail(&e[3].link, &g);
	list_splice_tail_init(&g, &h);
	CHECK(list_is(&h, "abcd"));
	CHECK(list_empty(&g));
	list_cut_position(&g, &h, &e[2].link);
	CHECK(list_is(&g, "abc"));
	CHECK(list_is(&h, "d"));
	list_splice(&g, &h);
	CHECK(list_is(&h, "abcd"));
	list_cut_position(&g, &h, &h);
	CHECK(list_empty(&g));
	list_cut_position(&g, &h, &e[3].link);
	CHECK(list_empty(&h));
	CHECK(list_is(&g, "abcd"));
}

KTEST(list, hlist)
{
	struct entry e[3] = { { .v = 1 }, { .v = 2 }, { .v = 3 } }, *p;
	struct hlist_node *n;
	HLIST_HEAD(h);
	HLIST_HEAD(g);
	int sum = 0;

	CHECK(hlist_unhashed(&e[0].hash));
	hlist_del_init(&e[0].hash);
	hlist_add_head(&e[0].hash, &h);
	hlist_add_before(&e[1].hash, &e[0].hash);
	hlist_add_behind(&e[2].hash, &e[0].hash);
	hlist_for_each_entry(p, &h, hash)
		sum = sum * 10 + p->v;
	CHECK_EQ(sum, 213);
	hlist_move_list(&h, &g);
	CHECK(hlist_empty(&h));
	hlist_for_each_entry_safe(p, n, &g, hash)
		hlist_del_init(&p->hash);
	CHECK(hlist_empty(&g));
}

KTEST(list, llist)
{
	struct entry e[3] = { { .v = 1 }, { .v = 2 }, { .v = 3 } }, *p, *t;
	LLIST_HEAD(h);
	int sum = 0;

	CHECK(llist_add(&e[0].lock_free, &h));
	CHECK(!llist_add(&e[1].lock_free, &h));
	CHECK(!llist_add(&e[2].lock_free, &h));
	CHECK(llist_del_first(&h) == &e[2].lock_free);
	CHECK(!llist_add(&e[2].lock_free, &h));
	struct llist_node *all = llist_reverse_order(llist_del_all(&h));
	CHECK(llist_empty(&h));
	CHECK(!llist_del_first(&h));
	llist_for_each_entry_safe(p, t, all, lock_free)
		sum = sum * 10 + p->v;
	CHECK_EQ(sum, 123);
}

static int by_value(void *priv, const struct list_head *a, const struct list_head *b)
{
	return list_entry(a, struct entry, link)->v - list_entry(b, struct entry, link)->v;
}

KTEST(list, sort_is_stable)
{
	static struct entry many[501];

	for (unsigned int len = 0; len <= ARRAY_SIZE(many); len += len < 20 ? 1 : 160) {
		LIST_HEAD(h);
		for (unsigned int i = 0; i < len; i++) {
			many[i].v = i * 7919 % 37;
			many[i].seq = i;
			list_add_tail(&many[i].link, &h);
		}
		list_sort(NULL, &h, by_value);
		struct entry *e, *last = NULL;
		unsigned int n = 0;
		list_for_each_entry(e, &h, link) {
			if (last)
				CHECK(last->v < e->v || (last->v == e->v && last->seq < e->seq));
			CHECK(e->link.next->prev == &e->link);
			last = e;
			n++;
		}
		CHECK_EQ(n, len);
	}
}
