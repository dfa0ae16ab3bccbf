// Sparse arrays: a radix tree of 64-slot nodes. See xarray.h.
//
// Invariants: a slot of an interior node holds null, a node (tagged), an entry of larger order that covers the slot's whole range, or a sibling mark
//             (tagged) that points back to the slot where such an entry starts. Readers follow slots under RCU: a node is initialised before it is
//             linked, and freed a grace period after it is unlinked; whoever finds an entry revalidates it (reference and recheck).
//             An entry that leaves the array is overwritten in the slot that held it: while it is in that slot, it is in the array.
// Entries of order n occupy 2^(n mod 6) slots of one node at level n / 6.
#include "mm/xarray.h"
#include "kern/panic.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

#define XA_BITS 6
#define XA_SLOTS (1u << XA_BITS)
#define XA_MASK (XA_SLOTS - 1)
#define XA_MARKS 3
#define XA_MAX_LEVELS 11

struct xa_node {
	u8 shift;			// of the index bits that select a slot here
	u8 offset;			// in the parent
	u8 count;			// slots that are not null
	struct xa_node *parent;
	struct xarray *xa;
	u64 marks[XA_MARKS];
	void __rcu *slot[XA_SLOTS];
	struct rcu_head rcu;
};

static struct kmem_cache *xa_node_cache;

// Tags in the low bits: 00 pointer, x1 value, 10 internal: node or sibling.
static inline bool is_node(const void *e) { return ((unsigned long)e & 3) == 2 && (unsigned long)e > 4096; }
static inline struct xa_node *to_node(const void *e) { return (struct xa_node *)((unsigned long)e - 2); }
static inline void *mk_node(struct xa_node *n) { return (void *)((unsigned long)n + 2); }
static inline bool is_sibling(const void *e) { return ((unsigned long)e & 3) == 2 && (unsigned long)e < XA_SLOTS * 4; }
static inline void *mk_sibling(unsigned int slot) { return (void *)((unsigned long)slot * 4 + 2); }
static inline unsigned int sibling_slot(const void *e) { return (unsigned long)e / 4; }

static inline unsigned int slot_of(const struct xa_node *n, unsigned long index)
{
	return (index >> n->shift) & XA_MASK;
}

// Whether index lies within what a tree with this head can hold.
static inline bool head_covers(const void *head, unsigned long index)
{
	const struct xa_node *n;

	if (!is_node(head))
		return index == 0;
	n = to_node(head);
	return n->shift + XA_BITS >= 64 || index >> (n->shift + XA_BITS) == 0;
}

INIT void xarray_init(void)
{
	xa_node_cache = kmem_cache_create("xa_node", sizeof(struct xa_node), 0, SLAB_PANIC | SLAB_RECLAIMABLE, NULL);
}

void xa_init(struct xarray *xa, struct lock_class *cls)
{
	*xa = (struct xarray){ .lock = SPINLOCK_INIT(cls) };
}

// --- reading ---

// The entry at index and the node and slot that hold it (node null: the head). Under RCU or the lock.
static void *descend(struct xarray *xa, unsigned long index, struct xa_node **node, unsigned int *slot)
{
	void *e = rcu_dereference(xa->head);

	*node = NULL;
	*slot = 0;
	if (!head_covers(e, index))
		return NULL;
	while (is_node(e)) {
		struct xa_node *n = to_node(e);
		unsigned int s = slot_of(n, index);

		e = rcu_dereference(n->slot[s]);
		if (is_sibling(e)) {
			s = sibling_slot(e);
			e = rcu_dereference(n->slot[s]);
		}
		*node = n;
		*slot = s;
	}
	return e;
}

void *xa_load_slot(struct xarray *xa, unsigned long index, void __rcu ***slot)
{
	void *e = rcu_dereference(xa->head);
	struct xa_node *n = NULL;

	*slot = &xa->head;
	if (unlikely(!head_covers(e, index)))
		return NULL;
	while (is_node(e)) {
		n = to_node(e);
		*slot = &n->slot[slot_of(n, index)];
		e = rcu_dereference(**slot);
	}
	if (unlikely(is_sibling(e))) {	// the entry it belongs to starts in the same node
		*slot = &n->slot[sibling_slot(e)];
		e = rcu_dereference(**slot);
	}
	return e;
}

void *xa_load(struct xarray *xa, unsigned long index)
{
	void __rcu **slot;
	void *e;

	rcu_read_lock();
	e = xa_load_slot(xa, index, &slot);
	rcu_read_unlock();
	return e;
}

