// Start-up of dev/.
#include "dev/dev.h"
#include "dev/mem.h"
#include "dev/tty.h"
#include "dev/uart.h"
#include "kern/panic.h"

void dev_init(void)
{
	int err = devtmpfs_init() ?: proc_init();

	if (err)
		panic("file systems: error %d", err);
	mem_devices_init();
	tty_subsys_init();
	uart_init();
	console_init();
}
