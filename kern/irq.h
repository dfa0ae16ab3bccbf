// kern/irq.h - device interrupts: lines (gsis, which may be shared) and messages. Code: irq.c.
//
// Who handles an interrupt embeds a struct irq in its own object. A hard handler runs with interrupts off, acknowledges its device and queues work; one that
// returns IRQ_WAKE_THREAD gets wake_thread() called, a level line then stays masked until irq_thread_done().
// Lock order: the lock of irq.c is a leaf, interrupts off.
#pragma once
#include "arch/irq.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"

enum irq_result { IRQ_NONE, IRQ_HANDLED, IRQ_WAKE_THREAD };

struct irq {
	const char *name;				// SET_ONCE by the caller, as the next three
	enum irq_result (*handler)(struct irq *i);
	void (*wake_thread)(struct irq *i);		// may be null; hardirq context
	void *arg;
	u32 number;		// in /proc/interrupts: the gsi, or a number of its own for a message
	struct irq_line *line;	// SET_ONCE
	struct irq *next;	// others on the line. Written under irq.c's lock, read by the handling CPU under RCU
	u64 handled ATOMIC;
};

// A vector on a CPU, and what raises it. Memory for it comes from the caller of irq_setup_*(): embed it beside the first struct irq.
struct irq_line {
	struct list_head link;	// in the list of all lines
	struct irq *first;
	u32 number, gsi;	// gsi: U32_MAX for a message
	enum irq_trigger trigger;
	u32 cpu, vector;
	u32 masked;		// reasons
	u32 __percpu *count;	// arrivals
};

// Connects i to a line. A gsi that has a line already is shared (both level; `line` then stays unused); its interrupts may arrive before this
// returns. Context: task. Returns 0, -EBUSY (an edge gsi is taken), -ENXIO, -ENOSPC (no vector left) or -ENOMEM.
MUST_CHECK int irq_setup_gsi(struct irq *i, struct irq_line *line, u32 gsi, enum irq_trigger trigger);
// The same for a message: *msg is what the device must send.
MUST_CHECK int irq_setup_msi(struct irq *i, struct irq_line *line, struct msi_msg *msg);
// Disconnects i and waits until its handler is not running. The memory of a shared line may be that of another user: whoever came first
// must stay until the others have left. Context: task.
void irq_release(struct irq *i);
// Counted. Masking does not wait for a running handler.
void irq_mask(struct irq *i);
void irq_unmask(struct irq *i);
void irq_thread_done(struct irq *i);	// the threaded handler is done: the line may interrupt again
// Calls fn for each line (/proc/interrupts), under the lock.
void irq_for_each(void (*fn)(const struct irq_line *l, void *arg), void *arg);
