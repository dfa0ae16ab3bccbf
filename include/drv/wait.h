// include/drv/wait.h - sleeping until something is true. Code: dev/drv_glue.c.
//
// The one order that loses no wake-up: drv_wait_prepare(), test the condition (or drop the lock that guards it),
// drv_wait_sleep(), drv_wait_finish(). The waker makes the condition true first, then calls drv_wake().
#pragma once
#include "drv/types.h"

#define DRV_TASK_INTERRUPTIBLE		1	// a signal ends the sleep
#define DRV_TASK_UNINTERRUPTIBLE	2
#define DRV_WAIT_FOREVER		0x7fffffffffffffffll	// nanoseconds
#define DRV_WAKE_ALL			0u

void drv_waitq_init(struct drv_waitq *q, const char *name STATIC_REF, struct drv_lock_class *cls STATIC_REF) CTX_ANY;
// Puts the caller on q and marks it as sleeping. An exclusive sleeper takes one of drv_wake()'s n.
// e belongs to q until drv_wait_finish().
void drv_wait_prepare(struct drv_waitq *q BORROWED, struct drv_wait_entry *e, u32 state, bool exclusive) CTX_TASK;
// Sleeps for at most ns; returns what is left of it, 0 if it ran out. Returns at once if drv_wake() came before.
s64 drv_wait_sleep(s64 ns) CTX_TASK;
// Takes the caller off q, if it still is there, and marks it as running.
void drv_wait_finish(struct drv_waitq *q BORROWED, struct drv_wait_entry *e BORROWED) CTX_TASK;
// Wakes all that are not exclusive and n (DRV_WAKE_ALL: all) that are. A full memory barrier if it wakes someone.
void drv_wake(struct drv_waitq *q BORROWED, u32 n) CTX_ANY;
