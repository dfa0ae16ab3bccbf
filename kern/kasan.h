// kern/kasan.h - KASAN: finds accesses to memory that is not the accessor's to touch. Code: kasan.c, mm/slab_kasan.c, arch/<isa>/kasan.c.
//
// Each 8 bytes of kernel address space have one shadow byte at (address >> 3) + KASAN_SHADOW_OFFSET: 0, all may be accessed; 1..7, the
// first so many; negative, why none may. The compiler puts a call before each access; it, and the globals' and stacks' red zones,
// are the compiler's part. Without CONFIG_KASAN everything here is empty. docs/debugging.md.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

#ifndef KASAN_SHADOW_OFFSET		// arch/host has the one of the program's sanitizer
#define KASAN_SHADOW_OFFSET 0xdffffc0000000000ul
#endif
#define KASAN_GRANULE 8ul
#define KASAN_SHADOW(p) ((s8 *)(((u64)(p) >> 3) + KASAN_SHADOW_OFFSET))

// Shadow values. Those of stacks are the compiler's.
#define KASAN_FREE_PAGE 0xff
#define KASAN_SLAB_REDZONE 0xfc
#define KASAN_SLAB_FREE 0xfb
#define KASAN_GLOBAL_REDZONE 0xf9
#define KASAN_VMALLOC 0xf8
#define KASAN_STACK_LEFT 0xf1
#define KASAN_STACK_MID 0xf2
#define KASAN_STACK_RIGHT 0xf3
#define KASAN_STACK_PARTIAL 0xf4
#define KASAN_ALLOCA_LEFT 0xca
#define KASAN_ALLOCA_RIGHT 0xcb
#define KASAN_STACK_SCOPE 0xf5

#ifdef CONFIG_KASAN
// Forbids [p, p + n), both multiples of 8, for the reason v. Context: any.
void kasan_poison(const void *p, size_t n, u8 v);
// Allows [p, p + n); p is a multiple of 8. The bytes behind it up to the next multiple become forbidden.
void kasan_unpoison(const void *p, size_t n);
// Reports if any of the n bytes may not be accessed; false then. For what the compiler does not see: assembly.
bool kasan_check_read(const void *p, size_t n);
bool kasan_check_write(const void *p, size_t n);
// The port's assembly, without checks.
void *kasan_raw_memcpy(void *to, const void *from, size_t n);
// A free that is none: an address that is no object, or one that is free already.
void kasan_report_free(const void *p);
// The shadow is there: checks begin, and globals get their red zones. Called once by the port, on the boot CPU.
void kasan_init(void);
// kasan.fault=panic (the default) or report.
int kasan_param_fault(char *val);
// Number of reports so far. For tests: between these two, reports are counted, not printed, and nothing panics; the second returns
// how many there were.
u32 kasan_reports(void);
void kasan_expect(void);
u32 kasan_expected(void);

// Upcalls: defined in mm/slab_kasan.c. Prints what is known of the memory around addr: object, cache, who allocated and freed it.
void kasan_describe(u64 addr);
#else
static inline void kasan_poison(const void *p, size_t n, u8 v) { }
static inline void kasan_unpoison(const void *p, size_t n) { }
static inline bool kasan_check_read(const void *p, size_t n) { return true; }
static inline bool kasan_check_write(const void *p, size_t n) { return true; }
#endif
