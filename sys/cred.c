// User and group ids, supplementary groups, capabilities. man 7 credentials.
#include "task/cred.h"
#include "lib/errno.h"
#include "lib/sort.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "syscalls.h"
#include "task/pid.h"
#include "task/process.h"
#include <linux/capability.h>
#include <linux/securebits.h>

#define NGROUPS_MAX_ 65536
#define KEEP ((u32)-1)

long sys_getuid(void) { return from_kuid_munged(current_cred()->user_ns, current_cred()->uid); }
long sys_geteuid(void) { return from_kuid_munged(current_cred()->user_ns, current_cred()->euid); }
long sys_getgid(void) { return from_kgid_munged(current_cred()->user_ns, current_cred()->gid); }
long sys_getegid(void) { return from_kgid_munged(current_cred()->user_ns, current_cred()->egid); }

// ---- users ------------------------------------------------------------------------------------------------------------

// The accounting object follows the real uid.
static int change_user(struct cred *new)
{
	struct user *u;
	int err = user_get_by_uid(new->uid, &u);

	if (err)
		return -EAGAIN;
	user_put(new->user);
	new->user = u;
	return 0;
}

static int finish_uids(struct cred *new, const struct cred *old)
{
	int err = uid_eq(new->uid, old->uid) ? 0 : change_user(new);

	if (err) {
		cred_put(new);
		return err;
	}
	if (!(new->securebits & BIT(SECURE_NO_SETUID_FIXUP)))
		cap_fix_setuid(new, old);
	return commit_creds(new);
}

long sys_setuid(uid_t uid)
{
	const struct cred *old = current_cred();
	kuid_t k = make_kuid(old->user_ns, uid);
	struct cred *new;

	if (!uid_valid(k))
		return -EINVAL;
	if (prepare_creds(&new))
		return -ENOMEM;
	if (ns_capable(old->user_ns, CAP_SETUID)) {
		new->suid = new->uid = k;
	} else if (!uid_eq(k, old->uid) && !uid_eq(k, new->suid)) {
		cred_put(new);
		return -EPERM;
	}
	new->fsuid = new->euid = k;
	return finish_uids(new, old);
}

static bool may_set_uid(const struct cred *c, kuid_t k, bool saved)
{
	return uid_eq(k, c->uid) || uid_eq(k, c->euid) || (saved && uid_eq(k, c->suid)) || ns_capable(c->user_ns, CAP_SETUID);
}

long sys_setreuid(uid_t ruid, uid_t euid)
{
	const struct cred *old = current_cred();
	kuid_t kr = make_kuid(old->user_ns, ruid), ke = make_kuid(old->user_ns, euid);
	struct cred *new;

	if (prepare_creds(&new))
		return -ENOMEM;
	if ((ruid != KEEP && !may_set_uid(old, kr, false)) || (euid != KEEP && !may_set_uid(old, ke, true))) {
		cred_put(new);
		return -EPERM;
	}
	if (ruid != KEEP)
		new->uid = kr;
	if (euid != KEEP)
		new->euid = ke;
	if (ruid != KEEP || (euid != KEEP && !uid_eq(ke, old->uid)))
		new->suid = new->euid;
	new->fsuid = new->euid;
	return finish_uids(new, old);
}

long sys_setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
	const struct cred *old = current_cred();
	u32 want[3] = { ruid, euid, suid };
	struct cred *new;

	for (int i = 0; i < 3; i++) {
		kuid_t k = make_kuid(old->user_ns, want[i]);
		if (want[i] != KEEP && !may_set_uid(old, k, true))
			return -EPERM;
	}
	if (prepare_creds(&new))
		return -ENOMEM;
	if (ruid != KEEP)
		new->uid = make_kuid(old->user_ns, ruid);
	if (euid != KEEP)
		new->euid = make_kuid(old->user_ns, euid);
	if (suid != KEEP)
		new->suid = make_kuid(old->user_ns, suid);
	new->fsuid = new->euid;
	return finish_uids(new, old);
}

static int put_three(u32 a, u32 b, u32 c, uptr pa, uptr pb, uptr pc)
{
	return put_user_u32(a, pa) ?: put_user_u32(b, pb) ?: put_user_u32(c, pc);
}

long sys_getresuid(uptr ruid, uptr euid, uptr suid)
{
	const struct cred *c = current_cred();
	struct user_namespace *ns = c->user_ns;

	return put_three(from_kuid_munged(ns, c->uid), from_kuid_munged(ns, c->euid), from_kuid_munged(ns, c->suid), ruid, euid, suid);
}

