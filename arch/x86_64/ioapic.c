// I/O APICs: which pin is which gsi, and where it is routed. 82093AA data sheet; ACPI 6.5, 5.2.12.3 and 5.2.12.5.
#include "arch/irq.h"

#include "apic.h"
#include "arch/boot.h"
#include "arch/io.h"
#include "features.h"
#include "kern/log.h"
#include "kern/spinlock.h"
#include "lib/errno.h"
#include "madt.h"

#define MAX_IOAPICS 16
#define REG_SELECT 0x00
#define REG_WINDOW 0x10
#define REG_VERSION 1
#define REG_ENTRY(pin) (0x10 + 2 * (pin))
#define ENTRY_MASKED 0x10000u
#define ENTRY_LEVEL 0x8000u
#define ENTRY_LOW 0x2000u

struct ioapic {
	char *regs SET_ONCE;
	u32 gsi_base SET_ONCE, nr_pins SET_ONCE;
};

static struct ioapic ioapics[MAX_IOAPICS] RO_AFTER_INIT;
static u32 nr_ioapics RO_AFTER_INIT;
static u32 nr_gsis RO_AFTER_INIT;
static struct isa_line { u32 gsi; enum irq_trigger trigger; } isa_lines[16] RO_AFTER_INIT;
STATIC_SPINLOCK(ioapic_lock, LOCK_HARDIRQ);	// the select and window registers of all

static u32 reg_read(const struct ioapic *io, u32 reg)
{
	mmio_write32(io->regs + REG_SELECT, reg);
	return mmio_read32(io->regs + REG_WINDOW);
}

static void reg_write(const struct ioapic *io, u32 reg, u32 v)
{
	mmio_write32(io->regs + REG_SELECT, reg);
	mmio_write32(io->regs + REG_WINDOW, v);
}

static const struct ioapic *find_ioapic(u32 gsi)
{
	for (u32 i = 0; i < nr_ioapics; i++)
		if (gsi - ioapics[i].gsi_base < ioapics[i].nr_pins)
			return &ioapics[i];
	return NULL;
}

u32 irqchip_nr_gsis(void)
{
	return nr_gsis;
}

u32 irqchip_isa_gsi(u32 isa_irq, enum irq_trigger *trigger)
{
	if (isa_irq >= 16) {
		*trigger = IRQ_EDGE_RISING;
		return isa_irq;
	}
	*trigger = isa_lines[isa_irq].trigger;
	return isa_lines[isa_irq].gsi;
}

int irqchip_route(u32 gsi, enum irq_trigger trigger, u32 cpu, u32 vector)
{
	const struct ioapic *io = find_ioapic(gsi);
	u32 low = vector | ENTRY_MASKED;

	if (!io)
		return -ENXIO;
	if (trigger == IRQ_LEVEL_HIGH || trigger == IRQ_LEVEL_LOW)
		low |= ENTRY_LEVEL;
	if (trigger == IRQ_EDGE_FALLING || trigger == IRQ_LEVEL_LOW)
		low |= ENTRY_LOW;
	u32 pin = gsi - io->gsi_base;
	unsigned long flags = spin_lock_irqsave(&ioapic_lock);
	reg_write(io, REG_ENTRY(pin), ENTRY_MASKED);
	reg_write(io, REG_ENTRY(pin) + 1, cpu_apic_id[cpu] << 24);
	reg_write(io, REG_ENTRY(pin), low);
	spin_unlock_irqrestore(&ioapic_lock, flags);
	return 0;
}

static void change_mask(u32 gsi, bool masked)
{
	const struct ioapic *io = find_ioapic(gsi);

	if (!io)
		return;
	u32 reg = REG_ENTRY(gsi - io->gsi_base);
	unsigned long flags = spin_lock_irqsave(&ioapic_lock);
	u32 v = reg_read(io, reg);
	reg_write(io, reg, masked ? v | ENTRY_MASKED : v & ~ENTRY_MASKED);
	spin_unlock_irqrestore(&ioapic_lock, flags);
}

void irqchip_mask(u32 gsi)
{
	change_mask(gsi, true);
}

void irqchip_unmask(u32 gsi)
{
	change_mask(gsi, false);
}

static INIT void add_ioapic(paddr_t pa, u32 gsi_base)
{
	struct ioapic *io = &ioapics[nr_ioapics];

	if (nr_ioapics == MAX_IOAPICS || !(io->regs = early_ioremap(pa, 0x20))) {
		pr_warn("I/O APIC at %llx is not used\n", pa);
		return;
	}
	u32 version = reg_read(io, REG_VERSION);
	if (version == U32_MAX)
		return;	// nothing is there
	io->gsi_base = gsi_base;
	io->nr_pins = (version >> 16 & 255) + 1;
	for (u32 pin = 0; pin < io->nr_pins; pin++)
		reg_write(io, REG_ENTRY(pin), ENTRY_MASKED);
	nr_gsis = MAX(nr_gsis, gsi_base + io->nr_pins);
	nr_ioapics++;
}

// MPS INTI flags: bits 0-1 polarity (3: low), bits 2-3 trigger (3: level); 0: the bus's way, which for ISA is edge, high.
static INIT void add_override(const struct madt_override *o)
{
	if (o->bus != 0 || o->source >= 16)
		return;
	bool low = (o->flags & 3) == 3, level = (o->flags >> 2 & 3) == 3;
	isa_lines[o->source] = (struct isa_line){
		o->gsi, level ? (low ? IRQ_LEVEL_LOW : IRQ_LEVEL_HIGH) : (low ? IRQ_EDGE_FALLING : IRQ_EDGE_RISING) };
}

static INIT void ioapic_entry(const struct madt_entry *e, void *arg)
{
	const struct madt_ioapic *io = (const void *)e;

	(void)arg;
	if (e->type == MADT_IOAPIC && e->length >= sizeof(*io))
		add_ioapic(io->address, io->gsi_base);
	else if (e->type == MADT_OVERRIDE && e->length >= sizeof(struct madt_override))
		add_override((const void *)e);
}

// The old interrupt controllers: moved out of the exceptions' way and masked. 8259A data sheet.
static INIT void mask_8259(void)
{
	static const u8 init[4][2] = { { 0x11, 0x11 }, { 0x20, 0x28 }, { 4, 2 }, { 1, 1 } };

	for (u32 i = 0; i < 4; i++) {
		port_out8(i ? 0x21 : 0x20, init[i][0]);
		port_out8(i ? 0xa1 : 0xa0, init[i][1]);
	}
	port_out8(0x21, 0xff);
	port_out8(0xa1, 0xff);
}

void INIT irqchip_init(void)
{
	for (u32 i = 0; i < 16; i++)
		isa_lines[i] = (struct isa_line){ i, IRQ_EDGE_RISING };
	mask_8259();
	apic_init_boot();
	if (!madt_for_each(ioapic_entry, NULL))
		add_ioapic(0xfec00000, 0);	// no ACPI: where it has always been
}
