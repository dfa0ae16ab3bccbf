// /proc/PID and /proc/PID/task/TID: directories that exist as long as the task does.
//
// Dentries are revalidated on each use: under RCU, as the walk goes. A task that execs a set-uid program, or changes its ids, takes its inodes along.
#include "fs/proc/internal.h"
#include "kern/rculist.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "task/cred.h"
#include "task/process.h"
#include <linux/stat.h>

static const struct inode_ops proc_tgid_iops, proc_tid_iops, proc_task_dir_iops;
static const struct file_ops proc_tgid_fops, proc_tid_fops, proc_task_dir_fops;

#define TASK_ENTRIES \
	P_DIR("fd", 0500, proc_fd_iops, proc_fd_fops), P_DIR("fdinfo", 0555, proc_fdinfo_iops, proc_fdinfo_fops), \
	P_FILE("environ", 0400, proc_environ_fops), P_FILE("auxv", 0400, proc_auxv_fops), P_TASK("status", 0444, proc_show_status), \
	P_TASK("personality", 0400, proc_show_personality), P_TASK("limits", 0444, proc_show_limits), P_FILE("comm", 0644, proc_comm_fops), \
	P_FILE("cmdline", 0444, proc_cmdline_fops), P_TASK("statm", 0444, proc_show_statm), P_FILE("maps", 0444, proc_maps_fops), \
	P_FILE("mem", 0600, proc_mem_fops), P_PATH("cwd", proc_path_cwd), P_PATH("root", proc_path_root), P_PATH("exe", proc_path_exe), \
	P_FILE("mounts", 0444, proc_mounts_fops), P_FILE("mountinfo", 0444, proc_mountinfo_fops), P_TASK("wchan", 0444, proc_show_wchan), \
	P_TASK("schedstat", 0444, proc_show_schedstat), P_TASK("oom_score", 0444, proc_show_oom_score), P_FILE("oom_adj", 0644, proc_oom_adj_fops), \
	P_FILE("oom_score_adj", 0644, proc_oom_score_adj_fops), P_TASK("uid_map", 0444, proc_show_id_map), P_TASK("gid_map", 0444, proc_show_id_map)

static const struct proc_entry tgid_entries[] = {
	P_DIR("task", 0555, proc_task_dir_iops, proc_task_dir_fops), P_TASK("stat", 0444, proc_show_stat_process), TASK_ENTRIES,
	P_FILE("mountstats", 0400, proc_mountstats_fops),
};
static const struct proc_entry tid_entries[] = { P_TASK("stat", 0444, proc_show_stat_thread), TASK_ENTRIES };
static PROC_TABLE(tgid_table, tgid_entries);
static PROC_TABLE(tid_table, tid_entries);
static const struct proc_entry tgid_dir = P_DIR("", 0555, proc_tgid_iops, proc_tgid_fops);
static const struct proc_entry tid_dir = P_DIR("", 0555, proc_tid_iops, proc_tid_fops);

struct task *proc_task(const struct inode *inode)
{
	return pid_task_get(proc_i(inode)->pid, PIDTYPE_PID);
}

// ---- owners and revalidation ------------------------------------------------------------------------------------------

static bool dumpable_by_owner(struct task *t)
{
	spin_lock(&t->alloc_lock);
	struct mm *mm = t->mm;
	bool yes = mm && mm_dumpable(mm) == 1;
	spin_unlock(&t->alloc_lock);
	return yes;
}

// The task's effective ids, but root where a program may not look into the task. Directories that all may read always show the ids
// (ps looks there). Context: RCU or better.
void proc_task_owner(struct task *t, umode_t mode, kuid_t *uid, kgid_t *gid)
{
	*uid = KUIDT_INIT(0);
	*gid = KGIDT_INIT(0);
	if (t->flags & PF_KTHREAD)
		return;
	if (mode != (S_IFDIR | 0555) && !dumpable_by_owner(t))
		return;
	rcu_read_lock();
	const struct cred *c = rcu_dereference(t->real_cred);
	*uid = c->euid;
	*gid = c->egid;
	rcu_read_unlock();
}

void proc_set_owner(struct inode *inode, struct task *t)
{
	kuid_t uid;
	kgid_t gid;

	proc_task_owner(t, inode->mode, &uid, &gid);
	if (!uid_eq(inode->uid, uid) || !gid_eq(inode->gid, gid)) {
		inode->uid = uid;
		inode->gid = gid;
	}
}

static int proc_revalidate(struct dentry *d, u32 flags)
{
	struct inode *inode = READ_ONCE(d->inode);
	struct proc_inode *pi = inode ? proc_i(inode) : NULL;
	bool is_fd = pi && pi->pid && (pi->entry->iops == &proc_file_iops || pi->entry->iops == &proc_path_iops) && pi->fd;

	if (!pi || !pi->pid)
		return 1;
	if (is_fd && (flags & LOOKUP_RCU))
		return -ECHILD;
	rcu_read_lock();
	struct task *t = pid_task(pi->pid, PIDTYPE_PID);
	if (t)
		proc_set_owner(inode, t);
	rcu_read_unlock();
	if (!t || !is_fd)
		return t != NULL;
	t = proc_task(inode);
	if (!t)
		return 0;
	bool open = proc_fd_open(t, pi->fd - 1);
	task_put(t);
	return open;
}

