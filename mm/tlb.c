// Address spaces on CPUs: switching, lazy use, flushes by generation, and what an unmapping collects. The ordering argument is in tlb.h.
#include "mm/tlb.h"
#include "arch/irq.h"
#include "kern/smp.h"
#include "mm/internal.h"

DEFINE_PER_CPU(struct tlb_cpu, tlb_cpu) = { .loaded = &init_mm };
DEFINE_PER_CPU(s64, mm_stats[NR_MM_STATS]);

u64 mm_stat_read(enum mm_stat s)
{
	s64 sum = 0;
	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(mm_stats[s], cpu));
	return sum < 0 ? 0 : sum;
}

// ---- rss ----

static void rss_spill(struct mm *mm)
{
	for (int c = 0; c < NR_MM_COUNTERS; c++) {
		s32 v = this_cpu_xchg(tlb_cpu.rss[c], 0);
		if (v)
			atomic64_add(&mm->rss[c], v);
	}
}

void rss_add_slow(struct mm *mm, enum mm_counter c, s32 n)
{
	if (n) {
		atomic64_add(&mm->rss[c], n);
		return;
	}
	rss_spill(mm);
	u64 now = 0;
	for (int i = MM_FILE; i <= MM_SHMEM; i++)
		now += MAX(atomic64_read(&mm->rss[i]), (s64)0);
	if (now > READ_ONCE(mm->hiwater_rss))
		WRITE_ONCE(mm->hiwater_rss, now);
}

void rss_flush(struct mm *mm)
{
	unsigned long flags = irq_save();
	if (this_cpu_read(tlb_cpu.loaded) == mm)
		rss_spill(mm);
	irq_restore(flags);
}

s64 mm_rss(struct mm *mm, enum mm_counter c)
{
	rss_flush(mm);
	s64 n = atomic64_read(&mm->rss[c]);
	return n > 0 ? n : 0;
}

// ---- switching ----

// Context: interrupts off.
static void load_mm(struct mm *mm)
{
	struct mm *old = this_cpu_read(tlb_cpu.loaded);
	u32 cpu = this_cpu_read(cpu_hot.cpu);
	if (mm != &init_mm)
		cpumask_set_atomic(cpu, &mm->cpus);	// full barrier: before the generation is read (tlb.h)
	u64 gen = atomic64_read(&mm->tlb_gen);
	if (old != &init_mm)
		rss_spill(old);
	arch_mm_activate(virt_to_phys(mm->pgd), 0, false);
	this_cpu_write(tlb_cpu.loaded, mm);
	this_cpu_write(tlb_cpu.gen, gen);
	this_cpu_write(tlb_cpu.lazy, 0u);
	this_cpu_write(cpu_hot.active_mm, mm);
	if (old != &init_mm)
		cpumask_clear_atomic(cpu, &old->cpus);
}

void mm_switch(struct task *prev, struct task *next)
{
	struct mm *mm = next->mm;
	struct mm *loaded = this_cpu_read(tlb_cpu.loaded);
	if (!mm) {
		if (loaded != &init_mm)
			this_cpu_write(tlb_cpu.lazy, 1u);
		return;
	}
	if (loaded != mm) {
		load_mm(mm);
		return;
	}
	if (!this_cpu_read(tlb_cpu.lazy))
		return;
	this_cpu_write(tlb_cpu.lazy, 0u);
	smp_mb();	// pairs with atomic64_inc_return() in tlb_flush_range()
	u64 gen = atomic64_read(&mm->tlb_gen);
	if (this_cpu_read(tlb_cpu.gen) != gen) {
		arch_tlb_flush_user();
		this_cpu_write(tlb_cpu.gen, gen);
	}
}

void mm_exec_install(struct mm *mm)
{
	struct mm *old = current->mm;
	spin_lock(&current->alloc_lock);
	irq_disable();
	current->mm = mm;
	current->active_mm = mm;
	load_mm(mm);
	irq_enable();
	spin_unlock(&current->alloc_lock);
	if (old)
		mm_users_put(old);
}

void mm_exit(void)
{
	struct mm *mm = current->mm;
	if (!mm)
		return;
	rss_flush(mm);
	spin_lock(&current->alloc_lock);
	irq_disable();
	current->mm = NULL;
	this_cpu_write(tlb_cpu.lazy, 1u);
	irq_enable();
	spin_unlock(&current->alloc_lock);
	mm_users_put(mm);
}

// ---- flushes ----

// Brings this CPU's translations of its loaded mm from generation gen - 1 to gen, or to now.
static void flush_local(struct mm *mm, u64 start, u64 end, u32 shift, u64 gen)
{
	u64 have = this_cpu_read(tlb_cpu.gen);
	if (have >= gen)
		return;
	if (have + 1 == gen && end && (end - start) >> shift <= ARCH_TLB_RANGE_MAX) {
		arch_tlb_flush_range(start, end, shift);
		this_cpu_write(tlb_cpu.gen, gen);
		return;
	}
	gen = atomic64_read(&mm->tlb_gen);
	arch_tlb_flush_user();
	this_cpu_write(tlb_cpu.gen, gen);	// read before the flush: what came later is flushed again
}

