// dev/misc.h - misc devices: character devices of major 10, one minor each. Code: misc.c. For drivers: drv/miscdevice.h.
//
// Lifetime: a device is counted: one reference is the registration's, one each open file's. The registration's `self` is
//           used by open alone, which drv_misc_deregister() waits for.
// Lock order: drv_misc.opening, then whatever the driver's open takes.
#pragma once
#include "lib/compiler.h"

// Takes the major number. Called once by boot/start.c, before any driver starts. Returns 0 or -errno.
MUST_CHECK int misc_init(void);
