// In the same unit as memblock.c: its tables' helpers are static.
#include "boot.h"

#include "lib/ktest.h"

KTEST(memblock, add_merges_what_touches)
{
	static struct mem_range r[BOOT_MAX_RANGES];
	u32 n = 0;

	range_add(r, &n, 0x1000, 0x2000);
	range_add(r, &n, 0x4000, 0x5000);
	range_add(r, &n, 0x8000, 0x9000);
	CHECK_EQ(n, 3);
	range_add(r, &n, 0x2000, 0x4000);
	CHECK_EQ(n, 2);
	CHECK_EQ(r[0].start, 0x1000);
	CHECK_EQ(r[0].end, 0x5000);
	range_add(r, &n, 0, 0x10000);
	CHECK_EQ(n, 1);
	CHECK_EQ(r[0].end, 0x10000);
	range_add(r, &n, 0x20000, 0x20000);
	CHECK_EQ(n, 1);
}

KTEST(memblock, remove_cuts_and_splits)
{
	static struct mem_range r[BOOT_MAX_RANGES];
	u32 n = 0;

	range_add(r, &n, 0x1000, 0x9000);
	range_remove(r, &n, 0x3000, 0x4000);
	CHECK_EQ(n, 2);
	CHECK_EQ(r[0].end, 0x3000);
	CHECK_EQ(r[1].start, 0x4000);
	range_remove(r, &n, 0, 0x2000);
	CHECK_EQ(r[0].start, 0x2000);
	range_remove(r, &n, 0x2000, 0x8000);
	CHECK_EQ(n, 1);
	CHECK_EQ(r[0].start, 0x8000);
	range_remove(r, &n, 0, ~0ull);
	CHECK_EQ(n, 0);
}
