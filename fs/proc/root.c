// /proc: the file system, its root, and directories that are constant tables.
#include "fs/proc/internal.h"
#include "dev/dev.h"
#include "fs/path.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "task/cred.h"
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/stat.h>

#define PROC_ROOT_INO 1
#define PROC_PIDS_FROM 0x100000		// readdir position of pid 0 in the root

static struct kmem_cache *proc_inode_cache RO_AFTER_INIT;
static const struct inode_ops proc_root_iops;
static const struct file_ops proc_root_fops;
static const struct proc_entry proc_root_entry = { .name = "", .mode = S_IFDIR | 0555, .iops = &proc_root_iops, .fops = &proc_root_fops };

struct pid_namespace *proc_pid_ns(const struct inode *inode)
{
	return inode->sb->private;
}

s64 proc_name_number(const struct qstr *name)
{
	s64 n = 0;

	if (!name->len || name->len > 10 || (name->name[0] == '0' && name->len > 1))
		return -1;
	for (u32 i = 0; i < name->len; i++) {
		if (!isdigit(name->name[i]))
			return -1;
		n = n * 10 + (name->name[i] - '0');
	}
	return n <= S32_MAX ? n : -1;
}

// ---- inodes -----------------------------------------------------------------------------------------------------------

// Entries are constants of 48 bytes or so in the image: their addresses number them. Tasks' inodes have the pid above that.
u64 proc_ino(const struct proc_entry *e, struct pid *pid, u64 which)
{
	u64 nr = (u64)e >> 3 & 0x3fffff;

	return (pid ? (u64)pid->numbers[0].nr << 40 : 0) | which << 22 | nr;
}

int proc_inode_make(struct super_block *sb, const struct proc_entry *e, struct pid *pid, u64 which, struct inode **out)
{
	struct inode *inode;
	int err = inode_alloc(sb, &inode);

	if (err)
		return err;
	struct proc_inode *pi = proc_i(inode);
	pi->entry = e;
	pi->pid = pid;
	if (pid)
		pid_get(pid);
	inode->ino = proc_ino(e, pid, which);
	inode->mode = e->mode;
	inode->ops = e->iops;
	inode->fops = e->fops;
	if (S_ISDIR(e->mode)) {
		inode->opflags |= IOP_IS_DIR;
		inode->nlink = 2;
	}
	if (e->iops->permission)
		inode->opflags &= (u16)~IOP_NO_PERMISSION;
	if (e->iops->follow_magic)
		inode->opflags |= IOP_MAGIC_LINK;
	if (e->iops == &proc_const_link_iops) {
		inode->opflags |= IOP_LINK_CACHED;
		inode->link = e->target;
		inode->size = (loff_t)strlen(e->target);
	}
	*out = inode;
	return 0;
}

static int proc_alloc_inode(struct super_block *sb, struct inode **out)
{
	struct proc_inode *pi = kmem_cache_alloc(proc_inode_cache, GFP_KERNEL);

	if (!pi)
		return -ENOMEM;
	*out = &pi->vfs;
	return 0;
}

static void proc_free_inode(struct inode *inode)
{
	pid_put(proc_i(inode)->pid);
	kmem_cache_free(proc_inode_cache, proc_i(inode));
}

int proc_setattr(struct dentry *d, struct iattr *a)
{
	if (a->valid & ATTR_MODE)
		return -EPERM;
	int err = setattr_prepare(d, a);
	if (!err)
		setattr_copy(d->inode, a);
	return err;
}

// ---- tables -----------------------------------------------------------------------------------------------------------

static const struct proc_entry *table_find(const struct proc_table *t, const struct qstr *name)
{
	for (u32 i = 0; i < t->n; i++) {
		const char *s = t->entries[i].name;
		if (strncmp(s, name->name, name->len) == 0 && !s[name->len])
			return &t->entries[i];
	}
	return NULL;
}

int proc_table_lookup(struct inode *dir, struct dentry *d, const struct proc_table *t)
{
	const struct proc_entry *e = table_find(t, &d->name);
	struct pid *pid = proc_i(dir)->pid;
	struct inode *inode;

	if (!e)
		return -ENOENT;
	int err = proc_inode_make(dir->sb, e, pid, 0, &inode);
	if (err)
		return err;
	if (pid) {
		struct task *task = proc_task(dir);
		if (!task) {
			iput(inode);
			return -ENOENT;
		}
		proc_set_owner(inode, task);
		task_put(task);
	}
	d_add(d, inode);
	return 0;
}

bool proc_emit_dots(struct file *f, struct dir_context *c)
{
	if (c->pos == 0) {
		if (!c->emit(c, ".", 1, 0, f->inode->ino, 4))
			return false;
		c->pos = 1;
	}
	if (c->pos == 1) {
		rcu_read_lock();
		u64 ino = READ_ONCE(f->path.dentry->parent)->inode->ino;
		rcu_read_unlock();
		if (!c->emit(c, "..", 2, 1, ino, 4))
			return false;
		c->pos = 2;
	}
	return true;
}

