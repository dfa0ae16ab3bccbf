// The run-time half of KASAN is the program's AddressSanitizer: mm's marks go to its shadow, it makes the checks and the reports.
#include "kern/kasan.h"
#include "host.h"

#ifdef CONFIG_KASAN
static NO_SANITIZE void fill(s8 *shadow, size_t n, u8 v)
{
	for (volatile s8 *s = shadow; n; n--)
		*s++ = (s8)v;
}

NO_SANITIZE void kasan_poison(const void *p, size_t n, u8 v)
{
	fill(KASAN_SHADOW(p), n / KASAN_GRANULE, v);
}

NO_SANITIZE void kasan_unpoison(const void *p, size_t n)
{
	fill(KASAN_SHADOW(p), n / KASAN_GRANULE, 0);
	if (n % KASAN_GRANULE)
		*KASAN_SHADOW((u64)p + n) = n % KASAN_GRANULE;
}

// mm looks at what it has poisoned itself.
NO_SANITIZE void *kasan_raw_memcpy(void *to, const void *from, size_t n)
{
	const volatile char *f = from;

	for (volatile char *t = to; n; n--)
		*t++ = *f++;
	return to;
}

bool kasan_check_read(const void *p, size_t n)
{
	(void)p;
	(void)n;
	return true;	// nothing here is assembly
}

bool kasan_check_write(const void *p, size_t n)
{
	return kasan_check_read(p, n);
}

void kasan_report_free(const void *p)
{
	kasan_describe((u64)p);
	host_abort("a free of what is no object, or is free already");
}

int kasan_param_fault(char *val)
{
	(void)val;
	return 0;
}

u32 kasan_reports(void)
{
	return 0;
}
#endif
