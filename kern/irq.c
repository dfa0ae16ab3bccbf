// Device interrupts: gives out vectors, and runs handlers.
#include "kern/irq.h"
#include "arch/cpu.h"
#include "kern/cpumask.h"
#include "kern/cpu_hot.h"
#include "kern/log.h"
#include "kern/percpu_alloc.h"
#include "kern/rcu.h"
#include "kern/spinlock.h"
#include "lib/errno.h"

#define SPURIOUS_MAX 10000u	// arrivals in a row that nobody wanted: the line is masked for good

STATIC_SPINLOCK(irq_lock, LOCK_HARDIRQ);
static LIST_HEAD(irq_lines);			// GUARDED_BY(&irq_lock)
static u32 next_msi_number = 256;		// GUARDED_BY(&irq_lock)
// Written under irq_lock; read by its CPU when the vector arrives.
STATIC_PER_CPU(struct irq_line *[NR_IRQ_VECTORS], vector_lines);
STATIC_PER_CPU(u32, unwanted);

static bool is_level(const struct irq_line *l)
{
	return l->gsi != U32_MAX && (l->trigger == IRQ_LEVEL_HIGH || l->trigger == IRQ_LEVEL_LOW);
}

static void line_mask(struct irq_line *l) REQUIRES(&irq_lock)
{
	if (l->masked++ == 0 && l->gsi != U32_MAX)
		irqchip_mask(l->gsi);
}

static void line_unmask(struct irq_line *l) REQUIRES(&irq_lock)
{
	if (--l->masked == 0 && l->gsi != U32_MAX)
		irqchip_unmask(l->gsi);
}

// ---- arrival ----

static void note_unwanted(struct irq_line *l, bool wanted)
{
	if (likely(wanted)) {
		this_cpu_write(unwanted, 0);
		return;
	}
	this_cpu_inc(unwanted);
	if (this_cpu_read(unwanted) < SPURIOUS_MAX)
		return;
	this_cpu_write(unwanted, 0);
	pr_err("irq %u: nobody cared; the line is off\n", l->number);
	spin_lock(&irq_lock);
	line_mask(l);
	spin_unlock(&irq_lock);
}

static void run_handlers_of(struct irq_line *l)
{
	bool wanted = false;
	for (struct irq *i = load_acquire(&l->first); i; i = load_acquire(&i->next)) {
		enum irq_result r = i->handler(i);
		wanted |= r != IRQ_NONE;
		if (r != IRQ_NONE)
			(void)__atomic_fetch_add(&i->handled, 1, __ATOMIC_RELAXED);
		if (r != IRQ_WAKE_THREAD)
			continue;
		if (is_level(l)) {
			spin_lock(&irq_lock);
			line_mask(l);
			spin_unlock(&irq_lock);
		}
		i->wake_thread(i);
	}
	note_unwanted(l, wanted);
}

void irq_vector_arrived(u32 vector)
{
	struct irq_line **slot = &(*this_cpu_ptr(&vector_lines))[vector - IRQ_VECTOR_FIRST];
	// Being in an interrupt makes us an RCU reader: irq_release() waits for us before the line goes away.
	struct irq_line *l = load_acquire(slot);
	if (likely(l)) {
		this_cpu_inc(*l->count);
		run_handlers_of(l);
	}
	irqchip_eoi();
}

// ---- connecting ----

static u32 vectors_used(int cpu)
{
	u32 n = 0;
	for (u32 v = 0; v < NR_IRQ_VECTORS; v++)
		n += per_cpu(vector_lines, cpu)[v] != NULL;
	return n;
}

// A free vector on the CPU that has the fewest in use.
static int take_vector(struct irq_line *l) REQUIRES(&irq_lock)
{
	u32 best = NR_IRQ_VECTORS;
	for_each_online_cpu(cpu) {
		u32 n = vectors_used(cpu);
		if (n < best) {
			best = n;
			l->cpu = (u32)cpu;
		}
	}
	if (best == NR_IRQ_VECTORS)
		return -ENOSPC;
	struct irq_line **slots = per_cpu(vector_lines, l->cpu);
	u32 v = 0;
	while (slots[v])
		v++;
	l->vector = IRQ_VECTOR_FIRST + v;
	store_release(&slots[v], l);
	return 0;
}

