// syslog(2), the system call; the C library's syslog(3) is something else.
#include "dev/kmsg.h"
#include "syscalls.h"

long sys_syslog(int type, uptr buf, int len)
{
	return kmsg_syslog(type, buf, len, false);
}
