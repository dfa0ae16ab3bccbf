// Misc devices. A file's operations table is inside its device: that is how a call finds the driver's.
#include "dev/misc.h"
#include "drv/miscdevice.h"
#include "fs/chrdev.h"
#include "fs/inode.h"
#include "kern/ref.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/xarray.h"
#include "sched/mutex.h"
#include <linux/stat.h>

#define MISC_MINORS (1u << 20)
#define MISC_MODE (S_IFCHR | 0600)

struct drv_misc {
	struct ref ref ATOMIC;
	u32 minor SET_ONCE;
	const struct drv_misc_ops *ops SET_ONCE;	// static, the driver's
	struct file_ops fops SET_ONCE;			// of files that have opened it
	struct rwsem opening;				// readers: opens under way
	void *self GUARDED_BY(&opening);		// null: deregistered
	struct rcu_head rcu;
	char name[];
};

DEFINE_LOCK_CLASS(misc_opening_class, LOCK_TASK);
DEFINE_LOCK_CLASS(misc_minors_class, LOCK_TASK);
static struct xarray misc_minors;	// minor -> struct drv_misc, under RCU

static void misc_put(struct drv_misc *m)
{
	if (ref_put(&m->ref))
		kfree_rcu(m, rcu);
}

static struct drv_misc *misc_of(const struct file *f)
{
	return CONTAINER_OF(f->ops, struct drv_misc, fops);
}

// ---- operations of an open file ----

static ssize_t misc_read(struct kiocb *k, struct iov_iter *to)
{
	return misc_of(k->file)->ops->read_iter(k->file->private, k, to);
}

static ssize_t misc_write(struct kiocb *k, struct iov_iter *from)
{
	return misc_of(k->file)->ops->write_iter(k->file->private, k, from);
}

static long misc_ioctl(struct file *f, u32 cmd, u64 arg)
{
	return misc_of(f)->ops->ioctl(f->private, f, cmd, arg);
}

static u32 misc_poll(struct file *f, struct poll_table *t)
{
	return misc_of(f)->ops->poll(f->private, f, t);
}

static void misc_release(struct inode *inode UNUSED, struct file *f)
{
	struct drv_misc *m = misc_of(f);
	m->ops->release(f->private, f);
	misc_put(m);
}

static void make_file_ops(struct drv_misc *m)
{
	m->fops = (struct file_ops){
		.release = misc_release,
		.read = m->ops->read_iter ? misc_read : NULL,
		.write = m->ops->write_iter ? misc_write : NULL,
		.ioctl = m->ops->ioctl ? misc_ioctl : NULL,
		.poll = m->ops->poll ? misc_poll : NULL,
	};
}

// ---- opening ----

static struct drv_misc *misc_find(u32 minor)
{
	rcu_read_lock();
	struct drv_misc *m = xa_load(&misc_minors, minor);
	if (m && !ref_get_unless_zero(&m->ref))
		m = NULL;
	rcu_read_unlock();
	return m;
}

static int misc_open(struct inode *inode, struct file *f)
{
	struct drv_misc *m = misc_find(MINOR(inode->rdev));
	if (!m)
		return -ENODEV;
	const struct file_ops *before = f->ops;
	f->ops = &m->fops;
	down_read(&m->opening);
	int err = m->self ? m->ops->open(m->self, f, &f->private) : -ENODEV;
	up_read(&m->opening);
	if (err) {
		f->ops = before;
		misc_put(m);
	}
	return err;
}

static const struct file_ops misc_open_ops = { .open = misc_open };

static struct chrdev misc_chrdev = {
	.first = MKDEV(DRV_MISC_MAJOR, 0),
	.count = MISC_MINORS,
	.ops = &misc_open_ops,
	.name = "misc",
};

int misc_init(void)
{
	xa_init(&misc_minors, &misc_minors_class);
	return chrdev_register(&misc_chrdev);
}

// ---- registering ----

// Dynamic minors begin behind the static ones, as on Linux.
static int take_minor(struct drv_misc *m, u32 minor)
{
	int err;
	if (minor == DRV_MISC_DYNAMIC_MINOR)
		return xa_alloc(&misc_minors, &m->minor, m, DRV_MISC_DYNAMIC_MINOR + 1, MISC_MINORS - 1, GFP_KERNEL);
	m->minor = minor;
	err = minor < MISC_MINORS ? xa_insert(&misc_minors, minor, m, GFP_KERNEL) : -EINVAL;
	return err == -EEXIST ? -EBUSY : err;
}

int drv_misc_register(const char *name, u32 minor, const struct drv_misc_ops *ops, void *self, struct drv_misc **out)
{
	size_t size = strlen(name) + 1;
	struct drv_misc *m = kalloc(sizeof(*m) + size, GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	ref_init(&m->ref, 1);
	rwsem_init(&m->opening, &misc_opening_class);
	m->ops = ops;
	memcpy(m->name, name, size);
	make_file_ops(m);
	// Held until all is in place: an open that finds the minor early waits for the node, and then for self.
	down_write(&m->opening);
	int err = take_minor(m, minor);
	if (err)
		goto free;
	err = devnode_add(m->name, MISC_MODE, MKDEV(DRV_MISC_MAJOR, m->minor));
	if (err)
		goto give_minor;
	m->self = self;
	*out = m;
	up_write(&m->opening);
	return 0;
give_minor:
	xa_erase(&misc_minors, m->minor);
free:
	up_write(&m->opening);
	misc_put(m);
	return err;
}

void drv_misc_deregister(struct drv_misc *m)
{
	devnode_remove(m->name);
	xa_erase(&misc_minors, m->minor);
	down_write(&m->opening);
	m->self = NULL;
	up_write(&m->opening);
	misc_put(m);
}
