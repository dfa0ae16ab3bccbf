// Kernel objects: sizes, alignment, contents, constructors, emptying of caches, lack of memory.
#include "mm/slab.h"
#include "kern/rcu.h"
#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "mm/slab_internal.h"
#include "sched/task.h"

KTEST(slab, sizes_are_zeroed_aligned_and_do_not_overlap)
{
	enum { N = 300 };
	u8 **p = kalloc_array(N, sizeof(*p), GFP_KERNEL);
	size_t *size = kalloc_array(N, sizeof(*size), GFP_KERNEL);

	REQUIRE(p && size);
	for (int round = 0; round < 3; round++) {
		for (u32 i = 0; i < N; i++) {
			size[i] = i < 150 ? i : (i - 149) * 137;
			p[i] = kalloc(size[i], GFP_KERNEL);
			REQUIRE(p[i]);
			CHECK(!size[i] || !memchr_inv(p[i], 0, size[i]));
			CHECK_GE(ksize(p[i]), size[i]);
			if (size[i] && !(size[i] & (size[i] - 1)))
				CHECK_EQ((u64)p[i] & (MIN(size[i], PAGE_SIZE) - 1), 0);
			memset(p[i], (int)i, size[i]);
		}
		for (u32 i = 0; i < N; i++) {
			CHECK(!size[i] || !memchr_inv(p[i], (int)(u8)i, size[i]));
			kfree(p[i]);
		}
	}
	kfree(p);
	kfree(size);
	kfree(NULL);
}

KTEST(slab, overflowing_and_huge_sizes_fail)
{
	volatile size_t huge = SIZE_MAX / 2;	// the compiler would warn

	CHECK_EQ(kalloc_array(huge, 3, GFP_KERNEL | GFP_NOWARN), NULL);
	CHECK_EQ(kalloc(huge, GFP_KERNEL | GFP_NOWARN), NULL);
	CHECK_EQ(kvalloc(huge, GFP_KERNEL | GFP_NOWARN), NULL);
}

KTEST(slab, krealloc_keeps_contents)
{
	char *p = krealloc(NULL, 10, GFP_KERNEL);

	REQUIRE(p);
	strscpy(p, "123456789", 10);
	for (size_t n = 20; n < 40000; n = n * 3 / 2) {
		p = krealloc(p, n, GFP_KERNEL);
		REQUIRE(p);
		CHECK_STR(p, "123456789");
		memset(p + 10, 'x', n - 10);
	}
	p = krealloc(p, 10, GFP_KERNEL);
	REQUIRE(p);
	CHECK_STR(p, "123456789");
	kfree(p);
}

KTEST(slab, strings)
{
	char *s = kstrdup("abc", GFP_KERNEL), *t = kasprintf(GFP_KERNEL, "%s-%d-%s", s, 42, "end"), *u = kmemdup("xyz", 4, GFP_KERNEL);

	REQUIRE(s && t && u);
	CHECK_STR(s, "abc");
	CHECK_STR(t, "abc-42-end");
	CHECK_STR(u, "xyz");
	kfree(s);
	kfree(t);
	kfree(u);
}

struct constructed {
	u64 magic, uses;
};

static u64 nr_constructed;

static void construct(void *obj)
{
	*(struct constructed *)obj = (struct constructed){ .magic = 0x600d };
	nr_constructed++;
}

KTEST(slab, constructed_objects_keep_their_state)
{
	struct kmem_cache *c = kmem_cache_create("test-ctor", sizeof(struct constructed), 0, 0, construct);
	static struct constructed *o[500];	// too much for a stack
	u64 made;

	REQUIRE(c);
	for (int round = 0; round < 2; round++) {
		for (u32 i = 0; i < ARRAY_SIZE(o); i++) {
			o[i] = kmem_cache_alloc(c, GFP_KERNEL);
			REQUIRE(o[i]);
			CHECK_EQ(o[i]->magic, 0x600d);
			CHECK_LE(o[i]->uses++, round);
		}
		CHECK_EQ(slab_in_use("test-ctor"), ARRAY_SIZE(o));
		for (u32 i = 0; i < ARRAY_SIZE(o); i++)
			kmem_cache_free(c, o[i]);
		CHECK_EQ(slab_in_use("test-ctor"), 0);
	}
	made = nr_constructed;
	CHECK_GE(made, ARRAY_SIZE(o));
	kmem_cache_destroy(c);
	CHECK_EQ(slab_in_use("test-ctor"), 0);
}

KTEST(slab, emptied_caches_give_their_pages_back)
{
	struct kmem_cache *c = kmem_cache_create("test-shrink", 200, 0, SLAB_RECLAIMABLE, NULL);
	static void *o[400];
	u64 before, after, other;

	REQUIRE(c);
	kmem_cache_shrink_all();
	slab_totals(&before, &other);
	for (u32 i = 0; i < ARRAY_SIZE(o); i++)
		REQUIRE((o[i] = kmem_cache_alloc(c, GFP_KERNEL)) != NULL);
	slab_totals(&after, &other);
	CHECK_GE(after, before + 400 * 200 / PAGE_SIZE);
	for (u32 i = 0; i < ARRAY_SIZE(o); i++)
		kmem_cache_free(c, o[i]);
	kmem_cache_shrink_all();
	slab_totals(&after, &other);
	CHECK_LE(after, before);
	kmem_cache_destroy(c);
}

KTEST(slab, typesafe_objects_outlive_their_free_by_a_grace_period)
{
	struct kmem_cache *c = kmem_cache_create("test-rcu", 64, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	u64 *o;

	REQUIRE(c);
	o = kmem_cache_alloc(c, GFP_KERNEL);
	REQUIRE(o);
	WRITE_ONCE(*o, 77);
	rcu_read_lock();
	kmem_cache_free(c, o);
	CHECK_EQ(READ_ONCE(*o), 77);	// still memory of its type
	rcu_read_unlock();
	kmem_cache_destroy(c);
}

struct rcu_freed {
	struct rcu_head rcu;
	u64 pad[5];
};

KTEST(slab, rcu_freed_objects_are_freed)
{
	u64 before;

	rcu_barrier();
	before = slab_in_use("kalloc-64");
	for (int i = 0; i < 200; i++) {
		struct rcu_freed *o = kalloc(sizeof(*o), GFP_KERNEL);
		REQUIRE(o);
		kfree_rcu(o, rcu);
	}
	rcu_barrier();
	CHECK_LE(slab_in_use("kalloc-64"), before + 4);
}

#ifdef CONFIG_DEBUG
KTEST(slab, injected_failures_fail_one_call)
{
	void *a, *b;

	current->fail_nth = 2;
	a = kalloc(100, GFP_KERNEL);
	b = kalloc(100, GFP_KERNEL);
	CHECK_EQ(current->fail_nth, 0);
	CHECK(a);
	CHECK_EQ(b, NULL);
	current->fail_nth = 0;
	b = kalloc(100, GFP_KERNEL);
	CHECK(b);
	kfree(a);
	kfree(b);
	for (u32 nth = 1; nth < 4; nth++) {
		char *s;

		current->fail_nth = nth;
		s = kasprintf(GFP_KERNEL, "%d", 7);
		current->fail_nth = 0;
		if (nth == 1)
			CHECK_EQ(s, NULL);
		else
			CHECK_STR(s, "7");
		kfree(s);
	}
	current->fail_nth = 1;
	CHECK_EQ(kmem_cache_create("test-fail", 64, 0, 0, NULL), NULL);
	current->fail_nth = 0;
}
#endif
