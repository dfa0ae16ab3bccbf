// include/drv/panic.h - the end, and the warning before it. Code: dev/drv_glue.c.
#pragma once
#include "drv/types.h"

// Stops the machine with len bytes at text as the reason. Context: any.
NORETURN COLD void drv_panic(const u8 *text BORROWED, size_t len) CTX_ANY;
// Logs the text and a backtrace, and goes on. Context: any but NMI.
COLD void drv_warn(const u8 *text BORROWED, size_t len) CTX_ANY;
