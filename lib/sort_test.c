// Sorting and searching arrays.
#include "lib/sort.h"

#include "lib/ktest.h"

struct odd {
	u8 key, rest[10];
};

static int cmp_u32(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static int cmp_odd(const void *a, const void *b, const void *arg)
{
	int d = ((const struct odd *)a)->key - ((const struct odd *)b)->key;

	return *(const bool *)arg ? -d : d;
}

KTEST(sort, every_length)
{
	u32 v[70];

	for (unsigned int n = 0; n <= ARRAY_SIZE(v); n++) {
		u32 sum = 0;
		for (unsigned int i = 0; i < n; i++)
			sum += v[i] = i * 2654435761u >> 20;
		sort(v, n, sizeof(v[0]), cmp_u32);
		for (unsigned int i = 0; i < n; i++) {
			CHECK(!i || v[i - 1] <= v[i]);
			sum -= v[i];
		}
		CHECK_EQ(sum, 0);
	}
}

KTEST(sort, odd_sizes_and_argument)
{
	struct odd v[33];
	bool down = true;

	for (unsigned int i = 0; i < ARRAY_SIZE(v); i++)
		v[i] = (struct odd){ .key = i * 7 % 33, .rest = { i * 7 % 33 } };
	sort_r(v, ARRAY_SIZE(v), sizeof(v[0]), cmp_odd, &down);
	for (unsigned int i = 0; i < ARRAY_SIZE(v); i++) {
		CHECK_EQ(v[i].key, 32 - i);
		CHECK_EQ(v[i].rest[0], 32 - i);
	}
}

KTEST(sort, bsearch_finds_each_and_nothing_else)
{
	u32 v[] = { 1, 3, 5, 7, 9, 11 };

	for (u32 k = 0; k < 13; k++) {
		u32 *p = bsearch(&k, v, ARRAY_SIZE(v), sizeof(v[0]), cmp_u32);
		CHECK(k % 2 && k <= 11 ? p == &v[k / 2] : !p);
	}
}
