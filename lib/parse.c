// Numbers, bit lists and command-line parameters. The rules are those that programs know from Linux's
// /proc, /sys and command line.
#include "lib/parse.h"

#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/overflow.h"
#include "lib/string.h"

static int hex_value(char c)
{
	if (isdigit(c))
		return c - '0';
	return isxdigit(c) ? (c | 32) - 'a' + 10 : 99;
}

// Settles base 0 and skips 0x.
static const char *parse_base(const char *s, unsigned int *base)
{
	bool x = s[0] == '0' && (s[1] | 32) == 'x';

	if (*base == 0)
		*base = s[0] != '0' ? 10 : x && isxdigit(s[2]) ? 16 : 8;
	return *base == 16 && x ? s + 2 : s;
}

// Returns the end of the digits; sets *overflow (and a wrapped *out) if they do not fit.
static const char *parse_digits(const char *s, unsigned int base, u64 *out, bool *overflow)
{
	u64 v = 0;
	unsigned int d;

	*overflow = false;
	while ((d = hex_value(*s)) < base) {
		bool o1 = mul_overflow(v, (u64)base, &v), o2 = add_overflow(v, (u64)d, &v);
		*overflow |= o1 | o2;
		s++;
	}
	*out = v;
	return s;
}

static int parse_whole(const char *s, unsigned int base, u64 *out)
{
	bool overflow;
	u64 v;

	s = parse_base(s, &base);
	const char *end = parse_digits(s, base, &v, &overflow);
	if (overflow)
		return -ERANGE;
	if (end == s)
		return -EINVAL;
	if (*end == '\n')
		end++;
	if (*end)
		return -EINVAL;
	*out = v;
	return 0;
}

int kstrtou64(const char *s, unsigned int base, u64 *out)
{
	return parse_whole(*s == '+' ? s + 1 : s, base, out);
}

int kstrtos64(const char *s, unsigned int base, s64 *out)
{
	bool negative = *s == '-';
	u64 v;
	int err = negative ? parse_whole(s + 1, base, &v) : kstrtou64(s, base, &v);

	if (err)
		return err;
	if (v > (u64)S64_MAX + negative)
		return -ERANGE;
	*out = negative ? (s64)-v : (s64)v;
	return 0;
}

int kstrtou32(const char *s, unsigned int base, u32 *out)
{
	u64 v;
	int err = kstrtou64(s, base, &v);

	if (err)
		return err;
	if (v > U32_MAX)
		return -ERANGE;
	*out = v;
	return 0;
}

int kstrtos32(const char *s, unsigned int base, s32 *out)
{
	s64 v;
	int err = kstrtos64(s, base, &v);

	if (err)
		return err;
	if (v != (s32)v)
		return -ERANGE;
	*out = v;
	return 0;
}

int kstrtou16(const char *s, unsigned int base, u16 *out)
{
	u64 v;
	int err = kstrtou64(s, base, &v);

	if (err)
		return err;
	if (v > U16_MAX)
		return -ERANGE;
	*out = v;
	return 0;
}

int kstrtou8(const char *s, unsigned int base, u8 *out)
{
	u64 v;
	int err = kstrtou64(s, base, &v);

	if (err)
		return err;
	if (v > U8_MAX)
		return -ERANGE;
	*out = v;
	return 0;
}

int kstrtobool(const char *s, bool *out)
{
	char c = tolower(s[0]);

	if (c == 'o')
		c = tolower(s[1]) == 'n' ? '1' : tolower(s[1]) == 'f' ? '0' : '?';
	if (c && strchr("yte1", c))
		*out = true;
	else if (c && strchr("ndf0", c))
		*out = false;
	else
		return -EINVAL;
	return 0;
}

u64 parse_u64(const char *s, const char **end, unsigned int base)
{
	bool overflow;
	u64 v;

	s = parse_base(s, &base);	// not inside the next call: it sets base
	s = parse_digits(s, base, &v, &overflow);
	if (end)
		*end = s;
	return v;
}

u64 memparse(const char *s, const char **end)
{
	u64 v = parse_u64(s, &s, 0);
	unsigned int shift = 0;

	if (*s) {
		const char *unit = strchr("kmgtpe", tolower(*s));
		if (unit) {
			shift = 10 * (unit - strchr("kmgtpe", 'k') + 1);
			s++;
		}
	}
	if (end)
		*end = s;
	return v << shift;
}

// One region of a list: `run` bits from every `group`, in start..end.
struct bit_region {
	u32 start, end, run, group;
};

static bool list_text_end(char c)
{
	return !c || c == '\n';
}

static bool list_region_end(char c)
{
	return list_text_end(c) || c == ',' || isspace(c);
}

static int list_number(const char **s, unsigned int bits, u32 *out)
{
	bool overflow;
	u64 v;

	if (**s == 'N') {
		*out = bits - 1;
		(*s)++;
		return 0;
	}
	const char *end = parse_digits(*s, 10, &v, &overflow);
	if (end == *s)
		return -EINVAL;
	if (overflow || v > U32_MAX)
		return -EOVERFLOW;
	*s = end;
	*out = v;
	return 0;
}

