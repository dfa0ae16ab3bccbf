// printf-like formatting. Numbers are made two decimal digits at a time, straight into their place.
#include "lib/fmt.h"

#include "lib/math.h"
#include "lib/string.h"

int (*fmt_symbol)(char *buf, size_t size, const void *addr);

static const char fmt_digit_pairs[] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
	"495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
BUILD_ASSERT(sizeof(fmt_digit_pairs) == 201, "100 pairs");

static const u64 fmt_pow10[] = {
	0, 10ull, 100ull, 1000ull, 10000ull, 100000ull, 1000000ull, 10000000ull, 100000000ull, 1000000000ull,
	10000000000ull, 100000000000ull, 1000000000000ull, 10000000000000ull, 100000000000000ull, 1000000000000000ull,
	10000000000000000ull, 100000000000000000ull, 1000000000000000000ull, 10000000000000000000ull,
};

// 1233 / 4096 is just above log10(2); the table corrects the estimate by one.
static ALWAYS_INLINE unsigned int fmt_dec_len(u64 v)
{
	unsigned int n = (fls64(v | 1) * 1233) >> 12;

	return n + (v >= fmt_pow10[n]);
}

// Writes backwards from end; returns where the number starts. 0 is "0".
static ALWAYS_INLINE char *fmt_dec_back(char *end, u64 v)
{
	while (v >= 100) {
		u64 q = v / 100;
		end -= 2;
		memcpy(end, fmt_digit_pairs + (v - q * 100) * 2, 2);
		v = q;
	}
	if (v >= 10) {
		end -= 2;
		memcpy(end, fmt_digit_pairs + v * 2, 2);
	} else {
		*--end = '0' + v;
	}
	return end;
}

size_t fmt_u64_dec(char *buf, u64 v)
{
	unsigned int n = fmt_dec_len(v);

	fmt_dec_back(buf + n, v);
	return n;
}

size_t fmt_s64_dec(char *buf, s64 v)
{
	if (v >= 0)
		return fmt_u64_dec(buf, v);
	*buf = '-';
	return 1 + fmt_u64_dec(buf + 1, -(u64)v);
}

size_t fmt_u64_hex_pad(char *buf, u64 v, unsigned int width)
{
	unsigned int need = (fls64(v | 1) + 3) / 4;
	unsigned int n = MAX(need, width);

	for (unsigned int i = n; i--; v >>= 4)
		buf[i] = "0123456789abcdef"[v & 15];
	return n;
}

size_t fmt_u64_hex(char *buf, u64 v)
{
	return fmt_u64_hex_pad(buf, v, 0);
}

// pos counts all characters, also those that do not fit.
struct fmt_out {
	char *buf;
	size_t pos, size;
};

enum { FMT_LEFT = 1, FMT_PLUS = 2, FMT_SPACE = 4, FMT_ALT = 8, FMT_ZERO = 16, FMT_UPPER = 32 };

struct fmt_spec {
	unsigned int flags;
	int width;
	int prec;	// -1: none given
	int len;	// bytes of the integer argument
};

static ALWAYS_INLINE void fmt_put(struct fmt_out *o, const char *s, size_t n)
{
	if (likely(o->pos < o->size))
		memcpy(o->buf + o->pos, s, MIN(n, o->size - o->pos));
	o->pos += n;
}

static void fmt_pad(struct fmt_out *o, char c, int n)
{
	if (n <= 0)
		return;
	if (o->pos < o->size)
		memset(o->buf + o->pos, c, MIN((size_t)n, o->size - o->pos));
	o->pos += n;
}

static void fmt_text(struct fmt_out *o, const struct fmt_spec *f, const char *s, size_t n)
{
	int pad = f->width > (int)n ? f->width - (int)n : 0;

	if (!(f->flags & FMT_LEFT))
		fmt_pad(o, ' ', pad);
	fmt_put(o, s, n);
	if (f->flags & FMT_LEFT)
		fmt_pad(o, ' ', pad);
}

