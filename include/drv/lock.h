// include/drv/lock.h - locks inside drivers' structs. Code: dev/drv_glue.c.
//
// A lock must not move between its init and its last use, and is freed unlocked. `name` and `cls` are static.
#pragma once
#include "drv/types.h"

// A lock held for a few instructions; the holder cannot be preempted and must not sleep. Not for interrupt handlers.
void drv_spin_init(struct drv_spinlock *l, const char *name STATIC_REF, struct drv_lock_class *cls STATIC_REF) CTX_ANY;
void drv_spin_lock(struct drv_spinlock *l BORROWED) CTX_ANY;
void drv_spin_unlock(struct drv_spinlock *l BORROWED) CTX_ANY;
MUST_CHECK bool drv_spin_trylock(struct drv_spinlock *l BORROWED) CTX_ANY;
// The checker's claim that the caller holds l; no code in a release kernel.
void drv_spin_assert_held(struct drv_spinlock *l BORROWED) CTX_ANY;

// A lock whose holder may sleep.
void drv_mutex_init(struct drv_mutex *l, const char *name STATIC_REF, struct drv_lock_class *cls STATIC_REF) CTX_TASK;
void drv_mutex_lock(struct drv_mutex *l BORROWED) CTX_TASK;
void drv_mutex_unlock(struct drv_mutex *l BORROWED) CTX_TASK;
MUST_CHECK bool drv_mutex_trylock(struct drv_mutex *l BORROWED) CTX_TASK;
void drv_mutex_assert_held(struct drv_mutex *l BORROWED) CTX_TASK;
