// Unpacking the initramfs: concatenated newc archives, plain or gzip, into the root file system. Format: lib/cpio.h.
#include "arch/boot.h"
#include "arch/pte.h"
#include "boot/boot.h"
#include "fs/chrdev.h"
#include "fs/file.h"
#include "fs/path.h"
#include "kern/log.h"
#include "lib/cpio.h"
#include "lib/errno.h"
#include "lib/gunzip.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

// Names of files with several links, by (device, inode), until the archive's trailer.
struct seen {
	struct seen *next;
	u32 ino, major, minor;
	char name[];
};
#define SEEN_BUCKETS 64
static struct seen *seen[SEEN_BUCKETS] INITDATA;

INIT static struct seen **seen_bucket(const struct cpio_entry *e)
{
	return &seen[hash_64(e->ino ^ (u64)e->major << 40 ^ (u64)e->minor << 32, 6)];
}

INIT static void seen_forget(void)
{
	for (u32 i = 0; i < SEEN_BUCKETS; i++)
		while (seen[i]) {
			struct seen *s = seen[i];

			seen[i] = s->next;
			kfree(s);
		}
}

// The name under which e's file already exists; null and remembered if this is the first.
INIT static const char *seen_before(const struct cpio_entry *e)
{
	struct seen **b = seen_bucket(e), *s;

	for (s = *b; s; s = s->next)
		if (s->ino == e->ino && s->major == e->major && s->minor == e->minor)
			return s->name;
	s = kalloc(sizeof(*s) + e->name_len + 1, GFP_KERNEL);
	if (s) {
		*s = (struct seen){ .next = *b, .ino = e->ino, .major = e->major, .minor = e->minor };
		memcpy(s->name, e->name, e->name_len + 1);
		*b = s;
	}
	return NULL;
}

// Runs fn on the name as a kernel path.
#define WITH_NAME(str, fn_call) ({ \
	struct filename *name_; \
	int err_ = getname_kernel(str, &name_); \
	if (!err_) { \
		err_ = fn_call; \
		putname(name_); \
	} \
	err_; })

INIT static int make_link(const char *old, const char *new)
{
	struct filename *from;
	int err = getname_kernel(old, &from);

	if (err)
		return err;
	err = WITH_NAME(new, do_linkat(AT_FDCWD, from, AT_FDCWD, name_, 0));
	putname(from);
	return err;
}

INIT static int make_symlink(const struct cpio_entry *e)
{
	char *target = kalloc((size_t)e->size + 1, GFP_KERNEL);
	int err;

	if (!target)
		return -ENOMEM;
	memcpy(target, e->data, e->size);
	err = WITH_NAME(e->name, do_symlinkat(target, AT_FDCWD, name_));
	kfree(target);
	return err;
}

INIT static int write_file(const struct cpio_entry *e, int flags)
{
	struct file *f;
	loff_t pos = 0;
	int err = file_open(e->name, O_WRONLY | O_LARGEFILE | flags, e->mode & 07777, &f);

	if (err)
		return err;
	while (pos < e->size && !err) {
		ssize_t n = kernel_write(f, e->data + pos, e->size - pos, &pos);

		err = n < 0 ? (int)n : n == 0 ? -ENOSPC : 0;
	}
	fput_sync(f);
	return err;
}

INIT static int make_file(const struct cpio_entry *e)
{
	const char *first = e->nlink > 1 ? seen_before(e) : NULL;
	int err;

	if (!first)
		return write_file(e, O_CREAT | O_TRUNC);
	err = make_link(first, e->name);
	return err || !e->size ? err : write_file(e, O_TRUNC);	// the data may come with any of the links
}

INIT static int set_attributes(const struct cpio_entry *e)
{
	struct iattr a = { .valid = ATTR_UID | ATTR_GID | ATTR_MTIME | ATTR_MTIME_SET | ATTR_ATIME | ATTR_ATIME_SET | ATTR_FORCE,
		.uid = KUIDT_INIT(e->uid), .gid = KGIDT_INIT(e->gid), .mtime = { .sec = e->mtime }, .atime = { .sec = e->mtime } };
	struct path p;
	int err = kern_path(e->name, 0, &p);

	if (err)
		return err;
	if (!S_ISLNK(e->mode)) {
		a.valid |= ATTR_MODE;
		a.mode = e->mode;
	}
	down_write(&p.dentry->inode->rwsem);
	err = notify_change(p.dentry, &a);
	up_write(&p.dentry->inode->rwsem);
	path_put(&p);
	return err;
}

