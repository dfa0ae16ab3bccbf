// Paths as text: d_path(), getcwd(2), /proc/PID/mounts.
#include "fs/fs_internal.h"
#include "fs/seq_file.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include <stdarg.h>

struct tail {			// text that grows downwards
	char *buf, *p;
	bool full;
};

static void tail_put(struct tail *t, const char *s, size_t n)
{
	if ((size_t)(t->p - t->buf) < n) {
		t->full = true;
		return;
	}
	t->p -= n;
	memcpy(t->p, s, n);
}

// A name may change under us: at most its own length, and what we read is memory that RCU keeps.
static void tail_put_name(struct tail *t, const struct dentry *d)
{
	const char *name = READ_ONCE(d->name.name);
	u32 len = READ_ONCE(d->name.len);

	tail_put(t, name, strnlen(name, len));
	tail_put(t, "/", 1);
}

enum path_end { END_ROOT, END_ABSOLUTE, END_DETACHED };

// RCU; the caller retries when rename_lock or mount_lock moved.
static enum path_end tail_put_path(struct tail *t, const struct path *p, const struct path *root)
{
	const struct dentry *d = p->dentry;
	const struct mount *m = p->mnt;

	while (!root || d != root->dentry || m != root->mnt) {
		const struct dentry *parent = READ_ONCE(d->parent);

		if (d == m->root) {
			const struct mount *up = READ_ONCE(m->parent);

			if (up == m)
				return m->ns ? END_ABSOLUTE : END_DETACHED;
			d = READ_ONCE(m->mountpoint);
			m = up;
			continue;
		}
		if (d == parent)
			return END_DETACHED;
		tail_put_name(t, d);
		d = parent;
	}
	return END_ROOT;
}

static char *path_text(const struct path *p, const struct path *root, char *buf, size_t n, bool deleted, enum path_end *end, int *err)
{
	struct tail t, start = { .buf = buf, .p = buf + n };
	u32 mseq, rseq;

	tail_put(&start, "", 1);
	if (deleted)
		tail_put(&start, " (deleted)", 10);
	rcu_read_lock();
	do {
		mseq = seq_read_begin(&mount_lock.count);
		rseq = seq_read_begin(&rename_lock.count);
		t = start;
		*end = tail_put_path(&t, p, root);
	} while (seq_read_retry(&rename_lock.count, rseq) || seq_read_retry(&mount_lock.count, mseq));
	rcu_read_unlock();
	if (t.p == start.p)
		tail_put(&t, "/", 1);
	*err = t.full ? -ENAMETOOLONG : 0;
	return t.p;
}

static bool d_unlinked(const struct dentry *d)
{
	return (READ_ONCE(d->flags) & D_UNHASHED) && d != d->parent;
}

char *d_path(const struct path *p, char *buf, size_t n, int *err)
{
	struct path root;
	enum path_end end;
	char *s;

	if (p->dentry->ops && p->dentry->ops->dname && (p->dentry->parent == p->dentry)) {
		*err = 0;
		return p->dentry->ops->dname(p->dentry, buf, n);
	}
	get_fs_root(current->fs, &root);
	s = path_text(p, &root, buf, n, d_unlinked(p->dentry), &end, err);
	path_put(&root);
	return s;
}

char *d_absolute_path(const struct path *p, char *buf, size_t n, int *err)
{
	enum path_end end;

	return path_text(p, NULL, buf, n, d_unlinked(p->dentry), &end, err);
}

char *d_path_from(const struct path *p, const struct path *root, char *buf, size_t n, bool *reachable, int *err)
{
	enum path_end end;
	char *s = path_text(p, root, buf, n, false, &end, err);

	*reachable = end == END_ROOT;
	return s;
}

char *dynamic_dname(char *buf, size_t n, const char *fmt, ...)
{
	char text[64];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vscnprintf(text, sizeof(text), fmt, ap) + 1;
	va_end(ap);
	if ((size_t)len > n)
		return buf;
	return memcpy(buf + n - len, text, len);
}

// getcwd(2): length with NUL, or -errno. "(unreachable)" in front of what is not below the root.
int fs_getcwd(char *buf, size_t n, char **out)
{
	struct path pwd, root;
	enum path_end end;
	struct tail t;
	int err;

	get_fs_pwd(current->fs, &pwd);
	get_fs_root(current->fs, &root);
	err = -ENOENT;
	if (!d_unlinked(pwd.dentry)) {
		t = (struct tail){ .buf = buf };
		t.p = path_text(&pwd, &root, buf, n, false, &end, &err);
		if (!err && end != END_ROOT)
			tail_put(&t, "(unreachable)", 13);
		if (t.full)
			err = -ENAMETOOLONG;
		*out = t.p;
	}
	path_put(&root);
	path_put(&pwd);
	return err ? err : buf + n - *out;
}
