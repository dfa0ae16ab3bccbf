// Hashes: known values, and agreement of the variants.
#include "lib/hash.h"

#include "lib/ktest.h"
#include "lib/string.h"

static const struct siphash_key zero_key;

// The expected values are those of CPython 3.11's hash of bytes with PYTHONHASHSEED=0.
KTEST(hash, siphash13_known_answers)
{
	CHECK_EQ(siphash13("a", 1, &zero_key), 0x407448d2b89b1813ull);
	CHECK_EQ(siphash13("0123456", 7, &zero_key), 0x810aaf7acf670379ull);
	CHECK_EQ(siphash13("01234567", 8, &zero_key), 0xda3dcedf84ea6cc6ull);
	CHECK_EQ(siphash13("The quick brown fox", 19, &zero_key), 0x975e410714568333ull);
}

KTEST(hash, siphash13_of_words)
{
	u64 w[] = { 0x1111111111111111ull, 0x2222222222222222ull, 0x3333333333333333ull };

	CHECK_EQ(siphash13_1(w[0], &zero_key), 0x736c3651df91cd84ull);
	CHECK_EQ(siphash13_2(w[0], w[1], &zero_key), 0xb7b09c718020a4afull);
	CHECK_EQ(siphash13_3(w[0], w[1], w[2], &zero_key), 0x9027b7b94d3973deull);
	CHECK_EQ(siphash13_3(w[0], w[1], w[2], &zero_key), siphash13(w, 24, &zero_key));
}

KTEST(hash, name_hash_ends_at_slash_and_nul)
{
	static char page[8192] ALIGNED(4096);

	// Across a page boundary, too: every start from 4050 and every length.
	for (unsigned int at = 4050; at < 4110; at++) {
		for (unsigned int n = 0; n < 40; n++) {
			memset(page, '/', sizeof(page));
			for (unsigned int i = 0; i < n; i++)
				page[at + i] = 0x80 + i * 3;
			u64 want = name_hash_n(page + at, n, 77);
			CHECK_EQ(name_hash_len(want), n);
			CHECK_EQ(name_hash(page + at, 77), want);
			page[at + n] = '\0';
			CHECK_EQ(name_hash(page + at, 77), want);
		}
	}
}

KTEST(hash, name_hash_spreads)
{
	static u8 seen[1024];
	unsigned int used = 0;
	char name[] = "file0000.txt";

	memset(seen, 0, sizeof(seen));
	for (unsigned int i = 0; i < 1024; i++) {
		for (unsigned int d = 0, v = i; d < 4; d++, v /= 10)
			name[7 - d] = '0' + v % 10;
		u32 slot = name_hash_value(name_hash(name, 0)) & 1023;
		used += !seen[slot];
		seen[slot] = 1;
	}
	// Random hashing fills 1 - 1/e of the slots: 647.
	CHECK(used > 600);
	CHECK_NE(name_hash("a", 1), name_hash("a", 2));
}
