// mm/xarray.h - a sparse array of pointers or small integers indexed by unsigned long: radix tree of 64-slot nodes.
//
// Readers need only RCU; writers hold xa.lock (the _locked forms) or let the plain forms take it. Values (xa_value) have bit 0 set;
// entries of larger order (folios) occupy aligned power-of-two ranges. Three marks per entry, searchable.
#pragma once
#include "kern/rcu.h"
#include "kern/spinlock.h"
#include "mm/gfp.h"

struct xarray {
	struct spinlock lock;		// interrupts off
	void __rcu *head RCU(lock);
};
enum xa_mark { XA_MARK_0, XA_MARK_1, XA_MARK_2 };
#define XA_MARK_DIRTY XA_MARK_0
#define XA_MARK_WRITEBACK XA_MARK_1
#define XA_FREE_MARK XA_MARK_0		// allocating arrays (idr.h)

void xa_init(struct xarray *xa, struct lock_class *cls);
void xa_destroy(struct xarray *xa);	// frees the nodes, not what the entries point to
static inline bool xa_is_value(const void *e) { return (unsigned long)e & 1; }
static inline void *xa_mk_value(unsigned long v) { return (void *)(v << 1 | 1); }
static inline unsigned long xa_to_value(const void *e) { return (unsigned long)e >> 1; }
void *xa_load(struct xarray *xa, unsigned long index);		// under RCU or the lock
// The same, and the slot that holds it: as long as xa_still(slot, entry) in the same RCU section, entry has not left the array.
void *xa_load_slot(struct xarray *xa, unsigned long index, void __rcu ***slot);
static inline bool xa_still(void __rcu **slot, const void *entry) { return rcu_dereference(*slot) == entry; }
// Stores entry (null erases) and gives back the old one in *old (may be null). -ENOMEM: nothing changed. Context of lock and gfp: see .c.
MUST_CHECK int xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp, void **old);
MUST_CHECK int xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);	// -EEXIST when occupied
// -EEXIST when anything but one entry of this order is in the way (also for xa_store(): order 0).
MUST_CHECK int xa_store_order(struct xarray *xa, unsigned long index, int order, void *entry, gfp_t gfp);
void *xa_erase(struct xarray *xa, unsigned long index);
void *xa_erase_locked(struct xarray *xa, unsigned long index) REQUIRES(&xa->lock);	// interrupts off
void *xa_cmpxchg(struct xarray *xa, unsigned long index, void *old, void *entry);	// existing slots only; returns what was there
void xa_set_mark(struct xarray *xa, unsigned long index, enum xa_mark m);
void xa_clear_mark(struct xarray *xa, unsigned long index, enum xa_mark m);
bool xa_get_mark(struct xarray *xa, unsigned long index, enum xa_mark m);
// First entry at *index .. max; updates *index to its first index, or leaves it when that is inside the entry. Null: none.
void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max);
void *xa_find_marked(struct xarray *xa, unsigned long *index, unsigned long max, enum xa_mark m);
// The same behind the entry that covers *index.
void *xa_find_after(struct xarray *xa, unsigned long *index, unsigned long max);
// Up to n entries, each once; *index becomes the place to go on from. 0: none is left.
unsigned int xa_find_batch(struct xarray *xa, unsigned long *index, unsigned long max, void **entries, unsigned int n);
// Lowest free index in min..max gets entry. 0, -ENOMEM, -EBUSY.
MUST_CHECK int xa_alloc(struct xarray *xa, u32 *id, void *entry, u32 min, u32 max, gfp_t gfp);
MUST_CHECK int xa_alloc_cyclic(struct xarray *xa, u32 *id, void *entry, u32 min, u32 max, u32 *next, gfp_t gfp);
#define xa_for_each(xa, index, entry) \
	for (index = 0, entry = xa_find(xa, &index, ~0ul); entry; entry = xa_find_after(xa, &index, ~0ul))
void xarray_init(void);		// INIT: after slab_init()
