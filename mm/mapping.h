// mm/mapping.h - the page cache of one object: folios of a file, of shared anonymous memory, of a block device.
//
// Lookup is lock-free: folio_try_get() under RCU and recheck. A short read copies under RCU to the stack
// and rechecks before anything is given to the program: no lock, no reference.
// Lock order: invalidate_lock > folio lock > i_mmap_lock > page-table locks > pages.lock.
#pragma once
#include "lib/rbtree.h"
#include "mm/folio.h"
#include "mm/xarray.h"
#include "sched/mutex.h"

struct fault;
struct file;
struct inode;
struct iov_iter;
struct mapping;
struct vma;
struct vm_ops;

struct mapping_ops {
	// Fills a locked, not up-to-date folio; unlocks it when done (maybe later). 0 or -errno.
	int (*read_folio)(struct mapping *m, struct file *f, struct folio *folio);
	// Writes a locked dirty folio back; unlocks it. Null: nothing to write to (memory is the storage).
	int (*writeback)(struct mapping *m, struct folio *folio);
	// The object is about to lose the folio.
	void (*release)(struct mapping *m, struct folio *folio);
};

struct mapping {
	struct inode *host SET_ONCE;
	const struct mapping_ops *ops SET_ONCE;
	struct xarray pages;		// struct folio *, or value: shadow / swap entry
	u64 nr_pages ATOMIC;		// written under pages.lock
	struct rwsem invalidate_lock;	// truncate and hole punch: write; fault and fill: read
	struct spinlock i_mmap_lock;
	struct rb_root_cached i_mmap GUARDED_BY(&i_mmap_lock);	// VMAs that map it, interval tree
	u32 nr_writable_maps ATOMIC;	// shared writable VMAs, or negative: denied (memfd seals)
	gfp_t gfp SET_ONCE;
	u32 flags ATOMIC;		// MAPPING_*
	u32 wb_err ATOMIC;
	void *owner SET_ONCE;		// of the ops: limits of a shmem mount
};
#define MAPPING_UNEVICTABLE 0x1u
#define MAPPING_SHMEM 0x2u		// memory is the storage: dirty folios are swapped, not written
#define MAPPING_LARGE_FOLIOS 0x4u

void mapping_init(struct mapping *m, struct inode *host, const struct mapping_ops *ops);
void mapping_destroy(struct mapping *m);			// all folios gone already or dropped here
// The folio at index with a reference, or null.
struct folio *mapping_get(struct mapping *m, u64 index);
// The folio, made if absent (not locked; not up to date when new: see PG_UPTODATE). 0 or -ENOMEM.
MUST_CHECK int mapping_get_or_add(struct mapping *m, u64 index, gfp_t gfp, struct folio **out);
// Reads it if necessary. 0, -EIO, -ENOMEM, -EINTR.
MUST_CHECK int mapping_read(struct mapping *m, struct file *f, u64 index, struct folio **out);
// Drops cached folios (and unmaps them) in [start, end] bytes, end included (S64_MAX: the end of the file, private copies go too); partial pages at the
// ends are zeroed. Context: task, invalidate_lock held for write.
void mapping_truncate(struct mapping *m, loff_t start, loff_t end);
void mapping_dirty(struct folio *f);
// Generic read of file data through the cache up to size i_size. Copies under RCU when the folio is up to date.
ssize_t mapping_read_iter(struct mapping *m, struct file *f, loff_t *pos, struct iov_iter *to);
// Zaps page-table entries of all VMAs for the byte range.
void mapping_unmap(struct mapping *m, loff_t start, loff_t end, bool even_cow);
// The fault handler of mappings through the page cache, and of shared memory. It returns fault->folio with a reference, unlocked, up to date.
extern const struct vm_ops mapping_vm_ops;
int mapping_fault(struct fault *fault);
// Upcalls: defined in fs/file.c
loff_t file_size(struct file *f);
