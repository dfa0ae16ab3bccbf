// lib/atomic.h - atomic counters and raw atomic operations, on the compiler's builtins.
//
// Order: what returns nothing is relaxed; what returns a value is fully ordered (a barrier on both
// sides), as Linux has it. A name ending in _relaxed, _acquire or _release asks for less. try_cmpxchg
// and the conditional operations built on it order nothing when they fail.
// Counters wrap; kern/ref.h has the reference counts that saturate.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct atomic {
	s32 v;
};

struct atomic64 {
	s64 v;
};

#define ATOMIC_INIT(n) { (n) }

// Raw operations on any integer or pointer of 1, 2, 4 or 8 bytes.
#define xchg(p, n) __atomic_exchange_n((p), (n), __ATOMIC_SEQ_CST)
#define xchg_relaxed(p, n) __atomic_exchange_n((p), (n), __ATOMIC_RELAXED)
#define xchg_acquire(p, n) __atomic_exchange_n((p), (n), __ATOMIC_ACQUIRE)
#define xchg_release(p, n) __atomic_exchange_n((p), (n), __ATOMIC_RELEASE)
// If *p equals *po, stores n and is true; otherwise loads *p into *po and is false.
#define try_cmpxchg_order(p, po, n, ok) \
	__atomic_compare_exchange_n((p), (po), (n), false, (ok), __ATOMIC_RELAXED)
#define try_cmpxchg(p, po, n) try_cmpxchg_order(p, po, n, __ATOMIC_SEQ_CST)
#define try_cmpxchg_relaxed(p, po, n) try_cmpxchg_order(p, po, n, __ATOMIC_RELAXED)
#define try_cmpxchg_acquire(p, po, n) try_cmpxchg_order(p, po, n, __ATOMIC_ACQUIRE)
#define try_cmpxchg_release(p, po, n) try_cmpxchg_order(p, po, n, __ATOMIC_RELEASE)
// Stores n if *p equals o; is what *p held before, either way.
#define cmpxchg_order(p, o, n, ok) ({ \
	typeof(*(p)) cmpxchg_old_ = (o); \
	(void)try_cmpxchg_order(p, &cmpxchg_old_, n, ok); \
	cmpxchg_old_; })
#define cmpxchg(p, o, n) cmpxchg_order(p, o, n, __ATOMIC_SEQ_CST)
#define cmpxchg_relaxed(p, o, n) cmpxchg_order(p, o, n, __ATOMIC_RELAXED)
#define cmpxchg_acquire(p, o, n) cmpxchg_order(p, o, n, __ATOMIC_ACQUIRE)
#define cmpxchg_release(p, o, n) cmpxchg_order(p, o, n, __ATOMIC_RELEASE)

// A load that later accesses stay behind, and a store that earlier accesses stay before.
#define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_release(p, n) __atomic_store_n((p), (n), __ATOMIC_RELEASE)

// clang-format off
// The same functions for both widths; N is the prefix, S the struct, T the value.
#define ATOMIC_DEFINE_(N, S, T)								\
static ALWAYS_INLINE T N##_read(const S *a)						\
	{ return __atomic_load_n(&a->v, __ATOMIC_RELAXED); }				\
static ALWAYS_INLINE T N##_read_acquire(const S *a)					\
	{ return __atomic_load_n(&a->v, __ATOMIC_ACQUIRE); }				\
static ALWAYS_INLINE void N##_set(S *a, T n)						\
	{ __atomic_store_n(&a->v, n, __ATOMIC_RELAXED); }				\
static ALWAYS_INLINE void N##_set_release(S *a, T n)					\
	{ __atomic_store_n(&a->v, n, __ATOMIC_RELEASE); }				\
