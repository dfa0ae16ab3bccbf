// The random generator. Design: random.h. RFC 8439 (ChaCha20), RFC 7693 (BLAKE2s).
#include "kern/random.h"
#include "arch/irq.h"
#include "arch/time.h"
#include "kern/cpu_hot.h"
#include "kern/spinlock.h"
#include "kern/upcalls.h"
#include "lib/blake2s.h"
#include "lib/chacha20.h"
#include "lib/string.h"

#define BATCH_BLOCKS 5
#define BATCH_BYTES (BATCH_BLOCKS * CHACHA20_BLOCK)
#define DIRECT_ABOVE 128		// longer requests get a key of their own
#define RESEED_NS (60ull * 1000000000)
#define RESEED_BITS 256

struct random_cpu {
	u8 batch[BATCH_BYTES];		// [used, BATCH_BYTES) has not been handed out; the rest is 0
	u32 used;
	u32 generation;			// of the base key that `key` comes from; 0: none
	u8 key[CHACHA20_KEY];
};

STATIC_PER_CPU(struct random_cpu, random_cpu);	// OWNER(the CPU, interrupts off)

STATIC_SPINLOCK(random_lock, LOCK_HARDIRQ);
static struct blake2s random_pool GUARDED_BY(&random_lock);
static u8 base_key[CHACHA20_KEY] GUARDED_BY(&random_lock);
static u32 pool_bits GUARDED_BY(&random_lock);	// credited since the last reseeding
static u64 reseed_at GUARDED_BY(&random_lock);	// kern_clock() of the next reseeding
static u32 base_generation;			// written under random_lock, read by anybody

// ---- pool and base key ----

// What the processor gives, and how long things take. Most of the time the first is enough; without it, the second is all there is.
static void collect(void) REQUIRES(&random_lock)
{
	u64 v;
	u32 good = 0;
	for (int i = 0; i < 8; i++) {
		if (arch_random_u64(&v)) {
			blake2s_update(&random_pool, &v, sizeof(v));
			good++;
		}
	}
	u64 last = cycles_now();
	for (u32 i = 0; i < (good ? 16 : 1024); i++) {
		// The hash's own work, of varying length in memory and pipeline, is what is timed.
		u64 now = cycles_now();
		u64 sample = now - last;
		last = now;
		blake2s_update(&random_pool, &sample, sizeof(sample));
	}
	v = kern_clock();
	blake2s_update(&random_pool, &v, sizeof(v));
}

static void reseed(void) REQUIRES(&random_lock)
{
	u8 seed[BLAKE2S_HASH];
	if (!base_generation)
		blake2s_init(&random_pool, BLAKE2S_HASH, NULL, 0);
	collect();
	blake2s_final(&random_pool, seed);
	// The pool goes on from half of its knowledge, the key from both it and the old key.
	blake2s_init(&random_pool, BLAKE2S_HASH, seed, sizeof(seed));
	blake2s_update(&random_pool, "pool", 4);
	blake2s(base_key, sizeof(base_key), base_key, sizeof(base_key), seed, sizeof(seed));
	memzero_explicit(seed, sizeof(seed));
	pool_bits = 0;
	reseed_at = kern_clock() + RESEED_NS;
	u32 next = base_generation + 1;
	WRITE_ONCE(base_generation, next ? next : 1);
}

// A new key for this CPU; the base key moves on. Interrupts off.
static void draw_key(struct random_cpu *r)
{
	u8 block[CHACHA20_BLOCK];
	struct chacha20 c;
	spin_lock(&random_lock);
	if (!base_generation || kern_clock() >= reseed_at)
		reseed();
	chacha20_init(&c, base_key, 0, 0);
	chacha20_block(&c, block);
	memcpy(base_key, block, CHACHA20_KEY);
	r->generation = base_generation;
	spin_unlock(&random_lock);
	memcpy(r->key, block + CHACHA20_KEY, CHACHA20_KEY);
	memzero_explicit(block, sizeof(block));
	memzero_explicit(&c, sizeof(c));
}

// ---- output ----

static NOINLINE void refill(struct random_cpu *r)
{
	struct chacha20 c;
	if (r->generation != READ_ONCE(base_generation) || !r->generation || kern_clock() >= READ_ONCE(reseed_at))
		draw_key(r);
	chacha20_init(&c, r->key, 0, 0);
	for (u32 i = 0; i < BATCH_BLOCKS; i++)
		chacha20_block(&c, r->batch + i * CHACHA20_BLOCK);
	memcpy(r->key, r->batch, CHACHA20_KEY);
	memset(r->batch, 0, CHACHA20_KEY);
	r->used = CHACHA20_KEY;
	memzero_explicit(&c, sizeof(c));
}

// n <= DIRECT_ABOVE.
static void take(u8 *out, size_t n)
{
	unsigned long flags = irq_save();
	struct random_cpu *r = this_cpu_ptr(&random_cpu);
	if (r->used + n > BATCH_BYTES || !r->used || unlikely(r->generation != READ_ONCE(base_generation)))
		refill(r);
	u8 *from = r->batch + r->used;
	memcpy(out, from, n);
	memset(from, 0, n);
	r->used += (u32)n;
	irq_restore(flags);
}

static void take_stream(u8 *out, size_t n)
{
	u8 key[CHACHA20_KEY], last[CHACHA20_BLOCK];
	struct chacha20 c;
	take(key, sizeof(key));
	chacha20_init(&c, key, 0, 0);
	for (; n >= CHACHA20_BLOCK; n -= CHACHA20_BLOCK, out += CHACHA20_BLOCK)
		chacha20_block(&c, out);
	if (n) {
		chacha20_block(&c, last);
		memcpy(out, last, n);
	}
	memzero_explicit(key, sizeof(key));
	memzero_explicit(last, sizeof(last));
	memzero_explicit(&c, sizeof(c));
}

void random_bytes(void *buf, size_t n)
{
	if (n <= DIRECT_ABOVE)
		take(buf, n);
	else
		take_stream(buf, n);
}

u64 random_u64(void)
{
	u64 v;
	take((u8 *)&v, sizeof(v));
	return v;
}

u64 random_below(u64 n)
{
	// Multiply and reject the short part of the range: every result is equally likely.
	for (;;) {
		unsigned __int128 m = (unsigned __int128)random_u64() * n;
		if (likely((u64)m >= n || (u64)m >= -n % n))
			return (u64)(m >> 64);
	}
}

void random_add(const void *p, size_t n, u32 bits)
{
	unsigned long flags = spin_lock_irqsave(&random_lock);
	if (!base_generation)
		reseed();
	blake2s_update(&random_pool, p, n);
	pool_bits += bits;
	if (pool_bits >= RESEED_BITS)
		reseed();
	spin_unlock_irqrestore(&random_lock, flags);
}

void random_reseed(void)
{
	unsigned long flags = spin_lock_irqsave(&random_lock);
	reseed();
	spin_unlock_irqrestore(&random_lock, flags);
}
