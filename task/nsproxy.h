// task/nsproxy.h - the namespaces of a task (user namespaces are in its credentials, pid namespace for children here).
#pragma once
#include "kern/ref.h"
#include "lib/types.h"
#include "sched/mutex.h"
#include "sched/task.h"

struct mount_namespace;
struct pid_namespace;
struct user_namespace;

struct uts_namespace {
	struct ref ref;
	struct rwsem lock;
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65] GUARDED_BY(&lock);
	struct user_namespace *user_ns;
};
extern struct uts_namespace init_uts_ns;

struct nsproxy {
	struct ref ref;
	struct uts_namespace *uts;
	struct mount_namespace *mnt;
	struct pid_namespace *pid_for_children;
	void *ipc, *net, *cgroup, *time;	// arrive with their subsystems
};
extern struct nsproxy init_nsproxy;
struct fs_context;
// The namespaces of the current task, with new ones for flags: CLONE_NEWNS (fs, not shared, moves into the copy) and CLONE_NEWUTS. -EINVAL for
// those that do not exist yet, -EPERM, -ENOMEM.
MUST_CHECK int nsproxy_copy(u64 flags, struct fs_context *fs, struct nsproxy **out);
MUST_CHECK int copy_namespaces(struct task *child, unsigned long flags);
MUST_CHECK int unshare_namespaces(u64 flags);	// unshare(2); the task's fs context is not shared
// Upcalls: defined in fs/mount_ops.c.
MUST_CHECK int copy_mount_ns(u64 flags, struct mount_namespace *ns, struct user_namespace *user_ns, struct fs_context *new_fs, struct mount_namespace **out);
void mount_ns_put(struct mount_namespace *ns);
void nsproxy_put(struct nsproxy *n);
void uts_init(void);			// INIT
