// Credentials: prepared, committed, replaced whole; capability checks; id maps. man 7 credentials, 7 capabilities.
#include "task/cred.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "task/nsproxy.h"
#include "task/process.h"
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/securebits.h>

#define CAP_ALL ((1ull << (CAP_LAST_CAP + 1)) - 1)

static struct kmem_cache *cred_cache RO_AFTER_INIT;
static struct group_list no_groups = { .ref = REF_INIT(1) };

struct user_namespace init_user_ns = { .ref = REF_INIT(1) };

struct cred init_cred = {
	.ref = REF_INIT(1),
	.cap_permitted = CAP_ALL,
	.cap_effective = CAP_ALL,
	.cap_bset = CAP_ALL,
	.user = &root_user,
	.user_ns = &init_user_ns,
	.groups = &no_groups,
};

// ---- life -------------------------------------------------------------------------------------------------------------

static void cred_free_rcu(struct rcu_head *h)
{
	struct cred *c = CONTAINER_OF(h, struct cred, rcu);

	user_put(c->user);
	group_list_put(c->groups);
	kmem_cache_free(cred_cache, c);
}

void cred_put(const struct cred *c)
{
	struct cred *w = (struct cred *)c;

	if (w && ref_put(&w->ref))
		call_rcu(&w->rcu, cred_free_rcu);
}

void group_list_put(struct group_list *g)
{
	if (ref_put(&g->ref))
		kfree(g);
}

int prepare_creds(struct cred **out)
{
	const struct cred *old = current_cred();
	struct cred *c = kmem_cache_alloc(cred_cache, GFP_KERNEL | GFP_UNINIT);

	if (!c)
		return -ENOMEM;
	*c = *old;
	ref_init(&c->ref, 1);
	user_get(c->user);
	ref_get(&c->groups->ref);
	*out = c;
	return 0;
}

static bool cap_subset(u64 set, u64 of)
{
	return !(set & ~of);
}

// As Linux: gaining nothing and staying the same user keeps the process readable by its owner.
static bool needs_undumpable(const struct cred *old, const struct cred *new)
{
	return !uid_eq(old->euid, new->euid) || !gid_eq(old->egid, new->egid) || !uid_eq(old->fsuid, new->fsuid) ||
	       !gid_eq(old->fsgid, new->fsgid) || !cap_subset(new->cap_permitted, old->cap_permitted);
}

int commit_creds(struct cred *new)
{
	struct task *t = current;
	const struct cred *old = (const struct cred __force *)t->real_cred;

	DEBUG_ASSERT(t->cred == t->real_cred);
	if (needs_undumpable(old, new)) {
		if (t->mm)
			mm_set_dumpable(t->mm, 0);
		t->pdeath_signal = 0;
		smp_wmb();	// pairs with ptrace_may_access(): new ids are seen with the old dumpable never
	}
	if (old->user != new->user) {
		atomic64_inc(&new->user->processes);
		atomic64_dec(&((struct user *)old->user)->processes);
	}
	ref_get(&new->ref);
	rcu_assign_pointer(t->real_cred, new);
	rcu_assign_pointer(t->cred, new);
	cred_put(old);
	cred_put(old);
	return 0;
}

const struct cred *task_cred_get(struct task *t)
{
	const struct cred *c;

	rcu_read_lock();
	do {
		c = rcu_dereference(t->real_cred);
	} while (!ref_get_unless_zero((struct ref *)&c->ref));
	rcu_read_unlock();
	return c;
}

// Credentials are immutable: a child shares its parent's until one of them changes.
int copy_creds(struct task *child, unsigned long clone_flags)
{
	const struct cred *c = current_cred();
	struct user *u = c->user;
	u64 limit = rlimit(RLIMIT_NPROC);

	(void)clone_flags;
	// Counted first: forks on several CPUs must not pass the limit together.
	if (unlikely((u64)atomic64_inc_return(&u->processes) > limit) && u != &root_user && !capable(CAP_SYS_RESOURCE) &&
	    !capable(CAP_SYS_ADMIN)) {
		atomic64_dec(&u->processes);
		return -EAGAIN;
	}
	cred_get(c);
	cred_get(c);
	RCU_INIT_POINTER(child->cred, c);
	RCU_INIT_POINTER(child->real_cred, c);
	return 0;
}

// The user's count of processes is given back by the caller, when the task is reaped.
void exit_creds(struct task *t)
{
	cred_put((const struct cred __force *)t->cred);
	cred_put((const struct cred __force *)t->real_cred);
	RCU_INIT_POINTER(t->cred, NULL);
	RCU_INIT_POINTER(t->real_cred, NULL);
}

const struct cred *override_creds(const struct cred *new)
{
	const struct cred *old = current_cred();

	cred_get(new);
	rcu_assign_pointer(current->cred, new);
	return old;
}

void revert_creds(const struct cred *old)
{
	const struct cred *was = current_cred();

	rcu_assign_pointer(current->cred, old);
	cred_put(was);
}

// ---- capabilities -----------------------------------------------------------------------------------------------------

bool cred_capable(const struct cred *c, struct user_namespace *ns, int cap)
{
	for (;;) {
		if (ns == c->user_ns)
			return c->cap_effective >> cap & 1;
		if (ns->level <= c->user_ns->level)
			return false;
		// The owner of a namespace, from its parent, has all capabilities in it.
		if (ns->parent == c->user_ns && uid_eq(ns->owner, c->euid))
			return true;
		ns = ns->parent;
	}
}

bool ns_capable(struct user_namespace *ns, int cap)
{
	if (!cred_capable(current_cred(), ns, cap))
		return false;
	if (!(current->flags & PF_SUPERPRIV))
		current->flags |= PF_SUPERPRIV;
	return true;
}

