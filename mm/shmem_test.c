// Memory objects and the page cache: contents against a plain buffer, limits, holes, truncation; generations of folios.
#include "mm/shmem.h"
#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"
#include "mm/iov_iter.h"
#include "mm/lru.h"
#include "mm/mapping_internal.h"
#include "mm/slab.h"
#include "sched/task.h"

#define SHM_SIZE (40 * PAGE_SIZE)
static u64 shm_seed;

static u32 shm_random(u32 below)
{
	shm_seed = shm_seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(shm_seed >> 33) % below;
}

static ssize_t shm_write(struct mapping *m, loff_t pos, void *p, size_t n)
{
	struct kvec v = { p, n };
	struct iov_iter it;

	iov_iter_kvec(&it, true, &v, 1, n);
	return shmem_write_iter(m, pos, &it);
}

static ssize_t shm_read(struct mapping *m, loff_t size, loff_t pos, void *p, size_t n)
{
	struct kvec v = { p, n };
	struct iov_iter it;

	iov_iter_kvec(&it, false, &v, 1, n);
	return shmem_read_iter(m, size, &pos, &it);
}

struct shm {
	struct mapping *m;
	u8 *model, *buf;
	loff_t size;
};

static void random_op(struct shm *s)
{
	u32 at = shm_random(SHM_SIZE), n = shm_random(shm_random(4) ? 300 : 5 * PAGE_SIZE);

	n = MIN(n, (u32)SHM_SIZE - at);
	switch (shm_random(8)) {
	case 0:	// truncate
		shmem_truncate(s->m, s->size, at);
		if (at < s->size)
			memset(s->model + at, 0, SHM_SIZE - at);
		s->size = at;
		break;
	case 1:	// punch
		if (!n)
			break;
		CHECK_EQ(shmem_punch(s->m, at, at + n - 1), 0);
		memset(s->model + at, 0, n);
		break;
	case 2: case 3: case 4:
		memset(s->buf, (int)shm_random(255) + 1, n);
		CHECK_EQ(shm_write(s->m, at, s->buf, n), n);
		memcpy(s->model + at, s->buf, n);
		s->size = n ? MAX(s->size, (loff_t)(at + n)) : s->size;
		break;
	default: {
		ssize_t want = at < s->size ? MIN((ssize_t)n, (ssize_t)(s->size - at)) : 0;

		memset(s->buf, 0xee, n);
		CHECK_EQ(shm_read(s->m, s->size, at, s->buf, n), want);
		CHECK_MEM(s->buf, s->model + at, want);
	}
	}
}

static struct inode *fake_host(void)
{
	return (struct inode *)8;	// only asked whether it is there: the object is then charged page by page
}

KTEST(shmem, contents_match_a_model)
{
	struct mapping *m = kalloc(sizeof(*m), GFP_KERNEL);
	struct shmem_limits limits = { .max_pages = 100 };
	struct shm s = { .m = m, .model = kvalloc(SHM_SIZE, GFP_KERNEL), .buf = kvalloc(SHM_SIZE, GFP_KERNEL) };

	REQUIRE(m && s.model && s.buf);
	shm_seed = 5;
	shmem_init(m, fake_host(), &limits);
	for (int i = 0; i < 4000; i++)
		random_op(&s);
	CHECK_EQ(atomic64_read(&limits.used), m->nr_pages);
	shmem_destroy(m);
	CHECK_EQ(atomic64_read(&limits.used), 0);
	CHECK_EQ(m->nr_pages, 0);
	kvfree(s.model);
	kvfree(s.buf);
	kfree(m);
}

