// /dev/null, /dev/zero, /dev/full: man 4 null, full. Major 1 also has random, urandom (random_dev.c) and kmsg (kmsg.c).
#include "dev/mem.h"
#include "fs/chrdev.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "mm/shmem.h"
#include "mm/mm.h"
#include "sched/sched.h"
#include <linux/stat.h>

#define MEM_MAJOR 1
#define ZERO_CHUNK (64ul << 10)		// zeroed between two looks for signals

loff_t null_llseek(struct file *f, loff_t off, int whence)
{
	f->pos = 0;
	return 0;
}

loff_t noop_llseek(struct file *f, loff_t off, int whence)
{
	return f->pos;
}

static ssize_t null_read(struct kiocb *k, struct iov_iter *to)
{
	return 0;
}

static ssize_t null_write(struct kiocb *k, struct iov_iter *from)
{
	size_t n = iov_iter_count(from);

	iov_iter_advance(from, n);
	return (ssize_t)n;
}

static ssize_t full_write(struct kiocb *k, struct iov_iter *from)
{
	return -ENOSPC;
}

static ssize_t zero_read(struct kiocb *k, struct iov_iter *to)
{
	ssize_t done = 0;

	while (iov_iter_count(to)) {
		size_t want = MIN(iov_iter_count(to), ZERO_CHUNK), n = iov_iter_zero(want, to);
		done += (ssize_t)n;
		if (n < want)
			return done ?: -EFAULT;
		if (unlikely(signal_pending(current)) && iov_iter_count(to))
			return done;
	}
	return done;
}

// A private mapping is anonymous memory; a shared one gets an object of its own: two mappings of one file share nothing.
static int zero_mmap(struct file *f, struct vma *v)
{
	if (v->flags & VM_SHARED) {
		struct mapping *m;
		int err = shmem_object_create(v->end - v->start, &m);
		if (err)
			return err;
		v->mapping = m;
		v->ops = &shmem_vm_ops;
		v->pgoff = 0;
	} else {
		v->mapping = NULL;
		v->ops = NULL;
		v->pgoff = v->start >> PAGE_SHIFT;
	}
	file_put_ref(v->file);
	v->file = NULL;
	return 0;
}

static const struct file_ops null_fops = { .llseek = null_llseek, .read = null_read, .write = null_write, .nowait_ok = true };
static const struct file_ops zero_fops = { .llseek = null_llseek, .read = zero_read, .write = null_write, .mmap = zero_mmap, .nowait_ok = true };
static const struct file_ops full_fops = { .llseek = null_llseek, .read = zero_read, .write = full_write };

static const struct mem_device {
	u32 minor;
	umode_t mode;
	const char *name;
	const struct file_ops *ops;
} mem_devices[] = {
	{ 3, 0666, "null", &null_fops },
	{ 5, 0666, "zero", &zero_fops },
	{ 7, 0666, "full", &full_fops },
	{ 8, 0666, "random", &random_fops },
	{ 9, 0666, "urandom", &urandom_fops },
	{ 11, 0644, "kmsg", &kmsg_fops },
};

static int mem_open(struct inode *inode, struct file *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(mem_devices); i++) {
		if (mem_devices[i].minor != MINOR(inode->rdev))
			continue;
		f->ops = mem_devices[i].ops;
		return f->ops->open ? f->ops->open(inode, f) : 0;
	}
	return -ENXIO;
}

static const struct file_ops mem_fops = { .open = mem_open, .llseek = noop_llseek };
static struct chrdev mem_chrdev = { .first = MKDEV(MEM_MAJOR, 0), .count = 256, .ops = &mem_fops, .name = "mem" };

void mem_devices_init(void)
{
	int err = chrdev_register(&mem_chrdev);

	for (size_t i = 0; i < ARRAY_SIZE(mem_devices) && !err; i++)
		err = devnode_add(mem_devices[i].name, S_IFCHR | mem_devices[i].mode, MKDEV(MEM_MAJOR, mem_devices[i].minor));
	if (err)
		panic("memory devices: error %d", err);
}