bool capable(int cap)
{
	return ns_capable(&init_user_ns, cap);
}

// setuid(2) family: what a change of user ids does to the capability sets. man 7 capabilities, "Effect of user ID changes".
void cap_fix_setuid(struct cred *new, const struct cred *old)
{
	kuid_t root = make_kuid(old->user_ns, 0);
	bool was = uid_eq(old->uid, root) || uid_eq(old->euid, root) || uid_eq(old->suid, root);
	bool is = uid_eq(new->uid, root) || uid_eq(new->euid, root) || uid_eq(new->suid, root);

	if (was && !is) {
		if (!(new->securebits & BIT(SECURE_KEEP_CAPS))) {
			new->cap_permitted = 0;
			new->cap_effective = 0;
		}
		new->cap_ambient = 0;	// even with SECBIT_KEEP_CAPS
	}
	if (uid_eq(old->euid, root) && !uid_eq(new->euid, root))
		new->cap_effective = 0;
	if (!uid_eq(old->euid, root) && uid_eq(new->euid, root))
		new->cap_effective = new->cap_permitted;
}

#define CAP_FS_SET (BIT(CAP_CHOWN) | BIT(CAP_MKNOD) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | \
		    BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MAC_OVERRIDE))

void cap_fix_setfsuid(struct cred *new, const struct cred *old)
{
	kuid_t root = make_kuid(old->user_ns, 0);

	if (new->securebits & BIT(SECURE_NO_SETUID_FIXUP))
		return;
	if (uid_eq(old->fsuid, root) && !uid_eq(new->fsuid, root))
		new->cap_effective &= ~CAP_FS_SET;
	if (!uid_eq(old->fsuid, root) && uid_eq(new->fsuid, root))
		new->cap_effective |= new->cap_permitted & CAP_FS_SET;
}

// ---- groups -----------------------------------------------------------------------------------------------------------

static bool groups_search(const struct group_list *g, kgid_t gid)
{
	int lo = 0, hi = g->n;

	while (lo < hi) {
		int mid = (lo + hi) / 2;
		if (gid_eq(g->gid[mid], gid))
			return true;
		if (g->gid[mid].val < gid.val)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool in_group(kgid_t g)
{
	const struct cred *c = current_cred();

	return gid_eq(g, c->fsgid) || groups_search(c->groups, g);
}

bool in_egroup(kgid_t g)
{
	const struct cred *c = current_cred();

	return gid_eq(g, c->egid) || groups_search(c->groups, g);
}

// ---- looking at other processes ---------------------------------------------------------------------------------------

static bool ptrace_ids_match(const struct cred *c, const struct cred *tc, u32 mode)
{
	kuid_t uid = mode & PTRACE_MODE_FSCREDS ? c->fsuid : c->uid;
	kgid_t gid = mode & PTRACE_MODE_FSCREDS ? c->fsgid : c->gid;

	return uid_eq(uid, tc->euid) && uid_eq(uid, tc->suid) && uid_eq(uid, tc->uid) && gid_eq(gid, tc->egid) &&
	       gid_eq(gid, tc->sgid) && gid_eq(gid, tc->gid);
}

bool ptrace_may_access(struct task *t, u32 mode)
{
	const struct cred *c = current_cred(), *tc;
	bool ok;

	if (t->process == current->process)
		return true;
	tc = task_cred_get(t);
	ok = ptrace_ids_match(c, tc, mode) || ns_capable(tc->user_ns, CAP_SYS_PTRACE);
	if (ok) {
		struct mm *mm = task_mm_get(t);
		smp_rmb();	// pairs with commit_creds()
		if (mm) {
			ok = mm_dumpable(mm) == 1 || ns_capable(&init_user_ns, CAP_SYS_PTRACE);
			mm_users_put(mm);
		}
	}
	// cap_ptrace_access_check(): one may not look at what has more power.
	u64 caller = mode & PTRACE_MODE_FSCREDS ? c->cap_effective : c->cap_permitted;
	if (ok && !(c->user_ns == tc->user_ns && cap_subset(tc->cap_permitted, caller)))
		ok = ns_capable(tc->user_ns, CAP_SYS_PTRACE);
	cred_put(tc);
	return ok;
}

// ---- id maps: the initial user namespace's are the identity -----------------------------------------------------------

kuid_t make_kuid(struct user_namespace *ns, uid_t uid)
{
	(void)ns;
	return KUIDT_INIT(uid);
}

kgid_t make_kgid(struct user_namespace *ns, gid_t gid)
{
	(void)ns;
	return KGIDT_INIT(gid);
}

uid_t from_kuid(struct user_namespace *ns, kuid_t uid)
{
	(void)ns;
	return uid.val;
}

gid_t from_kgid(struct user_namespace *ns, kgid_t gid)
{
	(void)ns;
	return gid.val;
}

uid_t from_kuid_munged(struct user_namespace *ns, kuid_t uid)
{
	uid_t v = from_kuid(ns, uid);

	return v == (uid_t)-1 ? 65534 : v;
}

gid_t from_kgid_munged(struct user_namespace *ns, kgid_t gid)
{
	gid_t v = from_kgid(ns, gid);

	return v == (gid_t)-1 ? 65534 : v;
}

void cred_init(void)
{
	cred_cache = kmem_cache_create("cred", sizeof(struct cred), 0, SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT | SLAB_PANIC, NULL);
	user_init();
	cred_get(&init_cred);
	RCU_INIT_POINTER(init_task.cred, &init_cred);
	RCU_INIT_POINTER(init_task.real_cred, &init_cred);
}
