// include/drv/miscdevice.h - small character devices: one minor of major 10, one node in /dev. Code: dev/misc.c.
//
// Lifetime: `self` belongs to the caller for as long as the device is registered. drv_misc_deregister() makes the name
// and the minor free; files that are open keep working on their own `priv`, and their calls may still run.
#pragma once
#include "drv/types.h"

#define DRV_MISC_MAJOR		10
#define DRV_MISC_DYNAMIC_MINOR	255	// let the kernel choose

// What a device does; absent members have Linux's defaults for a file without that method. priv is what open made.
struct drv_misc_ops {
	// Opens. Sets *priv, which is owned by the file until release. Never runs after drv_misc_deregister() has returned.
	int	(*open)(void *self BORROWED, struct file *file BORROWED, void **priv OWNED) CTX_TASK;
	// The last use of priv: no other call for this file runs or follows.
	void	(*release)(void *priv OWNED, struct file *file BORROWED) CTX_TASK;
	ssize_t	(*read_iter)(void *priv BORROWED, struct kiocb *k BORROWED, struct iov_iter *to BORROWED) CTX_TASK;
	ssize_t	(*write_iter)(void *priv BORROWED, struct kiocb *k BORROWED, struct iov_iter *from BORROWED) CTX_TASK;
	long	(*ioctl)(void *priv BORROWED, struct file *file BORROWED, u32 cmd, u64 arg) CTX_TASK;
	long	(*compat_ioctl)(void *priv BORROWED, struct file *file BORROWED, u32 cmd, u64 arg) CTX_TASK;
	u32	(*poll)(void *priv BORROWED, struct file *file BORROWED, struct poll_table *pt BORROWED) CTX_TASK;
};

struct drv_misc;

// Registers /dev/<name>. On 0 *out is owned by the caller until drv_misc_deregister(), and open() may come at once.
// Returns 0, -EBUSY (minor taken or none left), -EEXIST (name taken), -EINVAL or -ENOMEM.
MUST_CHECK int drv_misc_register(const char *name BORROWED, u32 minor, const struct drv_misc_ops *ops STATIC_REF,
				 void *self BORROWED, struct drv_misc **out OWNED) CTX_TASK;
// Removes the node and waits for running calls of open(). self is not used afterwards.
void drv_misc_deregister(struct drv_misc *m OWNED) CTX_TASK;
