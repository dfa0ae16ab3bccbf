// The B+ tree of VMAs. Invariants: all leaves are equally deep; slot i of an inner node has the start of the first and the end of the
// last range below it and the largest gap between two ranges below it; starts of unused slots are U64_MAX (the search relies on it).
#include "mm/vma_tree.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/math.h"
#include "mm/slab.h"

#define FAN 16
#define SPARSE 6		// a node with fewer slots joins a neighbour
#define JOINED_MAX 12		// that has room, also for later insertions

struct vtree_node {
	union {
		struct rcu_head rcu;
		struct vtree_node *next;	// on a list of an edit
	};
	bool leaf;
	u8 n;
	u64 start[FAN];
	u64 end[FAN];
	void *ptr[FAN];
	u64 gap[];		// inner nodes only: FAN
};

static struct kmem_cache *leaf_cache, *inner_cache;

void vma_tree_init(void)
{
	leaf_cache = kmem_cache_create("vtree_leaf", sizeof(struct vtree_node), 64, SLAB_PANIC, NULL);
	inner_cache = kmem_cache_create("vtree_node", sizeof(struct vtree_node) + FAN * sizeof(u64), 64, SLAB_PANIC, NULL);
}

static struct vtree_node *vnode_alloc(bool leaf)
{
	struct vtree_node *v = kmem_cache_alloc(leaf ? leaf_cache : inner_cache, GFP_KERNEL | GFP_UNINIT);
	if (v) {
		v->leaf = leaf;
		v->n = 0;
	}
	return v;
}

static void vnode_free(struct vtree_node *v)
{
	kmem_cache_free(v->leaf ? leaf_cache : inner_cache, v);
}

static inline struct vtree_node *tree_root(const struct vma_tree *t)
{
	return rcu_dereference(t->root);
}

// The last slot with start <= key, or 0.
static ALWAYS_INLINE int vnode_slot(const struct vtree_node *v, u64 key)
{
	int i = READ_ONCE(v->start[8]) <= key ? 8 : 0;
	i += READ_ONCE(v->start[i + 4]) <= key ? 4 : 0;
	i += READ_ONCE(v->start[i + 2]) <= key ? 2 : 0;
	i += READ_ONCE(v->start[i + 1]) <= key ? 1 : 0;
	return i;
}

void *vma_tree_find(const struct vma_tree *t, u64 addr)
{
	const struct vtree_node *v = tree_root(t);
	if (unlikely(!v))
		return NULL;
	int i = vnode_slot(v, addr);
	while (!v->leaf) {
		v = v->ptr[i];
		i = vnode_slot(v, addr);
	}
	return addr >= READ_ONCE(v->start[i]) && addr < READ_ONCE(v->end[i]) ? v->ptr[i] : NULL;
}

static const struct vtree_node *leftmost(const struct vtree_node *v)
{
	while (!v->leaf)
		v = v->ptr[0];
	return v;
}

void *vma_tree_find_after(const struct vma_tree *t, u64 addr)
{
	const struct vtree_node *v = tree_root(t), *right = NULL;
	if (unlikely(!v))
		return NULL;
	int i;
	for (;;) {
		i = vnode_slot(v, addr);
		if (v->leaf)
			break;
		if (i + 1 < v->n)
			right = v->ptr[i + 1];
		v = v->ptr[i];
	}
	if (READ_ONCE(v->end[i]) > addr)
		return v->ptr[i];
	if (i + 1 < v->n)
		return v->ptr[i + 1];
	return right ? leftmost(right)->ptr[0] : NULL;
}

void *vma_tree_find_before(const struct vma_tree *t, u64 addr)
{
	const struct vtree_node *v = tree_root(t);
	if (!v || addr == 0)
		return NULL;
	int i = vnode_slot(v, addr - 1);
	while (!v->leaf) {
		v = v->ptr[i];
		i = vnode_slot(v, addr - 1);
	}
	return READ_ONCE(v->start[i]) < addr ? v->ptr[i] : NULL;
}

// Largest gap between ranges below v.
static u64 vnode_gap(const struct vtree_node *v)
{
	u64 max = v->leaf ? 0 : v->gap[0];
	for (int i = 1; i < v->n; i++) {
		u64 g = v->start[i] - v->end[i - 1];
		max = MAX(max, g);
		if (!v->leaf)
			max = MAX(max, v->gap[i]);
	}
	return max;
}

// ---- edits ----

