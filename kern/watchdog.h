// kern/watchdog.h - reports CPUs that do not come to the scheduler. Counted in ticks that the CPU got, so that a host that stops the
// machine raises no alarm. RCU's stall report (rcu.c) is its partner: it sees CPUs that get no ticks.
#pragma once
#include "lib/types.h"

// From the tick, in hard interrupt context.
void watchdog_tick(bool user);
