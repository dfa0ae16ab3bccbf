// Kernel objects: slabs of equal objects, per-CPU magazines before them.
//
// Objects:    a slab is 2^order pages; its descriptor (struct folio) holds the list of free objects and a count. A magazine is a stack of free
//             objects of one CPU. An object is in use, in a magazine, or on its slab's list.
// Lock order: kmem_cache.lock (interrupts off) > zone.lock. Magazines: interrupts off on their CPU.
// Free objects are linked through a word at cache->link: at the start, or behind the object when its contents must survive (constructor, TYPESAFE_BY_RCU).
#include "mm/slab.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/percpu_alloc.h"
#include "kern/rcu.h"
#include "kern/upcalls.h"
#include "lib/fmt.h"
#include "lib/errno.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "mm/slab_internal.h"
#include "mm/slab_kasan.h"
#include "mm/vmalloc.h"
#include "sched/mutex.h"

DEFINE_LOCK_CLASS_NESTABLE(slab_lock_class, LOCK_HARDIRQ);
DEFINE_LOCK_CLASS(slab_caches_class, LOCK_TASK);
static struct mutex slab_caches_lock = MUTEX_INIT(slab_caches_lock, &slab_caches_class);
static LIST_HEAD(slab_caches);		// slab_caches_lock

static struct kmem_cache size_caches[NR_SIZE_CLASSES];
static struct kmem_cache cache_cache;	// of struct kmem_cache
static const u16 size_of_class[NR_SIZE_CLASSES] = { 8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192 };
static u8 class_of_size[256 / 8 + 1];	// up to 256 bytes, by 8

// --- objects in slabs ---

// The link to the next free object. It lies where nobody else may touch.
static inline NO_KASAN void *link_read(const struct kmem_cache *c, void *obj)
{
	return *(void **)(void *)((char *)obj + c->link);
}

static inline NO_KASAN void link_write(const struct kmem_cache *c, void *obj, void *next)
{
	*(void **)(void *)((char *)obj + c->link) = next;
}

#if SLAB_GUARDS
static void debug_mark_free(struct kmem_cache *c, void *obj)
{
	u64 *zone = (u64 *)((char *)obj + c->redzone);

	if (zone[0] != SLAB_REDZONE_USED)
		panic("slab %s: object %llx freed twice, or overrun (guard %llx, last user %pS)", c->name, (u64)obj, zone[0], (void *)zone[1]);
	zone[0] = SLAB_REDZONE_FREE;
	if (!c->ctor && !(c->flags & SLAB_TYPESAFE_BY_RCU))
		memset(obj, SLAB_POISON, c->object_size);
}

static void debug_mark_used(struct kmem_cache *c, void *obj, u64 caller)
{
	u64 *zone = (u64 *)((char *)obj + c->redzone);

	if (zone[0] != SLAB_REDZONE_FREE)
		panic("slab %s: free object %llx was overwritten (guard %llx)", c->name, (u64)obj, zone[0]);
	if (!c->ctor && !(c->flags & SLAB_TYPESAFE_BY_RCU) && memchr_inv(obj, SLAB_POISON, c->object_size))
		panic("slab %s: object %llx was written after it was freed (last user %pS)", c->name, (u64)obj, (void *)zone[1]);
	zone[0] = SLAB_REDZONE_USED;
	zone[1] = caller;
}

static void debug_init_object(struct kmem_cache *c, void *obj)
{
	u64 *zone = (u64 *)((char *)obj + c->redzone);

	zone[0] = SLAB_REDZONE_FREE;
	zone[1] = 0;
	if (!c->ctor && !(c->flags & SLAB_TYPESAFE_BY_RCU))
		memset(obj, SLAB_POISON, c->object_size);
}
#else
static inline void debug_mark_free(struct kmem_cache *c, void *obj) { }
static inline void debug_mark_used(struct kmem_cache *c, void *obj, u64 caller) { }
static inline void debug_init_object(struct kmem_cache *c, void *obj) { }
#endif

static void object_init(struct kmem_cache *c, void *obj)
{
#ifdef CONFIG_KASAN
	kasan_slab_object_init(c, obj);
#else
	debug_init_object(c, obj);
	if (c->ctor)
		c->ctor(obj);
#endif
}

// A new slab, all objects free; not yet on a list.
static struct folio *slab_create(struct kmem_cache *c, gfp_t gfp)
{
	struct folio *s = folio_alloc_frozen((gfp & ~GFP_MOVABLE) | GFP_UNINIT, c->order);
	char *base;