// Something of another type in the way is removed, as Linux does.
INIT static void clear_way(const struct cpio_entry *e)
{
	umode_t type;
	struct path p;

	if (kern_path(e->name, 0, &p))
		return;
	type = p.dentry->inode->mode & S_IFMT;
	path_put(&p);
	if (type == (e->mode & S_IFMT) && !S_ISLNK(type))
		return;
	(void)(S_ISDIR(type) ? WITH_NAME(e->name, do_rmdirat(AT_FDCWD, name_)) : WITH_NAME(e->name, do_unlinkat(AT_FDCWD, name_)));
}

INIT static int make_entry(const struct cpio_entry *e)
{
	int err;

	clear_way(e);
	switch (e->mode & S_IFMT) {
	case S_IFREG:
		err = make_file(e);
		break;
	case S_IFDIR:
		err = WITH_NAME(e->name, do_mkdirat(AT_FDCWD, name_, e->mode & 07777));
		break;
	case S_IFLNK:
		err = make_symlink(e);
		break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		err = WITH_NAME(e->name, do_mknodat(AT_FDCWD, name_, e->mode, MKDEV(e->rmajor, e->rminor)));
		break;
	default:
		return 0;
	}
	return err && err != -EEXIST ? err : set_attributes(e);
}

INIT static const char *unpack(const u8 *data, size_t n, bool nested);

struct inflated {
	u8 *data;
	size_t size, room;
};

INIT static int inflate_sink(void *arg, const u8 *data, size_t n)
{
	struct inflated *o = arg;

	if (o->size + n > o->room) {
		size_t room = MAX(o->room * 2, o->size + n);
		u8 *bigger = vmalloc(room, GFP_KERNEL | GFP_UNINIT);

		if (!bigger)
			return -ENOMEM;
		memcpy(bigger, o->data, o->size);
		vfree(o->data);
		o->data = bigger;
		o->room = room;
	}
	memcpy(o->data + o->size, data, n);
	o->size += n;
	return 0;
}

// One gzip member, whose archive is then unpacked. *used: bytes of input.
INIT static const char *unpack_gzip(const u8 *data, size_t n, size_t *used)
{
	void *work = kalloc(GUNZIP_WORK, GFP_KERNEL | GFP_UNINIT);
	struct inflated o = { .room = n * 3 };
	const char *error = NULL;
	int err = -ENOMEM;

	*used = n;
	o.data = vmalloc(o.room, GFP_KERNEL | GFP_UNINIT);
	if (work && o.data)
		err = gunzip(data, n, used, work, inflate_sink, &o);
	kfree(work);
	if (err == -ENOMEM)
		error = "too little memory to unpack it";
	else if (err)
		error = "damaged gzip data";
	else
		error = unpack(o.data, o.size, true);
	vfree(o.data);
	return error;
}

// Null, or what was wrong.
INIT static const char *unpack(const u8 *data, size_t n, bool nested)
{
	struct cpio_entry e;
	struct cpio c;

	cpio_start(&c, data, n);
	for (;;) {
		int kind = cpio_next(&c, &e), err;
		size_t used = 0;

		if (kind == CPIO_END)
			return NULL;
		if (kind == CPIO_TRAILER) {
			seen_forget();
		} else if (kind == CPIO_ENTRY) {
			err = make_entry(&e);
			if (err == -ENOMEM || err == -ENOSPC)
				return "too little memory for its files";
			if (err)
				pr_warn("initramfs: %s: error %d\n", e.name, -err);
		} else if (kind == CPIO_OTHER && !nested && gunzip_magic(c.at, c.end - c.at)) {
			const char *error = unpack_gzip(c.at, c.end - c.at, &used);

			if (error)
				return error;
			c.at += used;
		} else {
			return kind == CPIO_OTHER ? "neither cpio nor gzip" : c.error;
		}
	}
}

// What Linux's built-in archive makes: a program without /dev in its initramfs still gets a console.
INIT static void make_default_nodes(void)
{
	int err = WITH_NAME("/dev", do_mkdirat(AT_FDCWD, name_, 0755));

	err = err ?: WITH_NAME("/dev/console", do_mknodat(AT_FDCWD, name_, S_IFCHR | 0600, MKDEV(5, 1)));
	err = err ?: WITH_NAME("/root", do_mkdirat(AT_FDCWD, name_, 0700));
	if (err)
		pr_err("initramfs: the default nodes: error %d\n", -err);
}

INIT void initramfs_unpack(void)
{
	paddr_t start = boot_info.initrd_start, end = boot_info.initrd_end;
	const char *error;

	make_default_nodes();
	if (start == end)
		return;
	error = unpack(phys_to_virt(start), end - start, false);
	seen_forget();
	if (error)
		pr_err("initramfs: %s\n", error);
	pages_free_range(ALIGN_DOWN(start, PAGE_SIZE), ALIGN_UP(end, PAGE_SIZE));
}
