// getrlimit(2), setrlimit(2), prlimit(2).
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "syscalls.h"
#include "task/cred.h"
#include "task/pid.h"
#include "task/process.h"
#include <linux/capability.h>
#include <linux/resource.h>

#define NR_OPEN_MAX (1024 * 1024)	// fs.nr_open
BUILD_ASSERT(NR_RLIMITS == RLIM_NLIMITS);

static int set_limit(struct process *p, u32 which, const struct rlimit_k *new)
{
	struct task *l = p->leader;
	struct rlimit_k *r = &p->rlim[which];
	int err = 0;

	if (new->cur > new->max)
		return -EINVAL;
	if (which == RLIMIT_NOFILE && new->max > NR_OPEN_MAX)
		return -EPERM;
	spin_lock(&l->alloc_lock);
	bool raises = new->max > r->max;
	spin_unlock(&l->alloc_lock);
	if (raises && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	spin_lock(&l->alloc_lock);
	WRITE_ONCE(r->cur, new->cur);
	WRITE_ONCE(r->max, new->max);
	spin_unlock(&l->alloc_lock);
	return err;
}

static void get_limit(struct process *p, u32 which, struct rlimit_k *out)
{
	spin_lock(&p->leader->alloc_lock);
	*out = p->rlim[which];
	spin_unlock(&p->leader->alloc_lock);
}

static bool may_prlimit(struct task *t)
{
	const struct cred *c = current_cred(), *tc;

	if (t->process == current->process)
		return true;
	tc = task_cred_get(t);
	bool ok = (uid_eq(c->uid, tc->euid) && uid_eq(c->uid, tc->suid) && uid_eq(c->uid, tc->uid) && gid_eq(c->gid, tc->egid) &&
		   gid_eq(c->gid, tc->sgid) && gid_eq(c->gid, tc->gid)) || ns_capable(tc->user_ns, CAP_SYS_RESOURCE);
	cred_put(tc);
	return ok;
}

static int do_prlimit(struct process *p, u32 which, const struct rlimit_k *new, struct rlimit_k *old)
{
	if (which >= NR_RLIMITS)
		return -EINVAL;
	if (old)
		get_limit(p, which, old);
	return new ? set_limit(p, which, new) : 0;
}

long sys_getrlimit(u32 resource, uptr rlim)
{
	struct rlimit_k old;
	int err = do_prlimit(current->process, resource, NULL, &old);

	return err ?: copy_out(rlim, &old, sizeof(old));
}

long sys_setrlimit(u32 resource, uptr rlim)
{
	struct rlimit_k new;

	if (copy_in(&new, rlim, sizeof(new)))
		return -EFAULT;
	return do_prlimit(current->process, resource, &new, NULL);
}

long sys_prlimit64(pid_t pid, u32 resource, uptr unew, uptr uold)
{
	bool set = !uptr_is_null(unew), get = !uptr_is_null(uold);
	struct rlimit_k new, old;

	if (set && copy_in(&new, unew, sizeof(new)))
		return -EFAULT;
	struct task *t = pid ? find_task_get(pid) : current;
	if (!t)
		return -ESRCH;
	int err = may_prlimit(t) ? do_prlimit(t->process, resource, set ? &new : NULL, get ? &old : NULL) : -EPERM;
	if (pid)
		task_put(t);
	if (!err && get)
		err = copy_out(uold, &old, sizeof(old));
	return err;
}
