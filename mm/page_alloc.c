// The physical page allocator: buddy lists per zone, per-CPU stacks of free pages before them.
#include "mm/page_alloc.h"
#include "arch/boot.h"
#include "arch/irq.h"
#include "kern/fail.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/smp.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/slab_kasan.h"
#include "sched/task.h"

DEFINE_LOCK_CLASS(zone_lock_class, LOCK_HARDIRQ);
struct zone zones[NR_ZONES];

// State of each section. Written at start-up, and by section_activate() under the zone's lock.
enum section_state { SECTION_ABSENT, SECTION_PARTIAL, SECTION_DEFERRED, SECTION_WHOLE };
static u8 *section_state;
static u64 nr_sections;

// Stacks of free pages: orders of single pages, kernel stacks, and anonymous folios of 64 KiB.
#define PCP_MAX 64
static const u8 pcp_order[] = { 0, 2, 4 };
static const u8 pcp_batch[] = { 32, 4, 4 };
static const u8 pcp_high[] = { 64, 16, 16 };
#define NR_PCP ARRAY_SIZE(pcp_order)
struct pcp {
	u32 n[NR_PCP];
	struct folio *page[NR_PCP][PCP_MAX];
};
STATIC_PER_CPU(struct pcp, pcp);	// interrupts off

static inline int pcp_index(int order)
{
	return order == 0 ? 0 : order == 2 ? 1 : order == 4 ? 2 : -1;
}

bool pfn_valid(u64 pfn)
{
	u64 s = pfn / SECTION_PAGES;

	return s < nr_sections && (section_state[s] == SECTION_WHOLE || section_state[s] == SECTION_PARTIAL);
}

static inline struct zone *pfn_zone(u64 pfn)
{
	return &zones[pfn < (1ull << (32 - PAGE_SHIFT)) ? ZONE_DMA32 : ZONE_NORMAL];
}

static inline u64 buddy_flags(int order)
{
	return 1ul << PG_BUDDY | (u64)order << FOLIO_ORDER_SHIFT;
}

// --- buddy lists: zone->lock held, interrupts off ---

static void block_add(struct zone *z, struct folio *p, int order) REQUIRES(&z->lock)
{
	p->flags = buddy_flags(order);
	list_add(&p->lru, &z->free[order]);
	z->nr_block[order]++;
}

static void block_del(struct zone *z, struct folio *p, int order) REQUIRES(&z->lock)
{
	list_del(&p->lru);
	p->flags = 0;
	z->nr_block[order]--;
}

// The buddy of a block of this order, when it is free as a whole.
static struct folio *free_buddy(u64 pfn, int order)
{
	u64 b = pfn ^ (1ul << order);
	struct folio *p;

	if (unlikely((b ^ pfn) >= SECTION_PAGES) || !pfn_valid(b))
		return NULL;
	p = pfn_page(b);
	return READ_ONCE(p->flags) == buddy_flags(order) ? p : NULL;
}

static void buddy_free(struct zone *z, struct folio *p, int order) REQUIRES(&z->lock)
{
	u64 pfn = folio_pfn(p);
	struct folio *b;

	WRITE_ONCE(z->nr_free, z->nr_free + (1ul << order));
	while (order < MAX_ORDER && (b = free_buddy(pfn, order))) {
		block_del(z, b, order);
		pfn &= ~(1ul << order);
		order++;
	}
	block_add(z, pfn_page(pfn), order);
}

static struct folio *buddy_alloc(struct zone *z, int order) REQUIRES(&z->lock)
{
	for (int o = order; o <= MAX_ORDER; o++) {
		struct folio *p;

		if (list_empty(&z->free[o]))
			continue;
		p = list_first_entry(&z->free[o], struct folio, lru);
		block_del(z, p, o);
		while (o > order) {
			o--;
			block_add(z, p + (1ul << o), o);
		}
		WRITE_ONCE(z->nr_free, z->nr_free - (1ul << order));
		return p;
	}
	return NULL;
}

static void section_free(struct zone *z, u64 start_pfn, u64 end_pfn) REQUIRES(&z->lock)
{
	while (start_pfn < end_pfn) {
		int order = start_pfn ? MIN(__builtin_ctzl(start_pfn), MAX_ORDER) : MAX_ORDER;

		while (start_pfn + (1ul << order) > end_pfn)
			order--;
		buddy_free(z, pfn_page(start_pfn), order);
		start_pfn += 1ul << order;
	}
}