// The last index of the entry that covers index: slot s of n, with its siblings.
static unsigned long last_index(const struct xa_node *n, unsigned int s, unsigned long index)
{
	unsigned int end = s + 1;

	while (end < XA_SLOTS && rcu_dereference(n->slot[end]) == mk_sibling(s))
		end++;
	return ((((index >> n->shift & ~(unsigned long)XA_MASK) | (end - 1)) + 1) << n->shift) - 1;
}

// First entry at or after *index, at most max, that carries the mark (mark < 0: any). Sets *index to where it starts, or to the index asked for inside it.
static void *find_from(struct xarray *xa, unsigned long *index, unsigned long max, int mark)
{
	unsigned long i = *index;
	void *e;

restart:
	if (i > max)
		return NULL;
	e = rcu_dereference(xa->head);
	if (!head_covers(e, i))
		return NULL;
	if (!is_node(e)) {
		if (!e || mark >= 0)	// marks of a lone head entry are not kept: see store_locked()
			return NULL;
		*index = 0;
		return e;
	}
	while (is_node(e)) {
		struct xa_node *n = to_node(e);
		unsigned int s = slot_of(n, i);
		unsigned int start = s;

		for (;; s++) {
			if (s == XA_SLOTS) {	// up and to the right
				unsigned long span = n->shift + XA_BITS >= 64 ? 0 : 1ul << (n->shift + XA_BITS);

				i = (i | (span - 1)) + 1;
				if (i == 0 || span == 0)
					return NULL;
				goto restart;
			}
			e = rcu_dereference(n->slot[s]);
			if (is_sibling(e)) {
				if (s != start)
					continue;
				s = sibling_slot(e);
				e = rcu_dereference(n->slot[s]);
				if (e && (mark < 0 || (n->marks[mark] >> s & 1))) {
					*index = i > max ? max : i;
					return is_node(e) ? NULL : e;
				}
				s = start;
				continue;
			}
			if (e && (mark < 0 || (READ_ONCE(n->marks[mark]) >> s & 1)))
				break;
		}
		if (s != start)
			i = ((i >> n->shift & ~(unsigned long)XA_MASK) | s) << n->shift;
		if (i > max)
			return NULL;
	}
	*index = i;
	return e;
}

void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max)
{
	void *e;

	rcu_read_lock();
	e = find_from(xa, index, max, -1);
	rcu_read_unlock();
	return e;
}

void *xa_find_marked(struct xarray *xa, unsigned long *index, unsigned long max, enum xa_mark m)
{
	void *e;

	rcu_read_lock();
	e = find_from(xa, index, max, m);
	rcu_read_unlock();
	return e;
}

// Moves *index behind the entry there; false at the end of all indices. Under RCU.
static bool step_over(struct xarray *xa, unsigned long *index)
{
	struct xa_node *n;
	unsigned int slot;

	if (descend(xa, *index, &n, &slot) && n)
		*index = last_index(n, slot, *index);
	return ++*index != 0;
}

void *xa_find_after(struct xarray *xa, unsigned long *index, unsigned long max)
{
	unsigned long i = *index;
	void *e = NULL;

	rcu_read_lock();
	if (step_over(xa, &i))
		e = find_from(xa, &i, max, -1);
	rcu_read_unlock();
	if (e)
		*index = i;
	return e;
}

unsigned int xa_find_batch(struct xarray *xa, unsigned long *index, unsigned long max, void **entries, unsigned int n)
{
	unsigned int got = 0;

	rcu_read_lock();
	while (got < n) {
		void *e = find_from(xa, index, max, -1);

		if (!e)
			break;
		entries[got++] = e;
		if (!step_over(xa, index))
			break;
	}
	rcu_read_unlock();
	return got;
}

bool xa_get_mark(struct xarray *xa, unsigned long index, enum xa_mark m)
{
	struct xa_node *n;
	unsigned int slot;
	bool on;

	rcu_read_lock();
	on = descend(xa, index, &n, &slot) && n && (READ_ONCE(n->marks[m]) >> slot & 1);
	rcu_read_unlock();
	return on;
}

// --- writing: xa->lock held ---

static void node_free_rcu(struct rcu_head *head)
{
	kmem_cache_free(xa_node_cache, CONTAINER_OF(head, struct xa_node, rcu));
}

