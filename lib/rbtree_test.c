// Red-black trees: the invariants hold after every step of long random runs, plain and augmented.
#include "lib/rbtree.h"

#include "lib/ktest.h"
#include "lib/math.h"

struct item {
	struct rb_node rb;
	u32 key, weight, max;
	bool in;
};

static u32 item_weight(const struct item *i)
{
	return i->weight;
}
RB_DECLARE_CALLBACKS_MAX(static, item_callbacks, struct item, rb, u32, max, item_weight);

static struct item items[300];
static u64 rb_seed;

static u32 rb_random(void)
{
	rb_seed = rb_seed * 6364136223846793005ull + 1442695040888963407ull;
	return rb_seed >> 33;
}

static bool item_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct item, rb)->key < rb_entry(b, struct item, rb)->key;
}

static int item_cmp(const void *key, const struct rb_node *n)
{
	u32 k = *(const u32 *)key, have = rb_entry(n, struct item, rb)->key;

	return k < have ? -1 : k > have;
}

// Black height, or -1 when a rule is broken. Depth is bounded by the tree's balance.
static int check_subtree(const struct rb_node *n, const struct rb_node *parent, bool augmented, u32 *max)
{
	if (!n)
		return 1;
	bool red = !(n->rb_parent_color & RB_BLACK);
	if (rb_parent(n) != parent || (red && (!parent || !(parent->rb_parent_color & RB_BLACK))))
		return -1;
	const struct item *i = rb_entry(n, const struct item, rb);
	u32 m = i->weight;
	int l = check_subtree(n->rb_left, n, augmented, &m), r = check_subtree(n->rb_right, n, augmented, &m);
	if (l != r || l < 0 || (augmented && m != i->max))
		return -1;
	*max = MAX(*max, m);
	return l + !red;
}

static bool check_tree(const struct rb_root_cached *root, int count, bool augmented)
{
	u32 max = 0, last = 0;
	int n = 0;

	if (check_subtree(root->rb_root.rb_node, NULL, augmented, &max) < 0)
		return false;
	if (rb_first(&root->rb_root) != rb_first_cached(root))
		return false;
	for (struct rb_node *p = rb_first(&root->rb_root); p; p = rb_next(p), n++) {
		u32 key = rb_entry(p, struct item, rb)->key;
		if (key < last)
			return false;
		last = key;
	}
	for (struct rb_node *p = rb_last(&root->rb_root); p; p = rb_prev(p))
		n--;
	int post = 0;
	struct item *i, *t;
	rbtree_postorder_for_each_entry_safe(i, t, &root->rb_root, rb)
		post++;
	return n == 0 && post == count;
}

static void random_run(bool augmented, u32 keys)
{
	struct rb_root_cached root = RB_ROOT_CACHED;
	int count = 0;

	rb_seed = 12345 + keys;
	for (unsigned int i = 0; i < ARRAY_SIZE(items); i++)
		items[i].in = false;
	for (int step = 0; step < 3000; step++) {
		struct item *i = &items[rb_random() % ARRAY_SIZE(items)];
		if (i->in) {
			bool first = rb_first_cached(&root) == &i->rb;
			struct rb_node *next = augmented ? rb_erase_augmented_cached(&i->rb, &root, &item_callbacks) :
							   rb_erase_cached(&i->rb, &root);
			REQUIRE(next == (first ? rb_first_cached(&root) : NULL));
			count--;
		} else {
			i->key = rb_random() % keys;
			i->weight = i->max = rb_random() % 1000;
			if (augmented)
				rb_add_augmented_cached(&i->rb, &root, item_less, &item_callbacks);
			else
				rb_add_cached(&i->rb, &root, item_less);
			count++;
		}
		i->in = !i->in;
		if (step % 16 == 0 || step > 2950)
			REQUIRE(check_tree(&root, count, augmented));
	}
}

KTEST(rbtree, random_inserts_and_erases_keep_the_rules)
{
	random_run(false, 1000000);
	random_run(false, 20);
}

KTEST(rbtree, augmented_values_are_right_after_every_step)
{
	random_run(true, 1000000);
	random_run(true, 20);
}

KTEST(rbtree, find_and_replace)
{
	struct rb_root root = RB_ROOT;
	u32 key = 40;

	for (u32 i = 0; i < 100; i++) {
		items[i].key = i & ~1u;
		rb_add(&items[i].rb, &root, item_less);
	}
	struct rb_node *n = rb_find_first(&key, &root, item_cmp);
	REQUIRE(n == &items[40].rb);
	CHECK(rb_next(n) == &items[41].rb);
	items[200].key = 40;
	rb_replace_node(n, &items[200].rb, &root);
	CHECK(rb_find_first(&key, &root, item_cmp) == &items[200].rb);
	CHECK(rb_next(rb_prev(&items[200].rb)) == &items[200].rb);
	key = 41;
	CHECK(!rb_find(&key, &root, item_cmp));
	RB_CLEAR_NODE(n);
	CHECK(RB_EMPTY_NODE(n));
	CHECK(!rb_next(n));
}
