// tmpfs: super block, options, inodes. man 5 tmpfs.
#include "fs/tmpfs/tmpfs.h"
#include "fs/chrdev.h"
#include "fs/fs_internal.h"
#include "fs/seq_file.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "task/cred.h"
#include <linux/stat.h>

static struct kmem_cache *tmpfs_inode_cache RO_AFTER_INIT;
const char *rootfs_options;

// ---- inodes ---------------------------------------------------------------------------------------------------------

static int tmpfs_alloc_inode(struct super_block *sb, struct inode **out)
{
	struct tmpfs_inode *ti = kmem_cache_alloc(tmpfs_inode_cache, GFP_KERNEL);

	if (!ti)
		return -ENOMEM;
	ti->next_cookie = 2;
	xattrs_init(&ti->xattrs);
	*out = &ti->inode;
	return 0;
}

static void tmpfs_free_inode(struct inode *inode)
{
	if (S_ISLNK(inode->mode))
		kfree(inode->link);
	kmem_cache_free(tmpfs_inode_cache, tmpfs_i(inode));
}

void tmpfs_uncharge_inode(struct tmpfs_sb *s)
{
	if (s->max_inodes)
		atomic64_dec(&s->inodes);
}

static void tmpfs_evict(struct inode *inode)
{
	struct tmpfs_sb *s = tmpfs_sb(inode->sb);

	if (S_ISREG(inode->mode))
		shmem_destroy(&inode->data);
	else
		mapping_destroy(&inode->data);
	atomic64_sub(&s->xattr_bytes, (s64)tmpfs_i(inode)->xattrs.bytes);
	xattrs_destroy(&tmpfs_i(inode)->xattrs);
	tmpfs_uncharge_inode(s);
}

int tmpfs_charge_inode(struct tmpfs_sb *s)
{
	u64 max = READ_ONCE(s->max_inodes);

	if (!max)
		return 0;
	if ((u64)atomic64_inc_return(&s->inodes) <= max)
		return 0;
	atomic64_dec(&s->inodes);
	return -ENOSPC;
}

int tmpfs_new_inode(struct super_block *sb, const struct inode *dir, umode_t mode, dev_t rdev, struct inode **out)
{
	struct tmpfs_sb *s = tmpfs_sb(sb);
	struct inode *inode;
	int err = tmpfs_charge_inode(s);

	if (err)
		return err;
	err = inode_alloc(sb, &inode);
	if (err) {
		tmpfs_uncharge_inode(s);
		return err;
	}
	inode_init_owner(inode, dir, mode);
	switch (mode & S_IFMT) {
	case S_IFREG:
		inode->ops = &tmpfs_file_inode_ops;
		inode->fops = &tmpfs_file_ops;
		shmem_init(&inode->data, inode, &s->limits);
		break;
	case S_IFDIR:
		inode->nlink = 2;
		inode->size = 2 * TMPFS_DIRENT;
		inode->ops = &tmpfs_dir_inode_ops;
		inode->fops = &tmpfs_dir_ops;
		break;
	case S_IFLNK:
		inode->ops = &tmpfs_symlink_inode_ops;
		break;
	default:
		inode->ops = &tmpfs_special_inode_ops;
		inode_init_special(inode, inode->mode, rdev);
	}
	*out = inode;
	return 0;
}

// ---- options --------------------------------------------------------------------------------------------------------

static int parse_size(const char *v, u64 *bytes)
{
	const char *end;

	if (!v || !*v)
		return -EINVAL;
	*bytes = memparse(v, &end);
	if (*end == '%') {
		*bytes = mem_total_pages() * *bytes / 100 * PAGE_SIZE;
		end++;
	}
	return *end ? -EINVAL : 0;
}

static int parse_octal(const char *v, u32 *out)
{
	return v && kstrtou32(v, 8, out) == 0 ? 0 : -EINVAL;
}

static int parse_option(struct tmpfs_sb *s, const char *name, const char *v)
{
	struct user_namespace *ns = current_cred()->user_ns;
	u64 n;
	u32 u;
	int err;

	if (streq(name, "size")) {
		err = parse_size(v, &n);
		s->limits.max_pages = err ? 0 : DIV_ROUND_UP(n, PAGE_SIZE);
		return err;
	}
	if (streq(name, "nr_blocks")) {
		err = parse_size(v, &n);
		s->limits.max_pages = n;
		return err;
	}
	if (streq(name, "nr_inodes")) {
		err = parse_size(v, &n);
		s->max_inodes = n;
		return err;
	}
	if (streq(name, "mode")) {
		err = parse_octal(v, &u);
		s->mode = u & 07777;
		return err;
	}
	if (streq(name, "uid")) {
		if (!v || kstrtou32(v, 10, &u))
			return -EINVAL;
		s->uid = make_kuid(ns, u);
		return uid_valid(s->uid) ? 0 : -EINVAL;
	}
	if (streq(name, "gid")) {
		if (!v || kstrtou32(v, 10, &u))
			return -EINVAL;
		s->gid = make_kgid(ns, u);
		return gid_valid(s->gid) ? 0 : -EINVAL;
	}
	// Placement and number format: what they ask for is what there is.
	if (streq(name, "huge") || streq(name, "mpol") || streq(name, "inode64") || streq(name, "inode32") || streq(name, "noswap") || streq(name, "source"))
		return 0;
	return -EINVAL;
}

