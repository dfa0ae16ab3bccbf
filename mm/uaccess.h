// mm/uaccess.h - copies between user and kernel memory, on top of arch/uaccess.h. May fault and sleep: no spinlock, RCU or folio lock held.
#pragma once
#include "arch/uaccess.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/types.h"
#include "mm/gfp.h"

// Whole structs. 0 or -EFAULT.
MUST_CHECK static inline int copy_in(void *dst, uptr src, size_t n)
{
	return likely(raw_copy_from_user(dst, src, n) == 0) ? 0 : -EFAULT;
}

MUST_CHECK static inline int copy_out(uptr dst, const void *src, size_t n)
{
	return likely(raw_copy_to_user(dst, src, n) == 0) ? 0 : -EFAULT;
}

// 0 when dst is null.
MUST_CHECK static inline int copy_out_opt(uptr dst, const void *src, size_t n)
{
	return uptr_is_null(dst) ? 0 : copy_out(dst, src, n);
}

// A string of up to size - 1 bytes and its NUL. Length without NUL, -EFAULT, or -ENAMETOOLONG.
MUST_CHECK ssize_t strncpy_from_user(char *dst, uptr src, size_t size);
// Length with NUL, 0 on fault, > max when longer (man 9 strnlen_user).
size_t strnlen_user(uptr s, size_t max);
MUST_CHECK int strndup_user(uptr src, size_t max, char **out);		// -EFAULT, -EINVAL (too long), -ENOMEM
MUST_CHECK int memdup_user(uptr src, size_t n, void **out);
// Extensible structs (clone3, openat2): copies min(ksize, usize), demands that the user's surplus is zero (-E2BIG), zeroes ours.
MUST_CHECK int copy_struct_in(void *dst, size_t ksize, uptr src, size_t usize);
// Touches the pages so that a copy with faults disabled is likely to succeed. Returns bytes NOT made accessible.
size_t fault_in_readable(uptr p, size_t n);
size_t fault_in_writeable(uptr p, size_t n);
