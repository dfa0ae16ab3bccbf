// Shootdowns: a request stays with its sender; each target has a bitmap of senders that want something of it.
#include "arch/tlb.h"

#include "apic.h"
#include "arch/cpu.h"
#include "arch/percpu.h"
#include "kern/cpu_hot.h"
#include "kern/cpumask.h"
#include "lib/atomic.h"

// The request of this CPU that is under way: one at a time, as preemption is off until all have answered.
STATIC_PER_CPU(struct tlb_flush, tlb_request);	// OWNER(the sender), read by targets between post and answer
STATIC_PER_CPU(struct atomic, tlb_unanswered);	// ATOMIC
STATIC_PER_CPU(struct cpumask, tlb_senders) CACHE_ALIGNED;	// ATOMIC: who waits for us

// True if the target had no sender: it needs an interrupt.
static bool post(int target, int self)
{
	struct cpumask *m = per_cpu_ptr(&tlb_senders, target);
	unsigned long bit = 1ul << (self % 64);

	// A bit that another sender has in the same word means that the target has yet to look.
	return __atomic_fetch_or(&m->bits[self / 64], bit, __ATOMIC_SEQ_CST) == 0;
}

void arch_tlb_flush_others(const struct cpumask *cpus, const struct tlb_flush *f)
{
	int self = (int)this_cpu_read(cpu_hot.cpu), n = 0;
	struct atomic *unanswered = this_cpu_ptr(&tlb_unanswered);

	for_each_cpu(cpu, cpus)
		n += cpu != self;
	if (!n)
		return;
	*this_cpu_ptr(&tlb_request) = *f;
	atomic_set(unanswered, n);
	for_each_cpu(cpu, cpus)
		if (cpu != self && post(cpu, self))
			apic_send(cpu_apic_id[cpu], ICR_FIXED | ICR_ASSERT | VECTOR_TLB);
	while (atomic_read_acquire(unanswered))
		cpu_relax();
}

void tlb_ipi_arrived(void)
{
	struct cpumask *m = this_cpu_ptr(&tlb_senders);

	for (int w = 0; w * 64 < nr_cpu_ids; w++) {
		unsigned long bits = READ_ONCE(m->bits[w]) ? xchg(&m->bits[w], 0ul) : 0;
		for (; bits; bits &= bits - 1) {
			int sender = w * 64 + __builtin_ctzl(bits);
			tlb_flush_arrived(per_cpu_ptr(&tlb_request, sender));
			(void)atomic_sub_return_release(per_cpu_ptr(&tlb_unanswered, sender), 1);
		}
	}
}
