// Power-off, reset, and the exit of a test VM.
#include "arch/reset.h"

#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/io.h"
#include "arch/pte.h"
#include "kern/log.h"

#define KEYBOARD_STATUS 0x64
#define RESET_CONTROL 0xcf9	// of PCI chip sets
#define DEBUG_EXIT 0xf4
#define SLP_EN 0x2000

static struct power_regs regs RO_AFTER_INIT;
static volatile void *sleep_ctl RO_AFTER_INIT, *reset_reg RO_AFTER_INIT;

void arch_power_set(const struct power_regs *r)
{
	regs = *r;
	sleep_ctl = r->sleep_ctl ? early_ioremap(r->sleep_ctl, 1) : NULL;
	reset_reg = r->reset_reg ? early_ioremap(r->reset_reg, 1) : NULL;
}

// Until the machine has had time to act.
static void settle(void)
{
	for (u32 i = 0; i < 100000; i++)
		port_in8(0x80);
}

NORETURN void arch_halt(void)
{
	cpu_stop_forever();
}

NORETURN void arch_reboot(void)
{
	if (regs.reset_port)
		port_out8(regs.reset_port, regs.reset_value);
	if (reset_reg)
		mmio_write8(reset_reg, regs.reset_value);
	port_out8(RESET_CONTROL, 0x02);
	port_out8(RESET_CONTROL, 0x06);
	for (u32 i = 0; i < 10000 && (port_in8(KEYBOARD_STATUS) & 2); i++)
		;
	port_out8(KEYBOARD_STATUS, 0xfe);
	// A fault that cannot be handled resets every processor.
	struct { u16 limit; u64 base; } PACKED none = { 0, 0 };
	__asm__ volatile("lidt %0; int3" : : "m"(none));
	cpu_stop_forever();
}

NORETURN void arch_power_off(void)
{
	if (regs.have_s5) {
		// ACPI 6.5, 4.8.3.2: sleep type in bits 10-12, then the enable bit; hardware-reduced: 4.8.3.7, bits 2-4 and bit 5.
		if (regs.pm1a_cnt)
			port_out16(regs.pm1a_cnt, (u16)(regs.slp_typa << 10 | SLP_EN));
		if (regs.pm1b_cnt)
			port_out16(regs.pm1b_cnt, (u16)(regs.slp_typb << 10 | SLP_EN));
		if (sleep_ctl)
			mmio_write8(sleep_ctl, (u8)(regs.slp_typa << 2 | 0x20));
		if (regs.sleep_ctl_port)
			port_out8(regs.sleep_ctl_port, (u8)(regs.slp_typa << 2 | 0x20));
		settle();
	}
	pr_emerg("power-off failed: halted\n");
	cpu_stop_forever();
}

// Without the device the write goes nowhere.
void arch_exit_vm(u8 code)
{
	port_out8(DEBUG_EXIT, code);
}
