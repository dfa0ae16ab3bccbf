// Spinlocks, softirq disabling, and calls on other CPUs, which serve to contend.
#include "kern/spinlock.h"
#include "kern/smp.h"
#include "kern/softirq.h"
#include "lib/ktest.h"

STATIC_SPINLOCK(test_lock, LOCK_HARDIRQ);
static u64 test_counter GUARDED_BY(&test_lock);

KTEST(spinlock, states_follow_the_calls)
{
	u32 count = preempt_count();
	unsigned long flags = spin_lock_irqsave(&test_lock);
	CHECK(spin_is_locked(&test_lock));
	CHECK(irqs_disabled());
	CHECK_EQ(preempt_count(), count + 1);
	spin_unlock_irqrestore(&test_lock, flags);
	CHECK(!spin_is_locked(&test_lock));
	CHECK(!irqs_disabled());
	CHECK_EQ(preempt_count(), count);
}

KTEST(spinlock, trylock_fails_on_a_held_lock)
{
	unsigned long flags = irq_save();
	REQUIRE(spin_trylock(&test_lock));
	CHECK(!spin_trylock(&test_lock));
	spin_unlock(&test_lock);
	irq_restore(flags);
}

KTEST(softirq, disabling_nests)
{
	CHECK(!in_softirq());
	local_bh_disable();
	local_bh_disable();
	local_bh_enable();
	CHECK(in_softirq());
	CHECK(in_task());	// disabled, not serving
	local_bh_enable();
	CHECK(!in_softirq());
}

#define ROUNDS 2000

static void count_up(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		spin_lock(&test_lock);
		test_counter++;
		spin_unlock(&test_lock);
	}
}

KTEST(spinlock, excludes_all_cpus)
{
	struct cpumask all = cpu_online_mask;
	spin_lock_irq(&test_lock);
	test_counter = 0;
	spin_unlock_irq(&test_lock);
	smp_call_mask(&all, count_up, NULL, true);
	spin_lock_irq(&test_lock);
	CHECK_EQ(test_counter, (u64)ROUNDS * (u32)num_online_cpus());
	spin_unlock_irq(&test_lock);
}

static void note_cpu(void *arg)
{
	cpumask_set_atomic(cpu_id(), arg);
}

KTEST(smp, calls_reach_each_cpu_of_the_mask)
{
	struct cpumask all = cpu_online_mask, seen = { 0 };
	smp_call_mask(&all, note_cpu, &seen, true);
	CHECK(cpumask_equal(&all, &seen));
	for_each_online_cpu(cpu) {
		seen = (struct cpumask){ 0 };
		smp_call_cpu(cpu, note_cpu, &seen, true);
		CHECK(cpumask_test(cpu, &seen));
		CHECK_EQ(cpumask_weight(&seen), 1);
	}
}