KTEST(shmem, limit_ends_a_write)
{
	struct mapping *m = kalloc(sizeof(*m), GFP_KERNEL);
	struct shmem_limits limits = { .max_pages = 3 };
	char *buf = kvalloc(5 * PAGE_SIZE, GFP_KERNEL);
	struct folio *f;

	REQUIRE(m && buf);
	shmem_init(m, fake_host(), &limits);
	CHECK_EQ(shm_write(m, PAGE_SIZE / 2, buf, 5 * PAGE_SIZE), 2 * PAGE_SIZE + PAGE_SIZE / 2);
	CHECK_EQ(shm_write(m, 10 * PAGE_SIZE, buf, 1), -ENOSPC);
	CHECK_EQ(shmem_get(m, 10, true, &f), -ENOSPC);
	CHECK_EQ(shmem_get(m, 10, false, &f), 0);
	CHECK_EQ(f, NULL);
	CHECK_EQ(atomic64_read(&limits.used), 3);
	CHECK_EQ(shmem_punch(m, PAGE_SIZE, 2 * PAGE_SIZE - 1), 0);
	CHECK_EQ(atomic64_read(&limits.used), 2);
	CHECK_EQ(shm_write(m, 10 * PAGE_SIZE, buf, 1), 1);
	shmem_destroy(m);
	CHECK_EQ(atomic64_read(&limits.used), 0);
	kvfree(buf);
	kfree(m);
}

KTEST(shmem, data_and_holes_are_found)
{
	enum { SEEK_DATA_ = 3, SEEK_HOLE_ = 4 };
	struct mapping *m;
	loff_t size = 10 * PAGE_SIZE + 5;

	REQUIRE(shmem_object_create(size, &m) == 0);
	CHECK_EQ(shmem_seek(m, size, 0, SEEK_DATA_), -ENXIO);
	CHECK_EQ(shmem_seek(m, size, 77, SEEK_HOLE_), 77);
	CHECK_EQ(shm_write(m, 3 * PAGE_SIZE + 100, (char[]){ 1 }, 1), 1);
	CHECK_EQ(shmem_seek(m, size, 0, SEEK_DATA_), 3 * PAGE_SIZE);
	CHECK_EQ(shmem_seek(m, size, 3 * PAGE_SIZE + 50, SEEK_DATA_), 3 * PAGE_SIZE + 50);
	CHECK_EQ(shmem_seek(m, size, 3 * PAGE_SIZE + 50, SEEK_HOLE_), 4 * PAGE_SIZE);
	CHECK_EQ(shmem_seek(m, size, 4 * PAGE_SIZE, SEEK_DATA_), -ENXIO);
	CHECK_EQ(shm_write(m, 10 * PAGE_SIZE, (char[]){ 1 }, 1), 1);
	CHECK_EQ(shmem_seek(m, size, 10 * PAGE_SIZE, SEEK_HOLE_), size);
	CHECK_EQ(shmem_seek(m, size, size, SEEK_DATA_), -ENXIO);
	CHECK_EQ(shmem_seek(m, size, -1, SEEK_HOLE_), -ENXIO);
	shmem_object_get(m);
	shmem_object_put(m);
	shmem_object_put(m);
}

#ifdef CONFIG_DEBUG
KTEST(shmem, failed_allocations_charge_nothing)
{
	for (u32 nth = 1; nth < 8; nth++) {
		struct mapping *m = kalloc(sizeof(*m), GFP_KERNEL);
		struct shmem_limits limits = { .max_pages = 0 };
		char c = 1;
		ssize_t n;

		REQUIRE(m);
		shmem_init(m, fake_host(), &limits);
		current->fail_nth = nth;
		n = shm_write(m, 1ll << 35, &c, 1);
		current->fail_nth = 0;
		CHECK(n == 1 || n == -ENOMEM);
		CHECK_EQ(atomic64_read(&limits.used), n == 1);
		shmem_destroy(m);
		CHECK_EQ(atomic64_read(&limits.used), 0);
		kfree(m);
	}
}
#endif

static int read_counted(struct mapping *m, struct file *file, struct folio *f)
{
	u64 *page = folio_addr(f);

	*(u64 *)m->owner += 1;
	memset(page, (int)f->index, PAGE_SIZE);
	if (f->index < 100)
		folio_set(f, PG_UPTODATE);
	folio_unlock(f);
	return f->index == 200 ? -EINTR : 0;
}

static const struct mapping_ops counted_ops = { .read_folio = read_counted };

