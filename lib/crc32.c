// CRCs, eight bytes per step ("slicing by eight": eight table look-ups that do not depend on each other).
#include "lib/crc32.h"

#include "lib/crc32_tables.h"
#include "lib/word.h"

static ALWAYS_INLINE u32 crc_slices(const u32 t[8][256], u32 crc, const u8 *p, size_t n)
{
	for (; n >= 8; n -= 8, p += 8) {
		u64 w = word_load(p) ^ crc;
		crc = t[7][w & 255] ^ t[6][w >> 8 & 255] ^ t[5][w >> 16 & 255] ^ t[4][w >> 24 & 255] ^
		      t[3][w >> 32 & 255] ^ t[2][w >> 40 & 255] ^ t[1][w >> 48 & 255] ^ t[0][w >> 56];
	}
	for (; n; n--)
		crc = crc >> 8 ^ t[0][(crc ^ *p++) & 255];
	return crc;
}

u32 crc32_le(u32 crc, const void *p, size_t n)
{
	return crc_slices(crc32_table, crc, p, n);
}

u32 crc32c(u32 crc, const void *p, size_t n)
{
	return crc_slices(crc32c_table, crc, p, n);
}
