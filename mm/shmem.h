// mm/shmem.h - memory objects: a mapping whose storage is memory (and swap). tmpfs, memfd, SysV shm and shared anonymous mappings are fronts to it.
#pragma once
#include "mm/mapping.h"

struct iov_iter;

struct shmem_limits {		// of one mount; counted in pages, ATOMIC
	u64 max_pages;		// 0: no limit
	struct atomic64 used;
};
// Initialises m as shared memory. limits may be null. Charges committed memory page by page (or at once for private objects).
void shmem_init(struct mapping *m, struct inode *host, struct shmem_limits *limits);
void shmem_destroy(struct mapping *m);
// The folio at index; holes read as absent (null, 0) unless make. -ENOMEM, -ENOSPC (limit).
MUST_CHECK int shmem_get(struct mapping *m, u64 index, bool make, struct folio **out);
// Write data through the iterator at pos; returns bytes or -errno. The caller holds the inode's lock and updates sizes. Short count on fault.
ssize_t shmem_write_iter(struct mapping *m, loff_t pos, struct iov_iter *from);
// Read up to size; holes give zeroes without allocating.
ssize_t shmem_read_iter(struct mapping *m, loff_t size, loff_t *pos, struct iov_iter *to);
void shmem_truncate(struct mapping *m, loff_t old_size, loff_t new_size);
int shmem_punch(struct mapping *m, loff_t start, loff_t end);		// bytes start..end, end included
loff_t shmem_seek(struct mapping *m, loff_t size, loff_t pos, int whence);	// SEEK_DATA, SEEK_HOLE
// The handler of mappings of shared memory, files and bare objects alike.
extern const struct vm_ops shmem_vm_ops;
// A bare object, for MAP_SHARED | MAP_ANONYMOUS: counted, committed at once (-ENOMEM). The VMAs own the references.
MUST_CHECK int shmem_object_create(u64 size, struct mapping **out);
void shmem_object_get(struct mapping *m);
void shmem_object_put(struct mapping *m);
