// include/drv/task.h - the tasks that drivers see. Code: dev/drv_glue.c.
#pragma once
#include "drv/types.h"

// The calling task: borrowed for as long as the caller runs in it.
struct task *drv_current(void) CTX_TASK;
void drv_task_get(struct task *t BORROWED) CTX_ANY;
void drv_task_put(struct task *t OWNED) CTX_ANY;
// Ids in the initial namespace; the process id is what getpid(2) returns there.
pid_t drv_task_pid(const struct task *t BORROWED) CTX_ANY;
pid_t drv_task_tgid(const struct task *t BORROWED) CTX_ANY;
kuid_t drv_task_uid(const struct task *t BORROWED) CTX_ANY;
kuid_t drv_task_euid(const struct task *t BORROWED) CTX_ANY;
bool drv_task_signal_pending(const struct task *t BORROWED) CTX_ANY;
void drv_task_wake(struct task *t BORROWED) CTX_ANY;
// The checker's claim that the caller may sleep; no code in a release kernel.
void drv_might_sleep(void) CTX_TASK;
