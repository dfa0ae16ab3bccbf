// lib/blake2s.h - the BLAKE2s hash (RFC 7693), plain or keyed. Code: blake2s.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

#define BLAKE2S_BLOCK 64
#define BLAKE2S_HASH 32
#define BLAKE2S_KEY 32

struct blake2s {
	u32 h[8];
	u64 count;		// bytes compressed
	unsigned int used;	// of buf
	unsigned int outlen;
	u8 buf[BLAKE2S_BLOCK];
};

// outlen: 1 to 32. keylen: 0 (no key) to 32.
void blake2s_init(struct blake2s *b, size_t outlen, const void *key, size_t keylen);
void blake2s_update(struct blake2s *b, const void *p, size_t n);
// Writes outlen bytes and clears b.
void blake2s_final(struct blake2s *b, u8 *out);
// All in one.
void blake2s(u8 *out, size_t outlen, const void *p, size_t n, const void *key, size_t keylen);