// Slots go to k new nodes of nearly equal size.
struct emit {
	struct vtree_node *out[3];
	int k, cur, room;	// room: slots that out[cur] still takes
	int size, extra;	// slots of each node; the first `extra` nodes take one more
};

static int emit_begin(struct vtree_edit *e, struct emit *m, bool leaf, int total)
{
	m->k = DIV_ROUND_UP(total, FAN);
	m->cur = 0;
	for (int i = 0; i < m->k; i++) {
		struct vtree_node *v = vnode_alloc(leaf);
		if (!v)
			return -ENOMEM;
		v->next = e->fresh;
		e->fresh = v;
		m->out[i] = v;
	}
	m->size = m->k ? total / m->k : 0;
	m->extra = m->k ? total % m->k : 0;
	m->room = m->size + (m->extra > 0);
	return 0;
}

static ALWAYS_INLINE struct vtree_node *emit_node(struct emit *m)
{
	if (m->room == 0) {
		m->cur++;
		m->room = m->size + (m->cur < m->extra);
	}
	return m->out[m->cur];
}

static void emit_slots(struct emit *m, const struct vtree_node *from, int a, int b)
{
	while (a < b) {
		struct vtree_node *v = emit_node(m);
		int n = MIN(b - a, m->room), at = v->n;
		for (int i = 0; i < n; i++) {
			v->start[at + i] = from->start[a + i];
			v->end[at + i] = from->end[a + i];
			v->ptr[at + i] = from->ptr[a + i];
		}
		if (!v->leaf)
			for (int i = 0; i < n; i++)
				v->gap[at + i] = from->gap[a + i];
		v->n += n;
		m->room -= n;
		a += n;
	}
}

static void emit_item(struct emit *m, const struct vtree_item *it, u64 gap)
{
	struct vtree_node *v = emit_node(m);
	int at = v->n++;
	v->start[at] = it->start;
	v->end[at] = it->end;
	v->ptr[at] = it->ptr;
	if (!v->leaf)
		v->gap[at] = gap;
	m->room--;
}

static void emit_end(struct emit *m)
{
	for (int i = 0; i < m->k; i++)
		for (int j = m->out[i]->n; j < FAN; j++)
			m->out[i]->start[j] = U64_MAX;
}

static void emit_child(struct emit *m, struct vtree_node *c)
{
	emit_item(m, &(struct vtree_item){ c->start[0], c->end[c->n - 1], c }, vnode_gap(c));
}

static void stale_node(struct vtree_edit *e, struct vtree_node *v)
{
	v->next = e->stale;
	e->stale = v;
}

// Depth is bounded by VTREE_MAX_DEPTH: nodes are at least half full when made by a split.
static void stale_subtree(struct vtree_edit *e, struct vtree_node *v)
{
	if (!v->leaf)
		for (int i = 0; i < v->n; i++)
			stale_subtree(e, v->ptr[i]);
	stale_node(e, v);
}

struct vpath {
	struct vtree_node *node[VTREE_MAX_DEPTH];
	int slot[VTREE_MAX_DEPTH];
	int depth;		// number of levels; node[depth - 1] is the leaf
};

static void path_to(struct vpath *p, struct vtree_node *v, u64 key)
{
	p->depth = 0;
	for (;;) {
		int i = vnode_slot(v, key);
		p->node[p->depth] = v;
		p->slot[p->depth++] = i;
		if (v->leaf)
			return;
		v = v->ptr[i];
	}
}

// One level of an edit: slots [a, b) of the nodes from A to B (the same, or B further right) become the `ins` new ones.
struct level {
	struct vtree_node *A, *B, *left, *right;	// left, right: sparse neighbours that join in
	int a, b;
};

// A sparse result joins a neighbour below the same parent; the parent's slot range grows by it.
static void join_neighbour(struct vtree_edit *e, struct level *l, int total, const struct vtree_node *PA, const struct vtree_node *PB, int *ca, int *cb)
{
	l->left = l->right = NULL;
	if (total == 0 || total >= SPARSE)
		return;
	if (*ca > 0) {
		struct vtree_node *s = PA->ptr[*ca - 1];
		if (s->n + total <= JOINED_MAX) {
			l->left = s;
			--*ca;
			return;
		}
	}
	if (*cb + 1 < PB->n) {
		struct vtree_node *s = PB->ptr[*cb + 1];
		if (s->n + total <= JOINED_MAX) {
			l->right = s;
			++*cb;
		}
	}
}

static int level_total(const struct level *l, int ins)
{
	return l->a + ins + (l->B->n - l->b) + (l->left ? l->left->n : 0) + (l->right ? l->right->n : 0);
}

