// Address spaces against a plain model: what is mapped, what may be done with it, and what it holds. No task runs in them: memory is
// touched through mm_access(), which faults like a program would.
#include "lib/ktest.h"
#include "lib/string.h"
#include "mm/internal.h"
#include "mm/iov_iter.h"
#include "mm/rmap.h"
#include "mm/shmem.h"
#include <linux/mman.h>

#define T_BASE 0x10000000ul
#define T_PAGES 96
#define RW (PROT_READ | PROT_WRITE)

static long t_map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags)
{
	return mm_mmap(mm, &(struct mmap_args){ .addr = addr, .len = len, .prot = prot, .flags = flags | MAP_ANONYMOUS });
}

static struct mm *t_mm(void)
{
	struct mm *mm;
	if (mm_create(&mm))
		return NULL;
	mm_layout(mm, 8ull << 20, false);
	return mm;
}

static bool t_put(struct mm *mm, u64 addr, u8 v)
{
	return mm_access(mm, addr, &v, 1, MM_ACCESS_WRITE) == 1;
}

static int t_get(struct mm *mm, u64 addr)
{
	u8 v;
	return mm_access(mm, addr, &v, 1, 0) == 1 ? v : -1;
}

KTEST(mm, mapping_is_zero_then_holds_what_was_written)
{
	struct mm *mm = t_mm();
	REQUIRE(mm);
	long a = t_map(mm, 0, 8 * PAGE_SIZE, RW, MAP_PRIVATE);
	REQUIRE(a > 0);
	CHECK_EQ(t_get(mm, a), 0);
	CHECK(t_put(mm, a, 7));
	CHECK(t_put(mm, a + 8 * PAGE_SIZE - 1, 9));
	CHECK_EQ(t_get(mm, a), 7);
	CHECK_EQ(t_get(mm, a + 8 * PAGE_SIZE - 1), 9);
	CHECK_EQ(t_get(mm, a + 8 * PAGE_SIZE), -1);
	CHECK_EQ(mm_munmap(mm, a, 8 * PAGE_SIZE), 0);
	CHECK_EQ(t_get(mm, a), -1);
	CHECK_EQ(mm->nr_vmas, 0);
	CHECK_EQ(mm->total_vm, 0);
	mm_users_put(mm);
}

KTEST(mm, fork_copies_on_write_both_ways)
{
	struct mm *mm = t_mm(), *kid;
	REQUIRE(mm);
	long a = t_map(mm, 0, 4ul << 20, RW, MAP_PRIVATE), s = t_map(mm, 0, 4 * PAGE_SIZE, RW, MAP_SHARED);
	REQUIRE(a > 0 && s > 0);
	for (u64 i = 0; i < 4ul << 20; i += 16 * PAGE_SIZE)
		CHECK(t_put(mm, a + i, 1));
	CHECK(t_put(mm, s, 1));
	if (!CHECK_EQ(mm_fork(mm, &kid), 0))
		return;
	CHECK(t_put(mm, a, 2));
	CHECK(t_put(kid, a + 16 * PAGE_SIZE, 3));
	CHECK(t_put(kid, s, 4));
	CHECK_EQ(t_get(kid, a), 1);
	CHECK_EQ(t_get(mm, a), 2);
	CHECK_EQ(t_get(mm, a + 16 * PAGE_SIZE), 1);
	CHECK_EQ(t_get(kid, a + 16 * PAGE_SIZE), 3);
	CHECK_EQ(t_get(mm, s), 4);
	CHECK_EQ(t_get(kid, a + (2ul << 20)), 1);
	mm_users_put(mm);
	CHECK_EQ(t_get(kid, a), 1);
	CHECK(t_put(kid, a, 5));
	CHECK_EQ(t_get(kid, a), 5);
	mm_users_put(kid);
}

