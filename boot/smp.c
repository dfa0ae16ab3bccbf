// Starting the other CPUs: their idle tasks before, their first code after.
#include "arch/cpu.h"
#include "arch/time.h"
#include "boot/boot.h"
#include "kern/cpumask.h"
#include "kern/log.h"
#include "kern/rcu.h"
#include "sched/sched.h"
#include "time/clock.h"
#include "time/hrtimer.h"

static struct task *idle_tasks[NR_CPUS];	// SET_ONCE by smp_start()

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

INIT void smp_start(void)
{
	u32 nr = MIN((u32)nr_cpu_ids, MAX(boot_start_limit, 1u));

	for (u32 cpu = 1; cpu < nr; cpu++)
		if (sched_idle_create(cpu, &idle_tasks[cpu])) {
			pr_err("smp: too little memory for CPU %u\n", cpu);
			nr = cpu;
		}
	if (nr < 2)
		return;
	preempt_disable();
	arch_smp_start_all(nr, &cpu_online_mask);
	preempt_enable();
	clock_validate();
	pr_info("smp: %d CPUs\n", num_online_cpus());
}
