// mm/mapping_internal.h - what mapping.c, shmem.c, reclaim.c and the counters share.
#pragma once
#include "mm/mapping.h"
#include "mm/memstat.h"

// Puts a new folio into the cache (one more reference); it gets index and mapping. 0, -EEXIST, -ENOMEM.
MUST_CHECK int mapping_insert(struct mapping *m, struct folio *f, u64 index, gfp_t gfp);
// Takes a locked folio out of its mapping; the cache's reference goes.
void mapping_remove(struct mapping *m, struct folio *f);