static struct irq_line *find_gsi(u32 gsi) REQUIRES(&irq_lock)
{
	struct irq_line *l;
	list_for_each_entry(l, &irq_lines, link)
		if (l->gsi == gsi)
			return l;
	return NULL;
}

// Adds a second user to a line.
static int join_line(struct irq_line *l, struct irq *i, enum irq_trigger trigger) REQUIRES(&irq_lock)
{
	if (!is_level(l) || l->trigger != trigger)
		return -EBUSY;
	i->line = l;
	i->number = l->number;
	i->next = l->first;
	store_release(&l->first, i);
	return 0;
}

static int make_line(struct irq_line *l, struct irq *i) REQUIRES(&irq_lock)
{
	i->line = l;
	i->number = l->number;
	i->next = NULL;
	l->first = i;
	int err = take_vector(l);
	if (!err)
		list_add_tail(&l->link, &irq_lines);
	return err;
}

static void drop_line(struct irq_line *l) REQUIRES(&irq_lock)
{
	list_del(&l->link);
	__atomic_store_n(&per_cpu(vector_lines, l->cpu)[l->vector - IRQ_VECTOR_FIRST], (struct irq_line *)NULL, __ATOMIC_SEQ_CST);
}

static int setup_gsi_locked(struct irq *i, struct irq_line *line) REQUIRES(&irq_lock)
{
	struct irq_line *l = find_gsi(line->gsi);
	if (l)
		return join_line(l, i, line->trigger);
	int err = make_line(line, i);
	if (err)
		return err;
	err = irqchip_route(line->gsi, line->trigger, line->cpu, line->vector);
	if (err) {
		drop_line(line);
		return err;
	}
	irqchip_unmask(line->gsi);
	return 0;
}

int irq_setup_gsi(struct irq *i, struct irq_line *line, u32 gsi, enum irq_trigger trigger)
{
	*line = (struct irq_line){ .number = gsi, .gsi = gsi, .trigger = trigger, .count = percpu_new(u32) };
	if (!line->count)
		return -ENOMEM;
	unsigned long flags = spin_lock_irqsave(&irq_lock);
	int err = setup_gsi_locked(i, line);
	spin_unlock_irqrestore(&irq_lock, flags);
	if (err || i->line != line)
		percpu_free(line->count);
	return err;
}

int irq_setup_msi(struct irq *i, struct irq_line *line, struct msi_msg *msg)
{
	*line = (struct irq_line){ .gsi = U32_MAX, .count = percpu_new(u32) };
	if (!line->count)
		return -ENOMEM;
	unsigned long flags = spin_lock_irqsave(&irq_lock);
	line->number = next_msi_number++;
	int err = make_line(line, i);
	spin_unlock_irqrestore(&irq_lock, flags);
	if (err)
		percpu_free(line->count);
	else
		irqchip_msi_compose(line->cpu, line->vector, msg);
	return err;
}

void irq_release(struct irq *i)
{
	struct irq_line *l = i->line;
	unsigned long flags = spin_lock_irqsave(&irq_lock);
	struct irq **at = &l->first;
	while (*at != i)
		at = &(*at)->next;
	__atomic_store_n(at, i->next, __ATOMIC_SEQ_CST);
	bool last = !l->first;
	if (last) {
		line_mask(l);
		drop_line(l);
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	synchronize_rcu();
	if (last)
		percpu_free(l->count);
}

void irq_mask(struct irq *i)
{
	unsigned long flags = spin_lock_irqsave(&irq_lock);
	line_mask(i->line);
	spin_unlock_irqrestore(&irq_lock, flags);
}

void irq_unmask(struct irq *i)
{
	unsigned long flags = spin_lock_irqsave(&irq_lock);
	line_unmask(i->line);
	spin_unlock_irqrestore(&irq_lock, flags);
}

void irq_thread_done(struct irq *i)
{
	if (is_level(i->line))
		irq_unmask(i);
}

void irq_for_each(void (*fn)(const struct irq_line *l, void *arg), void *arg)
{
	unsigned long flags = spin_lock_irqsave(&irq_lock);
	struct irq_line *l;
	list_for_each_entry(l, &irq_lines, link)
		fn(l, arg);
	spin_unlock_irqrestore(&irq_lock, flags);
}
