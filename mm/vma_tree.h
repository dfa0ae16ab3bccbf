// mm/vma_tree.h - an RCU-safe B+ tree of disjoint ranges [start, end) -> pointer. Code: vma_tree.c. Tests: vma_tree_test.c.
//
// Fan-out 16. Nodes that readers may see are never restructured: an edit builds new nodes along the path (prepare, may fail), then
// publishes the new root (commit, cannot fail) and gives the old nodes to RCU. Only the bounds of one range may be moved in place, by
// single stores. Each slot of an inner node knows the largest gap between ranges below it, so that finding room is O(log n).
// Readers hold rcu_read_lock() or what excludes writers; they may see a range in its state before or after an edit, so a lookup under
// RCU is a hint that is verified on the object itself (mm/vma.c). Writers exclude each other: REQUIRES(the owner's lock).
#pragma once
#include "kern/rcu.h"
#include "lib/types.h"
#include "mm/gfp.h"

struct vtree_node;
struct vma_tree {
	struct vtree_node __rcu *root;
};
struct vtree_item {
	u64 start, end;
	void *ptr;
};
// The range that contains addr, or null.
void *vma_tree_find(const struct vma_tree *t, u64 addr);
// The first range with end > addr; the last one with start < addr. Or null.
void *vma_tree_find_after(const struct vma_tree *t, u64 addr);
void *vma_tree_find_before(const struct vma_tree *t, u64 addr);

// Replaces all ranges that overlap [start, end) by the n <= VTREE_MAX_INSERT items, which lie in order and disjoint from the ones left.
// prepare: 0 or -ENOMEM with nothing changed. Then exactly one of commit and abort; the tree must not change in between.
#define VTREE_MAX_INSERT 4
struct vtree_edit {
	struct vtree_node *root, *fresh, *stale;
};
MUST_CHECK int vma_tree_prepare(struct vma_tree *t, struct vtree_edit *e, u64 start, u64 end, const struct vtree_item *items, int n);
void vma_tree_commit(struct vma_tree *t, struct vtree_edit *e);
void vma_tree_abort(struct vtree_edit *e);
// Moves the bounds of the range that starts at old_start, in place. It may not pass its neighbours. Never fails.
void vma_tree_resize(struct vma_tree *t, u64 old_start, u64 new_start, u64 new_end);

// Builds a tree from ranges given in ascending order (fork). add: 0 or -ENOMEM. finish publishes; destroy frees what was built.
#define VTREE_MAX_DEPTH 16
struct vtree_builder {
	struct vtree_node *level[VTREE_MAX_DEPTH];
	int depth;
};
MUST_CHECK int vtree_builder_add(struct vtree_builder *b, const struct vtree_item *item);
MUST_CHECK int vtree_builder_finish(struct vtree_builder *b, struct vma_tree *t);
void vtree_builder_destroy(struct vtree_builder *b);
// Frees all nodes at once (rcu false: no reader can be left) and empties the tree.
void vma_tree_destroy(struct vma_tree *t, bool rcu);

// The highest (lowest) address a in [lo, hi - len] such that [a, a + len) is free and guard(ptr) bytes are left below the range above it.
// align is a power of two and a % align == offset. guard may be null. 0: none (lo is never 0).
struct vtree_gap {
	u64 lo, hi, len, align, offset;
	u64 (*guard)(const void *ptr);
};
u64 vma_tree_gap_down(const struct vma_tree *t, const struct vtree_gap *g);
u64 vma_tree_gap_up(const struct vma_tree *t, const struct vtree_gap *g);
// Checks all invariants (tests, debug): number of ranges, or -1.
long vma_tree_check(const struct vma_tree *t);
void vma_tree_init(void);	// INIT: caches
