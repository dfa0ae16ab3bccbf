// Virtually contiguous memory in the vmalloc range; kernel stacks; device mappings.
//
// Objects:    an area is a used range of addresses with its guard page behind it (for stacks also before it). Free ranges are a tree by address, augmented
//             with the largest size below each node. A freed area is unmapped at once, but its addresses return to the free tree only after all CPUs have
//             flushed them: purge() does that for many at a time.
// Lock order: vm_lock is a leaf. Purging sends interrupts: task context, no locks.
#include "mm/vmalloc.h"
#include "arch/tlb.h"
#include "kern/cpumask.h"
#include "kern/panic.h"
#include "kern/percpu_alloc.h"
#include "kern/spinlock.h"
#include "lib/errno.h"
#include "lib/llist.h"
#include "lib/rbtree.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "mm/pgtable.h"
#include "mm/slab.h"
#include "mm/slab_kasan.h"
#include "mm/vmalloc_internal.h"
#include "sched/task.h"

struct vm_area {
	struct rb_node node;		// in free_ranges (free), or used_areas
	u64 start, size;		// with guards
	u64 max_size;			// of the subtree of free ranges
	u64 map_start, map_size;	// what is mapped inside
	bool owns_pages;
	struct llist_node lazy;
};

DEFINE_LOCK_CLASS(vm_lock_class, LOCK_SOFTIRQ);
static struct spinlock vm_lock = SPINLOCK_INIT(&vm_lock_class);
static struct rb_root free_ranges = RB_ROOT;	// vm_lock
static struct rb_root used_areas = RB_ROOT;	// vm_lock
static struct llist_head lazy_areas;		// unmapped, not flushed
static struct atomic64 lazy_pages;
static struct atomic64 used_pages;
static struct kmem_cache *area_cache;
#define LAZY_MAX (8ull << 20 >> PAGE_SHIFT)

#define area_size(a) ((a)->size)
RB_DECLARE_CALLBACKS_MAX(static, free_cb, struct vm_area, node, u64, max_size, area_size);

static void free_insert(struct vm_area *a) REQUIRES(&vm_lock)
{
	struct rb_node **link = &free_ranges.rb_node, *parent = NULL;

	a->max_size = a->size;
	while (*link) {
		struct vm_area *p = rb_entry(*link, struct vm_area, node);

		parent = *link;
		p->max_size = MAX(p->max_size, a->size);
		link = a->start < p->start ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&a->node, parent, link);
	rb_insert_augmented(&a->node, &free_ranges, &free_cb);
}

static void used_insert(struct vm_area *a) REQUIRES(&vm_lock)
{
	struct rb_node **link = &used_areas.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = a->start < rb_entry(parent, struct vm_area, node)->start ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&a->node, parent, link);
	rb_insert_color(&a->node, &used_areas);
}

static struct vm_area *used_find(u64 addr) REQUIRES(&vm_lock)
{
	struct rb_node *n = used_areas.rb_node;

	while (n) {
		struct vm_area *a = rb_entry(n, struct vm_area, node);

		if (addr < a->start)
			n = n->rb_left;
		else if (addr >= a->start + a->size)
			n = n->rb_right;
		else
			return a;
	}
	return NULL;
}

static u64 subtree_max(struct rb_node *n)
{
	return n ? rb_entry(n, struct vm_area, node)->max_size : 0;
}

// The lowest free range of at least size bytes.
static struct vm_area *free_find(u64 size) REQUIRES(&vm_lock)
{
	struct rb_node *n = free_ranges.rb_node;

	if (subtree_max(n) < size)
		return NULL;
	for (;;) {
		struct vm_area *a = rb_entry(n, struct vm_area, node);

		if (subtree_max(n->rb_left) >= size)
			n = n->rb_left;
		else if (a->size >= size)
			return a;
		else
			n = n->rb_right;
	}
}

// Gives the addresses of a back, merging with free neighbours. Returns up to two structures to free in victims.
static void free_merge(struct vm_area *a, struct vm_area **victims) REQUIRES(&vm_lock)
{
	struct rb_node *p;

	free_insert(a);
	p = rb_prev(&a->node);
	if (p && rb_entry(p, struct vm_area, node)->start + rb_entry(p, struct vm_area, node)->size == a->start) {
		struct vm_area *b = rb_entry(p, struct vm_area, node);

		rb_erase_augmented(&b->node, &free_ranges, &free_cb);
		rb_erase_augmented(&a->node, &free_ranges, &free_cb);
		a->start = b->start;
		a->size += b->size;
		free_insert(a);
		victims[0] = b;
	}
	p = rb_next(&a->node);
	if (p && a->start + a->size == rb_entry(p, struct vm_area, node)->start) {
		struct vm_area *b = rb_entry(p, struct vm_area, node);

		rb_erase_augmented(&b->node, &free_ranges, &free_cb);
		rb_erase_augmented(&a->node, &free_ranges, &free_cb);
		a->size += b->size;
		free_insert(a);
		victims[1] = b;
	}
}

