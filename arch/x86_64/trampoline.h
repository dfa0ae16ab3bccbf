// arch/x86_64/trampoline.h - symbols of trampoline.S.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

extern char trampoline_start[], trampoline_end[];
extern char trampoline_gdt_base[], trampoline_far32[], trampoline_far64[], trampoline_cr3[];
extern u64 trampoline_pgd[512], trampoline_pud[512], trampoline_pmd[512];
NORETURN void smp_secondary_main(u32 cpu);
extern u32 smp_nr_starting;
