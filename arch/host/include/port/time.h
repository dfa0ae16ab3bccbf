// port/time.h - host: nanoseconds. With one CPU they are counted, not measured: a run repeats exactly, and idle time takes no time.
#pragma once

u64 host_cycles(void);

static inline u64 cycles_now(void)
{
	return host_cycles();
}

static inline u64 cycles_now_ordered(void)
{
	return host_cycles();
}
