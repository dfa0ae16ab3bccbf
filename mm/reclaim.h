// mm/reclaim.h - getting memory back: shrinkers, then the oldest generation of the page cache. Code: reclaim.c.
#pragma once
#include "mm/mm.h"
#include "mm/page_alloc.h"

// Body of the background thread; boot/start.c makes it once kernel threads work.
NORETURN void kswapd(void *unused);
