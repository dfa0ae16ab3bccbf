// include/arch/unwind.h - walking kernel stacks. Code: arch/<isa>/unwind.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct task;
struct frame;

// A walk in progress. Start it, then use ip until it is 0, calling unwind_next() in between.
struct unwind {
	u64 ip;			// 0: the end
	u64 sp, fp;
	u64 lo, hi;		// the stack being walked; the walk stops where it would leave it
	const struct frame *frame;	// when ip is where an entry interrupted: its registers; else null
	bool exact_ip;		// ip is the instruction itself (entry), not a return address
};
// Walks start at the caller; at a frame; at a task that is not running. Context: any; memory is read with kernel_read_nofault() care.
void unwind_start(struct unwind *u);
void unwind_start_frame(struct unwind *u, const struct frame *f);
void unwind_start_task(struct unwind *u, const struct task *t);
void unwind_next(struct unwind *u);

// Prints the registers of a frame by pr_emerg(). kern/panic.c calls it.
void frame_print(const struct frame *f);

#include "port/unwind.h"
