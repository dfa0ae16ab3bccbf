// Scheduling: man 7 sched. Bodies: sched/params.c.
#include "kern/cpumask.h"
#include "kern/rculist.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/uaccess.h"
#include "sched/sched.h"
#include "syscalls.h"
#include "task/cred.h"
#include "task/process.h"
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/time_types.h>

#define SCHED_ATTR_SIZE_V0 48

struct sched_attr_k {		// struct sched_attr, version 1
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
	u32 util_min, util_max;
};

static bool is_rt(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

// The thread a number names (0: current), with a reference. -EINVAL for a negative one, -ESRCH.
static int task_by_number(pid_t pid, struct task **out)
{
	if (pid < 0)
		return -EINVAL;
	if (pid == 0) {
		task_get(current);
		*out = current;
		return 0;
	}
	*out = find_task_get(pid);
	return *out ? 0 : -ESRCH;
}

static bool same_owner(struct task *t)
{
	const struct cred *c = current_cred(), *o = task_cred_get(t);
	bool same = uid_eq(c->euid, o->euid) || uid_eq(c->euid, o->uid);

	cred_put(o);
	return same;
}

// man 7 sched, "Privileges and resource limits".
static int may_set(struct task *t, const struct sched_params *p)
{
	u64 rt_limit = READ_ONCE(t->process->rlim[RLIMIT_RTPRIO].cur), nice_limit = READ_ONCE(t->process->rlim[RLIMIT_NICE].cur);

	if (capable(CAP_SYS_NICE))
		return 0;
	if (!same_owner(t))
		return -EPERM;
	if (is_rt(p->policy)) {
		if (p->policy != t->policy && !rt_limit)
			return -EPERM;
		if (p->rt_priority > t->rt_priority && (u64)p->rt_priority > rt_limit)
			return -EPERM;
	} else if (t->policy == SCHED_IDLE && p->policy != SCHED_IDLE) {
		if ((u64)(20 - PRIO_TO_NICE(t->static_prio)) > nice_limit)
			return -EPERM;
	}
	if (!is_rt(p->policy) && p->nice < PRIO_TO_NICE(t->static_prio) && (u64)(20 - p->nice) > nice_limit)
		return -EPERM;
	if (t->reset_on_fork && !(p->flags & SCHED_FLAG_RESET_ON_FORK))
		return -EPERM;
	return 0;
}

static int check_policy(int policy, int priority)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return priority >= 1 && priority <= 99 ? 0 : -EINVAL;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return priority == 0 ? 0 : -EINVAL;
	}
	return -EINVAL;
}

// policy -1: keep.
static long set_scheduler(pid_t pid, int policy, uptr param)
{
	struct sched_params p;
	struct task *t;
	s32 prio;
	int err;

	if (uptr_is_null(param) || pid < 0)
		return -EINVAL;
	if (copy_in(&prio, param, sizeof(prio)))
		return -EFAULT;
	err = task_by_number(pid, &t);
	if (err)
		return err;
	sched_get_params(t, &p);
	if (policy >= 0) {
		p.policy = policy & ~SCHED_RESET_ON_FORK;
		p.flags = policy & SCHED_RESET_ON_FORK ? SCHED_FLAG_RESET_ON_FORK : 0;
	}
	p.rt_priority = prio;
	err = check_policy(p.policy, prio);
	err = err ?: may_set(t, &p);
	err = err ?: sched_set_params(t, &p);
	task_put(t);
	return err;
}

// sched_setscheduler(2)
long sys_sched_setscheduler(pid_t pid, int policy, uptr param)
{
	return policy < 0 ? -EINVAL : set_scheduler(pid, policy, param);
}

// sched_setparam(2)
long sys_sched_setparam(pid_t pid, uptr param)
{
	return set_scheduler(pid, -1, param);
}

// sched_getscheduler(2)
long sys_sched_getscheduler(pid_t pid)
{
	struct task *t;
	long err = task_by_number(pid, &t);

	if (err)
		return err;
	err = t->policy | (t->reset_on_fork ? SCHED_RESET_ON_FORK : 0);
	task_put(t);
	return err;
}

