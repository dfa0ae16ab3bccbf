// Strings. Long scans look at aligned words, which never cross into a page that the string is not in;
// such functions are hidden from KASAN, as they read up to 7 bytes beyond the end.
#include "lib/string.h"

#include "lib/errno.h"
#include "lib/word.h"

// Keeps gcc from turning a loop that is strlen() into a call of strlen().
#ifdef __clang__
#define PLAIN_LOOPS
#else
#define PLAIN_LOOPS __attribute__((__optimize__("no-tree-loop-distribute-patterns")))
#endif

typedef u64 __attribute__((__may_alias__)) word_alias;

// Marks of the zero bytes of w ^ pattern, with those before address s hidden.
static ALWAYS_INLINE u64 first_marks(const char *s, const word_alias *w, u64 pattern)
{
	u64 before = (1ull << (8 * ((uintptr_t)s & 7))) - 1;

	return word_zero_bytes((*w ^ pattern) | before);
}

NO_SANITIZE size_t (strlen)(const char *s)
{
	const word_alias *w = (const word_alias *)((uintptr_t)s & ~7ul);
	u64 z = first_marks(s, w, 0);

	while (!z)
		z = word_zero_bytes(*++w);
	return (const char *)w + word_first_byte(z) - s;
}

NO_SANITIZE size_t strnlen(const char *s, size_t n)
{
	const char *end = s + n;
	const word_alias *w = (const word_alias *)((uintptr_t)s & ~7ul);

	if (!n)
		return 0;
	if (end < s)
		end = (const char *)~7ul;
	u64 z = first_marks(s, w, 0);
	while (!z) {
		if ((const char *)++w >= end)
			return n;
		z = word_zero_bytes(*w);
	}
	size_t len = (const char *)w + word_first_byte(z) - s;
	return len < n ? len : n;
}

PLAIN_LOOPS int (strcmp)(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

PLAIN_LOOPS int (strncmp)(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b)
			return (u8)*a - (u8)*b;
		if (!*a)
			break;
	}
	return 0;
}

int strncasecmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		int d = tolower((u8)*a) - tolower((u8)*b);
		if (d || !*a)
			return d;
	}
	return 0;
}

int strcasecmp(const char *a, const char *b)
{
	return strncasecmp(a, b, SIZE_MAX);
}

PLAIN_LOOPS char *strchrnul(const char *s, int c)
{
	while (*s && *s != (char)c)
		s++;
	return (char *)s;
}

char *strchr(const char *s, int c)
{
	s = strchrnul(s, c);
	return *s == (char)c ? (char *)s : NULL;
}

PLAIN_LOOPS char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	do {
		if (*s == (char)c)
			last = s;
	} while (*s++);
	return (char *)last;
}

PLAIN_LOOPS char *strnchr(const char *s, size_t n, int c)
{
	for (; n; n--, s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			break;
	}
	return NULL;
}

char *strnstr(const char *s, const char *what, size_t n)
{
	return memmem(s, strnlen(s, n), what, strlen(what));
}

char *strstr(const char *s, const char *what)
{
	return memmem(s, strlen(s), what, strlen(what));
}

static ALWAYS_INLINE bool byte_in_set(char c, const char *set)
{
	for (; *set; set++)
		if (c == *set)
			return true;
	return false;
}

size_t strspn(const char *s, const char *set)
{
	size_t n = 0;

	while (s[n] && byte_in_set(s[n], set))
		n++;
	return n;
}

size_t strcspn(const char *s, const char *set)
{
	size_t n = 0;

	while (s[n] && !byte_in_set(s[n], set))
		n++;
	return n;
}

char *strpbrk(const char *s, const char *set)
{
	s += strcspn(s, set);
	return *s ? (char *)s : NULL;
}

char *strsep(char **s, const char *set)
{
	char *field = *s;

	if (!field)
		return NULL;
	char *end = strpbrk(field, set);
	if (end)
		*end++ = '\0';
	*s = end;
	return field;
}

char *skip_spaces(const char *s)
{
	while (isspace((u8)*s))
		s++;
	return (char *)s;
}

char *strim(char *s)
{
	s = skip_spaces(s);
	size_t n = strlen(s);
	while (n && isspace((u8)s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

ssize_t strscpy(char *to, const char *from, size_t n)
{
	if (!n || n > (size_t)LONG_MAX)
		return -E2BIG;
	size_t len = strnlen(from, n);
	if (len == n) {
		memcpy(to, from, n - 1);
		to[n - 1] = '\0';
		return -E2BIG;
	}
	memcpy(to, from, len + 1);
	return len;
}

ssize_t strscpy_pad(char *to, const char *from, size_t n)
{
	ssize_t len = strscpy(to, from, n);

	if (len >= 0)
		memset(to + len, 0, n - len);
	return len;
}

ssize_t strscat(char *to, const char *from, size_t n)
{
	size_t have = strnlen(to, n);

	if (have == n)
		return -E2BIG;
	ssize_t added = strscpy(to + have, from, n - have);
	return added < 0 ? added : (ssize_t)have + added;
}

NO_SANITIZE void *memchr(const void *p, int c, size_t n)
{
	const char *s = p, *end = s + n;
	const word_alias *w = (const word_alias *)((uintptr_t)s & ~7ul);
	u64 pattern = WORD_REPEAT(c);

	if (!n)
		return NULL;
	if (end < s)
		end = (const char *)~7ul;
	u64 before = (1ull << (8 * ((uintptr_t)s & 7))) - 1;
	u64 z = word_zero_bytes((*w ^ pattern) | before);
	while (!z) {
		if ((const char *)++w >= end)
			return NULL;
		z = word_zero_bytes(*w ^ pattern);
	}
	s = (const char *)w + word_first_byte(z);
	return s < end ? (void *)s : NULL;
}

void *memchr_inv(const void *p, int c, size_t n)
{
	const u8 *s = p;
	u64 pattern = WORD_REPEAT(c), diff;

	for (; n >= 8; s += 8, n -= 8) {
		diff = word_load(s) ^ pattern;
		if (diff)
			return (void *)(s + (__builtin_ctzll(diff) >> 3));
	}
	for (; n; s++, n--)
		if (*s != (u8)c)
			return (void *)s;
	return NULL;
}

void *memmem(const void *p, size_t n, const void *what, size_t len)
{
	const u8 *s = p;

	if (!len)
		return (void *)s;
	while (n >= len) {
		const u8 *hit = memchr(s, *(const u8 *)what, n - len + 1);
		if (!hit)
			return NULL;
		if (memcmp(hit, what, len) == 0)
			return (void *)hit;
		n -= hit + 1 - s;
		s = hit + 1;
	}
	return NULL;
}