static int parse_options(struct tmpfs_sb *s, const char *options)
{
	char *copy, *p, *opt;
	int err = 0;

	if (!options || !*options)
		return 0;
	copy = p = kstrdup(options, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	while (!err && (opt = strsep(&p, ",")) != NULL) {
		char *v = strchr(opt, '=');

		if (!*opt)
			continue;
		if (v)
			*v++ = 0;
		err = parse_option(s, opt, v);
	}
	kfree(copy);
	return err;
}

// ---- super block ----------------------------------------------------------------------------------------------------

static int tmpfs_statfs(struct dentry *d, struct kstatfs *st)
{
	struct tmpfs_sb *s = tmpfs_sb(d->sb);

	st->type = TMPFS_MAGIC;
	st->bsize = st->frsize = PAGE_SIZE;
	st->namelen = 255;
	if (s->limits.max_pages) {
		u64 used = atomic64_read(&s->limits.used);

		st->blocks = s->limits.max_pages;
		st->bfree = st->bavail = used < st->blocks ? st->blocks - used : 0;
	}
	if (s->max_inodes) {
		u64 used = atomic64_read(&s->inodes);

		st->files = s->max_inodes;
		st->ffree = used < s->max_inodes ? s->max_inodes - used : 0;
	}
	st->fsid[0] = d->sb->dev;
	return 0;
}

static int tmpfs_remount(struct super_block *sb, u32 *flags, const char *options)
{
	struct tmpfs_sb *s = tmpfs_sb(sb), n = *s;
	int err = parse_options(&n, options);

	if (err)
		return err;
	// A limit cannot come where none was counted, nor fall below what is in use.
	if (n.limits.max_pages != s->limits.max_pages) {
		if (!s->limits.max_pages || (n.limits.max_pages && (u64)atomic64_read(&s->limits.used) > n.limits.max_pages))
			return -EINVAL;
	}
	if (n.max_inodes != s->max_inodes) {
		if (!s->max_inodes || (n.max_inodes && (u64)atomic64_read(&s->inodes) > n.max_inodes))
			return -EINVAL;
	}
	WRITE_ONCE(s->limits.max_pages, n.limits.max_pages);
	WRITE_ONCE(s->max_inodes, n.max_inodes);
	s->mode = n.mode;
	return 0;
}

static int tmpfs_show_options(struct seq_file *m, struct dentry *root)
{
	struct tmpfs_sb *s = tmpfs_sb(root->sb);

	if (s->limits.max_pages != mem_total_pages() / 2)
		seq_printf(m, ",size=%lluk", s->limits.max_pages * (PAGE_SIZE / 1024));
	if (s->max_inodes != mem_total_pages() / 2)
		seq_printf(m, ",nr_inodes=%llu", s->max_inodes);
	if (s->mode != (0777 | S_ISVTX))
		seq_printf(m, ",mode=%03o", s->mode);
	if (s->uid.val)
		seq_printf(m, ",uid=%u", from_kuid_munged(&init_user_ns, s->uid));
	if (s->gid.val)
		seq_printf(m, ",gid=%u", from_kgid_munged(&init_user_ns, s->gid));
	seq_puts(m, ",inode64");
	return 0;
}

static void tmpfs_put_super(struct super_block *sb)
{
	kfree(sb->private);
	sb->private = NULL;
}

static const struct super_ops tmpfs_super_ops = {
	.alloc_inode = tmpfs_alloc_inode,
	.free_inode = tmpfs_free_inode,
	.evict = tmpfs_evict,
	.statfs = tmpfs_statfs,
	.remount = tmpfs_remount,
	.show_options = tmpfs_show_options,
	.put_super = tmpfs_put_super,
};

int tmpfs_fill(struct super_block *sb, const char *options)
{
	struct tmpfs_sb *s = kalloc(sizeof(*s), GFP_KERNEL);
	struct inode *root;
	int err;

	if (!s)
		return -ENOMEM;
	sb->private = s;
	sb->ops = &tmpfs_super_ops;
	sb->magic = TMPFS_MAGIC;
	sb->maxbytes = S64_MAX;
	s->limits.max_pages = s->max_inodes = mem_total_pages() / 2;
	s->mode = 0777 | S_ISVTX;
	s->uid = current_cred()->fsuid;
	s->gid = current_cred()->fsgid;
	err = parse_options(s, options);
	if (!err)
		err = tmpfs_new_inode(sb, NULL, S_IFDIR | s->mode, 0, &root);
	if (err)
		return err;
	root->uid = s->uid;
	root->gid = s->gid;
	return d_make_root(root, &sb->root);
}

static int tmpfs_mount(const struct fs_type *t, u32 flags, const char *source, const char *options, struct dentry **out)
{
	if (!tmpfs_inode_cache)
		tmpfs_inode_cache = kmem_cache_create("shmem_inode_cache", sizeof(struct tmpfs_inode), 64, SLAB_PANIC | SLAB_RECLAIMABLE, NULL);
	return mount_nodev(t, flags, options, tmpfs_fill, out);
}

static struct fs_type rootfs_type = { .name = "rootfs", .flags = FS_NODEV | FS_INTERNAL, .mount = tmpfs_mount, .kill = kill_litter_super };
static struct fs_type tmpfs_type = { .name = "tmpfs", .flags = FS_NODEV | FS_USERNS_MOUNT, .mount = tmpfs_mount, .kill = kill_litter_super };

INIT struct fs_type *fs_rootfs(void)
{
	(void)fs_register(&tmpfs_type);
	return &rootfs_type;
}
