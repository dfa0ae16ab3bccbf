// fork, vfork, clone: a copy of current, part by part; on failure the parts are given back in reverse order. man 2 clone.
#include "proc/fork.h"
#include "arch/frame.h"
#include "arch/thread.h"
#include "dev/tty.h"
#include "fs/file.h"
#include "fs/path.h"
#include "kern/panic.h"
#include "kern/rculist.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "proc/exit.h"
#include "proc/futex.h"
#include "sched/sched.h"
#include "task/cred.h"
#include "task/kthread.h"
#include "task/nsproxy.h"
#include "task/process.h"
#include "task/signal.h"
#include <asm/signal.h>
#include <linux/capability.h>
#include <linux/sched.h>

static struct atomic64 forks;

u64 total_forks(void)
{
	return atomic64_read(&forks);
}

// ---- the parts --------------------------------------------------------------------------------------------------------

static int check_flags(const struct clone_request *r)
{
	u64 f = r->flags;

	if ((f & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS) || (f & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS))
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	// An init's siblings would have no reaper.
	if ((f & CLONE_PARENT) && (current->process->flags & PROCESS_UNKILLABLE))
		return -EINVAL;
	if ((f & CLONE_THREAD) && (f & (CLONE_NEWUSER | CLONE_NEWPID)))
		return -EINVAL;
	if (f & CLONE_PIDFD)	// not yet
		return -EINVAL;
	return 0;
}

static int copy_process_part(struct task *t, u64 flags)
{
	struct process *p, *old = current->process;

	if (flags & CLONE_THREAD) {
		process_get(old);
		t->process = old;
		return 0;
	}
	int err = process_alloc(&p);
	if (err)
		return err;
	memcpy(p->rlim, old->rlim, sizeof(p->rlim));
	p->leader = t;
	p->oom_score_adj = old->oom_score_adj;
	p->oom_score_adj_min = old->oom_score_adj_min;
	p->has_child_subreaper = old->has_child_subreaper || old->child_subreaper;
	hrtimer_setup(&p->real_timer, HRTIMER_MONOTONIC, itimer_real_fn);
	t->process = p;
	return 0;
}

static int copy_mm(struct task *t, u64 flags)
{
	struct mm *mm = current->mm;

	if (!mm)
		return 0;
	if (flags & CLONE_VM) {
		mm_users_get(mm);
	} else {
		int err = mm_fork(mm, &mm);
		if (err)
			return err;
	}
	t->mm = t->active_mm = mm;
	return 0;
}

struct kernel_start {
	int (*fn)(void *);
	void *arg;
};

static void kernel_thread_start(void *p)
{
	struct kernel_start s = *(struct kernel_start *)p;

	kfree(p);
	int ret = s.fn(s.arg);
	if (current->flags & PF_KTHREAD)
		do_exit(ret ? 1 << 8 : 0);
	// It has become a program: the port returns to user mode with the frame that exec made.
}

static int copy_thread(struct task *t, const struct clone_request *r)
{
	if (!r->fn)
		return arch_thread_init_user(t, current, arch_thread_frame(current), r->stack, r->flags & CLONE_SETTLS, r->tls);
	struct kernel_start *s = kalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	*s = (struct kernel_start){ r->fn, r->fn_arg };
	t->flags |= PF_KTHREAD;
	arch_thread_init_kernel(t, kernel_thread_start, s);
	return 0;
}

static void set_signals(struct task *t, const struct clone_request *r)
{
	u64 f = r->flags;

	if (f & CLONE_THREAD)
		t->exit_signal = -1;
	else
		t->exit_signal = f & CLONE_PARENT ? current->process->leader->exit_signal : r->exit_signal;
	// A child with its own stack in the same memory cannot use the parent's alternate one.
	if ((f & (CLONE_VM | CLONE_VFORK)) == CLONE_VM) {
		t->sas_sp = t->sas_size = 0;
		t->sas_flags = 2;	// SS_DISABLE
	}
	t->set_child_tid = f & CLONE_CHILD_SETTID ? r->child_tid : UPTR_NULL;
	t->clear_child_tid = f & CLONE_CHILD_CLEARTID ? r->child_tid : UPTR_NULL;
	if (!uptr_is_null(t->set_child_tid))
		t->work |= WORK_FORKED;
}

// ---- becoming visible -------------------------------------------------------------------------------------------------

