// Generated files. See seq_file.h.
//
// The buffer holds whole records: read() hands out what is there and makes more when it is empty. A record that does not fit is made
// again in a buffer twice as large.
#include "fs/seq_file.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mm/slab.h"
#include <linux/fcntl.h>
#include <linux/fs.h>

#define SEQ_FIRST_SIZE 4096
DEFINE_LOCK_CLASS(seq_lock_class, LOCK_TASK);

int seq_open(struct file *f, const struct seq_ops *ops, void *private)
{
	struct seq_file *m = kalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return -ENOMEM;
	mutex_init(&m->lock, &seq_lock_class);
	m->ops = ops;
	m->file = f;
	m->private = private;
	f->private = m;
	f->mode &= ~FMODE_PWRITE;
	return 0;
}

// ---- one record -----------------------------------------------------------------------------------------------------

static void *single_start(struct seq_file *m, loff_t *pos)
{
	return *pos == 0 ? (void *)1 : NULL;
}

static void *single_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return NULL;
}

static void single_stop(struct seq_file *m, void *v)
{
}

int single_open(struct file *f, int (*show)(struct seq_file *m, void *v), void *private)
{
	struct seq_file *m;
	int err = seq_open(f, NULL, private);

	if (err)
		return err;
	m = f->private;
	m->single = (struct seq_ops){ .start = single_start, .next = single_next, .stop = single_stop, .show = show };
	m->ops = &m->single;
	return 0;
}

void seq_release(struct inode *inode, struct file *f)
{
	struct seq_file *m = f->private;

	kvfree(m->buf);
	kfree(m);
	f->private = NULL;
}

// ---- reading --------------------------------------------------------------------------------------------------------

static int seq_grow(struct seq_file *m, size_t size)
{
	kvfree(m->buf);
	m->count = m->from = 0;
	m->buf = kvalloc(size, GFP_KERNEL | GFP_UNINIT);
	m->size = m->buf ? size : 0;
	return m->buf ? 0 : -ENOMEM;
}

// Records from m->index on: at least one, up to `want` bytes. 0 and an empty buffer at the end.
static int seq_fill(struct seq_file *m, size_t want)
{
	loff_t pos;
	void *v;
	int err = m->buf ? 0 : seq_grow(m, SEQ_FIRST_SIZE);

	if (err)
		return err;
	m->from = m->count = 0;
	pos = m->index;
	v = m->ops->start(m, &pos);
	while (v) {
		size_t before = m->count;

		err = m->ops->show(m, v);
		if (err < 0) {
			m->count = before;
			break;
		}
		if (err > 0) {		// SEQ_SKIP
			m->count = before;
			err = 0;
		} else if (seq_overflowed(m)) {
			m->count = before;
			if (before)
				break;		// it comes first next time
			m->ops->stop(m, v);
			err = seq_grow(m, m->size * 2);
			if (err)
				return err;
			pos = m->index;
			v = m->ops->start(m, &pos);
			continue;
		}
		v = m->ops->next(m, v, &pos);
		m->index = pos;
		if (m->count >= want)
			break;
	}
	m->ops->stop(m, v);
	return m->count ? 0 : err;
}

// Makes the buffer start at file position pos.
static int seq_traverse(struct seq_file *m, loff_t pos)
{
	loff_t at = 0;

	m->index = 0;
	m->from = m->count = 0;
	while (at < pos) {
		int err = seq_fill(m, 1);

		if (err)
			return err;
		if (!m->count)
			break;
		if (at + (loff_t)m->count > pos) {
			m->from = pos - at;
			m->count -= m->from;
			return 0;
		}
		at += m->count;
		m->count = 0;
	}
	return 0;
}

ssize_t seq_read(struct kiocb *k, struct iov_iter *to)
{
	struct seq_file *m = k->file->private;
	ssize_t done = 0;
	int err = 0;

	mutex_lock(&m->lock);
	if (k->pos != m->read_pos) {
		err = seq_traverse(m, k->pos);
		if (err) {
			m->read_pos = 0;
			m->index = 0;
			m->count = 0;
			goto out;
		}
		m->read_pos = k->pos;
	}
	while (to->count) {
		size_t n;

		if (!m->count) {
			err = seq_fill(m, to->count);
			if (err || !m->count)
				break;
		}
		n = copy_to_iter(m->buf + m->from, MIN(m->count, to->count), to);
		m->from += n;
		m->count -= n;
		done += n;
		if (m->count) {		// full, or a fault
			if (to->count)
				err = -EFAULT;
			break;
		}
	}
	k->pos += done;
	m->read_pos = k->pos;
out:
	mutex_unlock(&m->lock);
	return done ? done : err;
}

loff_t seq_lseek(struct file *f, loff_t off, int whence)
{
	struct seq_file *m = f->private;
	loff_t pos = -EINVAL;
	int err;

	mutex_lock(&m->lock);
	if (whence == SEEK_CUR)
		off += f->pos;
	if ((whence == SEEK_SET || whence == SEEK_CUR) && off >= 0) {
		pos = off;
		if (off != m->read_pos) {
			err = seq_traverse(m, off);
			m->read_pos = err ? 0 : off;
			if (err) {
				m->index = m->count = 0;
				pos = err;
			}
		}
		if (pos >= 0)
			f->pos = pos;
	}
	mutex_unlock(&m->lock);
	return pos;
}

// ---- writing records ------------------------------------------------------------------------------------------------

void seq_write(struct seq_file *m, const void *p, size_t n)
{
	if (m->count + n < m->size) {
		memcpy(m->buf + m->count, p, n);
		m->count += n;
	} else {
		m->count = m->size;	// overflowed
	}
}

void seq_puts(struct seq_file *m, const char *s)
{
	seq_write(m, s, strlen(s));
}

void seq_putc(struct seq_file *m, char c)
{
	seq_write(m, &c, 1);
}

void seq_vprintf(struct seq_file *m, const char *fmt, va_list ap)
{
	size_t room = m->size - m->count, n;

	if (!room)
		return;
	n = vsnprintf(m->buf + m->count, room, fmt, ap);
	m->count += MIN(n, room);
}

void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	seq_vprintf(m, fmt, ap);
	va_end(ap);
}

void seq_put_u64(struct seq_file *m, const char *prefix, u64 v)
{
	char digits[FMT_U64_DEC + 1];

	seq_puts(m, prefix);
	seq_write(m, digits, fmt_u64_dec(digits, v));
}

void seq_put_s64(struct seq_file *m, const char *prefix, s64 v)
{
	char digits[FMT_U64_DEC + 2];

	seq_puts(m, prefix);
	seq_write(m, digits, fmt_s64_dec(digits, v));
}

void seq_escape(struct seq_file *m, const char *s, const char *esc)
{
	for (; *s; s++) {
		if (strchr(esc, *s))
			seq_printf(m, "\\%03o", (u8)*s);
		else
			seq_putc(m, *s);
	}
}

int seq_path(struct seq_file *m, const struct path *p, const char *esc)
{
	char *buf = kalloc(4096, GFP_KERNEL | GFP_UNINIT), *s;
	int err;

	if (!buf)
		return -ENOMEM;
	s = d_path(p, buf, 4096, &err);
	if (!err)
		seq_escape(m, s, esc);
	kfree(buf);
	return err;
}