	if (!s)
		return NULL;
	base = folio_addr(s);
	folio_set(s, PG_SLAB);
	s->slab = c;
	s->freelist = NULL;
	s->inuse = 0;
	s->objects = c->objects;
	for (int i = c->objects - 1; i >= 0; i--) {
		void *obj = base + (size_t)i * c->stride;

		object_init(c, obj);
		link_write(c, obj, s->freelist);
		s->freelist = obj;
	}
	return s;
}

static void slab_free_rcu(struct rcu_head *head)
{
	struct folio *s = CONTAINER_OF((u64 *)(void *)head, struct folio, index);

	folio_clear(s, PG_SLAB);
	folio_free_raw(s);
}

static void slab_destroy(struct kmem_cache *c, struct folio *s)
{
	BUILD_ASSERT(offsetof(struct folio, private) == offsetof(struct folio, index) + 8, "the two words hold an rcu_head");
	if (c->flags & SLAB_TYPESAFE_BY_RCU) {
		call_rcu((struct rcu_head *)(void *)&s->index, slab_free_rcu);
		return;
	}
	folio_clear(s, PG_SLAB);
	folio_free_raw(s);
}

// Lists of slabs: those with free objects (partial, or empty ones kept), and in debug builds the full ones.
static void slab_relist(struct kmem_cache *c, struct folio *s, struct list_head *dead) REQUIRES(&c->lock)
{
	bool was_full = s->freelist && s->inuse + 1 == s->objects;

	if (s->inuse == 0 && c->nr_empty >= SLAB_KEEP_EMPTY) {
		list_move(&s->lru, dead);
		c->nr_slabs--;
	} else if (s->inuse == 0) {
		c->nr_empty++;
		list_move_tail(&s->lru, &c->partial);
	} else if (was_full) {
		list_move(&s->lru, &c->partial);
	}
}

static void object_to_slab(struct kmem_cache *c, void *obj, struct list_head *dead) REQUIRES(&c->lock)
{
	struct folio *s = virt_folio(obj);

	link_write(c, obj, s->freelist);
	s->freelist = obj;
	s->inuse--;
	slab_relist(c, s, dead);
}

static void destroy_list(struct kmem_cache *c, struct list_head *dead)
{
	struct folio *s, *n;

	list_for_each_entry_safe(s, n, dead, lru) {
		list_del(&s->lru);
		slab_destroy(c, s);
	}
}

// Moves up to want free objects from partial slabs to the magazine.
static void magazine_fill_locked(struct kmem_cache *c, struct magazine *m, u32 want) REQUIRES(&c->lock)
{
	while (m->n < want && !list_empty(&c->partial)) {
		struct folio *s = list_first_entry(&c->partial, struct folio, lru);

		if (s->inuse == 0)
			c->nr_empty--;
		while (m->n < want && s->freelist) {
			void *obj = s->freelist;

			s->freelist = link_read(c, obj);
			s->inuse++;
			m->obj[m->n++] = obj;
		}
		if (!s->freelist)
			list_move(&s->lru, &c->full);
	}
}

// Interrupts off on entry and exit; may enable them in between to allocate. Returns an object or null.
static NOINLINE void *magazine_refill(struct kmem_cache *c, gfp_t gfp, unsigned long irqflags)
{
	struct magazine *m = this_cpu_ptr(c->magazines);
	struct folio *s;

	spin_lock(&c->lock);
	magazine_fill_locked(c, m, c->batch);
	spin_unlock(&c->lock);
	if (m->n)
		return m->obj[--m->n];
	irq_restore(irqflags);
	s = slab_create(c, gfp);
	irq_disable();
	if (!s)
		return NULL;
	m = this_cpu_ptr(c->magazines);		// possibly another CPU's by now
	spin_lock(&c->lock);
	c->nr_slabs++;
	c->nr_empty++;
	list_add(&s->lru, &c->partial);
	if (!m->n)
		magazine_fill_locked(c, m, c->batch);
	spin_unlock(&c->lock);
	return m->n ? m->obj[--m->n] : NULL;
}

static NOINLINE void magazine_flush(struct kmem_cache *c, struct magazine *m, u32 keep)
{
	LIST_HEAD(dead);

	spin_lock(&c->lock);
	while (m->n > keep)
		object_to_slab(c, m->obj[--m->n], &dead);
	spin_unlock(&c->lock);
	destroy_list(c, &dead);
}

