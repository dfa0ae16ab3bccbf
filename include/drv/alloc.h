// include/drv/alloc.h - memory. Code: dev/drv_glue.c.
//
// GFP flags are the kernel's own (mm/gfp.h); dev/drv_glue.c asserts that the values agree. Memory comes zeroed unless
// DRV_GFP_UNINIT is given. Sizes are never 0; align is a power of two. NULL means that there is no memory.
#pragma once
#include "drv/types.h"

#define DRV_GFP_KERNEL		0x1bu
#define DRV_GFP_ATOMIC		0x06u
#define DRV_GFP_NOWAIT		0x42u
#define DRV_GFP_UNINIT		0x20u
#define DRV_GFP_NOWARN		0x40u
#define DRV_GFP_ACCOUNT		0x80u

// Physically contiguous memory. Context: task unless flags are DRV_GFP_ATOMIC or DRV_GFP_NOWAIT.
MUST_CHECK void *drv_kmalloc(size_t size, size_t align, u32 flags) CTX_ANY;
// Makes the allocation p of old bytes (both from drv_kmalloc with the same align) size bytes long; the first min(old,
// size) bytes stay, what is new is zeroed unless DRV_GFP_UNINIT. Returns where it now is, or NULL with p untouched.
MUST_CHECK void *drv_krealloc(void *p OWNED, size_t old, size_t size, size_t align, u32 flags) CTX_ANY;
// Frees what drv_kmalloc or drv_krealloc returned. Context: any but NMI.
void drv_kfree(void *p OWNED) CTX_ANY;

// Virtually contiguous memory, page-aligned. Context: task, may sleep; so does freeing.
MUST_CHECK void *drv_vmalloc(size_t size, size_t align, u32 flags) CTX_TASK;
void drv_vfree(void *p OWNED) CTX_TASK;

// Small sizes as drv_kmalloc(), large ones as drv_vmalloc(); freed by drv_kvfree() only.
MUST_CHECK void *drv_kvmalloc(size_t size, size_t align, u32 flags) CTX_TASK;
void drv_kvfree(void *p OWNED) CTX_TASK;
