// Feeds the command-line tokenizer and the parsers of numbers and lists; what they print they must read again.
#include "fuzz.h"

#include "lib/bitmap.h"
#include "lib/parse.h"

#define BITS 200

static void check_list(const char *s)
{
	unsigned long map[BITS_TO_LONGS(BITS)], again[BITS_TO_LONGS(BITS)];
	char text[2048];

	if (bitmap_parselist(s, map, BITS) == 0) {
		bitmap_print_list(text, sizeof(text), map, BITS);
		FUZZ_CHECK(bitmap_parselist(text, again, BITS) == 0 && bitmap_equal(map, again, BITS));
		FUZZ_CHECK(find_next_bit(map, 256, BITS) == 256);
	}
	if (bitmap_parse_hex(s, map, BITS) == 0) {
		bitmap_print_hex(text, sizeof(text), map, BITS);
		FUZZ_CHECK(bitmap_parse_hex(text, again, BITS) == 0 && bitmap_equal(map, again, BITS));
	}
}

static void check_numbers(const char *s)
{
	const char *end;
	u64 u;
	s64 v;
	u8 b;
	bool t;

	for (unsigned int base = 0; base <= 16; base += base == 0 ? 8 : base == 8 ? 2 : 6) {
		int err = kstrtou64(s, base, &u);
		FUZZ_CHECK(err == 0 || err == -22 || err == -34);
		if (kstrtos64(s, base, &v) == 0 && v >= 0)
			FUZZ_CHECK(err == 0 || *s == '-');
		(void)!kstrtou8(s, base, &b);
		(void)!kstrtobool(s, &t);
	}
	memparse(s, &end);
	FUZZ_CHECK(end >= s && end <= s + strlen(s));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	char *line = malloc(n + 1), *s = line, *param, *val;
	size_t rounds = 0;

	memcpy(line, data, n);
	line[n] = '\0';
	check_list(line);
	while (*(s = skip_spaces(s))) {
		s = next_arg(s, &param, &val);
		FUZZ_CHECK(param >= line && s <= line + n && ++rounds <= n);
		FUZZ_CHECK(!val || (val > param && val <= line + n));
		FUZZ_CHECK(strlen(param) <= n);
		check_list(val ?: param);
		check_numbers(val ?: param);
	}
	free(line);
	return 0;
}

size_t fuzz_seed(unsigned int which, u8 *buf)
{
	static const char *const seeds[] = {
		"console=ttyS0,115200 root=/dev/vda ro quiet init=\"/bin/sh -c\" \"a=b c\" -- x y=1",
		"0-3,8,16-31:2/4,63-N", "all:1/7", "ff,00000001,deadbeef\n", "0x7fffffffffffffff", "-9223372036854775808",
		"mem=64M nr_cpus=0x10 isolcpus=1-5,7 x=1E y=077 z=+5\n",
	};

	const char *s = seeds[which % (sizeof(seeds) / sizeof(seeds[0]))];
	memcpy(buf, s, strlen(s));
	return strlen(s);
}