static void link_thread(struct task *t)
{
	struct process *p = t->process;

	p->nr_threads++;
	atomic_inc(&p->live);
	signal_join_group_stop(t);
	list_add_tail_rcu(&t->thread_node, &p->threads);
}

static void link_process(struct task *t, struct pid *pid, u64 flags)
{
	struct process *p = t->process, *cur = current->process;

	if (flags & CLONE_PARENT) {
		p->parent = cur->parent;
		p->parent_task = cur->parent_task;
	} else {
		p->parent = cur;
		p->parent_task = current;
	}
	if (pid->numbers[pid->level].nr == 1) {
		pid->numbers[pid->level].ns->child_reaper = t;
		p->flags |= PROCESS_UNKILLABLE;
	}
	list_add_tail_rcu(&t->thread_node, &p->threads);
	list_add_tail(&p->sibling, &p->parent->children);
	list_add_tail_rcu(&p->all, &process_list);
	pid_attach(t, PIDTYPE_TGID, pid);
	pid_attach(t, PIDTYPE_PGID, cur->pids[PIDTYPE_PGID]);
	pid_attach(t, PIDTYPE_SID, cur->pids[PIDTYPE_SID]);
}

static int publish(struct task *t, struct pid *pid, u64 flags) NO_LOCK_ANALYSIS
{
	struct sighand *s = current->sighand;
	int err = 0;

	t->pid = pid->numbers[0].nr;
	t->tgid = flags & CLONE_THREAD ? current->tgid : t->pid;
	tasklist_write_lock_irq();
	spin_lock(&s->siglock);
	if (unlikely(signal_pending(current))) {
		// A signal to the group that came since we began must reach the child too: start again after it.
		recalc_sigpending();
		if (fatal_signal_pending(current))
			err = -EINTR;
		else if (signal_pending(current) && !(flags & CLONE_THREAD))
			err = -ERESTARTNOINTR;
	}
	if (!err) {
		if (flags & CLONE_THREAD)
			link_thread(t);
		else
			link_process(t, pid, flags);
		pid_attach(t, PIDTYPE_PID, pid);
	}
	spin_unlock(&s->siglock);
	tasklist_write_unlock_irq();
	return err;
}

// ---- putting it together ----------------------------------------------------------------------------------------------

static void unmake(struct task *t)
{
	// What task_free() does not: the rest goes with the last reference, after a grace period.
	atomic64_dec(&((const struct cred __force *)t->real_cred)->user->processes);
	ref_init(&t->ref, 1);
	task_put(t);
}

static int copy_task(const struct clone_request *r, struct task **out)
{
	struct pid *pid;
	struct task *t;
	u64 f = r->flags;
	int err = check_flags(r);

	if (err)
		return err;
	if (unlikely(signal_pending(current)) && !(current->flags & PF_KTHREAD)) {
		spin_lock_irq(&current->sighand->siglock);
		recalc_sigpending();
		spin_unlock_irq(&current->sighand->siglock);
		if (signal_pending(current))
			return -ERESTARTNOINTR;
	}
	err = task_alloc(&t);
	if (err)
		return err;
	err = copy_creds(t, f);
	if (err)
		goto free_bare;
	err = -EAGAIN;
	if (atomic_read(&nr_threads) >= max_threads)
		goto free_task;
	err = sched_fork(t, f);
	if (err)
		goto free_task;
	err = copy_files(t, f);
	if (err)
		goto free_task;
	err = copy_fs(t, f);
	if (err)
		goto put_files;
	err = copy_sighand(t, f);
	if (err)
		goto put_fs;
	err = copy_process_part(t, f);
	if (err)
		goto put_sighand;
	set_signals(t, r);
	err = copy_mm(t, f);
	if (err)
		goto put_sighand;
	err = copy_namespaces(t, f);
	if (err)
		goto put_mm;
	err = pid_alloc(t->nsproxy->pid_for_children, r->set_tid, r->set_tid_size, &pid);
	if (err)
		goto put_ns;
	err = copy_thread(t, r);
	if (err)
		goto free_pid;
	err = publish(t, pid, f);
	if (err)
		goto free_pid;
	if (!(f & CLONE_THREAD) && current->process->tty)
		process_inherit_tty(t->process);
	atomic64_inc(&forks);
	*out = t;
	return 0;

free_pid:
	pid_free_numbers(pid);
put_ns:
	nsproxy_put(t->nsproxy);
put_mm:
	if (t->mm) {
		struct mm *mm = t->mm;
		t->mm = t->active_mm = NULL;
		mm_users_put(mm);
	}
put_sighand:
	sighand_put(t->sighand);
put_fs:
	exit_fs(t);
put_files:
	exit_files(t);
free_task:
	unmake(t);
	return err;
free_bare:
	ref_init(&t->ref, 1);
	task_put(t);
	return err;
}