// Takes size bytes of addresses into a. 0 or -ENOMEM.
static int area_take(struct vm_area *a, u64 size)
{
	struct vm_area *f, *gone = NULL;

	spin_lock_bh(&vm_lock);
	f = free_find(size);
	if (f) {
		a->start = f->start;
		a->size = size;
		rb_erase_augmented(&f->node, &free_ranges, &free_cb);
		f->start += size;
		f->size -= size;
		if (f->size)
			free_insert(f);
		else
			gone = f;
		used_insert(a);
	}
	spin_unlock_bh(&vm_lock);
	kmem_cache_free(area_cache, gone);
	return f ? 0 : -ENOMEM;
}

void vmalloc_purge(void)
{
	struct llist_node *list = llist_del_all(&lazy_areas), *n;
	struct tlb_flush f = { .freed_tables = false };

	if (!list)
		return;
	atomic64_set(&lazy_pages, 0);
	preempt_disable();
	arch_tlb_flush_all();
	arch_tlb_flush_others(&cpu_online_mask, &f);
	preempt_enable();
	for (; list; list = n) {
		struct vm_area *a = llist_entry(list, struct vm_area, lazy), *victims[2] = { NULL, NULL };

		n = list->next;
		spin_lock_bh(&vm_lock);
		free_merge(a, victims);
		spin_unlock_bh(&vm_lock);
		kmem_cache_free(area_cache, victims[0]);
		kmem_cache_free(area_cache, victims[1]);
	}
}

static void area_release(struct vm_area *a);
static struct vm_area *area_alloc(u64 size, gfp_t gfp)
{
	struct vm_area *a = kmem_cache_alloc(area_cache, gfp & ~GFP_UNINIT);

	if (!a)
		return NULL;
	if (area_take(a, size)) {
		vmalloc_purge();
		if (area_take(a, size)) {
			kmem_cache_free(area_cache, a);
			return NULL;
		}
	}
	atomic64_add(&used_pages, size >> PAGE_SHIFT);
	if (kasan_populate_vmalloc(a->start, size)) {
		area_release(a);
		return NULL;
	}
	return a;
}

static void free_frame(u64 pfn, void *arg)
{
	pages_free(folio_addr(pfn_page(pfn)), 0);
}

// Unmaps a and queues its addresses for the next purge. Context: any but hard interrupts.
static void area_release(struct vm_area *a)
{
	kasan_poison((void *)a->map_start, a->map_size, KASAN_VMALLOC);
	if (a->map_size)
		kernel_unmap_range(a->map_start, a->map_start + a->map_size, a->owns_pages ? free_frame : NULL, NULL);
	spin_lock_bh(&vm_lock);
	rb_erase(&a->node, &used_areas);
	spin_unlock_bh(&vm_lock);
	atomic64_sub(&used_pages, a->size >> PAGE_SHIFT);
	atomic64_add(&lazy_pages, a->size >> PAGE_SHIFT);
	llist_add(&a->lazy, &lazy_areas);
	if (atomic64_read(&lazy_pages) > (s64)LAZY_MAX && in_task() && !preempt_count())
		vmalloc_purge();
}

// Allocates and maps pages one by one. 0 or -ENOMEM; what was mapped is undone by area_release().
static int map_new_pages(struct vm_area *a, u64 start, u64 size, gfp_t gfp)
{
	a->map_start = start;
	a->owns_pages = true;
	for (u64 off = 0; off < size; off += PAGE_SIZE) {
		void *p = pages_alloc(gfp, 0);

		if (!p)
			return -ENOMEM;
		if (kernel_map_page(start + off, virt_to_phys(p) >> PAGE_SHIFT, PGPROT_KERNEL)) {
			pages_free(p, 0);
			return -ENOMEM;
		}
		a->map_size = off + PAGE_SIZE;
	}
	return 0;
}

void *vmalloc(size_t size, gfp_t gfp)
{
	size_t asked = size;
	struct vm_area *a;

	size = ALIGN_UP(size, PAGE_SIZE);
	if (!size || size >> PAGE_SHIFT > 1ul << 30)
		return NULL;
	a = area_alloc(size + PAGE_SIZE, gfp);
	if (!a)
		return NULL;
	if (map_new_pages(a, a->start, size, gfp)) {
		area_release(a);
		return NULL;
	}
	kasan_unpoison((void *)a->start, asked);
	return (void *)a->start;
}

