// port/uaccess.h - host: user memory is reached by walking the current page tables in software; what is not there faults by a call of
// page_fault(), as an instruction would.
#pragma once
#include "lib/errno.h"
#include "arch/pte.h"

// Bytes not copied. Exactly one of dst and src is a user address.
size_t host_user_copy(void *kernel, u64 user, size_t n, bool to_user);

static inline bool user_range_ok(uptr p, size_t n)
{
	return n <= TASK_SIZE_MAX && p.a <= TASK_SIZE_MAX - n;
}

static inline size_t raw_copy_from_user(void *dst, uptr src, size_t n)
{
	return user_range_ok(src, n) ? host_user_copy(dst, src.a, n, false) : n;
}

static inline size_t raw_copy_to_user(uptr dst, const void *src, size_t n)
{
	return user_range_ok(dst, n) ? host_user_copy((void *)src, dst.a, n, true) : n;
}

#define HOST_USER_ACCESSORS_(bits) \
static inline int get_user_u##bits(u##bits *v, uptr p) \
{ \
	if (!raw_copy_from_user(v, p, sizeof(*v))) \
		return 0; \
	*v = 0; \
	return -EFAULT; \
} \
static inline int put_user_u##bits(u##bits v, uptr p) \
{ \
	return raw_copy_to_user(p, &v, sizeof(v)) ? -EFAULT : 0; \
}
HOST_USER_ACCESSORS_(8)
HOST_USER_ACCESSORS_(16)
HOST_USER_ACCESSORS_(32)
HOST_USER_ACCESSORS_(64)
#undef HOST_USER_ACCESSORS_
