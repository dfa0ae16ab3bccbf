// arch/x86_64/entry_asm.h - symbols of entry.S for C.
#pragma once

void entry_syscall(void);
void entry_nmi(void);
void entry_df(void);
void entry_mc(void);
void entry_db(void);
void entry_iret(void);		// the iretq that returns to user mode: it may fault
void thread_entry_user(void);	// where arch_switch() goes for new threads
void thread_entry_kernel(void);
extern char entry_stubs[];	// 256 of them, 16 bytes each
#define ENTRY_STUB_SIZE 16
