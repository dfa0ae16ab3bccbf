// lib/bitmap.h - bits in arrays of unsigned long, Linux's names. Code: bitmap.c. Tests: bitmap_test.c.
//
// set_bit() and friends are atomic; those with a leading __ are not and need the owner's lock.
// set/clear/change order nothing; test_and_* are full barriers; *_lock is acquire, *_unlock is release.
// The find functions return `size` when there is no such bit. Bits beyond `size` in the last word are
// never looked at, and may be written only by the functions that fill whole words (bitmap_fill, bitmap_copy).
#pragma once
#include "lib/compiler.h"
#include "lib/math.h"
#include "lib/string.h"
#include "lib/types.h"

#define BITS_TO_LONGS(n) DIV_ROUND_UP(n, BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]
#define BIT_WORD(n) ((n) / BITS_PER_LONG)
#define BIT_MASK(n) (1ul << ((n) % BITS_PER_LONG))
// Bits [n % 64, 63] of a word; bits [0, n - 1] modulo 64, all of them for a multiple of 64.
#define BITMAP_FIRST_WORD_MASK(n) (~0ul << ((n) & 63))
#define BITMAP_LAST_WORD_MASK(n) (~0ul >> (-(n) & 63))
// Bits lo..hi of a 64-bit word.
#define GENMASK(hi, lo) ((~0ul << (lo)) & (~0ul >> (63 - (hi))))

static ALWAYS_INLINE void set_bit(unsigned long n, unsigned long *map)
{
	(void)__atomic_fetch_or(&map[BIT_WORD(n)], BIT_MASK(n), __ATOMIC_RELAXED);
}

static ALWAYS_INLINE void clear_bit(unsigned long n, unsigned long *map)
{
	(void)__atomic_fetch_and(&map[BIT_WORD(n)], ~BIT_MASK(n), __ATOMIC_RELAXED);
}

static ALWAYS_INLINE void change_bit(unsigned long n, unsigned long *map)
{
	(void)__atomic_fetch_xor(&map[BIT_WORD(n)], BIT_MASK(n), __ATOMIC_RELAXED);
}

static ALWAYS_INLINE bool test_bit(unsigned long n, const unsigned long *map)
{
	return READ_ONCE(map[BIT_WORD(n)]) >> (n % BITS_PER_LONG) & 1;
}

static ALWAYS_INLINE bool test_bit_acquire(unsigned long n, const unsigned long *map)
{
	return __atomic_load_n(&map[BIT_WORD(n)], __ATOMIC_ACQUIRE) >> (n % BITS_PER_LONG) & 1;
}

static ALWAYS_INLINE bool test_and_set_bit(unsigned long n, unsigned long *map)
{
	return __atomic_fetch_or(&map[BIT_WORD(n)], BIT_MASK(n), __ATOMIC_SEQ_CST) & BIT_MASK(n);
}

static ALWAYS_INLINE bool test_and_clear_bit(unsigned long n, unsigned long *map)
{
	return __atomic_fetch_and(&map[BIT_WORD(n)], ~BIT_MASK(n), __ATOMIC_SEQ_CST) & BIT_MASK(n);
}

static ALWAYS_INLINE bool test_and_change_bit(unsigned long n, unsigned long *map)
{
	return __atomic_fetch_xor(&map[BIT_WORD(n)], BIT_MASK(n), __ATOMIC_SEQ_CST) & BIT_MASK(n);
}

static ALWAYS_INLINE bool test_and_set_bit_lock(unsigned long n, unsigned long *map)
{
	return __atomic_fetch_or(&map[BIT_WORD(n)], BIT_MASK(n), __ATOMIC_ACQUIRE) & BIT_MASK(n);
}

static ALWAYS_INLINE void clear_bit_unlock(unsigned long n, unsigned long *map)
{
	(void)__atomic_fetch_and(&map[BIT_WORD(n)], ~BIT_MASK(n), __ATOMIC_RELEASE);
}

static ALWAYS_INLINE void __set_bit(unsigned long n, unsigned long *map)
{
	map[BIT_WORD(n)] |= BIT_MASK(n);
}

static ALWAYS_INLINE void __clear_bit(unsigned long n, unsigned long *map)
{
	map[BIT_WORD(n)] &= ~BIT_MASK(n);
}

static ALWAYS_INLINE void __change_bit(unsigned long n, unsigned long *map)
{
	map[BIT_WORD(n)] ^= BIT_MASK(n);
}

static ALWAYS_INLINE void __assign_bit(unsigned long n, unsigned long *map, bool on)
{
	map[BIT_WORD(n)] = (map[BIT_WORD(n)] & ~BIT_MASK(n)) | (unsigned long)on << (n % BITS_PER_LONG);
}

static ALWAYS_INLINE bool __test_and_set_bit(unsigned long n, unsigned long *map)
{
	bool was = map[BIT_WORD(n)] & BIT_MASK(n);

	map[BIT_WORD(n)] |= BIT_MASK(n);
	return was;
}

static ALWAYS_INLINE bool __test_and_clear_bit(unsigned long n, unsigned long *map)
{
	bool was = map[BIT_WORD(n)] & BIT_MASK(n);

	map[BIT_WORD(n)] &= ~BIT_MASK(n);
	return was;
}