// Sets up one deferred section of the zone. Its descriptors live in its own first pages.
static bool section_activate(struct zone *z) REQUIRES(&z->lock)
{
	for (u64 s = 0; z->nr_deferred && s < nr_sections; s++) {
		u64 pfn = s * SECTION_PAGES;
		paddr_t mem = pfn << PAGE_SHIFT;

		if (section_state[s] != SECTION_DEFERRED || pfn_zone(pfn) != z)
			continue;
		memset(phys_to_virt(mem), 0, SECTION_DESC);
		vmemmap_map_whole(s, mem);
		WRITE_ONCE(section_state[s], SECTION_WHOLE);
		WRITE_ONCE(z->nr_deferred, z->nr_deferred - (SECTION_PAGES - SECTION_DESC / PAGE_SIZE));
		section_free(z, pfn + SECTION_DESC / PAGE_SIZE, pfn + SECTION_PAGES);
		return true;
	}
	return false;
}

// One block from the zone, if that leaves `mark` pages free.
static struct folio *zone_alloc_locked(struct zone *z, int order, u64 mark) REQUIRES(&z->lock)
{
	struct folio *p;

	while (z->nr_deferred && z->nr_free < z->wmark_high + (1ul << order))
		if (!section_activate(z))
			break;
	if (z->nr_free < mark + (1ul << order))
		return NULL;
	p = buddy_alloc(z, order);
	while (!p && section_activate(z))
		p = buddy_alloc(z, order);
	return p;
}

static u64 zone_mark(const struct zone *z, gfp_t gfp)
{
	if ((current->flags & PF_MEMALLOC) || (gfp & GFP_NOFAIL_RESERVE))
		return 0;
	if (gfp & GFP_HIGH)
		return z->wmark_min / 2;
	return z->wmark_min;
}

static struct folio *zones_alloc(gfp_t gfp, int order)
{
	for (int i = gfp & GFP_DMA32 ? ZONE_DMA32 : NR_ZONES - 1; i >= 0; i--) {
		struct zone *z = &zones[i];
		struct folio *p;
		unsigned long flags;

		if (!z->managed)
			continue;
		flags = spin_lock_irqsave(&z->lock);
		p = zone_alloc_locked(z, order, zone_mark(z, gfp));
		spin_unlock_irqrestore(&z->lock, flags);
		if (unlikely(z->nr_free < z->wmark_low) && !z->nr_deferred && (gfp & GFP_RECLAIM_KSWAPD))
			reclaim_wake();
		if (p)
			return p;
	}
	return NULL;
}

// Fills an empty stack; interrupts off. Returns one page besides.
static struct folio *pcp_refill(struct pcp *c, int i)
{
	for (int n = NR_ZONES - 1; n >= 0; n--) {
		struct zone *z = &zones[n];
		struct folio *p = NULL;

		if (!z->managed)
			continue;
		spin_lock(&z->lock);
		while (c->n[i] < pcp_batch[i] && (p = zone_alloc_locked(z, pcp_order[i], z->wmark_low)))
			c->page[i][c->n[i]++] = p;
		spin_unlock(&z->lock);
		if (c->n[i])
			return c->page[i][--c->n[i]];
	}
	return NULL;
}

static void pcp_flush(struct pcp *c, int i, u32 keep) NO_LOCK_ANALYSIS	// changes locks in the loop
{
	struct zone *locked = NULL;

	for (u32 k = c->n[i]; k > keep; k--) {
		struct folio *p = c->page[i][k - 1];
		struct zone *z = pfn_zone(folio_pfn(p));

		if (z != locked) {
			if (locked)
				spin_unlock(&locked->lock);
			spin_lock(&z->lock);
			locked = z;
		}
		buddy_free(z, p, pcp_order[i]);
	}
	if (locked)
		spin_unlock(&locked->lock);
	c->n[i] = MIN(c->n[i], keep);
}

u64 mem_total_pages(void)
{
	u64 n = 0;

	for (int i = 0; i < NR_ZONES; i++)
		n += READ_ONCE(zones[i].managed);
	return n;
}

void pcp_drain(void)
{
	unsigned long flags = irq_save();
	struct pcp *c = this_cpu_ptr(&pcp);

	for (u32 i = 0; i < NR_PCP; i++)
		pcp_flush(c, i, 0);
	irq_restore(flags);
}

u64 pcp_pages(void)
{
	u64 sum = 0;

	for_each_online_cpu(cpu)
		for (u32 i = 0; i < NR_PCP; i++)
			sum += (u64)READ_ONCE(per_cpu(pcp, cpu).n[i]) << pcp_order[i];
	return sum;
}

