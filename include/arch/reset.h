// include/arch/reset.h - leaving this machine. Code: arch/<isa>/reset.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

// Each tries every means the machine has, and halts if none works. Context: any, other CPUs stopped by the caller.
NORETURN void arch_reboot(void);
NORETURN void arch_power_off(void);
NORETURN void arch_halt(void);
// Ends a test VM with an exit status if it has a device for that (x86: isa-debug-exit at port 0xf4, status (code << 1) | 1); returns if not.
void arch_exit_vm(u8 code);

// Told by dev/acpi.c once tables are parsed: how to enter S5 and to reset.
struct power_regs {
	u16 pm1a_cnt, pm1b_cnt;	// ports; 0: none
	u16 slp_typa, slp_typb;	// values of \_S5
	bool have_s5;
	paddr_t sleep_ctl, sleep_status;	// memory-mapped (hardware-reduced ACPI); 0: none
	u16 sleep_ctl_port;	// the same as a port; 0: none
	paddr_t reset_reg;	// memory-mapped; 0: none
	u16 reset_port;		// 0: none
	u8 reset_value;
};
void arch_power_set(const struct power_regs *r);
