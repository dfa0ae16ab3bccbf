// mm/iov_iter.h - where data goes to or comes from: user buffers, kernel buffers, folios. One type from system call to device.
#pragma once
#include "lib/types.h"
#include "lib/compiler.h"
#include "mm/gfp.h"

struct folio;
struct user_iovec {		// as struct iovec, for the kernel
	uptr base;
	u64 len;
};
struct kvec {
	void *base;
	size_t len;
};
struct bio_vec {
	struct folio *folio;
	u32 offset, len;
};
enum iter_type { ITER_UBUF, ITER_IOVEC, ITER_KVEC, ITER_BVEC };

struct iov_iter {
	u8 type;
	bool source;			// true: data is read from it (write(2)); false: data is put into it
	bool nofault;			// copies stop at a page that is not present
	size_t count;			// bytes left
	size_t offset;			// into the current segment
	union {
		uptr ubuf;
		const struct user_iovec *iov;
		const struct kvec *kvec;
		const struct bio_vec *bvec;
	};
	u32 nr_segs;
};

static inline void iov_iter_ubuf(struct iov_iter *i, bool source, uptr buf, size_t n)
{
	*i = (struct iov_iter){ .type = ITER_UBUF, .source = source, .ubuf = buf, .count = n };
}
void iov_iter_kvec(struct iov_iter *i, bool source, const struct kvec *v, u32 nr, size_t count);
void iov_iter_bvec(struct iov_iter *i, bool source, const struct bio_vec *v, u32 nr, size_t count);
// readv/writev: copies the vector in; *iov is fast (UIO_FASTIOV entries given by the caller) or allocated: kfree(*to_free) after use.
MUST_CHECK ssize_t iov_iter_import(struct iov_iter *i, bool source, uptr vec, u64 nr, struct user_iovec *fast, u32 nr_fast, struct user_iovec **to_free);
// Copies and advances; returns bytes copied (short on a fault).
size_t copy_to_iter(const void *src, size_t n, struct iov_iter *i);
size_t copy_from_iter(void *dst, size_t n, struct iov_iter *i);
size_t iov_iter_zero(size_t n, struct iov_iter *i);
size_t copy_folio_to_iter(struct folio *f, size_t offset, size_t n, struct iov_iter *i);
size_t copy_folio_from_iter_nofault(struct folio *f, size_t offset, size_t n, struct iov_iter *i);	// page locks held: faults disabled
void iov_iter_advance(struct iov_iter *i, size_t n);
void iov_iter_revert(struct iov_iter *i, size_t n);
// For copies under locks: bytes of the first n that can not be faulted in.
size_t iov_iter_fault_in(struct iov_iter *i, size_t n);
static inline size_t iov_iter_count(const struct iov_iter *i) { return i->count; }
#define UIO_FASTIOV 8
#define UIO_MAXIOV 1024
#define MAX_RW_COUNT 0x7ffff000ul
