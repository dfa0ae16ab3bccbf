// Atomic operations and checked arithmetic: results, not ordering.
#include "lib/atomic.h"

#include "lib/ktest.h"
#include "lib/overflow.h"

KTEST(atomic, results)
{
	struct atomic a = ATOMIC_INIT(5);
	s32 old = 4;

	atomic_inc(&a);
	CHECK_EQ(atomic_add_return(&a, 4), 10);
	CHECK_EQ(atomic_fetch_sub(&a, 9), 10);
	CHECK(atomic_dec_and_test(&a));
	CHECK(!atomic_inc_not_zero(&a));
	CHECK_EQ(atomic_dec_if_positive(&a), -1);
	CHECK_EQ(atomic_read(&a), 0);
	CHECK_EQ(atomic_cmpxchg(&a, 0, 7), 0);
	CHECK(!atomic_try_cmpxchg(&a, &old, 1));
	CHECK_EQ(old, 7);
	CHECK(atomic_try_cmpxchg_acquire(&a, &old, 0xf0));
	CHECK_EQ(atomic_fetch_or(&a, 0xf), 0xf0);
	CHECK_EQ(atomic_fetch_andnot(&a, 0xff), 0xff);
	CHECK(atomic_add_negative(&a, -1));
	CHECK_EQ(atomic_fetch_add_unless(&a, 1, -1), -1);
	CHECK_EQ(atomic_xchg(&a, 3), -1);
}

KTEST(atomic, wide_and_raw)
{
	struct atomic64 a = ATOMIC_INIT(S64_MAX);
	void *p = &a, *want = NULL;

	CHECK_EQ(atomic64_fetch_and(&a, 1ll << 40), S64_MAX);
	CHECK(atomic64_inc_not_zero(&a));
	CHECK_EQ(atomic64_read_acquire(&a), (1ll << 40) + 1);
	CHECK(!try_cmpxchg(&p, &want, NULL));
	CHECK(want == &a);
	CHECK(cmpxchg(&p, want, NULL) == &a);
	CHECK(xchg(&p, want) == NULL);
	CHECK(load_acquire(&p) == want);
}

KTEST(overflow, sizes_saturate)
{
	struct {
		int head;
		u64 tail[];
	} *p;
	u32 r;

	CHECK_EQ(size_add(SIZE_MAX, 1), SIZE_MAX);
	CHECK_EQ(size_mul(SIZE_MAX / 2, 3), SIZE_MAX);
	CHECK_EQ(size_sub(1, 2), SIZE_MAX);
	CHECK_EQ(struct_size(p, tail, 3), 32);
	CHECK_EQ(struct_size(p, tail, SIZE_MAX / 4), SIZE_MAX);
	CHECK(add_overflow(U32_MAX, 1u, &r));
	CHECK(shl_overflow(3u, 31, &r));
	CHECK(shl_overflow(1u, 32, &r));
	CHECK(!shl_overflow(1u, 31, &r) && r == 0x80000000u);
}
