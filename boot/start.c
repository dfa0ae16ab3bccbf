// Start-up: one table of calls. Each line may use what the lines before it made.
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/thread.h"
#include "arch/time.h"
#include "boot/boot.h"
#include "dev/acpi.h"
#include "dev/dev.h"
#include "dev/misc.h"
#include "fs/inode.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/param.h"
#include "kern/percpu_alloc.h"
#include "kern/rcu.h"
#include "kern/smp.h"
#include "mm/folio.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/slab_internal.h"
#include "mm/vmalloc.h"
#include "mm/xarray.h"
#include "proc/fork.h"
#include "sched/sched.h"
#include "task/kthread.h"
#include "task/process.h"
#include "time/clock.h"
#include "time/hrtimer.h"
#include "time/timer.h"

#define OCHRE_VERSION "7.2.0-ochre"

INIT static void banner(void)
{
	pr_notice("Ochre %s\n", OCHRE_VERSION);
	pr_info("Command line: %s\n", boot_info.cmdline);
}

INIT static void parse_params(void)
{
	static char line[BOOT_CMDLINE_MAX];		// values point into it
	static const struct param *const tables[] = { kern_params, boot_params, dev_params };

	__builtin_memcpy(line, boot_info.cmdline, sizeof(line));
	param_parse(line, tables, ARRAY_SIZE(tables));
}

INIT static void percpu_start(void)
{
	percpu_init(arch_smp_prepare(boot_cpu_limit));
}

INIT static void clock_start(void)
{
	arch_clock_init(boot_tsc_khz);
	clock_init();
}

INIT static void start_interrupts(void)
{
	irq_enable();
}

INIT static void start_misc(void)
{
	if (misc_init())
		pr_err("boot: no misc devices\n");
}

INIT static void first_process(void)
{
	struct task *t;

	if (fork_kernel_thread(init_main, NULL, &t))
		panic("too little memory for the first process");
	wake_up_new(t);
	task_put(t);
}

static void (*steps[])(void) INITDATA = {
	log_init,
	parse_params,		// quiet and loglevel= hold from the first line on
	banner,
	// Firmware tables, then memory.
	acpi_init,
	percpu_start,
	smp_init,
	page_alloc_init,
	slab_init,
	xarray_init,
	folio_init,
	lru_init,
	vmalloc_init,
	mm_init,
	// Time, interrupts, scheduling. Interrupts are still off.
	rcu_init,
	sched_init,
	irqchip_init,
	timers_init,
	clock_start,
	hrtimer_cpu_online,
	arch_fpu_init,
	start_interrupts,
	// What processes and files are made of.
	process_init,
	fs_init,
	dev_init,
	start_misc,
	first_process,
	kthread_init,
};

void start_kernel(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(steps); i++)
		steps[i]();
	cpu_idle_loop();
}
