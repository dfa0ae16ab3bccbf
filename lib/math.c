// The integer helpers that are too long to be inline.
#include "lib/math.h"

u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 d)
{
	unsigned __int128 p = (unsigned __int128)a * b;
	u64 hi = p >> 64, lo = p;

	if (hi >= d)
		return U64_MAX;
	if (!hi)
		return lo / d;
	// Schoolbook, one bit at a time: 128-bit division would call libgcc.
	for (int i = 0; i < 64; i++) {
		bool carry = hi >> 63;
		hi = hi << 1 | lo >> 63;
		lo <<= 1;
		if (carry || hi >= d) {
			hi -= d;
			lo |= 1;
		}
	}
	return lo;
}

u32 int_sqrt64(u64 v)
{
	u64 r = 0;

	if (!v)
		return 0;
	for (u64 bit = 1ull << (msb64(v) & ~1u); bit; bit >>= 2) {
		u64 t = r + bit;
		r >>= 1;
		if (v >= t) {
			v -= t;
			r += bit;
		}
	}
	return r;
}

u64 gcd64(u64 a, u64 b)
{
	while (a) {
		u64 t = b % a;
		b = a;
		a = t;
	}
	return b;
}