// sched_getparam(2)
long sys_sched_getparam(pid_t pid, uptr param)
{
	struct task *t;
	s32 prio;
	int err;

	if (uptr_is_null(param))
		return -EINVAL;
	err = task_by_number(pid, &t);
	if (err)
		return err;
	prio = is_rt(t->policy) ? t->rt_priority : 0;
	task_put(t);
	return copy_out(param, &prio, sizeof(prio));
}

// sched_get_priority_max(2)
long sys_sched_get_priority_max(int policy)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return 99;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return 0;
	}
	return -EINVAL;
}

// sched_get_priority_min(2)
long sys_sched_get_priority_min(int policy)
{
	return is_rt(policy) ? 1 : sys_sched_get_priority_max(policy);
}

// sched_rr_get_interval(2)
long sys_sched_rr_get_interval(pid_t pid, uptr ts)
{
	struct __kernel_timespec out;
	struct task *t;
	int err = task_by_number(pid, &t);
	u64 ns;

	if (err)
		return err;
	ns = sched_rr_interval(t);
	task_put(t);
	out = (struct __kernel_timespec){ .tv_sec = (s64)(ns / NSEC_PER_SEC), .tv_nsec = (s64)(ns % NSEC_PER_SEC) };
	return copy_out(ts, &out, sizeof(out));
}

// sched_setaffinity(2): a short mask is extended by zeroes, surplus bytes are ignored.
long sys_sched_setaffinity(pid_t pid, u32 len, uptr mask)
{
	struct cpumask m = { { 0 } };
	struct task *t;
	int err;

	if (copy_in(&m, mask, MIN(len, (u32)sizeof(m))))
		return -EFAULT;
	err = task_by_number(pid, &t);
	if (err)
		return err == -EINVAL ? -ESRCH : err;
	if (t->flags & PF_NO_SETAFFINITY)
		err = -EINVAL;
	else if (!same_owner(t) && !capable(CAP_SYS_NICE))
		err = -EPERM;
	else
		err = sched_set_affinity(t, &m);
	task_put(t);
	return err;
}

// sched_getaffinity(2). ABI: returns the number of bytes written.
long sys_sched_getaffinity(pid_t pid, u32 len, uptr mask)
{
	struct cpumask m;
	struct task *t;
	size_t n;
	int err;

	if ((u64)len * 8 < (u64)nr_cpu_ids || len & (sizeof(long) - 1))
		return -EINVAL;
	err = task_by_number(pid, &t);
	if (err)
		return err == -EINVAL ? -ESRCH : err;
	sched_get_affinity(t, &m);
	task_put(t);
	for (u32 i = 0; i < ARRAY_SIZE(m.bits); i++)
		m.bits[i] &= cpu_online_mask.bits[i];
	n = MIN((size_t)len, ALIGN_UP((size_t)nr_cpu_ids, 64ul) / 8);
	return copy_out(mask, &m, n) ? -EFAULT : (long)n;
}

// sched_yield(2)
long sys_sched_yield(void)
{
	return schedule_yield();
}

// getcpu(2). ABI: the third argument is ignored, as on Linux since 2.6.24. [getcpu.c]
long sys_getcpu(uptr cpu, uptr node, uptr unused)
{
	u32 c = this_cpu_read(cpu_hot.cpu);
	int err = copy_out_opt(cpu, &c, sizeof(c));

	return err ? err : copy_out_opt(node, &(u32){ 0 }, sizeof(u32));
}

