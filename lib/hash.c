// SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", with c = 1 and d = 3).
#include "lib/hash.h"

#include "lib/string.h"

struct sip {
	u64 a, b, c, d;
};

static ALWAYS_INLINE u64 rotl64(u64 v, unsigned int n)
{
	return v << n | v >> (64 - n);
}

static ALWAYS_INLINE void sip_round(struct sip *s)
{
	s->a += s->b;
	s->c += s->d;
	s->b = rotl64(s->b, 13) ^ s->a;
	s->d = rotl64(s->d, 16) ^ s->c;
	s->a = rotl64(s->a, 32) + s->d;
	s->c += s->b;
	s->d = rotl64(s->d, 21) ^ s->a;
	s->b = rotl64(s->b, 17) ^ s->c;
	s->c = rotl64(s->c, 32);
}

static ALWAYS_INLINE struct sip sip_start(const struct siphash_key *key)
{
	return (struct sip){
		key->k[0] ^ 0x736f6d6570736575ull,	// "somepseudorandomlygeneratedbytes"
		key->k[1] ^ 0x646f72616e646f6dull,
		key->k[0] ^ 0x6c7967656e657261ull,
		key->k[1] ^ 0x7465646279746573ull,
	};
}

static ALWAYS_INLINE void sip_word(struct sip *s, u64 w)
{
	s->d ^= w;
	sip_round(s);
	s->a ^= w;
}

// tail: the last 0 to 7 bytes; n: the length of everything.
static ALWAYS_INLINE u64 sip_end(struct sip *s, u64 tail, size_t n)
{
	sip_word(s, tail | (u64)n << 56);
	s->c ^= 0xff;
	sip_round(s);
	sip_round(s);
	sip_round(s);
	return s->a ^ s->b ^ s->c ^ s->d;
}

u64 siphash13(const void *p, size_t n, const struct siphash_key *key)
{
	struct sip s = sip_start(key);
	const u8 *b = p;
	u64 tail = 0;

	for (size_t left = n; left >= 8; left -= 8, b += 8)
		sip_word(&s, word_load(b));
	for (unsigned int i = 0; i < (n & 7); i++)
		tail |= (u64)b[i] << (8 * i);
	return sip_end(&s, tail, n);
}

u64 siphash13_1(u64 a, const struct siphash_key *key)
{
	struct sip s = sip_start(key);

	sip_word(&s, a);
	return sip_end(&s, 0, 8);
}

u64 siphash13_2(u64 a, u64 b, const struct siphash_key *key)
{
	struct sip s = sip_start(key);

	sip_word(&s, a);
	sip_word(&s, b);
	return sip_end(&s, 0, 16);
}

u64 siphash13_3(u64 a, u64 b, u64 c, const struct siphash_key *key)
{
	struct sip s = sip_start(key);

	sip_word(&s, a);
	sip_word(&s, b);
	sip_word(&s, c);
	return sip_end(&s, 0, 24);
}

u64 name_hash_n(const char *s, size_t n, u64 salt)
{
	u64 h = salt, tail = 0;
	size_t left = n;

	for (; left >= 8; left -= 8, s += 8)
		h = name_hash_mix(h, word_load(s));
	for (unsigned int i = 0; i < left; i++)
		tail |= (u64)(u8)s[i] << (8 * i);
	return name_hash_end(name_hash_mix(h, tail), n);
}
