// CPU sets and per-CPU memory.
#include "kern/cpumask.h"
#include "kern/cpu_hot.h"
#include "kern/percpu_alloc.h"
#include "kern/preempt.h"
#include "lib/ktest.h"
#include "lib/string.h"

KTEST(cpumask, next_stays_below_the_number_of_cpus)
{
	struct cpumask m = { { ~0ul, ~0ul, ~0ul, ~0ul } };
	int n = 0;
	for_each_cpu(cpu, &m)
		CHECK_EQ(cpu, n++);
	CHECK_EQ(n, nr_cpu_ids);
}

KTEST(cpumask, set_operations)
{
	struct cpumask a = { 0 }, b = { 0 }, c;
	cpumask_set(3, &a);
	cpumask_set(70, &a);
	cpumask_set_atomic(70, &b);
	CHECK(cpumask_subset(&b, &a));
	CHECK(!cpumask_subset(&a, &b));
	CHECK(cpumask_and(&c, &a, &b));
	CHECK(cpumask_equal(&c, &b));
	cpumask_clear_atomic(70, &b);
	CHECK(cpumask_empty(&b));
	CHECK(!cpumask_and(&c, &a, &b));
	CHECK(cpumask_test(70, &a) && !cpumask_test(71, &a));
}

#define SOME 300

KTEST(percpu, allocations_are_zero_aligned_and_apart)
{
	static void __percpu *p[SOME];
	size_t before, after;
	(void)percpu_total(&before);
	for (u32 i = 0; i < SOME; i++) {
		size_t size = 1 + i % 150, align = 8ul << (i % 4);
		p[i] = percpu_alloc(size, align);
		REQUIRE(p[i] != NULL);
		for_each_possible_cpu(cpu) {
			u8 *q = per_cpu_ptr((u8 __percpu *)p[i], cpu);
			CHECK(IS_ALIGNED((uintptr_t)q, align));
			CHECK(mem_is_zero(q, size));
			memset(q, (int)i | 1, size);
		}
	}
	for (u32 i = 0; i < SOME; i++) {
		for_each_possible_cpu(cpu)
			CHECK(!memchr_inv(per_cpu_ptr((u8 __percpu *)p[i], cpu), (int)(i | 1) & 0xff, 1 + i % 150));
		percpu_free(p[i]);
	}
	(void)percpu_total(&after);
	CHECK_EQ(before, after);
}

KTEST(percpu, this_cpu_operations_change_one_copy)
{
	u64 __percpu *v = percpu_new(u64);
	REQUIRE(v != NULL);
	preempt_disable();
	this_cpu_add(*v, 5);
	this_cpu_dec(*v);
	CHECK_EQ(this_cpu_read(*v), 4);
	CHECK_EQ(*per_cpu_ptr(v, cpu_id()), 4);
	CHECK_EQ(this_cpu_xchg(*v, 9), 4);
	CHECK_EQ(this_cpu_cmpxchg(*v, 8, 1), 9);
	CHECK_EQ(this_cpu_add_return(*v, 1), 10);
	preempt_enable();
	percpu_free(v);
}
