// Copies between user and kernel memory, and iterators over it, in an address space made for the test: a few pages with a hole behind them.
#include "mm/uaccess.h"
#include "lib/ktest.h"
#include "lib/string.h"
#include "mm/folio.h"
#include "mm/iov_iter.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "sched/task.h"
#include <linux/mman.h>

#define U_BASE 0x20000000ul
#define U_PAGES 4
#define U_END (U_BASE + U_PAGES * PAGE_SIZE)

// The running task gets an address space with U_PAGES writable pages, and a read-only one in front of them.
static bool user_begin(void)
{
	struct mm *mm;

	if (!CHECK_EQ(mm_create(&mm), 0))
		return false;
	mm_layout(mm, 8ull << 20, false);
	mm_exec_install(mm);
	return CHECK_EQ(mm_mmap(mm, &(struct mmap_args){ .addr = U_BASE - PAGE_SIZE, .len = (U_PAGES + 1) * PAGE_SIZE, .prot = PROT_READ | PROT_WRITE,
							  .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED }), U_BASE - PAGE_SIZE) &&
	       CHECK_EQ(mm_mprotect(mm, U_BASE - PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
}

static void user_end(void)
{
	mm_exit();
}

#define USER_TEST(name) \
	static void name##_body(void); \
	KTEST(uaccess, name) \
	{ \
		if (user_begin()) \
			name##_body(); \
		user_end(); \
	} \
	static void name##_body(void)

USER_TEST(copies_fault_pages_in_and_stop_at_holes)
{
	char buf[300], back[300];

	for (u32 i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i * 7);
	CHECK_EQ(copy_out(UPTR(U_BASE + PAGE_SIZE - 100), buf, sizeof(buf)), 0);
	CHECK_EQ(copy_in(back, UPTR(U_BASE + PAGE_SIZE - 100), sizeof(back)), 0);
	CHECK_MEM(back, buf, sizeof(buf));
	CHECK_EQ(raw_copy_to_user(UPTR(U_END - 100), buf, sizeof(buf)), 200);
	CHECK_EQ(raw_copy_from_user(back, UPTR(U_END - 100), sizeof(buf)), 200);
	CHECK_EQ(copy_in(back, UPTR(U_END), 1), -EFAULT);
	CHECK_EQ(copy_in(back, UPTR(0), 1), -EFAULT);
	CHECK_EQ(copy_in(back, UPTR(~0ul), 1), -EFAULT);
	CHECK_EQ(copy_in(back, UPTR(~0ul), 0), 0);
	CHECK_EQ(copy_in(back, UPTR(TASK_SIZE_MAX - 10), 20), -EFAULT);
	CHECK_EQ(copy_out(UPTR(U_BASE - 10), buf, 5), -EFAULT);	// read-only
	CHECK_EQ(copy_in(back, UPTR(U_BASE - 10), 5), 0);
	CHECK_EQ(copy_out_opt(UPTR_NULL, buf, 5), 0);
}

USER_TEST(disabled_faults_end_a_copy)
{
	u32 v;

	pagefault_disable();
	CHECK_EQ(raw_copy_from_user(&v, UPTR(U_BASE), 4), 4);
	pagefault_enable();
	CHECK_EQ(get_user_u32(&v, UPTR(U_BASE)), 0);
	pagefault_disable();
	CHECK_EQ(raw_copy_from_user(&v, UPTR(U_BASE), 4), 0);
	CHECK_EQ(raw_copy_to_user(UPTR(U_BASE), &v, 4), 4);	// the zero page: writing faults again
	pagefault_enable();
	CHECK_EQ(fault_in_writeable(UPTR(U_BASE), 4), 0);
	pagefault_disable();
	CHECK_EQ(raw_copy_to_user(UPTR(U_BASE), &v, 4), 0);
	pagefault_enable();
}

USER_TEST(faulting_in_counts_what_is_missing)
{
	CHECK_EQ(fault_in_readable(UPTR(U_BASE), U_PAGES * PAGE_SIZE), 0);
	CHECK_EQ(fault_in_readable(UPTR(U_END - 10), 30), 20);
	CHECK_EQ(fault_in_readable(UPTR(U_END), 30), 30);
	CHECK_EQ(fault_in_readable(UPTR(U_END), 0), 0);
	CHECK_EQ(fault_in_writeable(UPTR(U_BASE - 10), 30), 30);
	CHECK_EQ(fault_in_writeable(UPTR(U_BASE + 1), PAGE_SIZE), 0);
	CHECK_EQ(fault_in_writeable(UPTR(~0ul - 5), 30), 30);
}

USER_TEST(strings_end_at_nul_limit_or_hole)
{
	char buf[20], *s;

	CHECK_EQ(copy_out(UPTR(U_END - 6), "hello", 6), 0);
	CHECK_EQ(strncpy_from_user(buf, UPTR(U_END - 6), sizeof(buf)), 5);
	CHECK_STR(buf, "hello");
	CHECK_EQ(strncpy_from_user(buf, UPTR(U_END - 6), 6), 5);
	CHECK_EQ(strncpy_from_user(buf, UPTR(U_END - 6), 5), -ENAMETOOLONG);
	CHECK_EQ(strnlen_user(UPTR(U_END - 6), 100), 6);
	CHECK_EQ(strnlen_user(UPTR(U_END - 6), 5), 6);
	CHECK_EQ(strndup_user(UPTR(U_END - 6), 6, &s), 0);
	CHECK_STR(s, "hello");
	kfree(s);
	CHECK_EQ(strndup_user(UPTR(U_END - 6), 5, &s), -EINVAL);
	CHECK_EQ(copy_out(UPTR(U_END - 1), "x", 1), 0);
	CHECK_EQ(strncpy_from_user(buf, UPTR(U_END - 6), sizeof(buf)), -EFAULT);
	CHECK_EQ(strnlen_user(UPTR(U_END - 6), 100), 0);
	CHECK_EQ(strndup_user(UPTR(U_END - 6), 100, &s), -EFAULT);
	CHECK_EQ(strncpy_from_user(buf, UPTR(U_END - 6), 6), -ENAMETOOLONG);
}

USER_TEST(structs_of_other_sizes)
{
	struct { u32 a, b, c, d; } k, u = { 1, 2, 3, 4 };

	CHECK_EQ(copy_out(UPTR(U_BASE), &u, 16), 0);
	memset(&k, 0xff, 16);
	CHECK_EQ(copy_struct_in(&k, 16, UPTR(U_BASE), 8), 0);
	CHECK(k.a == 1 && k.b == 2 && k.c == 0 && k.d == 0);
	CHECK_EQ(copy_struct_in(&k, 16, UPTR(U_BASE), 16), 0);
	CHECK(k.c == 3 && k.d == 4);
	CHECK_EQ(copy_struct_in(&k, 16, UPTR(U_BASE), PAGE_SIZE), 0);
	CHECK_EQ(copy_struct_in(&k, 8, UPTR(U_BASE), 16), -E2BIG);
	CHECK_EQ(put_user_u8(1, UPTR(U_BASE + 1000)), 0);
	CHECK_EQ(copy_struct_in(&k, 16, UPTR(U_BASE), 1000), 0);
	CHECK_EQ(copy_struct_in(&k, 16, UPTR(U_BASE), 1001), -E2BIG);
	CHECK_EQ(copy_struct_in(&k, 16, UPTR(U_END - 20), 24), -EFAULT);
	CHECK_EQ(copy_struct_in(&k, 16, UPTR(U_END), 8), -EFAULT);
}

USER_TEST(atomic_operations)
{
	u32 old;
	u64 old64;

	CHECK_EQ(put_user_u32(5, UPTR(U_BASE)), 0);
	CHECK_EQ(user_cmpxchg32(UPTR(U_BASE), 4, 9, &old), 0);
	CHECK_EQ(old, 5);
	CHECK_EQ(user_cmpxchg32(UPTR(U_BASE), 5, 9, &old), 0);
	CHECK_EQ(user_xchg32(UPTR(U_BASE), 12, &old), 0);
	CHECK_EQ(old, 9);
	CHECK_EQ(user_fetch_add32(UPTR(U_BASE), 3, &old), 0);
	CHECK_EQ(user_fetch_or32(UPTR(U_BASE), 0x10, &old), 0);
	CHECK_EQ(old, 15);
	CHECK_EQ(user_fetch_andnot32(UPTR(U_BASE), 1, &old), 0);
	CHECK_EQ(user_fetch_xor32(UPTR(U_BASE), 0xff, &old), 0);
	CHECK_EQ(old, 0x1e);
	CHECK_EQ(put_user_u64(1ull << 40, UPTR(U_BASE + 8)), 0);
	CHECK_EQ(user_cmpxchg64(UPTR(U_BASE + 8), 1ull << 40, 3, &old64), 0);
	CHECK_EQ(old64, 1ull << 40);
	CHECK_EQ(user_cmpxchg32(UPTR(U_END), 4, 9, &old), -EFAULT);
	CHECK_EQ(user_xchg32(UPTR(U_BASE - 4), 4, &old), -EFAULT);
}

USER_TEST(iovecs_are_checked_as_readv_says)
{
	struct user_iovec v[UIO_FASTIOV + 4], fast[UIO_FASTIOV], *mem;
	struct iov_iter it;

	for (u32 i = 0; i < ARRAY_SIZE(v); i++)
		v[i] = (struct user_iovec){ UPTR(U_BASE + i * 100), 10 * i };
	CHECK_EQ(copy_out(UPTR(U_BASE), v, sizeof(v)), 0);
	CHECK_EQ(iov_iter_import(&it, true, UPTR(U_BASE), 3, fast, UIO_FASTIOV, &mem), 30);
	CHECK_EQ(mem, NULL);
	CHECK_EQ(it.count, 30);
	CHECK_EQ(iov_iter_import(&it, true, UPTR(U_BASE), ARRAY_SIZE(v), fast, UIO_FASTIOV, &mem), 660);
	CHECK(mem);
	kfree(mem);
	CHECK_EQ(iov_iter_import(&it, true, UPTR(U_BASE), 0, fast, UIO_FASTIOV, &mem), 0);
	CHECK_EQ(iov_iter_import(&it, true, UPTR(U_BASE), UIO_MAXIOV + 1, fast, UIO_FASTIOV, &mem), -EINVAL);
	CHECK_EQ(iov_iter_import(&it, true, UPTR(U_END), 1, fast, UIO_FASTIOV, &mem), -EFAULT);
	// A negative length anywhere counts before a bad address.
	v[0].base = UPTR(~0ul - 100);
	v[0].len = 10;
	v[2].len = 1ull << 63;
	CHECK_EQ(copy_out(UPTR(U_BASE), v, sizeof(v)), 0);
	CHECK_EQ(iov_iter_import(&it, true, UPTR(U_BASE), 2, fast, UIO_FASTIOV, &mem), -EFAULT);
	CHECK_EQ(iov_iter_import(&it, true, UPTR(U_BASE), 3, fast, UIO_FASTIOV, &mem), -EINVAL);
	// Long ones are cut, in all to MAX_RW_COUNT; an address range must be the user's as a whole, unless it is the only one.
	v[0] = v[1] = (struct user_iovec){ UPTR(U_BASE), 0x60000000 };
	CHECK_EQ(copy_out(UPTR(U_BASE), v, sizeof(v)), 0);
	CHECK_EQ(iov_iter_import(&it, true, UPTR(U_BASE), 2, fast, UIO_FASTIOV, &mem), MAX_RW_COUNT);
	CHECK_EQ(it.iov[1].len, MAX_RW_COUNT - 0x60000000);
	v[0].len = TASK_SIZE_MAX;
	CHECK_EQ(copy_out(UPTR(U_BASE), v, sizeof(v)), 0);
	CHECK_EQ(iov_iter_import(&it, true, UPTR(U_BASE), 1, fast, UIO_FASTIOV, &mem), MAX_RW_COUNT);
	CHECK_EQ(iov_iter_import(&it, true, UPTR(U_BASE), 2, fast, UIO_FASTIOV, &mem), -EFAULT);
}

USER_TEST(iterators_stop_at_holes_and_go_back)
{
	struct user_iovec v[] = { { UPTR(U_BASE), 10 }, { UPTR(U_BASE + 100), 0 }, { UPTR(U_END - 20), 20 }, { UPTR(U_END), 20 } };
	struct iov_iter it = { .type = ITER_IOVEC, .iov = v, .nr_segs = 4, .count = 50 };
	char buf[64], back[64];

	for (u32 i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i + 1);
	CHECK_EQ(copy_to_iter(buf, 5, &it), 5);
	CHECK_EQ(copy_to_iter(buf + 5, 45, &it), 25);
	CHECK_EQ(it.count, 20);
	CHECK_EQ(iov_iter_fault_in(&it, 20), 20);
	iov_iter_revert(&it, 30);
	CHECK_EQ(it.count, 50);
	CHECK_EQ(iov_iter_fault_in(&it, 50), 20);
	it.source = true;
	CHECK_EQ(copy_from_iter(back, 50, &it), 30);
	CHECK_MEM(back, buf, 30);
	iov_iter_revert(&it, 22);
	CHECK_EQ(copy_from_iter(back, 22, &it), 22);
	CHECK_MEM(back, buf + 8, 22);
	iov_iter_revert(&it, 30);
	it.source = false;
	CHECK_EQ(iov_iter_zero(50, &it), 30);
	CHECK_EQ(copy_in(back, UPTR(U_END - 20), 20), 0);
	CHECK(!memchr_inv(back, 0, 20));
	iov_iter_ubuf(&it, false, UPTR(U_END - 8), 100);
	CHECK_EQ(copy_to_iter(buf, 64, &it), 8);
	CHECK_EQ(it.count, 92);
	iov_iter_revert(&it, 3);
	CHECK_EQ(it.count, 95);
}

KTEST(iov_iter, kernel_buffers_and_folios)
{
	char a[10], b[30], data[100], back[100];
	struct kvec kv[] = { { a, 10 }, { b, 0 }, { b, 30 } };
	struct folio *f = folio_alloc(GFP_KERNEL, 1);
	struct iov_iter it;

	REQUIRE(f);
	for (u32 i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 3);
	iov_iter_kvec(&it, false, kv, 3, 40);
	CHECK_EQ(copy_to_iter(data, 100, &it), 40);
	CHECK_MEM(a, data, 10);
	CHECK_MEM(b, data + 10, 30);
	iov_iter_revert(&it, 35);
	CHECK_EQ(copy_from_iter(back, 100, &it), 35);
	CHECK_MEM(back, data + 5, 35);

	struct bio_vec bv[] = { { f, PAGE_SIZE - 20, 40 }, { f, 0, 60 } };
	iov_iter_bvec(&it, false, bv, 2, 100);
	CHECK_EQ(copy_to_iter(data, 100, &it), 100);
	iov_iter_revert(&it, 100);
	CHECK_EQ(copy_from_iter(back, 100, &it), 100);
	CHECK_MEM(back, data, 100);
	CHECK_MEM((char *)folio_addr(f) + PAGE_SIZE - 20, data, 40);
	iov_iter_revert(&it, 50);
	CHECK_EQ(iov_iter_zero(100, &it), 50);
	iov_iter_revert(&it, 100);
	CHECK_EQ(copy_from_iter(back, 100, &it), 100);
	CHECK_MEM(back, data, 50);
	CHECK(!memchr_inv(back + 50, 0, 50));
	folio_put(f);
}
