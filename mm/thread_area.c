// Memory for the FPU areas of threads: a cache whose object size the port knows at start-up.
#include "arch/thread.h"

#include "mm/slab.h"

static struct kmem_cache *cache;	// SET_ONCE by thread_area_init()

void thread_area_init(size_t size, size_t align)
{
	cache = kmem_cache_create("fpu_state", size, align, SLAB_PANIC, NULL);
}

void *thread_area_alloc(void)
{
	return kmem_cache_alloc(cache, GFP_KERNEL | GFP_UNINIT);
}

void thread_area_free(void *area)
{
	kmem_cache_free(cache, area);
}