static char *fmt_digits_back(char *end, u64 v, unsigned int base, bool upper)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned int shift = base == 16 ? 4 : 3;

	if (base == 10)
		return fmt_dec_back(end, v);
	do {
		*--end = set[v & (base - 1)];
		v >>= shift;
	} while (v);
	return end;
}

// sign: '-', '+', ' ' or 0. As Linux and unlike C, # gives 0x0 for zero.
static void fmt_number(struct fmt_out *o, const struct fmt_spec *f, u64 v, unsigned int base, char sign)
{
	char digits[24], prefix[3], *end = digits + sizeof(digits), *s = end;
	int nprefix = 0;

	if (v || f->prec)
		s = fmt_digits_back(end, v, base, f->flags & FMT_UPPER);
	if (sign)
		prefix[nprefix++] = sign;
	if ((f->flags & FMT_ALT) && base == 16) {
		prefix[nprefix++] = '0';
		prefix[nprefix++] = f->flags & FMT_UPPER ? 'X' : 'x';
	}
	int n = end - s, zeros = f->prec > n ? f->prec - n : 0;
	if ((f->flags & FMT_ALT) && base == 8 && !zeros && (s == end || *s != '0'))
		zeros = 1;
	if (f->prec < 0 && (f->flags & (FMT_ZERO | FMT_LEFT)) == FMT_ZERO)
		zeros = MAX(zeros, f->width - nprefix - n);
	int pad = f->width - nprefix - zeros - n;
	if (!(f->flags & FMT_LEFT))
		fmt_pad(o, ' ', pad);
	fmt_put(o, prefix, nprefix);
	fmt_pad(o, '0', zeros);
	fmt_put(o, s, n);
	if (f->flags & FMT_LEFT)
		fmt_pad(o, ' ', pad);
}

static const char *fmt_parse_int(const char *fmt, int *out)
{
	int n = 0;

	while (isdigit(*fmt) && n < 1 << 20)
		n = n * 10 + *fmt++ - '0';
	*out = n;
	return fmt;
}

static const char *fmt_parse_flags(const char *fmt, unsigned int *flags)
{
	for (;; fmt++) {
		switch (*fmt) {
		case '-': *flags |= FMT_LEFT; break;
		case '+': *flags |= FMT_PLUS; break;
		case ' ': *flags |= FMT_SPACE; break;
		case '#': *flags |= FMT_ALT; break;
		case '0': *flags |= FMT_ZERO; break;
		default: return fmt;
		}
	}
}

static const char *fmt_parse_length(const char *fmt, int *len)
{
	switch (*fmt) {
	case 'h':
		*len = fmt[1] == 'h' ? 1 : 2;
		return fmt + (*len == 1 ? 2 : 1);
	case 'l':
		*len = 8;
		return fmt + (fmt[1] == 'l' ? 2 : 1);
	case 'z':
	case 't':
	case 'j':
		*len = 8;
		return fmt + 1;
	}
	*len = 4;
	return fmt;
}

static u64 fmt_truncate(u64 v, int len, bool is_signed)
{
	unsigned int shift = 64 - 8 * len;

	return is_signed ? (u64)((s64)(v << shift) >> shift) : v << shift >> shift;
}

static void fmt_signed(struct fmt_out *o, const struct fmt_spec *f, u64 v)
{
	bool negative = (s64)v < 0;
	char sign = negative ? '-' : f->flags & FMT_PLUS ? '+' : f->flags & FMT_SPACE ? ' ' : 0;

	fmt_number(o, f, negative ? -v : v, 10, sign);
}

