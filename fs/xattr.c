// Extended attributes. See xattr.h.
#include "fs/xattr.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "task/cred.h"
#include <linux/capability.h>
#include <linux/stat.h>
#include <linux/xattr.h>

struct xattr {
	struct list_head link;
	size_t size;
	char *name;
	u8 value[];
};

DEFINE_LOCK_CLASS(xattrs_lock_class, LOCK_TASK);

void xattrs_init(struct xattrs *x)
{
	INIT_LIST_HEAD(&x->list);
	spin_init(&x->lock, &xattrs_lock_class);
	x->bytes = 0;
}

size_t xattr_bytes(const char *name, size_t size)
{
	return sizeof(struct xattr) + strlen(name) + 1 + size;
}

static void xattr_free(struct xattr *a)
{
	kfree(a->name);
	kvfree(a);
}

void xattrs_destroy(struct xattrs *x) NO_LOCK_ANALYSIS	// the last user
{
	struct xattr *a, *n;

	list_for_each_entry_safe(a, n, &x->list, link)
		xattr_free(a);
	INIT_LIST_HEAD(&x->list);
}

static struct xattr *xattr_find(struct xattrs *x, const char *name) REQUIRES(&x->lock)
{
	struct xattr *a;

	list_for_each_entry(a, &x->list, link) {
		if (streq(a->name, name))
			return a;
	}
	return NULL;
}

ssize_t xattrs_get(struct xattrs *x, const char *name, void *buf, size_t size)
{
	struct xattr *a;
	ssize_t n = -ENODATA;

	spin_lock(&x->lock);
	a = xattr_find(x, name);
	if (a) {
		n = a->size;
		if (size && size < a->size)
			n = -ERANGE;
		else if (size)
			memcpy(buf, a->value, a->size);
	}
	spin_unlock(&x->lock);
	return n;
}

int xattrs_set(struct xattrs *x, const char *name, const void *v, size_t size, int flags)
{
	struct xattr *new = kvalloc(sizeof(*new) + size, GFP_KERNEL), *old;
	int err = 0;

	if (!new)
		return -ENOMEM;
	new->name = kstrdup(name, GFP_KERNEL);
	if (!new->name) {
		kvfree(new);
		return -ENOMEM;
	}
	new->size = size;
	memcpy(new->value, v, size);
	spin_lock(&x->lock);
	old = xattr_find(x, name);
	if (old && (flags & XATTR_CREATE))
		err = -EEXIST;
	else if (!old && (flags & XATTR_REPLACE))
		err = -ENODATA;
	if (!err) {
		x->bytes += xattr_bytes(name, size);
		if (old) {
			x->bytes -= xattr_bytes(name, old->size);
			list_replace(&old->link, &new->link);
		} else {
			list_add_tail(&new->link, &x->list);
		}
	}
	spin_unlock(&x->lock);
	if (err)
		xattr_free(new);
	else if (old)
		xattr_free(old);
	return err;
}

int xattrs_remove(struct xattrs *x, const char *name)
{
	struct xattr *a;

	spin_lock(&x->lock);
	a = xattr_find(x, name);
	if (a) {
		list_del(&a->link);
		x->bytes -= xattr_bytes(name, a->size);
	}
	spin_unlock(&x->lock);
	if (!a)
		return -ENODATA;
	xattr_free(a);
	return 0;
}

ssize_t xattrs_list(struct xattrs *x, char *buf, size_t size, bool trusted)
{
	struct xattr *a;
	size_t n = 0;

	spin_lock(&x->lock);
	list_for_each_entry(a, &x->list, link) {
		size_t len = strlen(a->name) + 1;

		if (!trusted && str_has_prefix(a->name, XATTR_TRUSTED_PREFIX))
			continue;
		if (size && len > size - n) {
			spin_unlock(&x->lock);
			return -ERANGE;
		}
		if (size)
			memcpy(buf + n, a->name, len);
		n += len;
	}
	spin_unlock(&x->lock);
	return n;
}

static int xattr_permission(struct inode *inode, const char *name, int mask)
{
	if (mask & MAY_WRITE) {
		if (inode->flags & (S_IMMUTABLE | S_APPEND))
			return -EPERM;
	}
	// security.* and system.*: the file system's (or a security module's) business.
	if (str_has_prefix(name, XATTR_SECURITY_PREFIX)) {
		if ((mask & MAY_WRITE) && !inode_capable(inode, streq(name, "security.capability") ? CAP_SETFCAP : CAP_SYS_ADMIN))
			return -EPERM;
		return 0;
	}
	if (str_has_prefix(name, XATTR_SYSTEM_PREFIX))
		return 0;
	if (str_has_prefix(name, XATTR_TRUSTED_PREFIX))
		return capable(CAP_SYS_ADMIN) ? 0 : mask & MAY_WRITE ? -EPERM : -ENODATA;
	if (str_has_prefix(name, XATTR_USER_PREFIX)) {
		if (!S_ISREG(inode->mode) && !S_ISDIR(inode->mode))
			return mask & MAY_WRITE ? -EPERM : -ENODATA;
		if (S_ISDIR(inode->mode) && (inode->mode & S_ISVTX) && (mask & MAY_WRITE) && !inode_owner_or_capable(inode))
			return -EPERM;
	}
	return inode_permission(inode, mask);
}

int vfs_setxattr(const struct path *p, const char *name, const void *v, size_t size, int flags)
{
	struct inode *inode = p->dentry->inode;
	int err = mnt_want_write(p->mnt);

	if (err)
		return err;
	down_write(&inode->rwsem);
	err = xattr_permission(inode, name, MAY_WRITE);
	if (!err)
		err = inode->ops && inode->ops->setxattr ? inode->ops->setxattr(inode, name, v, size, flags) : -EOPNOTSUPP;
	if (!err)
		inode_touch(inode, ATTR_CTIME);
	up_write(&inode->rwsem);
	mnt_drop_write(p->mnt);
	return err;
}

ssize_t vfs_getxattr(const struct path *p, const char *name, void *buf, size_t size)
{
	struct inode *inode = p->dentry->inode;
	int err = xattr_permission(inode, name, MAY_READ);

	if (err)
		return err;
	return inode->ops && inode->ops->getxattr ? inode->ops->getxattr(inode, name, buf, size) : -EOPNOTSUPP;
}

ssize_t vfs_listxattr(const struct path *p, char *buf, size_t size)
{
	struct inode *inode = p->dentry->inode;

	return inode->ops && inode->ops->listxattr ? inode->ops->listxattr(p->dentry, buf, size) : 0;
}

int vfs_removexattr(const struct path *p, const char *name)
{
	struct inode *inode = p->dentry->inode;
	int err = mnt_want_write(p->mnt);

	if (err)
		return err;
	down_write(&inode->rwsem);
	err = xattr_permission(inode, name, MAY_WRITE);
	if (!err)
		err = inode->ops && inode->ops->removexattr ? inode->ops->removexattr(inode, name) : -EOPNOTSUPP;
	if (!err)
		inode_touch(inode, ATTR_CTIME);
	up_write(&inode->rwsem);
	mnt_drop_write(p->mnt);
	return err;
}
