// /proc/sys: a tree made from the paths of all sysctls.
//
// A directory is "the sysctls whose path begins so": its inode holds one of them and the length of the common beginning.
#include "kern/sysctl.h"
#include "fs/proc/internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "task/cred.h"
#include <linux/stat.h>

static const struct sysctl *const sysctl_tables[] = { proc_sysctls };

static const struct inode_ops proc_sysctl_iops;
static const struct file_ops proc_sysctl_fops;
static const struct proc_entry sys_dir = P_DIR("", 0555, proc_sys_iops, proc_sys_fops);
static const struct proc_entry sys_file = { .name = "", .mode = S_IFREG, .iops = &proc_sysctl_iops, .fops = &proc_sysctl_fops };

// The n-th sysctl of all tables, or null.
static const struct sysctl *sysctl_nth(u32 n)
{
	for (size_t t = 0; t < ARRAY_SIZE(sysctl_tables); t++)
		for (const struct sysctl *s = sysctl_tables[t]; s->path; s++)
			if (n-- == 0)
				return s;
	return NULL;
}

// The component of s's path that is a name in directory dir: its length, 0 if s is not below dir.
static size_t component(const struct proc_inode *dir, const struct sysctl *s, const char **name)
{
	u32 len = dir->prefix;

	if (len && strncmp(dir->sysctl->path, s->path, len) != 0)
		return 0;
	*name = s->path + len;
	return (size_t)(strchrnul(*name, '/') - *name);
}

static int make_sysctl_inode(struct inode *dir, const struct sysctl *s, u32 index, const char *name, size_t len, struct inode **out)
{
	bool is_dir = name[len] == '/';
	int err = proc_inode_make(dir->sb, is_dir ? &sys_dir : &sys_file, NULL, (u64)index << 6 | (u64)proc_i(dir)->prefix % 64, out);

	if (err)
		return err;
	struct proc_inode *pi = proc_i(*out);
	pi->sysctl = s;
	pi->prefix = (u32)(name - s->path + len + 1);
	if (!is_dir)
		(*out)->mode = S_IFREG | s->mode;
	return 0;
}

static int sys_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	const struct sysctl *s;
	const char *name = "";
	struct inode *inode;

	for (u32 i = 0; (s = sysctl_nth(i)); i++) {
		if (component(proc_i(dir), s, &name) != d->name.len || memcmp(name, d->name.name, d->name.len) != 0)
			continue;
		int err = make_sysctl_inode(dir, s, i, name, d->name.len, &inode);
		if (!err)
			d_add(d, inode);
		return err;
	}
	return -ENOENT;
}

// Whether an earlier sysctl gives dir the same name already.
static bool named_before(const struct proc_inode *dir, u32 index, const char *name, size_t len)
{
	const char *other;

	for (u32 i = 0; i < index; i++)
		if (component(dir, sysctl_nth(i), &other) == len && memcmp(other, name, len) == 0)
			return true;
	return false;
}

static int sys_iterate(struct file *f, struct dir_context *c)
{
	const struct proc_inode *dir = proc_i(f->inode);
	const struct sysctl *s;
	const char *name = "";

	if (!proc_emit_dots(f, c))
		return 0;
	for (; (s = sysctl_nth((u32)c->pos - 2)); c->pos++) {
		u32 i = (u32)c->pos - 2;
		size_t len = component(dir, s, &name);
		if (!len || named_before(dir, i, name, len))
			continue;
		bool is_dir = name[len] == '/';
		u64 ino = proc_ino(is_dir ? &sys_dir : &sys_file, NULL, (u64)i << 6 | dir->prefix % 64);
		if (!c->emit(c, name, len, c->pos, ino, is_dir ? 4 : 8))
			break;
	}
	return 0;
}

// Permission goes by ids alone: root's bits for root, and no capability helps others.
static int sysctl_permission(struct inode *inode, int mask)
{
	u32 mode = inode->mode;

	if ((mask & MAY_EXEC) && S_ISREG(mode))
		return -EACCES;
	if (uid_eq(current_cred()->euid, KUIDT_INIT(0)))
		mode >>= 6;
	else if (in_egroup(KGIDT_INIT(0)))
		mode >>= 3;
	return mask & ~mode & (MAY_READ | MAY_WRITE | MAY_EXEC) ? -EACCES : 0;
}

const struct inode_ops proc_sys_iops = { .lookup = sys_lookup, .permission = sysctl_permission, .setattr = proc_setattr };
static const struct inode_ops proc_sysctl_iops = { .permission = sysctl_permission, .setattr = proc_setattr };

static loff_t sys_llseek(struct file *f, loff_t off, int whence)
{
	return generic_llseek(f, off, whence, S64_MAX, 0);
}

const struct file_ops proc_sys_fops = { .llseek = sys_llseek, .iterate = sys_iterate };

// ---- values -----------------------------------------------------------------------------------------------------------

static ssize_t sysctl_read(struct kiocb *k, struct iov_iter *to)
{
	const struct sysctl *s = proc_i(k->file->inode)->sysctl;
	char buf[256];
	int n = s->get(s, buf, sizeof(buf));

	if (n < 0)
		return n;
	if (k->pos < 0 || k->pos >= n)
		return 0;
	size_t want = MIN((size_t)(n - k->pos), iov_iter_count(to)), put = copy_to_iter(buf + k->pos, want, to);
	k->pos += (loff_t)put;
	return put || !want ? (ssize_t)put : -EFAULT;
}

static ssize_t sysctl_write(struct kiocb *k, struct iov_iter *from)
{
	const struct sysctl *s = proc_i(k->file->inode)->sysctl;
	size_t n = iov_iter_count(from);
	int err = 0;

	if (!s->set)
		return -EPERM;
	if (n >= PAGE_SIZE)
		return -ENOMEM;
	char *buf = kalloc(n + 1, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (copy_from_iter(buf, n, from) != n)
		err = -EFAULT;
	else if (n && k->pos == 0)	// a value is written at once: what is written behind the beginning is ignored
		err = s->set(s, strim(buf));
	kfree(buf);
	if (err)
		return err;
	k->pos += (loff_t)n;
	return (ssize_t)n;
}

static const struct file_ops proc_sysctl_fops = { .read = sysctl_read, .write = sysctl_write, .llseek = sys_llseek };
