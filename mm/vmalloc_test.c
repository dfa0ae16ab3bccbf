// Virtually contiguous memory: contents, guards between areas, reuse of addresses, stacks, lack of memory.
#include "mm/vmalloc.h"
#include "arch/uaccess.h"
#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/vmalloc_internal.h"
#include "sched/task.h"

KTEST(vmalloc, areas_are_zeroed_guarded_and_apart)
{
	char *p[40];

	for (u32 i = 0; i < ARRAY_SIZE(p); i++) {
		size_t n = i * 3000 + 1;

		p[i] = vmalloc(n, GFP_KERNEL);
		REQUIRE(p[i]);
		CHECK_EQ((u64)p[i] & (PAGE_SIZE - 1), 0);
		CHECK(!memchr_inv(p[i], 0, n));
		memset(p[i], (int)i, n);
	}
	for (u32 i = 0; i < ARRAY_SIZE(p); i++)
		CHECK(!memchr_inv(p[i], (int)i, i * 3000 + 1));
	for (u32 i = 0; i < ARRAY_SIZE(p); i += 2)
		vfree(p[i]);
	for (u32 i = 1; i < ARRAY_SIZE(p); i += 2)
		CHECK(!memchr_inv(p[i], (int)i, i * 3000 + 1));
	for (u32 i = 1; i < ARRAY_SIZE(p); i += 2)
		vfree(p[i]);
}

KTEST(vmalloc, the_page_behind_an_area_is_not_mapped)
{
	char *p = vmalloc(2 * PAGE_SIZE, GFP_KERNEL), c;

	REQUIRE(p);
	CHECK_EQ(kernel_read_nofault(&c, p + 2 * PAGE_SIZE - 1, 1), 0);
	CHECK_EQ(kernel_read_nofault(&c, p + 2 * PAGE_SIZE, 1), -EFAULT);
	vfree(p);
	vmalloc_purge();
	CHECK_EQ(kernel_read_nofault(&c, p, 1), -EFAULT);
}

KTEST(vmalloc, purged_addresses_are_used_again)
{
	u64 pages = vmalloc_pages(), lowest = ~0ul;

	for (int i = 0; i < 50; i++) {
		char *p = vmalloc(64 * PAGE_SIZE, GFP_KERNEL);
		REQUIRE(p);
		p[0] = p[64 * PAGE_SIZE - 1] = (char)i;
		if (i == 0)
			lowest = (u64)p;
		CHECK_LE((u64)p, lowest);
		vfree(p);
		vmalloc_purge();
	}
	CHECK_EQ(vmalloc_pages(), pages);
}

KTEST(vmalloc, sizes_that_cannot_be)
{
	CHECK_EQ(vmalloc(0, GFP_KERNEL), NULL);
	CHECK_EQ(vmalloc(~0ul, GFP_KERNEL), NULL);
	CHECK_EQ(vmalloc(1ul << 45, GFP_KERNEL), NULL);
}

KTEST(vmalloc, large_allocations_come_from_it_and_small_ones_do_not)
{
	for (size_t n = 100; n < 300000; n *= 3) {
		char *p = kvalloc(n, GFP_KERNEL);
		REQUIRE(p);
		CHECK(!memchr_inv(p, 0, n));
		memset(p, 1, n);
		kvfree(p);
	}
	kvfree(NULL);
}

KTEST(vmalloc, stacks_are_between_guards)
{
	char *s[10], c;

	for (u32 i = 0; i < ARRAY_SIZE(s); i++) {
		s[i] = kstack_alloc();
		REQUIRE(s[i]);
		memset(s[i], 5, KSTACK_SIZE);
		CHECK_EQ(kernel_read_nofault(&c, s[i] - 1, 1), -EFAULT);
		CHECK_EQ(kernel_read_nofault(&c, s[i] + KSTACK_SIZE, 1), -EFAULT);
		for (u32 k = 0; k < i; k++)
			CHECK_NE(s[i], s[k]);
	}
	for (u32 i = 0; i < ARRAY_SIZE(s); i++)
		kstack_free(s[i]);
}

#ifdef CONFIG_DEBUG
KTEST(vmalloc, failed_allocations_leak_nothing)
{
	u64 pages = vmalloc_pages();

	for (u32 nth = 1; nth < 6; nth++) {
		void *p;

		current->fail_nth = nth;
		p = vmalloc(3 * PAGE_SIZE, GFP_KERNEL);
		current->fail_nth = 0;
		vfree(p);
		CHECK_EQ(vmalloc_pages(), pages);
	}
}
#endif
