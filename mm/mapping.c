// The page cache of one object. See mapping.h.
#include "mm/mapping.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/iov_iter.h"
#include "mm/lru.h"
#include "mm/mapping_internal.h"
#include "mm/mm.h"
#include "mm/uaccess.h"

DEFINE_LOCK_CLASS(mapping_pages_class, LOCK_HARDIRQ);
DEFINE_LOCK_CLASS(mapping_invalidate_class, LOCK_TASK);
DEFINE_LOCK_CLASS(i_mmap_class, LOCK_TASK);

void mapping_init(struct mapping *m, struct inode *host, const struct mapping_ops *ops)
{
	*m = (struct mapping){ .host = host, .ops = ops, .gfp = GFP_USER, .i_mmap = RB_ROOT_CACHED };
	xa_init(&m->pages, &mapping_pages_class);
	rwsem_init(&m->invalidate_lock, &mapping_invalidate_class);
	spin_init(&m->i_mmap_lock, &i_mmap_class);
}

// A folio found under RCU, with a reference, if it is still what the slot says.
static struct folio *get_at(struct mapping *m, u64 index)
{
	for (;;) {
		void __rcu **slot;
		struct folio *f = xa_load_slot(&m->pages, index, &slot);

		if (!f || xa_is_value(f))
			return NULL;
		if (!folio_try_get(f))
			continue;
		if (likely(xa_still(slot, f)))
			return f;
		folio_put(f);
	}
}

struct folio *mapping_get(struct mapping *m, u64 index)
{
	struct folio *f;

	rcu_read_lock();
	f = get_at(m, index);
	rcu_read_unlock();
	return f;
}

// Puts a new folio, with one reference more for the cache, at f->index. 0, -EEXIST, -ENOMEM.
int mapping_insert(struct mapping *m, struct folio *f, u64 index, gfp_t gfp)
{
	int err;

	f->mapping = m;
	f->index = index;
	folio_get(f);
	err = xa_insert(&m->pages, index, f, gfp);
	if (err) {
		f->mapping = NULL;
		folio_put(f);
		return err;
	}
	__atomic_fetch_add(&m->nr_pages, folio_nr(f), __ATOMIC_RELAXED);
	mem_stat_add(m->flags & MAPPING_SHMEM ? STAT_SHMEM : STAT_FILE, (s64)folio_nr(f));
	return 0;
}

// Takes a locked folio out; the cache's reference goes.
void mapping_remove(struct mapping *m, struct folio *f)
{
	u64 nr = folio_nr(f);
	bool shmem = m->flags & MAPPING_SHMEM;

	DEBUG_ASSERT(folio_test(f, PG_LOCKED));
	if (m->ops && m->ops->release)
		m->ops->release(m, f);
	xa_erase(&m->pages, f->index);
	WRITE_ONCE(f->mapping, NULL);
	__atomic_fetch_sub(&m->nr_pages, nr, __ATOMIC_RELAXED);
	mem_stat_add(shmem ? STAT_SHMEM : STAT_FILE, -(s64)nr);
	folio_put(f);
}

bool mapping_remove_unused(struct mapping *m, struct folio *f)
{
	unsigned long flags = spin_lock_irqsave(&m->pages.lock);
	int both = 2;
	bool ours = atomic_try_cmpxchg(&f->ref.n, &both, 0);	// from here on lookups fail; they look again until the slot is empty

	if (ours && unlikely(folio_test(f, PG_DIRTY))) {	// by somebody who has let go of it since
		atomic_set_release(&f->ref.n, 2);
		ours = false;
	}
	if (ours)
		(void)xa_erase_locked(&m->pages, f->index);
	spin_unlock_irqrestore(&m->pages.lock, flags);
	if (!ours)
		return false;
	if (m->ops && m->ops->release)
		m->ops->release(m, f);
	WRITE_ONCE(f->mapping, NULL);
	__atomic_fetch_sub(&m->nr_pages, folio_nr(f), __ATOMIC_RELAXED);
	mem_stat_add(m->flags & MAPPING_SHMEM ? STAT_SHMEM : STAT_FILE, -(s64)folio_nr(f));
	return true;
}

