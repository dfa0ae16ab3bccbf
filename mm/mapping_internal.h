// mm/mapping_internal.h - what mapping.c, shmem.c, reclaim.c and the counters share.
#pragma once
#include "mm/mapping.h"
#include "mm/memstat.h"

// Puts a new folio into the cache (one more reference); it gets index and mapping. 0, -EEXIST, -ENOMEM.
MUST_CHECK int mapping_insert(struct mapping *m, struct folio *f, u64 index, gfp_t gfp);
// Takes a locked folio out of its mapping; the cache's reference goes.
void mapping_remove(struct mapping *m, struct folio *f);
// The same for reclaim, if the cache and the caller own the only references and it is clean: then both are gone, and the folio is the
// caller's to unlock and folio_free_final(). False: somebody uses it.
MUST_CHECK bool mapping_remove_unused(struct mapping *m, struct folio *f);
// Copies what is cached of the page at pos, at most n bytes. 0: not cached, not up to date, or a fault. Context: task, no locks.
size_t mapping_copy_out(struct mapping *m, loff_t pos, size_t n, struct iov_iter *to);
static inline bool mapping_has(struct mapping *m, u64 index) { return xa_load(&m->pages, index) != NULL; }
