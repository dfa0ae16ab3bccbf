// siginfo_t between the kernel and programs.
#include "task/signal.h"
#include "mm/uaccess.h"

int copy_siginfo_out(uptr to, const struct siginfo_k *info)
{
	return copy_out(to, info, sizeof(*info));	// always built from zero
}

// rt_sigqueueinfo(2) passes on whatever the program says, all 128 bytes.
int copy_siginfo_in(struct siginfo_k *info, uptr from)
{
	return copy_in(info, from, sizeof(*info));
}