KTEST(mapping, pages_are_read_once_and_dropped)
{
	struct mapping *m = kalloc(sizeof(*m), GFP_KERNEL);
	struct folio *f, *g;
	u64 reads = 0, lru;

	REQUIRE(m);
	mapping_init(m, NULL, &counted_ops);
	m->owner = &reads;
	CHECK_EQ(mapping_get(m, 5), NULL);
	lru = lru_pages(LRU_FILE, true) + lru_pages(LRU_FILE, false);
	for (int i = 0; i < 50; i++) {
		REQUIRE(mapping_read(m, NULL, i, &f) == 0);
		REQUIRE(mapping_read(m, NULL, i, &g) == 0);
		CHECK_EQ(f, g);
		CHECK_EQ(((u8 *)folio_addr(f))[77], i);
		folio_put(f);
		folio_put(g);
	}
	CHECK_EQ(reads, 50);
	CHECK_EQ(m->nr_pages, 50);
	CHECK_EQ(lru_pages(LRU_FILE, true) + lru_pages(LRU_FILE, false), lru + 50);
	CHECK_EQ(mapping_read(m, NULL, 150, &f), -EIO);
	CHECK_EQ(mapping_read(m, NULL, 200, &f), -EINTR);
	mapping_truncate(m, 10 * PAGE_SIZE + 5, 20 * PAGE_SIZE + 6);
	f = mapping_get(m, 10);
	REQUIRE(f);
	CHECK_EQ(((u8 *)folio_addr(f))[4], 10);
	CHECK_EQ(((u8 *)folio_addr(f))[5], 0);
	CHECK(folio_test(f, PG_DIRTY));
	CHECK(xa_get_mark(&m->pages, 10, XA_MARK_DIRTY));
	folio_put(f);
	for (int i = 11; i < 20; i++)
		CHECK_EQ(mapping_get(m, i), NULL);
	f = mapping_get(m, 20);
	REQUIRE(f);
	CHECK_EQ(((u8 *)folio_addr(f))[6], 0);
	CHECK_EQ(((u8 *)folio_addr(f))[7], 20);
	folio_put(f);
	mapping_truncate(m, 30 * PAGE_SIZE, S64_MAX);
	CHECK_EQ(mapping_get(m, 30), NULL);
	CHECK_EQ(mapping_get(m, 200), NULL);
	mapping_destroy(m);
	CHECK_EQ(m->nr_pages, 0);
	CHECK_EQ(lru_pages(LRU_FILE, true) + lru_pages(LRU_FILE, false), lru);
	kfree(m);
}

KTEST(lru, the_oldest_unused_folios_come_first)
{
	struct mapping *m = kalloc(sizeof(*m), GFP_KERNEL);
	struct folio *out[8], *f;
	u64 reads = 0;
	u32 n, seen = 0;

	REQUIRE(m);
	if (lru_pages(LRU_FILE, true) + lru_pages(LRU_FILE, false)) {
		kfree(m);
		return;		// other people's pages: the order is theirs
	}
	mapping_init(m, NULL, &counted_ops);
	m->owner = &reads;
	for (u32 i = 0; i < 40; i++) {
		REQUIRE(mapping_read(m, NULL, i, &f) == 0);
		folio_put(f);
	}
	while (seen < 40 && (n = lru_isolate(LRU_FILE, out, ARRAY_SIZE(out))) != 0)
		for (u32 i = 0; i < n; i++) {
			CHECK_EQ(out[i]->index, seen);
			CHECK(!folio_test(out[i], PG_LRU));
			seen++;
			lru_putback(out[i], true);
		}
	CHECK_EQ(seen, 40);
	CHECK_EQ(lru_pages(LRU_FILE, true), 40);
	// Used again and again, generations age without losing anybody.
	for (int round = 0; round < 100; round++) {
		n = lru_isolate(LRU_FILE, out, ARRAY_SIZE(out));
		for (u32 i = 0; i < n; i++)
			lru_putback(out[i], round & 1);
	}
	CHECK_EQ(lru_pages(LRU_FILE, true) + lru_pages(LRU_FILE, false), 40);
	mapping_destroy(m);
	CHECK_EQ(lru_pages(LRU_FILE, true) + lru_pages(LRU_FILE, false), 0);
	kfree(m);
}
