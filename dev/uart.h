// dev/uart.h - 16550 serial ports: polled output for the log from the first moment, interrupt-driven terminals once interrupts work. Code: uart.c.
#pragma once
#include "kern/log.h"
#include "lib/types.h"

#define UART_PORTS 4		// ttyS0..3, at the PC's addresses

struct tty;

struct uart_mode {		// of the parameter console=ttySn,<mode>
	u32 baud;
	u8 bits;		// 5..8
	char parity;		// n, o, e
	bool rtscts;
};
// Whether port n exists. Context: any, earliest start-up included.
bool uart_present(u32 n);
// Sets the line to mode and returns its console, to be registered; null if there is no such port. Context: start-up.
struct console *uart_console(u32 n, const struct uart_mode *mode);
// Makes terminals of all ports that exist, with their nodes and interrupts. Context: task.
void uart_init(void);
struct tty *uart_tty(u32 n);	// null: no such port. After uart_init()
