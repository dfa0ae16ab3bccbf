// lib/types.h - the basic types of the whole tree.
#pragma once
#include <asm/types.h>
#include <linux/posix_types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

typedef __kernel_ssize_t ssize_t;
typedef __kernel_loff_t loff_t;
typedef __kernel_pid_t pid_t;
typedef __kernel_uid32_t uid_t;
typedef __kernel_gid32_t gid_t;
typedef __kernel_clockid_t clockid_t;
typedef unsigned long uintptr_t;
typedef long intptr_t;
typedef u16 umode_t;		// file type and permission bits, as in st_mode
typedef u32 dev_t;		// kernel-internal device number: major << 20 | minor

// A point on, or a span of, a clock in nanoseconds.
typedef s64 ktime_t;

// An address in user space. It can be neither dereferenced nor mixed with a kernel pointer:
// all access goes through include/arch/uaccess.h and mm/uaccess.h.
typedef struct {
	u64 a;
} uptr;

#define UPTR_NULL ((uptr){ 0 })
#define UPTR(x) ((uptr){ (u64)(x) })

static inline uptr uptr_add(uptr p, u64 n)
{
	return (uptr){ p.a + n };
}

static inline bool uptr_is_null(uptr p)
{
	return p.a == 0;
}

// A physical address.
typedef u64 paddr_t;

// User and group ids inside the kernel are never plain integers: a kuid_t is an id of the initial
// user namespace's space, made from what a program says by make_kuid() (task/cred.h).
typedef struct {
	uid_t val;
} kuid_t;

typedef struct {
	gid_t val;
} kgid_t;

#define KUIDT_INIT(v) ((kuid_t){ v })
#define KGIDT_INIT(v) ((kgid_t){ v })

#define U8_MAX ((u8)~0)
#define U16_MAX ((u16)~0)
#define U32_MAX ((u32)~0)
#define U64_MAX ((u64)~0)
#define S32_MAX ((s32)(U32_MAX >> 1))
#define S64_MAX ((s64)(U64_MAX >> 1))
#define S64_MIN (-S64_MAX - 1)
#define LONG_MAX ((long)(~0ul >> 1))
#define INT_MAX S32_MAX
#define INT_MIN (-INT_MAX - 1)
#define SIZE_MAX (~(size_t)0)
#define LLONG_MAX S64_MAX
