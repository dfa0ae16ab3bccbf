// lib/fmt.h - printf-like formatting without floating point, and fast integers for /proc. Code: fmt.c.
//
// Understood: flags "-+ #0", width and precision (numbers or *), hh h l ll z t j, d i u o x X c s p %.
// %p prints the address in hexadecimal, padded to 16 digits; %pS a symbol with its offset.
// There is no %n. A null string prints as "(null)".
#pragma once
#include <stdarg.h>

#include "lib/compiler.h"
#include "lib/types.h"

// Formats into buf, which always ends in NUL if size > 0. Returns the length that the whole text has,
// without NUL, even if it was cut.
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) PRINTF(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) PRINTF(3, 4);
// The same, but returns the length of what is in buf: for appending in a loop.
int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap) PRINTF(3, 0);
int scnprintf(char *buf, size_t size, const char *fmt, ...) PRINTF(3, 4);

// Digits of v at buf without NUL; returns their number. buf needs room for FMT_U64_DEC (20) bytes,
// and 16 for hexadecimal (lower case, no prefix), 21 for signed.
#define FMT_U64_DEC 20
size_t fmt_u64_dec(char *buf, u64 v);
size_t fmt_s64_dec(char *buf, s64 v);
size_t fmt_u64_hex(char *buf, u64 v);
// Exactly `width` hexadecimal digits or more: zero-padded, as the addresses in /proc/PID/maps.
size_t fmt_u64_hex_pad(char *buf, u64 v, unsigned int width);

// What %pS uses: writes the symbol of addr into buf (size > 0, NUL-terminated), returns the length as
// scnprintf(). Set once at start-up by the owner of the symbol table; until then %pS is a number.
extern int (*fmt_symbol)(char *buf, size_t size, const void *addr);
