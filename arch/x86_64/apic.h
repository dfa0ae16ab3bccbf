// arch/x86_64/apic.h - the local APIC. Code: apic.c. SDM 3A chapter 11.
#pragma once
#include "lib/types.h"

// Vectors above kern/irq.c's.
#define VECTOR_TIMER 0xf0
#define VECTOR_RESCHED 0xf1
#define VECTOR_CALL 0xf2
#define VECTOR_TLB 0xf3
#define VECTOR_STOP 0xf4
#define VECTOR_ERROR 0xfe
#define VECTOR_SPURIOUS 0xff

// Dispatches a vector that is not kern/irq.c's.
void apic_vector_arrived(u32 vector);
