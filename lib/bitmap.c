// Searches and set operations on bitmaps, one word at a time.
#include "lib/bitmap.h"

// The first set bit of WORD(i), an expression over word index i, that is >= from.
#define FIND_NEXT(WORD, size, from) ({ \
	unsigned long i = BIT_WORD(from), found_; \
	if (unlikely((from) >= (size))) \
		return (size); \
	unsigned long w_ = (WORD) & BITMAP_FIRST_WORD_MASK(from); \
	while (!w_) { \
		if (++i * BITS_PER_LONG >= (size)) \
			return (size); \
		w_ = (WORD); \
	} \
	found_ = i * BITS_PER_LONG + ctz64(w_); \
	found_ < (size) ? found_ : (size); })

unsigned long find_next_bit_long(const unsigned long *map, unsigned long size, unsigned long from)
{
	return FIND_NEXT(map[i], size, from);
}

unsigned long find_next_zero_bit_long(const unsigned long *map, unsigned long size, unsigned long from)
{
	return FIND_NEXT(~map[i], size, from);
}

unsigned long find_next_and_bit_long(const unsigned long *a, const unsigned long *b, unsigned long size,
				     unsigned long from)
{
	return FIND_NEXT(a[i] & b[i], size, from);
}

unsigned long find_next_andnot_bit_long(const unsigned long *a, const unsigned long *b, unsigned long size,
					unsigned long from)
{
	return FIND_NEXT(a[i] & ~b[i], size, from);
}

#undef FIND_NEXT

unsigned long find_last_bit(const unsigned long *map, unsigned long size)
{
	unsigned long n = BITS_TO_LONGS(size);
	unsigned long mask = BITMAP_LAST_WORD_MASK(size);

	while (n--) {
		unsigned long w = map[n] & mask;
		if (w)
			return n * BITS_PER_LONG + msb64(w);
		mask = ~0ul;
	}
	return size;
}

unsigned long bitmap_find_next_zero_area(const unsigned long *map, unsigned long size, unsigned long from,
					 unsigned long n, unsigned long align_mask)
{
	for (;;) {
		unsigned long start = ALIGN_UP(find_next_zero_bit(map, size, from), align_mask + 1);
		if (start > size || n > size - start)
			return size;
		unsigned long used = find_next_bit(map, start + n, start);
		if (used == start + n)
			return start;
		from = used + 1;
	}
}

void bitmap_set(unsigned long *map, unsigned long from, unsigned long n)
{
	unsigned long end = from + n, i = BIT_WORD(from), last = BIT_WORD(end - 1);

	if (!n)
		return;
	if (i == last) {
		map[i] |= BITMAP_FIRST_WORD_MASK(from) & BITMAP_LAST_WORD_MASK(end);
		return;
	}
	map[i++] |= BITMAP_FIRST_WORD_MASK(from);
	while (i < last)
		map[i++] = ~0ul;
	map[i] |= BITMAP_LAST_WORD_MASK(end);
}

void bitmap_clear(unsigned long *map, unsigned long from, unsigned long n)
{
	unsigned long end = from + n, i = BIT_WORD(from), last = BIT_WORD(end - 1);

	if (!n)
		return;
	if (i == last) {
		map[i] &= ~(BITMAP_FIRST_WORD_MASK(from) & BITMAP_LAST_WORD_MASK(end));
		return;
	}
	map[i++] &= ~BITMAP_FIRST_WORD_MASK(from);
	while (i < last)
		map[i++] = 0;
	map[i] &= ~BITMAP_LAST_WORD_MASK(end);
}

bool bitmap_and(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned long bits)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(bits); i++)
		to[i] = a[i] & b[i];
	return !bitmap_empty(to, bits);
}

bool bitmap_andnot(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned long bits)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(bits); i++)
		to[i] = a[i] & ~b[i];
	return !bitmap_empty(to, bits);
}

void bitmap_or(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned long bits)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(bits); i++)
		to[i] = a[i] | b[i];
}

void bitmap_xor(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned long bits)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(bits); i++)
		to[i] = a[i] ^ b[i];
}

bool bitmap_equal(const unsigned long *a, const unsigned long *b, unsigned long bits)
{
	unsigned long whole = bits / BITS_PER_LONG;

	for (unsigned long i = 0; i < whole; i++)
		if (a[i] != b[i])
			return false;
	return bits % BITS_PER_LONG == 0 || ((a[whole] ^ b[whole]) & BITMAP_LAST_WORD_MASK(bits)) == 0;
}

bool bitmap_intersects(const unsigned long *a, const unsigned long *b, unsigned long bits)
{
	return find_next_and_bit(a, b, bits, 0) < bits;
}

bool bitmap_subset(const unsigned long *a, const unsigned long *b, unsigned long bits)
{
	return find_next_andnot_bit(a, b, bits, 0) >= bits;
}

unsigned long bitmap_weight(const unsigned long *map, unsigned long bits)
{
	unsigned long whole = bits / BITS_PER_LONG, n = 0;

	for (unsigned long i = 0; i < whole; i++)
		n += hweight64(map[i]);
	if (bits % BITS_PER_LONG)
		n += hweight64(map[whole] & BITMAP_LAST_WORD_MASK(bits));
	return n;
}
