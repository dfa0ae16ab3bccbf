// lib/hash.h - hashes for tables: of trusted integers, of untrusted keys, of path components.
//
// hash_64() is only for keys that a program cannot choose. siphash13() is for those it can (ports,
// names, addresses), with a key from the random pool. name_hash() is the path walk's: fast, salted
// with the parent. None of them is for cryptography. Tests: hash_test.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"
#include "lib/word.h"

#define HASH_GOLDEN_64 0x9e3779b97f4a7c15ull	// 2^64 / phi, odd

// The best `bits` bits (1 to 32) of the product.
static ALWAYS_INLINE u32 hash_64(u64 v, unsigned int bits)
{
	return v * HASH_GOLDEN_64 >> (64 - bits);
}

static ALWAYS_INLINE u32 hash_32(u32 v, unsigned int bits)
{
	return hash_64(v, bits);
}

static ALWAYS_INLINE u32 hash_ptr(const void *p, unsigned int bits)
{
	return hash_64((u64)(uintptr_t)p, bits);
}

struct siphash_key {
	u64 k[2];
};

// SipHash-1-3 of n bytes.
u64 siphash13(const void *p, size_t n, const struct siphash_key *key) PURE;
// The same value as siphash13() of the words' little-endian bytes, without the loop.
u64 siphash13_1(u64 a, const struct siphash_key *key) PURE;
u64 siphash13_2(u64 a, u64 b, const struct siphash_key *key) PURE;
u64 siphash13_3(u64 a, u64 b, u64 c, const struct siphash_key *key) PURE;

// What name_hash() returns: length << 32 | hash.
static ALWAYS_INLINE u32 name_hash_len(u64 h)
{
	return h >> 32;
}

static ALWAYS_INLINE u32 name_hash_value(u64 h)
{
	return (u32)h;
}

// One step: 8 bytes of a name. A rotation brings the well mixed high bits to where the product spreads them.
static ALWAYS_INLINE u64 name_hash_mix(u64 h, u64 word)
{
	h = (h ^ word) * HASH_GOLDEN_64;
	return h >> 29 | h << 35;
}

static ALWAYS_INLINE u64 name_hash_end(u64 h, u64 len)
{
	return len << 32 | (h * HASH_GOLDEN_64) >> 32;
}

// 8 bytes from s; bytes in a page beyond the one where s ends are not touched but given as 0, which ends the name.
static UNCHECKED_INLINE u64 name_load(const char *s)
{
	if (unlikely(((uintptr_t)s & 4095) > 4096 - 8)) {
		u64 w = 0;
		for (unsigned int i = 0; i < 8 && s[i]; i++)
			w |= (u64)(u8)s[i] << (8 * i);
		return w;
	}
	return word_load(s);
}

// Hashes the component that starts at s and ends before the first '/' or NUL, with any salt.
// May read up to 7 bytes beyond the NUL, never in another page: the memory need not exist, but KASAN is not told.
static inline NO_SANITIZE u64 name_hash(const char *s, u64 salt)
{
	const char *p = s;
	u64 h = salt, w, z;

	for (;;) {
		w = name_load(p);
		u64 slash = w ^ WORD_REPEAT('/');
		z = (((w - WORD_ONES) & ~w) | ((slash - WORD_ONES) & ~slash)) & WORD_HIGHS;
		if (z)
			break;
		h = name_hash_mix(h, w);
		p += 8;
	}
	h = name_hash_mix(h, w & word_mask_before(z));
	return name_hash_end(h, p - s + word_first_byte(z));
}

// The same value for n given bytes that contain neither '/' nor NUL.
u64 name_hash_n(const char *s, size_t n, u64 salt) PURE;
