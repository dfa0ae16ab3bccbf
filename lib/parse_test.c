// Numbers, lists and parameters: Linux's rules, its errors, and their order.
#include "lib/parse.h"

#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"

static s64 u64_or_error(const char *s, unsigned int base)
{
	u64 v;
	int err = kstrtou64(s, base, &v);

	return err ?: (s64)v;
}

KTEST(parse, kstrtou64)
{
	CHECK_EQ(u64_or_error("0", 0), 0);
	CHECK_EQ(u64_or_error("+42\n", 0), 42);
	CHECK_EQ(u64_or_error("0x1F", 0), 31);
	CHECK_EQ(u64_or_error("017", 0), 15);
	CHECK_EQ(u64_or_error("0x1f", 16), 31);
	CHECK_EQ(u64_or_error("1f", 16), 31);
	CHECK_EQ(u64_or_error("0x", 0), -EINVAL);
	CHECK_EQ(u64_or_error("", 0), -EINVAL);
	CHECK_EQ(u64_or_error("\n", 0), -EINVAL);
	CHECK_EQ(u64_or_error("1 ", 0), -EINVAL);
	CHECK_EQ(u64_or_error(" 1", 0), -EINVAL);
	CHECK_EQ(u64_or_error("1\n\n", 0), -EINVAL);
	CHECK_EQ(u64_or_error("-1", 0), -EINVAL);
	CHECK_EQ(u64_or_error("++1", 0), -EINVAL);
	CHECK_EQ(u64_or_error("08", 0), -EINVAL);
	CHECK_EQ(u64_or_error("18446744073709551615", 10), -1);
	CHECK_EQ(u64_or_error("18446744073709551616", 10), -ERANGE);
	CHECK_EQ(u64_or_error("99999999999999999999999x", 10), -ERANGE);
}

KTEST(parse, signed_and_narrow)
{
	s64 s;
	s32 s4;
	u32 u4;
	u8 u1;
	u16 u2;
	bool b;

	CHECK(kstrtos64("-9223372036854775808", 0, &s) == 0 && s == S64_MIN);
	CHECK_EQ(kstrtos64("-9223372036854775809", 0, &s), -ERANGE);
	CHECK_EQ(kstrtos64("9223372036854775808", 0, &s), -ERANGE);
	CHECK_EQ(kstrtos64("-+5", 0, &s), -EINVAL);
	CHECK(kstrtos32("-2147483648", 0, &s4) == 0 && s4 == INT_MIN);
	CHECK_EQ(kstrtos32("2147483648", 0, &s4), -ERANGE);
	CHECK(kstrtou32("4294967295", 0, &u4) == 0 && u4 == U32_MAX);
	CHECK_EQ(kstrtou32("4294967296", 0, &u4), -ERANGE);
	CHECK_EQ(kstrtou16("65536", 0, &u2), -ERANGE);
	CHECK_EQ(kstrtou8("256", 0, &u1), -ERANGE);
	CHECK(kstrtobool("Yes", &b) == 0 && b);
	CHECK(kstrtobool("off", &b) == 0 && !b);
	CHECK(kstrtobool("on\n", &b) == 0 && b);
	CHECK(kstrtobool("0", &b) == 0 && !b);
	CHECK_EQ(kstrtobool("", &b), -EINVAL);
	CHECK_EQ(kstrtobool("o", &b), -EINVAL);
	CHECK_EQ(kstrtobool("2", &b), -EINVAL);
}

KTEST(parse, memparse)
{
	const char *end;

	CHECK_EQ(memparse("64M@16", &end), 64ull << 20);
	CHECK_STR(end, "@16");
	CHECK_EQ(memparse("0x10k", NULL), 16384);
	CHECK_EQ(memparse("2g", NULL), 2ull << 30);
	CHECK_EQ(memparse("1E", &end), 1ull << 60);
	CHECK_STR(end, "");
	CHECK_EQ(memparse("7x", &end), 7);
	CHECK_STR(end, "x");
}

static s64 list(const char *s, unsigned int bits)
{
	unsigned long map[2];
	int err = bitmap_parselist(s, map, bits);

	return err ?: (s64)map[0];
}

