// Character device numbers, and the list of nodes that /dev shows.
#include "fs/chrdev.h"
#include "fs/fs_internal.h"
#include "fs/pipe.h"
#include "fs/seq_file.h"
#include "kern/panic.h"
#include "kern/rculist.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include <linux/stat.h>

#define CHRDEV_BUCKETS 64

static struct hlist_head chrdevs[CHRDEV_BUCKETS];	// by major; RCU
DEFINE_LOCK_CLASS(chrdev_mutex_class, LOCK_TASK);
static struct mutex chrdev_mutex = MUTEX_INIT(chrdev_mutex, &chrdev_mutex_class);
static struct waitq chrdev_wait = WAITQ_INIT(chrdev_wait);	// chrdev_unregister(): opens that are under way

// The ABI's packing: 12 bits of major, 20 of minor.
u64 encode_dev(dev_t d)
{
	u64 ma = MAJOR(d), mi = MINOR(d);

	return (mi & 0xff) | ma << 8 | (mi & ~0xffull) << 12;
}

dev_t decode_dev(u64 d)
{
	return MKDEV((d & 0xfff00) >> 8, (d & 0xff) | (d >> 12 & 0xfff00));
}

static struct hlist_head *chrdev_bucket(dev_t d)
{
	return &chrdevs[MAJOR(d) % CHRDEV_BUCKETS];
}

static bool chrdev_overlaps(const struct chrdev *a, const struct chrdev *b)
{
	return a->first < b->first + b->count && b->first < a->first + a->count;
}

int chrdev_register(struct chrdev *c)
{
	struct chrdev *o;
	int err = 0;

	mutex_lock(&chrdev_mutex);
	hlist_for_each_entry(o, chrdev_bucket(c->first), link) {
		if (chrdev_overlaps(o, c))
			err = -EBUSY;
	}
	if (!err) {
		ref_init(&c->ref, 1);
		hlist_add_head_rcu(&c->link, chrdev_bucket(c->first));
	}
	mutex_unlock(&chrdev_mutex);
	return err;
}

void chrdev_unregister(struct chrdev *c)
{
	mutex_lock(&chrdev_mutex);
	hlist_del_init_rcu(&c->link);
	mutex_unlock(&chrdev_mutex);
	synchronize_rcu();
	if (!ref_put(&c->ref))
		WAIT_EVENT(&chrdev_wait, ref_read(&c->ref) == 0);
}

static int chrdev_find(dev_t d, struct chrdev **out)
{
	struct chrdev *c;
	int err = -ENXIO;

	rcu_read_lock();
	hlist_for_each_entry_rcu(c, chrdev_bucket(d), link) {
		if (d - c->first < c->count && ref_get_unless_zero(&c->ref)) {
			*out = c;
			err = 0;
			break;
		}
	}
	rcu_read_unlock();
	return err;
}

static int chrdev_open(struct inode *inode, struct file *f)
{
	struct chrdev *c;
	int err = chrdev_find(inode->rdev, &c);

	if (err)
		return err;
	f->ops = c->ops;
	f->private = c->private;
	if (f->ops->open)
		err = f->ops->open(inode, f);
	if (ref_put(&c->ref))
		waitq_wake_all(&chrdev_wait);
	return err;
}

const struct file_ops chrdev_open_ops = { .open = chrdev_open };

static int no_device_open(struct inode *inode, struct file *f)
{
	return -ENXIO;
}
static const struct file_ops no_device_ops = { .open = no_device_open };

void inode_init_special(struct inode *inode, umode_t mode, dev_t rdev)
{
	inode->mode = mode;
	inode->rdev = rdev;
	inode->fops = S_ISCHR(mode) ? &chrdev_open_ops : S_ISFIFO(mode) ? &fifo_ops : &no_device_ops;
}

// /proc/devices.
int chrdev_list(struct seq_file *m)
{
	struct chrdev *c;

	mutex_lock(&chrdev_mutex);
	for (u32 ma = 0; ma < 4096; ma++) {
		hlist_for_each_entry(c, &chrdevs[ma % CHRDEV_BUCKETS], link) {
			if (MAJOR(c->first) == ma)
				seq_printf(m, "%3u %s\n", ma, c->name);
		}
	}
	mutex_unlock(&chrdev_mutex);
	return 0;
}

// ---- nodes of /dev --------------------------------------------------------------------------------------------------

struct devnode {
	struct list_head link;
	umode_t mode;
	dev_t dev;
	char name[];
};

static LIST_HEAD(devnodes);			// guarded by devnode_mutex
DEFINE_LOCK_CLASS(devnode_mutex_class, LOCK_TASK);
static struct mutex devnode_mutex = MUTEX_INIT(devnode_mutex, &devnode_mutex_class);
static const struct devnode_sink *devnode_sink;

int devnode_add(const char *name, umode_t mode, dev_t dev)
{
	size_t len = strlen(name) + 1;
	struct devnode *n = kalloc(sizeof(*n) + len, GFP_KERNEL);

	if (!n)
		return -ENOMEM;
	n->mode = mode;
	n->dev = dev;
	memcpy(n->name, name, len);
	mutex_lock(&devnode_mutex);
	list_add_tail(&n->link, &devnodes);
	if (devnode_sink)
		devnode_sink->add(n->name, mode, dev);
	mutex_unlock(&devnode_mutex);
	return 0;
}

void devnode_remove(const char *name)
{
	struct devnode *n, *t;

	mutex_lock(&devnode_mutex);
	list_for_each_entry_safe(n, t, &devnodes, link) {
		if (!streq(n->name, name))
			continue;
		list_del(&n->link);
		if (devnode_sink)
			devnode_sink->remove(n->name);
		kfree(n);
		break;
	}
	mutex_unlock(&devnode_mutex);
}

void devnode_set_sink(const struct devnode_sink *s)
{
	struct devnode *n;

	mutex_lock(&devnode_mutex);
	devnode_sink = s;
	list_for_each_entry(n, &devnodes, link)
		s->add(n->name, n->mode, n->dev);
	mutex_unlock(&devnode_mutex);
}
