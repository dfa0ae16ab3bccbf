// include/arch/percpu.h - per-CPU variables. Code: port/percpu.h; the dynamic allocator is mm/percpu.c.
//
// A per-CPU variable's own address (static: in section .percpu; dynamic: from percpu_alloc()) is not memory to
// touch: it is the same distance from every CPU's copy, per_cpu_offset[cpu]. The template section stays as linked.
//
// The this_cpu_*() operations are single instructions on this CPU's copy (or behave so): legal in any context,
// atomic against interrupts and preemption on this CPU, not against other CPUs. They take an lvalue: `this_cpu_inc(nr_faults)`,
// and `this_cpu_inc(*p)` or `this_cpu_inc(p->n)` for a dynamic __percpu pointer p. Operands have 1, 2, 4 or 8 bytes.
//
//   this_cpu_read(v) this_cpu_write(v, x)
//   this_cpu_read_stable(v)		as read, but the compiler may keep the value: for what never changes for a task (current)
//   this_cpu_add(v, n) this_cpu_sub(v, n) this_cpu_inc(v) this_cpu_dec(v) this_cpu_or(v, m) this_cpu_and(v, m)
//   this_cpu_add_return(v, n)	the new value
//   this_cpu_dec_and_test(v)		decrement; true if the result is 0: a decrement and a branch
//   this_cpu_xchg(v, x) this_cpu_cmpxchg(v, old, new)	the old value
//   this_cpu_ptr(p)			address of this CPU's copy of *p; only while the task cannot migrate
//   per_cpu_ptr(p, cpu) per_cpu(v, cpu)	another CPU's copy: ATOMIC fields only (or CPUs that do not run)
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

// The largest number of CPUs that this kernel can use.
#ifndef NR_CPUS
#define NR_CPUS 256
#endif

#ifndef PERCPU_SECTION
#define PERCPU_SECTION ".percpu"
#endif
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name
#define DEFINE_PER_CPU(type, name) SECTION(PERCPU_SECTION) __typeof__(type) name
#define STATIC_PER_CPU(type, name) static SECTION(PERCPU_SECTION) __typeof__(type) name

// Distance from a variable's template address to each CPU's copy. Before percpu_init() only entry 0 is valid.
extern unsigned long per_cpu_offset[NR_CPUS];

// The template: initial contents of the static part of every area. Both page aligned.
extern char percpu_template_start[], percpu_template_end[];

// Makes `area`, which holds a copy of the template (for this CPU: of its present area) at its start, the area of cpu.
// For the calling CPU it takes effect at once (interrupts off); others load it when they start. Context: boot CPU.
void arch_percpu_set_area(u32 cpu, void *area);

#include "port/percpu.h"

// Through an integer: to the compiler, the result has nothing to do with the template's bounds.
#define per_cpu_ptr(p, cpu) ((__typeof__(*(p)) __force *)((unsigned long)(p) + per_cpu_offset[cpu]))
#define per_cpu(v, cpu) (*per_cpu_ptr(&(v), cpu))
