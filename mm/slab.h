// mm/slab.h - kernel objects. Slabs with per-CPU magazines: the fast paths are preemption-safe per-CPU operations without atomics.
//
// Sizes that are powers of two are naturally aligned. kfree() finds the slab by the page descriptor. Debug builds poison, put red
// zones around objects, and list leaks at power-off. Context: as the gfp flags say; kfree: any but NMI.
#pragma once
#include "lib/compiler.h"
#include "lib/overflow.h"
#include "mm/gfp.h"

MUST_CHECK void *kalloc(size_t size, gfp_t gfp) __attribute__((malloc, alloc_size(1)));
MUST_CHECK void *krealloc(void *p, size_t size, gfp_t gfp);
void kfree(const void *p);			// null is fine
size_t ksize(const void *p);			// usable size
// n objects of a size; -ENOMEM (null) on overflow.
MUST_CHECK static inline void *kalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;
	return __builtin_mul_overflow(n, size, &bytes) ? NULL : kalloc(bytes, gfp);
}
// kalloc() for small sizes, vmalloc for large ones (may sleep).
MUST_CHECK void *kvalloc(size_t size, gfp_t gfp);
void kvfree(const void *p);

struct kmem_cache;
#define SLAB_TYPESAFE_BY_RCU 0x1u	// slabs (not objects) are freed after a grace period; objects keep their constructor's state
#define SLAB_ACCOUNT 0x2u
#define SLAB_RECLAIMABLE 0x4u
#define SLAB_HWCACHE_ALIGN 0x8u
#define SLAB_PANIC 0x10u		// for start-up: panics instead of returning null
// ctor: runs once per object when its slab is made (objects then must be freed in constructed state, and allocation does not zero).
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align, u32 flags, void (*ctor)(void *obj));
void kmem_cache_destroy(struct kmem_cache *c);
MUST_CHECK void *kmem_cache_alloc(struct kmem_cache *c, gfp_t gfp);
void kmem_cache_free(struct kmem_cache *c, void *obj);
// Frees obj (of any cache or kalloc) after an RCU grace period is kfree_rcu() in kern/rcu.h.
char *kstrdup(const char *s, gfp_t gfp);
void *kmemdup(const void *p, size_t n, gfp_t gfp);
char *kasprintf(gfp_t gfp, const char *fmt, ...) PRINTF(2, 3);


static inline void kfree_auto(void *pp)	// for AUTO(kfree_auto)
{
	kfree(*(void **)pp);
}
