// Memory objects: page cache whose storage is memory. See shmem.h.
//
// A folio in a shmem mapping is always up to date, dirty and swap-backed: it is filled before it becomes visible. Data writers hold the
// inode's lock; faults only add zeroed folios, so the two race for a slot and the loser starts over.
#include "mm/shmem.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/iov_iter.h"
#include "mm/mapping_internal.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/uaccess.h"

#define SEEK_DATA_K 3

struct shmem_object {
	struct mapping mapping;
	struct ref ref;
	u64 size SET_ONCE;
	u64 charged SET_ONCE;		// pages
};

// One page of a mount's limit and of the commit charge. 0, -ENOSPC, -ENOMEM.
static int charge_page(struct mapping *m)
{
	struct shmem_limits *l = m->owner;

	if (!m->host)
		return 0;		// a bare object was charged when it was made
	if (l) {
		u64 max = READ_ONCE(l->max_pages);

		if (max && (u64)atomic64_add_return(&l->used, 1) > max) {
			atomic64_dec(&l->used);
			return -ENOSPC;
		}
		if (!max)
			atomic64_inc(&l->used);
	}
	if (vm_charge(current->mm, 1)) {
		if (l)
			atomic64_dec(&l->used);
		return -ENOMEM;
	}
	return 0;
}

static void uncharge_pages(struct mapping *m, u64 n)
{
	struct shmem_limits *l = m->owner;

	if (!m->host)
		return;
	if (l)
		atomic64_sub(&l->used, n);
	vm_uncharge(n);
}

static void shmem_release(struct mapping *m, struct folio *f)
{
	uncharge_pages(m, folio_nr(f));
}

static const struct mapping_ops shmem_ops = { .release = shmem_release };

void shmem_init(struct mapping *m, struct inode *host, struct shmem_limits *limits)
{
	mapping_init(m, host, &shmem_ops);
	m->flags = MAPPING_SHMEM | MAPPING_UNEVICTABLE;
	m->owner = limits;
}

void shmem_destroy(struct mapping *m)
{
	mapping_destroy(m);
}

// A charged folio that nobody else sees yet.
static int folio_new(struct mapping *m, gfp_t extra, struct folio **out)
{
	struct folio *f;
	int err = charge_page(m);

	if (err)
		return err;
	f = folio_alloc(m->gfp | extra, 0);
	if (!f) {
		uncharge_pages(m, 1);
		return -ENOMEM;
	}
	f->flags |= 1ul << PG_SWAPBACKED | 1ul << PG_UPTODATE | 1ul << PG_DIRTY;
	*out = f;
	return 0;
}

static void folio_abandon(struct mapping *m, struct folio *f)
{
	folio_put(f);
	uncharge_pages(m, 1);
}

int shmem_get(struct mapping *m, u64 index, bool make, struct folio **out)
{
	for (;;) {
		struct folio *f = mapping_get(m, index);
		int err;

		if (f || !make) {
			*out = f;
			return 0;
		}
		err = folio_new(m, 0, &f);
		if (err)
			return err;
		err = mapping_insert(m, f, index, m->gfp);
		if (!err) {
			*out = f;
			return 0;
		}
		folio_abandon(m, f);
		if (err != -EEXIST)
			return err;
	}
}

// Copies n bytes to offset of the page at index. Returns bytes copied (0: fault in and try again) or -errno.
static ssize_t write_page(struct mapping *m, u64 index, size_t offset, size_t n, struct iov_iter *from)
{
	struct folio *f = mapping_get(m, index);
	size_t done;
	int err;

	if (f) {
		done = copy_folio_from_iter_nofault(f, (index - f->index) * PAGE_SIZE + offset, n, from);
		folio_put(f);
		return done;
	}
	err = folio_new(m, GFP_UNINIT, &f);
	if (err)
		return err;
	done = copy_folio_from_iter_nofault(f, offset, n, from);
	if (done) {
		char *p = folio_addr(f);

		memset(p, 0, offset);
		memset(p + offset + done, 0, PAGE_SIZE - offset - done);
		err = mapping_insert(m, f, index, m->gfp);
		if (!err) {
			folio_put(f);
			return done;
		}
		iov_iter_revert(from, done);
	}
	folio_abandon(m, f);
	return err == -EEXIST ? 0 : err;
}

