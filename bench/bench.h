// bench/bench.h - the shape of a benchmark case. Driver: main.c. Cases: cases_*.c.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct bench {
	const char *name;	// the same names as in docs/performance.md
	unsigned int ops;	// what one run() counts as: the result is instructions (or ns) per op
	int (*prepare)(void);	// 0 or -errno, once, not counted; may be null
	void (*run)(void);
	uint64_t (*measure)(void);	// instead of run: does its own timing and returns the ticks of ops operations
};

// Ticks: executed instructions under -icount shift=0, the time-stamp counter otherwise.
static inline uint64_t ticks(void)
{
	uint32_t low, high;
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

// Tells tools/icount-profile where it is: an 8-byte no-operation. 1: /init runs; 12: a case begins; 10, 11: a repetition begins, ends.
#define MARK(n) __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n.long %c0" : : "i"(0x4d420000 + (n)) : "memory")

// Ends the case as failed, with errno, unless ok.
void must(int ok, const char *what);

extern char bench_buffer[1 << 20];
extern const char *bench_self;	// this program; with the argument exit-now it does nothing

// A fresh file of this size in the working directory; its descriptor.
int bench_file(const char *name, size_t size);
// Private memory; every page written if touched is set. Never huge pages when small is set.
char *bench_map(size_t size, int touched, int small);
void bench_touch(char *p, size_t size);

extern const struct bench cases_calls[], cases_memory[], cases_process[], cases_files[];	// each ends with a null name
