// port/text.h - x86_64: alternatives. Usage in C and assembly: arch/x86_64/alt.h.
#pragma once

static inline void arch_text_sync(void *p, size_t len)
{
	(void)p;
	(void)len;
}
