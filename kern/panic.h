// kern/panic.h - assertions and the end of the world.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct frame;

// Stops all CPUs, prints the message and every CPU's symbolised backtrace, then follows panic= (default: halt; -1 or > 0: reboot, which
// under -no-reboot ends QEMU; with isa-debug-exit a failing status). Context: any.
NORETURN void panic(const char *fmt, ...) PRINTF(1, 2) COLD;
// The same, for an exception: prints the registers first.
NORETURN void panic_frame(struct frame *f, const char *fmt, ...) PRINTF(2, 3) COLD;
NORETURN void assert_failed(const char *expr, const char *file, int line) COLD;
// Prints a report with a backtrace and goes on; counted, so that tests can fail on it.
void warn_report(const char *file, int line, const char *fmt, ...) PRINTF(3, 4) COLD;
void backtrace_print(void) COLD;
void backtrace_print_frame(const struct frame *f) COLD;
// Makes the CPUs of the mask print where they are, from NMI; returns when they have, or after a while. Context: any.
struct cpumask;
void backtrace_cpus(const struct cpumask *m) COLD;
bool panic_in_progress(void);
extern int panic_timeout;	// panic=, seconds; 0 = halt
unsigned int warn_count(void);

// Kernel state is corrupt: kept in all builds. User input, device input and lack of memory never reach one.
#define ASSERT(c) (likely(c) ? (void)0 : assert_failed(#c, __FILE__, __LINE__))
#ifdef CONFIG_DEBUG
#define DEBUG_ASSERT(c) ASSERT(c)
#else
#define DEBUG_ASSERT(c) ((void)sizeof(!(c)))
#endif
#define WARN_ON(c) ({ bool w_ = unlikely(c); if (w_) warn_report(__FILE__, __LINE__, "%s", #c); w_; })
#define WARN_ON_ONCE(c) ({ static bool once_; bool w_ = unlikely(c); if (w_ && !once_) { once_ = true; warn_report(__FILE__, __LINE__, "%s", #c); } w_; })
