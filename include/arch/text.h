// include/arch/text.h - changing kernel text: alternatives. Code: port/text.h, arch/<isa>/text.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

// Patches all alternatives and static keys of the image to what this CPU has. Context: boot CPU, before others start, interrupts off.
void arch_text_patch(void);
// The same for a module's tables.
void arch_text_patch_range(const void *alts, const void *alts_end);
// Writes len bytes at a text address (through the direct map, which is writable only during start-up; for
// executable-memory blocks through mm/execmem.c's temporary mapping). Context: boot CPU before others start.
void arch_text_write(void *dst, const void *src, size_t len);
// Makes newly written code visible to instruction fetch on all CPUs. Nothing to do on x86_64.
static inline void arch_text_sync(void *p, size_t len);

#include "port/text.h"