static int proc_delete(const struct dentry *d)
{
	const struct proc_inode *pi = d->inode ? proc_i(d->inode) : NULL;

	if (!pi || !pi->pid)
		return 0;
	rcu_read_lock();
	bool gone = !pid_task(pi->pid, PIDTYPE_PID);
	rcu_read_unlock();
	return gone;
}

const struct dentry_ops proc_dentry_ops = { .revalidate = proc_revalidate, .delete = proc_delete };

// ---- directories ------------------------------------------------------------------------------------------------------

// Enters the directory of task t (a reference that is consumed).
static int add_task_dir(struct inode *dir, struct dentry *d, const struct proc_entry *e, struct task *t)
{
	struct inode *inode;
	struct pid *pid;
	int err = -ENOENT;

	rcu_read_lock();
	pid = rcu_dereference(t->thread_pid);
	if (pid && !ref_get_unless_zero(&pid->ref))
		pid = NULL;
	rcu_read_unlock();
	if (pid) {
		err = proc_inode_make(dir->sb, e, pid, 0, &inode);
		if (!err) {
			inode->nlink = e == &tgid_dir ? 5 : 4;	// ".", the name, and fd, fdinfo, task
			proc_set_owner(inode, t);
			d_add(d, inode);
		}
		pid_put(pid);
	}
	task_put(t);
	return err;
}

int proc_pid_lookup(struct inode *dir, struct dentry *d, u32 nr)
{
	rcu_read_lock();
	struct pid *p = pid_find(proc_pid_ns(dir), (pid_t)nr);
	struct task *t = p ? pid_task(p, PIDTYPE_PID) : NULL;
	if (t && !task_get_unless_dead(t))
		t = NULL;
	rcu_read_unlock();
	return t ? add_task_dir(dir, d, &tgid_dir, t) : -ENOENT;
}

int proc_pid_iterate(struct file *f, struct dir_context *c, loff_t base)
{
	struct pid_namespace *ns = proc_pid_ns(f->inode);
	pid_t nr = (pid_t)(c->pos - base);
	struct pid *p;

	for (; (p = pid_next(ns, &nr)); nr++) {
		rcu_read_lock();
		bool process = pid_task(p, PIDTYPE_TGID) != NULL;
		rcu_read_unlock();
		c->pos = base + nr;
		char name[FMT_U64_DEC];
		size_t len = fmt_u64_dec(name, (u64)nr);
		bool more = !process || c->emit(c, name, len, c->pos, proc_ino(&tgid_dir, p, 0), 4);
		pid_put(p);
		if (!more)
			return 0;
		c->pos++;
	}
	c->pos = base + S32_MAX;
	return 0;
}

static int task_dir_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	s64 nr = proc_name_number(&d->name);
	struct task *leader = nr > 0 ? proc_task(dir) : NULL, *t = NULL;

	if (!leader)
		return -ENOENT;
	rcu_read_lock();
	struct pid *p = pid_find(proc_pid_ns(dir), (pid_t)nr);
	t = p ? pid_task(p, PIDTYPE_PID) : NULL;
	if (t && (t->process != leader->process || !task_get_unless_dead(t)))
		t = NULL;
	rcu_read_unlock();
	task_put(leader);
	return t ? add_task_dir(dir, d, &tid_dir, t) : -ENOENT;
}

// The first thread of the process whose number is at least nr, counted: numbers order them, so that a listing survives threads that come and go.
static struct task *next_thread(struct process *process, struct pid_namespace *ns, pid_t nr, pid_t *found)
{
	struct task *t, *best = NULL;
	pid_t best_nr = 0;

	rcu_read_lock();
	for_each_thread(process, t) {
		struct pid *p = rcu_dereference(t->thread_pid);
		pid_t n = p ? pid_nr_ns(p, ns) : 0;
		if (n >= nr && n > 0 && (!best || n < best_nr)) {
			best = t;
			best_nr = n;
		}
	}
	if (best && !task_get_unless_dead(best))
		best = NULL;
	rcu_read_unlock();
	*found = best_nr;
	return best;
}

static int task_dir_iterate(struct file *f, struct dir_context *c)
{
	struct task *leader = proc_task(f->inode), *t;
	pid_t nr;

	if (!leader)
		return -ENOENT;
	if (proc_emit_dots(f, c)) {
		while ((t = next_thread(leader->process, proc_pid_ns(f->inode), (pid_t)(c->pos - 1), &nr))) {
			char name[FMT_U64_DEC];
			size_t len = fmt_u64_dec(name, (u64)nr);
			rcu_read_lock();
			struct pid *p = rcu_dereference(t->thread_pid);
			u64 ino = p ? proc_ino(&tid_dir, p, 0) : 1;
			rcu_read_unlock();
			task_put(t);
			c->pos = nr + 1;
			if (!c->emit(c, name, len, c->pos, ino, 4))
				break;
			c->pos = nr + 2;
		}
	}
	task_put(leader);
	return 0;
}

