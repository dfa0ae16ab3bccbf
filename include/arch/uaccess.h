// include/arch/uaccess.h - copying to and from user memory. Code: port/uaccess.h, arch/<isa>/uaccess.S.
//
// All functions check the range against TASK_SIZE_MAX first; a fault on the way ends the copy (after the page was
// brought in, if that was possible and faults are not disabled). Context: task, may sleep; or anywhere between
// pagefault_disable() and pagefault_enable(), where a page that is not there ends the copy at once.
//
// (mm/uaccess.h has copy_in()/copy_out() and friends, which return -EFAULT; this is what they stand on.)
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct frame;

// TASK_SIZE_MAX: first address that no user mapping reaches. Defined by the port.
// Whether [p, p + n) lies in user space. n == 0 is always fine.
static inline bool user_range_ok(uptr p, size_t n);

// Number of bytes not copied: 0 is success. Bytes at the end of dst that could not be read keep their contents.
MUST_CHECK static inline size_t raw_copy_from_user(void *dst, uptr src, size_t n);
MUST_CHECK static inline size_t raw_copy_to_user(uptr dst, const void *src, size_t n);
// Zeroes user memory; number of bytes not zeroed.
MUST_CHECK size_t user_clear(uptr dst, size_t n);

// One value of 1, 2, 4 or 8 bytes; single access. Return 0 or -EFAULT (*v is then 0).
MUST_CHECK static inline int get_user_u8(u8 *v, uptr p);
MUST_CHECK static inline int get_user_u16(u16 *v, uptr p);
MUST_CHECK static inline int get_user_u32(u32 *v, uptr p);
MUST_CHECK static inline int get_user_u64(u64 *v, uptr p);
MUST_CHECK static inline int put_user_u8(u8 v, uptr p);
MUST_CHECK static inline int put_user_u16(u16 v, uptr p);
MUST_CHECK static inline int put_user_u32(u32 v, uptr p);
MUST_CHECK static inline int put_user_u64(u64 v, uptr p);

// Copies a string with its NUL, at most n bytes. Returns its length without NUL; n if there was no NUL within n
// bytes (all n were copied); or -EFAULT.
MUST_CHECK ssize_t user_strncpy(char *dst, uptr src, size_t n);
// strnlen(3) of a user string: its length, n if there is no NUL within n bytes, or -EFAULT.
MUST_CHECK ssize_t user_strnlen(uptr src, size_t n);

// Atomic operations on a user word (futexes); p is aligned. Return 0 or -EFAULT; *old is what was there.
// cmpxchg stores `new` only if *old == expected.
MUST_CHECK int user_cmpxchg32(uptr p, u32 expected, u32 new, u32 *old);
MUST_CHECK int user_cmpxchg64(uptr p, u64 expected, u64 new, u64 *old);
MUST_CHECK int user_xchg32(uptr p, u32 new, u32 *old);
MUST_CHECK int user_fetch_add32(uptr p, u32 n, u32 *old);
MUST_CHECK int user_fetch_or32(uptr p, u32 n, u32 *old);
MUST_CHECK int user_fetch_andnot32(uptr p, u32 n, u32 *old);
MUST_CHECK int user_fetch_xor32(uptr p, u32 n, u32 *old);

// Reads kernel memory that may not be mapped (debuggers, stack walks). Return 0 or -EFAULT. Context: any, NMI included.
MUST_CHECK int kernel_read_nofault(void *dst, const void *src, size_t n);

// For page-fault code: if the instruction of the kernel-mode frame f may fault, makes the frame continue at its fix-up and returns true.
bool arch_fixup_exception(struct frame *f);

// Makes user faults end copies at once, with no sleep and no lock: pairs nest. Defined over
// cpu_hot in kern/preempt.h: pagefault_disable(), pagefault_enable(), pagefault_disabled().

#include "port/uaccess.h"
