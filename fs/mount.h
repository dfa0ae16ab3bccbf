// fs/mount.h - mounts and mount namespaces. Mount hash under a sequence lock for lock-free crossing; counts per CPU.
#pragma once
#include "fs/path.h"
#include "kern/rcu.h"
#include "kern/seqlock.h"

struct mount_namespace;
struct user_namespace;
extern struct seqlock mount_lock;		// the trees of mounts

struct mount {
	struct dentry *root SET_ONCE;		// of the mounted tree; holds an active reference on sb
	struct super_block *sb SET_ONCE;
	u32 flags ATOMIC;			// MNT_*
	int id SET_ONCE;
	struct mount *parent;			// mount_lock (seq); self when root of a namespace or detached
	struct dentry *mountpoint;		// in parent; mount_lock
	struct hlist_node hash;			// (parent, mountpoint); RCU
	struct hlist_node mp_list;		// mounts on one mountpoint
	struct list_head children, child;	// written under namespace_lock and mount_lock, read under either
	struct list_head ns_list;		// of the namespace, in mount order
	struct mount_namespace *ns;
	long __percpu *count;			// references, per CPU; summed when it is to go
	struct atomic writers;
	bool doomed;				// no reference is left; mount_lock
	bool detached ATOMIC;			// in no tree (any more): the last put frees. Set under mount_lock
	struct path was_on;			// until the last steps of umount: references to give back
	bool expiring;				// umount2(MNT_EXPIRE) has asked once
	struct list_head share, slaves, slave GUARDED_BY(&mount_lock.lock);	// propagation
	struct mount *master;
	int group_id;
	const char *source;			// "none", "proc", device
	struct user_namespace *idmap;
	struct rcu_head rcu;
};
#define MNT_NOSUID 0x1u
#define MNT_NODEV 0x2u
#define MNT_NOEXEC 0x4u
#define MNT_NOATIME 0x8u
#define MNT_NODIRATIME 0x10u
#define MNT_RELATIME 0x20u
#define MNT_READONLY 0x40u
#define MNT_NOSYMFOLLOW 0x80u
#define MNT_SHARED 0x1000u
#define MNT_UNBINDABLE 0x2000u
#define MNT_INTERNAL 0x4000u
#define MNT_LOCKED 0x8000u

struct mount_namespace {
	struct ref ref;
	struct mount *root;			// nullfs; the mutable root is mounted on it
	struct list_head list;
	struct user_namespace *user_ns;
	u64 seq;				// changes
	u64 event;
	struct waitq poll;
	u32 nr_mounts;
	u64 id;
};
extern struct mount_namespace *init_mount_ns;

void mnt_get(struct mount *m);
// m was found under RCU, without a reference. False: the last one is gone. Context: RCU read section.
MUST_CHECK bool mnt_get_unless_dead(struct mount *m);
void mnt_put(struct mount *m);
MUST_CHECK int mnt_want_write(struct mount *m);		// -EROFS
void mnt_drop_write(struct mount *m);
struct mount *mount_lookup(struct mount *parent, struct dentry *mp);		// RCU / mount_lock, not counted
bool path_follow_mounts(struct path *p);		// down through mounts on p; counted
bool path_up_mount(struct path *p);			// from a mount's root to its mountpoint; counted
// The calling task may change its mount namespace.
bool may_mount(void);
struct mount_namespace *current_mount_ns(void);
int do_mount(const char *source, const struct path *where, const char *type, u64 flags, const char *data);
int do_umount(const struct path *p, int flags);
int do_pivot_root(const struct path *new_root, const struct path *put_old);
MUST_CHECK int kern_mount(struct fs_type *t, struct mount **out);	// internal mount (pipefs)
// copy_mount_ns() and mount_ns_put() are declared in task/nsproxy.h, which calls them.
void mount_init(void);
int show_mounts(struct seq_file *m, struct mount_namespace *ns, struct path *root, int format);	// 0 mounts, 1 mountinfo, 2 mountstats
