// Formatting: what C says, and where Linux differs.
#include "lib/fmt.h"

#include "lib/ktest.h"
#include "lib/string.h"

#pragma GCC diagnostic ignored "-Wformat"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wformat-truncation"
#endif

#define FMT_IS(want, ...) do { \
	char buf_[128]; \
	int n_ = snprintf(buf_, sizeof(buf_), __VA_ARGS__); \
	CHECK_STR(buf_, want); \
	CHECK_EQ(n_, strlen(want)); \
} while (0)

KTEST(fmt, integers)
{
	FMT_IS("0 -1 42", "%d %i %u", 0, -1, 42u);
	FMT_IS("-2147483648", "%d", INT_MIN);
	FMT_IS("18446744073709551615 -9223372036854775808", "%llu %lld", (u64)U64_MAX, (s64)S64_MIN);
	FMT_IS("ff FF 0xff 0XFF 377 0377", "%x %X %#x %#X %o %#o", 255, 255, 255, 255, 255, 255);
	FMT_IS("-1 255 -1 65535", "%hhd %hhu %hd %hu", -1, -1, -1, -1);
	FMT_IS("123 456", "%zu %ld", (size_t)123, 456l);
	FMT_IS("0x0 0", "%#x %#o", 0, 0);
	FMT_IS("1777777777777777777777", "%llo", (u64)U64_MAX);
}

KTEST(fmt, width_precision_flags)
{
	FMT_IS("   42|42   |00042|+42| 42", "%5d|%-5d|%05d|%+d|% d", 42, 42, 42, 42, 42);
	FMT_IS("-0042|  -42|00042|  042", "%05d|%5d|%.5d|%5.3d", -42, -42, 42, 42);
	FMT_IS("   42|42   |7", "%*d|%*d|%.*d", 5, 42, -5, 42, -1, 7);
	FMT_IS("|  0x2a|0x002a", "%.0d|%#6x|%#06x", 0, 42, 42);
	FMT_IS("00  1a", "%02x%4x", 0, 26);
}

KTEST(fmt, strings_and_characters)
{
	FMT_IS("[abc] [  abc] [abc  ] [ab]", "[%s] [%5s] [%-5s] [%.2s]", "abc", "abc", "abc", "abc");
	FMT_IS("x  y%", "%c%3c%%", 'x', 'y');
	const char *none = NULL;
	__asm__("" : "+r"(none));	// or the compiler warns
	FMT_IS("(null)", "%s", none);
	char unterminated[2] = { 'a', 'b' };
	FMT_IS("ab", "%.2s", unterminated);
	FMT_IS("%y 100%", "%y 100%");
}

KTEST(fmt, cutting)
{
	char buf[5] = "zzzz";

	CHECK_EQ(snprintf(buf, sizeof(buf), "%s", "abcdefgh"), 8);
	CHECK_STR(buf, "abcd");
	CHECK_EQ(scnprintf(buf, sizeof(buf), "%d%s", 123456, "x"), 4);
	CHECK_STR(buf, "1234");
	CHECK_EQ(snprintf(NULL, 0, "%10d", 1), 10);
	CHECK_EQ(scnprintf(buf, 0, "abc"), 0);
	CHECK_STR(buf, "1234");
	CHECK_EQ(scnprintf(buf, 1, "abc"), 0);
	CHECK_STR(buf, "");
}

static int test_symbol(char *buf, size_t size, const void *addr)
{
	return scnprintf(buf, size, "sym+0x%lx", (unsigned long)(uintptr_t)addr);
}

KTEST(fmt, pointers_and_symbols)
{
	int (*saved)(char *, size_t, const void *) = fmt_symbol;

	fmt_symbol = NULL;
	FMT_IS("00000000deadbeef deadbeef", "%p %1p", (void *)0xdeadbeeful, (void *)0xdeadbeeful);
	FMT_IS("0000000000000010|", "%pS|", (void *)0x10ul);
	fmt_symbol = test_symbol;
	FMT_IS("sym+0x10|", "%pS|", (void *)0x10ul);
	fmt_symbol = saved;
}

KTEST(fmt, fast_integers)
{
	char a[32], b[32];
	u64 v = 1;

	for (int i = 0; i < 20; i++, v *= 10) {
		for (int d = -1; d <= 1; d++) {
			a[fmt_u64_dec(a, v + d)] = '\0';
			snprintf(b, sizeof(b), "%llu", v + d);
			CHECK_STR(a, b);
			CHECK_EQ(strlen(a), i + (d < 0 ? 0 : 1) + (v + d == 0));
		}
	}
	a[fmt_s64_dec(a, S64_MIN)] = '\0';
	CHECK_STR(a, "-9223372036854775808");
	a[fmt_u64_dec(a, U64_MAX)] = '\0';
	CHECK_STR(a, "18446744073709551615");
	a[fmt_u64_hex(a, 0)] = '\0';
	CHECK_STR(a, "0");
	a[fmt_u64_hex(a, 0x123456789abcdef0ull)] = '\0';
	CHECK_STR(a, "123456789abcdef0");
	a[fmt_u64_hex_pad(a, 0x400000, 8)] = '\0';
	CHECK_STR(a, "00400000");
}
