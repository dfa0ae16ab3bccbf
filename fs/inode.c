// Inodes: life, permissions, attributes. man 7 inode, man 7 path_resolution.
#include "fs/inode.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "kern/panic.h"
#include "kern/percpu_alloc.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "task/cred.h"
#include "task/signal.h"
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/stat.h>

DEFINE_LOCK_CLASS(inode_lock_class, LOCK_TASK);
DEFINE_LOCK_CLASS_NESTABLE(inode_rwsem_class, LOCK_TASK);

static struct kmem_cache *inode_cache RO_AFTER_INIT;

#define INO_BATCH 1024
static struct atomic64 last_ino;
STATIC_PER_CPU(u64, cpu_ino);

u64 inode_next_ino(void)
{
	u64 ino;

	preempt_disable();
	ino = this_cpu_add_return(cpu_ino, 1);
	if (unlikely((ino & (INO_BATCH - 1)) == 1)) {	// the batch is used up
		ino = atomic64_add_return(&last_ino, INO_BATCH) - INO_BATCH + 1;
		this_cpu_write(cpu_ino, ino);
	}
	preempt_enable();
	return ino;
}

struct timespec_k current_time_k(void)
{
	u64 ns = (u64)ktime_get_real();

	return (struct timespec_k){ .sec = ns / NSEC_PER_SEC, .nsec = ns % NSEC_PER_SEC };
}

static int time_before(const struct timespec_k *a, const struct timespec_k *b)	// a <= b
{
	return a->sec < b->sec || (a->sec == b->sec && a->nsec <= b->nsec);
}

// ---- life -----------------------------------------------------------------------------------------------------------

int inode_alloc(struct super_block *sb, struct inode **out)
{
	struct inode *inode;

	if (sb->ops && sb->ops->alloc_inode) {
		int err = sb->ops->alloc_inode(sb, &inode);
		if (err)
			return err;
	} else {
		inode = kmem_cache_alloc(inode_cache, GFP_KERNEL);
		if (!inode)
			return -ENOMEM;
	}
	inode->sb = sb;
	inode->ino = atomic64_read(&sb->next_ino) < 0 ? inode_next_ino() : (u64)atomic64_inc_return(&sb->next_ino);
	inode->nlink = 1;
	inode->opflags = IOP_NO_PERMISSION;
	ref_init(&inode->ref, 1);
	spin_init(&inode->lock, &inode_lock_class);
	rwsem_init(&inode->rwsem, &inode_rwsem_class);
	INIT_LIST_HEAD(&inode->sb_list);
	INIT_LIST_HEAD(&inode->lru);
	inode->atime = inode->mtime = inode->ctime = inode->btime = current_time_k();
	inode->mapping = &inode->data;
	mapping_init(&inode->data, inode, NULL);
	*out = inode;
	return 0;
}

void iget(struct inode *inode)
{
	ref_get(&inode->ref);
}

static void inode_free_rcu(struct rcu_head *head)
{
	struct inode *inode = CONTAINER_OF(head, struct inode, rcu);

	if (inode->sb->ops && inode->sb->ops->free_inode)
		inode->sb->ops->free_inode(inode);
	else
		kmem_cache_free(inode_cache, inode);
}

void iput(struct inode *inode) NO_LOCK_ANALYSIS	// the last reference
{
	if (!inode || !ref_put(&inode->ref))
		return;
	inode->state |= I_FREEING;
	if (inode->sb->ops && inode->sb->ops->evict)
		inode->sb->ops->evict(inode);
	else
		mapping_destroy(&inode->data);
	call_rcu(&inode->rcu, inode_free_rcu);
}

void inode_set_linkable(struct inode *inode, bool on)
{
	spin_lock(&inode->lock);
	inode->state = on ? inode->state | I_LINKABLE : inode->state & ~I_LINKABLE;
	spin_unlock(&inode->lock);
}

