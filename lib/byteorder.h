// lib/byteorder.h - fixed byte orders and unaligned access. All ports are little-endian; UAPI types __le16,
// __be32 and so on say what a field holds.
#pragma once
#include <linux/types.h>

#include "lib/compiler.h"
#include "lib/types.h"

BUILD_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ports are little-endian");

#define le16_to_cpu(v) ((__force u16)(__le16)(v))
#define le32_to_cpu(v) ((__force u32)(__le32)(v))
#define le64_to_cpu(v) ((__force u64)(__le64)(v))
#define cpu_to_le16(v) ((__force __le16)(u16)(v))
#define cpu_to_le32(v) ((__force __le32)(u32)(v))
#define cpu_to_le64(v) ((__force __le64)(u64)(v))
#define be16_to_cpu(v) __builtin_bswap16((__force u16)(__be16)(v))
#define be32_to_cpu(v) __builtin_bswap32((__force u32)(__be32)(v))
#define be64_to_cpu(v) ((u64)__builtin_bswap64((__force u64)(__be64)(v)))
#define cpu_to_be16(v) ((__force __be16)__builtin_bswap16(v))
#define cpu_to_be32(v) ((__force __be32)__builtin_bswap32(v))
#define cpu_to_be64(v) ((__force __be64)__builtin_bswap64(v))
#define ntohs(v) be16_to_cpu(v)
#define ntohl(v) be32_to_cpu(v)
#define htons(v) cpu_to_be16(v)
#define htonl(v) cpu_to_be32(v)

#define get_unaligned(p) ({ const struct { typeof(*(p)) v; } PACKED *gu_p_ = (const void *)(p); gu_p_->v; })
#define put_unaligned(n, p) do { struct { typeof(*(p)) v; } PACKED *pu_p_ = (void *)(p); pu_p_->v = (n); } while (0)

static ALWAYS_INLINE u16 get_unaligned_le16(const void *p)
{
	return get_unaligned((const u16 *)p);
}

static ALWAYS_INLINE u32 get_unaligned_le32(const void *p)
{
	return get_unaligned((const u32 *)p);
}

static ALWAYS_INLINE u64 get_unaligned_le64(const void *p)
{
	return get_unaligned((const u64 *)p);
}

static ALWAYS_INLINE u16 get_unaligned_be16(const void *p)
{
	return __builtin_bswap16(get_unaligned_le16(p));
}

static ALWAYS_INLINE u32 get_unaligned_be32(const void *p)
{
	return __builtin_bswap32(get_unaligned_le32(p));
}

static ALWAYS_INLINE u64 get_unaligned_be64(const void *p)
{
	return __builtin_bswap64(get_unaligned_le64(p));
}

static ALWAYS_INLINE void put_unaligned_le16(u16 v, void *p)
{
	put_unaligned(v, (u16 *)p);
}

static ALWAYS_INLINE void put_unaligned_le32(u32 v, void *p)
{
	put_unaligned(v, (u32 *)p);
}

static ALWAYS_INLINE void put_unaligned_le64(u64 v, void *p)
{
	put_unaligned(v, (u64 *)p);
}

static ALWAYS_INLINE void put_unaligned_be16(u16 v, void *p)
{
	put_unaligned_le16(__builtin_bswap16(v), p);
}

static ALWAYS_INLINE void put_unaligned_be32(u32 v, void *p)
{
	put_unaligned_le32(__builtin_bswap32(v), p);
}

static ALWAYS_INLINE void put_unaligned_be64(u64 v, void *p)
{
	put_unaligned_le64(__builtin_bswap64(v), p);
}