// Out of line: for maps longer than one word, or of unknown size.
unsigned long find_next_bit_long(const unsigned long *map, unsigned long size, unsigned long from) PURE;
unsigned long find_next_zero_bit_long(const unsigned long *map, unsigned long size, unsigned long from) PURE;
unsigned long find_next_and_bit_long(const unsigned long *a, const unsigned long *b, unsigned long size,
				     unsigned long from) PURE;
unsigned long find_next_andnot_bit_long(const unsigned long *a, const unsigned long *b, unsigned long size,
					unsigned long from) PURE;

#define SMALL_BITMAP(size) (__builtin_constant_p(size) && (size) > 0 && (size) <= BITS_PER_LONG)

// The lowest bit of w that is >= from and < size (a constant of 1 to 64), or size.
static ALWAYS_INLINE unsigned long find_in_word(unsigned long w, unsigned long size, unsigned long from)
{
	if (unlikely(from >= size))
		return size;
	w &= GENMASK(size - 1, from);
	return w ? ctz64(w) : size;
}

// The first set (clear) bit that is >= from.
static ALWAYS_INLINE unsigned long find_next_bit(const unsigned long *map, unsigned long size, unsigned long from)
{
	return SMALL_BITMAP(size) ? find_in_word(*map, size, from) : find_next_bit_long(map, size, from);
}

static ALWAYS_INLINE unsigned long find_next_zero_bit(const unsigned long *map, unsigned long size, unsigned long from)
{
	return SMALL_BITMAP(size) ? find_in_word(~*map, size, from) : find_next_zero_bit_long(map, size, from);
}

// In a & b, and in a & ~b.
static ALWAYS_INLINE unsigned long find_next_and_bit(const unsigned long *a, const unsigned long *b,
						     unsigned long size, unsigned long from)
{
	return SMALL_BITMAP(size) ? find_in_word(*a & *b, size, from) : find_next_and_bit_long(a, b, size, from);
}

static ALWAYS_INLINE unsigned long find_next_andnot_bit(const unsigned long *a, const unsigned long *b,
							unsigned long size, unsigned long from)
{
	return SMALL_BITMAP(size) ? find_in_word(*a & ~*b, size, from) : find_next_andnot_bit_long(a, b, size, from);
}

static ALWAYS_INLINE unsigned long find_first_bit(const unsigned long *map, unsigned long size)
{
	return find_next_bit(map, size, 0);
}

static ALWAYS_INLINE unsigned long find_first_zero_bit(const unsigned long *map, unsigned long size)
{
	return find_next_zero_bit(map, size, 0);
}

static ALWAYS_INLINE unsigned long find_first_and_bit(const unsigned long *a, const unsigned long *b, unsigned long size)
{
	return find_next_and_bit(a, b, size, 0);
}

// The highest set bit below size, or size.
unsigned long find_last_bit(const unsigned long *map, unsigned long size) PURE;
// The first run of n clear bits that starts at >= from at a multiple of align_mask + 1; size if none.
unsigned long bitmap_find_next_zero_area(const unsigned long *map, unsigned long size, unsigned long from,
					 unsigned long n, unsigned long align_mask) PURE;

#define for_each_set_bit(i, map, size) \
	for ((i) = find_first_bit((map), (size)); (i) < (size); (i) = find_next_bit((map), (size), (i) + 1))
#define for_each_set_bit_from(i, map, size) \
	for ((i) = find_next_bit((map), (size), (i)); (i) < (size); (i) = find_next_bit((map), (size), (i) + 1))
#define for_each_clear_bit(i, map, size) \
	for ((i) = find_first_zero_bit((map), (size)); (i) < (size); (i) = find_next_zero_bit((map), (size), (i) + 1))
#define for_each_and_bit(i, a, b, size) \
	for ((i) = find_first_and_bit((a), (b), (size)); (i) < (size); (i) = find_next_and_bit((a), (b), (size), (i) + 1))

// Ranges [from, from + n); not atomic.
void bitmap_set(unsigned long *map, unsigned long from, unsigned long n);
void bitmap_clear(unsigned long *map, unsigned long from, unsigned long n);

static inline size_t bitmap_size(unsigned long bits)
{
	return BITS_TO_LONGS(bits) * sizeof(unsigned long);
}

static inline void bitmap_zero(unsigned long *map, unsigned long bits)
{
	memset(map, 0, bitmap_size(bits));
}

static inline void bitmap_fill(unsigned long *map, unsigned long bits)
{
	memset(map, 0xff, bitmap_size(bits));
}

static inline void bitmap_copy(unsigned long *to, const unsigned long *from, unsigned long bits)
{
	memcpy(to, from, bitmap_size(bits));
}

// Whole-word logic; and/andnot say whether the result has a bit below `bits`.
bool bitmap_and(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned long bits);
bool bitmap_andnot(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned long bits);
void bitmap_or(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned long bits);
void bitmap_xor(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned long bits);
bool bitmap_equal(const unsigned long *a, const unsigned long *b, unsigned long bits) PURE;
bool bitmap_intersects(const unsigned long *a, const unsigned long *b, unsigned long bits) PURE;
// Is every bit of a in b?
bool bitmap_subset(const unsigned long *a, const unsigned long *b, unsigned long bits) PURE;
unsigned long bitmap_weight(const unsigned long *map, unsigned long bits) PURE;

static inline bool bitmap_empty(const unsigned long *map, unsigned long bits)
{
	return find_first_bit(map, bits) == bits;
}

static inline bool bitmap_full(const unsigned long *map, unsigned long bits)
{
	return find_first_zero_bit(map, bits) == bits;
}
