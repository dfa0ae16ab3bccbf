// The end of the machine's run. See machine.h.
#include "task/machine.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "kern/cpumask.h"
#include "kern/log.h"
#include "kern/preempt.h"

void machine_end(const char *what, void (*how)(void))
{
	pr_emerg("reboot: %s\n", what);
	preempt_disable();
	irq_disable();
	arch_ipi_send_mask(&cpu_online_mask, IPI_STOP);
	how();
	cpu_stop_forever();
}
