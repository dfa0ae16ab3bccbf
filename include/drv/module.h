// include/drv/module.h - modules built into the kernel, and their parameters.
#pragma once
#include "drv/types.h"

// Starts the modules named in mk/rust.mk, in that order. One that fails is logged and left out; the others start.
// Generated: build/<isa>/rust/modules.c. Called once, by boot/start.c. Returns 0.
int rust_modules_init(void) CTX_TASK;

// The value given to `name` (module.parameter, len bytes) on the kernel's command line: the last one if there are
// several, with its length in *value_len; NULL if there is none. It lives for ever. Code: dev/drv_glue.c.
const u8 *drv_param(const u8 *name BORROWED, size_t len, size_t *value_len) CTX_TASK;