static inline struct folio *pcp_alloc(int i)
{
	unsigned long flags = irq_save();
	struct pcp *c = this_cpu_ptr(&pcp);
	struct folio *p = likely(c->n[i]) ? c->page[i][--c->n[i]] : pcp_refill(c, i);

	irq_restore(flags);
	return p;
}

static void drain_here(void *unused)
{
	pcp_drain();
}

// The fast paths found nothing. Reclaim, then one OOM kill at a time, until there is memory or no hope.
static NOINLINE struct folio *alloc_slow(gfp_t gfp, int order)
{
	struct folio *p;

	for (int attempt = 0; attempt < 16; attempt++) {
		p = zones_alloc(gfp, order);
		if (p || !(gfp & GFP_RECLAIM_DIRECT) || (current->flags & PF_MEMALLOC))
			return p;
		if (reclaim_direct(gfp, order))
			continue;
		// What the stacks of all CPUs hold is worth more than a victim.
		smp_call_mask(&cpu_online_mask, drain_here, NULL, true);
		p = zones_alloc(gfp, order);
		if (p)
			return p;
		if ((gfp & GFP_NORETRY) || order > 3 || attempt == 15)
			break;
		if (fatal_signal_pending(current) || (current->flags & PF_EXITING))
			return zones_alloc(gfp | GFP_NOFAIL_RESERVE, order);
		if (!oom_kill(gfp, order))
			break;
	}
	return zones_alloc(gfp, order);
}

static inline struct folio *alloc_raw(gfp_t gfp, int order)
{
	int i = pcp_index(order);
	struct folio *p = NULL;

	if (likely(i >= 0) && likely(!(gfp & GFP_DMA32)))
		p = pcp_alloc(i);
	if (unlikely(!p))
		p = alloc_slow(gfp, order);
	if (likely(p != NULL))
		kasan_alloc_pages(folio_addr(p), order);
	return p;
}

static inline void clear_pages(void *va, int order)
{
	for (u64 i = 0; i < 1ul << order; i++)
		clear_page((char *)va + i * PAGE_SIZE);
}

// Everything but the reference count, which is 0 and stays so: a late lookup of what the page was before (folio_try_get()) finds it dead.
struct folio *folio_alloc_frozen(gfp_t gfp, int order)
{
	struct folio *f = alloc_raw(gfp, order);

	if (unlikely(!f))
		return NULL;
	DEBUG_ASSERT(ref_read(&f->ref) == 0);
	f->flags = order ? 1ul << PG_HEAD | (u64)order << FOLIO_ORDER_SHIFT : 0;	// PG_HEAD: tails follow
	f->mapping = NULL;
	f->private = NULL;
	f->memcg = NULL;
	atomic_set(&f->mapcount, 0);
	for (u64 i = 1; i < 1ul << order; i++) {
		f[i].flags = 1ul << PG_TAIL;
		f[i].head = f;
	}
	if (!(gfp & GFP_UNINIT))
		clear_pages(folio_addr(f), order);
	return f;
}

struct folio *folio_alloc(gfp_t gfp, int order)
{
	struct folio *f = fail_alloc(gfp) ? NULL : folio_alloc_frozen(gfp, order);

	if (likely(f))
		store_release(&f->ref.n.v, 1);
	return f;
}

static void free_raw(struct folio *f, int order)
{
	int i = pcp_index(order);
	unsigned long flags = irq_save();

	f->flags = 0;
	kasan_free_pages(folio_addr(f), order);
	if (likely(i >= 0)) {
		struct pcp *c = this_cpu_ptr(&pcp);

		if (unlikely(c->n[i] >= pcp_high[i]))
			pcp_flush(c, i, pcp_high[i] - pcp_batch[i]);
		c->page[i][c->n[i]++] = f;
	} else {
		struct zone *z = pfn_zone(folio_pfn(f));

		spin_lock(&z->lock);
		buddy_free(z, f, order);
		spin_unlock(&z->lock);
	}
	irq_restore(flags);
}

void folio_free_raw(struct folio *f)
{
	int order = folio_order(f);

	DEBUG_ASSERT(atomic_read(&f->mapcount) == 0 && ref_read(&f->ref) == 0);
	for (u64 i = 1; i < 1ul << order; i++)
		f[i].flags = 0;
	free_raw(f, order);
}

void *pages_alloc(gfp_t gfp, int order)
{
	struct folio *f = fail_alloc(gfp) ? NULL : alloc_raw(gfp, order);

	if (unlikely(!f))
		return NULL;
	if (!(gfp & GFP_UNINIT))
		clear_pages(folio_addr(f), order);
	return folio_addr(f);
}

