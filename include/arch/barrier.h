// include/arch/barrier.h - memory ordering. Code: port/barrier.h.
//
// The model is C11's with volatile accesses as relaxed atomics. A barrier's comment names its partner (DESIGN.md
// section 4). Atomic operations that return a value are full barriers; those that do not order nothing.
//
//   mb() rmb() wmb()             order accesses to devices and to memory, on one CPU or many
//   smp_mb() smp_rmb() smp_wmb() order accesses to ordinary memory between CPUs
//   smp_load_acquire(p)          load *p; nothing after it is done before it
//   smp_store_release(p, v)      store v to *p; nothing before it is done after it
//   smp_mb__before_atomic()      make the next void atomic operation a full barrier with what precedes it
//   smp_mb__after_atomic()       make the last void atomic operation a full barrier with what follows it
//   smp_store_mb(var, v)         store, then smp_mb(): state before condition in the sleeping idiom
//   dma_rmb() dma_wmb()          order accesses to memory shared with a coherent device
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

#include "port/barrier.h"
