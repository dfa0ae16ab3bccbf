// include/arch/earlycon.h - output before there is a console. Code: arch/<isa>/earlycon.c.
#pragma once
#include "lib/types.h"

// Writes to the first serial port, polling, LF as CR LF. Works from the first instruction in C to the last, on any CPU, in any
// context; not serialised (kern/log.c does that). Gives up on a port that never becomes ready.
void earlycon_write(const char *s, size_t n);
// A byte if one waits, else -1 (debugger and panic prompts).
int earlycon_poll(void);
