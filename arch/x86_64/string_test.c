// Tests of the port's assembly: copies, and accesses that fault.
#include "arch/uaccess.h"

#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"
#include "uaccess_asm.h"

void *(*volatile string_test_move)(void *, const void *, size_t) = memmove;
void *(*volatile string_test_copy)(void *restrict, const void *restrict, size_t) = memcpy;
void *(*volatile string_test_set)(void *, int, size_t) = memset;
int (*volatile string_test_cmp)(const void *, const void *, size_t) = memcmp;

static u8 from[700], to[700], want[700];

static void fill(u8 *p, size_t n, u32 seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (u8)(i * 7 + seed * 13 + (i >> 8));
}

static bool same(const u8 *a, const u8 *b, size_t n)
{
	while (n--)
		if (*a++ != *b++)
			return false;
	return true;
}

KTEST(string_asm, memcpy_all_sizes)
{
	for (size_t n = 0; n <= 600; n++) {
		fill(from, sizeof(from), (u32)n);
		fill(to, sizeof(to), 99);
		fill(want, sizeof(want), 99);
		for (size_t i = 0; i < n; i++)
			want[3 + i] = from[5 + i];
		CHECK(string_test_copy(to + 3, from + 5, n) == to + 3);
		CHECK(same(to, want, sizeof(to)));
	}
}

KTEST(string_asm, memmove_overlaps)
{
	for (size_t n = 0; n <= 300; n++)
		for (int d = -70; d <= 70; d += 3) {
			fill(to, sizeof(to), 1);
			fill(want, sizeof(want), 1);
			fill(from, sizeof(from), 1);
			for (size_t i = 0; i < n; i++)
				want[200 + d + (int)i] = from[200 + i];
			string_test_move(to + 200 + d, to + 200, n);
			CHECK(same(to, want, sizeof(to)));
		}
}

KTEST(string_asm, memset_and_memcmp)
{
	for (size_t n = 0; n <= 300; n++) {
		fill(to, sizeof(to), 5);
		fill(want, sizeof(want), 5);
		for (size_t i = 0; i < n; i++)
			want[9 + i] = 0xa5;
		string_test_set(to + 9, 0xa5, n);
		CHECK(same(to, want, sizeof(to)));
		CHECK_EQ(string_test_cmp(to + 9, want + 9, n), 0);
		if (n) {
			to[9 + n / 2] = 0xa6;
			CHECK(string_test_cmp(to + 9, want + 9, n) > 0);
			CHECK(string_test_cmp(want + 9, to + 9, n) < 0);
		}
	}
}

KTEST(uaccess_asm, copies_all_sizes)
{
	for (size_t n = 0; n <= 300; n++) {
		fill(from, sizeof(from), (u32)n);
		fill(to, sizeof(to), 3);
		fill(want, sizeof(want), 3);
		for (size_t i = 0; i < n; i++)
			want[2 + i] = from[7 + i];
		// (The routine itself does not know user from kernel addresses.)
		CHECK_EQ(user_copy_asm(to + 2, from + 7, n), 0);
		CHECK(same(to, want, sizeof(to)));
		for (size_t i = 0; i < n; i++)
			want[2 + i] = 0;
		CHECK_EQ(user_clear_asm(to + 2, n), 0);
		CHECK(same(to, want, sizeof(to)));
	}
}

KTEST(uaccess_asm, strncpy_stops_at_nul_and_at_n)
{
	static u8 src[8192] ALIGNED(4096);

	for (size_t len = 0; len <= 40; len++)
		for (size_t n = 0; n <= 48; n += 3)
			for (size_t at = 4096 - 24; at < 4096 + 9; at++) {
				fill(to, sizeof(to), 3);
				for (size_t i = 0; i < 60; i++)
					src[at + i] = i == len ? 0 : (u8)(0x7f + i % 5);
				size_t want_len = len < n ? len : n;
				CHECK_EQ(user_strncpy_asm((char *)to, (const char *)src + at, n), want_len);
				CHECK_EQ(user_strncpy_asm(NULL, (const char *)src + at, n), want_len);
				CHECK(same(to, src + at, want_len < n ? want_len + 1 : n));
				CHECK_EQ(to[n], (u8)(n * 7 + 3 * 13));	// nothing beyond n
			}
}

KTEST(uaccess_asm, refuses_what_is_not_user_space)
{
	u64 v = 1;
	u32 w;

	CHECK_EQ(raw_copy_from_user(to, UPTR(from), 16), 16);
	CHECK_EQ(raw_copy_from_user(to, UPTR(TASK_SIZE_MAX - 8), 16), 16);
	CHECK_EQ(raw_copy_from_user(to, UPTR(~0ull), 2), 2);
	CHECK_EQ(get_user_u64(&v, UPTR(from)), -EFAULT);
	CHECK_EQ(v, 0);
	CHECK_EQ(put_user_u64(1, UPTR(0xffff800000000000ull)), -EFAULT);
	// Not canonical.
	CHECK_EQ(get_user_u64(&v, UPTR(0x0000900000000000ull)), -EFAULT);
	CHECK_EQ(put_user_u64(1, UPTR(0x7fffffffffffffffull)), -EFAULT);
	CHECK_EQ(user_strncpy((char *)to, UPTR(from), 8), -EFAULT);
	CHECK_EQ(user_cmpxchg32(UPTR(from), 0, 0, &w), -EFAULT);
	CHECK(user_range_ok(UPTR(TASK_SIZE_MAX), 0));
	CHECK(!user_range_ok(UPTR(0), TASK_SIZE_MAX + 1));
}

KTEST(uaccess_asm, kernel_read_of_nothing_fails)
{
	u64 v;

	CHECK_EQ(kernel_read_nofault(&v, (void *)0xffff900000000000ull, 8), -EFAULT);	// a hole: page fault or not
	CHECK_EQ(kernel_read_nofault(&v, (void *)0x1000, 8), -EFAULT);
	CHECK_EQ(kernel_read_nofault(&v, from, 8), 0);
}
