// lib/word.h - looking at eight bytes at a time. Little-endian only, as all ports are.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

#define WORD_ONES 0x0101010101010101ull
#define WORD_HIGHS 0x8080808080808080ull
#define WORD_REPEAT(c) (WORD_ONES * (u8)(c))

// Non-zero if w has a zero byte. The lowest set bit is bit 7 of the first such byte; the bits above it may lie.
static ALWAYS_INLINE u64 word_zero_bytes(u64 w)
{
	return (w - WORD_ONES) & ~w & WORD_HIGHS;
}

// Index of the first marked byte of what word_zero_bytes() gave (not 0).
static ALWAYS_INLINE unsigned int word_first_byte(u64 z)
{
	return __builtin_ctzll(z) >> 3;
}

// A mask of the bytes before the first marked one.
static ALWAYS_INLINE u64 word_mask_before(u64 z)
{
	return ((z - 1) & ~z) >> 7;
}

// An unaligned load.
static ALWAYS_INLINE u64 word_load(const void *p)
{
	u64 w;

	__builtin_memcpy(&w, p, sizeof(w));
	return w;
}
