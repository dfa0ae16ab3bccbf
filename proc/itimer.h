// proc/itimer.h - ITIMER_REAL of the process. Code: itimer.c.
#pragma once
#include "time/clock.h"

struct itimer_k {
	ktime_t interval, value;	// ns; value 0: disarmed
};
void itimer_real_get(struct itimer_k *out);
void itimer_real_set(const struct itimer_k *new, struct itimer_k *old);	// old may be null