bool proc_emit_table(struct file *f, struct dir_context *c, const struct proc_table *t)
{
	while (c->pos - 2 < t->n) {
		const struct proc_entry *e = &t->entries[c->pos - 2];
		if (!c->emit(c, e->name, strlen(e->name), c->pos, proc_ino(e, proc_i(f->inode)->pid, 0), e->mode >> 12))
			return false;
		c->pos++;
	}
	return true;
}

static int proc_dir_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	return proc_table_lookup(dir, d, proc_i(dir)->entry->table);
}

static int proc_dir_iterate(struct file *f, struct dir_context *c)
{
	if (proc_emit_dots(f, c))
		(void)proc_emit_table(f, c, proc_i(f->inode)->entry->table);
	return 0;
}

static loff_t proc_dir_llseek(struct file *f, loff_t off, int whence)
{
	return generic_llseek(f, off, whence, S64_MAX, 0);
}

static ssize_t proc_dir_read(struct kiocb *k, struct iov_iter *to)
{
	return -EISDIR;
}

const struct inode_ops proc_file_iops = { .setattr = proc_setattr };
const struct inode_ops proc_dir_iops = { .lookup = proc_dir_lookup, .setattr = proc_setattr };
const struct inode_ops proc_const_link_iops = { .setattr = proc_setattr };
const struct file_ops proc_dir_fops = { .llseek = proc_dir_llseek, .read = proc_dir_read, .iterate = proc_dir_iterate };

static int proc_show_open(struct inode *inode, struct file *f)
{
	return single_open(f, proc_i(inode)->entry->show, NULL);
}

const struct file_ops proc_show_fops = { .open = proc_show_open, .read = seq_read, .llseek = seq_lseek, .release = seq_release };

// ---- the root ---------------------------------------------------------------------------------------------------------

static int proc_root_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	s64 nr = proc_name_number(&d->name);

	return nr >= 0 ? proc_pid_lookup(dir, d, (u32)nr) : proc_table_lookup(dir, d, &proc_root_table);
}

static int proc_root_iterate(struct file *f, struct dir_context *c)
{
	if (c->pos < PROC_PIDS_FROM) {
		if (!proc_emit_dots(f, c) || !proc_emit_table(f, c, &proc_root_table))
			return 0;
		c->pos = PROC_PIDS_FROM;
	}
	return proc_pid_iterate(f, c, PROC_PIDS_FROM);
}

static const struct inode_ops proc_root_iops = { .lookup = proc_root_lookup, .setattr = proc_setattr };
static const struct file_ops proc_root_fops = { .llseek = proc_dir_llseek, .read = proc_dir_read, .iterate = proc_root_iterate };

static void proc_put_super(struct super_block *sb)
{
	struct pid_namespace *ns = sb->private;

	// Only the initial namespace exists: it is never freed.
	if (ns && ref_put(&ns->ref))
		ASSERT(ns != &init_pid_ns);
}

static const struct super_ops proc_super_ops = {
	.alloc_inode = proc_alloc_inode, .free_inode = proc_free_inode, .statfs = simple_statfs, .put_super = proc_put_super,
};

// man 5 proc: hidepid=, gid=, subset=, pidns=. What would hide processes is refused until it can be done.
static int check_options(const char *options)
{
	if (!options || !*options || streq(options, "hidepid=0") || streq(options, "hidepid=off"))
		return 0;
	return -EINVAL;
}

static int proc_fill(struct super_block *sb, const char *options)
{
	struct inode *inode;
	int err = check_options(options);

	if (err)
		return err;
	sb->ops = &proc_super_ops;
	sb->d_ops = &proc_dentry_ops;
	sb->magic = PROC_SUPER_MAGIC;
	sb->blocksize = 1024;
	sb->private = current_pid_ns();
	ref_get(&((struct pid_namespace *)sb->private)->ref);
	err = proc_inode_make(sb, &proc_root_entry, NULL, 0, &inode);
	if (err)
		return err;
	inode->ino = PROC_ROOT_INO;
	return d_make_root(inode, &sb->root);
}

static int proc_mount(const struct fs_type *t, u32 sb_flags, const char *source, const char *options, struct dentry **out)
{
	return mount_nodev(t, sb_flags, options, proc_fill, out);
}

static struct fs_type proc_type = { .name = "proc", .flags = FS_NODEV | FS_USERNS_MOUNT, .mount = proc_mount, .kill = kill_litter_super };

int proc_init(void)
{
	proc_inode_cache = kmem_cache_create("proc_inode_cache", sizeof(struct proc_inode), 0, SLAB_RECLAIMABLE | SLAB_PANIC, NULL);
	return fs_register(&proc_type);
}
