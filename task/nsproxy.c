// The namespaces of a task. New ones cannot be made yet: CLONE_NEW* is refused with -EINVAL, as by a Linux built without them.
#include "task/nsproxy.h"
#include "arch/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "task/cred.h"
#include "task/pid.h"
#include <linux/capability.h>
#include <linux/sched.h>

DEFINE_LOCK_CLASS(uts_lock_class, LOCK_TASK);

struct uts_namespace init_uts_ns = {
	.ref = REF_INIT(1),
	.lock = RWSEM_INIT(init_uts_ns.lock, &uts_lock_class),
	.sysname = "Linux",	// programs ask for it by that name
	.nodename = "(none)",
	.release = "7.2.0-ochre",
	.version = "#1 SMP Ochre",
	.domainname = "(none)",
	.user_ns = &init_user_ns,
};

struct nsproxy init_nsproxy = {
	.ref = REF_INIT(1),
	.uts = &init_uts_ns,
	.pid_for_children = &init_pid_ns,
};

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define NEW_FLAGS (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP)

int copy_namespaces(struct task *child, unsigned long flags)
{
	struct nsproxy *n = current->nsproxy;

	if (unlikely(flags & (NEW_FLAGS | CLONE_NEWUSER))) {
		if (!(flags & CLONE_NEWUSER) && !ns_capable(current_cred()->user_ns, CAP_SYS_ADMIN))
			return -EPERM;
		return -EINVAL;
	}
	ref_get(&n->ref);
	child->nsproxy = n;
	return 0;
}

void nsproxy_put(struct nsproxy *n)
{
	if (n && ref_put(&n->ref))
		kfree(n);
}

void uts_init(void)
{
	strscpy(init_uts_ns.machine, arch_machine(), sizeof(init_uts_ns.machine));
}