static ALWAYS_INLINE void *cache_alloc(struct kmem_cache *c, size_t size, gfp_t gfp, u64 caller)
{
	unsigned long flags = irq_save();
	struct magazine *m = this_cpu_ptr(c->magazines);
	void *obj = likely(m->n) ? m->obj[--m->n] : magazine_refill(c, gfp, flags);

	irq_restore(flags);
	if (unlikely(!obj))
		return NULL;
	debug_mark_used(c, obj, caller);
	kasan_slab_alloc(c, obj, size);
	return obj;
}

// Interrupts off.
static ALWAYS_INLINE void magazine_put(struct kmem_cache *c, void *obj)
{
	struct magazine *m = this_cpu_ptr(c->magazines);

	if (unlikely(m->n >= c->capacity))
		magazine_flush(c, m, c->capacity - c->batch);
	m->obj[m->n++] = obj;
}

#ifdef CONFIG_KASAN
void slab_free_now(struct kmem_cache *c, void *obj)
{
	magazine_put(c, obj);
}
#endif

static ALWAYS_INLINE void cache_free(struct kmem_cache *c, void *obj)
{
	unsigned long flags;

	debug_mark_free(c, obj);
	if (!kasan_slab_free(c, obj))
		return;
	flags = irq_save();
	if (!kasan_quarantine(c, obj))
		magazine_put(c, obj);
	irq_restore(flags);
}

// --- public: caches ---

void *kmem_cache_alloc(struct kmem_cache *c, gfp_t gfp)
{
	void *obj = fail_alloc(gfp) ? NULL : cache_alloc(c, c->object_size, gfp, (u64)__builtin_return_address(0));

	if (likely(obj) && !(gfp & GFP_UNINIT) && !c->ctor)
		memset(obj, 0, c->object_size);
	return obj;
}

void kmem_cache_free(struct kmem_cache *c, void *obj)
{
	if (likely(obj))
		cache_free(c, obj);
}

static u8 pick_order(size_t stride)
{
	for (u8 order = 0; order < 3; order++) {
		size_t bytes = PAGE_SIZE << order;

		if (bytes / stride >= 8 && bytes % stride <= bytes / 8)
			return order;
	}
	return stride > (PAGE_SIZE << 3) / 4 ? 3 : 2;
}

static int cache_setup(struct kmem_cache *c, const char *name, size_t size, size_t align, u32 flags, void (*ctor)(void *obj))
{
	bool keep_contents = ctor || (flags & SLAB_TYPESAFE_BY_RCU);
	size_t total = ALIGN_UP(MAX(size, sizeof(void *)), sizeof(void *));

	if (flags & SLAB_HWCACHE_ALIGN)
		align = MAX(align, (size_t)CACHELINE);
	align = MAX(align, sizeof(void *));
	*c = (struct kmem_cache){ .name = name, .object_size = size, .flags = flags, .ctor = ctor };
	c->link = SLAB_LINK_OUTSIDE || keep_contents ? total : 0;
	total += c->link ? sizeof(void *) : 0;
	c->redzone = total;
	total += SLAB_GUARDS ? 16 : 0;
	total = kasan_cache_setup(c, total);
	c->stride = ALIGN_UP(total, align);
	c->order = pick_order(c->stride);
	c->objects = (PAGE_SIZE << c->order) / c->stride;
	c->capacity = CLAMP((u32)(8192 / c->stride), 4u, (u32)MAGAZINE_MAX);
	c->batch = c->capacity / 2;
	spin_init(&c->lock, &slab_lock_class);
	INIT_LIST_HEAD(&c->partial);
	INIT_LIST_HEAD(&c->full);
	c->magazines = percpu_alloc(sizeof(struct magazine) + c->capacity * sizeof(void *), sizeof(void *));
	return c->magazines ? 0 : -ENOMEM;
}

static void cache_publish(struct kmem_cache *c)
{
	mutex_lock(&slab_caches_lock);
	list_add_tail(&c->link_all, &slab_caches);
	mutex_unlock(&slab_caches_lock);
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align, u32 flags, void (*ctor)(void *obj))
{
	struct kmem_cache *c = kmem_cache_alloc(&cache_cache, GFP_KERNEL);

	if (c && cache_setup(c, name, size, align, flags, ctor)) {
		kmem_cache_free(&cache_cache, c);
		c = NULL;
	}
	if (c)
		cache_publish(c);
	else if (flags & SLAB_PANIC)
		panic("too little memory for slab cache %s", name);
	return c;
}

