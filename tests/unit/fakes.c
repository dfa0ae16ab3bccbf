// What the host program gets from parts that it does not contain. Weak: the real one, if it is linked, wins.
#include "fs/file.h"
#include "kern/symbols.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "proc/exit_work.h"

#define FAKE __attribute__((weak))

FAKE const char *symbol_find(u64 addr, u64 *offset)
{
	(void)addr;
	(void)offset;
	return NULL;
}

FAKE void syscall_trace_enter(const struct frame *f)
{
	(void)f;
}

FAKE void syscall_trace_exit(const struct frame *f)
{
	(void)f;
}

FAKE int file_sync_range(struct file *f, loff_t start, loff_t end)
{
	(void)f;
	(void)start;
	(void)end;
	return -EINVAL;
}

FAKE int devtmpfs_init(void);
FAKE int devtmpfs_init(void)
{
	return 0;
}

FAKE int proc_init(void);
FAKE int proc_init(void)
{
	return 0;
}
