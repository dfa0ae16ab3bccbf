// The machine as a whole: uname, host names, sysinfo, reboot.
#include "arch/reset.h"
#include "kern/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "sched/sched.h"
#include "syscalls.h"
#include "task/cred.h"
#include "task/machine.h"
#include "task/nsproxy.h"
#include "task/pid.h"
#include <linux/capability.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>

// uname(2)
long sys_uname(uptr buf)
{
	struct uts_namespace *u = current->nsproxy->uts;
	char out[6][65];

	down_read(&u->lock);
	memcpy(out[0], u->sysname, 65);
	memcpy(out[1], u->nodename, 65);
	memcpy(out[2], u->release, 65);
	memcpy(out[3], u->version, 65);
	memcpy(out[4], u->machine, 65);
	memcpy(out[5], u->domainname, 65);
	up_read(&u->lock);
	return copy_out(buf, out, sizeof(out));
}

static long set_name(uptr name, int len, size_t offset)
{
	struct uts_namespace *u = current->nsproxy->uts;
	char tmp[65] = { 0 };

	if (!ns_capable(u->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > 64)
		return -EINVAL;
	if (copy_in(tmp, name, len))
		return -EFAULT;
	down_write(&u->lock);
	memcpy((char *)u + offset, tmp, sizeof(tmp));
	up_write(&u->lock);
	return 0;
}

// sethostname(2)
long sys_sethostname(uptr name, int len)
{
	return set_name(name, len, offsetof(struct uts_namespace, nodename));
}

// setdomainname(2)
long sys_setdomainname(uptr name, int len)
{
	return set_name(name, len, offsetof(struct uts_namespace, domainname));
}

// sysinfo(2): memory in bytes (mem_unit 1).
long sys_sysinfo(uptr info)
{
	struct sysinfo out = { .mem_unit = 1 };
	unsigned long load[3];
	struct mem_info m;

	mem_info(&m);
	sched_loadavg(load);
	out.uptime = (ktime_get_boottime() + NSEC_PER_SEC - 1) / NSEC_PER_SEC;
	for (int i = 0; i < 3; i++)
		out.loads[i] = load[i] << (SI_LOAD_SHIFT - 11);
	out.totalram = m.total << PAGE_SHIFT;
	out.freeram = m.free << PAGE_SHIFT;
	out.sharedram = m.shmem << PAGE_SHIFT;
	out.procs = (__u16)atomic64_read(&init_pid_ns.nr_pids);
	return copy_out(info, &out, sizeof(out));
}

// reboot(2). ABI: what is not supported (hibernation, kexec) gives EINVAL, as on a Linux built without it.
long sys_reboot(int magic1, int magic2, u32 cmd, uptr arg)
{
	static bool cad_enabled = true;
	char text[256];
	ssize_t n;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if ((u32)magic1 != LINUX_REBOOT_MAGIC1 || (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
						   magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	switch (cmd) {
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		WRITE_ONCE(cad_enabled, cmd == LINUX_REBOOT_CMD_CAD_ON);
		return 0;
	case LINUX_REBOOT_CMD_RESTART:
		machine_end("Restarting system", arch_reboot);
	case LINUX_REBOOT_CMD_RESTART2:
		n = strncpy_from_user(text, arg, sizeof(text));
		if (n == -EFAULT)
			return -EFAULT;
		machine_end("Restarting system", arch_reboot);
	case LINUX_REBOOT_CMD_HALT:
		machine_end("System halted", arch_halt);
	case LINUX_REBOOT_CMD_POWER_OFF:
		machine_end("Power down", arch_power_off);
	}
	return -EINVAL;
}
