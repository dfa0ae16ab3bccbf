// arch/x86_64/features.h - what this machine's processors have, and their descriptor tables. Code: cpu.c, gdt.c.
#pragma once
#include "arch/cpu.h"
#include "arch/percpu.h"
#include "lib/compiler.h"
#include "lib/types.h"

enum x86_feature {
	X86_PGE, X86_PCID, X86_SMEP, X86_SMAP, X86_UMIP, X86_FSGSBASE, X86_ERMS, X86_FSRM, X86_GBPAGES,
	X86_X2APIC, X86_TSC_DEADLINE, X86_INVARIANT_TSC, X86_RDTSCP, X86_RDPID, X86_ARAT,
	X86_XSAVE, X86_XSAVEOPT, X86_AVX, X86_RDRAND, X86_RDSEED,
	X86_HYPERVISOR, X86_TCG, X86_KVM, X86_MWAIT, X86_SMT, X86_NX,
};

// Features of the boot CPU; constant after cpu_init_boot(). Others are expected to have the same.
extern u64 x86_features;

static inline bool cpu_has(enum x86_feature f)
{
	return x86_features >> f & 1;
}

// Reads CPUID, fills cpu 0's description, sets control registers and descriptor tables. Context: first thing at start-up.
void cpu_init_boot(void);
// The same for another CPU, on itself, once its per-CPU base is loaded.
void cpu_init_secondary(u32 cpu);
void cpu_identify(struct cpu_info *ci);

// gdt.c: loads GDT, TSS, IDT of this CPU and the system call registers. Per-CPU data works.
void gdt_init(u32 cpu);
// The IDT, the same for all. trap.c
void idt_init(void);
void idt_load(void);

// IST stack numbers (TSS).
#define IST_DF 1	// and #MC
#define IST_NMI 2
#define IST_DB 3
#define IST_STACK_SIZE 8192

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 io_bitmap;	// offset; beyond the limit: no ports
} PACKED;
DECLARE_PER_CPU(struct tss, cpu_tss);
