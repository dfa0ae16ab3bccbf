// fs/chrdev.h - character device numbers and the files behind them; devtmpfs nodes.
#pragma once
#include "fs/file.h"

#define MKDEV(ma, mi) (((dev_t)(ma) << 20) | (mi))
#define MAJOR(d) ((u32)((d) >> 20))
#define MINOR(d) ((u32)((d) & 0xfffff))
u64 encode_dev(dev_t d);		// as stat(2) shows it
dev_t decode_dev(u64 d);		// from mknod(2)

struct chrdev {
	dev_t first;
	u32 count;
	const struct file_ops *ops;	// ->open may replace f->ops
	void *private;
	const char *name;		// /proc/devices
	struct ref ref;
	struct hlist_node link;
};
MUST_CHECK int chrdev_register(struct chrdev *c);	// -EBUSY when a number is taken
void chrdev_unregister(struct chrdev *c);		// waits for opens that are under way
extern const struct file_ops chrdev_open_ops;		// of special inodes: finds the chrdev
// /dev nodes: devtmpfs (fs/devtmpfs) shows them. Context: task, early start-up included.
MUST_CHECK int devnode_add(const char *name, umode_t mode, dev_t dev);	// mode with S_IFCHR or S_IFBLK; "dir/name" allowed
void devnode_remove(const char *name);
// Who keeps the nodes (devtmpfs): told of those there are, then of each change. Context: task; a mutex is held.
struct devnode_sink {
	void (*add)(const char *name, umode_t mode, dev_t dev);
	void (*remove)(const char *name);
};
void devnode_set_sink(const struct devnode_sink *s);
int chrdev_list(struct seq_file *m);			// /proc/devices