static int list_pattern(const char **s, unsigned int bits, struct bit_region *r)
{
	if (*(*s)++ != ':')
		return -EINVAL;
	int err = list_number(s, bits, &r->run);
	if (err)
		return err;
	if (*(*s)++ != '/')
		return -EINVAL;
	return list_number(s, bits, &r->group);
}

static int list_region(const char **s, unsigned int bits, struct bit_region *r)
{
	int err;

	if (strncasecmp(*s, "all", 3) == 0) {
		r->start = 0;
		r->end = bits - 1;
		*s += 3;
	} else {
		err = list_number(s, bits, &r->start);
		if (err)
			return err;
		r->end = r->start;
		if (!list_region_end(**s)) {
			if (*(*s)++ != '-')
				return -EINVAL;
			err = list_number(s, bits, &r->end);
			if (err)
				return err;
		}
	}
	if (!list_region_end(**s))
		return list_pattern(s, bits, r);
	r->run = r->group = r->end + 1;
	return 0;
}

int bitmap_parselist(const char *s, unsigned long *map, unsigned int bits)
{
	bitmap_zero(map, bits);
	for (;;) {
		struct bit_region r;
		while (isspace(*s) || *s == ',')
			s++;
		if (!*s)
			return 0;
		int err = list_region(&s, bits, &r);
		if (err)
			return err;
		if (r.start > r.end || !r.group || r.run > r.group)
			return -EINVAL;
		if (r.end >= bits)
			return -ERANGE;
		for (u64 i = r.start; i <= r.end; i += r.group)
			bitmap_set(map, i, MIN(r.end - i + 1, (u64)r.run));
		if (list_text_end(*s))
			return 0;
	}
}

// The group of hexadecimal digits that ends at *end, which is moved before it.
static int hex_group_back(const char *s, const char **end, u32 *out)
{
	u32 v = 0;

	for (unsigned int shift = 0; *end > s && !list_region_end((*end)[-1]); shift += 4) {
		int d = hex_value((*end)[-1]);
		if (d > 15)
			return -EINVAL;
		if (shift == 32)
			return -EOVERFLOW;
		v |= (u32)d << shift;
		(*end)--;
	}
	*out = v;
	return 0;
}

int bitmap_parse_hex(const char *s, unsigned long *map, unsigned int bits)
{
	const char *end = strchrnul(s, '\n');
	unsigned int at = 0;

	bitmap_zero(map, bits);
	for (;; at += 32) {
		u32 v;
		while (end > s && list_region_end(end[-1]))
			end--;
		if (end == s)
			return 0;
		int err = hex_group_back(s, &end, &v);
		if (err)
			return err;
		if (at >= bits || (bits - at < 32 && v >> (bits - at)))
			return -EOVERFLOW;
		map[at / BITS_PER_LONG] |= (unsigned long)v << at % BITS_PER_LONG;
	}
}

int bitmap_print_list(char *buf, size_t size, const unsigned long *map, unsigned int bits)
{
	unsigned int start, end;
	int n = 0;

	if (size)
		*buf = '\0';
	for (start = find_first_bit(map, bits); start < bits; start = find_next_bit(map, bits, end)) {
		end = find_next_zero_bit(map, bits, start);
		n += scnprintf(buf + n, size - n, n ? ",%u" : "%u", start);
		if (end - start > 1)
			n += scnprintf(buf + n, size - n, "-%u", end - 1);
	}
	return n;
}

int bitmap_print_hex(char *buf, size_t size, const unsigned long *map, unsigned int bits)
{
	unsigned int width = bits % 32 ?: 32;
	int n = 0;

	if (size)
		*buf = '\0';
	for (int at = ALIGN_UP(bits, 32u) - 32; bits && at >= 0; at -= 32) {
		u32 v = map[at / BITS_PER_LONG] >> at % BITS_PER_LONG;
		if (width < 32)
			v &= (1u << width) - 1;
		n += scnprintf(buf + n, size - n, n ? ",%0*x" : "%0*x", (int)DIV_ROUND_UP(width, 4), v);
		width = 32;
	}
	return n;
}

// The end of the parameter at s: the first white space outside quotes. *equals is the first '=' that is not
// the first character, or NULL.
static char *param_end(char *s, bool in_quote, char **equals)
{
	char *start = s;

	*equals = NULL;
	for (; *s && (in_quote || !isspace((u8)*s)); s++) {
		if (*s == '=' && !*equals && s > start)
			*equals = s;
		if (*s == '"')
			in_quote = !in_quote;
	}
	return s;
}

char *next_arg(char *args, char **param, char **val)
{
	bool quoted = *args == '"';
	char *equals, *s = args + quoted;
	char *end = param_end(s, quoted, &equals), *rest = *end ? end + 1 : end;

	*end = '\0';
	*param = s;
	*val = NULL;
	if (equals) {
		*equals = '\0';
		*val = equals + 1;
		if (**val == '"') {
			(*val)++;
			if (end[-1] == '"')
				end[-1] = '\0';
		}
	}
	if (quoted && end > s && end[-1] == '"')
		end[-1] = '\0';
	return skip_spaces(rest);
}

static char param_char(char c)
{
	return c == '-' ? '_' : c;
}

bool parameqn(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (param_char(a[i]) != param_char(b[i]))
			return false;
		if (!a[i])
			break;
	}
	return true;
}

bool parameq(const char *a, const char *b)
{
	return parameqn(a, b, SIZE_MAX);
}