// Waits until the child lets go of our address space. A kill of ours ends the wait: the child then must not touch our stack.
static void wait_for_vfork(struct task *child, struct completion *done)
{
	if (wait_for_completion_killable(done)) {
		spin_lock(&child->alloc_lock);
		child->vfork_done = NULL;
		spin_unlock(&child->alloc_lock);
	}
	task_put(child);
}

long do_fork(const struct clone_request *r)
{
	struct completion vfork;
	struct task *t;
	int err = copy_task(r, &t);

	if (err)
		return err;
	pid_t nr = pid_vnr(t->thread_pid);
	if (r->flags & CLONE_PARENT_SETTID)
		(void)!put_user_u32(nr, r->parent_tid);
	if (r->flags & CLONE_VFORK) {
		completion_init(&vfork);
		t->vfork_done = &vfork;
		task_get(t);
	}
	wake_up_new(t);
	if (r->flags & CLONE_VFORK)
		wait_for_vfork(t, &vfork);
	return nr;
}

static int fork_kernel(int (*fn)(void *), void *arg, u64 flags, struct task **out)
{
	struct clone_request r = { .flags = flags, .fn = fn, .fn_arg = arg, .exit_signal = SIGCHLD };

	return copy_task(&r, out);
}

int fork_kernel_thread(int (*fn)(void *arg), void *arg, struct task **out)
{
	int err = fork_kernel(fn, arg, CLONE_FS, out);

	if (!err)
		task_get(*out);
	return err;
}

pid_t kernel_thread(int (*fn)(void *), void *arg, unsigned long flags)
{
	struct task *t;
	int err = fork_kernel(fn, arg, flags, &t);

	if (err)
		return err;
	pid_t nr = t->pid;
	wake_up_new(t);
	return nr;
}

// ---- the address space is given up ------------------------------------------------------------------------------------

void mm_release(struct task *t, bool exiting)
{
	futex_exit_robust(t);
	if (!uptr_is_null(t->clear_child_tid)) {
		// pthread_join(3) waits there; nobody but us: nothing to tell.
		if (t->mm && atomic_read(&t->mm->users) > 1 && !put_user_u32(0, t->clear_child_tid))
			futex_wake_one(t->clear_child_tid);
		t->clear_child_tid = UPTR_NULL;
	}
	(void)exiting;
	if (t->vfork_done) {
		spin_lock(&t->alloc_lock);
		struct completion *c = t->vfork_done;
		t->vfork_done = NULL;
		if (c)
			complete(c);
		spin_unlock(&t->alloc_lock);
	}
}

// ---- unshare(2) -------------------------------------------------------------------------------------------------------

int do_unshare(u64 flags)
{
	const u64 known = CLONE_THREAD | CLONE_FS | CLONE_NEWNS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM | CLONE_NEWUTS |
			  CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWCGROUP | 0x80 /* CLONE_NEWTIME */;
	int err = 0;

	if (flags & CLONE_NEWUSER)
		flags |= CLONE_THREAD | CLONE_FS;
	if (flags & CLONE_VM)
		flags |= CLONE_SIGHAND;
	if (flags & CLONE_SIGHAND)
		flags |= CLONE_THREAD;
	if (flags & CLONE_NEWNS)
		flags |= CLONE_FS;
	if (flags & ~known)
		return -EINVAL;
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && current->process->nr_threads > 1)
		return -EINVAL;
	if ((flags & (CLONE_SIGHAND | CLONE_VM)) && ref_read(&current->sighand->ref) > 1)
		return -EINVAL;
	if ((flags & CLONE_VM) && atomic_read(&current->mm->users) > 1)
		return -EINVAL;
	if (flags & (CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWCGROUP | 0x80))
		return flags & CLONE_NEWUSER || capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
	if (flags & CLONE_FS)
		err = unshare_fs();
	if (!err && (flags & (CLONE_NEWNS | CLONE_NEWUTS)))
		err = unshare_namespaces(flags);
	if (!err && (flags & CLONE_FILES))
		err = unshare_files();
	return err;
}