static void level_prefix(struct emit *m, const struct level *l)
{
	if (l->left)
		emit_slots(m, l->left, 0, l->left->n);
	emit_slots(m, l->A, 0, l->a);
}

static void level_suffix(struct vtree_edit *e, struct emit *m, const struct level *l)
{
	emit_slots(m, l->B, l->b, l->B->n);
	if (l->right)
		emit_slots(m, l->right, 0, l->right->n);
	emit_end(m);
	stale_node(e, l->A);
	if (l->B != l->A)
		stale_node(e, l->B);
	if (l->left)
		stale_node(e, l->left);
	if (l->right)
		stale_node(e, l->right);
}

// Subtrees strictly between the two paths vanish whole. ca and cb are the paths' slots here (before any neighbour joined).
static void stale_between(struct vtree_edit *e, struct vtree_node *A, int ca, struct vtree_node *B, int cb)
{
	if (A == B) {
		for (int i = ca + 1; i < cb; i++)
			stale_subtree(e, A->ptr[i]);
		return;
	}
	for (int i = ca + 1; i < A->n; i++)
		stale_subtree(e, A->ptr[i]);
	for (int i = 0; i < cb; i++)
		stale_subtree(e, B->ptr[i]);
}

// The nodes of the topmost level become the root.
static int edit_root(struct vtree_edit *e, const struct emit *top)
{
	struct emit m;
	if (top->k == 0) {
		e->root = NULL;
		return 0;
	}
	if (top->k == 1) {
		struct vtree_node *r = top->out[0];
		while (!r->leaf && r->n == 1) {		// fewer levels: r is new, or its only child's parent would not be
			struct vtree_node *c = r->ptr[0];
			struct vtree_node **p = &e->fresh;
			while (*p && *p != r)
				p = &(*p)->next;
			if (*p) {
				*p = r->next;
				vnode_free(r);
			} else {
				stale_node(e, r);
			}
			r = c;
		}
		e->root = r;
		return 0;
	}
	int err = emit_begin(e, &m, false, top->k);
	if (err)
		return err;
	for (int i = 0; i < top->k; i++)
		emit_child(&m, top->out[i]);
	emit_end(&m);
	e->root = m.out[0];
	return 0;
}

static int edit_empty(struct vtree_edit *e, const struct vtree_item *items, int n)
{
	struct emit m;
	int err = emit_begin(e, &m, true, n);
	if (err)
		return err;
	for (int i = 0; i < n; i++)
		emit_item(&m, &items[i], 0);
	emit_end(&m);
	return edit_root(e, &m);
}

static int edit_build(struct vma_tree *t, struct vtree_edit *e, u64 start, u64 end, const struct vtree_item *items, int n)
{
	struct vtree_node *root = rcu_dereference_protected(t->root);
	if (!root)
		return edit_empty(e, items, n);
	struct vpath pa, pb;
	path_to(&pa, root, start);
	path_to(&pb, root, end - 1);
	int d = pa.depth - 1;
	struct level l = { .A = pa.node[d], .B = pb.node[d] };
	l.a = pa.slot[d] + (l.A->start[pa.slot[d]] <= start && l.A->end[pa.slot[d]] <= start);
	l.b = pb.slot[d] + (l.B->start[pb.slot[d]] < end);

	struct emit kids = { .k = 0 }, m;
	for (;; d--) {
		int ins = kids.k;
		bool leaf = l.A->leaf;
		if (leaf)
			ins = n;
		int ca = d ? pa.slot[d - 1] : 0, cb = d ? pb.slot[d - 1] : 0;
		if (d) {
			stale_between(e, pa.node[d - 1], ca, pb.node[d - 1], cb);
			join_neighbour(e, &l, level_total(&l, ins), pa.node[d - 1], pb.node[d - 1], &ca, &cb);
		}
		int err = emit_begin(e, &m, leaf, level_total(&l, ins));
		if (err)
			return err;
		level_prefix(&m, &l);
		for (int i = 0; i < ins; i++) {
			if (leaf)
				emit_item(&m, &items[i], 0);
			else
				emit_child(&m, kids.out[i]);
		}
		level_suffix(e, &m, &l);
		if (d == 0)
			return edit_root(e, &m);
		kids = m;
		l = (struct level){ .A = pa.node[d - 1], .B = pb.node[d - 1], .a = ca, .b = cb + 1 };
	}
}