ATOMIC_OP_(N, S, T, add)								\
ATOMIC_OP_(N, S, T, sub)								\
ATOMIC_OP_(N, S, T, and)								\
ATOMIC_OP_(N, S, T, or)									\
ATOMIC_OP_(N, S, T, xor)								\
ATOMIC_RETURN_(N, S, T, , __ATOMIC_SEQ_CST)						\
ATOMIC_RETURN_(N, S, T, _relaxed, __ATOMIC_RELAXED)					\
ATOMIC_RETURN_(N, S, T, _acquire, __ATOMIC_ACQUIRE)					\
ATOMIC_RETURN_(N, S, T, _release, __ATOMIC_RELEASE)					\
static ALWAYS_INLINE void N##_andnot(S *a, T n)						\
	{ N##_and(a, ~n); }								\
static ALWAYS_INLINE void N##_inc(S *a)							\
	{ N##_add(a, 1); }								\
static ALWAYS_INLINE void N##_dec(S *a)							\
	{ N##_sub(a, 1); }								\
static ALWAYS_INLINE bool N##_inc_and_test(S *a)					\
	{ return N##_inc_return(a) == 0; }						\
static ALWAYS_INLINE bool N##_dec_and_test(S *a)					\
	{ return N##_dec_return(a) == 0; }						\
static ALWAYS_INLINE bool N##_sub_and_test(S *a, T n)					\
	{ return N##_sub_return(a, n) == 0; }						\
static ALWAYS_INLINE bool N##_add_negative(S *a, T n)					\
	{ return N##_add_return(a, n) < 0; }						\
/* Adds n unless the value is u; returns the old value. */				\
static ALWAYS_INLINE T N##_fetch_add_unless(S *a, T n, T u)				\
{											\
	T old = N##_read(a);								\
	while (old != u && !N##_try_cmpxchg(a, &old, old + n))			\
		;									\
	return old;									\
}											\
static ALWAYS_INLINE bool N##_add_unless(S *a, T n, T u)				\
	{ return N##_fetch_add_unless(a, n, u) != u; }					\
static ALWAYS_INLINE bool N##_inc_not_zero(S *a)					\
	{ return N##_add_unless(a, 1, 0); }						\
/* Subtracts 1 unless that would make it negative; returns old - 1 either way. */	\
static ALWAYS_INLINE T N##_dec_if_positive(S *a)					\
{											\
	T old = N##_read(a);								\
	while (old > 0 && !N##_try_cmpxchg(a, &old, old - 1))				\
		;									\
	return old - 1;									\
}

#define ATOMIC_OP_(N, S, T, op)								\
static ALWAYS_INLINE void N##_##op(S *a, T n)						\
	{ (void)__atomic_fetch_##op(&a->v, n, __ATOMIC_RELAXED); }

#define ATOMIC_RETURN_(N, S, T, X, O)							\
static ALWAYS_INLINE T N##_add_return##X(S *a, T n)					\
	{ return __atomic_add_fetch(&a->v, n, O); }					\
static ALWAYS_INLINE T N##_sub_return##X(S *a, T n)					\
	{ return __atomic_sub_fetch(&a->v, n, O); }					\
static ALWAYS_INLINE T N##_inc_return##X(S *a)						\
	{ return __atomic_add_fetch(&a->v, 1, O); }					\
static ALWAYS_INLINE T N##_dec_return##X(S *a)						\
	{ return __atomic_sub_fetch(&a->v, 1, O); }					\
static ALWAYS_INLINE T N##_fetch_add##X(S *a, T n)					\
	{ return __atomic_fetch_add(&a->v, n, O); }					\
static ALWAYS_INLINE T N##_fetch_sub##X(S *a, T n)					\
	{ return __atomic_fetch_sub(&a->v, n, O); }					\
static ALWAYS_INLINE T N##_fetch_inc##X(S *a)						\
	{ return __atomic_fetch_add(&a->v, 1, O); }					\
static ALWAYS_INLINE T N##_fetch_dec##X(S *a)						\
	{ return __atomic_fetch_sub(&a->v, 1, O); }					\
static ALWAYS_INLINE T N##_fetch_and##X(S *a, T n)					\
	{ return __atomic_fetch_and(&a->v, n, O); }					\
static ALWAYS_INLINE T N##_fetch_or##X(S *a, T n)					\
	{ return __atomic_fetch_or(&a->v, n, O); }					\
static ALWAYS_INLINE T N##_fetch_andnot##X(S *a, T n)					\
	{ return __atomic_fetch_and(&a->v, ~n, O); }					\
static ALWAYS_INLINE T N##_xchg##X(S *a, T n)						\
	{ return __atomic_exchange_n(&a->v, n, O); }					\
static ALWAYS_INLINE bool N##_try_cmpxchg##X(S *a, T *old, T n)				\
	{ return try_cmpxchg_order(&a->v, old, n, O); }					\
static ALWAYS_INLINE T N##_cmpxchg##X(S *a, T old, T n)					\
	{ (void)try_cmpxchg_order(&a->v, &old, n, O); return old; }

ATOMIC_DEFINE_(atomic, struct atomic, s32)
ATOMIC_DEFINE_(atomic64, struct atomic64, s64)
// clang-format on

#undef ATOMIC_DEFINE_
#undef ATOMIC_OP_
#undef ATOMIC_RETURN_