// Gives the magazines of this CPU back. Runs on every CPU.
static void cache_drain_cpu(void *arg)
{
	struct kmem_cache *c = arg;
	unsigned long flags = irq_save();

	kasan_quarantine_flush();
	magazine_flush(c, this_cpu_ptr(c->magazines), 0);
	irq_restore(flags);
}

static void cache_drain(struct kmem_cache *c)
{
	smp_call_mask(&cpu_online_mask, cache_drain_cpu, c, true);
}

void kmem_cache_destroy(struct kmem_cache *c)
{
	LIST_HEAD(dead);
	struct folio *s, *n;

	if (!c)
		return;
	mutex_lock(&slab_caches_lock);
	list_del(&c->link_all);
	mutex_unlock(&slab_caches_lock);
	rcu_barrier();		// objects on their way here through kfree_rcu()
	cache_drain(c);
	spin_lock_irq(&c->lock);
	list_for_each_entry_safe(s, n, &c->partial, lru)
		if (!s->inuse)
			list_move(&s->lru, &dead);
	WARN_ON(!list_empty(&c->partial) || !list_empty(&c->full));
	spin_unlock_irq(&c->lock);
	destroy_list(c, &dead);
	rcu_barrier();
	percpu_free(c->magazines);
	kmem_cache_free(&cache_cache, c);
}

u64 kmem_cache_shrink_all(void)
{
	struct kmem_cache *c;
	u64 pages = 0;

	if (!mutex_trylock(&slab_caches_lock))
		return 0;
	list_for_each_entry(c, &slab_caches, link_all) {
		LIST_HEAD(dead);
		struct folio *s, *n;

		cache_drain(c);
		spin_lock_irq(&c->lock);
		list_for_each_entry_safe(s, n, &c->partial, lru) {
			if (s->inuse)
				continue;
			list_move(&s->lru, &dead);
			c->nr_empty--;
			c->nr_slabs--;
			pages += 1ul << c->order;
		}
		spin_unlock_irq(&c->lock);
		destroy_list(c, &dead);
	}
	mutex_unlock(&slab_caches_lock);
	return pages;
}

// --- public: sizes ---

static ALWAYS_INLINE struct kmem_cache *size_cache(size_t size)
{
	if (likely(size <= 256))
		return &size_caches[class_of_size[(size + 7) / 8]];
	if (size <= MAX_SLAB_SIZE)
		return &size_caches[CLASS_512 + (size > 512 ? 64 - __builtin_clzl((size - 1) >> 9) : 0)];
	return NULL;
}

static void *large_alloc(size_t size, gfp_t gfp)
{
	int order = 64 - __builtin_clzl((size - 1) >> PAGE_SHIFT);
	struct folio *f;

	if (order > MAX_ORDER)
		return NULL;
	f = folio_alloc(gfp & ~GFP_MOVABLE, order);
	return f ? folio_addr(f) : NULL;
}

void *kalloc(size_t size, gfp_t gfp)
{
	struct kmem_cache *c = size_cache(size);
	void *obj;

	if (unlikely(!c))
		return large_alloc(size, gfp);	// folio_alloc() asks fail_alloc()
	if (unlikely(fail_alloc(gfp)))
		return NULL;
	obj = cache_alloc(c, size, gfp, (u64)__builtin_return_address(0));
	if (likely(obj) && !(gfp & GFP_UNINIT))
		memset(obj, 0, size);
	return obj;
}

void kfree(const void *p)
{
	struct folio *s;

	if (!p)
		return;
	s = virt_folio(p);
	if (likely(folio_test(s, PG_SLAB)))
		cache_free(s->slab, (void *)p);
	else
		folio_put(s);
}

void rcu_kfree(void *object)
{
	kvfree(object);
}

size_t ksize(const void *p)
{
	struct folio *s = virt_folio(p);

	return folio_test(s, PG_SLAB) ? kasan_slab_size(s->slab, p) : folio_size(s);
}

void *krealloc(void *p, size_t size, gfp_t gfp)
{
	size_t old = p ? ksize(p) : 0;
	void *n;

	if (p && size <= old && size >= old / 4) {
		kasan_resize(p, size);
		return p;
	}
	n = kalloc(size, gfp);
	if (n && p) {
		memcpy(n, p, MIN(old, size));
		kfree(p);
	}
	return n;
}

void *kvalloc(size_t size, gfp_t gfp)
{
	void *p = size <= 2 * PAGE_SIZE ? kalloc(size, gfp) : NULL;

	return p ? p : vmalloc(size, gfp);
}

