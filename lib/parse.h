// lib/parse.h - numbers, lists and parameters from text, with Linux's rules and errors. Code: parse.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

// Whole-string integers, as Linux's kstrto*(): an optional '+' ('-' if signed), digits, at most one
// final newline, nothing else. base 0: 0x is 16, a leading 0 is 8, else 10; base 16 takes an optional 0x.
// Returns 0, -EINVAL (not a number) or -ERANGE (does not fit); *out is set only on 0.
MUST_CHECK int kstrtou64(const char *s, unsigned int base, u64 *out);
MUST_CHECK int kstrtos64(const char *s, unsigned int base, s64 *out);
MUST_CHECK int kstrtou32(const char *s, unsigned int base, u32 *out);
MUST_CHECK int kstrtos32(const char *s, unsigned int base, s32 *out);
MUST_CHECK int kstrtou16(const char *s, unsigned int base, u16 *out);
MUST_CHECK int kstrtou8(const char *s, unsigned int base, u8 *out);
// y, t, e, 1, on are true; n, d, f, 0, off are false (first letter, any case). Else -EINVAL.
MUST_CHECK int kstrtobool(const char *s, bool *out);

// The number that s starts with, as above but wrapping and without '+'; *end (may be NULL) is what follows
// it, s itself (after a 0x) if there is no digit.
u64 parse_u64(const char *s, const char **end, unsigned int base);
// A number with an optional suffix K, M, G, T, P or E in either case (powers of 1024).
u64 memparse(const char *s, const char **end);

// A list of bits, "0-3,8,16-31:2/4", "all", N for the last bit; white space between entries. Sets exactly those in map.
// Returns 0, -EINVAL (syntax), -EOVERFLOW (number too large) or -ERANGE (bit >= bits).
MUST_CHECK int bitmap_parselist(const char *s, unsigned long *map, unsigned int bits);
// A mask in hexadecimal, most significant first, in comma-separated groups of up to 32 bits: "ff,00000001".
// Returns 0, -EINVAL or -EOVERFLOW (set bits beyond `bits`).
MUST_CHECK int bitmap_parse_hex(const char *s, unsigned long *map, unsigned int bits);
// Their inverses: write into buf as scnprintf() does, and return the length.
int bitmap_print_list(char *buf, size_t size, const unsigned long *map, unsigned int bits);
int bitmap_print_hex(char *buf, size_t size, const unsigned long *map, unsigned int bits);

// Cuts the next parameter off the command line `args`, in place: *param is its name, *val what follows
// '=', or NULL. Double quotes protect white space and are removed when they enclose the whole parameter
// or the whole value. Returns the rest of the line, leading white space skipped; *args == 0 there is the end.
char *next_arg(char *args, char **param, char **val);
// Compares parameter names: '-' equals '_'.
bool parameq(const char *a, const char *b) PURE;
bool parameqn(const char *a, const char *b, size_t n) PURE;
