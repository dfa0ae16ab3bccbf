// dev/dev.h - start-up of everything in dev/, and of the file systems that show devices and tasks.
#pragma once
#include "kern/param.h"

extern const struct param dev_params[];		// console=
// Memory devices, terminals, the console; registers devtmpfs and proc. Context: task (CPU 0's first one), once, after fs_init(), interrupts on.
void dev_init(void);

// Upcalls: defined in fs/devtmpfs/devtmpfs.c and fs/proc/root.c: register the file system types. 0 or -errno.
MUST_CHECK int devtmpfs_init(void);
MUST_CHECK int proc_init(void);
