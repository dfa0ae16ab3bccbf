// port/percpu.h - host: the distance of this CPU's copies is found by a call, so that the compiler keeps nothing of it over a task
// switch, after which a task may run in another thread. Interrupts do not come in between: relaxed atomics are enough.
#pragma once
#include "../../host.h"

#define host_pc_(v) ((__typeof__(v) *)((unsigned long)&(v) + host_this()->percpu))
#define this_cpu_read(v) __atomic_load_n(host_pc_(v), __ATOMIC_RELAXED)
#define this_cpu_read_stable(v) this_cpu_read(v)
#define this_cpu_write(v, x) __atomic_store_n(host_pc_(v), (x), __ATOMIC_RELAXED)
#define this_cpu_add(v, n) ((void)__atomic_fetch_add(host_pc_(v), (__typeof__(v))(n), __ATOMIC_RELAXED))
#define this_cpu_sub(v, n) ((void)__atomic_fetch_sub(host_pc_(v), (__typeof__(v))(n), __ATOMIC_RELAXED))
#define this_cpu_inc(v) this_cpu_add(v, 1)
#define this_cpu_dec(v) this_cpu_sub(v, 1)
#define this_cpu_or(v, n) ((void)__atomic_fetch_or(host_pc_(v), (__typeof__(v))(n), __ATOMIC_RELAXED))
#define this_cpu_and(v, n) ((void)__atomic_fetch_and(host_pc_(v), (__typeof__(v))(n), __ATOMIC_RELAXED))
#define this_cpu_add_return(v, n) __atomic_add_fetch(host_pc_(v), (__typeof__(v))(n), __ATOMIC_RELAXED)
#define this_cpu_dec_and_test(v) (__atomic_sub_fetch(host_pc_(v), 1, __ATOMIC_RELAXED) == 0)
#define this_cpu_xchg(v, x) __atomic_exchange_n(host_pc_(v), (x), __ATOMIC_RELAXED)
#define this_cpu_cmpxchg(v, o, n) ({ \
	__typeof__(v) pc_old_ = (o); \
	(void)__atomic_compare_exchange_n(host_pc_(v), &pc_old_, (n), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED); \
	pc_old_; })
#define this_cpu_ptr(p) ((__typeof__(*(p)) __force *)((unsigned long)(p) + host_this()->percpu))
