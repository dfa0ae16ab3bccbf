// The end of the world, and reports on the way there. Everything here works in NMI and takes no lock.
#include "kern/panic.h"
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/irq.h"
#include "arch/frame.h"
#include "arch/reset.h"
#include "arch/time.h"
#include "arch/unwind.h"
#include "kern/cpumask.h"
#include "kern/cpu_hot.h"
#include "kern/log.h"
#include "kern/preempt.h"
#include "kern/trace.h"
#include "kern/upcalls.h"
#include "lib/atomic.h"
#include "lib/fmt.h"

#define BACKTRACE_MAX 40
#define PANIC_EXIT_CODE 1	// QEMU then exits with status 3

int panic_timeout;
static int panic_cpu = -1;	// ATOMIC: the CPU that panics
static struct atomic warnings;
static struct cpumask backtrace_wanted;	// ATOMIC: CPUs that have yet to print where they are

bool panic_in_progress(void)
{
	return READ_ONCE(panic_cpu) >= 0;
}

// ---- backtraces ----

static void print_walk(struct unwind *u)
{
	for (int n = 0; u->ip && n < BACKTRACE_MAX; n++) {
		// A return address may lie behind the end of a function that does not return.
		u64 ip = u->exact_ip ? u->ip : u->ip - 1;
		pr_emerg("  [%016llx] %pS\n", u->ip, (void *)ip);
		unwind_next(u);
	}
}

void backtrace_print(void)
{
	struct unwind u;
	unwind_start(&u);
	print_walk(&u);
}

void backtrace_print_frame(const struct frame *f)
{
	struct unwind u;
	if (frame_user_mode(f)) {
		pr_emerg("  in user mode at %#llx\n", frame_ip(f));
		return;
	}
	unwind_start_frame(&u, f);
	print_walk(&u);
}

static void print_where(const char *what)
{
	char who[40];
	task_describe(current, who, sizeof(who));
	pr_emerg("CPU %d, task %s, count %#x%s%s\n", cpu_id(), who, preempt_count(), what ? ": " : "", what ?: "");
}

// Waits until all CPUs of the mask have answered, at most ms milliseconds.
static void wait_backtraces(u32 ms)
{
	for (u32 us = 0; us < ms * 1000 && !cpumask_empty(&backtrace_wanted); us += 50)
		udelay(50);
}

void backtrace_cpus(const struct cpumask *m)
{
	for_each_cpu(cpu, m)
		if (cpu != cpu_id() && cpumask_test(cpu, &cpu_online_mask))
			cpumask_set_atomic(cpu, &backtrace_wanted);
	if (cpumask_empty(&backtrace_wanted))
		return;
	arch_nmi_all_others();
	wait_backtraces(1000);
	for_each_cpu(cpu, &backtrace_wanted) {
		pr_emerg("CPU %d does not answer\n", cpu);
		cpumask_clear_atomic(cpu, &backtrace_wanted);
	}
}

void nmi_arrived(struct frame *f)
{
	if (cpumask_test(cpu_id(), &backtrace_wanted)) {
		print_where(NULL);
		backtrace_print_frame(f);
		cpumask_clear_atomic(cpu_id(), &backtrace_wanted);
	} else if (!panic_in_progress()) {
		pr_warn("CPU %d: an NMI that nobody asked for\n", cpu_id());
	}
	if (panic_in_progress() && READ_ONCE(panic_cpu) != cpu_id())
		cpu_stop_forever();
}

void ipi_stop_arrived(void)
{
	cpumask_clear_atomic(cpu_id(), &cpu_online_mask);
}

// ---- panic ----

static NORETURN void panic_leave(void)
{
	if (panic_timeout == 0) {
		pr_emerg("halted\n");
		arch_halt();
	}
	for (int s = 0; s < panic_timeout; s++)
		for (int ms = 0; ms < 1000; ms++)
			udelay(1000);
	arch_exit_vm(PANIC_EXIT_CODE);
	arch_reboot();
}

// The first CPU goes on; others stop; a panic inside a panic leaves at once.
static void panic_begin(void)
{
	irq_disable();
	preempt_disable();
	int nobody = -1;
	if (try_cmpxchg(&panic_cpu, &nobody, cpu_id())) {
		log_panic_mode();
		return;
	}
	if (nobody != cpu_id())
		cpu_stop_forever();
	static bool again;
	if (!again) {
		again = true;
		pr_emerg("panic inside the panic\n");
	}
	panic_leave();
}

static NORETURN void panic_finish(void)
{
	struct cpumask others = cpu_online_mask;
	backtrace_cpus(&others);
	log_flush();
	trace_dump();
	pr_emerg("---[ end of kernel panic ]---\n");
	panic_leave();
}

NORETURN void panic(const char *fmt, ...)
{
	va_list ap;
	panic_begin();
	char text[256];
	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pr_emerg("Kernel panic - not syncing: %s\n", text);
	print_where(NULL);
	backtrace_print();
	panic_finish();
}

NORETURN void panic_frame(struct frame *f, const char *fmt, ...)
{
	va_list ap;
	panic_begin();
	char text[256];
	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pr_emerg("Kernel panic - not syncing: %s\n", text);
	print_where(NULL);
	frame_print(f);
	backtrace_print_frame(f);
	panic_finish();
}

NORETURN void assert_failed(const char *expr, const char *file, int line)
{
	panic("assertion failed: %s, at %s:%d", expr, file, line);
}

// ---- warnings ----

void warn_report(const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	char text[256];
	atomic_inc(&warnings);
	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pr_err("WARNING: %s:%d: %s\n", file, line, text);
	print_where(NULL);
	backtrace_print();
}

unsigned int warn_count(void)
{
	return (unsigned int)atomic_read(&warnings);
}
