// include/arch/time.h - the cycle counter, one event timer per CPU, and the wall clock. Code: port/time.h, arch/<isa>/time.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

// The counter: monotonic on one CPU, and between CPUs if arch_cycles_synced(). Legal anywhere.
static inline u64 cycles_now(void);
// The same, after all loads before it (clock reads).
static inline u64 cycles_now_ordered(void);
// Its rate in kHz, after arch_clock_init().
u32 cycles_khz(void);
// Whether the counter may serve as the clock: constant rate, the same on all CPUs. Meaningful once CPUs have started.
bool arch_cycles_synced(void);
// Finds the rate (parameter khz if not 0, else firmware, else <= 2 ms of measuring). Needs ACPI tables. Context: boot CPU.
void arch_clock_init(u32 khz);
// What measured or told the rate, for the log.
const char *arch_clock_source(void);
// A slower clock that never stops, used when the counter cannot be trusted: reads HPET or the ACPI timer. 0 Hz: none.
u64 arch_fallback_clock_read(void);
u64 arch_fallback_clock_hz(void);
u64 arch_fallback_clock_mask(void);

// The event timer. arch_timer_init() is for each CPU, before its first set_event.
void arch_timer_init(void);
// Makes timer_event() run on this CPU when cycles_now() reaches deadline (at once if it has passed); one
// pending event per CPU, the last call wins. May fire early on hardware with short counters: the handler checks the time. Context: interrupts off.
void arch_timer_set_event(u64 deadline);
void arch_timer_stop(void);

// The wall clock: seconds and nanoseconds since 1970 UTC. Returns 0 or -ENODEV. Context: boot CPU at start-up.
MUST_CHECK int arch_wallclock_read(s64 *sec, u32 *nsec);
// Sets the battery clock, for settimeofday(2)'s eleven-minute mode and hwclock. Returns 0 or -ENODEV. Context: task.
MUST_CHECK int arch_wallclock_write(s64 sec);

// Busy wait, for hardware that needs microseconds. Legal after arch_clock_init().
void udelay(u32 us);

// Random bits of the processor: false if it has none or they are exhausted. Legal anywhere.
bool arch_random_u64(u64 *v);

// Upcalls: defined in time/tick.c. Hardirq context.
void timer_event(void);

#include "port/time.h"