ssize_t shmem_write_iter(struct mapping *m, loff_t pos, struct iov_iter *from)
{
	ssize_t total = 0;

	while (from->count) {
		size_t offset = pos & (PAGE_SIZE - 1), n = MIN(from->count, PAGE_SIZE - offset);
		ssize_t done = write_page(m, (u64)pos >> PAGE_SHIFT, offset, n, from);

		if (done < 0)
			return total ? total : done;
		pos += done;
		total += done;
		if ((size_t)done < n && iov_iter_fault_in(from, n - done) == n - (size_t)done)
			return total ? total : -EFAULT;
		if (fatal_signal_pending(current))
			return total ? total : -EINTR;
	}
	return total;
}

ssize_t shmem_read_iter(struct mapping *m, loff_t size, loff_t *pos, struct iov_iter *to)
{
	ssize_t total = 0;

	while (to->count && *pos < size) {
		size_t offset = *pos & (PAGE_SIZE - 1), n = MIN(MIN(to->count, PAGE_SIZE - offset), (size_t)(size - *pos)), done;

		done = mapping_copy_out(m, *pos, n, to);
		if (!done && !mapping_has(m, (u64)*pos >> PAGE_SHIFT))
			done = iov_iter_zero(n, to);
		if (!done && iov_iter_fault_in(to, n) == n)
			return total ? total : -EFAULT;
		*pos += done;
		total += done;
		if (fatal_signal_pending(current))
			break;
	}
	return total;
}

void shmem_truncate(struct mapping *m, loff_t old_size, loff_t new_size)
{
	if (new_size < old_size)
		mapping_truncate(m, new_size, S64_MAX);
}

int shmem_punch(struct mapping *m, loff_t start, loff_t end)
{
	mapping_truncate(m, start, end);
	return 0;
}

// man 2 lseek. -ENXIO: no data (or beyond the end).
loff_t shmem_seek(struct mapping *m, loff_t size, loff_t pos, int whence)
{
	bool want_data = whence == SEEK_DATA_K;
	u64 index, end = DIV_ROUND_UP((u64)size, PAGE_SIZE);

	if (pos < 0 || pos >= size)
		return -ENXIO;
	for (index = (u64)pos >> PAGE_SHIFT; index < end; index++) {
		unsigned long at = index;
		void *e = xa_find(&m->pages, &at, end - 1);

		if (want_data) {
			if (!e)
				return -ENXIO;
			index = at;
			break;
		}
		if (!e || at > index)
			break;
	}
	return MIN(MAX(pos, (loff_t)(index << PAGE_SHIFT)), size);
}

static loff_t mapped_size(const struct vma *v)
{
	return v->file ? file_size(v->file) : (loff_t)CONTAINER_OF(v->mapping, struct shmem_object, mapping)->size;
}

static int shmem_fault(struct fault *fault)
{
	struct vma *v = fault->vma;
	int err;

	if ((loff_t)fault->pgoff >= (loff_t)DIV_ROUND_UP((u64)mapped_size(v), PAGE_SIZE))
		return -EIO;		// SIGBUS beyond the end
	err = shmem_get(v->mapping, fault->pgoff, true, &fault->folio);
	return err == -ENOSPC ? -EIO : err;
}

const struct vm_ops shmem_vm_ops = { .fault = shmem_fault };

int shmem_object_create(u64 size, struct mapping **out)
{
	u64 pages = DIV_ROUND_UP(size, PAGE_SIZE);
	struct shmem_object *o;

	if (vm_charge(current->mm, pages))
		return -ENOMEM;
	o = kalloc(sizeof(*o), GFP_KERNEL);
	if (!o) {
		vm_uncharge(pages);
		return -ENOMEM;
	}
	shmem_init(&o->mapping, NULL, NULL);
	ref_init(&o->ref, 1);
	o->size = size;
	o->charged = pages;
	*out = &o->mapping;
	return 0;
}

void shmem_object_get(struct mapping *m)
{
	ref_get(&CONTAINER_OF(m, struct shmem_object, mapping)->ref);
}

void shmem_object_put(struct mapping *m)
{
	struct shmem_object *o = CONTAINER_OF(m, struct shmem_object, mapping);

	if (!ref_put(&o->ref))
		return;
	shmem_destroy(m);
	vm_uncharge(o->charged);
	kfree(o);
}