KTEST(parse, bit_lists)
{
	CHECK_EQ(list("0-3,8\n", 64), 0x10f);
	CHECK_EQ(list("", 64), 0);
	CHECK_EQ(list("0-15:1/4", 64), 0x1111);
	CHECK_EQ(list("0-15:2/4 , 63", 64), 0x8000000000003333ull);
	CHECK_EQ(list("all", 8), 0xff);
	CHECK_EQ(list("all:1/2", 8), 0x55);
	CHECK_EQ(list("N,1-N:1/3", 8), 0x92);
	CHECK_EQ(list("3-1", 64), -EINVAL);
	CHECK_EQ(list("1-", 64), -EINVAL);
	CHECK_EQ(list("1-x", 64), -EINVAL);
	CHECK_EQ(list("-1", 64), -EINVAL);
	CHECK_EQ(list("0-3:1/0", 64), -EINVAL);
	CHECK_EQ(list("0-3:5/4", 64), -EINVAL);
	CHECK_EQ(list("0-3:1", 64), -EINVAL);
	CHECK_EQ(list("64", 64), -ERANGE);
	CHECK_EQ(list("0-64", 64), -ERANGE);
	CHECK_EQ(list("4294967296", 64), -EOVERFLOW);
}

KTEST(parse, bit_masks)
{
	unsigned long map[2];
	char buf[64];

	CHECK_EQ(bitmap_parse_hex("ff,00000001\n", map, 64), 0);
	CHECK_EQ(map[0], 0xff00000001ul);
	CHECK_EQ(bitmap_parse_hex("f", map, 4), 0);
	CHECK_EQ(map[0], 15);
	CHECK_EQ(bitmap_parse_hex("10", map, 4), -EOVERFLOW);
	CHECK_EQ(bitmap_parse_hex("1,0", map, 32), -EOVERFLOW);
	CHECK_EQ(bitmap_parse_hex("123456789", map, 64), -EOVERFLOW);
	CHECK_EQ(bitmap_parse_hex("xyz", map, 64), -EINVAL);
	CHECK_EQ(bitmap_parse_hex("", map, 64), 0);
	map[0] = 0x800000000000010ful;
	map[1] = 3;
	CHECK_EQ(bitmap_print_hex(buf, sizeof(buf), map, 66), 19);
	CHECK_STR(buf, "3,80000000,0000010f");
	CHECK_EQ(bitmap_print_list(buf, sizeof(buf), map, 66), 11);
	CHECK_STR(buf, "0-3,8,63-65");
	CHECK_EQ(bitmap_print_hex(buf, sizeof(buf), map, 4), 1);
	CHECK_STR(buf, "f");
	CHECK_EQ(bitmap_print_list(buf, 4, map, 66), 3);
	CHECK_STR(buf, "0-3");
	map[0] = map[1] = 0;
	CHECK_EQ(bitmap_print_list(buf, sizeof(buf), map, 66), 0);
	CHECK_STR(buf, "");
}

KTEST(parse, next_arg)
{
	char line[] = "quiet  console=ttyS0,115200 name=\"a b\" \"x=1 2\" =odd e= \"y z\" k=a\"b c\"";
	char *p, *v, *s = skip_spaces(line);

	s = next_arg(s, &p, &v);
	CHECK_STR(p, "quiet");
	CHECK(!v);
	s = next_arg(s, &p, &v);
	CHECK_STR(p, "console");
	CHECK_STR(v, "ttyS0,115200");
	s = next_arg(s, &p, &v);
	CHECK_STR(p, "name");
	CHECK_STR(v, "a b");
	s = next_arg(s, &p, &v);
	CHECK_STR(p, "x");
	CHECK_STR(v, "1 2");
	s = next_arg(s, &p, &v);
	CHECK_STR(p, "=odd");
	CHECK(!v);
	s = next_arg(s, &p, &v);
	CHECK_STR(p, "e");
	CHECK_STR(v, "");
	s = next_arg(s, &p, &v);
	CHECK_STR(p, "y z");
	s = next_arg(s, &p, &v);
	CHECK_STR(v, "a\"b c\"");
	CHECK_EQ(*s, 0);
	CHECK(parameq("log-level", "log_level"));
	CHECK(!parameq("log", "log_level"));
	CHECK(parameqn("mod.x", "mod.y", 4));
}
