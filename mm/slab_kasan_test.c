// KASAN finds what it should, and nothing else.
#include "kern/kasan.h"
#include "lib/ktest.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"

// An access that the compiler cannot see through.
static NOINLINE u8 touch(const volatile u8 *p)
{
	return *p;
}

static u8 a_global[13];

KTEST(kasan, use_after_free)
{
	u8 *p = kalloc(40, GFP_KERNEL);

	touch(p + 39);
	kfree(p);
	kasan_expect();
	touch(p + 8);
	CHECK_EQ(kasan_expected(), 1);
}

KTEST(kasan, end_of_an_object)
{
	u8 *p = kalloc(13, GFP_KERNEL);

	kasan_expect();
	touch(p + 12);
	CHECK_EQ(kasan_expected(), 0);
	kasan_expect();
	touch(p + 13);
	touch(p - 1);
	CHECK_EQ(kasan_expected(), 2);
	kfree(p);
}

KTEST(kasan, copies_are_checked)
{
	u8 *p = kalloc(100, GFP_KERNEL), buf[128];
	volatile size_t n = 101;

	kasan_expect();
	memcpy(buf, p, n - 1);
	CHECK_EQ(kasan_expected(), 0);
	kasan_expect();
	memcpy(buf, p, n);
	memset(p, 0, n);
	CHECK_EQ(kasan_expected(), 2);
	kfree(p);
}

KTEST(kasan, double_free)
{
	u8 *p = kalloc(64, GFP_KERNEL);

	kfree(p);
	kasan_expect();
	kfree(p);
	CHECK_EQ(kasan_expected(), 1);
}

KTEST(kasan, free_inside_an_object)
{
	u8 *p = kalloc(64, GFP_KERNEL);

	kasan_expect();
	kfree(p + 8);
	CHECK_EQ(kasan_expected(), 1);
	kfree(p);
}

KTEST(kasan, freed_page)
{
	u8 *p = pages_alloc(GFP_KERNEL, 0);

	touch(p);
	pages_free(p, 0);
	kasan_expect();
	touch(p + 100);
	CHECK_EQ(kasan_expected(), 1);
}

KTEST(kasan, vmalloc_end)
{
	u8 *p = vmalloc(5000, GFP_KERNEL);

	kasan_expect();
	touch(p + 4999);
	CHECK_EQ(kasan_expected(), 0);
	kasan_expect();
	touch(p + 5000);
	CHECK_EQ(kasan_expected(), 1);
	vfree(p);
}

KTEST(kasan, globals_and_stacks)
{
	u8 buf[11] = { 0 };
	volatile size_t end = sizeof(buf), global_end = sizeof(a_global);

	kasan_expect();
	touch(buf + end - 1);
	touch(a_global + global_end - 1);
	CHECK_EQ(kasan_expected(), 0);
	kasan_expect();
	touch(buf + end);
	touch(a_global + global_end);
	CHECK_EQ(kasan_expected(), 2);
}
