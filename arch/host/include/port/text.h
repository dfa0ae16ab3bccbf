// port/text.h - host: no text is patched.
#pragma once

static inline void arch_text_sync(void *p, size_t len)
{
	(void)p;
	(void)len;
}
