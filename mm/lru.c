// Generations of reclaimable folios. See lru.h.
#include "mm/lru.h"
#include "kern/panic.h"

DEFINE_LOCK_CLASS(lruvec_lock_class, LOCK_HARDIRQ);
struct lruvec root_lruvec = { .lock = SPINLOCK_INIT(&lruvec_lock_class), .max_seq = LRU_GENS - 1 };

bool anon_reclaimable;		// set once swap is on

#define GEN_MASK (((1ul << FOLIO_GEN_BITS) - 1) << FOLIO_GEN_SHIFT)
#define TIER_MASK (((1ul << FOLIO_TIER_BITS) - 1) << FOLIO_TIER_SHIFT)

INIT void lru_init(void)
{
	for (int g = 0; g < LRU_GENS; g++)
		for (int t = 0; t < NR_LRU_TYPES; t++)
			INIT_LIST_HEAD(&root_lruvec.list[g][t]);
}

static enum lru_type type_of(const struct folio *f)
{
	return folio_test(f, PG_SWAPBACKED) ? LRU_ANON : LRU_FILE;
}

// The generation of a folio on a list, or -1.
static int gen_of(const struct folio *f)
{
	return (int)((READ_ONCE(f->flags) & GEN_MASK) >> FOLIO_GEN_SHIFT) - 1;
}

static void set_gen(struct folio *f, int gen)
{
	u64 old = READ_ONCE(f->flags), new;

	do {
		new = (old & ~GEN_MASK) | (u64)(gen + 1) << FOLIO_GEN_SHIFT;
	} while (!try_cmpxchg(&f->flags, &old, new));
}

static void link_folio(struct lruvec *v, struct folio *f, u64 seq) REQUIRES(&v->lock)
{
	int gen = seq % LRU_GENS;
	enum lru_type t = type_of(f);

	set_gen(f, gen);
	list_add(&f->lru, &v->list[gen][t]);
	WRITE_ONCE(v->nr[gen][t], v->nr[gen][t] + folio_nr(f));
	folio_set(f, PG_LRU);
}

static void unlink_folio(struct lruvec *v, struct folio *f) REQUIRES(&v->lock)
{
	int gen = gen_of(f);
	enum lru_type t = type_of(f);

	list_del(&f->lru);
	WRITE_ONCE(v->nr[gen][t], v->nr[gen][t] - folio_nr(f));
	set_gen(f, -1);
	folio_clear(f, PG_LRU);
}

void lru_add(struct folio *f)
{
	struct lruvec *v = &root_lruvec;
	unsigned long flags = spin_lock_irqsave(&v->lock);
	enum lru_type t = type_of(f);
	u64 seq = folio_test(f, PG_WORKINGSET) || folio_test(f, PG_ACTIVE) ? v->max_seq : v->max_seq - 1;

	if (t == LRU_FILE && seq != v->max_seq)
		seq = MAX(v->min_seq[t], v->max_seq - (LRU_GENS - 1)) + (folio_test(f, PG_REFERENCED) ? 1 : 0);
	if (!folio_test(f, PG_LRU))
		link_folio(v, f, MIN(seq, v->max_seq));
	spin_unlock_irqrestore(&v->lock, flags);
}

void lru_del(struct folio *f)
{
	struct lruvec *v = &root_lruvec;
	unsigned long flags = spin_lock_irqsave(&v->lock);

	if (folio_test(f, PG_LRU))
		unlink_folio(v, f);
	spin_unlock_irqrestore(&v->lock, flags);
}

// First access: referenced. Further ones count tiers, which eviction looks at.
void folio_mark_accessed(struct folio *f)
{
	u64 old = READ_ONCE(f->flags);

	if (!(old >> PG_REFERENCED & 1))
		folio_set(f, PG_REFERENCED);
	else if ((old & TIER_MASK) != TIER_MASK)
		try_cmpxchg(&f->flags, &old, old + (1ul << FOLIO_TIER_SHIFT));	// a lost race loses one count of many
}

// Opens a new youngest generation when eviction has eaten the window down to its least width. The oldest generation's leftovers join the next.
static void age(struct lruvec *v, enum lru_type t) REQUIRES(&v->lock)
{
	while (v->min_seq[t] + LRU_MIN_GENS <= v->max_seq && list_empty(&v->list[v->min_seq[t] % LRU_GENS][t]))
		v->min_seq[t]++;
	if (v->min_seq[t] + LRU_MIN_GENS <= v->max_seq)
		return;
	for (int k = 0; k < NR_LRU_TYPES; k++) {
		u64 old = v->min_seq[k];

		if (v->max_seq + 1 - old < LRU_GENS)
			continue;
		for (struct folio *f, *n = NULL; !list_empty(&v->list[old % LRU_GENS][k]); (void)n) {
			f = list_last_entry(&v->list[old % LRU_GENS][k], struct folio, lru);
			unlink_folio(v, f);
			link_folio(v, f, old + 1);
		}
		v->min_seq[k] = old + 1;
	}
	v->max_seq++;
}

u32 lru_isolate(enum lru_type type, struct folio **out, u32 n)
{
	struct lruvec *v = &root_lruvec;
	u32 got = 0;

	spin_lock_irq(&v->lock);
	age(v, type);
	for (u64 seq = v->min_seq[type]; got < n && seq <= v->max_seq - 1; seq++) {
		struct list_head *l = &v->list[seq % LRU_GENS][type];
		struct folio *f, *prev;

		list_for_each_entry_safe_reverse(f, prev, l, lru) {
			if (got == n)
				break;
			if (!folio_try_get(f))
				continue;	// on its way out; lru_del() takes it off
			unlink_folio(v, f);
			out[got++] = f;
		}
	}
	spin_unlock_irq(&v->lock);
	return got;
}

void lru_putback(struct folio *f, bool young)
{
	struct lruvec *v = &root_lruvec;

	spin_lock_irq(&v->lock);
	if (!folio_test(f, PG_LRU))
		link_folio(v, f, young ? v->max_seq : v->max_seq - 1);
	spin_unlock_irq(&v->lock);
	folio_put(f);
}

u64 lru_pages(enum lru_type type, bool active)
{
	struct lruvec *v = &root_lruvec;
	u64 sum = 0, max = READ_ONCE(v->max_seq);

	for (u64 seq = max - (LRU_GENS - 1); seq <= max; seq++)
		if ((seq + LRU_MIN_GENS > max) == active)
			sum += READ_ONCE(v->nr[seq % LRU_GENS][type]);
	return sum;
}