int mapping_get_or_add(struct mapping *m, u64 index, gfp_t gfp, struct folio **out)
{
	for (;;) {
		struct folio *f = mapping_get(m, index);
		int err;

		if (f) {
			*out = f;
			return 0;
		}
		f = folio_alloc(gfp | GFP_UNINIT, 0);
		if (!f)
			return -ENOMEM;
		err = mapping_insert(m, f, index, gfp);
		if (!err) {
			if (!(m->flags & MAPPING_SHMEM))
				lru_add(f);
			*out = f;
			return 0;
		}
		folio_put(f);
		if (err != -EEXIST)
			return err;
	}
}

int mapping_read(struct mapping *m, struct file *file, u64 index, struct folio **out)
{
	for (;;) {
		struct folio *f;
		int err = mapping_get_or_add(m, index, m->gfp, &f);

		if (err)
			return err;
		if (likely(folio_test(f, PG_UPTODATE))) {
			*out = f;
			return 0;
		}
		err = folio_lock_killable(f);
		if (err) {
			folio_put(f);
			return -EINTR;
		}
		if (READ_ONCE(f->mapping) != m || folio_test(f, PG_UPTODATE)) {
			bool gone = f->mapping != m;

			folio_unlock(f);
			if (gone) {
				folio_put(f);
				continue;
			}
			*out = f;
			return 0;
		}
		err = m->ops->read_folio(m, file, f);	// unlocks
		if (!err)
			folio_lock(f), folio_unlock(f);	// wait for the data
		if (!err && folio_test(f, PG_UPTODATE)) {
			*out = f;
			return 0;
		}
		folio_put(f);
		return err ? err : -EIO;
	}
}

void mapping_dirty(struct folio *f)
{
	struct mapping *m = READ_ONCE(f->mapping);

	if (!folio_test(f, PG_DIRTY) && !folio_test_and_set(f, PG_DIRTY) && m && !(m->flags & MAPPING_SHMEM))
		xa_set_mark(&m->pages, f->index, XA_MARK_DIRTY);
}

// Zeroes bytes [from, to) of a cached page at index, if it is there.
static void zero_part(struct mapping *m, u64 index, size_t from, size_t to)
{
	struct folio *f = mapping_get(m, index);

	if (!f)
		return;
	folio_lock(f);
	if (f->mapping == m && folio_test(f, PG_UPTODATE)) {
		memset((char *)folio_addr(f) + ((index - f->index) << PAGE_SHIFT) + from, 0, to - from);
		mapping_dirty(f);
	}
	folio_unlock(f);
	folio_put(f);
}

static void drop_folio(struct mapping *m, struct folio *f, bool even_cow)
{
	folio_lock(f);
	if (f->mapping == m) {
		folio_wait_writeback(f);
		if (atomic_read(&f->mapcount))
			mapping_unmap(m, (loff_t)f->index << PAGE_SHIFT, ((loff_t)(f->index + folio_nr(f)) << PAGE_SHIFT) - 1, even_cow);
		folio_clear(f, PG_DIRTY);
		mapping_remove(m, f);
	}
	folio_unlock(f);
}

#define DROP_BATCH 16
void mapping_truncate(struct mapping *m, loff_t start, loff_t end)
{
	u64 first = DIV_ROUND_UP((u64)start, PAGE_SIZE), last = end == S64_MAX ? ~0ull >> PAGE_SHIFT : ((u64)end + 1) / PAGE_SIZE;
	unsigned long index = first;

	// A hole leaves private copies alone; a file that ends here takes them along (man 2 mmap).
	mapping_unmap(m, start, end, end == S64_MAX);
	if ((start & (PAGE_SIZE - 1)) && first <= last)
		zero_part(m, start / PAGE_SIZE, start & (PAGE_SIZE - 1), PAGE_SIZE);
	else if (first > last)
		zero_part(m, start / PAGE_SIZE, start & (PAGE_SIZE - 1), (end & (PAGE_SIZE - 1)) + 1);
	if (end != S64_MAX && first <= last && ((end + 1) & (PAGE_SIZE - 1)))
		zero_part(m, last, 0, (end + 1) & (PAGE_SIZE - 1));
	while (index < last) {
		void *batch[DROP_BATCH];
		u32 n = 0, got;

		// References under the same RCU section as the lookup; folios that are going away anyway are skipped.
		rcu_read_lock();
		got = xa_find_batch(&m->pages, &index, last - 1, batch, DROP_BATCH);
		for (u32 i = 0; i < got; i++)
			if (!xa_is_value(batch[i]) && folio_try_get(batch[i]))
				batch[n++] = batch[i];
		rcu_read_unlock();
		if (!got)
			break;
		for (u32 i = 0; i < n; i++) {
			drop_folio(m, batch[i], end == S64_MAX);
			folio_put(batch[i]);
		}
	}
}

