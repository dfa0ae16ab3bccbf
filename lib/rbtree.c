// Red-black trees: Cormen, Leiserson, Rivest, Stein, "Introduction to Algorithms", chapter 13, with parent pointers and
// without sentinel. Left and right cases are one function, instantiated by the compiler for each side;
// the same holds for plain and augmented trees.
//
// Invariants: the root is black (or NULL); a red node has no red child; all paths down have as many black nodes.
#include "lib/rbtree.h"

enum rb_side { RB_LEFT, RB_RIGHT };

static ALWAYS_INLINE struct rb_node **rb_child(struct rb_node *n, enum rb_side side)
{
	return side == RB_LEFT ? &n->rb_left : &n->rb_right;
}

static ALWAYS_INLINE bool rb_is_red(const struct rb_node *n)
{
	return n && !(n->rb_parent_color & RB_BLACK);
}

static ALWAYS_INLINE void rb_set_parent(struct rb_node *n, struct rb_node *parent)
{
	n->rb_parent_color = (unsigned long)parent | (n->rb_parent_color & RB_BLACK);
}

// Where the tree pointed to old, it points to n from now on.
static ALWAYS_INLINE void rb_change_child(struct rb_node *old, struct rb_node *n, struct rb_node *parent,
					  struct rb_root *root)
{
	if (!parent)
		WRITE_ONCE(root->rb_node, n);
	else if (parent->rb_left == old)
		WRITE_ONCE(parent->rb_left, n);
	else
		WRITE_ONCE(parent->rb_right, n);
}

// x goes down to `side` and takes `color`; its other child comes up and takes x's colour.
static ALWAYS_INLINE void rb_rotate(struct rb_node *x, enum rb_side side, unsigned long color, struct rb_root *root,
				    const struct rb_augment_callbacks *cb)
{
	struct rb_node *y = *rb_child(x, !side), *inner = *rb_child(y, side), *parent = rb_parent(x);

	*rb_child(x, !side) = inner;
	if (inner)
		rb_set_parent(inner, x);
	*rb_child(y, side) = x;
	y->rb_parent_color = x->rb_parent_color;
	x->rb_parent_color = (unsigned long)y | color;
	rb_change_child(x, y, parent, root);
	if (cb)
		cb->rotate(x, y);
}

// n and its parent are red, parent is grand's child on `side`. Returns the node to go on with, or NULL.
static ALWAYS_INLINE struct rb_node *rb_insert_step(struct rb_node *n, struct rb_node *parent, struct rb_node *grand,
						    enum rb_side side, struct rb_root *root,
						    const struct rb_augment_callbacks *cb)
{
	struct rb_node *uncle = *rb_child(grand, !side);

	if (rb_is_red(uncle)) {
		uncle->rb_parent_color |= RB_BLACK;
		parent->rb_parent_color |= RB_BLACK;
		grand->rb_parent_color &= ~RB_BLACK;
		return grand;
	}
	if (n == *rb_child(parent, !side))
		rb_rotate(parent, side, RB_RED, root, cb);
	rb_rotate(grand, !side, RB_RED, root, cb);
	return NULL;
}

static ALWAYS_INLINE void rb_insert_fix(struct rb_node *n, struct rb_root *root, const struct rb_augment_callbacks *cb)
{
	while (n) {
		struct rb_node *parent = rb_parent(n);
		if (!parent) {
			n->rb_parent_color = RB_BLACK;
			return;
		}
		if (!rb_is_red(parent))
			return;
		struct rb_node *grand = rb_parent(parent);	// exists: the root is black
		if (parent == grand->rb_left)
			n = rb_insert_step(n, parent, grand, RB_LEFT, root, cb);
		else
			n = rb_insert_step(n, parent, grand, RB_RIGHT, root, cb);
	}
}

void rb_insert_color(struct rb_node *n, struct rb_root *root)
{
	rb_insert_fix(n, root, NULL);
}

void rb_insert_augmented(struct rb_node *n, struct rb_root *root, const struct rb_augment_callbacks *cb)
{
	rb_insert_fix(n, root, cb);
}