static void mark_up(struct xa_node *n, unsigned int slot, int m)
{
	while (n && !(n->marks[m] >> slot & 1)) {
		WRITE_ONCE(n->marks[m], n->marks[m] | 1ull << slot);
		slot = n->offset;
		n = n->parent;
	}
}

static void unmark_up(struct xa_node *n, unsigned int slot, int m)
{
	while (n && (n->marks[m] >> slot & 1)) {
		WRITE_ONCE(n->marks[m], n->marks[m] & ~(1ull << slot));
		if (n->marks[m])
			return;
		slot = n->offset;
		n = n->parent;
	}
}

// Removes nodes that became empty, and levels at the top that hold only slot 0.
static void prune(struct xarray *xa, struct xa_node *n) REQUIRES(&xa->lock)
{
	while (n && n->count == 0) {
		struct xa_node *parent = n->parent;

		if (parent) {
			rcu_assign_pointer(parent->slot[n->offset], NULL);
			parent->count--;
		} else {
			rcu_assign_pointer(xa->head, NULL);
		}
		call_rcu(&n->rcu, node_free_rcu);
		n = parent;
	}
}

// Nodes that a store may need are allocated before the lock is taken.
struct xa_prealloc {
	struct xa_node *node[XA_MAX_LEVELS + 1];
	unsigned int n;
};

static struct xa_node *take_node(struct xarray *xa, struct xa_prealloc *p, u8 shift)
{
	struct xa_node *n = p->n ? p->node[--p->n] : kmem_cache_alloc(xa_node_cache, GFP_NOWAIT);

	if (n) {
		n->shift = shift;
		n->xa = xa;
	}
	return n;
}

// Makes the tree tall enough for index. 0 or -ENOMEM.
static int grow(struct xarray *xa, unsigned long index, u8 min_shift, struct xa_prealloc *p) REQUIRES(&xa->lock)
{
	void *head = rcu_dereference_protected(xa->head);

	while (!head || !is_node(head) || !head_covers(head, index) || to_node(head)->shift < min_shift) {
		// An empty tree gets one node of the right height, not a chain of them with an empty one at its end.
		u8 top = index ? (63 - __builtin_clzl(index)) / XA_BITS * XA_BITS : 0;
		u8 shift = is_node(head) ? to_node(head)->shift + XA_BITS : MAX(top, min_shift);
		struct xa_node *n = take_node(xa, p, shift);

		if (!n)
			return -ENOMEM;
		if (head) {
			RCU_INIT_POINTER(n->slot[0], head);
			n->count = 1;
			if (is_node(head)) {
				struct xa_node *child = to_node(head);

				for (int m = 0; m < XA_MARKS; m++)
					n->marks[m] = child->marks[m] ? 1 : 0;
				child->offset = 0;
				child->parent = n;
			}
		}
		head = mk_node(n);
		rcu_assign_pointer(xa->head, head);
	}
	return 0;
}

// The node whose slots are 2^shift wide, on the path to index; made as needed. *out null with 0: an entry of larger order is in the way.
static int node_at(struct xarray *xa, unsigned long index, u8 shift, struct xa_prealloc *p, struct xa_node **out) REQUIRES(&xa->lock)
{
	struct xa_node *n;
	int err = grow(xa, index, shift, p);

	if (err)
		return err;
	n = to_node(rcu_dereference_protected(xa->head));
	while (n->shift > shift) {
		unsigned int s = slot_of(n, index);
		void *e = rcu_dereference_protected(n->slot[s]);
		struct xa_node *child;

		if (e && !is_node(e)) {
			*out = NULL;
			return 0;
		}
		if (!e) {
			child = take_node(xa, p, n->shift - XA_BITS);
			if (!child) {
				prune(xa, n);
				return -ENOMEM;
			}
			child->parent = n;
			child->offset = s;
			rcu_assign_pointer(n->slot[s], mk_node(child));
			n->count++;
		} else {
			child = to_node(e);
		}
		n = child;
	}
	*out = n;
	return 0;
}

// Whether slots [s, s + width) hold nothing, or one entry of exactly that width.
static bool fits(const struct xa_node *n, unsigned int s, unsigned int width)
{
	void *first = rcu_dereference_protected(n->slot[s]);

	if (is_node(first) || is_sibling(first))
		return false;		// smaller entries are inside, or it lies inside a larger one
	for (unsigned int i = 1; i < width; i++)
		if (rcu_dereference_protected(n->slot[s + i]) != (first ? mk_sibling(s) : NULL))
			return false;
	return !first || s + width == XA_SLOTS || rcu_dereference_protected(n->slot[s + width]) != mk_sibling(s);
}

