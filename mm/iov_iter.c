// Iterators over buffers of every kind. See iov_iter.h.
#include "mm/iov_iter.h"
#include "kern/panic.h"
#include "kern/preempt.h"
#include "lib/string.h"
#include "mm/folio.h"
#include "mm/slab.h"
#include "mm/uaccess.h"

void iov_iter_kvec(struct iov_iter *i, bool source, const struct kvec *v, u32 nr, size_t count)
{
	*i = (struct iov_iter){ .type = ITER_KVEC, .source = source, .kvec = v, .nr_segs = nr, .count = count };
}

void iov_iter_bvec(struct iov_iter *i, bool source, const struct bio_vec *v, u32 nr, size_t count)
{
	*i = (struct iov_iter){ .type = ITER_BVEC, .source = source, .bvec = v, .nr_segs = nr, .count = count };
}

// No length may be negative, whatever the addresses are. One buffer alone is cut before its range is looked at, several are not.
static int check_lengths(struct user_iovec *iov, u64 nr)
{
	for (u64 k = 0; k < nr; k++)
		if ((ssize_t)iov[k].len < 0)
			return -EINVAL;
	if (nr == 1)
		iov[0].len = MIN(iov[0].len, MAX_RW_COUNT);
	return 0;
}

// man 2 readv: the sum of the lengths must fit ssize_t (EINVAL); lengths beyond MAX_RW_COUNT are cut.
ssize_t iov_iter_import(struct iov_iter *i, bool source, uptr vec, u64 nr, struct user_iovec *fast, u32 nr_fast, struct user_iovec **to_free)
{
	struct user_iovec *iov = fast;
	size_t total = 0;
	int err;

	*to_free = NULL;
	if (nr > UIO_MAXIOV)
		return -EINVAL;
	if (nr > nr_fast) {
		iov = kalloc_array(nr, sizeof(*iov), GFP_KERNEL | GFP_UNINIT);
		if (!iov)
			return -ENOMEM;
		*to_free = iov;
	}
	err = copy_in(iov, vec, nr * sizeof(*iov));
	if (!err)
		err = check_lengths(iov, nr);
	for (u64 k = 0; k < nr && !err; k++) {
		if (user_range_ok(iov[k].base, iov[k].len)) {
			iov[k].len = MIN(iov[k].len, MAX_RW_COUNT - total);
			total += iov[k].len;
		} else {
			err = -EFAULT;
		}
	}
	if (err) {
		kfree(*to_free);
		*to_free = NULL;
		return err;
	}
	*i = (struct iov_iter){ .type = ITER_IOVEC, .source = source, .iov = iov, .nr_segs = nr, .count = total };
	return total;
}

// One contiguous piece of the iterator: user memory, or kernel memory.
struct piece {
	bool user;
	uptr uaddr;
	void *kaddr;
	size_t len;
};

// The piece at the iterator's place, at most n bytes; false at the end.
static bool next_piece(struct iov_iter *i, size_t n, struct piece *p)
{
	n = MIN(n, i->count);
	if (!n)
		return false;
	switch (i->type) {
	case ITER_UBUF:
		*p = (struct piece){ .user = true, .uaddr = uptr_add(i->ubuf, i->offset), .len = n };
		return true;
	case ITER_IOVEC:
		while (i->offset >= i->iov->len) {
			i->offset -= i->iov->len;
			i->iov++;
			i->nr_segs--;
		}
		*p = (struct piece){ .user = true, .uaddr = uptr_add(i->iov->base, i->offset), .len = MIN(n, i->iov->len - i->offset) };
		return true;
	case ITER_KVEC:
		while (i->offset >= i->kvec->len) {
			i->offset -= i->kvec->len;
			i->kvec++;
			i->nr_segs--;
		}
		*p = (struct piece){ .kaddr = (char *)i->kvec->base + i->offset, .len = MIN(n, i->kvec->len - i->offset) };
		return true;
	default:
		while (i->offset >= i->bvec->len) {
			i->offset -= i->bvec->len;
			i->bvec++;
			i->nr_segs--;
		}
		*p = (struct piece){ .kaddr = (char *)folio_addr(i->bvec->folio) + i->bvec->offset + i->offset, .len = MIN(n, i->bvec->len - i->offset) };
		return true;
	}
}