static int tgid_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	return proc_table_lookup(dir, d, &tgid_table);
}

static int tid_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	return proc_table_lookup(dir, d, &tid_table);
}

static int iterate_task_table(struct file *f, struct dir_context *c, const struct proc_table *t)
{
	struct task *task = proc_task(f->inode);

	if (!task)
		return -ENOENT;
	task_put(task);
	if (proc_emit_dots(f, c))
		(void)proc_emit_table(f, c, t);
	return 0;
}

static int tgid_iterate(struct file *f, struct dir_context *c)
{
	return iterate_task_table(f, c, &tgid_table);
}

static int tid_iterate(struct file *f, struct dir_context *c)
{
	return iterate_task_table(f, c, &tid_table);
}

static loff_t task_dirs_llseek(struct file *f, loff_t off, int whence)
{
	return generic_llseek(f, off, whence, S64_MAX, 0);
}

// An open directory whose task has changed its ids since it was looked up.
static int task_getattr(const struct path *p, struct kstat *st, u32 request_mask, u32 flags)
{
	struct inode *inode = p->dentry->inode;
	struct task *t = proc_task(inode);

	if (!t)
		return -ENOENT;
	proc_set_owner(inode, t);
	task_put(t);
	generic_fillattr(inode, st);
	return 0;
}

static const struct inode_ops proc_tgid_iops = { .lookup = tgid_lookup, .setattr = proc_setattr, .getattr = task_getattr };
static const struct inode_ops proc_tid_iops = { .lookup = tid_lookup, .setattr = proc_setattr, .getattr = task_getattr };
static const struct inode_ops proc_task_dir_iops = { .lookup = task_dir_lookup, .setattr = proc_setattr, .getattr = task_getattr };
static const struct file_ops proc_tgid_fops = { .llseek = task_dirs_llseek, .iterate = tgid_iterate };
static const struct file_ops proc_tid_fops = { .llseek = task_dirs_llseek, .iterate = tid_iterate };
static const struct file_ops proc_task_dir_fops = { .llseek = task_dirs_llseek, .iterate = task_dir_iterate };

// ---- files of one show function ---------------------------------------------------------------------------------------

static int show_task(struct seq_file *m, void *v)
{
	struct inode *inode = m->private;
	struct task *t = proc_task(inode);

	if (!t)
		return -ESRCH;
	int err = proc_i(inode)->entry->show_task(m, t);
	task_put(t);
	return err;
}

static int task_open(struct inode *inode, struct file *f)
{
	return single_open(f, show_task, inode);
}

const struct file_ops proc_task_fops = { .open = task_open, .read = seq_read, .llseek = seq_lseek, .release = seq_release };

// ---- links ------------------------------------------------------------------------------------------------------------

static int follow_path(struct dentry *d, struct path *out)
{
	struct task *t = proc_task(d->inode);
	int err = -ENOENT;

	if (!t)
		return -ENOENT;
	if (ptrace_may_access(t, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS))
		err = proc_i(d->inode)->entry->path(t, out);
	else
		err = -EACCES;
	task_put(t);
	return err;
}

const struct inode_ops proc_path_iops = { .follow_magic = follow_path, .setattr = proc_setattr };

static void free_link(void *text)
{
	kfree(text);
}

static int make_link(struct dentry *d, const char **target, void (**done)(void *), void **arg, bool thread, pid_t a, pid_t b)
{
	char *s;

	if (!a)
		return -ENOENT;
	s = kalloc(40, (d ? GFP_KERNEL : GFP_ATOMIC) | GFP_UNINIT);
	if (!s)
		return d ? -ENOMEM : -ECHILD;
	size_t n = fmt_u64_dec(s, (u64)a);
	s[n] = 0;
	if (thread)
		(void)snprintf(s + n, 40 - n, "/task/%u", (u32)b);
	*target = s;
	*done = free_link;
	*arg = s;
	return 0;
}

static int self_link(struct dentry *d, struct inode *inode, const char **target, void (**done)(void *), void **arg)
{
	rcu_read_lock();
	pid_t nr = pid_nr_ns(current->process->pids[PIDTYPE_TGID], proc_pid_ns(inode));
	rcu_read_unlock();
	return make_link(d, target, done, arg, false, nr, 0);
}

static int thread_self_link(struct dentry *d, struct inode *inode, const char **target, void (**done)(void *), void **arg)
{
	struct pid_namespace *ns = proc_pid_ns(inode);

	rcu_read_lock();
	pid_t tgid = pid_nr_ns(current->process->pids[PIDTYPE_TGID], ns), tid = pid_nr_ns(current->thread_pid, ns);
	rcu_read_unlock();
	return make_link(d, target, done, arg, true, tgid, tid);
}

const struct inode_ops proc_self_iops = { .get_link = self_link, .setattr = proc_setattr };
const struct inode_ops proc_thread_self_iops = { .get_link = thread_self_link, .setattr = proc_setattr };
