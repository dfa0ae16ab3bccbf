// The random generator: sizes around its internal limits, and no repetition.
#include "kern/random.h"
#include "lib/ktest.h"
#include "lib/string.h"

KTEST(random, fills_exactly_what_was_asked_for)
{
	static const u16 sizes[] = { 0, 1, 16, 127, 128, 129, 191, 192, 256, 500 };
	u8 buf[512];
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t n = sizes[i];
		memset(buf, 0, sizeof(buf));
		random_bytes(buf, n);
		CHECK(mem_is_zero(buf + n, sizeof(buf) - n));
		if (n >= 16)
			CHECK(!mem_is_zero(buf, n));
	}
}

KTEST(random, does_not_repeat)
{
	u64 last = random_u64();
	for (int i = 0; i < 1000; i++) {
		u64 v = random_u64();
		CHECK_NE(v, last);
		last = v;
		if (i % 100 == 0)
			random_reseed();
	}
}

KTEST(random, below_stays_below_and_reaches_all)
{
	u32 seen = 0;
	for (int i = 0; i < 1000; i++) {
		u64 v = random_below(10);
		CHECK_LT(v, 10);
		seen |= 1u << v;
	}
	CHECK_EQ(seen, 0x3ff);
	CHECK_EQ(random_below(1), 0);
}
