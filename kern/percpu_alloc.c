// Dynamic per-CPU memory: first fit in a bitmap of 8-byte slots per chunk. Allocations are few and long-lived: simplicity counts.
#include "kern/percpu_alloc.h"
#include "arch/boot.h"
#include "arch/irq.h"
#include "kern/cpumask.h"
#include "kern/cpu_hot.h"
#include "kern/panic.h"
#include "kern/spinlock.h"
#include "lib/string.h"

#define SLOT 8u
#define UNIT_ALIGN 4096u
#define FIRST_DYNAMIC (16u << 10)	// room for dynamic variables in the first chunk
#define UNIT_MAX (1u << 20)		// a larger template does not link anyway

struct percpu_chunk {
	struct percpu_chunk *next;	// SET_ONCE
	char *base;			// of CPU 0's unit; the others follow
	u32 free;			// slots. GUARDED_BY(&percpu_lock), as all below
	unsigned long *used;		// bit per slot
	unsigned long *last;		// bit per slot: the last one of an allocation
};

STATIC_SPINLOCK(percpu_lock, LOCK_HARDIRQ);
static struct percpu_chunk percpu_first;	// the rest hang on it
static u32 unit_size, unit_slots;
static size_t percpu_in_use, percpu_memory;

static bool slot_test(const unsigned long *map, u32 i)
{
	return map[i / 64] >> (i % 64) & 1;
}

static void slot_set(unsigned long *map, u32 i, bool on)
{
	if (on)
		map[i / 64] |= 1ul << (i % 64);
	else
		map[i / 64] &= ~(1ul << (i % 64));
}

// The first of n free slots at a multiple of align slots, or unit_slots.
static u32 find_slots(const struct percpu_chunk *c, u32 n, u32 align)
{
	for (u32 i = 0; i + n <= unit_slots;) {
		unsigned long free = ~c->used[i / 64] >> (i % 64);
		if (!(free & 1)) {	// on to the next free slot of this word, or to the next word
			i = ALIGN_UP(free ? i + (u32)__builtin_ctzl(free) : (i | 63) + 1, align);
			continue;
		}
		u32 k = 0;
		while (k < n && !slot_test(c->used, i + k))
			k++;
		if (k == n)
			return i;
		i = ALIGN_UP(i + k + 1, align);
	}
	return unit_slots;
}

static void take_slots(struct percpu_chunk *c, u32 first, u32 n)
{
	for (u32 i = first; i < first + n; i++)
		slot_set(c->used, i, true);
	slot_set(c->last, first + n - 1, true);
	c->free -= n;
}

// The pointer that names what is at byte `off` of each of the chunk's units.
static void __percpu *chunk_pointer(const struct percpu_chunk *c, u32 off)
{
	return (void __percpu __force *)(c->base + off - per_cpu_offset[0]);
}

static void __percpu *alloc_from(struct percpu_chunk *c, u32 n, u32 align)
{
	u32 i = c->free >= n ? find_slots(c, n, align) : unit_slots;
	if (i == unit_slots)
		return NULL;
	take_slots(c, i, n);
	percpu_in_use += (size_t)n * SLOT * (u32)nr_cpu_ids;
	return chunk_pointer(c, i * SLOT);
}

static void __percpu *alloc_any(u32 n, u32 align)
{
	void __percpu *p = NULL;
	unsigned long flags = spin_lock_irqsave(&percpu_lock);
	for (struct percpu_chunk *c = &percpu_first; c && !p; c = c->next)
		p = alloc_from(c, n, align);
	spin_unlock_irqrestore(&percpu_lock, flags);
	return p;
}

static bool add_chunk(void)
{
	size_t maps = ALIGN_UP(unit_slots, 64u) / 8;
	size_t units = (size_t)unit_size * (u32)nr_cpu_ids;
	char *mem = percpu_chunk_memory(units + sizeof(struct percpu_chunk) + 2 * maps);
	if (!mem)
		return false;
	struct percpu_chunk *c = (void *)(mem + units);
	*c = (struct percpu_chunk){ .base = mem, .free = unit_slots, .used = (void *)(c + 1), .last = (void *)((char *)(c + 1) + maps) };
	unsigned long flags = spin_lock_irqsave(&percpu_lock);
	c->next = percpu_first.next;
	percpu_first.next = c;
	percpu_memory += units;
	spin_unlock_irqrestore(&percpu_lock, flags);
	return true;
}

void __percpu *percpu_alloc(size_t size, size_t align)
{
	if (WARN_ON(!size || size > unit_size || align > UNIT_ALIGN))
		return NULL;
	u32 n = (u32)DIV_ROUND_UP(size, SLOT), a = (u32)MAX(align / SLOT, 1ul);
	void __percpu *p = alloc_any(n, a);
	if (!p && add_chunk())
		p = alloc_any(n, a);
	if (p)
		for_each_possible_cpu(cpu)
			memset(per_cpu_ptr((char __percpu *)p, cpu), 0, size);
	return p;
}

void percpu_free(void __percpu *p)
{
	if (!p)
		return;
	char *at = per_cpu_ptr((char __percpu *)p, 0);
	unsigned long flags = spin_lock_irqsave(&percpu_lock);
	struct percpu_chunk *c = &percpu_first;
	while (c && !(at >= c->base && at < c->base + unit_size))
		c = c->next;
	ASSERT(c);
	for (u32 i = (u32)(at - c->base) / SLOT, end = 0; !end; i++) {
		ASSERT(slot_test(c->used, i));
		end = slot_test(c->last, i);
		slot_set(c->used, i, false);
		slot_set(c->last, i, false);
		c->free++;
		percpu_in_use -= SLOT * (size_t)(u32)nr_cpu_ids;
	}
	spin_unlock_irqrestore(&percpu_lock, flags);
}

size_t percpu_total(size_t *used)
{
	*used = READ_ONCE(percpu_in_use);
	return READ_ONCE(percpu_memory);
}

INIT void percpu_init(u32 nr)
{
	size_t fixed = (size_t)(percpu_template_end - percpu_template_start);
	cpus_set_possible(nr);
	unit_size = (u32)ALIGN_UP(fixed + FIRST_DYNAMIC, (size_t)UNIT_ALIGN);
	unit_slots = unit_size / SLOT;
	ASSERT(unit_size <= UNIT_MAX);

	size_t maps = ALIGN_UP(unit_slots, 64u) / 8;
	char *mem = memblock_alloc((size_t)unit_size * nr, UNIT_ALIGN, 0, 0);
	unsigned long *map = memblock_alloc(2 * maps, 8, 0, 0);
	if (!mem || !map)
		panic("no memory for the per-CPU areas of %u CPUs", nr);
	for (u32 cpu = 1; cpu < nr; cpu++) {
		memcpy(mem + (size_t)cpu * unit_size, percpu_template_start, fixed);
		arch_percpu_set_area(cpu, mem + (size_t)cpu * unit_size);
		per_cpu(cpu_hot, cpu).cpu = cpu;
	}
	memcpy(mem, percpu_template_start + per_cpu_offset[0], fixed);
	arch_percpu_set_area(0, mem);

	percpu_first = (struct percpu_chunk){ .base = mem, .free = unit_slots, .used = map, .last = (void *)((char *)map + maps) };
	percpu_memory = (size_t)unit_size * nr;
	take_slots(&percpu_first, 0, (u32)DIV_ROUND_UP(fixed, SLOT));
}
