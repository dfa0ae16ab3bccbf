// Known answers for ChaCha20, BLAKE2s and the CRCs.
#include "lib/blake2s.h"
#include "lib/chacha20.h"
#include "lib/crc32.h"
#include "lib/ktest.h"
#include "lib/string.h"

static u8 bytes[512];

static void fill_bytes(void)
{
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
}

// RFC 8439, section 2.3.2.
KTEST(chacha20, rfc8439_block)
{
	static const u8 want[64] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4,
		0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22, 0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e,
		0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa, 0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2,
		0xb5, 0x12, 0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
	};
	struct chacha20 c;
	u8 out[CHACHA20_BLOCK];

	fill_bytes();
	chacha20_init(&c, bytes, 0x0900000000000001ull, 0x4a000000);
	chacha20_block(&c, out);
	CHECK_MEM(out, want, 64);
	CHECK_EQ(c.w[12], 2);
	c.w[12] = U32_MAX;
	chacha20_block(&c, out);
	CHECK_EQ(c.w[12], 0);
	CHECK_EQ(c.w[13], 0x09000001);
}

static bool hash_is(const u8 *hash, size_t n, const char *hex)
{
	for (size_t i = 0; i < n; i++) {
		if (hex[2 * i] != "0123456789abcdef"[hash[i] >> 4] || hex[2 * i + 1] != "0123456789abcdef"[hash[i] & 15])
			return false;
	}
	return true;
}

// "abc" is RFC 7693's; the others were computed by Python's hashlib.
KTEST(blake2s, known_answers)
{
	u8 out[BLAKE2S_HASH];

	fill_bytes();
	blake2s(out, 32, "abc", 3, NULL, 0);
	CHECK(hash_is(out, 32, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"));
	blake2s(out, 32, bytes, 64, NULL, 0);
	CHECK(hash_is(out, 32, "56f34e8b96557e90c1f24b52d0c89d51086acf1b00f634cf1dde9233b8eaaa3e"));
	blake2s(out, 16, bytes, 128, NULL, 0);
	CHECK(hash_is(out, 16, "7a3b3fa888b60095e7b305efcf3c3dbc"));
	blake2s(out, 32, bytes, 300, bytes, 32);
	CHECK(hash_is(out, 32, "f651e869f8b04dabc4696324a1d70053d9cbcdbf644f9ba9ea1be30e0fb01bfb"));
}

KTEST(blake2s, pieces_hash_as_the_whole)
{
	u8 whole[BLAKE2S_HASH], out[BLAKE2S_HASH];
	struct blake2s b;

	fill_bytes();
	blake2s(whole, 32, bytes, 300, bytes, 5);
	for (unsigned int step = 1; step < 200; step += 7) {
		blake2s_init(&b, 32, bytes, 5);
		for (unsigned int at = 0; at < 300; at += step)
			blake2s_update(&b, bytes + at, MIN(step, 300 - at));
		blake2s_final(&b, out);
		CHECK_MEM(out, whole, 32);
	}
}

KTEST(crc32, known_answers)
{
	fill_bytes();
	CHECK_EQ(crc32_ieee("123456789", 9), 0xcbf43926u);
	CHECK_EQ(crc32_ieee(bytes, 512), 0x1c613576u);
	CHECK_EQ(~crc32c(~0u, "123456789", 9), ~0x1cf96d7cu);
	CHECK_EQ(crc32_ieee("", 0), 0);
	CHECK_EQ(crc32_le(crc32_le(5, bytes, 100), bytes + 100, 33), crc32_le(5, bytes, 133));
}