void iov_iter_advance(struct iov_iter *i, size_t n)
{
	DEBUG_ASSERT(n <= i->count);
	i->offset += n;
	i->count -= n;
}

void iov_iter_revert(struct iov_iter *i, size_t n)
{
	i->count += n;
	while (i->offset < n) {
		DEBUG_ASSERT(i->type != ITER_UBUF);
		i->nr_segs++;
		if (i->type == ITER_IOVEC)
			i->offset += (--i->iov)->len;
		else if (i->type == ITER_KVEC)
			i->offset += (--i->kvec)->len;
		else
			i->offset += (--i->bvec)->len;
	}
	i->offset -= n;
}

size_t copy_to_iter(const void *src, size_t n, struct iov_iter *i)
{
	size_t done = 0;
	struct piece p;

	if (likely(i->type == ITER_UBUF)) {
		n = MIN(n, i->count);
		done = n - raw_copy_to_user(uptr_add(i->ubuf, i->offset), src, n);
		iov_iter_advance(i, done);
		return done;
	}
	while (done < n && next_piece(i, n - done, &p)) {
		size_t left = 0;

		if (p.user)
			left = raw_copy_to_user(p.uaddr, (const char *)src + done, p.len);
		else
			memcpy(p.kaddr, (const char *)src + done, p.len);
		iov_iter_advance(i, p.len - left);
		done += p.len - left;
		if (left)
			break;
	}
	return done;
}

size_t copy_from_iter(void *dst, size_t n, struct iov_iter *i)
{
	size_t done = 0;
	struct piece p;

	if (likely(i->type == ITER_UBUF)) {
		n = MIN(n, i->count);
		done = n - raw_copy_from_user(dst, uptr_add(i->ubuf, i->offset), n);
		iov_iter_advance(i, done);
		return done;
	}
	while (done < n && next_piece(i, n - done, &p)) {
		size_t left = 0;

		if (p.user)
			left = raw_copy_from_user((char *)dst + done, p.uaddr, p.len);
		else
			memcpy((char *)dst + done, p.kaddr, p.len);
		iov_iter_advance(i, p.len - left);
		done += p.len - left;
		if (left)
			break;
	}
	return done;
}

size_t iov_iter_zero(size_t n, struct iov_iter *i)
{
	size_t done = 0;
	struct piece p;

	while (done < n && next_piece(i, n - done, &p)) {
		size_t left = 0;

		if (p.user)
			left = user_clear(p.uaddr, p.len);
		else
			memset(p.kaddr, 0, p.len);
		iov_iter_advance(i, p.len - left);
		done += p.len - left;
		if (left)
			break;
	}
	return done;
}

size_t copy_folio_to_iter(struct folio *f, size_t offset, size_t n, struct iov_iter *i)
{
	return copy_to_iter((char *)folio_addr(f) + offset, n, i);
}

size_t copy_folio_from_iter_nofault(struct folio *f, size_t offset, size_t n, struct iov_iter *i)
{
	size_t done;

	pagefault_disable();
	done = copy_from_iter((char *)folio_addr(f) + offset, n, i);
	pagefault_enable();
	return done;
}

size_t iov_iter_fault_in(struct iov_iter *i, size_t n)
{
	struct iov_iter c = *i;
	struct piece p;

	n = MIN(n, i->count);
	while (n && next_piece(&c, n, &p)) {
		size_t bad = !p.user ? 0 : i->source ? fault_in_readable(p.uaddr, p.len) : fault_in_writeable(p.uaddr, p.len);

		n -= p.len - bad;
		if (bad)
			return n;
		iov_iter_advance(&c, p.len);
	}
	return n;
}
