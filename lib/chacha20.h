// lib/chacha20.h - the ChaCha20 block function (RFC 8439), for the random generator. Code: chacha20.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

#define CHACHA20_KEY 32
#define CHACHA20_BLOCK 64

// The cipher's state: four constants, eight key words, a 64-bit block counter, a 64-bit nonce. RFC 8439's split, a
// 32-bit counter and a 96-bit nonce, is the same state with word 13 set by the caller.
struct chacha20 {
	u32 w[16];
};

void chacha20_init(struct chacha20 *c, const u8 key[CHACHA20_KEY], u64 counter, u64 nonce);
// Writes the block of c's counter to out, and counts.
void chacha20_block(struct chacha20 *c, u8 out[CHACHA20_BLOCK]);
