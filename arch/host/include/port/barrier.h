// port/barrier.h - host: the compiler's fences. ThreadSanitizer knows none: there a barrier is a read-modify-write of one word, which
// orders more than a fence does (a missing barrier elsewhere may stay hidden, but no false report is made).
#pragma once

#ifdef __SANITIZE_THREAD__
extern int host_fence;
#define smp_mb() ((void)__atomic_fetch_add(&host_fence, 0, __ATOMIC_SEQ_CST))
#define smp_rmb() smp_mb()
#define smp_wmb() smp_mb()
#else
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#endif
#define mb() smp_mb()
#define rmb() smp_rmb()
#define wmb() smp_wmb()
#define dma_rmb() smp_rmb()
#define dma_wmb() smp_wmb()
#define smp_mb__before_atomic() smp_mb()
#define smp_mb__after_atomic() smp_mb()
#define smp_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define smp_store_mb(var, v) ((void)__atomic_exchange_n(&(var), (v), __ATOMIC_SEQ_CST))