int vma_tree_prepare(struct vma_tree *t, struct vtree_edit *e, u64 start, u64 end, const struct vtree_item *items, int n)
{
	DEBUG_ASSERT(start < end && n <= VTREE_MAX_INSERT);
	*e = (struct vtree_edit){ 0 };
	int err = edit_build(t, e, start, end, items, n);
	if (unlikely(err))
		vma_tree_abort(e);
	return err;
}

static void vnode_free_rcu(struct rcu_head *h)
{
	vnode_free(CONTAINER_OF(h, struct vtree_node, rcu));
}

void vma_tree_commit(struct vma_tree *t, struct vtree_edit *e)
{
	rcu_assign_pointer(t->root, e->root);	// pairs with rcu_dereference() in tree_root()
	struct vtree_node *next;
	for (struct vtree_node *v = e->stale; v; v = next) {
		next = v->next;
		call_rcu(&v->rcu, vnode_free_rcu);
	}
}

void vma_tree_abort(struct vtree_edit *e)
{
	struct vtree_node *next;
	for (struct vtree_node *v = e->fresh; v; v = next) {
		next = v->next;
		vnode_free(v);
	}
	*e = (struct vtree_edit){ 0 };
}

void vma_tree_resize(struct vma_tree *t, u64 old_start, u64 new_start, u64 new_end)
{
	struct vpath p;
	path_to(&p, rcu_dereference_protected(t->root), old_start);
	int d = p.depth - 1;
	struct vtree_node *v = p.node[d];
	DEBUG_ASSERT(v->start[p.slot[d]] == old_start);
	WRITE_ONCE(v->start[p.slot[d]], new_start);
	WRITE_ONCE(v->end[p.slot[d]], new_end);
	while (d-- > 0) {
		struct vtree_node *up = p.node[d];
		int i = p.slot[d];
		WRITE_ONCE(up->start[i], v->start[0]);
		WRITE_ONCE(up->end[i], v->end[v->n - 1]);
		up->gap[i] = vnode_gap(v);
		v = up;
	}
}

// ---- bulk ----

static int builder_push(struct vtree_builder *b, int level, const struct vtree_item *item, u64 gap)
{
	if (level == b->depth) {
		ASSERT(level < VTREE_MAX_DEPTH);
		b->level[level] = NULL;
		b->depth++;
	}
	struct vtree_node *v = b->level[level];
	if (v && v->n == FAN) {
		int err = builder_push(b, level + 1, &(struct vtree_item){ v->start[0], v->end[FAN - 1], v }, vnode_gap(v));
		if (err)
			return err;
		v = b->level[level] = NULL;
	}
	if (!v) {
		v = vnode_alloc(level == 0);
		if (!v)
			return -ENOMEM;
		for (int i = 0; i < FAN; i++)
			v->start[i] = U64_MAX;
		b->level[level] = v;
	}
	int at = v->n++;
	v->start[at] = item->start;
	v->end[at] = item->end;
	v->ptr[at] = item->ptr;
	if (level)
		v->gap[at] = gap;
	return 0;
}

int vtree_builder_add(struct vtree_builder *b, const struct vtree_item *item)
{
	return builder_push(b, 0, item, 0);
}

int vtree_builder_finish(struct vtree_builder *b, struct vma_tree *t)
{
	for (int i = 0; i + 1 < b->depth; i++) {
		struct vtree_node *v = b->level[i];
		if (!v)
			continue;
		int err = builder_push(b, i + 1, &(struct vtree_item){ v->start[0], v->end[v->n - 1], v }, vnode_gap(v));
		if (err)
			return err;
		b->level[i] = NULL;
	}
	struct vtree_node *root = b->depth ? b->level[b->depth - 1] : NULL;
	rcu_assign_pointer(t->root, root);	// pairs with rcu_dereference() in tree_root()
	b->depth = 0;
	return 0;
}

static void subtree_free(struct vtree_node *v, bool rcu)
{
	if (!v->leaf)
		for (int i = 0; i < v->n; i++)
			subtree_free(v->ptr[i], rcu);
	if (rcu)
		call_rcu(&v->rcu, vnode_free_rcu);
	else
		vnode_free(v);
}

void vtree_builder_destroy(struct vtree_builder *b)
{
	for (int i = 0; i < b->depth; i++)
		if (b->level[i])
			subtree_free(b->level[i], false);
	b->depth = 0;
}

void vma_tree_destroy(struct vma_tree *t, bool rcu)
{
	struct vtree_node *root = rcu_dereference_protected(t->root);
	rcu_assign_pointer(t->root, (struct vtree_node *)NULL);
	if (root)
		subtree_free(root, rcu);
}

