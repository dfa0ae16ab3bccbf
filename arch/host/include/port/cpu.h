// port/cpu.h - host. A spinning CPU lets the others run, and takes its interrupts.
#pragma once

void host_relax(void);
void host_idle(void);

static inline void cpu_relax(void)
{
	host_relax();
}

static inline void cpu_idle(void)
{
	host_idle();
}
