// Small files of /proc/PID: names, limits, OOM settings, mounts, and the links to exe, cwd and root.
#include "fs/proc/internal.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "kern/symbols.h"
#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "sched/sched.h"
#include "arch/unwind.h"
#include "task/cred.h"
#include "task/nsproxy.h"
#include "task/process.h"
#include "task/signal.h"
#include <linux/capability.h>
#include <linux/eventpoll.h>

// ---- limits -----------------------------------------------------------------------------------------------------------

static void put_limit(struct seq_file *m, u64 v)
{
	if (v == RLIM_INF)
		seq_printf(m, "%-20s ", "unlimited");
	else
		seq_printf(m, "%-20llu ", v);
}

int proc_show_limits(struct seq_file *m, struct task *t)
{
	static const struct { const char *name, *unit; } limits[NR_RLIMITS] = {
		{ "Max cpu time", "seconds" }, { "Max file size", "bytes" }, { "Max data size", "bytes" }, { "Max stack size", "bytes" },
		{ "Max core file size", "bytes" }, { "Max resident set", "bytes" }, { "Max processes", "processes" }, { "Max open files", "files" },
		{ "Max locked memory", "bytes" }, { "Max address space", "bytes" }, { "Max file locks", "locks" }, { "Max pending signals", "signals" },
		{ "Max msgqueue size", "bytes" }, { "Max nice priority", NULL }, { "Max realtime priority", NULL }, { "Max realtime timeout", "us" },
	};

	seq_printf(m, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int i = 0; i < NR_RLIMITS; i++) {
		seq_printf(m, "%-25s ", limits[i].name);
		put_limit(m, READ_ONCE(t->process->rlim[i].cur));
		put_limit(m, READ_ONCE(t->process->rlim[i].max));
		if (limits[i].unit)
			seq_printf(m, "%-10s\n", limits[i].unit);
		else
			seq_putc(m, '\n');
	}
	return 0;
}

// ---- a value that can be written: show and set --------------------------------------------------------------------------

// Text of a small write, without white space around it. buf has size bytes.
static int text_in(struct iov_iter *from, char *buf, size_t size, char **text)
{
	size_t n = MIN(iov_iter_count(from), size - 1);

	if (copy_from_iter(buf, n, from) != n)
		return -EFAULT;
	buf[n] = 0;
	*text = strim(buf);
	return 0;
}

static struct task *task_of_file(struct file *f)
{
	struct seq_file *m = f->private;

	return proc_task(m->private);
}

static int show_with(struct seq_file *m, int (*show)(struct seq_file *m, struct task *t))
{
	struct task *t = proc_task(m->private);

	if (!t)
		return -ESRCH;
	int err = show(m, t);
	task_put(t);
	return err;
}

static int comm_of(struct seq_file *m, struct task *t)
{
	char comm[sizeof(t->comm) + 1] = { 0 };

	memcpy(comm, t->comm, sizeof(t->comm));
	seq_escape(m, comm, "\n\\");
	seq_putc(m, '\n');
	return 0;
}

static int show_comm(struct seq_file *m, void *v)
{
	return show_with(m, comm_of);
}

static int comm_open(struct inode *inode, struct file *f)
{
	return single_open(f, show_comm, inode);
}

// A thread may name the threads of its own process.
static ssize_t comm_write(struct kiocb *k, struct iov_iter *from)
{
	char buf[16] = { 0 };
	size_t count = iov_iter_count(from), n = MIN(count, sizeof(buf) - 1);
	struct task *t;

	if (copy_from_iter(buf, n, from) != n)
		return -EFAULT;
	t = task_of_file(k->file);
	if (!t)
		return -ESRCH;
	bool mine = t->process == current->process;
	if (mine) {
		unsigned long flags = spin_lock_irqsave(&t->pi_lock);
		memcpy(t->comm, buf, sizeof(t->comm));
		spin_unlock_irqrestore(&t->pi_lock, flags);
	}
	task_put(t);
	return mine ? (ssize_t)count : -EINVAL;
}

const struct file_ops proc_comm_fops = { .open = comm_open, .read = seq_read, .write = comm_write, .llseek = seq_lseek, .release = seq_release };

// ---- OOM --------------------------------------------------------------------------------------------------------------