void pages_free(void *p, int order)
{
	if (p)
		free_raw(pfn_page(virt_to_phys(p) >> PAGE_SHIFT), order);
}

void pages_free_range(paddr_t start, paddr_t end)
{
	u64 pfn = ALIGN_UP(start, PAGE_SIZE) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

	while (pfn < last) {
		struct zone *z = pfn_zone(pfn);
		u64 stop = MIN(last, ALIGN_DOWN(pfn, SECTION_PAGES) + SECTION_PAGES);
		unsigned long flags = spin_lock_irqsave(&z->lock);

		z->managed += stop - pfn;
		section_free(z, pfn, stop);
		spin_unlock_irqrestore(&z->lock, flags);
		pfn = stop;
	}
}

// --- start-up ---

INIT static bool range_is_free(paddr_t start, paddr_t end)
{
	bool ram = false;

	for (u32 i = 0; i < memblock.nr_ram; i++)
		ram |= memblock.ram[i].start <= start && end <= memblock.ram[i].end;
	for (u32 i = 0; i < memblock.nr_reserved; i++)
		if (memblock.reserved[i].start < end && start < memblock.reserved[i].end)
			return false;
	return ram;
}

// Sections that start-up's memory touches are set up now, the others deferred.
INIT static void sections_init(u64 max_pfn)
{
	nr_sections = DIV_ROUND_UP(max_pfn, SECTION_PAGES);
	section_state = memblock_alloc(nr_sections, 64, 0, 0);
	if (!section_state)
		panic("too little memory for the section table");
	vmemmap_prepare(max_pfn);
	for (u64 s = 0; s < nr_sections; s++) {
		paddr_t start = s << SECTION_SHIFT;

		if (!range_is_free(start, start + (1ull << SECTION_SHIFT)))
			continue;
		section_state[s] = SECTION_DEFERRED;
		pfn_zone(s * SECTION_PAGES)->nr_deferred += SECTION_PAGES - SECTION_DESC / PAGE_SIZE;
		pfn_zone(s * SECTION_PAGES)->managed += SECTION_PAGES - SECTION_DESC / PAGE_SIZE;
	}
	for (u32 i = 0; i < memblock.nr_ram; i++)
		for (u64 pfn = memblock.ram[i].start >> PAGE_SHIFT; pfn < memblock.ram[i].end >> PAGE_SHIFT;) {
			u64 s = pfn / SECTION_PAGES, stop = MIN(memblock.ram[i].end >> PAGE_SHIFT, (s + 1) * SECTION_PAGES);

			if (section_state[s] != SECTION_DEFERRED) {
				section_state[s] = SECTION_PARTIAL;
				vmemmap_map_part(pfn, stop);
			}
			pfn = stop;
		}
}

INIT static void give_range(paddr_t start, paddr_t end, void *arg)
{
	u64 pfn = ALIGN_UP(start, PAGE_SIZE) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

	while (pfn < last) {
		u64 s = pfn / SECTION_PAGES, stop = MIN(last, (s + 1) * SECTION_PAGES);

		if (section_state[s] == SECTION_PARTIAL)
			pages_free_range(pfn << PAGE_SHIFT, stop << PAGE_SHIFT);
		pfn = stop;
	}
}

INIT static void watermarks_init(void)
{
	u64 total = 0, min;

	for (int i = 0; i < NR_ZONES; i++)
		total += zones[i].managed;
	// As Linux: 4 * sqrt(managed KiB * 4) KiB, between 128 KiB and 256 MiB.
	min = CLAMP((u64)int_sqrt64(total * 4 * 16), 128ul, 262144ul) / 4;
	for (int i = 0; i < NR_ZONES; i++) {
		zones[i].wmark_min = total ? min * zones[i].managed / total : 0;
		zones[i].wmark_low = zones[i].wmark_min + zones[i].wmark_min / 4;
		zones[i].wmark_high = zones[i].wmark_min + zones[i].wmark_min / 2;
	}
}

INIT void page_alloc_init(void)
{
	u64 max_pfn = memblock.nr_ram ? memblock.ram[memblock.nr_ram - 1].end >> PAGE_SHIFT : 0;

	for (int i = 0; i < NR_ZONES; i++) {
		spin_init(&zones[i].lock, &zone_lock_class);
		for (int o = 0; o <= MAX_ORDER; o++)
			INIT_LIST_HEAD(&zones[i].free[o]);
	}
	sections_init(max_pfn);
	memblock_for_each_free(give_range, NULL);
	watermarks_init();
}
