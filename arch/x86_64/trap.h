// arch/x86_64/trap.h - what entry.S calls. Code: trap.c, thread.c.
#pragma once
#include "arch/percpu.h"
#include "lib/types.h"

struct frame;
struct task;

void trap_exception(struct frame *f, u32 vector);
void trap_page_fault(struct frame *f);
struct frame *trap_bad_iret(struct frame *f);
NORETURN void trap_fatal(struct frame *f, u32 vector);
void trap_nmi(struct frame *f, u32 vector);
void interrupt_from_vector(struct frame *f, u32 vector);
void syscall_with_work(struct frame *f);
void user_return_work(struct frame *f);
struct task *switch_registers(struct task *prev, struct task *next);
// An NMI came: true if it was to stop this CPU (does not return then). smp.c
bool smp_nmi_stop(void);