int proc_show_oom_score(struct seq_file *m, struct task *t)
{
	struct mem_info i;
	struct mm *mm = task_mm_get(t);
	s64 points = 0;

	mem_info(&i);
	if (mm) {
		s64 used = mm_rss(mm, MM_ANON) + mm_rss(mm, MM_FILE) + mm_rss(mm, MM_SHMEM) + mm_rss(mm, MM_SWAP) +
			   (atomic64_read(&mm->pgtables_bytes) >> PAGE_SHIFT);
		used += (s64)t->process->oom_score_adj * (s64)i.total / 1000;
		points = 1000 + used * 1000 / (s64)MAX(i.total, 1ull);
		points = MAX(points, 0ll) * 2 / 3;
		mm_users_put(mm);
	}
	seq_printf(m, "%lld\n", points);
	return 0;
}

static int adj_of(struct seq_file *m, struct task *t)
{
	seq_printf(m, "%d\n", READ_ONCE(t->process->oom_score_adj));
	return 0;
}

static int show_oom_score_adj(struct seq_file *m, void *v)
{
	return show_with(m, adj_of);
}

static int oom_score_adj_open(struct inode *inode, struct file *f)
{
	return single_open(f, show_oom_score_adj, inode);
}

// Without privilege nobody goes below what the privileged has set last.
static int set_oom_score_adj(struct task *t, int adj)
{
	struct process *p = t->process;
	bool privileged = capable(CAP_SYS_RESOURCE);

	if (adj < p->oom_score_adj_min && !privileged)
		return -EACCES;
	WRITE_ONCE(p->oom_score_adj, (s16)adj);
	if (privileged)
		WRITE_ONCE(p->oom_score_adj_min, (s16)adj);
	return 0;
}

static ssize_t write_adj(struct kiocb *k, struct iov_iter *from, bool old)
{
	size_t count = iov_iter_count(from);
	char buf[16], *text;
	s32 adj;
	int err = text_in(from, buf, sizeof(buf), &text);

	err = err ?: kstrtos32(text, 0, &adj);
	if (err)
		return err;
	if (old ? (adj < -16 || adj > 15) && adj != -17 : adj < -1000 || adj > 1000)
		return -EINVAL;
	if (old)
		adj = adj == 15 ? 1000 : adj * 1000 / 17;
	struct task *t = task_of_file(k->file);
	if (!t)
		return -ESRCH;
	err = set_oom_score_adj(t, adj);
	task_put(t);
	return err ?: (ssize_t)count;
}

static ssize_t oom_score_adj_write(struct kiocb *k, struct iov_iter *from)
{
	return write_adj(k, from, false);
}

const struct file_ops proc_oom_score_adj_fops = {
	.open = oom_score_adj_open, .read = seq_read, .write = oom_score_adj_write, .llseek = seq_lseek, .release = seq_release,
};

static int old_adj_of(struct seq_file *m, struct task *t)
{
	int adj = READ_ONCE(t->process->oom_score_adj);

	seq_printf(m, "%d\n", adj == 1000 ? 15 : adj * 17 / 1000);
	return 0;
}

static int show_oom_adj(struct seq_file *m, void *v)
{
	return show_with(m, old_adj_of);
}

static int oom_adj_open(struct inode *inode, struct file *f)
{
	return single_open(f, show_oom_adj, inode);
}

static ssize_t oom_adj_write(struct kiocb *k, struct iov_iter *from)
{
	return write_adj(k, from, true);
}

const struct file_ops proc_oom_adj_fops = {
	.open = oom_adj_open, .read = seq_read, .write = oom_adj_write, .llseek = seq_lseek, .release = seq_release,
};

// ---- one-liners -------------------------------------------------------------------------------------------------------

int proc_show_wchan(struct seq_file *m, struct task *t)
{
	const char *name = NULL;

	if (t != current && ptrace_may_access(t, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS) && READ_ONCE(t->state) && !READ_ONCE(t->on_cpu)) {
		struct unwind u;
		u64 off;
		// The first function outside the scheduler and its wait functions would be better; the innermost one that has a name must do.
		for (unwind_start_task(&u, t); u.ip && !name; unwind_next(&u))
			name = symbol_find(u.ip, &off);
	}
	seq_puts(m, name ?: "0");
	return 0;
}

int proc_show_personality(struct seq_file *m, struct task *t)
{
	if (!ptrace_may_access(t, PTRACE_MODE_ATTACH | PTRACE_MODE_FSCREDS))
		return -EACCES;
	seq_printf(m, "%08x\n", t->personality);
	return 0;
}

// The initial user namespace maps every id to itself.
int proc_show_id_map(struct seq_file *m, struct task *t)
{
	seq_printf(m, "%10u %10u %10u\n", 0, 0, U32_MAX);
	return 0;
}

