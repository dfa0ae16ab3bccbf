// The namespaces of a task. New mount and UTS namespaces can be made; other CLONE_NEW* are refused with -EINVAL, as by a Linux built
// without them.
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

#define NEW_KNOWN (CLONE_NEWNS | CLONE_NEWUTS)
#define NEW_UNKNOWN (CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWUSER)

static void uts_put(struct uts_namespace *u)
{
	// u->user_ns is init_user_ns, the only one there is yet: its count never comes to 0.
	if (u && ref_put(&u->ref))
		kfree(u);
}

static int uts_copy(u64 flags, struct uts_namespace *old, struct uts_namespace **out)
{
	struct uts_namespace *u;

	if (!(flags & CLONE_NEWUTS)) {
		ref_get(&old->ref);
		*out = old;
		return 0;
	}
	u = kalloc(sizeof(*u), GFP_KERNEL);
	if (!u)
		return -ENOMEM;
	ref_init(&u->ref, 1);
	rwsem_init(&u->lock, &uts_lock_class);
	down_read(&old->lock);
	memcpy(u->sysname, old->sysname, offsetof(struct uts_namespace, user_ns) - offsetof(struct uts_namespace, sysname));
	up_read(&old->lock);
	u->user_ns = current_cred()->user_ns;
	*out = u;
	return 0;
}

int nsproxy_copy(u64 flags, struct fs_context *fs, struct nsproxy **out)
{
	struct nsproxy *old = current->nsproxy, *n;
	int err;

	if (likely(!(flags & (NEW_KNOWN | NEW_UNKNOWN)))) {
		ref_get(&old->ref);
		*out = old;
		return 0;
	}
	if (!(flags & CLONE_NEWUSER) && !ns_capable(current_cred()->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & NEW_UNKNOWN)
		return -EINVAL;
	n = kalloc(sizeof(*n), GFP_KERNEL);
	if (!n)
		return -ENOMEM;
	ref_init(&n->ref, 1);
	n->pid_for_children = old->pid_for_children;
	err = uts_copy(flags, old->uts, &n->uts);
	if (!err)
		err = copy_mount_ns(flags, old->mnt, current_cred()->user_ns, fs, &n->mnt);
	if (err) {
		nsproxy_put(n);
		return err;
	}
	*out = n;
	return 0;
}

int copy_namespaces(struct task *child, unsigned long flags)
{
	return nsproxy_copy(flags, child->fs, &child->nsproxy);
}

int unshare_namespaces(u64 flags)
{
	struct task *t = current;
	struct nsproxy *n, *old = t->nsproxy;
	int err = nsproxy_copy(flags, t->fs, &n);

	if (err)
		return err;
	spin_lock(&t->alloc_lock);
	t->nsproxy = n;
	spin_unlock(&t->alloc_lock);
	nsproxy_put(old);
	return 0;
}

void nsproxy_put(struct nsproxy *n)
{
	if (!n || !ref_put(&n->ref))
		return;
	uts_put(n->uts);
	if (n->mnt)
		mount_ns_put(n->mnt);
	kfree(n);
}

void uts_init(void)
{
	strscpy(init_uts_ns.machine, arch_machine(), sizeof(init_uts_ns.machine));
}
