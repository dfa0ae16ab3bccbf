// lib/gunzip.h - unpacks gzip data in memory, piece by piece. Code: gunzip.c, over zlib's inflate. Tests: gunzip_test.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

// Memory that one run needs: zlib's state and window, and the piece handed to the sink.
#define GUNZIP_WORK (64 * 1024)

// Takes n bytes of unpacked data, which are valid during the call only. Returns 0 to go on; anything else ends the run.
typedef int (*gunzip_sink_t)(void *arg, const u8 *data, size_t n);

// Unpacks one gzip member from in, at most n bytes, into sink. *used is how much of in belonged to it, whatever is returned.
// work is GUNZIP_WORK bytes, aligned for pointers. Context: any in which sink may run; takes no locks.
// Returns 0, -EINVAL for data that is no gzip, is damaged or cut short, or what sink returned.
MUST_CHECK int gunzip(const u8 *in, size_t n, size_t *used, void *work, gunzip_sink_t sink, void *arg);

// Whether in begins like a gzip member.
static inline bool gunzip_magic(const u8 *in, size_t n)
{
	return n >= 3 && in[0] == 0x1f && in[1] == 0x8b && in[2] == 8;
}
