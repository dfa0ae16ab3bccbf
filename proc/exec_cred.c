// exec: what the new program may do: set-user-ID bits, capabilities, no_new_privs. man 7 capabilities, "Transformation of capabilities during execve()".
#include "fs/file.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "proc/exec.h"
#include "task/cred.h"
#include "task/process.h"
#include <linux/capability.h>
#include <linux/personality.h>
#include <linux/securebits.h>
#include <linux/stat.h>

static int fill_ids(struct exec *x, struct cred *new)
{
	struct file *f = x->prog.file;
	struct inode *inode = f->inode;
	umode_t mode = READ_ONCE(inode->mode);
	kuid_t uid;
	kgid_t gid;

	if ((f->path.mnt && (f->path.mnt->flags & MNT_NOSUID)) || current->no_new_privs)
		return 0;
	if (!(mode & (S_ISUID | S_ISGID)))
		return 0;
	// Bits and owners of one moment: chown(2) takes the bits away, and the old bits must not meet the new owner.
	down_read(&inode->rwsem);
	mode = inode->mode;
	uid = inode->uid;
	gid = inode->gid;
	int err = inode_permission(inode, MAY_EXEC);	// it may have gone with them
	up_read(&inode->rwsem);
	if (err)
		return err;
	if (mode & S_ISUID) {
		x->per_clear |= PER_CLEAR_ON_SETID;
		new->euid = uid;
	}
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP)) {
		x->per_clear |= PER_CLEAR_ON_SETID;
		new->egid = gid;
	}
	return 0;
}

// Somebody outside this process shares our root and current directory: a gain of privilege would be theirs too.
// If nobody does, nobody can begin to until exec_creds_done().
static bool fs_is_shared(struct exec *x)
{
	struct fs_context *fs = current->fs;

	spin_lock(&fs->lock);
	bool shared = ref_read(&fs->ref) > current->process->nr_threads;
	if (!shared) {
		fs->in_exec++;
		x->fs = fs;
	}
	spin_unlock(&fs->lock);
	return shared;
}

void exec_creds_done(struct exec *x)
{
	if (!x->fs)
		return;
	spin_lock(&x->fs->lock);
	x->fs->in_exec--;
	spin_unlock(&x->fs->lock);
	x->fs = NULL;
}

int exec_creds_compute(struct exec *x)
{
	const struct cred *old = current_cred();
	struct cred *new;
	int err = prepare_creds(&new);

	if (err)
		return err;
	kuid_t root = make_kuid(new->user_ns, 0);
	bool effective = false;
	err = fill_ids(x, new);
	if (err) {
		cred_put(new);
		return err;
	}
	new->cap_permitted = 0;		// no file capabilities yet (security.capability)
	if (!(new->securebits & BIT(SECURE_NOROOT))) {
		if (uid_eq(new->euid, root) || uid_eq(new->uid, root))
			new->cap_permitted = new->cap_bset | old->cap_inheritable;
		effective = uid_eq(new->euid, root);
	}
	bool gained = new->cap_permitted & ~old->cap_permitted;
	bool setid = !uid_eq(new->euid, old->uid) || !gid_eq(new->egid, old->gid);
	if (gained)
		x->per_clear |= PER_CLEAR_ON_SETID;
	if ((setid || gained) && (current->no_new_privs || fs_is_shared(x))) {
		if (!ns_capable(new->user_ns, CAP_SETUID) || current->no_new_privs) {
			new->euid = new->uid;
			new->egid = new->gid;
		}
		new->cap_permitted &= old->cap_permitted;
	}
	new->suid = new->fsuid = new->euid;
	new->sgid = new->fsgid = new->egid;
	if (setid)
		new->cap_ambient = 0;
	new->cap_permitted |= new->cap_ambient;
	new->cap_effective = effective ? new->cap_permitted : new->cap_ambient;
	new->securebits &= ~BIT(SECURE_KEEP_CAPS);
	x->secure = setid || (!uid_eq(new->uid, root) && (effective || (new->cap_permitted & ~new->cap_ambient)));
	x->cred = new;
	return 0;
}

void exec_protect_mm(struct exec *x, struct mm *mm)
{
	const struct cred *c = x->cred;

	mm_set_dumpable(mm, uid_eq(c->euid, c->uid) && gid_eq(c->egid, c->gid) && !x->unreadable ? 1 : 0);
}

void exec_creds_commit(struct exec *x)
{
	struct mm *mm = current->mm;
	u32 dumpable = mm_dumpable(mm);

	if (x->secure)
		current->pdeath_signal = 0;
	commit_creds(x->cred);
	x->cred = NULL;
	mm_set_dumpable(mm, dumpable);	// commit_creds() knows nothing of the new program
}