// Puts entry into 2^order slots' worth of index space, replacing what is exactly there. Marks of the place are cleared.
// -EEXIST when entries of other sizes are in the way.
static int store_locked(struct xarray *xa, unsigned long index, int order, void *entry, struct xa_prealloc *p, void **old) REQUIRES(&xa->lock)
{
	u8 shift = order / XA_BITS * XA_BITS;
	unsigned int width = 1u << (order % XA_BITS), s;
	struct xa_node *n;
	int err = node_at(xa, index, shift, p, &n);

	if (err)
		return err;
	if (!n)
		return -EEXIST;
	s = slot_of(n, index) & ~(width - 1);
	if (!fits(n, s, width)) {
		prune(xa, n);
		return -EEXIST;
	}
	for (unsigned int i = 0; i < width; i++) {
		void *e = rcu_dereference_protected(n->slot[s + i]);

		if (i == 0 && old)
			*old = e;
		for (int m = 0; m < XA_MARKS; m++)
			unmark_up(n, s + i, m);
		n->count += (entry != NULL) - (e != NULL);
		rcu_assign_pointer(n->slot[s + i], i == 0 || !entry ? entry : mk_sibling(s));
	}
	if (!entry)
		prune(xa, n);
	return 0;
}

// Levels that a store at index can need beyond what is there. Without the lock: only an estimate, take_node() copes.
static int preallocate(struct xarray *xa, unsigned long index, gfp_t gfp, struct xa_prealloc *p)
{
	struct xa_node *n;
	unsigned int slot, want;

	p->n = 0;
	rcu_read_lock();
	descend(xa, index, &n, &slot);
	want = n && n->shift == 0 ? 0 : DIV_ROUND_UP(64 - (index ? __builtin_clzl(index) : 63), XA_BITS) + 1;
	rcu_read_unlock();
	if (!(gfp & GFP_RECLAIM_DIRECT))
		return 0;
	while (p->n < want && p->n < XA_MAX_LEVELS) {
		struct xa_node *fresh = kmem_cache_alloc(xa_node_cache, gfp & ~GFP_UNINIT);

		if (!fresh)
			break;			// the store may still do without
		p->node[p->n++] = fresh;
	}
	return 0;
}

static void free_prealloc(struct xa_prealloc *p)
{
	while (p->n)
		kmem_cache_free(xa_node_cache, p->node[--p->n]);
}

static int store(struct xarray *xa, unsigned long index, int order, void *entry, gfp_t gfp, void **old, bool only_empty)
{
	struct xa_prealloc p;
	unsigned long flags;
	void *was = NULL;
	int err = preallocate(xa, index, gfp, &p);

	if (err)
		return err;
	flags = spin_lock_irqsave(&xa->lock);
	if (only_empty) {
		struct xa_node *n;
		unsigned int slot;

		if (descend(xa, index, &n, &slot))
			err = -EEXIST;
	}
	if (!err)
		err = store_locked(xa, index, order, entry, &p, &was);
	spin_unlock_irqrestore(&xa->lock, flags);
	free_prealloc(&p);
	if (!err && old)
		*old = was;
	return err;
}

int xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp, void **old)
{
	if (!entry) {
		void *was = xa_erase(xa, index);

		if (old)
			*old = was;
		return 0;
	}
	return store(xa, index, 0, entry, gfp, old, false);
}

int xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	return store(xa, index, 0, entry, gfp, NULL, true);
}

int xa_store_order(struct xarray *xa, unsigned long index, int order, void *entry, gfp_t gfp)
{
	return store(xa, index & ~((1ul << order) - 1), order, entry, gfp, NULL, false);
}

// Empties the entry (with its siblings) in slot s of n.
static void erase_slot(struct xarray *xa, struct xa_node *n, unsigned int s) REQUIRES(&xa->lock)
{
	unsigned int i = s;

	do {
		for (int m = 0; m < XA_MARKS; m++)
			unmark_up(n, i, m);
		rcu_assign_pointer(n->slot[i], NULL);
		n->count--;
		i++;
	} while (i < XA_SLOTS && is_sibling(rcu_dereference_protected(n->slot[i])) && sibling_slot(rcu_dereference_protected(n->slot[i])) == s);
	prune(xa, n);
}

