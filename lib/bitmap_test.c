// Bitmaps, against a plain loop over bits.
#include "lib/bitmap.h"

#include "lib/ktest.h"

static unsigned long slow_next(const unsigned long *map, unsigned long size, unsigned long from, bool value)
{
	while (from < size && test_bit(from, map) != value)
		from++;
	return from < size ? from : size;
}

KTEST(bitmap, finds_agree_with_a_loop)
{
	unsigned long map[4] = { 0x8000000000000001ul, 0, ~0ul, 0x10ul };
	unsigned long none[4] = { 0 };

	for (unsigned long size = 1; size <= 256; size++) {
		for (unsigned long from = 0; from < size; from++) {
			CHECK_EQ(find_next_bit(map, size, from), slow_next(map, size, from, true));
			CHECK_EQ(find_next_zero_bit(map, size, from), slow_next(map, size, from, false));
			CHECK_EQ(find_next_and_bit(map, none, size, from), size);
			CHECK_EQ(find_next_andnot_bit(map, none, size, from), slow_next(map, size, from, true));
		}
		unsigned long last = size;
		for (unsigned long i = 0; i < size; i++)
			if (test_bit(i, map))
				last = i;
		CHECK_EQ(find_last_bit(map, size), last);
	}
	CHECK_EQ(find_next_bit(map, 256, 300), 256);
}

KTEST(bitmap, one_word_maps_of_constant_size)
{
	unsigned long w = 0x90ul;

	CHECK_EQ(find_first_bit(&w, 64), 4);
	CHECK_EQ(find_next_bit(&w, 64, 5), 7);
	CHECK_EQ(find_next_bit(&w, 7, 5), 7);
	CHECK_EQ(find_next_bit(&w, 64, 64), 64);
	CHECK_EQ(find_first_zero_bit(&w, 64), 0);
	CHECK_EQ(find_next_zero_bit(&w, 8, 7), 8);
	w = ~0ul;
	CHECK_EQ(find_first_zero_bit(&w, 64), 64);
	CHECK_EQ(find_first_zero_bit(&w, 1), 1);
	CHECK(bitmap_full(&w, 64));
	w = 0;
	CHECK(bitmap_empty(&w, 64));
}

KTEST(bitmap, ranges)
{
	unsigned long map[4];

	for (unsigned long from = 0; from < 200; from += 7) {
		for (unsigned long n = 0; n <= 200 - from; n += 5) {
			bitmap_zero(map, 256);
			bitmap_set(map, from, n);
			CHECK_EQ(bitmap_weight(map, 256), n);
			CHECK_EQ(find_first_bit(map, 256), n ? from : 256);
			bitmap_fill(map, 256);
			bitmap_clear(map, from, n);
			CHECK_EQ(bitmap_weight(map, 256), 256 - n);
			CHECK_EQ(find_first_zero_bit(map, 256), n ? from : 256);
		}
	}
}

KTEST(bitmap, logic_ignores_what_is_beyond_the_size)
{
	unsigned long a[2] = { 0xf0, ~0ul << 6 }, b[2] = { 0x30, ~0ul << 7 }, to[2];

	CHECK(bitmap_equal(a, a, 70));
	CHECK(!bitmap_equal(a, b, 70));
	CHECK(!bitmap_subset(a, b, 70));
	CHECK(bitmap_subset(b, a, 128));
	CHECK(bitmap_and(to, a, b, 70));
	CHECK_EQ(to[0], 0x30);
	CHECK(bitmap_andnot(to, b, a, 70) == false);
	CHECK_EQ(bitmap_weight(a, 70), 4);
	CHECK_EQ(bitmap_weight(a, 71), 5);
	b[0] = 0;
	CHECK(!bitmap_intersects(a, b, 70));
	CHECK(bitmap_intersects(a, b, 72));
	CHECK_EQ(bitmap_find_next_zero_area(a, 64, 0, 4, 0), 0);
	CHECK_EQ(bitmap_find_next_zero_area(a, 64, 0, 5, 0), 8);
	CHECK_EQ(bitmap_find_next_zero_area(a, 64, 0, 5, 15), 16);
	CHECK_EQ(bitmap_find_next_zero_area(a, 64, 0, 60, 0), 64);
}

KTEST(bitmap, single_bits)
{
	unsigned long map[2] = { 0 };

	CHECK(!test_and_set_bit(69, map));
	CHECK(test_and_set_bit(69, map));
	CHECK_EQ(map[1], 32);
	CHECK(test_and_change_bit(69, map));
	CHECK(!test_bit(69, map));
	__set_bit(63, map);
	CHECK(__test_and_clear_bit(63, map));
	CHECK(!__test_and_set_bit(0, map));
	__assign_bit(0, map, false);
	__assign_bit(1, map, true);
	CHECK_EQ(map[0], 2);
}

KTEST(math, logarithms_and_roots)
{
	CHECK_EQ(ilog2(1), 0);
	CHECK_EQ(ilog2(0x8000000000000000ull), 63);
	CHECK_EQ(roundup_pow_of_two(0), 1);
	CHECK_EQ(roundup_pow_of_two(5), 8);
	CHECK_EQ(roundup_pow_of_two(8), 8);
	CHECK_EQ(roundup_pow_of_two(1ull << 63), 1ull << 63);
	CHECK_EQ(roundup_pow_of_two((1ull << 63) + 1), 0);
	CHECK_EQ(order_base_2(4097), 13);
	CHECK_EQ(order_base_2(1), 0);
	CHECK_EQ(fls(0), 0);
	CHECK_EQ(fls(0x80000000u), 32);
	CHECK_EQ(ffs64(1ull << 40), 41);
	CHECK_EQ(hweight64(0xf0f0f0f0f0f0f0f1ull), 33);
	for (u64 v = 0; v < 70000; v += 13) {
		u64 r = int_sqrt64(v);
		CHECK(r * r <= v && (r + 1) * (r + 1) > v);
	}
	CHECK_EQ(int_sqrt64(U64_MAX), 0xffffffffu);
	CHECK_EQ(gcd64(12, 18), 6);
	CHECK_EQ(gcd64(0, 5), 5);
}

KTEST(math, wide_multiply_and_divide)
{
	CHECK_EQ(mul_u64_u64_div_u64(U64_MAX, U64_MAX, U64_MAX), U64_MAX);
	CHECK_EQ(mul_u64_u64_div_u64(U64_MAX, 10, 100), U64_MAX / 10);
	CHECK_EQ(mul_u64_u64_div_u64(1ull << 40, 1ull << 40, (1ull << 17) + 1), 9223301668647464960ull);
	CHECK_EQ(mul_u64_u64_div_u64(U64_MAX, 2, 1), U64_MAX);
	CHECK_EQ(mul_u64_u64_div_u64(5, 2, 0), U64_MAX);
	CHECK_EQ(mul_u64_u64_div_u64(0xfffffffffffffff0ull, 0xfffffffffffffff1ull, 0xfffffffffffffff2ull),
		 0xffffffffffffffefull);
	CHECK_EQ(mul_u64_u64_shr(1ull << 63, 6, 64), 3);
}
