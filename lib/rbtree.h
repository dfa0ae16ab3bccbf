// lib/rbtree.h - intrusive red-black tree with Linux's names. Code: rbtree.c. Tests: rbtree_test.c.
//
// The user walks down from root->rb_node by its own comparison, links the new node with rb_link_node(),
// and rebalances with rb_insert_color(); or uses rb_add() with a less() that the compiler inlines.
// No locking; readers need the owner's lock. An augmented tree keeps in each node a value computed
// from its subtree: RB_DECLARE_CALLBACKS makes the three callbacks from one compute function.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct rb_node {
	unsigned long	rb_parent_color;	// the parent's address | RB_RED or RB_BLACK
	struct rb_node	*rb_right, *rb_left;
} ALIGNED(sizeof(long));

struct rb_root {
	struct rb_node *rb_node;
};

struct rb_root_cached {
	struct rb_root	rb_root;
	struct rb_node	*rb_leftmost;
};

#define RB_RED 0ul
#define RB_BLACK 1ul
#define RB_ROOT ((struct rb_root){ NULL })
#define RB_ROOT_CACHED ((struct rb_root_cached){ { NULL }, NULL })
#define rb_parent(n) ((struct rb_node *)((n)->rb_parent_color & ~3ul))
#define rb_entry(p, type, member) CONTAINER_OF(p, type, member)
#define rb_entry_safe(p, type, member) ({ \
	typeof(p) rbe_p_ = (p); \
	rbe_p_ ? rb_entry(rbe_p_, type, member) : NULL; })
#define RB_EMPTY_ROOT(r) (READ_ONCE((r)->rb_node) == NULL)
// A cleared node is its own parent, which no linked one is.
#define RB_EMPTY_NODE(n) ((n)->rb_parent_color == (unsigned long)(n))
#define RB_CLEAR_NODE(n) ((n)->rb_parent_color = (unsigned long)(n))
#define rb_first_cached(r) ((r)->rb_leftmost)

struct rb_augment_callbacks {
	// Recomputes from n upwards, until `stop` (exclusive) or until nothing changes.
	void (*propagate)(struct rb_node *n, struct rb_node *stop);
	// n takes old's place and subtree: copy the value.
	void (*copy)(struct rb_node *old, struct rb_node *n);
	// n has become the parent of old: n takes old's value, old is recomputed.
	void (*rotate)(struct rb_node *old, struct rb_node *n);
};

// Rebalances after rb_link_node().
void rb_insert_color(struct rb_node *n, struct rb_root *root);
void rb_erase(struct rb_node *n, struct rb_root *root);
// The user has already brought the values of n's ancestors up to date on its way down
// (or calls cb->propagate(n, NULL) before).
void rb_insert_augmented(struct rb_node *n, struct rb_root *root, const struct rb_augment_callbacks *cb);
void rb_erase_augmented(struct rb_node *n, struct rb_root *root, const struct rb_augment_callbacks *cb);

// In order; NULL at the end.
struct rb_node *rb_first(const struct rb_root *root) PURE;
struct rb_node *rb_last(const struct rb_root *root) PURE;
struct rb_node *rb_next(const struct rb_node *n) PURE;
struct rb_node *rb_prev(const struct rb_node *n) PURE;
// Children before their parent: to free a whole tree without rebalancing.
struct rb_node *rb_first_postorder(const struct rb_root *root) PURE;
struct rb_node *rb_next_postorder(const struct rb_node *n) PURE;
// n takes old's place; the order must stay right. The caller handles the augmented value.
void rb_replace_node(struct rb_node *old, struct rb_node *n, struct rb_root *root);

// Puts n under parent, at *link, red and without children.
static ALWAYS_INLINE void rb_link_node(struct rb_node *n, struct rb_node *parent, struct rb_node **link)
{
	n->rb_parent_color = (unsigned long)parent | RB_RED;
	n->rb_left = n->rb_right = NULL;
	WRITE_ONCE(*link, n);
}

static ALWAYS_INLINE void rb_insert_color_cached(struct rb_node *n, struct rb_root_cached *root, bool leftmost)
{
	if (leftmost)
		root->rb_leftmost = n;
	rb_insert_color(n, &root->rb_root);
}

// Returns the new leftmost node if n was it, else NULL.
static ALWAYS_INLINE struct rb_node *rb_erase_cached(struct rb_node *n, struct rb_root_cached *root)
{
	struct rb_node *next = NULL;

	if (root->rb_leftmost == n)
		next = root->rb_leftmost = rb_next(n);
	rb_erase(n, &root->rb_root);
	return next;
}

static ALWAYS_INLINE void rb_replace_node_cached(struct rb_node *old, struct rb_node *n, struct rb_root_cached *root)
{
	if (root->rb_leftmost == old)
		root->rb_leftmost = n;
	rb_replace_node(old, n, &root->rb_root);
}

static ALWAYS_INLINE void rb_insert_augmented_cached(struct rb_node *n, struct rb_root_cached *root, bool leftmost,
						     const struct rb_augment_callbacks *cb)
{
	if (leftmost)
		root->rb_leftmost = n;
	rb_insert_augmented(n, &root->rb_root, cb);
}

