// kern/random.h - random numbers for programs and the kernel. Code: random.c.
//
// Input is hashed into a pool (BLAKE2s); the pool seeds a base key; each CPU has a key of its own, drawn from the base key and drawn anew when that is
// reseeded. A CPU's output comes from batches of ChaCha20: each batch's first 32 bytes replace the key that made it, and what is handed
// out is erased, so that no state of the machine tells what was handed out before it ("fast key erasure"). Seeded at first use: there is no wait.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

// Context: any but NMI.
void random_bytes(void *buf, size_t n);
u64 random_u64(void);
static inline u32 random_u32(void)
{
	return (u32)random_u64();
}
// Uniform in [0, n), n > 0.
u64 random_below(u64 n);
// Mixes n bytes into the pool: a device's entropy, a user's write to /dev/random. bits: how much of it nobody else can know;
// enough of it reseeds. Context: any but NMI.
void random_add(const void *p, size_t n, u32 bits);
// Draws new keys at once (RNDRESEEDCRNG, a changed VM generation).
void random_reseed(void);