// man 2 mkdir: a directory with the set-group-ID bit gives its group to what is made in it, and the bit to directories.
void inode_init_owner(struct inode *inode, const struct inode *dir, umode_t mode)
{
	inode->uid = current_cred()->fsuid;
	if (dir && (dir->mode & S_ISGID)) {
		inode->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !in_group(dir->gid) &&
			 !inode_capable(dir, CAP_FSETID))
			mode &= ~S_ISGID;
	} else {
		inode->gid = current_cred()->fsgid;
	}
	inode->mode = mode;
	if (S_ISDIR(mode))
		inode->opflags |= IOP_IS_DIR;
}

void inc_nlink(struct inode *inode)
{
	inode->nlink++;
}

void drop_nlink(struct inode *inode)
{
	DEBUG_ASSERT(inode->nlink);
	WRITE_ONCE(inode->nlink, inode->nlink - 1);
}

// Writers of a file's contents against those who execute it: writecount > 0 counts writers, < 0 the others.
int inode_get_write_access(struct inode *inode)
{
	s32 n = atomic_read(&inode->writecount);

	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!atomic_try_cmpxchg(&inode->writecount, &n, n + 1));
	return 0;
}

int deny_write_access(struct file *f)
{
	s32 n = atomic_read(&f->inode->writecount);

	do {
		if (n > 0)
			return -ETXTBSY;
	} while (!atomic_try_cmpxchg(&f->inode->writecount, &n, n - 1));
	return 0;
}

void allow_write_access(struct file *f)
{
	atomic_inc(&f->inode->writecount);
}

// ---- permission -----------------------------------------------------------------------------------------------------

bool inode_capable(const struct inode *inode, int cap)
{
	// Unmapped owners are out of reach of a user namespace's root.
	struct user_namespace *ns = current_cred()->user_ns;

	return ns_capable(ns, cap) && (ns == &init_user_ns ||
		(from_kuid(ns, inode->uid) != (uid_t)-1 && from_kgid(ns, inode->gid) != (gid_t)-1));
}

bool inode_owner_or_capable(const struct inode *inode)
{
	return uid_eq(current_cred()->fsuid, inode->uid) || inode_capable(inode, CAP_FOWNER);
}

bool inode_in_group(const struct inode *inode)
{
	return in_group(inode->gid);
}

static int permission_by_mode(const struct inode *inode, u32 mode, int mask)
{
	mask &= MAY_READ | MAY_WRITE | MAY_EXEC;
	if (uid_eq(current_cred()->fsuid, inode->uid))
		mode >>= 6;
	else if (((mode >> 3 ^ mode) & mask) && in_group(inode->gid))	// group and others differ in what is asked
		mode >>= 3;
	return mask & ~mode ? -EACCES : 0;
}

