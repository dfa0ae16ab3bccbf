// mm/reclaim.h - getting memory back: shrinkers, then the oldest generation of the page cache. Code: reclaim.c.
#pragma once
#include "mm/mm.h"
#include "mm/page_alloc.h"

// Frees all that shrinkers can: unused names and inodes. Returns objects. Context: task, no file system locks.
u64 shrink_caches_all(void);
// Body of the background thread; boot/start.c makes it once kernel threads work.
NORETURN void kswapd(void *unused);
