// KASAN's part in the allocators: who made and freed each object, its red zone, the quarantine; pages; vmalloc's shadow.
//
// Behind each object lies a struct track, itself forbidden ground. A freed object waits in its CPU's quarantine, so that an access
// through a stale pointer finds it freed, not reused.
#include "mm/slab_internal.h"
#include "arch/pte.h"
#include "arch/thread.h"
#include "arch/unwind.h"
#include "kern/kasan.h"
#include "kern/log.h"
#include "kern/percpu_alloc.h"
#include "kern/upcalls.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "mm/pgtable.h"
#include "mm/slab_kasan.h"
#include "sched/mutex.h"
#include "sched/task.h"

// ---- who ----

#define QUARANTINE_OBJECTS 512
#define QUARANTINE_BYTES (256u << 10)

struct quarantine {		// interrupts off on its CPU
	u32 first, n, bytes;	// a ring
	void *object[QUARANTINE_OBJECTS];
};
STATIC_PER_CPU(struct quarantine, quarantine);

static u32 leak_epoch;

static NO_KASAN void record(struct kasan_stack *s)
{
	struct unwind u;
	u32 n = 0;

	s->task = current;
	s->cpu = (u8)cpu_id();
	unwind_start(&u);
	for (u32 skip = 2; u.ip && n < ARRAY_SIZE(s->ip); unwind_next(&u))
		if (skip)
			skip--;
		else
			s->ip[n++] = (u32)u.ip;	// code lies in the top 4 GiB
	s->n = (u8)n;
}

static void print_stack(const char *what, const struct kasan_stack *s)
{
	pr_err("%s on CPU %u, by task %016llx:\n", what, s->cpu, (u64)s->task);
	for (u32 i = 0; i < s->n && i < ARRAY_SIZE(s->ip); i++)
		pr_err("  [%016llx] %pS\n", 0xffffffff00000000ull | s->ip[i], (void *)((0xffffffff00000000ull | s->ip[i]) - 1));
}

static inline struct kasan_track *track_of(const struct kmem_cache *c, const void *obj)
{
	return (struct kasan_track *)((char *)obj + c->kasan);
}

size_t kasan_cache_setup(struct kmem_cache *c, size_t total)
{
	c->kasan = (u32)ALIGN_UP(total, 8ul) + 8;	// at least 8 forbidden bytes, also when all the object is used
	return c->kasan + sizeof(struct kasan_track);
}

NO_KASAN void kasan_slab_object_init(struct kmem_cache *c, void *obj)
{
	*track_of(c, obj) = (struct kasan_track){ .state = KASAN_OBJECT_NEW };
	kasan_poison(obj, c->stride, KASAN_SLAB_REDZONE);
	if (c->ctor) {
		kasan_unpoison(obj, c->object_size);
		c->ctor(obj);
	}
	if (c->flags & SLAB_TYPESAFE_BY_RCU)
		kasan_unpoison(obj, c->object_size);
	else
		kasan_poison(obj, ALIGN_UP(c->object_size, 8u), KASAN_SLAB_FREE);
}

NO_KASAN void kasan_slab_alloc(struct kmem_cache *c, void *obj, size_t size)
{
	struct kasan_track *t = track_of(c, obj);

	t->state = KASAN_OBJECT_USED;
	t->size = (u32)size;
	t->epoch = READ_ONCE(leak_epoch);
	record(&t->alloc);
	kasan_poison(obj, ALIGN_UP(c->object_size, 8u), KASAN_SLAB_REDZONE);
	kasan_unpoison(obj, size);
}

NO_KASAN void kasan_resize(void *obj, size_t size)
{
	struct folio *s = virt_folio(obj);
	struct kmem_cache *c = s->slab;

	if (!folio_test(s, PG_SLAB))
		return;
	track_of(c, obj)->size = (u32)size;
	kasan_poison(obj, ALIGN_UP(c->object_size, 8u), KASAN_SLAB_REDZONE);
	kasan_unpoison(obj, size);
}

NO_KASAN size_t kasan_slab_size(const struct kmem_cache *c, const void *obj)
{
	return track_of(c, obj)->size;
}

static NO_KASAN bool is_object(const struct kmem_cache *c, const void *p)
{
	u64 off = (u64)p & ((PAGE_SIZE << c->order) - 1);

	return off % c->stride == 0 && off / c->stride < c->objects;
}

NO_KASAN bool kasan_slab_free(struct kmem_cache *c, void *obj)
{
	struct kasan_track *t = track_of(c, obj);

	if (!is_object(c, obj) || xchg(&t->state, KASAN_OBJECT_FREE) != KASAN_OBJECT_USED) {
		kasan_report_free(obj);
		return false;
	}
	record(&t->free);
	if (c->flags & SLAB_TYPESAFE_BY_RCU)	// readers may look at it still
		kasan_unpoison(obj, c->object_size);
	else
		kasan_poison(obj, ALIGN_UP(c->object_size, 8u), KASAN_SLAB_FREE);
	return true;
}

// ---- quarantine ----

static void *quarantine_pop(struct quarantine *q)
{
	void *obj = q->object[q->first];

	q->first = (q->first + 1) % QUARANTINE_OBJECTS;
	q->n--;
	q->bytes -= virt_folio(obj)->slab->stride;
	return obj;
}

bool kasan_quarantine(struct kmem_cache *c, void *obj)
{
	struct quarantine *q = this_cpu_ptr(&quarantine);

	if (c->flags & SLAB_TYPESAFE_BY_RCU)
		return false;
	while (q->n == QUARANTINE_OBJECTS || (q->n && q->bytes + c->stride > QUARANTINE_BYTES)) {
		void *old = quarantine_pop(q);

		slab_free_now(virt_folio(old)->slab, old);
	}
	q->object[(q->first + q->n++) % QUARANTINE_OBJECTS] = obj;
	q->bytes += c->stride;
	return true;
}

