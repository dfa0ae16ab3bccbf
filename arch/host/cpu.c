// CPUs: interrupts, messages between them, time. An interrupt is a bit in host_cpu.pending, or an event whose time has come; a CPU looks
// for them where its interrupt flag is cleared, where it spins, and where it idles.
#include "arch/cpu.h"
#include "arch/frame.h"
#include "arch/irq.h"
#include "arch/percpu.h"
#include "arch/thread.h"
#include "arch/time.h"
#include "arch/tlb.h"
#include "host.h"
#include "kern/cpu_hot.h"
#include "kern/cpumask.h"
#include "kern/preempt.h"
#include "kern/smp.h"
#include "kern/softirq.h"

void preempt_schedule_irq(void);	// sched/sched.h

DEFINE_PER_CPU(struct frame *, irq_frame);
unsigned long per_cpu_offset[NR_CPUS];

// ---- time: with one CPU, each look at the clock and each unmasking of interrupts takes a little, idling jumps ---------

#define CLOCK_STEP 40u		// ns
#define UNMASK_STEP 10u
static u64 virtual_ns = 1000000;

static bool time_is_virtual(void)
{
	return host_nr_cpus == 1;
}

u64 host_cycles(void)
{
	if (!time_is_virtual())
		return host_real_ns();
	return virtual_ns += CLOCK_STEP;
}

static u64 now(void)
{
	return time_is_virtual() ? virtual_ns : host_real_ns();
}

void arch_timer_set_event(u64 deadline)
{
	host_this()->event = deadline ?: 1;
}

void arch_timer_stop(void)
{
	host_this()->event = 0;
}

void udelay(u32 us)
{
	u64 end = host_cycles() + us * 1000ull;

	while (host_cycles() < end)
		continue;
}

// ---- interrupts -------------------------------------------------------------------------------------------------------

static struct {
	struct tlb_flush f;
	u32 busy;		// atomic: one request at a time
	u32 left;		// atomic: CPUs that have not answered
} flush;

static bool event_due(const struct host_cpu *c)
{
	return c->event && now() >= c->event;
}

static void handle(struct host_cpu *c, u32 what)
{
	if (what & HOST_IPI_FLUSH) {
		tlb_flush_arrived(&flush.f);
		__atomic_fetch_sub(&flush.left, 1, __ATOMIC_SEQ_CST);
	}
	if (what & HOST_IPI_CALL)
		smp_handle_call_ipi();
	if (what & HOST_IPI_RESCHED)
		ipi_resched_arrived();
	if (event_due(c)) {
		c->event = 0;
		timer_event();
	}
}

// One round of interrupts, as entry code would: with the flag set all the while.
static void interrupt(struct host_cpu *c)
{
	u32 what = __atomic_exchange_n(&c->pending, 0, __ATOMIC_SEQ_CST);
	struct frame f = { .nr = -1, .irqs_on = 1 }, *outer = this_cpu_read(irq_frame);

	if (what & HOST_IPI_STOP) {
		ipi_stop_arrived();
		cpu_stop_forever();
	}
	this_cpu_write(irq_frame, &f);
	irq_enter();
	handle(c, what);
	irq_exit();
	this_cpu_write(irq_frame, outer);
	if (this_cpu_read(cpu_hot.preempt_count) == 0)
		preempt_schedule_irq();
}

void host_take_interrupts(void)
{
	struct host_cpu *c = host_this();

	if (time_is_virtual())
		virtual_ns += UNMASK_STEP;
	while (!c->irqs_off && (__atomic_load_n(&c->pending, __ATOMIC_RELAXED) || event_due(c))) {
		c->irqs_off = 1;
		interrupt(c);
		c = host_this();	// another one, after a switch
		c->irqs_off = 0;
	}
}

void host_relax(void)
{
	if (!time_is_virtual())
		host_yield();
	host_take_interrupts();
}

void host_idle(void)
{
	struct host_cpu *c = host_this();

	while (!__atomic_load_n(&c->pending, __ATOMIC_SEQ_CST) && !event_due(c)) {
		if (!time_is_virtual())
			host_wait(c, c->event);
		else if (c->event)
			virtual_ns = c->event;
		else
			host_abort("the only CPU is idle, and nothing can wake it: every task waits for another");
	}
	irq_enable();
}

// ---- messages ---------------------------------------------------------------------------------------------------------

static void send(u32 cpu, u32 what)
{
	struct host_cpu *c = &host_cpus[cpu];

	__atomic_fetch_or(&c->pending, what, __ATOMIC_SEQ_CST);
	if (c != host_this())
		host_wake(c);
}

void arch_ipi_send(u32 cpu, enum ipi what)
{
	send(cpu, what == IPI_RESCHED ? HOST_IPI_RESCHED : what == IPI_CALL ? HOST_IPI_CALL : HOST_IPI_STOP);
}

void arch_ipi_send_mask(const struct cpumask *mask, enum ipi what)
{
	u32 me = host_this()->id;

	for (u32 cpu = 0; cpu < host_nr_cpus; cpu++)
		if (cpu != me && cpumask_test(cpu, mask))
			arch_ipi_send(cpu, what);
}

void arch_nmi_all_others(void)
{
}

void arch_tlb_flush_others(const struct cpumask *cpus, const struct tlb_flush *f)
{
	u32 me = host_this()->id, n = 0, free = 0;

	while (!__atomic_compare_exchange_n(&flush.busy, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		free = 0;
		cpu_relax();	// and answers the one that is busy
	}
	flush.f = *f;
	for (u32 cpu = 0; cpu < host_nr_cpus; cpu++)
		n += cpu != me && cpumask_test(cpu, cpus);
	__atomic_store_n(&flush.left, n, __ATOMIC_SEQ_CST);
	for (u32 cpu = 0; cpu < host_nr_cpus; cpu++)
		if (cpu != me && cpumask_test(cpu, cpus))
			send(cpu, HOST_IPI_FLUSH);
	while (__atomic_load_n(&flush.left, __ATOMIC_SEQ_CST))
		cpu_relax();
	__atomic_store_n(&flush.busy, 0, __ATOMIC_RELEASE);
}

void cpu_stop_forever(void)
{
	for (;;)
		host_wait(host_this(), 0);
}

// ---- per-CPU areas and start-up ---------------------------------------------------------------------------------------

void arch_percpu_set_area(u32 cpu, void *area)
{
	per_cpu_offset[cpu] = (unsigned long)area - (unsigned long)percpu_template_start;
	if (cpu == host_this()->id)
		host_this()->percpu = per_cpu_offset[cpu];
	else
		host_cpus[cpu].percpu = per_cpu_offset[cpu];
}

u32 arch_smp_prepare(u32 limit)
{
	return MIN(limit, host_nr_cpus);
}

u32 arch_smp_nr_online(void)
{
	return (u32)cpumask_weight(&cpu_online_mask);
}

void arch_smp_start_all(u32 nr, const struct cpumask *online)
{
	for (u32 cpu = 1; cpu < nr; cpu++) {
		struct task *t = boot_idle_task(cpu);

		((struct task_head *)t)->arch.fiber = NULL;
		per_cpu(cpu_hot, cpu).task = t;
		host_start_cpu(cpu);
	}
	for (u32 cpu = 1; cpu < nr; cpu++)
		while (!cpumask_test(cpu, online))
			cpu_relax();
}

void host_cpu_start(unsigned int cpu)
{
	arch_thread_init_idle(this_cpu_read(cpu_hot.task));
	smp_cpu_main(cpu);
}
