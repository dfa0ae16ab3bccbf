// task/machine.h - the end of the machine's run, in good order.
#pragma once
#include "lib/compiler.h"

// Says so, stops the other CPUs, and leaves by `how` (arch/reset.h). Context: task.
NORETURN void machine_end(const char *what, void (*how)(void));
