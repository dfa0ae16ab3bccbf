// Start-up of the host program: boot/start.c's steps without firmware and devices; then the unit tests in a kernel thread.
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/reset.h"
#include "arch/time.h"
#include "fs/inode.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/param.h"
#include "kern/percpu_alloc.h"
#include "kern/rcu.h"
#include "kern/smp.h"
#include "lib/ktest.h"
#include "lib/string.h"
#include "mm/folio.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/reclaim.h"
#include "mm/slab_internal.h"
#include "mm/vmalloc.h"
#include "mm/xarray.h"
#include "sched/sched.h"
#include "task/kthread.h"
#include "task/process.h"
#include "task/workqueue.h"
#include "time/clock.h"
#include "time/hrtimer.h"
#include "time/timer.h"

static struct task *idle_tasks[NR_CPUS];

struct task *boot_idle_task(u32 cpu)
{
	return idle_tasks[cpu];
}

void smp_cpu_main(u32 cpu)
{
	rcu_cpu_online(cpu);
	sched_cpu_online(cpu);
	cpumask_set_atomic(cpu, &cpu_online_mask);
	hrtimer_cpu_online();
	cpu_idle_loop();
}

static void start_others(void)
{
	for (int cpu = 1; cpu < nr_cpu_ids; cpu++)
		if (sched_idle_create(cpu, &idle_tasks[cpu]))
			panic("no idle task");
	if (nr_cpu_ids == 1)
		return;
	preempt_disable();
	arch_smp_start_all(nr_cpu_ids, &cpu_online_mask);
	preempt_enable();
	clock_validate();
}

static const char *pattern = "*";

static int kswapd_main(void *arg)
{
	kswapd(arg);
}

static int main_thread(void *unused)
{
	(void)unused;
	lockcheck_start();
	start_others();
	softirq_threads_init();
	workqueue_init();
	if (kthread_run(NULL, kswapd_main, NULL, "kswapd0"))
		panic("no kswapd");
	arch_exit_vm(ktest_run(pattern) != 0);
	return 0;
}

static int param_ktest(char *val)
{
	pattern = val;
	return 0;
}

static const struct param host_params[] = {
	PARAM("ktest", param_ktest),
	PARAM_END
};

static void parse_params(void)
{
	static char line[BOOT_CMDLINE_MAX];
	static const struct param *const tables[] = { kern_params, host_params };

	memcpy(line, boot_info.cmdline, sizeof(line));
	param_parse(line, tables, ARRAY_SIZE(tables));
}

static void percpu_start(void)
{
	percpu_init(arch_smp_prepare(NR_CPUS));
}

static void first_thread(void)
{
	struct task *t;

	if (fork_kernel_thread(main_thread, NULL, &t))
		panic("no first thread");
	wake_up_new(t);
	task_put(t);
}

static void (*const steps[])(void) = {
	log_init, parse_params, percpu_start, smp_init, page_alloc_init, slab_init, xarray_init, folio_init, lru_init, vmalloc_init, mm_init,
	rcu_init, sched_init, timers_init, clock_init, hrtimer_cpu_online, irq_enable, process_init, fs_init, first_thread, kthread_init,
};

void start_kernel(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(steps); i++)
		steps[i]();
	cpu_idle_loop();
}
