// task/cred.h - credentials: immutable once published, replaced whole (prepare, commit), freed by RCU. A file keeps its opener's.
//
// Permission choke points: ns_capable() here, inode_permission() and file_open in fs/, may_signal() in task/signal.h, ptrace_may_access() here.
#pragma once
#include "kern/rcu.h"
#include "kern/ref.h"
#include "lib/types.h"
#include "mm/mm.h"
#include "mm/mm.h"
#include "sched/task.h"

struct user_namespace;
struct user;

struct group_list {
	struct ref ref;
	int n;
	kgid_t gid[];			// sorted
};

struct cred {
	struct ref ref ATOMIC;
	// All SET_ONCE: before commit_creds().
	kuid_t uid, suid, euid, fsuid;
	kgid_t gid, sgid, egid, fsgid;
	u64 cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
	u32 securebits;
	struct user *user;		// counted: of uid, for accounting
	struct user_namespace *user_ns;	// counted
	struct group_list *groups;	// counted
	struct rcu_head rcu;
};

extern struct cred init_cred;

static inline const struct cred *current_cred(void)
{
	return (const struct cred __force *)current->cred;
}
static inline void cred_get(const struct cred *c) { ref_get((struct ref *)&c->ref); }
void cred_put(const struct cred *c);
// A private copy of current's credentials to change. Then commit_creds() (consumes it) or cred_put().
MUST_CHECK int prepare_creds(struct cred **out);
int commit_creds(struct cred *new);				// always 0; adjusts dumpable, pdeath_signal
const struct cred *task_cred_get(struct task *t);		// the objective credentials, counted
MUST_CHECK int copy_creds(struct task *child, unsigned long clone_flags);	// -EAGAIN over RLIMIT_NPROC, -ENOMEM
void exit_creds(struct task *t);
// Temporarily acts as another: returns the old one to give to revert_creds().
const struct cred *override_creds(const struct cred *new);
void revert_creds(const struct cred *old);

// Capabilities (linux/capability.h numbers). The only tests of privilege in the kernel.
bool ns_capable(struct user_namespace *ns, int cap);		// current, effective; sets PF_SUPERPRIV
// capable(cap), in the initial namespace, is an upcall of mm's: mm/mm.h declares it.
bool cred_capable(const struct cred *c, struct user_namespace *ns, int cap);
bool in_group(kgid_t g);					// fsgid or supplementary
bool in_egroup(kgid_t g);
bool ptrace_may_access(struct task *t, u32 mode);
#define PTRACE_MODE_READ 1u
#define PTRACE_MODE_ATTACH 2u
#define PTRACE_MODE_FSCREDS 8u
#define PTRACE_MODE_REALCREDS 0x10u

// User namespaces: id maps. make_k*: (uid_t)-1 gives an invalid id. from_k*: (uid_t)-1 when unmapped; _munged: overflow id 65534.
struct user_namespace {
	struct ref ref ATOMIC;
	struct user_namespace *parent SET_ONCE;
	int level SET_ONCE;
	kuid_t owner SET_ONCE;
	kgid_t group SET_ONCE;
	struct uid_gid_map *uid_map, *gid_map;	// null: identity (initial namespace)
	u32 flags;
	struct rcu_head rcu;
};
extern struct user_namespace init_user_ns;
kuid_t make_kuid(struct user_namespace *ns, uid_t uid);
kgid_t make_kgid(struct user_namespace *ns, gid_t gid);
uid_t from_kuid(struct user_namespace *ns, kuid_t uid);
gid_t from_kgid(struct user_namespace *ns, kgid_t gid);
uid_t from_kuid_munged(struct user_namespace *ns, kuid_t uid);
gid_t from_kgid_munged(struct user_namespace *ns, kgid_t gid);
static inline bool uid_eq(kuid_t a, kuid_t b) { return a.val == b.val; }
static inline bool gid_eq(kgid_t a, kgid_t b) { return a.val == b.val; }
static inline bool uid_valid(kuid_t a) { return a.val != (uid_t)-1; }
static inline bool gid_valid(kgid_t a) { return a.val != (gid_t)-1; }

// What one user owns, over all processes. Found by kuid; every object that a user can multiply is charged here.
struct user {
	struct ref ref;
	kuid_t uid;
	struct atomic64 processes, pipe_pages, fds_in_flight, watches, locked_pages, pending_signals, mq_bytes;
	struct hlist_node link;
	struct rcu_head rcu;
};
extern struct user root_user;
MUST_CHECK int user_get_by_uid(kuid_t uid, struct user **out);
static inline void user_get(struct user *u) { ref_get(&u->ref); }
void user_put(struct user *u);
void user_init(void);			// INIT
void cred_init(void);			// INIT: after slabs

void group_list_put(struct group_list *g);
// What a change of user ids does to the capability sets of `new` (setuid family; setfsuid).
void cap_fix_setuid(struct cred *new, const struct cred *old);
void cap_fix_setfsuid(struct cred *new, const struct cred *old);