// Always returns the old value: there is no error.
long sys_setfsuid(uid_t uid)
{
	const struct cred *old = current_cred();
	kuid_t k = make_kuid(old->user_ns, uid);
	long was = from_kuid_munged(old->user_ns, old->fsuid);
	struct cred *new;

	if (!uid_valid(k) || uid_eq(k, old->fsuid))
		return was;
	if (!uid_eq(k, old->uid) && !uid_eq(k, old->euid) && !uid_eq(k, old->suid) && !ns_capable(old->user_ns, CAP_SETUID))
		return was;
	if (prepare_creds(&new))
		return was;
	new->fsuid = k;
	cap_fix_setfsuid(new, old);
	commit_creds(new);
	return was;
}

// ---- groups -----------------------------------------------------------------------------------------------------------

static bool may_set_gid(const struct cred *c, kgid_t k, bool saved)
{
	return gid_eq(k, c->gid) || gid_eq(k, c->egid) || (saved && gid_eq(k, c->sgid)) || ns_capable(c->user_ns, CAP_SETGID);
}

long sys_setgid(gid_t gid)
{
	const struct cred *old = current_cred();
	kgid_t k = make_kgid(old->user_ns, gid);
	struct cred *new;

	if (!gid_valid(k))
		return -EINVAL;
	if (prepare_creds(&new))
		return -ENOMEM;
	if (ns_capable(old->user_ns, CAP_SETGID)) {
		new->gid = new->sgid = k;
	} else if (!gid_eq(k, old->gid) && !gid_eq(k, old->sgid)) {
		cred_put(new);
		return -EPERM;
	}
	new->egid = new->fsgid = k;
	return commit_creds(new);
}

long sys_setregid(gid_t rgid, gid_t egid)
{
	const struct cred *old = current_cred();
	kgid_t kr = make_kgid(old->user_ns, rgid), ke = make_kgid(old->user_ns, egid);
	struct cred *new;

	if (prepare_creds(&new))
		return -ENOMEM;
	if ((rgid != KEEP && !may_set_gid(old, kr, false)) || (egid != KEEP && !may_set_gid(old, ke, true))) {
		cred_put(new);
		return -EPERM;
	}
	if (rgid != KEEP)
		new->gid = kr;
	if (egid != KEEP)
		new->egid = ke;
	if (rgid != KEEP || (egid != KEEP && !gid_eq(ke, old->gid)))
		new->sgid = new->egid;
	new->fsgid = new->egid;
	return commit_creds(new);
}

long sys_setresgid(gid_t rgid, gid_t egid, gid_t sgid)
{
	const struct cred *old = current_cred();
	u32 want[3] = { rgid, egid, sgid };
	struct cred *new;

	for (int i = 0; i < 3; i++) {
		kgid_t k = make_kgid(old->user_ns, want[i]);
		if (want[i] != KEEP && !may_set_gid(old, k, true))
			return -EPERM;
	}
	if (prepare_creds(&new))
		return -ENOMEM;
	if (rgid != KEEP)
		new->gid = make_kgid(old->user_ns, rgid);
	if (egid != KEEP)
		new->egid = make_kgid(old->user_ns, egid);
	if (sgid != KEEP)
		new->sgid = make_kgid(old->user_ns, sgid);
	new->fsgid = new->egid;
	return commit_creds(new);
}

long sys_getresgid(uptr rgid, uptr egid, uptr sgid)
{
	const struct cred *c = current_cred();
	struct user_namespace *ns = c->user_ns;

	return put_three(from_kgid_munged(ns, c->gid), from_kgid_munged(ns, c->egid), from_kgid_munged(ns, c->sgid), rgid, egid, sgid);
}

long sys_setfsgid(gid_t gid)
{
	const struct cred *old = current_cred();
	kgid_t k = make_kgid(old->user_ns, gid);
	long was = from_kgid_munged(old->user_ns, old->fsgid);
	struct cred *new;

	if (!gid_valid(k) || gid_eq(k, old->fsgid))
		return was;
	if (!gid_eq(k, old->gid) && !gid_eq(k, old->egid) && !gid_eq(k, old->sgid) && !ns_capable(old->user_ns, CAP_SETGID))
		return was;
	if (prepare_creds(&new))
		return was;
	new->fsgid = k;
	commit_creds(new);
	return was;
}

long sys_getgroups(int size, uptr list)
{
	const struct cred *c = current_cred();
	const struct group_list *g = c->groups;

	if (size < 0)
		return -EINVAL;
	if (!size)
		return g->n;
	if (g->n > size)
		return -EINVAL;
	for (int i = 0; i < g->n; i++)
		if (put_user_u32(from_kgid_munged(c->user_ns, g->gid[i]), uptr_add(list, i * 4)))
			return -EFAULT;
	return g->n;
}

