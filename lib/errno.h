// lib/errno.h - error numbers: those of the ABI, and those that never leave the kernel.
#pragma once
#include <asm/errno.h>

// The system call was cut short by a signal. The exit path restarts it or turns it into EINTR.
#define ERESTARTSYS 512			// restart if the handler has SA_RESTART
#define ERESTARTNOINTR 513		// restart always
#define ERESTARTNOHAND 514		// restart only if no handler runs
#define ENOIOCTLCMD 515			// this driver does not know the ioctl: ENOTTY to the program
#define ERESTART_RESTARTBLOCK 516	// restart through restart_syscall(2)

#define MAX_ERRNO 4095
