// getcpu(2).
#include "abi.h"

ABI_TEST(both_results)
{
	unsigned int cpu = ~0u, node = ~0u;

	CHECK_EQ(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
	CHECK(cpu < 1024);
	CHECK(node < 1024);
}

ABI_TEST(null_pointers_are_left_out)
{
	unsigned int cpu = ~0u, node = ~0u;

	CHECK_EQ(syscall(SYS_getcpu, NULL, NULL, NULL), 0);
	CHECK_EQ(syscall(SYS_getcpu, &cpu, NULL, NULL), 0);
	CHECK(cpu != ~0u);
	CHECK_EQ(syscall(SYS_getcpu, NULL, &node, NULL), 0);
	CHECK(node != ~0u);
}

ABI_TEST(cache_is_ignored)
{
	unsigned int cpu;

	CHECK_EQ(syscall(SYS_getcpu, &cpu, NULL, BAD), 0);
}

ABI_TEST(bad_pointers)
{
	unsigned int ok;

	CHECK_ERRNO(syscall(SYS_getcpu, BAD, &ok, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_getcpu, &ok, BAD, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_getcpu, BAD_KERNEL, NULL, NULL), EFAULT);
}

ABI_TEST(follows_affinity)
{
	cpu_set_t set, one;
	unsigned int cpu;

	CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int i = 0; i < 64; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
		CHECK_EQ(syscall(SYS_getcpu, &cpu, NULL, NULL), 0);
		CHECK_EQ(cpu, i);
	}
}
