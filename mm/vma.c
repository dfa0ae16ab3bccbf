// VMAs: pinning against change, and the few ways in which the set of them changes: replace a range, modify flags of a range, resize.
// Each prepares everything that can fail, then changes VMAs and tree at once. docs/mm.md has the argument for the lock-free lookup.
#include "mm/vma.h"
#include "mm/internal.h"
#include "mm/shmem.h"

static struct kmem_cache *vma_cache;

static void vma_ctor(void *p)
{
	struct vma *v = p;
	*v = (struct vma){ 0 };
}

void vma_init(void)
{
	vma_cache = kmem_cache_create("vma", sizeof(struct vma), 64, SLAB_TYPESAFE_BY_RCU | SLAB_PANIC | SLAB_ACCOUNT, vma_ctor);
	vma_tree_init();
}

// lock_count is never reset: a late lookup may still add to it and take that back.
static void vma_reset(struct vma *v, struct mm *mm)
{
	v->flags = 0;
	v->pgoff = 0;
	v->file = NULL;
	v->mapping = NULL;
	v->ops = NULL;
	v->private = NULL;
	RB_CLEAR_NODE(&v->i_mmap_node);
	v->has_anon = false;
	v->anon_off = 0;
	v->moved_link = (struct list_head){ NULL, NULL };
	v->anon_name = NULL;
	WRITE_ONCE(v->lock_seq, mm->seq);		// write-locked until the section ends
	__atomic_store_n(&v->mm, mm, __ATOMIC_RELEASE);	// pairs with vma_try_pin()
}

struct vma *vma_alloc(struct mm *mm)
{
	struct vma *v = kmem_cache_alloc(vma_cache, GFP_KERNEL);
	if (v)
		vma_reset(v, mm);
	return v;
}

struct vma *vma_dup(struct vma *o, struct mm *mm)
{
	struct vma *v = vma_alloc(mm);
	if (!v)
		return NULL;
	if (o->anon_name) {
		v->anon_name = kstrdup(o->anon_name, GFP_KERNEL);
		if (!v->anon_name) {
			WRITE_ONCE(v->mm, NULL);
			kmem_cache_free(vma_cache, v);
			return NULL;
		}
	}
	v->start = o->start;
	v->end = o->end;
	v->flags = o->flags;
	v->prot = o->prot;
	v->pgoff = o->pgoff;
	v->file = o->file;
	v->mapping = o->mapping;
	v->ops = o->ops;
	v->private = o->private;
	v->has_anon = o->has_anon;
	v->anon_off = o->anon_off;
	if (v->file)
		file_get_ref(v->file);
	else if (v->mapping)
		shmem_object_get(v->mapping);
	if (v->mapping && (v->flags & VM_SHARED) && (v->flags & VM_MAYWRITE))
		__atomic_fetch_add(&v->mapping->nr_writable_maps, 1, __ATOMIC_RELAXED);
	return v;
}

void vma_free(struct vma *v)
{
	if (v->ops && v->ops->close)
		v->ops->close(v);
	if (v->moved_link.next) {
		spin_lock(&v->mm->moved_lock);
		list_del(&v->moved_link);
		spin_unlock(&v->mm->moved_lock);
	}
	if (v->mapping && (v->flags & VM_SHARED) && (v->flags & VM_MAYWRITE))
		__atomic_fetch_sub(&v->mapping->nr_writable_maps, 1, __ATOMIC_RELAXED);
	if (v->file)
		file_put_ref(v->file);
	else if (v->mapping)
		shmem_object_put(v->mapping);
	if (v->anon_name)
		kfree(v->anon_name);
	WRITE_ONCE(v->mm, NULL);
	kmem_cache_free(vma_cache, v);
}

