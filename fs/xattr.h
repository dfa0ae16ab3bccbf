// fs/xattr.h - extended attributes: the checks of the system calls, and a list in memory for file systems without a disk. man 7 xattr.
#pragma once
#include "fs/inode.h"
#include "fs/path.h"

#define XATTR_MAX_NAME 255
#define XATTR_MAX_SIZE 65536
#define XATTR_MAX_LIST 65536

struct xattrs {
	struct list_head list GUARDED_BY(&lock);
	struct spinlock lock;
	size_t bytes OWNER("inode.rwsem");	// sum of xattr_bytes()
};
size_t xattr_bytes(const char *name, size_t size);	// memory that an attribute takes
void xattrs_init(struct xattrs *x);
void xattrs_destroy(struct xattrs *x);
ssize_t xattrs_get(struct xattrs *x, const char *name, void *buf, size_t size);	// size 0: the length. -ENODATA, -ERANGE
MUST_CHECK int xattrs_set(struct xattrs *x, const char *name, const void *v, size_t size, int flags);	// XATTR_CREATE, XATTR_REPLACE
int xattrs_remove(struct xattrs *x, const char *name);
ssize_t xattrs_list(struct xattrs *x, char *buf, size_t size, bool trusted);	// trusted: those too
// With all checks; the inode is locked here. 0, a length, or -errno.
int vfs_setxattr(const struct path *p, const char *name, const void *v, size_t size, int flags);
ssize_t vfs_getxattr(const struct path *p, const char *name, void *buf, size_t size);
ssize_t vfs_listxattr(const struct path *p, char *buf, size_t size);
int vfs_removexattr(const struct path *p, const char *name);
