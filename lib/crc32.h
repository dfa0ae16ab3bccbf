// lib/crc32.h - CRC-32 (Ethernet, gzip, GPT) and CRC-32C (ext4, Btrfs, iSCSI). Code: crc32.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

// Least significant bit first, without the inversions that most formats add before and after:
// gzip's checksum is ~crc32_le(~0, p, n).
u32 crc32_le(u32 crc, const void *p, size_t n) PURE;
u32 crc32c(u32 crc, const void *p, size_t n) PURE;

// The usual checksum of a whole buffer. (Not called crc32: zlib, which gunzip.c includes, has that.)
static inline u32 crc32_ieee(const void *p, size_t n)
{
	return ~crc32_le(~0u, p, n);
}