void *xa_erase_locked(struct xarray *xa, unsigned long index)
{
	struct xa_node *n;
	unsigned int s;
	void *e = descend(xa, index, &n, &s);

	if (e && n)
		erase_slot(xa, n, s);
	return e;
}

void *xa_erase(struct xarray *xa, unsigned long index)
{
	unsigned long flags = spin_lock_irqsave(&xa->lock);
	void *e = xa_erase_locked(xa, index);

	spin_unlock_irqrestore(&xa->lock, flags);
	return e;
}

void *xa_cmpxchg(struct xarray *xa, unsigned long index, void *old, void *entry)
{
	unsigned long flags = spin_lock_irqsave(&xa->lock);
	struct xa_node *n;
	unsigned int s;
	void *e = descend(xa, index, &n, &s);

	if (e == old && e && n) {
		if (entry)
			rcu_assign_pointer(n->slot[s], entry);
		else
			erase_slot(xa, n, s);
	}
	spin_unlock_irqrestore(&xa->lock, flags);
	return e;
}

static void change_mark(struct xarray *xa, unsigned long index, enum xa_mark m, bool on)
{
	unsigned long flags = spin_lock_irqsave(&xa->lock);
	struct xa_node *n;
	unsigned int s;

	if (descend(xa, index, &n, &s) && n) {
		if (on)
			mark_up(n, s, m);
		else
			unmark_up(n, s, m);
	}
	spin_unlock_irqrestore(&xa->lock, flags);
}

void xa_set_mark(struct xarray *xa, unsigned long index, enum xa_mark m)
{
	change_mark(xa, index, m, true);
}

void xa_clear_mark(struct xarray *xa, unsigned long index, enum xa_mark m)
{
	change_mark(xa, index, m, false);
}

// --- identifiers ---

// Lowest index >= from, <= max without an entry, or false. Full subtrees are passed over by their count.
static bool find_free(struct xarray *xa, unsigned long from, unsigned long max, unsigned long *out) REQUIRES(&xa->lock)
{
	for (unsigned long i = from; i <= max;) {
		struct xa_node *n;
		unsigned int s;

		if (!descend(xa, i, &n, &s)) {
			*out = i;
			return true;
		}
		if (!n) {
			i++;
			continue;
		}
		if (n->shift == 0 && n->count == XA_SLOTS)
			i |= XA_MASK;
		else
			i = last_index(n, s, i);
		if (++i == 0)
			break;
	}
	return false;
}

static int alloc_range(struct xarray *xa, u32 *id, void *entry, u32 min, u32 max, u32 from, gfp_t gfp)
{
	struct xa_prealloc p;
	unsigned long flags, index = 0;
	int err = preallocate(xa, from, gfp, &p);

	if (err)
		return err;
	flags = spin_lock_irqsave(&xa->lock);
	if (find_free(xa, from, max, &index) || (from > min && find_free(xa, min, from - 1, &index)))
		err = store_locked(xa, index, 0, entry, &p, NULL);
	else
		err = -EBUSY;
	spin_unlock_irqrestore(&xa->lock, flags);
	free_prealloc(&p);
	if (!err)
		*id = index;
	return err;
}

int xa_alloc(struct xarray *xa, u32 *id, void *entry, u32 min, u32 max, gfp_t gfp)
{
	return alloc_range(xa, id, entry, min, max, min, gfp);
}

int xa_alloc_cyclic(struct xarray *xa, u32 *id, void *entry, u32 min, u32 max, u32 *next, gfp_t gfp)
{
	u32 from = CLAMP(READ_ONCE(*next), min, max);
	int err = alloc_range(xa, id, entry, min, max, from, gfp);

	if (!err)
		WRITE_ONCE(*next, *id == max ? min : *id + 1);
	return err;
}

static void free_tree(struct xa_node *n)
{
	for (unsigned int i = 0; i < XA_SLOTS; i++) {
		void *e = rcu_dereference_protected(n->slot[i]);

		if (is_node(e))
			free_tree(to_node(e));
	}
	call_rcu(&n->rcu, node_free_rcu);
}

void xa_destroy(struct xarray *xa)
{
	unsigned long flags = spin_lock_irqsave(&xa->lock);
	void *head = rcu_dereference_protected(xa->head);

	rcu_assign_pointer(xa->head, NULL);
	spin_unlock_irqrestore(&xa->lock, flags);
	if (is_node(head))
		free_tree(to_node(head));
}