// CPUs other than this one that must hear of a flush of mm. True: there are some.
static bool others_of(struct mm *mm, bool lazy_too, struct cpumask *out)
{
	u32 me = this_cpu_read(cpu_hot.cpu);
	bool any = false;
	for (int w = 0; w * 64 < nr_cpu_ids; w++) {
		u64 bits = READ_ONCE(mm->cpus.bits[w]);
		if ((u32)w == me / 64)
			bits &= ~(1ul << me % 64);
		if (likely(!bits)) {
			out->bits[w] = 0;
			continue;
		}
		if (!lazy_too)
			for (u64 b = bits; b; b &= b - 1)
				if (READ_ONCE(per_cpu(tlb_cpu.lazy, w * 64 + __builtin_ctzl(b))))
					bits &= ~(b & -b);
		out->bits[w] = bits;
		any |= bits != 0;
	}
	for (int w = DIV_ROUND_UP(nr_cpu_ids, 64); any && w < NR_CPUS / 64; w++)
		out->bits[w] = 0;
	return any;
}

void tlb_flush_range(struct mm *mm, u64 start, u64 end, u32 shift, bool freed_tables)
{
	struct cpumask others;
	preempt_disable();
	u64 gen = atomic64_inc_return(&mm->tlb_gen);	// full barrier: entries before, cpus and lazy after (tlb.h)
	if (this_cpu_read(tlb_cpu.loaded) == mm)
		flush_local(mm, start, end, shift, gen);
	if (others_of(mm, freed_tables, &others)) {
		struct tlb_flush f = { .root = virt_to_phys(mm->pgd), .start = start, .end = end, .gen = gen, .mm = mm, .page_shift = shift,
				       .freed_tables = freed_tables };
		arch_tlb_flush_others(&others, &f);
	}
	preempt_enable();
}

void tlb_flush_mm(struct mm *mm)
{
	tlb_flush_range(mm, 0, 0, PAGE_SHIFT, false);
}

static void flush_kernel_local(u64 start, u64 end)
{
	if ((end - start) >> PAGE_SHIFT <= ARCH_TLB_RANGE_MAX)
		arch_tlb_flush_range(start, end, PAGE_SHIFT);
	else
		arch_tlb_flush_all();
}

void tlb_flush_kernel(u64 start, u64 end)
{
	struct tlb_flush f = { .start = start, .end = end, .page_shift = PAGE_SHIFT };
	preempt_disable();
	flush_kernel_local(start, end);
	struct cpumask m = cpu_online_mask;
	cpumask_clear(this_cpu_read(cpu_hot.cpu), &m);
	if (!cpumask_empty(&m))
		arch_tlb_flush_others(&m, &f);
	preempt_enable();
}

void tlb_flush_arrived(const struct tlb_flush *f)
{
	if (!f->mm) {
		flush_kernel_local(f->start, f->end);
		return;
	}
	if (this_cpu_read(tlb_cpu.loaded) != f->mm)
		return;
	if (this_cpu_read(tlb_cpu.lazy)) {
		load_mm(&init_mm);	// not asked again
		return;
	}
	flush_local(f->mm, f->start, f->end, f->page_shift, f->gen);
}

static void drop_mm_here(void *mm)
{
	if (this_cpu_read(tlb_cpu.loaded) == mm)
		load_mm(&init_mm);
}

void tlb_drop_mm(struct mm *mm)
{
	struct cpumask others;
	preempt_disable();
	irq_disable();
	drop_mm_here(mm);
	irq_enable();
	if (others_of(mm, true, &others))
		smp_call_mask(&others, drop_mm_here, mm, true);
	preempt_enable();
}

// ---- gather ----

void gather_begin(struct tlb_gather *g, struct mm *mm, bool dead)
{
	g->mm = mm;
	g->start = U64_MAX;
	g->end = 0;
	g->shift = PUD_SHIFT;
	g->freed_tables = false;
	g->dead = dead;
	g->n = 0;
	g->max = GATHER_INLINE;
	g->folios = g->batch;
	g->tables = NULL;
}

void gather_flush(struct tlb_gather *g)
{
	if (g->start < g->end && !g->dead)
		tlb_flush_range(g->mm, g->start, g->end, g->shift, g->freed_tables);
	if (g->n)
		folio_put_many(g->folios, g->n);
	if (g->tables)
		tables_free_rcu(g->tables);
	if (g->n == g->max && g->folios == g->batch) {
		// A large unmapping: a page of pointers means fewer flushes.
		struct folio **more = pages_alloc(GFP_NOWAIT | GFP_UNINIT, 0);
		if (more) {
			g->folios = more;
			g->max = PAGE_SIZE / sizeof(*more);
		}
	}
	g->n = 0;
	g->start = U64_MAX;
	g->end = 0;
	g->shift = PUD_SHIFT;
	g->freed_tables = false;
	g->tables = NULL;
}

void gather_end(struct tlb_gather *g)
{
	if (g->n || g->tables || g->start < g->end)
		gather_flush(g);
	if (g->folios != g->batch)
		pages_free(g->folios, 0);
}