void mapping_destroy(struct mapping *m)
{
	if (READ_ONCE(m->nr_pages))
		mapping_truncate(m, 0, S64_MAX);
	xa_destroy(&m->pages);
}

// A page that is found without a reference may be freed, and be another's memory, while it is read. So nothing of it may go to the program
// before the recheck: short reads are copied to the stack first; for long ones a reference costs less than a second copy.
#define PEEK_MAX 256

// Copies n bytes at offset of the cached page at index, without holding the page. 0: not there, not up to date, it went meanwhile, or a fault.
static NOINLINE size_t copy_out_short(struct mapping *m, u64 index, size_t offset, size_t n, struct iov_iter *to)
{
	char buf[PEEK_MAX];
	void __rcu **slot;
	bool ok = false;
	struct folio *f;

	rcu_read_lock();
	f = xa_load_slot(&m->pages, index, &slot);
	// Whatever the page is by now: an offset in this one page cannot lead elsewhere.
	if (f && !xa_is_value(f) && folio_test(f, PG_UPTODATE) && folio_order(f) == 0) {
		memcpy(buf, (const char *)folio_addr(f) + offset, n);
		smp_rmb();	// the copy, then the check
		ok = xa_still(slot, f);
	}
	rcu_read_unlock();
	return ok ? copy_to_iter(buf, n, to) : 0;
}

size_t mapping_copy_out(struct mapping *m, loff_t pos, size_t n, struct iov_iter *to)
{
	u64 index = (u64)pos >> PAGE_SHIFT;
	size_t offset = pos & (PAGE_SIZE - 1), done = 0;
	struct folio *f;

	n = MIN(n, PAGE_SIZE - offset);
	if (n <= PEEK_MAX) {
		done = copy_out_short(m, index, offset, n, to);
		if (done)
			return done;
	}
	f = mapping_get(m, index);
	if (!f)
		return 0;
	if (folio_test(f, PG_UPTODATE))
		done = copy_to_iter((char *)folio_addr(f) + (index - f->index) * PAGE_SIZE + offset, n, to);
	folio_put(f);
	return done;
}

ssize_t mapping_read_iter(struct mapping *m, struct file *file, loff_t *pos, struct iov_iter *to)
{
	loff_t size = file_size(file);
	ssize_t total = 0;

	while (to->count && *pos < size) {
		size_t n = MIN(to->count, (u64)(size - *pos)), done = mapping_copy_out(m, *pos, n, to);

		if (!done) {
			struct folio *f;
			int err = mapping_read(m, file, (u64)*pos >> PAGE_SHIFT, &f);
			size_t offset = *pos & (PAGE_SIZE - 1);

			if (err)
				return total ? total : err;
			folio_mark_accessed(f);
			done = copy_folio_to_iter(f, (((u64)*pos >> PAGE_SHIFT) - f->index) * PAGE_SIZE + offset, MIN(n, PAGE_SIZE - offset), to);
			folio_put(f);
			if (!done)
				return total ? total : -EFAULT;
		}
		*pos += done;
		total += done;
		if (fatal_signal_pending(current))
			break;
	}
	return total;
}

int mapping_fault(struct fault *fault)
{
	struct vma *v = fault->vma;

	if ((loff_t)fault->pgoff >= DIV_ROUND_UP(file_size(v->file), (loff_t)PAGE_SIZE))
		return -EIO;		// SIGBUS beyond the end
	return mapping_read(v->mapping, v->file, fault->pgoff, &fault->folio);
}

const struct vm_ops mapping_vm_ops = { .fault = mapping_fault };