static void fmt_pointer(struct fmt_out *o, struct fmt_spec *f, const void *p, bool symbol)
{
	char name[128];

	if (symbol && fmt_symbol) {
		fmt_text(o, f, name, fmt_symbol(name, sizeof(name), p));
		return;
	}
	if (f->width < 0) {
		f->width = 16;
		f->flags |= FMT_ZERO;
	}
	fmt_number(o, f, (u64)(uintptr_t)p, 16, 0);
}

// `va_list *` cannot be made from a va_list parameter portably; a struct can be passed on.
struct fmt_args {
	va_list ap;
};

static const char *fmt_parse_width(const char *fmt, struct fmt_spec *f, struct fmt_args *a)
{
	f->width = -1;
	if (*fmt == '*') {
		f->width = va_arg(a->ap, int);
		if (f->width < 0) {
			f->flags |= FMT_LEFT;
			f->width = f->width == INT_MIN ? 0 : -f->width;
		}
		fmt++;
	} else if (isdigit(*fmt)) {
		fmt = fmt_parse_int(fmt, &f->width);
	}
	f->prec = -1;
	if (*fmt != '.')
		return fmt;
	if (*++fmt == '*') {
		f->prec = va_arg(a->ap, int);
		if (f->prec < 0)
			f->prec = -1;
		return fmt + 1;
	}
	return fmt_parse_int(fmt, &f->prec);
}

static u64 fmt_arg(const struct fmt_spec *f, struct fmt_args *a, bool is_signed)
{
	u64 v = f->len == 8 ? va_arg(a->ap, unsigned long) : va_arg(a->ap, unsigned int);

	return fmt_truncate(v, f->len, is_signed);
}

// fmt stands after the '%'. Returns what follows the conversion.
static const char *fmt_conversion(struct fmt_out *o, const char *fmt, struct fmt_args *a)
{
	struct fmt_spec f = { 0 };
	const char *start = fmt, *s;
	char c;

	fmt = fmt_parse_flags(fmt, &f.flags);
	fmt = fmt_parse_width(fmt, &f, a);
	fmt = fmt_parse_length(fmt, &f.len);
	switch (*fmt++) {
	case 'd':
	case 'i':
		fmt_signed(o, &f, fmt_arg(&f, a, true));
		return fmt;
	case 'u':
		fmt_number(o, &f, fmt_arg(&f, a, false), 10, 0);
		return fmt;
	case 'X':
		f.flags |= FMT_UPPER;
		FALLTHROUGH;
	case 'x':
		fmt_number(o, &f, fmt_arg(&f, a, false), 16, 0);
		return fmt;
	case 'o':
		fmt_number(o, &f, fmt_arg(&f, a, false), 8, 0);
		return fmt;
	case 's':
		s = va_arg(a->ap, const char *) ?: "(null)";
		fmt_text(o, &f, s, f.prec >= 0 ? strnlen(s, f.prec) : strlen(s));
		return fmt;
	case 'c':
		c = (char)va_arg(a->ap, int);
		fmt_text(o, &f, &c, 1);
		return fmt;
	case 'p':
		fmt_pointer(o, &f, va_arg(a->ap, void *), *fmt == 'S');
		return *fmt == 'S' ? fmt + 1 : fmt;
	case '%':
		fmt_put(o, "%", 1);
		return fmt;
	}
	// Unknown: shown as it stands, so that the mistake is seen.
	fmt_put(o, "%", 1);
	return start;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct fmt_out o = { buf, 0, size };
	struct fmt_args a;

	va_copy(a.ap, ap);
	for (;;) {
		const char *s = fmt;
		while (*fmt && *fmt != '%')
			fmt++;
		if (fmt != s)
			fmt_put(&o, s, fmt - s);
		if (!*fmt)
			break;
		fmt = fmt_conversion(&o, fmt + 1, &a);
	}
	va_end(a.ap);
	if (size)
		buf[MIN(o.pos, size - 1)] = '\0';
	return o.pos;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(buf, size, fmt, ap);

	return (size_t)n < size ? n : size ? (int)(size - 1) : 0;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vscnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
