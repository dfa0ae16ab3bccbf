// arch/x86_64/x86.h - instructions and architectural constants used inside this port only.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

#define MSR_APIC_BASE 0x1b
#define MSR_PAT 0x277
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_SFMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX 0xc0000103

#define EFER_SCE 0x1

#define CR0_MP 0x2ul
#define CR0_EM 0x4ul
#define CR0_TS 0x8ul
#define CR0_NE 0x20ul
#define CR0_WP 0x10000ul
#define CR4_DE 0x8ul
#define CR4_MCE 0x40ul
#define CR4_PGE 0x80ul
#define CR4_OSFXSR 0x200ul
#define CR4_OSXMMEXCPT 0x400ul
#define CR4_UMIP 0x800ul
#define CR4_FSGSBASE 0x10000ul
#define CR4_PCIDE 0x20000ul
#define CR4_OSXSAVE 0x40000ul
#define CR4_SMEP 0x100000ul
#define CR4_SMAP 0x200000ul

#define FLAGS_CF 0x1ul
#define FLAGS_FIXED 0x2ul
#define FLAGS_TF 0x100ul
#define FLAGS_IF 0x200ul
#define FLAGS_DF 0x400ul
#define FLAGS_IOPL 0x3000ul
#define FLAGS_NT 0x4000ul
#define FLAGS_RF 0x10000ul
#define FLAGS_AC 0x40000ul
#define FLAGS_ID 0x200000ul

// Selectors: programs see the user ones in signal frames, so they are Linux's. There is no 32-bit code segment.
#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define USER_DS 0x2b
#define USER_CS 0x33
#define TSS_SELECTOR 0x40
#define CPU_NODE_SELECTOR 0x7b	// its limit is the CPU's number, for the vDSO

// Exceptions.
#define TRAP_DE 0
#define TRAP_DB 1
#define TRAP_NMI 2
#define TRAP_BP 3
#define TRAP_OF 4
#define TRAP_BR 5
#define TRAP_UD 6
#define TRAP_NM 7
#define TRAP_DF 8
#define TRAP_TS 10
#define TRAP_NP 11
#define TRAP_SS 12
#define TRAP_GP 13
#define TRAP_PF 14
#define TRAP_MF 16
#define TRAP_AC 17
#define TRAP_MC 18
#define TRAP_XF 19

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 sub)
{
	struct cpuid r;
	__asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(sub));
	return r;
}

#define CR_ACCESSORS_(n) \
static inline u64 read_cr##n(void) \
{ \
	u64 v; \
	__asm__ volatile("movq %%cr" #n ", %0" : "=r"(v) : : "memory"); \
	return v; \
} \
static inline void write_cr##n(u64 v) \
{ \
	__asm__ volatile("movq %0, %%cr" #n : : "r"(v) : "memory"); \
}
CR_ACCESSORS_(0)
CR_ACCESSORS_(2)
CR_ACCESSORS_(4)
#undef CR_ACCESSORS_

static inline void xsetbv(u32 reg, u64 v)
{
	__asm__ volatile("xsetbv" : : "c"(reg), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
