// mm/slab_internal.h - what slab.c shares with its tests, reclaim and /proc.
#pragma once
#include "kern/fail.h"
#include "kern/smp.h"
#include "kern/spinlock.h"
#include "lib/list.h"
#include "mm/slab.h"

#define MAGAZINE_MAX 32
#define SLAB_KEEP_EMPTY 2
#define NR_SIZE_CLASSES 13
#define CLASS_512 8
#define MAX_SLAB_SIZE 8192
#define SLAB_REDZONE_FREE 0xbb11bb11bb11bb11ull
#define SLAB_REDZONE_USED 0xcc22cc22cc22cc22ull
#define SLAB_POISON 0x6b
// Guard words and poison in debug builds; KASAN sees more and needs none of it.
#if defined(CONFIG_DEBUG) && !defined(CONFIG_KASAN)
#define SLAB_GUARDS 1
#else
#define SLAB_GUARDS 0
#endif
#ifdef CONFIG_KASAN
#define SLAB_LINK_OUTSIDE 1
#else
#define SLAB_LINK_OUTSIDE SLAB_GUARDS
#endif

struct magazine {
	u32 n;
	void *obj[];
};

struct kmem_cache {
	struct magazine __percpu *magazines SET_ONCE;	// contents: interrupts off on their CPU
	u32 object_size SET_ONCE;	// what the user asked for
	u32 stride SET_ONCE;		// distance of objects
	u32 link SET_ONCE;		// offset of the free link
	u32 redzone SET_ONCE;		// offset of guard and last user (debug builds)
	u32 kasan SET_ONCE;		// offset of struct kasan_track (KASAN builds)
	u32 flags SET_ONCE;		// SLAB_*
	u16 capacity SET_ONCE;		// of a magazine
	u16 batch SET_ONCE;		// moved at once
	u16 objects SET_ONCE;		// in a slab
	u8 order SET_ONCE;
	void (*ctor)(void *obj) SET_ONCE;
	const char *name SET_ONCE;
	struct spinlock lock CACHE_ALIGNED;
	struct list_head partial GUARDED_BY(&lock);
	struct list_head full GUARDED_BY(&lock);
	u64 nr_slabs GUARDED_BY(&lock);
	u64 nr_empty GUARDED_BY(&lock);
	struct list_head link_all;	// slab_caches_lock
};

struct slab_info {
	const char *name;
	u64 in_use, objects, slabs;
	u32 size, per_slab, pages_per_slab;
};
// INIT: after page_alloc_init() and percpu_init().
void slab_init(void);
// Frees empty slabs of all caches; returns pages. Context: task, interrupts on.
u64 kmem_cache_shrink_all(void);
void slab_totals(u64 *reclaimable, u64 *unreclaimable);	// pages
u64 slab_in_use(const char *name);			// objects of one cache, or of all (null); for tests
void slab_for_each(void (*fn)(const struct slab_info *info, void *arg), void *arg);
