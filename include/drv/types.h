// include/drv/types.h - what every driver header needs: lib's types, and opaque room for the C objects that drivers embed.
//
// A driver's struct may contain a C object only as one of these: pinned, never moved, never looked into. Each is
// as large and as aligned as the C object behind it; dev/drv_glue.c asserts that for C, rust/kernel for Rust.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct file;		// fs/file.h
struct kiocb;		// fs/file.h: position and flags of one read or write
struct iov_iter;	// fs/iov_iter.h: where its data comes from or goes to
struct poll_table;	// fs/poll.h
struct task;		// sched/task.h

// Locks are larger when they are checked or counted, classes when contention is counted.
#if defined(CONFIG_LOCKCHECK) || defined(CONFIG_LOCKSTAT)
#define DRV_SPINLOCK_WORDS	4
#define DRV_MUTEX_WORDS		10
#define DRV_WAITQ_WORDS		6
#else
#define DRV_SPINLOCK_WORDS	1
#define DRV_MUTEX_WORDS		4
#define DRV_WAITQ_WORDS		3
#endif
#ifdef CONFIG_LOCKSTAT
#define DRV_LOCK_CLASS_WORDS	5
#else
#define DRV_LOCK_CLASS_WORDS	2
#endif
#define DRV_WAIT_ENTRY_WORDS	5

struct drv_spinlock {
	u64 opaque[DRV_SPINLOCK_WORDS];
};

struct drv_mutex {
	u64 opaque[DRV_MUTEX_WORDS];
};

struct drv_waitq {
	u64 opaque[DRV_WAITQ_WORDS];
};

// One sleeper on a drv_waitq; lives on the sleeper's stack.
struct drv_wait_entry {
	u64 opaque[DRV_WAIT_ENTRY_WORDS];
};

// The identity of all locks made at one place in the source, for the lock checker. Static, zeroed at first.
struct drv_lock_class {
	u64 opaque[DRV_LOCK_CLASS_WORDS];
};
