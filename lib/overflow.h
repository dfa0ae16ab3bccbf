// lib/overflow.h - arithmetic that reports overflow, and sizes that saturate so that allocating them fails.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

// True on overflow; *r holds the wrapped result.
#define add_overflow(a, b, r) __builtin_add_overflow((a), (b), (r))
#define sub_overflow(a, b, r) __builtin_sub_overflow((a), (b), (r))
#define mul_overflow(a, b, r) __builtin_mul_overflow((a), (b), (r))

// True if a << n loses bits, or if n is no valid shift of *r's type. For unsigned a and *r.
#define shl_overflow(a, n, r) ({ \
	u64 so_a_ = (a); unsigned int so_n_ = (n); \
	bool so_bad_ = so_n_ >= 8 * sizeof(*(r)); \
	if (so_bad_) so_n_ = 0; \
	*(r) = (typeof(*(r)))(so_a_ << so_n_); \
	so_bad_ || ((u64)*(r) >> so_n_) != so_a_; })

// Sums and products of sizes: SIZE_MAX, which no allocator gives, instead of wrapping.
static inline size_t size_add(size_t a, size_t b)
{
	size_t r;

	return unlikely(add_overflow(a, b, &r)) ? SIZE_MAX : r;
}

static inline size_t size_mul(size_t a, size_t b)
{
	size_t r;

	return unlikely(mul_overflow(a, b, &r)) ? SIZE_MAX : r;
}

// a - b, or SIZE_MAX if that is negative or if either has saturated already.
static inline size_t size_sub(size_t a, size_t b)
{
	size_t r;

	if (a == SIZE_MAX || b == SIZE_MAX || sub_overflow(a, b, &r))
		return SIZE_MAX;
	return r;
}

static inline size_t array_size(size_t n, size_t each)
{
	return size_mul(n, each);
}

// Bytes for *p with n elements in its flexible array.
#define struct_size(p, member, n) size_add(offsetof(typeof(*(p)), member), size_mul((n), sizeof((p)->member[0])))
