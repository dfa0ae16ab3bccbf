// The system call table of this port, made from sys/syscalls.tbl.
#include "sys/dispatch.h"
#include "arch/entry.h"
#include "lib/errno.h"
#include "syscalls.h"

typedef long (*syscall_fn)(const struct frame *f);

#include "syscall_table.h"

// NR_SYSCALLS is a power of two: the mask keeps a mispredicted branch from using a table index of the user's choice.
void syscall_dispatch(struct frame *f)
{
	u64 nr = (u64)frame_syscall_nr(f);
	syscall_fn fn = likely(nr < NR_SYSCALLS) ? syscall_table[nr & (NR_SYSCALLS - 1)] : NULL;

	frame_set_return(f, likely(fn != NULL) ? fn(f) : -ENOSYS);
}

const struct syscall_desc *syscall_describe(long nr)
{
	if (nr < 0 || nr >= NR_SYSCALLS || !syscall_descs[nr].name)
		return NULL;
	return &syscall_descs[nr];
}
