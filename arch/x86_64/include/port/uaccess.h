// port/uaccess.h - x86_64. A faulting instruction is listed in __ex_table with the place to go on.
#pragma once
#include "lib/errno.h"
#include "arch/pte.h"

struct frame;

// Pairs of self-relative offsets: instruction, fix-up.
#define EX_TABLE(from, to) \
	".pushsection __ex_table, \"a\"\n.balign 4\n.long " from " - ., " to " - .\n.popsection\n"

// stac and clac: three-byte no-operations until text.c finds SMAP and patches them.
#define SMAP_SITE_(kind) \
	"661: .byte 0x0f, 0x1f, 0x00\n.pushsection .smap_sites, \"a\"\n.balign 4\n.long 661b - .\n.long " kind "\n.popsection\n"
#define STAC SMAP_SITE_("0xcb")
#define CLAC SMAP_SITE_("0xca")

// What the copy routines in uaccess.S take: addresses already checked. They return the number of bytes left.
size_t user_copy_asm(void *dst, const void *src, size_t n);
size_t user_clear_asm(void *dst, size_t n);

static ALWAYS_INLINE bool user_range_ok(uptr p, size_t n)
{
	return n <= TASK_SIZE_MAX && p.a <= TASK_SIZE_MAX - n;
}

// For at most 8 bytes: what begins in user space ends in it, or in the empty page at its end. (Addresses that are not canonical
// must not get through: QEMU's TCG ignores bits 48-63, and would reach the kernel's half by them.)
static ALWAYS_INLINE bool user_small_ok_(uptr p)
{
	return p.a < TASK_SIZE_MAX;
}

// volatile: without it gcc drops an asm goto whose outputs are unused. gcc before 13.3 may move code between such an output and its
// use; the empty asm stops it (PR 113921).
#define ASM_GOTO_OUT_(...) do { __asm__ volatile goto(__VA_ARGS__); __asm__ volatile(""); } while (0)

#define USER_ACCESSORS_(bits, suf, con) \
static ALWAYS_INLINE int get_user_u##bits(u##bits *v, uptr p) \
{ \
	u##bits t; \
	if (unlikely(!user_small_ok_(p))) \
		goto fault; \
	ASM_GOTO_OUT_(STAC "1: mov" suf " %1, %0\n" CLAC EX_TABLE("1b", "%l[fault_clac]") \
		      : "=" con(t) : "m"(*(const u##bits *)p.a) : : fault_clac); \
	*v = t; \
	return 0; \
fault_clac: \
	__asm__ volatile(CLAC); \
fault: \
	*v = 0; \
	return -EFAULT; \
} \
static ALWAYS_INLINE int put_user_u##bits(u##bits v, uptr p) \
{ \
	if (unlikely(!user_small_ok_(p))) \
		return -EFAULT; \
	__asm__ goto(STAC "1: mov" suf " %0, %1\n" CLAC EX_TABLE("1b", "%l[fault_clac]") \
		     : : con "i"(v), "m"(*(u##bits *)p.a) : "memory" : fault_clac); \
	return 0; \
fault_clac: \
	__asm__ volatile(CLAC); \
	return -EFAULT; \
}
USER_ACCESSORS_(8, "b", "q")
USER_ACCESSORS_(16, "w", "r")
USER_ACCESSORS_(32, "l", "r")
#undef USER_ACCESSORS_

static ALWAYS_INLINE int get_user_u64(u64 *v, uptr p)
{
	u64 t;
	if (unlikely(!user_small_ok_(p)))
		goto fault;
	ASM_GOTO_OUT_(STAC "1: movq %1, %0\n" CLAC EX_TABLE("1b", "%l[fault_clac]")
		      : "=r"(t) : "m"(*(const u64 *)p.a) : : fault_clac);
	*v = t;
	return 0;
fault_clac:
	__asm__ volatile(CLAC);
fault:
	*v = 0;
	return -EFAULT;
}

static ALWAYS_INLINE int put_user_u64(u64 v, uptr p)
{
	if (unlikely(!user_small_ok_(p)))
		return -EFAULT;
	__asm__ goto(STAC "1: movq %0, %1\n" CLAC EX_TABLE("1b", "%l[fault_clac]")
		     : : "er"(v), "m"(*(u64 *)p.a) : "memory" : fault_clac);
	return 0;
fault_clac:
	__asm__ volatile(CLAC);
	return -EFAULT;
}

static ALWAYS_INLINE size_t raw_copy_from_user(void *dst, uptr src, size_t n)
{
	if (__builtin_constant_p(n) && n == 8)
		return get_user_u64(dst, src) ? 8 : 0;
	if (__builtin_constant_p(n) && n == 4)
		return get_user_u32(dst, src) ? 4 : 0;
	if (unlikely(!user_range_ok(src, n)))
		return n;
	return user_copy_asm(dst, (const void *)src.a, n);
}

static ALWAYS_INLINE size_t raw_copy_to_user(uptr dst, const void *src, size_t n)
{
	u64 v = 0;

	if (__builtin_constant_p(n) && (n == 8 || n == 4)) {
		__builtin_memcpy(&v, src, n);
		return (n == 8 ? put_user_u64(v, dst) : put_user_u32((u32)v, dst)) ? n : 0;
	}
	if (unlikely(!user_range_ok(dst, n)))
		return n;
	return user_copy_asm((void *)dst.a, src, n);
}
