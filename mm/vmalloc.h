// mm/vmalloc.h - virtually contiguous kernel memory, guarded stacks, device mappings.
#pragma once
#include "arch/thread.h"
#include "lib/compiler.h"
#include "mm/gfp.h"

MUST_CHECK void *vmalloc(size_t size, gfp_t gfp);	// page-aligned, a guard page follows. Context: task
void vfree(const void *p);				// Context: task or softirq (then deferred)
// A 16 KiB stack between unmapped guard pages; cached per CPU. Returns the lowest address.
MUST_CHECK void *kstack_alloc(void);
void kstack_free(void *stack);
bool kstack_is_guard(u64 addr);				// the fault handler asks: was that a stack overflow?
MUST_CHECK void *ioremap(paddr_t phys, size_t size);	// uncached
void iounmap(void *p);
void vmalloc_init(void);
