// port/time.h - x86_64: the time-stamp counter.
#pragma once

static ALWAYS_INLINE u64 cycles_now(void)
{
	u32 lo, hi;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

static ALWAYS_INLINE u64 cycles_now_ordered(void)
{
	u32 lo, hi;
	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (u64)hi << 32 | lo;
}
