// include/arch/irq.h - the interrupt flag of this CPU, and interrupt controllers. Code: port/irq.h, arch/<isa>/.
//
// Controllers are mechanism: which CPU and which vector an interrupt goes to, and what runs when it arrives, is
// decided by kern/irq.c. Each interrupt source is a gsi (ACPI's global system interrupt; on device-tree ports the
// same number space is filled by the port) or a message (MSI).
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

// Turns interrupts off and returns the previous state for irq_restore().
static inline unsigned long irq_save(void);
static inline void irq_restore(unsigned long flags);
static inline void irq_disable(void);
static inline void irq_enable(void);
// The state irq_save() would return, without changing it; and whether such a state has interrupts off.
static inline unsigned long irq_flags(void);
static inline bool irq_flags_off(unsigned long flags);
static inline bool irqs_disabled(void);

// Vectors that kern/irq.c may hand out, on each CPU separately: [IRQ_VECTOR_FIRST, IRQ_VECTOR_LAST].
// They are defined by the port; NR_IRQ_VECTORS is their number.

enum irq_trigger { IRQ_EDGE_RISING, IRQ_EDGE_FALLING, IRQ_LEVEL_HIGH, IRQ_LEVEL_LOW };

// An MSI message: what a device writes, and where.
struct msi_msg {
	u64 addr;
	u32 data;
};

// Number of gsis that controllers serve; gsis at or above it do not exist. Constant once irqchip_init() has run.
u32 irqchip_nr_gsis(void);
// The gsi and trigger of a legacy ISA interrupt line (x86: MADT overrides; elsewhere identity).
u32 irqchip_isa_gsi(u32 isa_irq, enum irq_trigger *trigger);
// Sends gsi to the given CPU and vector. The line is left masked. Returns 0 or -ENXIO (no such gsi).
// Context: any, the caller serialises calls for one gsi; the controller's own lock is a leaf.
MUST_CHECK int irqchip_route(u32 gsi, enum irq_trigger trigger, u32 cpu, u32 vector);
void irqchip_mask(u32 gsi);
void irqchip_unmask(u32 gsi);
// Fills *msg so that a device that sends it raises vector on cpu.
void irqchip_msi_compose(u32 cpu, u32 vector, struct msi_msg *msg);
// Ends the interrupt that this CPU is handling. Called by kern/irq.c once per irq_vector_arrived(), after masking
// a level interrupt that is to stay off. Context: hardirq.
static inline void irqchip_eoi(void);
// Whether an interrupt with this vector waits at this CPU's controller (used when a vector is moved or freed).
bool irqchip_pending(u32 vector);

// Finds and sets up the controllers, all lines masked. Needs ACPI tables and ioremap. Context: boot CPU, once.
void irqchip_init(void);

// Upcalls: defined in kern/irq.c.
// A device interrupt arrived at this CPU. Interrupts are off; between irq_enter() and irq_exit().
void irq_vector_arrived(u32 vector);

#include "port/irq.h"