// ---- room ----

// The gap [from, to) below `above` (null: nothing is above): the highest or lowest place in it, or 0.
static u64 gap_fit(const struct vtree_gap *g, u64 from, u64 to, const void *above, bool down)
{
	if (above && g->guard) {
		u64 keep = g->guard(above);
		to = to - from > keep ? to - keep : from;
	}
	from = MAX(from, g->lo);
	to = MIN(to, g->hi);
	if (to < from || to - from < g->len)
		return 0;
	u64 mask = g->align - 1;
	if (down) {
		u64 a = to - g->len;
		a -= (a - g->offset) & mask;
		return a >= from && a + g->len <= to ? a : 0;
	}
	u64 a = from + ((g->offset - from) & mask);
	return a >= from && a + g->len <= to && a + g->len > a ? a : 0;
}

static const void *first_ptr(const struct vtree_node *v, int i)
{
	return v->leaf ? v->ptr[i] : leftmost(v->ptr[i])->ptr[0];
}

static u64 subtree_gap_down(const struct vtree_node *v, const struct vtree_gap *g)
{
	for (int i = v->n - 1; i >= 0; i--) {
		u64 a;
		if (v->end[i] <= g->lo)
			return 0;
		if (!v->leaf && v->gap[i] >= g->len && v->start[i] < g->hi && (a = subtree_gap_down(v->ptr[i], g)))
			return a;
		if (i > 0 && v->start[i] - v->end[i - 1] >= g->len && (a = gap_fit(g, v->end[i - 1], v->start[i], first_ptr(v, i), true)))
			return a;
	}
	return 0;
}

static u64 subtree_gap_up(const struct vtree_node *v, const struct vtree_gap *g)
{
	for (int i = 0; i < v->n; i++) {
		u64 a;
		if (v->start[i] >= g->hi)
			return 0;
		if (!v->leaf && v->gap[i] >= g->len && v->end[i] > g->lo && (a = subtree_gap_up(v->ptr[i], g)))
			return a;
		if (i + 1 < v->n && v->start[i + 1] - v->end[i] >= g->len && (a = gap_fit(g, v->end[i], v->start[i + 1], first_ptr(v, i + 1), false)))
			return a;
	}
	return 0;
}

u64 vma_tree_gap_down(const struct vma_tree *t, const struct vtree_gap *g)
{
	const struct vtree_node *v = tree_root(t);
	u64 a;
	if (!v)
		return gap_fit(g, 0, U64_MAX, NULL, true);
	if ((a = gap_fit(g, v->end[v->n - 1], U64_MAX, NULL, true)) || (a = subtree_gap_down(v, g)))
		return a;
	return gap_fit(g, 0, v->start[0], first_ptr(v, 0), true);
}

u64 vma_tree_gap_up(const struct vma_tree *t, const struct vtree_gap *g)
{
	const struct vtree_node *v = tree_root(t);
	u64 a;
	if (!v)
		return gap_fit(g, 0, U64_MAX, NULL, false);
	if ((a = gap_fit(g, 0, v->start[0], first_ptr(v, 0), false)) || (a = subtree_gap_up(v, g)))
		return a;
	return gap_fit(g, v->end[v->n - 1], U64_MAX, NULL, false);
}

static long subtree_check(const struct vtree_node *v, int depth, int *leaf_depth, u64 *at)
{
	long sum = 0;
	if (v->n == 0 || v->n > FAN)
		return -1;
	for (int i = v->n; i < FAN; i++)
		if (v->start[i] != U64_MAX)
			return -1;
	if (v->leaf) {
		if (*leaf_depth < 0)
			*leaf_depth = depth;
		if (*leaf_depth != depth)
			return -1;
	}
	for (int i = 0; i < v->n; i++) {
		if (v->start[i] >= v->end[i] || v->start[i] < *at)
			return -1;
		if (!v->leaf) {
			const struct vtree_node *c = v->ptr[i];
			long n = subtree_check(c, depth + 1, leaf_depth, at);
			if (n < 0 || v->start[i] != c->start[0] || v->end[i] != c->end[c->n - 1] || v->gap[i] != vnode_gap(c))
				return -1;
			sum += n;
		}
		*at = v->end[i];
	}
	return v->leaf ? v->n : sum;
}

long vma_tree_check(const struct vma_tree *t)
{
	const struct vtree_node *v = tree_root(t);
	int leaf_depth = -1;
	u64 at = 0;
	return v ? subtree_check(v, 0, &leaf_depth, &at) : 0;
}