void vma_set_flags(struct vma *v, u64 flags)
{
	bool w = flags & VM_WRITE;
	v->flags = flags;
	// Private pages become writable one by one (COW); shared ones that want to hear of the first write too.
	bool now = w && (flags & VM_SHARED) && !(v->ops && v->ops->page_mkwrite);
	v->prot = pgprot_user((flags & VM_READ) || w, now, flags & VM_EXEC);
}

u64 vma_guard(const void *p)
{
	const struct vma *v = p;
	return v->flags & VM_GROWSDOWN ? STACK_GUARD_GAP : 0;
}

// ---- pins ----

void vma_unpin(struct vma *v)
{
	struct mm *mm = v->mm;
	// Release: what the fault did is seen by the writer that finds the count at 0.
	if (unlikely(atomic_sub_return(&v->lock_count, 1) == VMA_WRITER))
		waitq_wake_all(&mm->vma_wait);	// the writer keeps mm; v itself is not touched any more
}

bool vma_try_pin(struct vma *v, struct mm *mm, u64 addr)
{
	if (unlikely(READ_ONCE(v->lock_seq) == __atomic_load_n(&mm->seq, __ATOMIC_ACQUIRE)))
		return false;
	// Full barrier: the count is visible before lock_seq is read again. Pairs with smp_mb() in vma_lock_write().
	int old = atomic_fetch_add(&v->lock_count, 1);
	if (likely(!(old & VMA_WRITER) && __atomic_load_n(&v->mm, __ATOMIC_ACQUIRE) == mm &&
		   READ_ONCE(v->lock_seq) != __atomic_load_n(&mm->seq, __ATOMIC_ACQUIRE) && addr >= READ_ONCE(v->start) && addr < READ_ONCE(v->end)))
		return true;
	// v may belong to another mm by now, whose writer waits for us: wake that one.
	struct mm *owner = READ_ONCE(v->mm);
	if (atomic_sub_return(&v->lock_count, 1) == VMA_WRITER && owner)
		waitq_wake_all(&owner->vma_wait);
	return false;
}

struct vma *vma_pin_lookup(struct mm *mm, u64 addr)
{
	rcu_read_lock();
	struct vma *v = vma_tree_find(&mm->vmas, addr);
	if (v && !vma_try_pin(v, mm, addr))
		v = NULL;
	rcu_read_unlock();
	return v;
}

void vma_lock_write(struct vma *v)
{
	struct mm *mm = v->mm;
	if (v->lock_seq == mm->seq)
		return;
	WRITE_ONCE(v->lock_seq, mm->seq);
	smp_mb();	// pairs with atomic_fetch_add() in vma_try_pin(): either it sees lock_seq, or we see its count
	if (likely(atomic_read(&v->lock_count) == 0))
		return;
	atomic_or(&v->lock_count, VMA_WRITER);
	WAIT_EVENT(&mm->vma_wait, atomic_read_acquire(&v->lock_count) == VMA_WRITER);
	atomic_sub(&v->lock_count, VMA_WRITER);
}

// ---- changes ----

void vm_account(struct mm *mm, u64 flags, s64 pages)
{
	mm->total_vm += pages;
	if (mm->total_vm > mm->hiwater_vm)
		mm->hiwater_vm = mm->total_vm;
	if ((flags & (VM_EXEC | VM_WRITE | VM_STACK)) == VM_EXEC)
		mm->exec_vm += pages;
	else if (flags & (VM_STACK | VM_GROWSDOWN))
		mm->stack_vm += pages;
	else if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		mm->data_vm += pages;
	if (flags & VM_LOCKED)
		mm->locked_vm += pages;
}

bool vma_can_join(const struct vma *v, const struct vma_like *l)
{
	if (v->flags != l->flags || v->file != l->file || v->mapping != l->mapping || v->ops != l->ops || v->private != l->private)
		return false;
	if (v->anon_off != l->anon_off || (v->flags & (VM_SPECIAL_MAP | VM_PFNMAP | VM_IO | VM_DONTEXPAND)) || (v->ops && v->ops->close))
		return false;
	return !v->anon_name && !l->anon_name;
}

