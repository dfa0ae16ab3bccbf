// boot/boot.h - start-up. start.c has the order of everything; the rest are its steps.
#pragma once
#include "lib/compiler.h"
#include "kern/param.h"
#include "lib/types.h"

extern const struct param boot_params[];	// init=, rdinit=, nr_cpus=, maxcpus=, tsc_early_khz=, ktest
extern u32 boot_cpu_limit;			// nr_cpus=: possible CPUs
extern u32 boot_start_limit;			// maxcpus=: CPUs to start; 0 or 1: the boot CPU only
extern u32 boot_tsc_khz;			// tsc_early_khz=
extern const char *boot_init;			// init=, or null
extern const char *boot_rdinit;			// rdinit=, "/init"
extern const char *boot_ktest;			// pattern of unit tests to run instead of /init, or null

// Unpacks the initramfs into the root and frees its memory. A damaged archive is reported in one line; what came before the damage stays. Context: PID 1.
void initramfs_unpack(void);
// Starts the other CPUs. Context: PID 1.
void smp_start(void);
// PID 1's body: finishes start-up, then becomes /init.
int init_main(void *unused);