static struct vm_area *area_of(const void *p)
{
	struct vm_area *a;

	spin_lock_bh(&vm_lock);
	a = used_find((u64)p);
	spin_unlock_bh(&vm_lock);
	ASSERT(a);
	return a;
}

void vfree(const void *p)
{
	if (p)
		area_release(area_of(p));
}

void *ioremap(paddr_t phys, size_t size)
{
	u64 offset = phys & (PAGE_SIZE - 1);
	struct vm_area *a;

	size = ALIGN_UP(size + offset, PAGE_SIZE);
	a = area_alloc(size + PAGE_SIZE, GFP_KERNEL);
	if (!a)
		return NULL;
	a->map_start = a->start;
	a->map_size = size;
	if (kernel_map_range(a->start, a->start + size, phys - offset, PGPROT_KERNEL_UC)) {
		area_release(a);
		return NULL;
	}
	kasan_unpoison((void *)a->start, size);
	return (char *)a->start + offset;
}

void iounmap(void *p)
{
	vfree(p);
}

void *percpu_chunk_memory(size_t size)
{
	return vmalloc(size, GFP_KERNEL);
}

// --- kernel stacks: mapped ones are kept for reuse, a few per CPU, then a shared list ---

#define STACK_CACHE 4
struct stack_cache {
	u32 n;
	void *stack[STACK_CACHE];
};
STATIC_PER_CPU(struct stack_cache, stack_cache);	// interrupts off
static struct llist_head spare_stacks;			// linked through their lowest word
static struct atomic nr_spare_stacks;
static struct atomic64 nr_stacks;
#define SPARE_STACKS_MAX 64

static void *stack_create(void)
{
	struct vm_area *a = area_alloc(KSTACK_SIZE + 2 * PAGE_SIZE, GFP_KERNEL);

	if (!a)
		return NULL;
	if (map_new_pages(a, a->start + PAGE_SIZE, KSTACK_SIZE, GFP_KERNEL)) {
		area_release(a);
		return NULL;
	}
	atomic64_inc(&nr_stacks);
	kasan_unpoison((void *)(a->start + PAGE_SIZE), KSTACK_SIZE);
	return (void *)(a->start + PAGE_SIZE);
}

static void *spare_take(void)
{
	struct llist_node *all = llist_del_all(&spare_stacks), *n;

	if (!all)
		return NULL;
	for (struct llist_node *i = all->next; i; i = n) {
		n = i->next;
		llist_add(i, &spare_stacks);
	}
	atomic_dec(&nr_spare_stacks);
	return all;
}

void *kstack_alloc(void)
{
	unsigned long flags = irq_save();
	struct stack_cache *c = this_cpu_ptr(&stack_cache);
	void *s = c->n ? c->stack[--c->n] : NULL;

	irq_restore(flags);
	if (!s && atomic_read(&nr_spare_stacks))
		s = spare_take();
	return s ? s : stack_create();
}

void kstack_free(void *stack)
{
	unsigned long flags = irq_save();
	struct stack_cache *c = this_cpu_ptr(&stack_cache);
	bool kept = c->n < STACK_CACHE;

	kasan_unpoison(stack, KSTACK_SIZE);	// its last user did not return through its frames
	if (kept)
		c->stack[c->n++] = stack;
	irq_restore(flags);
	if (kept)
		return;
	if (atomic_read(&nr_spare_stacks) < SPARE_STACKS_MAX) {
		atomic_inc(&nr_spare_stacks);
		llist_add(stack, &spare_stacks);
		return;
	}
	atomic64_dec(&nr_stacks);
	vfree(stack);
}

bool kstack_is_guard(u64 addr)
{
	u64 low = (u64)current->stack;

	return addr < low && addr >= low - PAGE_SIZE;
}

u64 kstack_pages(void)
{
	return (u64)atomic64_read(&nr_stacks) << (KSTACK_SHIFT - PAGE_SHIFT);
}

u64 vmalloc_pages(void)
{
	return atomic64_read(&used_pages);
}

INIT void vmalloc_init(void)
{
	struct vm_area *all;

	area_cache = kmem_cache_create("vm_area", sizeof(struct vm_area), 0, SLAB_PANIC, NULL);
	all = kmem_cache_alloc(area_cache, GFP_KERNEL);
	if (!all)
		panic("too little memory for the vmalloc range");
	all->start = VMALLOC_START;
	all->size = VMALLOC_END - VMALLOC_START;
	spin_lock_bh(&vm_lock);
	free_insert(all);
	spin_unlock_bh(&vm_lock);
}