static void vma_move_bounds(struct vma *v, u64 start, u64 end)
{
	v->pgoff += (s64)(start - v->start) >> PAGE_SHIFT;
	WRITE_ONCE(v->start, start);
	WRITE_ONCE(v->end, end);
}

void vma_resize(struct mm *mm, struct vma *v, u64 start, u64 end)
{
	vma_lock_write(v);
	vma_unlink_mapping(v);
	u64 old = v->start;
	vma_move_bounds(v, start, end);
	vma_tree_resize(&mm->vmas, old, start, end);
	vma_link_mapping(v);
}

// A large page must not straddle a boundary of VMAs.
static int split_large_at(struct mm *mm, u64 addr)
{
	if (IS_ALIGNED(addr, PMD_SIZE))
		return 0;
	pmd_t *pmd = pmd_lookup(mm, addr);
	if (!pmd || !pmd_leaf(pmd_read(pmd)))
		return 0;
	return pmd_split(mm, pmd, addr);
}

static struct vma *vma_dup_range(struct vma *v, u64 start, u64 end)
{
	struct vma *n = vma_dup(v, v->mm);
	if (n)
		vma_move_bounds(n, start, end);
	return n;
}

// After success: n is a VMA of its own.
static void vma_opened(struct vma *n, struct vma *like)
{
	vma_link_mapping(n);
	if (n->anon_off) {
		spin_lock(&n->mm->moved_lock);
		list_add(&n->moved_link, &n->mm->moved);
		spin_unlock(&n->mm->moved_lock);
	}
	if (like && n->ops && n->ops->open)
		n->ops->open(n);
}

// Undoes vma_dup() of a VMA that nobody saw: its ops never heard of it.
static void vma_dup_undo(struct vma *v)
{
	v->ops = NULL;
	vma_free(v);
}

int vma_split(struct mm *mm, struct vma *v, u64 addr)
{
	struct vtree_edit e;
	vma_lock_write(v);
	int err = split_large_at(mm, addr);
	if (err)
		return err;
	struct vma *n = vma_dup_range(v, addr, v->end);
	if (!n)
		return -ENOMEM;
	struct vtree_item it[2] = { { v->start, addr, v }, vma_item(n) };
	err = vma_tree_prepare(&mm->vmas, &e, v->start, v->end, it, 2);
	if (err) {
		vma_dup_undo(n);
		return err;
	}
	vma_unlink_mapping(v);
	vma_move_bounds(v, v->start, addr);
	vma_tree_commit(&mm->vmas, &e);
	vma_link_mapping(v);
	vma_opened(n, v);
	mm->nr_vmas++;
	return 0;
}

