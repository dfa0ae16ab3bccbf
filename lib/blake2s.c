// BLAKE2s as in RFC 7693, section 3.
#include "lib/blake2s.h"

#include "lib/byteorder.h"
#include "lib/string.h"

static const u32 blake2s_iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static const u8 blake2s_sigma[10][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

static ALWAYS_INLINE u32 blake2s_rotr(u32 v, unsigned int n)
{
	return v >> n | v << (32 - n);
}

static ALWAYS_INLINE void blake2s_mix(u32 *v, int a, int b, int c, int d, u32 x, u32 y)
{
	v[a] += v[b] + x;
	v[d] = blake2s_rotr(v[d] ^ v[a], 16);
	v[c] += v[d];
	v[b] = blake2s_rotr(v[b] ^ v[c], 12);
	v[a] += v[b] + y;
	v[d] = blake2s_rotr(v[d] ^ v[a], 8);
	v[c] += v[d];
	v[b] = blake2s_rotr(v[b] ^ v[c], 7);
}

// n: how many bytes of the block count; last: it is the final one.
static void blake2s_compress(struct blake2s *b, const u8 *block, unsigned int n, bool last)
{
	u32 m[16], v[16];

	b->count += n;
	for (int i = 0; i < 16; i++)
		m[i] = get_unaligned_le32(block + 4 * i);
	memcpy(v, b->h, sizeof(b->h));
	memcpy(v + 8, blake2s_iv, sizeof(blake2s_iv));
	v[12] ^= (u32)b->count;
	v[13] ^= b->count >> 32;
	if (last)
		v[14] = ~v[14];
	for (int r = 0; r < 10; r++) {
		const u8 *s = blake2s_sigma[r];
		blake2s_mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
		blake2s_mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
		blake2s_mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
		blake2s_mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
		blake2s_mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
		blake2s_mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
		blake2s_mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
		blake2s_mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
	}
	for (int i = 0; i < 8; i++)
		b->h[i] ^= v[i] ^ v[i + 8];
}

void blake2s_init(struct blake2s *b, size_t outlen, const void *key, size_t keylen)
{
	*b = (struct blake2s){ .outlen = outlen };
	memcpy(b->h, blake2s_iv, sizeof(b->h));
	b->h[0] ^= 0x01010000 | (u32)keylen << 8 | (u32)outlen;
	if (keylen) {
		memcpy(b->buf, key, keylen);
		b->used = BLAKE2S_BLOCK;
	}
}

void blake2s_update(struct blake2s *b, const void *p, size_t n)
{
	const u8 *s = p;

	if (!n)
		return;
	unsigned int room = BLAKE2S_BLOCK - b->used;
	// The last block is compressed by final: a full buffer waits until more comes.
	if (n > room) {
		memcpy(b->buf + b->used, s, room);
		blake2s_compress(b, b->buf, BLAKE2S_BLOCK, false);
		b->used = 0;
		for (s += room, n -= room; n > BLAKE2S_BLOCK; s += BLAKE2S_BLOCK, n -= BLAKE2S_BLOCK)
			blake2s_compress(b, s, BLAKE2S_BLOCK, false);
	}
	memcpy(b->buf + b->used, s, n);
	b->used += n;
}

void blake2s_final(struct blake2s *b, u8 *out)
{
	u8 hash[BLAKE2S_HASH];

	memset(b->buf + b->used, 0, BLAKE2S_BLOCK - b->used);
	blake2s_compress(b, b->buf, b->used, true);
	for (int i = 0; i < 8; i++)
		put_unaligned_le32(b->h[i], hash + 4 * i);
	memcpy(out, hash, b->outlen);
	memzero_explicit(hash, sizeof(hash));
	memzero_explicit(b, sizeof(*b));
}

void blake2s(u8 *out, size_t outlen, const void *p, size_t n, const void *key, size_t keylen)
{
	struct blake2s b;

	blake2s_init(&b, outlen, key, keylen);
	blake2s_update(&b, p, n);
	blake2s_final(&b, out);
}
