// include/arch/cpu.h - this processor, the others, and messages between them. Code: port/cpu.h, arch/<isa>/{cpu,smp}.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct cpumask;

// A hint that we spin. Sleeps of any length are not spinning: see sched/waitq.h.
static inline void cpu_relax(void);
// Turns interrupts on and halts until one arrives, with no window in which it could be missed.
// Called with interrupts off; returns with them on. Context: idle task.
static inline void cpu_idle(void);
// Interrupts off and halt, for ever. Lock-free.
NORETURN void cpu_stop_forever(void);
// The number of this CPU. The caller keeps itself on it (or wants a guess).
// #define cpu_id() this_cpu_read(cpu_hot.cpu)    (kern/cpu_hot.h)

// What a processor is and can do. Filled for each CPU by itself when it starts; constant afterwards.
struct cpu_info {
	char vendor[13];	// "GenuineIntel"; or the ISA string's vendor elsewhere
	char model_name[49];
	u32 family, model, stepping;
	u32 hw_id;		// APIC id, hart id, MPIDR...: how controllers name this CPU
	u32 package, core, thread;	// position in the topology, from 0
	u32 cacheline;		// bytes
	u32 phys_bits, virt_bits;
};
// The CPU's description, or null for one that never started.
const struct cpu_info *cpu_info(u32 cpu);
// Appends /proc/cpuinfo's text for this CPU to buf; returns the number of bytes (at most size).
size_t arch_cpuinfo_text(u32 cpu, char *buf, size_t size);
// AT_HWCAP, AT_HWCAP2 and AT_PLATFORM's string for the auxiliary vector; AT_MINSIGSTKSZ's value.
u64 arch_hwcap(void);
u64 arch_hwcap2(void);
const char *arch_platform(void);
u64 arch_minsigstksz(void);
// uname(2)'s machine.
const char *arch_machine(void);
// Whether we run on a hypervisor (spin locks must not be FIFO then, DESIGN.md section 8).
bool arch_on_hypervisor(void);

// Start-up. smp_prepare() counts what firmware tables describe, in the order of their ids with the boot CPU first, and returns the number
// of possible CPUs (at least 1, at most min(limit, NR_CPUS)). Per-CPU areas and idle tasks are the caller's to make
// between it and smp_start_all(). Context: boot CPU.
u32 arch_smp_prepare(u32 limit);
// Starts CPUs [1, nr) in parallel, each on the idle task given by boot_idle_task(cpu), and returns when all have set
// their bits in *online, which smp_cpu_main() does, or have failed to start (a message names them). Context: boot CPU, task.
void arch_smp_start_all(u32 nr, const struct cpumask *online);
// Number of CPUs that run (started and past their first entry); 1 before arch_smp_start_all().
u32 arch_smp_nr_online(void);

// Messages. IPI_RESCHED makes the target look at its run queue, IPI_CALL at its call queue; IPI_STOP stops it
// for good (by NMI where there is one). Delivery implies a full barrier. Context: any.
enum ipi { IPI_RESCHED, IPI_CALL, IPI_STOP };
void arch_ipi_send(u32 cpu, enum ipi what);
// To all CPUs in mask, this one excepted.
void arch_ipi_send_mask(const struct cpumask *mask, enum ipi what);
// An NMI (or the nearest thing) that makes every other CPU call nmi_backtrace_arrived(). Context: any.
void arch_nmi_all_others(void);

// Upcalls: defined in kern/ and sched/. All with interrupts off.
struct task;
// The idle task of a CPU that is about to start, and so its stack. kern/smp.c
struct task *boot_idle_task(u32 cpu);
// First C code of a new CPU after the port's own set-up: current and per-CPU data work. Never returns. boot/smp.c
NORETURN void smp_cpu_main(u32 cpu);
void ipi_resched_arrived(void);	// sched/core.c; hardirq context
// IPI_CALL: smp_handle_call_ipi() (kern/smp.h); hardirq context
void ipi_stop_arrived(void);	// kern/panic.c; NMI context, returns to be halted

#include "port/cpu.h"
