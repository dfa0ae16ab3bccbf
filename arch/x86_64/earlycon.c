// COM1, polled. 16550 registers: data +0, line status +5 (bit 0: received, bit 5: transmitter holding register empty).
#include "arch/earlycon.h"

#include "arch/io.h"
#include "lib/compiler.h"

#define COM1 0x3f8
#define LSR (COM1 + 5)
#define LSR_RECEIVED 0x01
#define LSR_THR_EMPTY 0x20

// A status of all ones: there is no such device.
static bool uart_absent(void)
{
	return port_in8(LSR) == 0xff;
}

static void uart_putc(char c)
{
	// 115200 baud: 87 us a byte. A device that stays busy for much longer than its FIFO takes to drain is broken.
	for (u32 i = 0; !(port_in8(LSR) & LSR_THR_EMPTY) && i < 1000000; i++)
		__asm__ volatile("pause");
	port_out8(COM1, (u8)c);
}

void earlycon_write(const char *s, size_t n)
{
	if (uart_absent())
		return;
	for (; n; n--, s++) {
		if (*s == '\n')
			uart_putc('\r');
		uart_putc(*s);
	}
}

int earlycon_poll(void)
{
	if (uart_absent() || !(port_in8(LSR) & LSR_RECEIVED))
		return -1;
	return port_in8(COM1);
}
