// Mounts as text: /proc/PID/mounts, mountinfo, mountstats. man 5 proc.
#include "fs/mount_internal.h"
#include "fs/chrdev.h"
#include "fs/seq_file.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

#define ESCAPES " \t\n\\#"

static void show_mount_flags(struct seq_file *m, const struct mount *mnt)
{
	static const struct { u32 flag; const char *text; } names[] = {
		{ MNT_NOSUID, ",nosuid" }, { MNT_NODEV, ",nodev" }, { MNT_NOEXEC, ",noexec" }, { MNT_NOATIME, ",noatime" },
		{ MNT_NODIRATIME, ",nodiratime" }, { MNT_RELATIME, ",relatime" }, { MNT_NOSYMFOLLOW, ",nosymfollow" },
	};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		if (mnt->flags & names[i].flag)
			seq_puts(m, names[i].text);
	}
}

static void show_sb_options(struct seq_file *m, const struct mount *mnt)
{
	struct super_block *sb = mnt->sb;

	if (sb->flags & SB_SYNCHRONOUS)
		seq_puts(m, ",sync");
	if (sb->flags & SB_LAZYTIME)
		seq_puts(m, ",lazytime");
	if (sb->ops && sb->ops->show_options)
		sb->ops->show_options(m, mnt->root);
}

// The mountpoint as root's processes see it; false: it is not below root.
static bool show_mountpoint(struct seq_file *m, const struct mount *mnt, const struct path *root, char *buf)
{
	struct path p = { (struct mount *)(uintptr_t)mnt, mnt->root };
	bool reachable;
	int err;
	char *s = d_path_from(&p, root, buf, PAGE_SIZE, &reachable, &err);

	if (err || !reachable)
		return false;
	seq_escape(m, s, ESCAPES);
	return true;
}

static bool show_mount(struct seq_file *m, struct mount *mnt, const struct path *root, char *buf)
{
	seq_escape(m, mnt->source, ESCAPES);
	seq_putc(m, ' ');
	if (!show_mountpoint(m, mnt, root, buf))
		return false;
	seq_putc(m, ' ');
	seq_escape(m, mnt->sb->type->name, ESCAPES);
	seq_puts(m, (mnt->flags & MNT_READONLY) || (mnt->sb->flags & SB_RDONLY) ? " ro" : " rw");
	show_mount_flags(m, mnt);
	show_sb_options(m, mnt);
	seq_puts(m, " 0 0\n");
	return true;
}

static void show_root_in_fs(struct seq_file *m, const struct mount *mnt, char *buf)
{
	// The mount's root as a path in its file system: as if the super block's root were ours.
	struct mount fake = { .root = mnt->sb->root, .sb = mnt->sb };
	struct path p = { &fake, mnt->root }, root = { &fake, mnt->sb->root };
	bool reachable;
	int err;
	char *s;

	fake.parent = &fake;
	s = d_path_from(&p, &root, buf, PAGE_SIZE, &reachable, &err);
	seq_escape(m, err ? "/" : s, ESCAPES);
}

static bool show_mountinfo(struct seq_file *m, struct mount *mnt, const struct path *root, char *buf)
{
	seq_printf(m, "%i %i %u:%u ", mnt->id, mnt->parent->id, MAJOR(mnt->sb->dev), MINOR(mnt->sb->dev));
	show_root_in_fs(m, mnt, buf);
	seq_putc(m, ' ');
	if (!show_mountpoint(m, mnt, root, buf))
		return false;
	seq_puts(m, mnt->flags & MNT_READONLY ? " ro" : " rw");
	show_mount_flags(m, mnt);
	if (mnt->flags & MNT_UNBINDABLE)
		seq_puts(m, " unbindable");
	seq_puts(m, " - ");
	seq_escape(m, mnt->sb->type->name, ESCAPES);
	seq_putc(m, ' ');
	seq_escape(m, mnt->source, ESCAPES);
	seq_puts(m, mnt->sb->flags & SB_RDONLY ? " ro" : " rw");
	show_sb_options(m, mnt);
	seq_putc(m, '\n');
	return true;
}

static bool show_mountstats(struct seq_file *m, struct mount *mnt, const struct path *root, char *buf)
{
	seq_puts(m, "device ");
	seq_escape(m, mnt->source, ESCAPES);
	seq_puts(m, " mounted on ");
	if (!show_mountpoint(m, mnt, root, buf))
		return false;
	seq_puts(m, " with fstype ");
	seq_escape(m, mnt->sb->type->name, ESCAPES);
	seq_putc(m, '\n');
	return true;
}

int show_mounts(struct seq_file *m, struct mount_namespace *ns, struct path *root, int format)
{
	bool (*const shows[])(struct seq_file *, struct mount *, const struct path *, char *) = { show_mount, show_mountinfo, show_mountstats };
	char *buf = kalloc(PAGE_SIZE, GFP_KERNEL | GFP_UNINIT);
	struct mount *mnt;

	if (!buf)
		return -ENOMEM;
	mounts_read_lock();
	list_for_each_entry(mnt, &ns->list, ns_list) {
		size_t before = m->count;

		if (!shows[format](m, mnt, root, buf))
			m->count = before;		// not in sight
	}
	mounts_read_unlock();
	kfree(buf);
	return 0;
}