void kasan_quarantine_flush(void)
{
	struct quarantine *q = this_cpu_ptr(&quarantine);

	while (q->n) {
		void *old = quarantine_pop(q);

		slab_free_now(virt_folio(old)->slab, old);
	}
}

// ---- vmalloc: shadow pages are made when addresses are first used, and kept ----

#ifdef KASAN_SHADOW_IS_THERE	// arch/host
int kasan_populate_vmalloc(u64 start, u64 size)
{
	kasan_poison((void *)start, size, KASAN_VMALLOC);
	return 0;
}
#else
DEFINE_LOCK_CLASS(kasan_populate_class, LOCK_TASK);
static struct mutex populate_lock = MUTEX_INIT(populate_lock, &kasan_populate_class);

static int populate_page(u64 va)
{
	pte_t *pte = kernel_pte(va);
	void *p;
	int err;

	if (pte && !pte_none(pte_read(pte)))
		return 0;
	p = pages_alloc(GFP_KERNEL | GFP_UNINIT, 0);
	if (!p)
		return -ENOMEM;
	memset(p, KASAN_VMALLOC, PAGE_SIZE);
	err = kernel_map_page(va, virt_to_phys(p) >> PAGE_SHIFT, PGPROT_KERNEL);
	if (err)
		pages_free(p, 0);
	return err;
}

int kasan_populate_vmalloc(u64 start, u64 size)
{
	u64 va = ALIGN_DOWN((u64)KASAN_SHADOW(start), PAGE_SIZE), end = (u64)KASAN_SHADOW(start + size);
	int err = 0;

	mutex_lock(&populate_lock);
	for (; va < end && !err; va += PAGE_SIZE)
		err = populate_page(va);
	mutex_unlock(&populate_lock);
	return err;
}
#endif

// ---- reports ----

static NO_KASAN void describe_object(const struct kmem_cache *c, u64 addr)
{
	u64 base = ALIGN_DOWN(addr, PAGE_SIZE << c->order), i = (addr - base) / c->stride;
	const char *obj = (const char *)(base + i * c->stride);
	const struct kasan_track *t = track_of(c, obj);

	if (i >= c->objects) {
		pr_err("Behind the last object of a slab of %s\n", c->name);
		return;
	}
	pr_err("%llu bytes into the object of %u bytes at %016llx, cache %s (%u bytes), %s\n", addr - (u64)obj, t->size, (u64)obj, c->name,
	       c->object_size, t->state == KASAN_OBJECT_USED ? "in use" : t->state == KASAN_OBJECT_FREE ? "freed" : "never used");
	if (t->state != KASAN_OBJECT_NEW)
		print_stack("Allocated", &t->alloc);
	if (t->state == KASAN_OBJECT_FREE)
		print_stack("Freed", &t->free);
}

static void describe_page(u64 addr)
{
	u64 pfn = (addr - PHYS_OFFSET) >> PAGE_SHIFT;
	struct folio *f;

	if (!pfn_valid(pfn)) {
		pr_err("Not memory\n");
		return;
	}
	f = virt_folio((void *)addr);
	if (folio_test(f, PG_SLAB))
		describe_object(f->slab, addr);
	else
		pr_err("In page frame %llx, flags %llx\n", pfn, (u64)f->flags);
}

static void describe_stack(u64 addr)
{
	char who[40];

	task_describe(current, who, sizeof(who));
	pr_err("%llu bytes above the bottom of the stack of %s\n", addr - (u64)current->stack, who);
}

void kasan_describe(u64 addr)
{
	if (addr - (u64)current->stack < KSTACK_SIZE)
		describe_stack(addr);
	else if (addr >= PHYS_OFFSET && addr < PHYS_OFFSET + PHYS_MAP_SIZE)
		describe_page(addr);
	else if (addr >= VMALLOC_START && addr < VMALLOC_END)
		pr_err("In the vmalloc range\n");
	else if (addr >= KIMAGE_START)
		pr_err("In the kernel's image; the symbol before it: %pS\n", (void *)addr);
}

// ---- leaks ----

#define LEAK_SITES 6
struct leak_sites {
	u32 n;
	struct kasan_track track[LEAK_SITES];
	const void *object[LEAK_SITES];
};

void kasan_leak_mark(void)
{
	WRITE_ONCE(leak_epoch, 1);
}

static NO_KASAN void visit_slab(struct kmem_cache *c, struct folio *s, void *arg)
{
	struct leak_sites *l = arg;

	for (u32 i = 0; i < s->objects && l->n < LEAK_SITES; i++) {
		const char *obj = (const char *)folio_addr(s) + (size_t)i * c->stride;
		const struct kasan_track *t = track_of(c, obj);

		if (t->state != KASAN_OBJECT_USED || !t->epoch)
			continue;
		kasan_raw_memcpy(&l->track[l->n], t, sizeof(*t));
		l->object[l->n++] = obj;
	}
}

void kasan_leak_sites(const char *cache)
{
	static struct leak_sites l;	// power-off is single
	l.n = 0;
	slab_visit(cache, visit_slab, &l);
	for (u32 i = 0; i < l.n; i++) {
		pr_err("leak: %u bytes at %016llx, cache %s\n", l.track[i].size, (u64)l.object[i], cache);
		print_stack("Allocated", &l.track[i].alloc);
	}
}
