// arch/x86_64/uaccess_asm.h - the routines of uaccess.S. Arguments are checked addresses.
#pragma once
#include "lib/types.h"

ssize_t user_strncpy_asm(char *dst, const char *src, size_t n);
int user_cmpxchg32_asm(u32 *p, u32 expected, u32 new, u32 *old);
int user_cmpxchg64_asm(u64 *p, u64 expected, u64 new, u64 *old);
int user_xchg32_asm(u32 *p, u32 new, u32 *old);
int user_fetch_add32_asm(u32 *p, u32 n, u32 *old);
int kernel_read_asm(void *dst, const void *src, size_t n);
// In KASAN builds the first two are checking functions in kasan.c, on these.
size_t kasan_raw_user_copy(void *dst, const void *src, size_t n);
ssize_t kasan_raw_user_strncpy(char *dst, const char *src, size_t n);