static void account_removed(struct mm *mm, struct vma *v, u64 start, u64 end, u64 *committed)
{
	s64 pages = (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
	vm_account(mm, v->flags, -pages);
	if (v->flags & VM_ACCOUNT)
		*committed += pages;
}

static void unmap_and_free_tables(struct mm *mm, u64 start, u64 end, bool keep_tables)
{
	struct tlb_gather g;
	gather_begin(&g, mm, false);
	zap_range(&(struct zap){ .g = &g }, start, end);
	if (!keep_tables) {
		struct vma *prev = vma_before(mm, start), *next = vma_after(mm, end);
		tables_unlink(&g, start, end, prev ? prev->end : 0, next ? next->start : 0);
	}
	gather_end(&g);
}

// The part of one VMA at its end or beginning goes: nothing to allocate.
static int trim_one(struct mm *mm, struct vma *v, u64 start, u64 end)
{
	u64 committed = 0;
	vma_lock_write(v);
	int err = split_large_at(mm, start) ?: split_large_at(mm, end);
	if (err)
		return err;
	account_removed(mm, v, start, end, &committed);
	if (v->start < start)
		vma_resize(mm, v, v->start, start);
	else
		vma_resize(mm, v, end, v->end);
	unmap_and_free_tables(mm, start, end, false);
	if (committed)
		vm_uncharge(committed);
	return 0;
}

int vma_replace(struct mm *mm, u64 start, u64 end, struct vma *fresh)
{
	struct vma *first = vma_after(mm, start), *last = NULL, *upper = NULL, *gone = NULL;
	struct vtree_item it[3];
	struct vtree_edit e;
	int n = 0, removed = 0;
	u64 committed = 0;

	if (first && first->start >= end)
		first = NULL;
	if (!first && !fresh)
		return 0;
	if (first && !fresh && first->end >= end && (first->start < start) != (first->end > end) && first->start <= start)
		return trim_one(mm, first, start, end);
	for (struct vma *v = first; v && v->start < end; v = vma_after(mm, v->end)) {
		vma_lock_write(v);
		last = v;
	}
	bool left = first && first->start < start, right = last && last->end > end;
	if (first) {
		int err = split_large_at(mm, start) ?: split_large_at(mm, end);
		if (err)
			return err;
	}
	if (left && right && first == last) {
		upper = vma_dup_range(last, end, last->end);
		if (!upper)
			return -ENOMEM;
	}
	if (left)
		it[n++] = (struct vtree_item){ first->start, start, first };
	if (fresh)
		it[n++] = vma_item(fresh);
	if (right)
		it[n++] = (struct vtree_item){ end, last->end, upper ?: last };
	int err = vma_tree_prepare(&mm->vmas, &e, start, end, it, n);
	if (err) {
		if (upper)
			vma_dup_undo(upper);
		return err;
	}
	// Nothing fails from here on.
	for (struct vma *v = first, *next; v && v->start < end; v = next) {
		next = vma_after(mm, v->end);
		account_removed(mm, v, start, end, &committed);
		bool keeps_left = v->start < start, keeps_right = v->end > end && !upper;
		if (!keeps_left && !keeps_right) {
			v->gone = gone;
			gone = v;
			removed++;
			continue;
		}
		vma_unlink_mapping(v);
		vma_move_bounds(v, keeps_left ? v->start : end, keeps_left ? start : v->end);
		vma_link_mapping(v);
	}
	vma_tree_commit(&mm->vmas, &e);
	if (upper)
		vma_opened(upper, first);
	if (first)
		unmap_and_free_tables(mm, start, end, fresh != NULL);
	if (fresh)
		vma_opened(fresh, NULL);
	mm->nr_vmas += (upper != NULL) + (fresh != NULL) - removed;
	while (gone) {
		struct vma *next = gone->gone;
		vma_unlink_mapping(gone);
		vma_free(gone);
		gone = next;
	}
	if (committed)
		vm_uncharge(committed);
	return 0;
}

// ---- flags of a range ----

static bool joins(const struct vma *nb, const struct vma *v, u64 flags, u64 pgoff)
{
	struct vma_like l = { flags, v->file, v->mapping, v->ops, v->private, v->anon_off, v->anon_name };
	return vma_can_join(nb, &l) && pgoff == nb->pgoff;
}

// One VMA takes part of its neighbour: only bounds move. `grow` and `shrink` touch; the boundary moves to `at`.
static void move_boundary(struct mm *mm, struct vma *grow, struct vma *shrink, u64 at)
{
	if (grow->start < shrink->start) {
		vma_resize(mm, shrink, at, shrink->end);
		vma_resize(mm, grow, grow->start, at);
	} else {
		vma_resize(mm, shrink, shrink->start, at);
		vma_resize(mm, grow, at, grow->end);
	}
}

// All of v, and `other` when not null, becomes part of `into`.
static int swallow(struct mm *mm, struct vma *into, struct vma *v, struct vma *other)
{
	struct vtree_edit e;
	u64 lo = MIN(into->start, v->start), hi = MAX(into->end, v->end);
	if (other)
		hi = MAX(hi, other->end);
	struct vtree_item it = { lo, hi, into };
	int err = vma_tree_prepare(&mm->vmas, &e, lo, hi, &it, 1);
	if (err)
		return err;
	vma_unlink_mapping(into);
	vma_unlink_mapping(v);
	if (other)
		vma_unlink_mapping(other);
	into->has_anon |= v->has_anon || (other && other->has_anon);
	vma_move_bounds(into, lo, hi);
	vma_tree_commit(&mm->vmas, &e);
	vma_link_mapping(into);
	vma_free(v);
	if (other)
		vma_free(other);
	mm->nr_vmas -= 1 + (other != NULL);
	return 0;
}

// v becomes up to three: [start, end) with the new flags, and what is left of it on both sides.
static int vma_cut(struct mm *mm, struct vma *v, u64 start, u64 end, u64 flags, struct vma **out)
{
	bool left = v->start < start, right = v->end > end;
	struct vma *mid = v, *upper = NULL;
	struct vtree_item it[3];
	struct vtree_edit e;
	int n = 0, err;

	if (mm->nr_vmas + left + right > (u32)sysctl_max_map_count)
		return -ENOMEM;
	err = split_large_at(mm, start) ?: split_large_at(mm, end);
	if (err)
		return err;
	if (left) {
		mid = vma_dup_range(v, start, end);
		if (!mid)
			return -ENOMEM;
	}
	if (right) {
		upper = vma_dup_range(v, end, v->end);
		if (!upper) {
			err = -ENOMEM;
			goto undo_mid;
		}
	}
	if (left)
		it[n++] = (struct vtree_item){ v->start, start, v };
	it[n++] = (struct vtree_item){ start, end, mid };
	if (right)
		it[n++] = vma_item(upper);
	err = vma_tree_prepare(&mm->vmas, &e, v->start, v->end, it, n);
	if (err)
		goto undo_upper;
	vma_unlink_mapping(v);
	vma_move_bounds(v, v->start, left ? start : end);
	vma_set_flags(mid, flags);
	vma_tree_commit(&mm->vmas, &e);
	vma_link_mapping(v);
	if (left)
		vma_opened(mid, v);
	if (right)
		vma_opened(upper, v);
	mm->nr_vmas += left + right;
	*out = mid;
	return 0;

undo_upper:
	if (upper)
		vma_dup_undo(upper);
undo_mid:
	if (left)
		vma_dup_undo(mid);
	return err;
}

int vma_modify(struct mm *mm, struct vma *v, u64 start, u64 end, u64 flags, struct vma **out)
{
	struct vma *prev = NULL, *next = NULL;
	vma_lock_write(v);
	*out = v;
	if (v->flags == flags)
		return 0;
	if (start == v->start) {
		prev = vma_before(mm, start);
		if (prev && (prev->end != start || !joins(prev, v, flags, v->pgoff - vma_pages(prev))))
			prev = NULL;
	}
	if (end == v->end) {
		next = vma_at(mm, end);
		if (next && (next->start != end || !joins(next, v, flags, v->pgoff + vma_pages(v))))
			next = NULL;
	}
	if (!prev && !next) {
		if (start > v->start || end < v->end)
			return vma_cut(mm, v, start, end, flags, out);
		vma_set_flags(v, flags);
		return 0;
	}
	if (prev)
		vma_lock_write(prev);
	if (next)
		vma_lock_write(next);
	int err = split_large_at(mm, start) ?: split_large_at(mm, end);
	if (err)
		return err;
	struct vma *into = prev ?: next;
	*out = into;
	if (start == v->start && end == v->end)
		return swallow(mm, into, v, prev ? next : NULL);
	into->has_anon |= v->has_anon;
	move_boundary(mm, into, v, prev ? end : start);
	return 0;
}
