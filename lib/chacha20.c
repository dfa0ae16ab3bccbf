// ChaCha20 as in RFC 8439, section 2.3.
#include "lib/chacha20.h"

#include "lib/byteorder.h"
#include "lib/string.h"

static ALWAYS_INLINE u32 chacha_rotl(u32 v, unsigned int n)
{
	return v << n | v >> (32 - n);
}

static ALWAYS_INLINE void chacha_quarter(u32 *x, int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = chacha_rotl(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = chacha_rotl(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = chacha_rotl(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = chacha_rotl(x[b] ^ x[c], 7);
}

void chacha20_init(struct chacha20 *c, const u8 key[CHACHA20_KEY], u64 counter, u64 nonce)
{
	*c = (struct chacha20){ .w = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 } };	// "expand 32-byte k"
	for (int i = 0; i < 8; i++)
		c->w[4 + i] = get_unaligned_le32(key + 4 * i);
	c->w[12] = counter;
	c->w[13] = counter >> 32;
	c->w[14] = nonce;
	c->w[15] = nonce >> 32;
}

void chacha20_block(struct chacha20 *c, u8 out[CHACHA20_BLOCK])
{
	u32 x[16];

	memcpy(x, c->w, sizeof(x));
	for (int i = 0; i < 10; i++) {
		chacha_quarter(x, 0, 4, 8, 12);
		chacha_quarter(x, 1, 5, 9, 13);
		chacha_quarter(x, 2, 6, 10, 14);
		chacha_quarter(x, 3, 7, 11, 15);
		chacha_quarter(x, 0, 5, 10, 15);
		chacha_quarter(x, 1, 6, 11, 12);
		chacha_quarter(x, 2, 7, 8, 13);
		chacha_quarter(x, 3, 4, 9, 14);
	}
	for (int i = 0; i < 16; i++)
		put_unaligned_le32(x[i] + c->w[i], out + 4 * i);
	if (!++c->w[12])
		c->w[13]++;
	memzero_explicit(x, sizeof(x));
}
