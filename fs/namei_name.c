// Path names: copied in from user memory or given by the kernel.
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/uaccess.h"

#define PATH_MAX_LEN 4096

static int name_result(struct filename *n, ssize_t len, u32 flags)
{
	if (unlikely(len < 0))
		return len;
	n->len = len;
	return len == 0 && !(flags & LOOKUP_EMPTY) ? -ENOENT : 0;
}

int getname(uptr user, u32 lookup_flags, struct filename **out)
{
	struct filename *n = kalloc(sizeof(*n) + PATH_MAX_LEN, GFP_KERNEL | GFP_UNINIT);
	int err;

	if (!n)
		return -ENOMEM;
	n->name = (char *)(n + 1);
	n->user = user;
	n->heap = true;
	err = name_result(n, strncpy_from_user((char *)(n + 1), user, PATH_MAX_LEN), lookup_flags);
	if (err) {
		kfree(n);
		return err;
	}
	*out = n;
	return 0;
}

int getname_buf(struct name_buf *b, uptr user, u32 lookup_flags, struct filename **out)
{
	ssize_t len = strncpy_from_user(b->text, user, sizeof(b->text));

	if (unlikely(len == -ENAMETOOLONG))
		return getname(user, lookup_flags, out);
	b->n.name = b->text;
	b->n.user = user;
	b->n.heap = false;
	*out = &b->n;
	return name_result(&b->n, len, lookup_flags);
}

int getname_kernel(const char *s, struct filename **out)
{
	size_t len = strlen(s);
	struct filename *n;

	if (len >= PATH_MAX_LEN)
		return -ENAMETOOLONG;
	n = kalloc(sizeof(*n) + len + 1, GFP_KERNEL);
	if (!n)
		return -ENOMEM;
	memcpy(n + 1, s, len + 1);
	n->name = (char *)(n + 1);
	n->heap = true;
	n->len = len;
	*out = n;
	return 0;
}

void putname(struct filename *n)
{
	if (unlikely(n->heap))
		kfree(n);
}