int proc_show_schedstat(struct seq_file *m, struct task *t)
{
	seq_printf(m, "%llu 0 %llu\n", task_runtime(t), t->nvcsw + t->nivcsw);
	return 0;
}

// ---- links ------------------------------------------------------------------------------------------------------------

int proc_path_exe(struct task *t, struct path *out)
{
	struct mm *mm = task_mm_get(t);
	int err = -ENOENT;

	if (!mm)
		return -ENOENT;
	rcu_read_lock();
	struct file *f = READ_ONCE(mm->exe_file);
	if (f && !ref_get_unless_zero(&f->ref))
		f = NULL;
	rcu_read_unlock();
	if (f) {
		*out = f->path;
		path_get(out);
		file_put(f);
		err = 0;
	}
	mm_users_put(mm);
	return err;
}

static int path_of(struct task *t, void (*get)(struct fs_context *fs, struct path *out), struct path *out)
{
	int err = -ENOENT;

	spin_lock(&t->alloc_lock);
	if (t->fs) {
		get(t->fs, out);
		err = 0;
	}
	spin_unlock(&t->alloc_lock);
	return err;
}

int proc_path_cwd(struct task *t, struct path *out)
{
	return path_of(t, get_fs_pwd, out);
}

int proc_path_root(struct task *t, struct path *out)
{
	return path_of(t, get_fs_root, out);
}

// ---- mounts -----------------------------------------------------------------------------------------------------------

struct mounts_of {
	struct mount_namespace *ns;	// counted
	struct path root;		// counted
	int format;
	u64 seen;			// ns->event at the last poll
};

static int show_mounts_file(struct seq_file *m, void *v)
{
	struct mounts_of *o = m->private;

	return show_mounts(m, o->ns, &o->root, o->format);
}

static int mounts_get(struct task *t, struct mounts_of *o)
{
	int err = -EINVAL;

	spin_lock(&t->alloc_lock);
	if (t->nsproxy && t->nsproxy->mnt && t->fs) {
		o->ns = t->nsproxy->mnt;
		ref_get(&o->ns->ref);
		get_fs_root(t->fs, &o->root);
		err = 0;
	}
	spin_unlock(&t->alloc_lock);
	return err;
}

static void mounts_put(struct mounts_of *o)
{
	path_put(&o->root);
	mount_ns_put(o->ns);
	kfree(o);
}

static int mounts_open_as(struct inode *inode, struct file *f, int format)
{
	struct mounts_of *o = kalloc(sizeof(*o), GFP_KERNEL);
	struct task *t;

	if (!o)
		return -ENOMEM;
	t = proc_task(inode);
	if (!t) {
		kfree(o);
		return -EINVAL;
	}
	int err = mounts_get(t, o);
	task_put(t);
	if (err) {
		kfree(o);
		return err;
	}
	o->format = format;
	o->seen = READ_ONCE(o->ns->event);
	err = single_open(f, show_mounts_file, o);
	if (err)
		mounts_put(o);
	return err;
}

static int mounts_open(struct inode *inode, struct file *f)
{
	return mounts_open_as(inode, f, 0);
}

static int mountinfo_open(struct inode *inode, struct file *f)
{
	return mounts_open_as(inode, f, 1);
}

static int mountstats_open(struct inode *inode, struct file *f)
{
	return mounts_open_as(inode, f, 2);
}

static void mounts_release(struct inode *inode, struct file *f)
{
	mounts_put(((struct seq_file *)f->private)->private);
	seq_release(inode, f);
}

// A change of the mount table is an exceptional condition: libmount waits for it.
static u32 mounts_poll(struct file *f, struct poll_table *pt)
{
	struct mounts_of *o = ((struct seq_file *)f->private)->private;
	u32 ev = EPOLLIN | EPOLLRDNORM;

	poll_wait(pt, f, &o->ns->poll);
	u64 now = READ_ONCE(o->ns->event);
	if (now != READ_ONCE(o->seen)) {
		WRITE_ONCE(o->seen, now);
		ev |= EPOLLERR | EPOLLPRI;
	}
	return ev;
}

const struct file_ops proc_mounts_fops = { .open = mounts_open, .read = seq_read, .llseek = seq_lseek, .release = mounts_release, .poll = mounts_poll };
const struct file_ops proc_mountinfo_fops = {
	.open = mountinfo_open, .read = seq_read, .llseek = seq_lseek, .release = mounts_release, .poll = mounts_poll,
};
const struct file_ops proc_mountstats_fops = { .open = mountstats_open, .read = seq_read, .llseek = seq_lseek, .release = mounts_release };
