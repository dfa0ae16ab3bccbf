// kern/ref.h - saturating reference counts.
//
// A count that would overflow, or that is taken from zero, saturates and is reported: the object leaks instead of being freed twice.
#pragma once
#include "lib/atomic.h"
#include "lib/compiler.h"

struct ref {
	struct atomic n;
};

#define REF_INIT(v) { { (v) } }
#define REF_SATURATED (-0x40000000)

void ref_report(struct ref *r, const char *what);	// reports and saturates

static inline void ref_init(struct ref *r, int n)
{
	atomic_set(&r->n, n);
}

static inline int ref_read(const struct ref *r)
{
	return atomic_read(&r->n);
}

// The caller already owns a reference.
static inline void ref_get(struct ref *r)
{
	int old = atomic_fetch_add_relaxed(&r->n, 1);
	if (unlikely(old <= 0))
		ref_report(r, "get of a dead object");
}

// For lookups under RCU or a lock: false when the last reference is gone.
MUST_CHECK static inline bool ref_get_unless_zero(struct ref *r)
{
	int old = atomic_read(&r->n);
	do {
		if (old == 0)
			return false;
	} while (!atomic_try_cmpxchg(&r->n, &old, old + 1));
	if (unlikely(old < 0))
		ref_report(r, "get of a saturated count");
	return true;
}

// True: that was the last reference, the caller destroys the object (all earlier uses happen before).
MUST_CHECK static inline bool ref_put(struct ref *r)
{
	int old = atomic_fetch_add_release(&r->n, -1);
	if (old == 1) {
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		return true;
	}
	if (unlikely(old <= 0))
		ref_report(r, "put of a dead object");
	return false;
}
