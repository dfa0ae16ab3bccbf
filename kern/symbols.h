// kern/symbols.h - the names of the kernel's own functions, for backtraces and %pS. Code: symbols.c.
//
// The table is made from the linked image by tools/ksyms.py and linked in by a second link (tools/link-kernel).
#pragma once
#include "lib/types.h"

// Finds the function that addr lies in. Returns its name, which lives forever, with the distance from its
// start in *offset; NULL for an address outside the kernel's text. Context: any, NMI and panic included.
const char *symbol_find(u64 addr, u64 *offset);
