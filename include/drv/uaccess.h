// include/drv/uaccess.h - memory of the calling program. Code: dev/drv_glue.c.
//
// Any address and length may be given: the checks are made here. May fault pages in and sleep.
#pragma once
#include "drv/types.h"

// Copies n bytes; returns how many at the end were NOT copied (0: all were). Of a partly copied `to` the rest is untouched.
MUST_CHECK size_t drv_copy_from_user(void *to, uptr from, size_t n) CTX_TASK;
MUST_CHECK size_t drv_copy_to_user(uptr to, const void *from BORROWED, size_t n) CTX_TASK;
// Copies a string of at most n bytes with its NUL. Returns its length without NUL; n if no NUL was among the first n
// bytes (then `to` is not terminated); or -EFAULT.
MUST_CHECK ssize_t drv_strncpy_from_user(u8 *to, uptr from, size_t n) CTX_TASK;
// Zeroes n bytes; returns how many were not.
MUST_CHECK size_t drv_clear_user(uptr to, size_t n) CTX_TASK;