static ALWAYS_INLINE struct rb_node *rb_erase_augmented_cached(struct rb_node *n, struct rb_root_cached *root,
							       const struct rb_augment_callbacks *cb)
{
	struct rb_node *next = NULL;

	if (root->rb_leftmost == n)
		next = root->rb_leftmost = rb_next(n);
	rb_erase_augmented(n, &root->rb_root, cb);
	return next;
}

// Inserts by less(), after equal nodes.
static ALWAYS_INLINE void rb_add(struct rb_node *n, struct rb_root *root,
				 bool (*less)(const struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = less(n, parent) ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(n, parent, link);
	rb_insert_color(n, root);
}

// The same. Returns n if it is the new leftmost node, else NULL.
static ALWAYS_INLINE struct rb_node *rb_add_cached(struct rb_node *n, struct rb_root_cached *root,
						   bool (*less)(const struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &root->rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (less(n, parent)) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(n, parent, link);
	rb_insert_color_cached(n, root, leftmost);
	return leftmost ? n : NULL;
}

// rb_add_cached() for an augmented tree: propagates from the new node upwards, then rebalances.
static ALWAYS_INLINE struct rb_node *rb_add_augmented_cached(struct rb_node *n, struct rb_root_cached *root,
							     bool (*less)(const struct rb_node *, const struct rb_node *),
							     const struct rb_augment_callbacks *cb)
{
	struct rb_node **link = &root->rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (less(n, parent)) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(n, parent, link);
	cb->propagate(parent, NULL);
	rb_insert_augmented_cached(n, root, leftmost, cb);
	return leftmost ? n : NULL;
}

// cmp(key, node) < 0, 0, > 0. The node that is equal, or NULL.
static ALWAYS_INLINE struct rb_node *rb_find(const void *key, const struct rb_root *root,
					     int (*cmp)(const void *, const struct rb_node *))
{
	struct rb_node *n = root->rb_node;

	while (n) {
		int c = cmp(key, n);
		if (!c)
			return n;
		n = c < 0 ? n->rb_left : n->rb_right;
	}
	return NULL;
}

// The leftmost node that is equal, or NULL.
static ALWAYS_INLINE struct rb_node *rb_find_first(const void *key, const struct rb_root *root,
						   int (*cmp)(const void *, const struct rb_node *))
{
	struct rb_node *n = root->rb_node, *found = NULL;

	while (n) {
		int c = cmp(key, n);
		if (!c)
			found = n;
		n = c <= 0 ? n->rb_left : n->rb_right;
	}
	return found;
}

// Inserts n, or returns the node that is already there and equal (n is then untouched). NULL if inserted.
static ALWAYS_INLINE struct rb_node *rb_find_add(struct rb_node *n, struct rb_root *root,
						 int (*cmp)(const struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		int c = cmp(n, parent);
		if (!c)
			return parent;
		link = c < 0 ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(n, parent, link);
	rb_insert_color(n, root);
	return NULL;
}

// Safe against freeing e in the body; not against rb_erase() of others.
#define rbtree_postorder_for_each_entry_safe(e, t, root, member) \
	for (e = rb_entry_safe(rb_first_postorder(root), typeof(*e), member); \
	     e && ({ t = rb_entry_safe(rb_next_postorder(&e->member), typeof(*e), member); 1; }); e = t)

// Defines `scope const struct rb_augment_callbacks name` for struct type with its rb_node in `member` and its
// value in `value`. compute(node, exit): recomputes node's value from itself and its children and stores it;
// true if exit is set and the value did not change.
#define RB_DECLARE_CALLBACKS(scope, name, type, member, value, compute) \
static inline void name##_propagate(struct rb_node *n, struct rb_node *stop) \
{ \
	while (n != stop) { \
		type *node = rb_entry(n, type, member); \
		if (compute(node, true)) \
			break; \
		n = rb_parent(&node->member); \
	} \
} \
static inline void name##_copy(struct rb_node *old, struct rb_node *n) \
{ \
	rb_entry(n, type, member)->value = rb_entry(old, type, member)->value; \
} \
static inline void name##_rotate(struct rb_node *old, struct rb_node *n) \
{ \
	rb_entry(n, type, member)->value = rb_entry(old, type, member)->value; \
	(void)compute(rb_entry(old, type, member), false); \
} \
scope const struct rb_augment_callbacks name = { \
	.propagate = name##_propagate, .copy = name##_copy, .rotate = name##_rotate, \
}

// compute() for the usual case: the maximum of own(node) over the subtree, kept in `value`.
#define RB_DECLARE_CALLBACKS_MAX(scope, name, type, member, vtype, value, own) \
static inline bool name##_compute_max(type *node, bool exit) \
{ \
	vtype max = own(node); \
	if (node->member.rb_left) { \
		type *child = rb_entry(node->member.rb_left, type, member); \
		if (child->value > max) \
			max = child->value; \
	} \
	if (node->member.rb_right) { \
		type *child = rb_entry(node->member.rb_right, type, member); \
		if (child->value > max) \
			max = child->value; \
	} \
	if (exit && node->value == max) \
		return true; \
	node->value = max; \
	return false; \
} \
RB_DECLARE_CALLBACKS(scope, name, type, member, value, name##_compute_max)
