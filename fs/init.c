// Start-up of the VFS: caches, then nullfs as the true root with the mutable root on it.
#include "fs/fs_internal.h"
#include "fs/mount_internal.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "task/cred.h"
#include "task/nsproxy.h"

struct mount_namespace *init_mount_ns RO_AFTER_INIT;

static INIT struct mount *mount_first(struct fs_type *t, const char *options)
{
	struct dentry *root;
	struct mount *m = NULL;
	int err = t->mount(t, 0, t->name, options, &root);

	if (!err)
		err = mount_make(root, t->name, MNT_RELATIME, &m);
	if (err)
		panic("VFS: cannot mount %s (error %d)", t->name, err);
	return m;
}

// Mount 1 is nullfs, mount 2 the root file system on it: user mounts get their numbers from 3.
static INIT void mount_root_tree(void)
{
	struct mount *null = mount_first(fs_nullfs(), NULL), *root = mount_first(fs_rootfs(), rootfs_options);
	struct path p;

	ASSERT(null->id == 1 && root->id == 2);
	if (mount_ns_alloc(&init_user_ns, &init_mount_ns))
		panic("VFS: no memory for the first mount namespace");
	init_mount_ns->root = null;
	mount_write_lock();
	null->ns = init_mount_ns;
	null->detached = false;
	list_add_tail(&null->ns_list, &init_mount_ns->list);
	mount_attach(root, null, null->root, init_mount_ns);
	list_add_tail(&root->ns_list, &init_mount_ns->list);
	init_mount_ns->nr_mounts = 2;
	mount_write_unlock();
	init_nsproxy.mnt = init_mount_ns;
	p = (struct path){ root, root->root };
	fs_context_init(&p);
	pr_info("VFS: Finished mounting rootfs on nullfs\n");
}

INIT void fs_init(void)
{
	dcache_init();
	inode_init();
	super_init();
	mount_init();
	file_cache_init();
	fdtable_init();
	mount_root_tree();
	anon_init();
	pipe_init();
}