void kvfree(const void *p)
{
	if ((u64)p >= VMALLOC_START && (u64)p < VMALLOC_END)
		vfree(p);
	else
		kfree(p);
}

void *kmemdup(const void *p, size_t n, gfp_t gfp)
{
	void *d = kalloc(n, gfp | GFP_UNINIT);

	return d ? memcpy(d, p, n) : NULL;
}

char *kstrdup(const char *s, gfp_t gfp)
{
	return kmemdup(s, strlen(s) + 1, gfp);
}

char *kasprintf(gfp_t gfp, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = kalloc((size_t)n + 1, gfp | GFP_UNINIT);
	if (!s)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

// --- totals, leaks, start-up ---

void slab_totals(u64 *reclaimable, u64 *unreclaimable)
{
	struct kmem_cache *c;

	*reclaimable = *unreclaimable = 0;
	mutex_lock(&slab_caches_lock);
	list_for_each_entry(c, &slab_caches, link_all)
		*(c->flags & SLAB_RECLAIMABLE ? reclaimable : unreclaimable) += READ_ONCE(c->nr_slabs) << c->order;
	mutex_unlock(&slab_caches_lock);
}

static u64 cache_in_use(struct kmem_cache *c)
{
	struct folio *s;
	u64 n = 0;

	spin_lock_irq(&c->lock);
	list_for_each_entry(s, &c->partial, lru)
		n += s->inuse;
	list_for_each_entry(s, &c->full, lru)
		n += s->inuse;
	spin_unlock_irq(&c->lock);
	return n;
}

u64 slab_in_use(const char *name)
{
	struct kmem_cache *c;
	u64 n = 0;

	mutex_lock(&slab_caches_lock);
	list_for_each_entry(c, &slab_caches, link_all)
		if (!name || !strcmp(c->name, name)) {
			cache_drain(c);
			n += cache_in_use(c);
		}
	mutex_unlock(&slab_caches_lock);
	return n;
}

#ifdef CONFIG_KASAN
void slab_visit(const char *name, void (*fn)(struct kmem_cache *c, struct folio *s, void *arg), void *arg)
{
	struct kmem_cache *c;
	struct folio *s;

	mutex_lock(&slab_caches_lock);
	list_for_each_entry(c, &slab_caches, link_all) {
		if (strcmp(c->name, name))
			continue;
		spin_lock_irq(&c->lock);
		list_for_each_entry(s, &c->partial, lru)
			fn(c, s, arg);
		list_for_each_entry(s, &c->full, lru)
			fn(c, s, arg);
		spin_unlock_irq(&c->lock);
	}
	mutex_unlock(&slab_caches_lock);
}
#endif

void slab_for_each(void (*fn)(const struct slab_info *info, void *arg), void *arg)
{
	struct kmem_cache *c;

	mutex_lock(&slab_caches_lock);
	list_for_each_entry(c, &slab_caches, link_all)
		fn(&(struct slab_info){ .name = c->name, .in_use = cache_in_use(c), .objects = READ_ONCE(c->nr_slabs) * c->objects, .size = c->stride,
			.per_slab = c->objects, .pages_per_slab = 1u << c->order, .slabs = READ_ONCE(c->nr_slabs) }, arg);
	mutex_unlock(&slab_caches_lock);
}

INIT void slab_init(void)
{
	static const char *const names[NR_SIZE_CLASSES] = { "kalloc-8", "kalloc-16", "kalloc-32", "kalloc-64", "kalloc-96", "kalloc-128", "kalloc-192",
		"kalloc-256", "kalloc-512", "kalloc-1k", "kalloc-2k", "kalloc-4k", "kalloc-8k" };
	int err = cache_setup(&cache_cache, "kmem_cache", sizeof(struct kmem_cache), CACHELINE, 0, NULL);

	for (u32 i = 0, cls = 0; i < ARRAY_SIZE(class_of_size); i++) {
		if (i * 8 > size_of_class[cls])
			cls++;
		class_of_size[i] = cls;
	}
	for (int i = 0; i < NR_SIZE_CLASSES && !err; i++) {
		size_t size = size_of_class[i];

		err = cache_setup(&size_caches[i], names[i], size, size & (size - 1) ? 32 : size, 0, NULL);
	}
	if (err)
		panic("too little memory for the slab allocator");
	list_add_tail(&cache_cache.link_all, &slab_caches);
	for (int i = 0; i < NR_SIZE_CLASSES; i++)
		list_add_tail(&size_caches[i].link_all, &slab_caches);
}