int generic_permission(struct inode *inode, int mask)
{
	u32 mode = READ_ONCE(inode->mode);

	if (permission_by_mode(inode, mode, mask) == 0)
		return 0;
	if (S_ISDIR(mode)) {
		if (!(mask & MAY_WRITE) && inode_capable(inode, CAP_DAC_READ_SEARCH))
			return 0;
		return inode_capable(inode, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if ((mask & (MAY_READ | MAY_WRITE | MAY_EXEC)) == MAY_READ && inode_capable(inode, CAP_DAC_READ_SEARCH))
		return 0;
	// Executing takes at least one x bit even for root.
	if ((!(mask & MAY_EXEC) || (mode & 0111)) && inode_capable(inode, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *inode, int mask)
{
	u32 mode = READ_ONCE(inode->mode);

	if (unlikely(mask & MAY_WRITE)) {
		if (inode_is_readonly(inode) && (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode)))
			return -EROFS;
		if (READ_ONCE(inode->flags) & S_IMMUTABLE)
			return -EPERM;
		if (!uid_valid(inode->uid) || !gid_valid(inode->gid))
			return -EACCES;
	}
	if (likely(inode->opflags & IOP_NO_PERMISSION))
		return generic_permission(inode, mask);
	return inode->ops->permission(inode, mask);
}

int inode_sticky_check(const struct inode *dir, const struct inode *inode)
{
	kuid_t fsuid = current_cred()->fsuid;

	return (dir->mode & S_ISVTX) && !uid_eq(inode->uid, fsuid) && !uid_eq(dir->uid, fsuid) && !inode_capable(inode, CAP_FOWNER);
}

// ---- attributes -----------------------------------------------------------------------------------------------------

int inode_newsize_ok(const struct inode *inode, loff_t size)
{
	u64 limit;

	if (inode->size >= size)
		return 0;
	limit = rlimit(RLIMIT_FSIZE);
	if (limit != RLIM_INF && (u64)size > limit) {
		send_signal(current, 25 /* SIGXFSZ */, SEND_SIG_PRIV, PIDTYPE_PID);
		return -EFBIG;
	}
	return size > inode->sb->maxbytes ? -EFBIG : 0;
}

static bool chown_ok(const struct inode *inode, const struct iattr *a)
{
	if (uid_eq(current_cred()->fsuid, inode->uid) && uid_eq(a->uid, inode->uid))
		return true;
	return inode_capable(inode, CAP_CHOWN);
}

static bool chgrp_ok(const struct inode *inode, const struct iattr *a)
{
	if (uid_eq(current_cred()->fsuid, inode->uid) && (gid_eq(a->gid, inode->gid) || in_group(a->gid)))
		return true;
	return inode_capable(inode, CAP_CHOWN);
}

int setattr_prepare(struct dentry *d, struct iattr *a)
{
	struct inode *inode = d->inode;
	int err;

	if (a->valid & ATTR_SIZE) {
		err = inode_newsize_ok(inode, a->size);
		if (err)
			return err;
	}
	if (a->valid & ATTR_FORCE)
		return 0;
	if ((a->valid & ATTR_UID) && !chown_ok(inode, a))
		return -EPERM;
	if ((a->valid & ATTR_GID) && !chgrp_ok(inode, a))
		return -EPERM;
	if (a->valid & ATTR_MODE) {
		kgid_t gid = a->valid & ATTR_GID ? a->gid : inode->gid;

		if (!inode_owner_or_capable(inode))
			return -EPERM;
		if (!in_group(gid) && !inode_capable(inode, CAP_FSETID))
			a->mode &= ~S_ISGID;
	}
	if ((a->valid & (ATTR_MTIME_SET | ATTR_ATIME_SET | ATTR_TIMES_SET)) && !inode_owner_or_capable(inode))
		return -EPERM;
	return 0;
}

void setattr_copy(struct inode *inode, const struct iattr *a)
{
	if (a->valid & ATTR_UID)
		inode->uid = a->uid;
	if (a->valid & ATTR_GID)
		inode->gid = a->gid;
	if (a->valid & ATTR_ATIME)
		inode->atime = a->atime;
	if (a->valid & ATTR_MTIME)
		inode->mtime = a->mtime;
	if (a->valid & ATTR_CTIME)
		inode->ctime = a->ctime;
	if (a->valid & ATTR_MODE) {
		umode_t mode = a->mode;

		if (!in_group(inode->gid) && !inode_capable(inode, CAP_FSETID))
			mode &= ~S_ISGID;
		WRITE_ONCE(inode->mode, mode);
	}
}

// What a write, truncation or change of owner takes away: ATTR_KILL_*.
u32 inode_privs_to_kill(const struct inode *inode)
{
	u32 mode = inode->mode, kill = 0;

	if (!S_ISREG(mode))
		return 0;
	if (mode & S_ISUID)
		kill |= ATTR_KILL_SUID;
	if ((mode & S_ISGID) && ((mode & S_IXGRP) || (!in_group(inode->gid) && !inode_capable(inode, CAP_FSETID))))
		kill |= ATTR_KILL_SGID;
	return kill;
}

int notify_change(struct dentry *d, struct iattr *a)
{
	struct inode *inode = d->inode;
	struct timespec_k now = current_time_k();
	u32 flags = READ_ONCE(inode->flags);
	int err;

	if ((a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_TIMES_SET)) && (flags & (S_IMMUTABLE | S_APPEND)))
		return -EPERM;
	if ((a->valid & (ATTR_ATIME | ATTR_MTIME)) && !(a->valid & (ATTR_TIMES_SET | ATTR_SIZE | ATTR_FORCE))) {
		// utimensat(2) with both UTIME_NOW: the owner, or whoever may write.
		if (flags & S_IMMUTABLE)
			return -EPERM;
		if (!inode_owner_or_capable(inode)) {
			err = inode_permission(inode, MAY_WRITE);
			if (err)
				return err;
		}
	}
	a->valid |= ATTR_CTIME;
	a->ctime = now;
	if (!(a->valid & ATTR_ATIME_SET))
		a->atime = now;
	if (!(a->valid & ATTR_MTIME_SET))
		a->mtime = now;
	if (a->valid & (ATTR_KILL_SUID | ATTR_KILL_SGID)) {
		u32 kill = a->valid & (ATTR_KILL_SUID | ATTR_KILL_SGID);

		a->valid &= ~kill;
		if (!(a->valid & ATTR_MODE)) {
			umode_t mode = inode->mode;

			if (kill & ATTR_KILL_SUID)
				mode &= ~S_ISUID;
			if (kill & ATTR_KILL_SGID)
				mode &= ~S_ISGID;
			if (mode != inode->mode) {
				a->mode = mode;
				a->valid |= ATTR_MODE;
			}
		}
	}
	if (inode->ops && inode->ops->setattr)
		return inode->ops->setattr(d, a);
	err = setattr_prepare(d, a);
	if (err)
		return err;
	setattr_copy(inode, a);
	return 0;
}

int file_remove_privs(struct inode *inode)
{
	u32 kill = inode_privs_to_kill(inode);

	if (likely(!(inode->mode & (S_ISUID | S_ISGID))) || !kill || inode_capable(inode, CAP_FSETID))
		return 0;
	WRITE_ONCE(inode->mode, inode->mode & ~((kill & ATTR_KILL_SUID ? S_ISUID : 0) | (kill & ATTR_KILL_SGID ? S_ISGID : 0)));
	return 0;
}

void generic_fillattr(const struct inode *inode, struct kstat *st)
{
	st->dev = inode->sb->dev;
	st->ino = inode->ino;
	st->mode = READ_ONCE(inode->mode);
	st->nlink = READ_ONCE(inode->nlink);
	st->uid = inode->uid;
	st->gid = inode->gid;
	st->rdev = inode->rdev;
	st->size = READ_ONCE(inode->size);
	st->atime = inode->atime;
	st->mtime = inode->mtime;
	st->ctime = inode->ctime;
	st->blksize = inode->sb->blocksize;
	st->blocks = READ_ONCE(inode->blocks);
}

void inode_touch(struct inode *inode, u32 which)
{
	struct timespec_k now = current_time_k();

	if (which & ATTR_MTIME)
		inode->mtime = now;
	if (which & ATTR_CTIME)
		inode->ctime = now;
	if (which & ATTR_ATIME)
		inode->atime = now;
}

// relatime: the access time is written when it is not newer than a change, or older than a day.
bool inode_atime_due(const struct inode *inode, u32 mnt_flags)
{
	u32 sbf = READ_ONCE(inode->sb->flags);

	if ((inode->flags & S_NOATIME) || (mnt_flags & MNT_NOATIME) || (sbf & (SB_RDONLY | SB_NOATIME)))
		return false;
	if (S_ISDIR(inode->mode) && ((mnt_flags & MNT_NODIRATIME) || (sbf & SB_NODIRATIME)))
		return false;
	if (!(mnt_flags & MNT_RELATIME) || time_before(&inode->atime, &inode->mtime) || time_before(&inode->atime, &inode->ctime))
		return true;
	return ktime_get_real() / NSEC_PER_SEC - inode->atime.sec >= 24 * 60 * 60;
}

void inode_touch_atime(struct inode *inode, u32 mnt_flags, const struct mount *m)
{
	if (inode_atime_due(inode, mnt_flags) && !(mnt_flags & MNT_READONLY))
		inode->atime = current_time_k();
}

void inode_atime(struct file *f)
{
	u32 flags = READ_ONCE(f->path.mnt->flags);

	if (likely(!(READ_ONCE(f->flags) & 01000000 /* O_NOATIME */)))
		inode_touch_atime(f->inode, flags, f->path.mnt);
}

INIT void inode_init(void)
{
	inode_cache = kmem_cache_create("inode", sizeof(struct inode), 64, SLAB_PANIC | SLAB_RECLAIMABLE, NULL);
}
