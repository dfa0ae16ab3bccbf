// mm/slab_kasan.h - the allocators' hooks for KASAN; empty without it. Code: slab_kasan.c. For mm/ only.
#pragma once
#include "kern/kasan.h"
#include "lib/types.h"
#include "mm/page_alloc.h"
#include "mm/slab_internal.h"

enum kasan_object_state { KASAN_OBJECT_NEW, KASAN_OBJECT_USED, KASAN_OBJECT_FREE };

struct kasan_stack {
	const void *task;	// for comparing, not for following
	u32 ip[9];		// low halves of return addresses
	u8 n, cpu;
};

// Behind each object, out of bounds for everybody.
struct kasan_track {
	u32 state;		// enum kasan_object_state
	u32 size;		// what was asked for
	u32 epoch;		// 0: allocated before kasan_leak_mark()
	struct kasan_stack alloc, free;
};

#ifdef CONFIG_KASAN
// Reserves room behind `total` bytes of object; returns the new total.
size_t kasan_cache_setup(struct kmem_cache *c, size_t total);
// A new slab's object: forbidden, constructed.
void kasan_slab_object_init(struct kmem_cache *c, void *obj);
void kasan_slab_alloc(struct kmem_cache *c, void *obj, size_t size);
// krealloc() in place.
void kasan_resize(void *p, size_t size);
// Usable bytes: what was asked for.
size_t kasan_slab_size(const struct kmem_cache *c, const void *obj);
// Forbids the object; false, after a report, if it is none that is in use: it must not be freed then.
bool kasan_slab_free(struct kmem_cache *c, void *obj);
// Takes a freed object, and gives older ones to slab_free_now(). False: the object is not for it. Context: interrupts off.
bool kasan_quarantine(struct kmem_cache *c, void *obj);
// Gives all of this CPU's to slab_free_now(). Context: interrupts off.
void kasan_quarantine_flush(void);
// slab.c's: the end of the quarantine. Context: interrupts off.
void slab_free_now(struct kmem_cache *c, void *obj);
// Later allocations are told from earlier ones; prints who made some of the later ones that are in use, of the cache with that name.
void kasan_leak_mark(void);
void kasan_leak_sites(const char *cache);
// slab.c's: calls fn for each slab in use of the cache of that name, its lock held.
void slab_visit(const char *name, void (*fn)(struct kmem_cache *c, struct folio *s, void *arg), void *arg);
// Makes the shadow of a range of vmalloc addresses, all of it forbidden at first. -ENOMEM. Context: task.
MUST_CHECK int kasan_populate_vmalloc(u64 start, u64 size);
#else
static inline size_t kasan_cache_setup(struct kmem_cache *c, size_t total) { return total; }
static inline void kasan_slab_alloc(struct kmem_cache *c, void *obj, size_t size) { }
static inline void kasan_resize(void *p, size_t size) { }
static inline size_t kasan_slab_size(const struct kmem_cache *c, const void *obj) { return c->object_size; }
static inline bool kasan_slab_free(struct kmem_cache *c, void *obj) { return true; }
static inline bool kasan_quarantine(struct kmem_cache *c, void *obj) { return false; }
static inline void kasan_quarantine_flush(void) { }
static inline void kasan_leak_mark(void) { }
static inline void kasan_leak_sites(const char *cache) { }
static inline int kasan_populate_vmalloc(u64 start, u64 size) { return 0; }
#endif

static inline void kasan_alloc_pages(void *p, int order)
{
	kasan_unpoison(p, PAGE_SIZE << order);
}
static inline void kasan_free_pages(void *p, int order)
{
	kasan_poison(p, PAGE_SIZE << order, KASAN_FREE_PAGE);
}
