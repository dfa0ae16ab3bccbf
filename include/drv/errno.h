// include/drv/errno.h - error numbers, for bindgen: those of the ABI and the kernel's own (lib/errno.h).
#pragma once
#include "lib/errno.h"
