// fs/proc/internal.h - /proc: const tables of entries, and the inodes made from them. docs/procfs.md.
//
// Lifetime: a proc_inode of a task holds a reference on its struct pid, never on the task: an open /proc/1/stat outlives task 1, and then reads ESRCH.
#pragma once
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/seq_file.h"
#include "kern/sysctl.h"
#include "task/pid.h"

struct proc_entry;
struct task;

struct proc_table {
	const struct proc_entry *entries;
	u32 n;
};
struct proc_entry {
	const char *name;
	umode_t mode;
	const struct inode_ops *iops;
	const struct file_ops *fops;
	union {
		int (*show)(struct seq_file *m, void *v);			// proc_show_fops; m->private is null
		int (*show_task)(struct seq_file *m, struct task *t);		// proc_task_fops
		int (*path)(struct task *t, struct path *out);			// proc_path_iops: counted; the access check is done
		const struct proc_table *table;					// proc_dir_iops
		const char *target;						// of a constant symlink
	};
};
#define P_SHOW(nm, md, fn) { .name = nm, .mode = S_IFREG | (md), .iops = &proc_file_iops, .fops = &proc_show_fops, .show = fn }
#define P_TASK(nm, md, fn) { .name = nm, .mode = S_IFREG | (md), .iops = &proc_file_iops, .fops = &proc_task_fops, .show_task = fn }
#define P_FILE(nm, md, ops) { .name = nm, .mode = S_IFREG | (md), .iops = &proc_file_iops, .fops = &(ops) }
#define P_PATH(nm, fn) { .name = nm, .mode = S_IFLNK | 0777, .iops = &proc_path_iops, .path = fn }
#define P_LINK(nm, to) { .name = nm, .mode = S_IFLNK | 0777, .iops = &proc_const_link_iops, .target = to }
#define P_DIR(nm, md, i, f) { .name = nm, .mode = S_IFDIR | (md), .iops = &(i), .fops = &(f) }
#define P_TABLE(nm, t) { .name = nm, .mode = S_IFDIR | 0555, .iops = &proc_dir_iops, .fops = &proc_dir_fops, .table = &(t) }
#define PROC_TABLE(name, list) const struct proc_table name = { list, ARRAY_SIZE(list) }

struct proc_inode {
	struct inode vfs;
	const struct proc_entry *entry SET_ONCE;
	struct pid *pid SET_ONCE;		// counted; null: not of a task
	u32 fd SET_ONCE;			// fd/, fdinfo/
	const struct sysctl *sysctl SET_ONCE;	// sys/: the value, or the first one of a directory
	u32 prefix SET_ONCE;			// length of the directory's path in its sysctls' paths
};
static inline struct proc_inode *proc_i(const struct inode *inode)
{
	return CONTAINER_OF((struct inode *)inode, struct proc_inode, vfs);
}

// root.c
extern const struct inode_ops proc_file_iops, proc_dir_iops, proc_const_link_iops;
extern const struct file_ops proc_dir_fops, proc_show_fops;
int proc_setattr(struct dentry *d, struct iattr *a);
// An inode of e; pid (may be null) is referenced. which: makes the number unique among inodes of one entry and pid.
MUST_CHECK int proc_inode_make(struct super_block *sb, const struct proc_entry *e, struct pid *pid, u64 which, struct inode **out);
u64 proc_ino(const struct proc_entry *e, struct pid *pid, u64 which);
int proc_table_lookup(struct inode *dir, struct dentry *d, const struct proc_table *t);
// Emits "." and "..", then the table from c->pos on. False: the caller's buffer is full.
bool proc_emit_dots(struct file *f, struct dir_context *c);
bool proc_emit_table(struct file *f, struct dir_context *c, const struct proc_table *t);
struct pid_namespace *proc_pid_ns(const struct inode *inode);
// A number as a file name: decimal, no leading zeros, < 2^31. Else -1.
s64 proc_name_number(const struct qstr *name);

// pid.c
extern const struct file_ops proc_task_fops;
extern const struct inode_ops proc_path_iops, proc_self_iops, proc_thread_self_iops;
extern const struct dentry_ops proc_dentry_ops;
int proc_pid_lookup(struct inode *dir, struct dentry *d, u32 nr);
int proc_pid_iterate(struct file *f, struct dir_context *c, loff_t base);
struct task *proc_task(const struct inode *inode);	// counted, or null: it is gone
void proc_task_owner(struct task *t, umode_t mode, kuid_t *uid, kgid_t *gid);
void proc_set_owner(struct inode *inode, struct task *t);

// fd.c
extern const struct inode_ops proc_fd_iops, proc_fdinfo_iops;
extern const struct file_ops proc_fd_fops, proc_fdinfo_fops;
bool proc_fd_open(struct task *t, u32 fd);

// task_stat.c
int proc_show_stat_process(struct seq_file *m, struct task *t);
int proc_show_stat_thread(struct seq_file *m, struct task *t);
int proc_show_statm(struct seq_file *m, struct task *t);
int proc_show_status(struct seq_file *m, struct task *t);
// task_maps.c
extern const struct file_ops proc_maps_fops, proc_mem_fops, proc_environ_fops, proc_auxv_fops, proc_cmdline_fops;
// task_misc.c
extern const struct file_ops proc_comm_fops, proc_oom_score_adj_fops, proc_oom_adj_fops, proc_mounts_fops, proc_mountinfo_fops, proc_mountstats_fops;
int proc_show_limits(struct seq_file *m, struct task *t);
int proc_show_oom_score(struct seq_file *m, struct task *t);
int proc_show_wchan(struct seq_file *m, struct task *t);
int proc_show_personality(struct seq_file *m, struct task *t);
int proc_show_id_map(struct seq_file *m, struct task *t);
int proc_show_schedstat(struct seq_file *m, struct task *t);
int proc_path_exe(struct task *t, struct path *out);
int proc_path_cwd(struct task *t, struct path *out);
int proc_path_root(struct task *t, struct path *out);
// sysinfo.c
extern const struct proc_table proc_root_table;
// sysctl.c
extern const struct inode_ops proc_sys_iops;
extern const struct file_ops proc_sys_fops;
extern const struct sysctl proc_sysctls[];	// sysctl_table.c
