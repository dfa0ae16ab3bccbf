// kern/percpu_alloc.h - dynamic per-CPU memory. Code: percpu_alloc.c.
//
// Each possible CPU has a unit: the static variables (a copy of the linker's template) and room for dynamic ones. Units of one chunk lie
// side by side, so that what is at the same place in each is the same distance apart in every chunk: a __percpu pointer plus per_cpu_offset[cpu]
// finds the copy whichever chunk it is in, and a further chunk is one allocation of ordinary memory. CPUs that are not possible have no unit.
#pragma once
#include "arch/percpu.h"
#include "lib/compiler.h"
#include "lib/types.h"

// Makes CPUs [0, nr) possible, and the first chunk for them; moves this CPU's area there. Context: boot CPU, interrupts off, memblock in use.
void percpu_init(u32 nr);
// Zeroed memory for each possible CPU. align is a power of two, at most a page. Null when there is none. Context: task.
MUST_CHECK void __percpu *percpu_alloc(size_t size, size_t align);
// p may be null. Context: any with interrupts as they are.
void percpu_free(void __percpu *p);
#define percpu_new(type) ((type __percpu *)percpu_alloc(sizeof(type), _Alignof(type)))
// Bytes of memory that units take now, all CPUs, and the part of it that is in use (/proc/meminfo).
size_t percpu_total(size_t *used);

// Upcalls: defined in mm/vmalloc.c.
// size bytes of zeroed, page-aligned, virtually contiguous memory that is never freed, or null. May sleep.
void *percpu_chunk_memory(size_t size);
