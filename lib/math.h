// lib/math.h - integer helpers that need no libgcc. Constant arguments give constants where a macro is used.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

#define BITS_PER_BYTE 8
#define BITS_PER_LONG 64
BUILD_ASSERT(sizeof(long) == 8, "ports are 64-bit");

// Index of the lowest set bit, of the highest set bit, of the lowest clear bit. Undefined for 0 (for ~0).
static inline unsigned int ctz64(u64 v)
{
	return __builtin_ctzll(v);
}

static inline unsigned int msb64(u64 v)
{
	return 63 ^ __builtin_clzll(v);
}

#define __ffs(v) ctz64(v)
#define __fls(v) msb64(v)
#define ffz(v) ctz64(~(u64)(v))

// 1 + the index of the lowest (ffs) or highest (fls) set bit; 0 for 0.
static inline int ffs(u32 v)
{
	return v ? __builtin_ctz(v) + 1 : 0;
}

static inline int ffs64(u64 v)
{
	return v ? (int)ctz64(v) + 1 : 0;
}

static inline int fls(u32 v)
{
	return v ? 32 - __builtin_clz(v) : 0;
}

static inline int fls64(u64 v)
{
	return v ? (int)msb64(v) + 1 : 0;
}

// Number of set bits; __builtin_popcount() would call libgcc.
static inline unsigned int hweight64(u64 v)
{
	v -= (v >> 1) & 0x5555555555555555ull;
	v = (v & 0x3333333333333333ull) + ((v >> 2) & 0x3333333333333333ull);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (v * 0x0101010101010101ull) >> 56;
}

static inline unsigned int hweight32(u32 v)
{
	return hweight64(v);
}

// Floor of the binary logarithm; v > 0. A constant for a constant.
#define ilog2(v) (63 ^ __builtin_clzll((u64)(v)))
#define is_power_of_2(v) ({ u64 p2_v_ = (v); p2_v_ && !(p2_v_ & (p2_v_ - 1)); })

// Smallest power of two >= v; 0 if that is 2^64, 1 for 0.
static inline u64 roundup_pow_of_two(u64 v)
{
	if (v <= 1)
		return 1;
	return (2ull << msb64(v - 1)) & (v > 1ull << 63 ? 0 : ~0ull);
}

// Largest power of two <= v; v > 0.
static inline u64 rounddown_pow_of_two(u64 v)
{
	return 1ull << msb64(v);
}

// Exponent of the smallest power of two >= v; 0 for 0 and 1.
static inline unsigned int order_base_2(u64 v)
{
	return v > 1 ? msb64(v - 1) + 1 : 0;
}

#define roundup(x, d) ({ typeof(x) ru_d_ = (d); (((x) + (ru_d_ - 1)) / ru_d_) * ru_d_; })
#define rounddown(x, d) ({ typeof(x) rd_x_ = (x); rd_x_ - rd_x_ % (d); })
#define DIV_ROUND_CLOSEST(x, d) ({ typeof(x) dc_x_ = (x); typeof(d) dc_d_ = (d); (dc_x_ + dc_d_ / 2) / dc_d_; })
#define swap(a, b) do { typeof(a) swap_t_ = (a); (a) = (b); (b) = swap_t_; } while (0)
#define abs_diff(a, b) ({ typeof(a) ad_a_ = (a); typeof(a) ad_b_ = (b); ad_a_ > ad_b_ ? ad_a_ - ad_b_ : ad_b_ - ad_a_; })

static inline u64 div_u64(u64 n, u32 d)
{
	return n / d;
}

static inline u64 div64_u64(u64 n, u64 d)
{
	return n / d;
}

static inline s64 div_s64(s64 n, s32 d)
{
	return n / d;
}

static inline u64 div_u64_rem(u64 n, u32 d, u32 *rem)
{
	*rem = n % d;
	return n / d;
}

static inline u64 div64_u64_rem(u64 n, u64 d, u64 *rem)
{
	*rem = n % d;
	return n / d;
}

// (a * b) >> shift with a 128-bit product; shift < 128.
static inline u64 mul_u64_u64_shr(u64 a, u64 b, unsigned int shift)
{
	return (u64)(((unsigned __int128)a * b) >> shift);
}

static inline u64 mul_u64_u32_shr(u64 a, u32 b, unsigned int shift)
{
	return mul_u64_u64_shr(a, b, shift);
}

// High half of the 128-bit product.
static inline u64 mul_u64_high(u64 a, u64 b)
{
	return mul_u64_u64_shr(a, b, 64);
}

// a * b / d with a 128-bit product; U64_MAX if the quotient does not fit (d == 0 included).
u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 d);
// Floor of the square root.
u32 int_sqrt64(u64 v);
// Greatest common divisor; gcd(0, b) is b.
u64 gcd64(u64 a, u64 b);