KTEST(mm, mprotect_splits_and_joins)
{
	struct mm *mm = t_mm();
	REQUIRE(mm);
	REQUIRE(t_map(mm, T_BASE, 16 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED) == (long)T_BASE);
	CHECK_EQ(mm->nr_vmas, 1);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(mm_mprotect(mm, T_BASE + 2 * PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
		CHECK_EQ(mm->nr_vmas, 3);
		CHECK(!t_put(mm, T_BASE + 2 * PAGE_SIZE, 1));
		CHECK(t_put(mm, T_BASE + 3 * PAGE_SIZE, 1));
		CHECK_EQ(mm_mprotect(mm, T_BASE + 2 * PAGE_SIZE, PAGE_SIZE, RW), 0);
		CHECK_EQ(mm->nr_vmas, 1);
		CHECK(t_put(mm, T_BASE + 2 * PAGE_SIZE, 1));
	}
	CHECK_EQ(mm_mprotect(mm, T_BASE + 1, PAGE_SIZE, RW), -EINVAL);
	CHECK_EQ(mm_mprotect(mm, T_BASE - PAGE_SIZE, PAGE_SIZE, RW), -ENOMEM);
	CHECK_EQ(mm_mprotect(mm, T_BASE + 15 * PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ), -ENOMEM);
	mm_users_put(mm);
}

KTEST(mm, places_follow_flags_and_hints)
{
	struct mm *mm = t_mm();
	REQUIRE(mm);
	CHECK_EQ(t_map(mm, T_BASE, PAGE_SIZE, RW, MAP_PRIVATE), T_BASE);
	CHECK_EQ(t_map(mm, T_BASE, PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED_NOREPLACE), -EEXIST);
	CHECK_NE(t_map(mm, T_BASE, PAGE_SIZE, RW, MAP_PRIVATE), T_BASE);
	CHECK_EQ(t_map(mm, T_BASE + 1, PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED), -EINVAL);
	CHECK_EQ(t_map(mm, 0, 0, RW, MAP_PRIVATE), -EINVAL);
	CHECK_EQ(t_map(mm, 0, ~0ul, RW, MAP_PRIVATE), -ENOMEM);
	CHECK_EQ(t_map(mm, 0, PAGE_SIZE, RW, 0), -EINVAL);
	CHECK_EQ(t_map(mm, TASK_SIZE_MAX, PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED), -ENOMEM);
	long a = t_map(mm, 0, PAGE_SIZE, RW, MAP_PRIVATE | MAP_32BIT);
	CHECK(a >= 0x40000000 && a < 0x80000000);
	mm_users_put(mm);
}

KTEST(mm, stack_grows_down_to_its_guard)
{
	struct mm *mm = t_mm();
	REQUIRE(mm);
	u64 top = 0x7ff000000000;
	REQUIRE(mm_setup_stack(mm, top, 2 * PAGE_SIZE, false) == 0);
	CHECK(t_put(mm, top - 1, 1));
	CHECK(t_put(mm, top - 20 * PAGE_SIZE, 2));
	CHECK_EQ(mm->stack_vm, 20);
	CHECK(t_map(mm, top - 400 * PAGE_SIZE, PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED) > 0);
	CHECK(t_put(mm, top - 100 * PAGE_SIZE, 2));
	CHECK(!t_put(mm, top - 200 * PAGE_SIZE, 2));
	CHECK_EQ(mm_stack_relocate(mm, top - (1ul << 30)), 0);
	CHECK_EQ(t_get(mm, top - 1 - (1ul << 30)), 1);
	CHECK_EQ(t_get(mm, top - 20 * PAGE_SIZE - (1ul << 30)), 2);
	CHECK_EQ(t_get(mm, top - 1), -1);
	mm_users_put(mm);
}

KTEST(mm, brk_grows_and_shrinks)
{
	struct mm *mm = t_mm();
	REQUIRE(mm);
	mm->start_brk = mm->brk = T_BASE + 100;
	CHECK_EQ(mm_brk(mm, 0), T_BASE + 100);
	for (u64 i = 1; i < 40; i++) {
		CHECK_EQ(mm_brk(mm, T_BASE + i * PAGE_SIZE), T_BASE + i * PAGE_SIZE);
		if (i > 1)
			CHECK(t_put(mm, T_BASE + i * PAGE_SIZE - 1, i));
	}
	CHECK_EQ(mm->nr_vmas, 1);
	CHECK_EQ(t_get(mm, T_BASE + 20 * PAGE_SIZE - 1), 20);
	CHECK_EQ(mm_brk(mm, T_BASE + 10 * PAGE_SIZE), T_BASE + 10 * PAGE_SIZE);
	CHECK_EQ(t_get(mm, T_BASE + 20 * PAGE_SIZE - 1), -1);
	mm_users_put(mm);
}

// ---- random operations ----

struct t_page {
	bool mapped, shared;
	u8 prot, val;
};
struct t_model {
	struct mm *mm;
	struct t_page p[T_PAGES];
};
static u64 t_seed;
static u32 t_rnd(u32 n)
{
	t_seed = t_seed * 6364136223846793005ull + 1442695040888963407ull;
	return (t_seed >> 33) % n;
}

static u64 t_addr(int page)
{
	return T_BASE + page * PAGE_SIZE;
}

static void t_range(int *a, int *n)
{
	*a = t_rnd(T_PAGES);
	*n = 1 + t_rnd(MIN(T_PAGES - *a, t_rnd(4) ? 8 : T_PAGES));
}

static void op_map(struct t_model *m)
{
	static const u8 prots[] = { PROT_NONE, PROT_READ, RW, RW, RW };
	int a, n;
	t_range(&a, &n);
	u8 prot = prots[t_rnd(5)];
	if (t_map(m->mm, t_addr(a), n * PAGE_SIZE, prot, MAP_FIXED | MAP_PRIVATE) < 0)
		return;
	for (int i = a; i < a + n; i++)
		m->p[i] = (struct t_page){ true, false, prot, 0 };
}

static void op_unmap(struct t_model *m)
{
	int a, n;
	t_range(&a, &n);
	if (mm_munmap(m->mm, t_addr(a), n * PAGE_SIZE))
		return;
	for (int i = a; i < a + n; i++)
		m->p[i].mapped = false;
}

static bool t_all_mapped(struct t_model *m, int a, int n)
{
	for (int i = a; i < a + n; i++)
		if (!m->p[i].mapped)
			return false;
	return true;
}

static void op_protect(struct t_model *m)
{
	static const u8 prots[] = { PROT_NONE, PROT_READ, RW };
	int a, n;
	t_range(&a, &n);
	u8 prot = prots[t_rnd(3)];
	if (!t_all_mapped(m, a, n))
		return;
	if (mm_mprotect(m->mm, t_addr(a), n * PAGE_SIZE, prot) == 0)
		for (int i = a; i < a + n; i++)
			m->p[i].prot = prot;
}

static void op_write(struct t_model *m)
{
	int a, n;
	t_range(&a, &n);
	for (int i = a; i < a + n; i++) {
		u8 v = 1 + t_rnd(255);
		bool ok = t_put(m->mm, t_addr(i), v);
		if (ok)
			CHECK(m->p[i].mapped && (m->p[i].prot & PROT_WRITE));
		if (ok)
			m->p[i].val = v;
	}
}

static void op_drop(struct t_model *m)
{
	int a, n;
	t_range(&a, &n);
	if (!t_all_mapped(m, a, n) || mm_madvise(m->mm, t_addr(a), n * PAGE_SIZE, MADV_DONTNEED))
		return;
	for (int i = a; i < a + n; i++)
		m->p[i].val = 0;
}

static void op_move(struct t_model *m)
{
	int n = 1 + t_rnd(8), a = t_rnd(T_PAGES - n), b = t_rnd(T_PAGES - n);
	bool keep = t_rnd(4) == 0;
	if ((a < b + n && b < a + n) || !t_all_mapped(m, a, n))
		return;
	long r = mm_mremap(m->mm, t_addr(a), n * PAGE_SIZE, n * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED | (keep ? MREMAP_DONTUNMAP : 0), t_addr(b));
	if (r < 0) {
		// The target was unmapped, as on Linux (unless memory for that was lacking).
		for (int i = b; i < b + n; i++)
			m->p[i].mapped = vma_at(m->mm, t_addr(i)) != NULL;
		return;
	}
	for (int i = 0; i < n; i++) {
		m->p[b + i] = m->p[a + i];
		m->p[a + i].val = 0;
		m->p[a + i].mapped = keep;
	}
}

static void t_compare(struct t_model *m)
{
	u64 total = 0;
	for (int i = 0; i < T_PAGES; i++) {
		struct t_page *p = &m->p[i];
		total += p->mapped;
		if (!CHECK_EQ(vma_at(m->mm, t_addr(i)) != NULL, p->mapped) || !p->mapped || t_rnd(3))
			continue;
		int v = t_get(m->mm, t_addr(i));
		if (v >= 0 || (p->prot & PROT_READ) == 0)
			CHECK_EQ(v, p->prot & PROT_READ ? p->val : -1);
	}
	CHECK_EQ(vma_tree_check(&m->mm->vmas), m->mm->nr_vmas);
	CHECK_EQ(m->mm->total_vm, total);
}

static void t_step(struct t_model *m)
{
	switch (t_rnd(12)) {
	case 0 ... 2: op_map(m); break;
	case 3: op_unmap(m); break;
	case 4 ... 5: op_protect(m); break;
	case 6 ... 8: op_write(m); break;
	case 9: op_drop(m); break;
	default: op_move(m); break;
	}
}

KTEST(mm, random_operations_match_a_model)
{
	struct t_model *m = kalloc(4 * sizeof(*m), GFP_KERNEL);
	REQUIRE(m);
	for (int round = 0; round < 12; round++) {
		int live = 1;
		t_seed = round + 1;
		memset(m, 0, 4 * sizeof(*m));
		m[0].mm = t_mm();
		for (int i = 0; m[0].mm && i < 400; i++) {
			struct t_model *x = &m[t_rnd(live)];
			t_step(x);
			t_compare(x);
			if (live < 4 && t_rnd(60) == 0 && mm_fork(x->mm, &m[live].mm) == 0) {
				memcpy(m[live].p, x->p, sizeof(x->p));
				live++;
			} else if (live > 1 && t_rnd(80) == 0) {
				int k = t_rnd(live);
				mm_users_put(m[k].mm);
				m[k] = m[--live];
			}
		}
		while (live && m[0].mm)
			mm_users_put(m[--live].mm);
	}
	kfree(m);
}

static bool t_count_hit(struct folio *f, struct rmap_hit *h, void *arg)
{
	++*(int *)arg;
	return true;
}

KTEST(mm, reverse_map_finds_copies_and_moved_memory)
{
	struct mm *mm = t_mm(), *kid;
	struct folio *f;
	size_t off;
	int n = 0;
	REQUIRE(mm);
	REQUIRE(t_map(mm, T_BASE, 4 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED) > 0);
	CHECK(t_put(mm, T_BASE, 1));
	REQUIRE(mm_get_page(mm, T_BASE, MM_ACCESS_WRITE, &f, &off) == 0);
	rmap_walk(f, t_count_hit, &n);
	CHECK_EQ(n, 1);
	REQUIRE(mm_fork(mm, &kid) == 0);
	CHECK_EQ(mm_mremap(kid, T_BASE, 4 * PAGE_SIZE, 4 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, T_BASE + 0x100000), T_BASE + 0x100000);
	n = 0;
	rmap_walk(f, t_count_hit, &n);
	CHECK_EQ(n, 2);
	mm_users_put(mm);
	n = 0;
	rmap_walk(f, t_count_hit, &n);
	CHECK_EQ(n, 1);
	mm_users_put(kid);
	CHECK_EQ(atomic_read(&f->mapcount), 0);
	folio_put(f);
}

// ptrace(2) and /proc/PID/mem write where the program may not: to a copy of its own, and the program still may not.
KTEST(mm, forced_writes_reach_pages_of_large_folios)
{
	struct mm *mm = t_mm();
	u8 v = 0;
	REQUIRE(mm);
	REQUIRE(t_map(mm, T_BASE, 64 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED) > 0);
	for (u64 i = 0; i < 64; i++)		// in sequence: later pages come as large folios
		CHECK(t_put(mm, T_BASE + i * PAGE_SIZE, i));
	CHECK_EQ(mm_mprotect(mm, T_BASE, 64 * PAGE_SIZE, PROT_READ), 0);
	CHECK(!t_put(mm, T_BASE + 40 * PAGE_SIZE, 1));
	v = 77;
	CHECK_EQ(mm_access(mm, T_BASE + 40 * PAGE_SIZE, &v, 1, MM_ACCESS_WRITE | MM_ACCESS_FORCE), 1);
	CHECK_EQ(t_get(mm, T_BASE + 40 * PAGE_SIZE), 77);
	CHECK_EQ(t_get(mm, T_BASE + 41 * PAGE_SIZE), 41);
	CHECK(!t_put(mm, T_BASE + 40 * PAGE_SIZE, 1));
	mm_users_put(mm);
}

// The reference that a late folio_try_get() would take must not be there: docs/design-review.md, 1.
KTEST(mm, slabs_and_tables_have_no_references)
{
	void *p = kalloc(64, GFP_KERNEL), *q = pages_alloc(GFP_KERNEL, 0);
	REQUIRE(p);
	REQUIRE(q);
	CHECK_EQ(ref_read(&virt_folio(p)->ref), 0);
	CHECK_EQ(ref_read(&virt_folio(q)->ref), 0);
	pages_free(q, 0);
	kfree(p);
}

KTEST(mm, a_hole_ends_where_it_should)
{
	static const char ones[] = { 1, 1 };
	char got[2] = { 9, 9 };
	struct mapping *m;
	struct iov_iter i;
	loff_t pos = PAGE_SIZE - 1;
	REQUIRE(shmem_object_create(4 * PAGE_SIZE, &m) == 0);
	struct kvec out = { (void *)ones, 2 }, in = { got, 2 };
	iov_iter_kvec(&i, true, &out, 1, 2);
	CHECK_EQ(shmem_write_iter(m, pos, &i), 2);	// the last byte of page 0 and the first of page 1
	CHECK_EQ(shmem_punch(m, 0, PAGE_SIZE - 1), 0);
	iov_iter_kvec(&i, false, &in, 1, 2);
	CHECK_EQ(shmem_read_iter(m, 4 * PAGE_SIZE, &pos, &i), 2);
	CHECK_EQ(got[0], 0);
	CHECK_EQ(got[1], 1);
	shmem_object_put(m);
}

KTEST(mm, an_emptied_xarray_has_no_nodes)
{
	static struct lock_class cls;
	struct xarray xa;
	void *old;
	xa_init(&xa, &cls);
	CHECK_EQ(xa_store(&xa, 1ul << 30 | 5, &xa, GFP_KERNEL, &old), 0);
	CHECK(xa_load(&xa, 1ul << 30 | 5) == &xa);
	CHECK(!xa_load(&xa, 5));
	CHECK_EQ(xa_store(&xa, 3, &cls, GFP_KERNEL, &old), 0);
	CHECK(xa_load(&xa, 3) == &cls);
	CHECK(xa_erase(&xa, 3) == &cls);
	CHECK(xa_erase(&xa, 1ul << 30 | 5) == &xa);
	CHECK(!xa.head);
	xa_destroy(&xa);
}
