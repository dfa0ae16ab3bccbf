// console=: where the log goes, and what /dev/console is. Linux's Documentation/admin-guide/serial-console.rst has the syntax.
//
// Every console= that names an existing port gets the log; the last one is /dev/console. Without any, it is the first serial port.
#include "dev/dev.h"
#include "dev/tty.h"
#include "dev/uart.h"
#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"

static bool console_none;		// console=null or console=: nothing is wanted
static u32 console_port = UART_PORTS;	// UART_PORTS: none
static u32 consoles_registered;		// bit per port

// "115200n8r": all parts may be absent.
static struct uart_mode parse_mode(const char *s)
{
	struct uart_mode m = { .baud = 9600, .bits = 8, .parity = 'n' };

	if (isdigit(*s))
		m.baud = (u32)parse_u64(s, &s, 10);
	if (*s == 'n' || *s == 'o' || *s == 'e')
		m.parity = *s++;
	if (*s >= '5' && *s <= '8')
		m.bits = (u8)(*s++ - '0');
	m.rtscts = *s == 'r';
	return m;
}

static void use_port(u32 n, const struct uart_mode *m)
{
	struct console *c = uart_console(n, m);

	if (!c)
		return;
	console_port = n;
	if (!(consoles_registered >> n & 1))
		console_register(c);
	consoles_registered |= 1u << n;
}

static int set_console(char *val)
{
	if (!val || !*val || streq(val, "null")) {
		console_none = true;
		return 0;
	}
	if (!str_has_prefix(val, "ttyS") || !isdigit(val[4]))
		return 0;	// another kind of console, which we do not have: as on a kernel built without it
	const char *rest;
	u64 n = parse_u64(val + 4, &rest, 10);
	struct uart_mode m = parse_mode(*rest == ',' ? rest + 1 : rest);
	if (n < UART_PORTS)
		use_port((u32)n, &m);
	return 0;
}

const struct param dev_params[] = { PARAM("console", set_console), PARAM_END };

void console_init(void)
{
	static const struct uart_mode first = { .baud = 9600, .bits = 8, .parity = 'n' };

	if (console_port == UART_PORTS && !console_none)
		use_port(0, &first);
	console_tty = uart_tty(console_port);
}
