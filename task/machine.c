// The end of the machine's run. See machine.h.
#include "task/machine.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "kern/cpumask.h"
#include "kern/lockcheck.h"
#include "kern/log.h"
#include "kern/preempt.h"
#include "mm/leak.h"
#include "task/pid.h"

void machine_end(const char *what, void (*how)(void))
{
	if (in_task() && !preempt_count())
		leak_report((u32)atomic64_read(&init_pid_ns.nr_pids));
	lockstat_print();
	console_drain_all();
	pr_emerg("reboot: %s\n", what);
	preempt_disable();
	irq_disable();
	arch_ipi_send_mask(&cpu_online_mask, IPI_STOP);
	how();
	cpu_stop_forever();
}
