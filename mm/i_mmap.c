// VMAs of a mapping in an interval tree by page offset: who maps page n? An augmented red-black tree, under mapping.i_mmap_lock.
#include "mm/internal.h"

static inline u64 last_pgoff(const struct vma *v)
{
	return v->pgoff + vma_pages(v) - 1;
}

static inline struct vma *node_vma(struct rb_node *n)
{
	return n ? rb_entry(n, struct vma, i_mmap_node) : NULL;
}

static inline bool i_mmap_compute(struct vma *v, bool exit)
{
	u64 last = last_pgoff(v);
	struct vma *l = node_vma(v->i_mmap_node.rb_left), *r = node_vma(v->i_mmap_node.rb_right);
	if (l)
		last = MAX(last, l->i_mmap_last);
	if (r)
		last = MAX(last, r->i_mmap_last);
	if (exit && v->i_mmap_last == last)
		return true;
	v->i_mmap_last = last;
	return false;
}

RB_DECLARE_CALLBACKS(static, i_mmap_callbacks, struct vma, i_mmap_node, i_mmap_last, i_mmap_compute);

static bool i_mmap_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct vma, i_mmap_node)->pgoff < rb_entry(b, struct vma, i_mmap_node)->pgoff;
}

void vma_link_mapping(struct vma *v)
{
	struct mapping *m = v->mapping;
	if (!m)
		return;
	spin_lock(&m->i_mmap_lock);
	v->i_mmap_last = last_pgoff(v);
	rb_add_augmented_cached(&v->i_mmap_node, &m->i_mmap, i_mmap_less, &i_mmap_callbacks);
	spin_unlock(&m->i_mmap_lock);
}

void vma_unlink_mapping(struct vma *v)
{
	struct mapping *m = v->mapping;
	if (!m || RB_EMPTY_NODE(&v->i_mmap_node))
		return;
	spin_lock(&m->i_mmap_lock);
	rb_erase_augmented_cached(&v->i_mmap_node, &m->i_mmap, &i_mmap_callbacks);
	RB_CLEAR_NODE(&v->i_mmap_node);
	spin_unlock(&m->i_mmap_lock);
}

// The leftmost node below v that overlaps [first, last]. v's subtree reaches to first.
static struct vma *i_mmap_subtree(struct vma *v, u64 first, u64 last)
{
	for (;;) {
		struct vma *l = node_vma(v->i_mmap_node.rb_left);
		if (l && l->i_mmap_last >= first) {
			v = l;
			continue;
		}
		if (v->pgoff > last)
			return NULL;
		if (last_pgoff(v) >= first)
			return v;
		v = node_vma(v->i_mmap_node.rb_right);
		if (!v || v->i_mmap_last < first)
			return NULL;
	}
}

struct vma *i_mmap_first(struct mapping *m, u64 first, u64 last)
{
	struct vma *v = node_vma(m->i_mmap.rb_root.rb_node);
	return v && v->i_mmap_last >= first ? i_mmap_subtree(v, first, last) : NULL;
}

struct vma *i_mmap_next(struct vma *v, u64 first, u64 last)
{
	struct rb_node *n = &v->i_mmap_node;
	for (;;) {
		struct vma *r = node_vma(n->rb_right);
		if (r && r->i_mmap_last >= first)
			return i_mmap_subtree(r, first, last);
		struct rb_node *from;
		do {
			from = n;
			n = rb_parent(n);
			if (!n)
				return NULL;
		} while (n->rb_right == from);
		v = node_vma(n);
		if (v->pgoff > last)
			return NULL;
		if (last_pgoff(v) >= first)
			return v;
	}
}
