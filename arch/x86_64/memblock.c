// Memory before mm: which of it exists, and which of it is taken. Two sorted tables; all callers run on the boot CPU.
#include "boot.h"

#include "arch/pte.h"
#include "kern/panic.h"
#include "lib/string.h"

struct memblock memblock;

static void range_insert_at(struct mem_range *r, u32 *nr, u32 i, paddr_t start, paddr_t end)
{
	if (*nr == BOOT_MAX_RANGES)
		panic("too many memory ranges at start-up");
	memmove(&r[i + 1], &r[i], (*nr - i) * sizeof(*r));
	r[i] = (struct mem_range){ start, end, MEM_RAM };
	++*nr;
}

// Adds [start, end) and merges it with what it touches.
static void range_add(struct mem_range *r, u32 *nr, paddr_t start, paddr_t end)
{
	u32 i = 0, j;

	if (start >= end)
		return;
	while (i < *nr && r[i].end < start)
		i++;
	for (j = i; j < *nr && r[j].start <= end; j++) {
		start = MIN(start, r[j].start);
		end = MAX(end, r[j].end);
	}
	if (j == i) {
		range_insert_at(r, nr, i, start, end);
		return;
	}
	r[i] = (struct mem_range){ start, end, MEM_RAM };
	memmove(&r[i + 1], &r[j], (*nr - j) * sizeof(*r));
	*nr -= j - i - 1;
}

static void range_remove(struct mem_range *r, u32 *nr, paddr_t start, paddr_t end)
{
	for (u32 i = 0; i < *nr;) {
		paddr_t s = r[i].start, e = r[i].end;
		if (e <= start || s >= end) {
			i++;
			continue;
		}
		memmove(&r[i], &r[i + 1], (*nr - i - 1) * sizeof(*r));
		--*nr;
		if (s < start)
			range_insert_at(r, nr, i++, s, start);
		if (e > end)
			range_insert_at(r, nr, i++, end, e);
	}
}

void memblock_reserve(paddr_t start, paddr_t end)
{
	range_add(memblock.reserved, &memblock.nr_reserved, ALIGN_DOWN(start, PAGE_SIZE), ALIGN_UP(end, PAGE_SIZE));
}

// Usable: whole pages of RAM that no other entry of the firmware's map claims, below the limit.
void INIT memblock_init(const struct mem_range *map, u32 nr, paddr_t limit)
{
	for (u32 i = 0; i < nr; i++)
		if (map[i].type == MEM_RAM)
			range_add(memblock.ram, &memblock.nr_ram, ALIGN_UP(map[i].start, PAGE_SIZE),
				  ALIGN_DOWN(map[i].end, PAGE_SIZE));
	for (u32 i = 0; i < nr; i++)
		if (map[i].type != MEM_RAM)
			range_remove(memblock.ram, &memblock.nr_ram, ALIGN_DOWN(map[i].start, PAGE_SIZE),
				     ALIGN_UP(map[i].end, PAGE_SIZE));
	range_remove(memblock.ram, &memblock.nr_ram, ALIGN_DOWN(limit, PAGE_SIZE), ~0ull);
}

// The lowest place in [lo, hi) for size bytes that touches nothing reserved; 0: none (page 0 is always reserved).
static paddr_t find_in(paddr_t lo, paddr_t hi, u64 size, u64 align)
{
	paddr_t p = ALIGN_UP(lo, align);

	for (u32 i = 0; i < memblock.nr_reserved; i++) {
		const struct mem_range *r = &memblock.reserved[i];
		if (r->end <= p)
			continue;
		if (r->start >= p + size)
			break;
		p = ALIGN_UP(r->end, align);
	}
	return p + size > p && p + size <= hi ? p : 0;
}

void *memblock_alloc(size_t size, size_t align, paddr_t min, paddr_t max)
{
	size = ALIGN_UP(size, PAGE_SIZE);
	align = MAX(align, PAGE_SIZE);
	for (u32 i = 0; i < memblock.nr_ram; i++) {
		paddr_t lo = MAX(memblock.ram[i].start, min), hi = memblock.ram[i].end;
		if (max && hi > max)
			hi = max;
		paddr_t p = lo < hi ? find_in(lo, hi, size, align) : 0;
		if (!p)
			continue;
		memblock_reserve(p, p + size);
		return memset(phys_to_virt(p), 0, size);
	}
	return NULL;
}

void memblock_for_each_free(void (*fn)(paddr_t start, paddr_t end, void *arg), void *arg)
{
	for (u32 i = 0; i < memblock.nr_ram; i++) {
		paddr_t p = memblock.ram[i].start, end = memblock.ram[i].end;
		for (u32 j = 0; j < memblock.nr_reserved && p < end; j++) {
			const struct mem_range *r = &memblock.reserved[j];
			if (r->end <= p)
				continue;
			if (r->start >= end)
				break;
			if (r->start > p)
				fn(p, r->start, arg);
			p = r->end;
		}
		if (p < end)
			fn(p, end, arg);
	}
}
