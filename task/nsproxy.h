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
MUST_CHECK int copy_namespaces(struct task *child, unsigned long flags);	// CLONE_NEW*: -EINVAL for those that do not exist yet
void nsproxy_put(struct nsproxy *n);
void uts_init(void);			// INIT