// Takes n out. Returns the parent below which a black node is missing, with *side, or NULL if all is balanced.
static ALWAYS_INLINE struct rb_node *rb_unlink(struct rb_node *n, struct rb_root *root,
					       const struct rb_augment_callbacks *cb, enum rb_side *side)
{
	struct rb_node *left = n->rb_left, *right = n->rb_right, *parent = rb_parent(n);
	struct rb_node *next, *hole, *child;
	bool black;

	if (!left || !right) {
		child = left ?: right;
		*side = parent && parent->rb_left == n ? RB_LEFT : RB_RIGHT;
		black = n->rb_parent_color & RB_BLACK;
		rb_change_child(n, child, parent, root);
		if (child)
			child->rb_parent_color = n->rb_parent_color;	// it was red, so n was black and it is now
		if (cb)
			cb->propagate(parent, NULL);
		return black && !child ? parent : NULL;
	}
	// The next node in order, which has no left child, takes n's place and colour.
	if (!right->rb_left) {
		next = hole = right;
		child = next->rb_right;
		*side = RB_RIGHT;
		if (cb)
			cb->copy(n, next);
	} else {
		for (next = right->rb_left; next->rb_left; )
			next = next->rb_left;
		hole = rb_parent(next);
		child = next->rb_right;
		*side = RB_LEFT;
		WRITE_ONCE(hole->rb_left, child);
		WRITE_ONCE(next->rb_right, right);
		rb_set_parent(right, next);
		if (cb) {
			cb->copy(n, next);
			cb->propagate(hole, next);
		}
	}
	black = next->rb_parent_color & RB_BLACK;
	WRITE_ONCE(next->rb_left, left);
	rb_set_parent(left, next);
	rb_change_child(n, next, parent, root);
	next->rb_parent_color = n->rb_parent_color;
	if (child)
		child->rb_parent_color = (unsigned long)hole | RB_BLACK;
	if (cb)
		cb->propagate(next, NULL);
	return black && !child ? hole : NULL;
}

// The subtree of parent on `side` lacks a black node. Returns true when all is balanced, false to go on above parent.
static ALWAYS_INLINE bool rb_erase_step(struct rb_node *parent, enum rb_side side, struct rb_root *root,
					const struct rb_augment_callbacks *cb)
{
	struct rb_node *sibling = *rb_child(parent, !side);	// exists: its side has a black node more

	if (rb_is_red(sibling)) {
		rb_rotate(parent, side, RB_RED, root, cb);
		sibling = *rb_child(parent, !side);
	}
	struct rb_node *far = *rb_child(sibling, !side);
	if (!rb_is_red(far)) {
		if (!rb_is_red(*rb_child(sibling, side))) {
			bool done = rb_is_red(parent);
			sibling->rb_parent_color &= ~RB_BLACK;
			parent->rb_parent_color |= RB_BLACK;
			return done;
		}
		far = sibling;
		rb_rotate(sibling, !side, RB_RED, root, cb);
	}
	rb_rotate(parent, side, RB_BLACK, root, cb);
	far->rb_parent_color |= RB_BLACK;
	return true;
}

static ALWAYS_INLINE void rb_erase_fix(struct rb_node *parent, enum rb_side side, struct rb_root *root,
				       const struct rb_augment_callbacks *cb)
{
	while (parent) {
		if (side == RB_LEFT ? rb_erase_step(parent, RB_LEFT, root, cb) : rb_erase_step(parent, RB_RIGHT, root, cb))
			return;
		struct rb_node *n = parent;
		parent = rb_parent(n);
		side = parent && parent->rb_left == n ? RB_LEFT : RB_RIGHT;
	}
}

void rb_erase(struct rb_node *n, struct rb_root *root)
{
	enum rb_side side;
	struct rb_node *parent = rb_unlink(n, root, NULL, &side);

	if (parent)
		rb_erase_fix(parent, side, root, NULL);
}

void rb_erase_augmented(struct rb_node *n, struct rb_root *root, const struct rb_augment_callbacks *cb)
{
	enum rb_side side;
	struct rb_node *parent = rb_unlink(n, root, cb, &side);

	if (parent)
		rb_erase_fix(parent, side, root, cb);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *n = root->rb_node;

	while (n && n->rb_left)
		n = n->rb_left;
	return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *n = root->rb_node;

	while (n && n->rb_right)
		n = n->rb_right;
	return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
	struct rb_node *parent;

	if (RB_EMPTY_NODE(n))
		return NULL;
	if (n->rb_right) {
		for (n = n->rb_right; n->rb_left; )
			n = n->rb_left;
		return (struct rb_node *)n;
	}
	while ((parent = rb_parent(n)) && n == parent->rb_right)
		n = parent;
	return parent;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	struct rb_node *parent;

	if (RB_EMPTY_NODE(n))
		return NULL;
	if (n->rb_left) {
		for (n = n->rb_left; n->rb_right; )
			n = n->rb_right;
		return (struct rb_node *)n;
	}
	while ((parent = rb_parent(n)) && n == parent->rb_left)
		n = parent;
	return parent;
}

static struct rb_node *rb_deepest_left(struct rb_node *n)
{
	for (;;) {
		struct rb_node *child = n->rb_left ?: n->rb_right;
		if (!child)
			return n;
		n = child;
	}
}

struct rb_node *rb_first_postorder(const struct rb_root *root)
{
	return root->rb_node ? rb_deepest_left(root->rb_node) : NULL;
}

struct rb_node *rb_next_postorder(const struct rb_node *n)
{
	struct rb_node *parent = rb_parent(n);

	if (parent && n == parent->rb_left && parent->rb_right)
		return rb_deepest_left(parent->rb_right);
	return parent;
}

void rb_replace_node(struct rb_node *old, struct rb_node *n, struct rb_root *root)
{
	*n = *old;
	if (old->rb_left)
		rb_set_parent(old->rb_left, n);
	if (old->rb_right)
		rb_set_parent(old->rb_right, n);
	rb_change_child(old, n, rb_parent(old), root);
}
