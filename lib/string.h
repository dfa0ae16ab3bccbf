// lib/string.h - memory and strings. Code: string.c; the four mem* that matter are the port's assembly.
//
// The macros make the compiler's own knowledge usable in a freestanding build: small constant sizes
// become a few moves. No function here allocates, sleeps or faults by itself; any context.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

// Defined by the port (arch/<isa>/string.S, or portable C); by libc on arch/host.
void *(memcpy)(void *restrict to, const void *restrict from, size_t n);
void *(memmove)(void *to, const void *from, size_t n);
void *(memset)(void *p, int c, size_t n);
int (memcmp)(const void *a, const void *b, size_t n);
#define memcpy(to, from, n) __builtin_memcpy((to), (from), (n))
#define memmove(to, from, n) __builtin_memmove((to), (from), (n))
#define memset(p, c, n) __builtin_memset((p), (c), (n))
#define memcmp(a, b, n) __builtin_memcmp((a), (b), (n))

// Defined in string.c.
size_t (strlen)(const char *s) PURE;
int (strcmp)(const char *a, const char *b) PURE;
int (strncmp)(const char *a, const char *b, size_t n) PURE;
#define strlen(s) __builtin_strlen(s)
#define strcmp(a, b) __builtin_strcmp((a), (b))
#define strncmp(a, b, n) __builtin_strncmp((a), (b), (n))

// Length of s, at most n; reads no byte beyond s[n - 1].
size_t strnlen(const char *s, size_t n) PURE;
int strcasecmp(const char *a, const char *b) PURE;
int strncasecmp(const char *a, const char *b, size_t n) PURE;
// First or last c in s; NULL if none. c may be 0.
char *strchr(const char *s, int c) PURE;
char *strrchr(const char *s, int c) PURE;
// First c in s, or the end of s.
char *strchrnul(const char *s, int c) PURE;
char *strnchr(const char *s, size_t n, int c) PURE;
char *strstr(const char *s, const char *what) PURE;
char *strnstr(const char *s, const char *what, size_t n) PURE;
// Length of the leading part of s made only of (without) bytes of `set`; first byte of s that is in set.
size_t strspn(const char *s, const char *set) PURE;
size_t strcspn(const char *s, const char *set) PURE;
char *strpbrk(const char *s, const char *set) PURE;
// Cuts the next field off *s at a byte of `set`; fields may be empty; NULL when *s is NULL.
char *strsep(char **s, const char *set);
// Skips leading white space; strim() also cuts trailing white space off, in place.
char *skip_spaces(const char *s) PURE;
char *strim(char *s);

// Copies from with its NUL into n bytes, cutting it if it is too long; *to always ends in NUL if n > 0.
// Returns the length copied, or -E2BIG if it was cut (or n is 0).
ssize_t strscpy(char *to, const char *from, size_t n);
// strscpy, and zeroes the rest of to: for structures that go to user space.
ssize_t strscpy_pad(char *to, const char *from, size_t n);
// Appends; as strscpy.
ssize_t strscat(char *to, const char *from, size_t n);

// First c in n bytes; NULL if none.
void *memchr(const void *p, int c, size_t n) PURE;
// First byte that is not c: NULL if all are. Fast, for poison and padding checks.
void *memchr_inv(const void *p, int c, size_t n) PURE;
void *memmem(const void *p, size_t n, const void *what, size_t len) PURE;
// True if all n bytes are zero.
static inline bool mem_is_zero(const void *p, size_t n)
{
	return !memchr_inv(p, 0, n);
}

// Clears secrets; the compiler may not drop it.
static inline void memzero_explicit(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory");
}

static inline bool str_has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

// Classification of ASCII, independent of any locale.
static inline bool isdigit(int c)
{
	return (unsigned int)c - '0' < 10;
}

static inline bool isupper(int c)
{
	return (unsigned int)c - 'A' < 26;
}

static inline bool islower(int c)
{
	return (unsigned int)c - 'a' < 26;
}

static inline bool isalpha(int c)
{
	return ((unsigned int)c | 32) - 'a' < 26;
}

static inline bool isalnum(int c)
{
	return isalpha(c) || isdigit(c);
}

static inline bool isspace(int c)
{
	return c == ' ' || (unsigned int)c - '\t' < 5;
}

static inline bool isprint(int c)
{
	return (unsigned int)c - ' ' < 95;
}

static inline bool iscntrl(int c)
{
	return (unsigned int)c < ' ' || c == 127;
}

static inline bool isxdigit(int c)
{
	return isdigit(c) || ((unsigned int)c | 32) - 'a' < 6;
}

static inline int tolower(int c)
{
	return isupper(c) ? c | 32 : c;
}

static inline int toupper(int c)
{
	return islower(c) ? c & ~32 : c;
}
