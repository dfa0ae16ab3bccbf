// arch/x86_64/apic.h - the local APIC, and what the MADT says of CPUs. Code: apic.c, madt.c. SDM 3A chapter 11.
#pragma once
#include "arch/irq.h"
#include "lib/compiler.h"
#include "lib/types.h"

// Vectors above kern/irq.c's.
#define VECTOR_TIMER 0xf0
#define VECTOR_RESCHED 0xf1
#define VECTOR_CALL 0xf2
#define VECTOR_TLB 0xf3
#define VECTOR_ERROR 0xfe
#define VECTOR_SPURIOUS 0xff

// Registers, as offsets in the xAPIC page; x2APIC has them as MSRs 0x800 + offset / 16.
#define APIC_ID 0x20
#define APIC_TPR 0x80
#define APIC_EOI 0xb0
#define APIC_SVR 0xf0
#define APIC_ISR 0x100
#define APIC_IRR 0x200
#define APIC_ESR 0x280
#define APIC_ICR 0x300
#define APIC_ICR2 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_INIT 0x380
#define APIC_TIMER_NOW 0x390
#define APIC_TIMER_DIVIDE 0x3e0
#define LVT_MASKED 0x10000u
#define LVT_NMI 0x400u
#define LVT_TSC_DEADLINE 0x40000u
#define ICR_FIXED 0x0u
#define ICR_NMI 0x400u
#define ICR_INIT 0x500u
#define ICR_STARTUP 0x600u
#define ICR_ASSERT 0x4000u
#define ICR_BUSY 0x1000u

u32 apic_read(u32 reg);
void apic_write(u32 reg, u32 v);
// Sends an interrupt command to the CPU with this APIC id. Context: any.
void apic_send(u32 apic_id, u32 command);
// Finds the local APIC and turns it on, on the boot CPU; turns it on, on another.
void apic_init_boot(void);
void apic_init_cpu(void);
// Dispatches a vector that is not kern/irq.c's.
void apic_vector_arrived(u32 vector);

// APIC ids by CPU number; index 0 is the boot CPU. Constant once arch_smp_prepare() has run.
extern u32 cpu_apic_id[];

// tlb.c: requests of other CPUs.
void tlb_ipi_arrived(void);

// time.c: a step of the comparison of time-stamp counters between CPUs.
void tsc_compare(void);
