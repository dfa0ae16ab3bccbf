// Strings and memory, at every alignment where the code looks at whole words.
#include "lib/string.h"

#include "lib/errno.h"
#include "lib/ktest.h"

static char area[128] ALIGNED(16);

// Hides constants from the compiler, so that the functions themselves are tested.
static const char *opaque(const char *s)
{
	__asm__("" : "+r"(s));
	return s;
}

KTEST(string, lengths_at_every_alignment)
{
	for (unsigned int at = 0; at < 16; at++) {
		for (unsigned int n = 0; n < 40; n++) {
			memset(area, 0, sizeof(area));
			memset(area + at, 0x80, n);
			area[at + n + 1] = 'x';
			CHECK_EQ((strlen)(area + at), n);
			for (unsigned int max = 0; max < 44; max++)
				CHECK_EQ(strnlen(area + at, max), MIN(max, n));
			CHECK_EQ(strnlen(area + at, SIZE_MAX), n);
		}
	}
}

KTEST(string, memchr_at_every_alignment)
{
	for (unsigned int at = 0; at < 16; at++) {
		for (unsigned int n = 0; n < 40; n++) {
			memset(area, 'a', sizeof(area));
			area[at + n] = 0x01;
			for (unsigned int max = 0; max < 44; max++)
				CHECK(memchr(area + at, 1, max) == (n < max ? area + at + n : NULL));
			CHECK(memchr_inv(area + at, 'a', 41) == (n < 41 ? area + at + n : NULL));
			CHECK(memchr_inv(area + at, 'a', n) == NULL);
		}
	}
	CHECK(mem_is_zero("\0\0\0", 4));
}

KTEST(string, compare)
{
	CHECK((strcmp)(opaque("abc"), "abc") == 0);
	CHECK((strcmp)(opaque("abc"), "abd") < 0);
	CHECK((strcmp)(opaque("ab\xff"), "ab") > 0);
	CHECK((strncmp)(opaque("abc"), "abd", 2) == 0);
	CHECK((strncmp)(opaque("ab"), "abd", 3) < 0);
	CHECK((strncmp)(opaque("a"), "b", 0) == 0);
	CHECK(strcasecmp(opaque("HeLLo"), "hEllO") == 0);
	CHECK(strncasecmp(opaque("HeLLoX"), "hEllOy", 5) == 0);
	CHECK(str_has_prefix(opaque("console=tty"), "console="));
	CHECK(!str_has_prefix(opaque("cons"), "console="));
}

KTEST(string, search)
{
	const char *s = opaque("hello, world");

	CHECK(strchr(s, 'o') == s + 4);
	CHECK(strrchr(s, 'o') == s + 8);
	CHECK(strchr(s, 0) == s + 12);
	CHECK(strrchr(s, 0) == s + 12);
	CHECK(!strchr(s, 'z'));
	CHECK(strchrnul(s, 'z') == s + 12);
	CHECK(strnchr(s, 4, 'o') == NULL);
	CHECK(strstr(s, "o, w") == s + 4);
	CHECK(strstr(s, "") == s);
	CHECK(!strstr(s, "worldly"));
	CHECK(!strnstr(s, "world", 11));
	CHECK(strnstr(s, "world", 12) == s + 7);
	CHECK_EQ(strspn(s, "hel"), 4);
	CHECK_EQ(strcspn(s, ", "), 5);
	CHECK(strpbrk(s, "xyw") == s + 7);
	CHECK(memmem("aab", 3, "ab", 2) != NULL);
}

KTEST(string, split_and_trim)
{
	char text[] = "  a,,b  ", *s = strim(text), *field;

	CHECK_STR(s, "a,,b");
	field = strsep(&s, ",");
	CHECK_STR(field, "a");
	CHECK_STR(strsep(&s, ","), "");
	CHECK_STR(strsep(&s, ","), "b");
	CHECK(!strsep(&s, ","));
	char blank[] = " \t\n";
	CHECK_STR(strim(blank), "");
}

KTEST(string, copies_say_when_they_cut)
{
	char to[8];

	CHECK_EQ(strscpy(to, opaque("1234567"), sizeof(to)), 7);
	CHECK_EQ(strscpy(to, opaque("12345678"), sizeof(to)), -E2BIG);
	CHECK_STR(to, "1234567");
	CHECK_EQ(strscpy(to, opaque("x"), 0), -E2BIG);
	CHECK_EQ(strscpy_pad(to, opaque("ab"), sizeof(to)), 2);
	CHECK_MEM(to, "ab\0\0\0\0\0", 8);
	CHECK_EQ(strscat(to, opaque("cde"), sizeof(to)), 5);
	CHECK_EQ(strscat(to, opaque("fgh"), sizeof(to)), -E2BIG);
	CHECK_STR(to, "abcdefg");
}

KTEST(string, classes)
{
	for (int c = 0; c < 256; c++) {
		CHECK_EQ(isdigit(c), c >= '0' && c <= '9');
		CHECK_EQ(isalpha(c), (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
		CHECK_EQ(isspace(c), c == ' ' || (c >= 9 && c <= 13));
		CHECK_EQ(isxdigit(c), (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
	}
	CHECK_EQ(tolower('Z'), 'z');
	CHECK_EQ(tolower('['), '[');
	CHECK_EQ(toupper('a'), 'A');
}
