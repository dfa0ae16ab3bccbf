// User memory: strings, duplicated buffers, extensible structs.
#include "mm/uaccess.h"
#include "arch/pte.h"
#include "lib/overflow.h"
#include "lib/string.h"
#include "mm/slab.h"

ssize_t strncpy_from_user(char *dst, uptr src, size_t size)
{
	ssize_t n = user_strncpy(dst, src, size);

	return n >= 0 && (size_t)n == size ? -ENAMETOOLONG : n;
}

size_t strnlen_user(uptr s, size_t max)
{
	ssize_t n = user_strnlen(s, max);

	return n < 0 ? 0 : (size_t)n + 1;
}

int strndup_user(uptr src, size_t max, char **out)
{
	size_t n = strnlen_user(src, max);
	char *s;

	if (!n)
		return -EFAULT;
	if (n > max)
		return -EINVAL;
	s = kalloc(n, GFP_KERNEL | GFP_UNINIT);
	if (!s)
		return -ENOMEM;
	if (copy_in(s, src, n)) {
		kfree(s);
		return -EFAULT;
	}
	s[n - 1] = 0;		// another thread may have changed it meanwhile
	*out = s;
	return 0;
}

int memdup_user(uptr src, size_t n, void **out)
{
	void *p = kvalloc(n, GFP_KERNEL | GFP_UNINIT | GFP_NOWARN);

	if (!p)
		return -ENOMEM;
	if (copy_in(p, src, n)) {
		kvfree(p);
		return -EFAULT;
	}
	*out = p;
	return 0;
}

// Whether n bytes of user memory are zero: 1, 0 or -EFAULT.
static int user_is_zero(uptr p, size_t n)
{
	u8 buf[64];

	while (n) {
		size_t k = MIN(n, sizeof(buf));

		if (copy_in(buf, p, k))
			return -EFAULT;
		if (memchr_inv(buf, 0, k))
			return 0;
		p = uptr_add(p, k);
		n -= k;
	}
	return 1;
}

int copy_struct_in(void *dst, size_t ksize, uptr src, size_t usize)
{
	size_t n = MIN(ksize, usize);

	if (usize < ksize) {
		memset((char *)dst + usize, 0, ksize - usize);
	} else if (usize > ksize) {
		int zero = user_is_zero(uptr_add(src, ksize), usize - ksize);

		if (zero <= 0)
			return zero ? zero : -E2BIG;
	}
	return copy_in(dst, src, n);
}

size_t fault_in_readable(uptr p, size_t n)
{
	u64 end = p.a + n, a = p.a;
	u8 v;

	if (!n)
		return 0;
	if (end < a)
		return n;
	for (;;) {
		if (get_user_u8(&v, UPTR(a)))
			return end - a;
		a = ALIGN_DOWN(a, PAGE_SIZE) + PAGE_SIZE;
		if (a >= end)
			return 0;
	}
}

size_t fault_in_writeable(uptr p, size_t n)
{
	u64 end = p.a + n, a = p.a;
	u32 old;

	if (!n)
		return 0;
	if (end < a)
		return n;
	for (;;) {
		// An atomic "or 0" writes without changing what another thread may be storing.
		if (user_fetch_or32(UPTR(ALIGN_DOWN(a, 4)), 0, &old))
			return end - a;
		a = ALIGN_DOWN(a, PAGE_SIZE) + PAGE_SIZE;
		if (a >= end)
			return 0;
	}
}