static int compare_gids(const void *a, const void *b)
{
	gid_t x = ((const kgid_t *)a)->val, y = ((const kgid_t *)b)->val;

	return x < y ? -1 : x > y;
}

static int groups_in(int n, uptr list, struct group_list **out)
{
	struct group_list *g = kalloc(sizeof(*g) + n * sizeof(kgid_t), GFP_KERNEL);
	int err = 0;

	if (!g)
		return -ENOMEM;
	ref_init(&g->ref, 1);
	g->n = n;
	for (int i = 0; i < n && !err; i++) {
		u32 gid;
		err = get_user_u32(&gid, uptr_add(list, i * 4));
		g->gid[i] = make_kgid(current_cred()->user_ns, gid);
		if (!err && !gid_valid(g->gid[i]))
			err = -EINVAL;
	}
	if (err) {
		group_list_put(g);
		return err;
	}
	sort(g->gid, n, sizeof(kgid_t), compare_gids);
	*out = g;
	return 0;
}

long sys_setgroups(int size, uptr list)
{
	struct group_list *g;
	struct cred *new;

	if (!ns_capable(current_cred()->user_ns, CAP_SETGID))
		return -EPERM;
	if ((u32)size > NGROUPS_MAX_)
		return -EINVAL;
	int err = groups_in(size, list, &g);
	if (err)
		return err;
	if (prepare_creds(&new)) {
		group_list_put(g);
		return -ENOMEM;
	}
	group_list_put(new->groups);
	new->groups = g;
	return commit_creds(new);
}

// ---- capabilities -----------------------------------------------------------------------------------------------------

struct cap_header {
	u32 version;
	int pid;
};

// Number of 32-bit words per set; for an unknown version the one we like is written back.
static int cap_words(uptr header, struct cap_header *h, int *words)
{
	if (copy_in(h, header, sizeof(*h)))
		return -EFAULT;
	switch (h->version) {
	case _LINUX_CAPABILITY_VERSION_1:
		*words = 1;
		return 0;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		*words = 2;
		return 0;
	}
	return put_user_u32(_LINUX_CAPABILITY_VERSION_3, header) ? -EFAULT : -EINVAL;
}

static int caps_of(pid_t pid, u64 sets[3])
{
	struct task *t = pid ? find_task_get(pid) : current;

	if (!t)
		return -ESRCH;
	const struct cred *c = task_cred_get(t);
	sets[0] = c->cap_effective;
	sets[1] = c->cap_permitted;
	sets[2] = c->cap_inheritable;
	cred_put(c);
	if (pid)
		task_put(t);
	return 0;
}

long sys_capget(uptr header, uptr data)
{
	struct cap_header h;
	u64 sets[3];
	u32 out[2][3];
	int words, err = cap_words(header, &h, &words);

	// A null data pointer asks for the version only.
	if (uptr_is_null(data) && (!err || err == -EINVAL))
		return 0;
	if (err)
		return err;
	if (h.pid < 0)
		return -EINVAL;
	err = caps_of(h.pid, sets);
	if (err)
		return err;
	for (int w = 0; w < 2; w++)
		for (int s = 0; s < 3; s++)
			out[w][s] = sets[s] >> 32 * w;
	return copy_out(data, out, words * sizeof(out[0]));
}

long sys_capset(uptr header, uptr data)
{
	const u64 all = (1ull << (CAP_LAST_CAP + 1)) - 1;
	const struct cred *old = current_cred();
	struct cap_header h;
	u32 in[2][3] = {};
	u64 sets[3];
	struct cred *new;
	int words, err = cap_words(header, &h, &words);

	if (err)
		return err;
	if (h.pid && h.pid != task_pid_vnr(current))
		return -EPERM;
	if (copy_in(in, data, words * sizeof(in[0])))
		return -EFAULT;
	for (int s = 0; s < 3; s++)
		sets[s] = (in[0][s] | (u64)in[1][s] << 32) & all;
	u64 e = sets[0], p = sets[1], i = sets[2];
	bool setpcap = ns_capable(old->user_ns, CAP_SETPCAP);
	if (!setpcap && (i & ~(old->cap_inheritable | old->cap_permitted)))
		return -EPERM;
	if (i & ~(old->cap_inheritable | old->cap_bset))
		return -EPERM;
	if ((p & ~old->cap_permitted) || (e & ~p))
		return -EPERM;
	if (prepare_creds(&new))
		return -ENOMEM;
	new->cap_effective = e;
	new->cap_permitted = p;
	new->cap_inheritable = i;
	new->cap_ambient &= p & i;
	return commit_creds(new);
}