// sched_setattr(2). A size too large with nonzero bytes: E2BIG, and ours is written back.
long sys_sched_setattr(pid_t pid, uptr uattr, u32 flags)
{
	struct sched_attr_k a = { 0 };
	struct sched_params p;
	struct task *t;
	u32 size;
	int err;

	if (uptr_is_null(uattr) || pid < 0 || flags)
		return -EINVAL;
	if (get_user_u32(&size, uattr))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_V0;
	if (size < SCHED_ATTR_SIZE_V0 || size > PAGE_SIZE)
		err = -E2BIG;
	else
		err = copy_struct_in(&a, sizeof(a), uattr, size);
	if (err == -E2BIG)
		return put_user_u32(sizeof(a), uattr) ? -EFAULT : -E2BIG;
	if (err)
		return err;
	if ((int)a.policy < 0 || a.flags & ~(u64)SCHED_FLAG_ALL)
		return -EINVAL;
	err = task_by_number(pid, &t);
	if (err)
		return err;
	sched_get_params(t, &p);
	if (!(a.flags & SCHED_FLAG_KEEP_POLICY))
		p.policy = (int)a.policy;
	p.flags = a.flags;
	if (!(a.flags & SCHED_FLAG_KEEP_PARAMS)) {
		p.nice = CLAMP(a.nice, -20, 19);
		p.rt_priority = (int)a.priority;
		p.runtime = a.runtime;
	}
	err = check_policy(p.policy, is_rt(p.policy) ? p.rt_priority : (int)a.priority);
	err = err ?: may_set(t, &p);
	err = err ?: sched_set_params(t, &p);
	task_put(t);
	return err;
}

// sched_getattr(2)
long sys_sched_getattr(pid_t pid, uptr uattr, u32 size, u32 flags)
{
	struct sched_attr_k a = { .size = MIN(size, (u32)sizeof(a)), .util_max = 1024 };
	struct sched_params p;
	struct task *t;
	int err;

	if (uptr_is_null(uattr) || pid < 0 || size > PAGE_SIZE || size < SCHED_ATTR_SIZE_V0 || flags & ~1u)
		return -EINVAL;
	err = task_by_number(pid, &t);
	if (err)
		return err;
	sched_get_params(t, &p);
	a.policy = p.policy;
	a.flags = t->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	if (is_rt(p.policy)) {
		a.priority = p.rt_priority;
	} else {
		a.nice = p.nice;
		a.runtime = t->se.slice;
	}
	task_put(t);
	return copy_out(uattr, &a, a.size);
}

// --- nice values: man 2 getpriority ---

// Calls fn for each thread that (which, who) names; returns its number. -EINVAL for a bad which.
static int for_each_named(int which, int who, int (*fn)(struct task *t, int arg, int so_far), int arg, int none)
{
	const struct cred *c = current_cred();
	kuid_t uid = who ? make_kuid(c->user_ns, (uid_t)who) : c->uid;
	struct process *p;
	struct task *t;
	int ret = none;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	rcu_read_lock();
	for_each_process(p) {
		for_each_thread(p, t) {
			const struct cred *o = rcu_dereference(t->real_cred);
			struct pid *grp = rcu_dereference(p->pids[PIDTYPE_PGID]);
			bool hit = which == PRIO_PROCESS ? (who ? task_pid_vnr(t) == who : t == current)
				: which == PRIO_PGRP ? (who ? grp && pid_vnr(grp) == who : grp == rcu_dereference(current->process->pids[PIDTYPE_PGID]))
				: uid_eq(o->uid, uid) && task_pid_vnr(t);

			if (hit)
				ret = fn(t, arg, ret);
		}
	}
	rcu_read_unlock();
	return ret;
}

static int set_one(struct task *t, int nice, int so_far)
{
	u64 limit = READ_ONCE(t->process->rlim[RLIMIT_NICE].cur);

	if (!same_owner(t) && !capable(CAP_SYS_NICE))
		return -EPERM;
	if (nice < PRIO_TO_NICE(t->static_prio) && (u64)(20 - nice) > limit && !capable(CAP_SYS_NICE))
		return -EACCES;
	sched_set_nice(t, nice);
	return so_far == -ESRCH ? 0 : so_far;
}

static int get_one(struct task *t, int unused, int so_far)
{
	return MAX(so_far, 20 - PRIO_TO_NICE(t->static_prio));
}

// setpriority(2)
long sys_setpriority(int which, int who, int nice)
{
	return for_each_named(which, who, set_one, CLAMP(nice, -20, 19), -ESRCH);
}

// getpriority(2). ABI: 20 - nice, so that the result is not negative.
long sys_getpriority(int which, int who)
{
	return for_each_named(which, who, get_one, 0, -ESRCH);
}
