// /proc/PID/fd and fdinfo: a task's descriptors as links to what is open, and as text.
#include "fs/proc/internal.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "task/cred.h"
#include "task/process.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

static const struct inode_ops proc_fd_link_iops;
static const struct file_ops proc_fdinfo_file_fops;
static const struct proc_entry fd_link = { .name = "", .mode = S_IFLNK, .iops = &proc_fd_link_iops };
static const struct proc_entry fdinfo_file = { .name = "", .mode = S_IFREG | 0444, .iops = &proc_file_iops, .fops = &proc_fdinfo_file_fops };

// The file at exactly this number, counted, or null.
static struct file *file_at(struct task *t, u32 fd)
{
	u32 at = fd;
	struct file *f = task_fd_get(t, &at);

	if (f && at != fd) {
		file_put(f);
		f = NULL;
	}
	return f;
}

bool proc_fd_open(struct task *t, u32 fd)
{
	struct file *f = file_at(t, fd);

	if (f)
		file_put(f);
	return f != NULL;
}

static int add_fd(struct inode *dir, struct dentry *d, struct task *t, u32 fd, const struct proc_entry *e)
{
	struct file *f = file_at(t, fd);
	struct inode *inode;

	if (!f)
		return -ENOENT;
	u32 mode = f->mode;
	file_put(f);
	int err = proc_inode_make(dir->sb, e, proc_i(dir)->pid, (u64)fd + 1, &inode);
	if (err)
		return err;
	proc_i(inode)->fd = fd + 1;
	if (e == &fd_link) {		// the link's bits tell how the file is open
		inode->mode |= (mode & FMODE_READ ? 0500 : 0) | (mode & FMODE_WRITE ? 0300 : 0);
		inode->size = 64;
	}
	proc_set_owner(inode, t);
	d_add(d, inode);
	return 0;
}

static int lookup_fd(struct inode *dir, struct dentry *d, const struct proc_entry *e)
{
	s64 fd = proc_name_number(&d->name);
	struct task *t = fd >= 0 ? proc_task(dir) : NULL;

	if (!t)
		return -ENOENT;
	int err = add_fd(dir, d, t, (u32)fd, e);
	task_put(t);
	return err;
}

static int fd_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	return lookup_fd(dir, d, &fd_link);
}

static int fdinfo_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	return lookup_fd(dir, d, &fdinfo_file);
}

static int iterate_fds(struct file *dir, struct dir_context *c, const struct proc_entry *e)
{
	struct task *t = proc_task(dir->inode);
	struct file *f;

	if (!t)
		return -ENOENT;
	if (proc_emit_dots(dir, c)) {
		u32 fd = (u32)(c->pos - 2);
		for (; (f = task_fd_get(t, &fd)); fd++) {
			char name[FMT_U64_DEC];
			size_t len = fmt_u64_dec(name, fd);
			file_put(f);
			c->pos = (loff_t)fd + 2;
			if (!c->emit(c, name, len, c->pos, proc_ino(e, proc_i(dir->inode)->pid, (u64)fd + 1), e->mode >> 12))
				break;
			c->pos++;
		}
	}
	task_put(t);
	return 0;
}

static int fd_iterate(struct file *f, struct dir_context *c)
{
	return iterate_fds(f, c, &fd_link);
}

static int fdinfo_iterate(struct file *f, struct dir_context *c)
{
	return iterate_fds(f, c, &fdinfo_file);
}

// A process may always look at its own descriptors, whatever its ids have become.
static int fd_permission(struct inode *inode, int mask)
{
	int err = generic_permission(inode, mask);

	if (err != -EACCES)
		return err;
	rcu_read_lock();
	struct task *t = pid_task(proc_i(inode)->pid, PIDTYPE_PID);
	if (t && t->process == current->process)
		err = 0;
	rcu_read_unlock();
	return err;
}

static int fdinfo_permission(struct inode *inode, int mask)
{
	struct task *t;

	if (mask & MAY_NOT_BLOCK)
		return -ECHILD;
	t = proc_task(inode);
	if (!t)
		return -ESRCH;
	bool may = ptrace_may_access(t, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS);
	task_put(t);
	return may ? generic_permission(inode, mask) : -EACCES;
}

static loff_t fd_llseek(struct file *f, loff_t off, int whence)
{
	return generic_llseek(f, off, whence, S64_MAX, 0);
}

const struct inode_ops proc_fd_iops = { .lookup = fd_lookup, .permission = fd_permission, .setattr = proc_setattr };
const struct inode_ops proc_fdinfo_iops = { .lookup = fdinfo_lookup, .permission = fdinfo_permission, .setattr = proc_setattr };
const struct file_ops proc_fd_fops = { .llseek = fd_llseek, .iterate = fd_iterate };
const struct file_ops proc_fdinfo_fops = { .llseek = fd_llseek, .iterate = fdinfo_iterate };

static int follow_fd(struct dentry *d, struct path *out)
{
	struct proc_inode *pi = proc_i(d->inode);
	struct task *t = proc_task(d->inode);
	int err = -EACCES;

	if (!t)
		return -ENOENT;
	if (ptrace_may_access(t, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS)) {
		struct file *f = file_at(t, pi->fd - 1);
		err = -ENOENT;
		if (f) {
			*out = f->path;
			path_get(out);
			file_put(f);
			err = 0;
		}
	}
	task_put(t);
	return err;
}

static const struct inode_ops proc_fd_link_iops = { .follow_magic = follow_fd, .setattr = proc_setattr };

static int show_fdinfo(struct seq_file *m, void *v)
{
	struct inode *inode = m->private;
	struct task *t = proc_task(inode);
	struct file *f;

	if (!t)
		return -ENOENT;
	f = file_at(t, proc_i(inode)->fd - 1);
	task_put(t);
	if (!f)
		return -ENOENT;
	seq_printf(m, "pos:\t%lli\nflags:\t0%o\nmnt_id:\t%i\nino:\t%llu\n", f->pos, READ_ONCE(f->flags), f->path.mnt ? f->path.mnt->id : 0, f->inode->ino);
	if (f->ops->show_fdinfo)
		f->ops->show_fdinfo(m, f);
	file_put(f);
	return 0;
}

static int fdinfo_open(struct inode *inode, struct file *f)
{
	return single_open(f, show_fdinfo, inode);
}

static const struct file_ops proc_fdinfo_file_fops = { .open = fdinfo_open, .read = seq_read, .llseek = seq_lseek, .release = seq_release };
