// /dev/kmsg: one record per read, "priority,sequence,microseconds,flags;text"; each reader has its own place. Documentation: Linux's ABI/testing/dev-kmsg.
#include "dev/kmsg.h"
#include "dev/mem.h"
#include "kern/log.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "sched/sched.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#define KMSG_TEXT 1024			// longest record that the log keeps, and that a program may write
#define KMSG_LINE (48 + 4 * KMSG_TEXT)	// with its header and every byte escaped
#define KMSG_DEFAULT_PRIO (1 << 3 | LOG_WARN)

struct waitq kmsg_wait = WAITQ_INIT(kmsg_wait);
u64 kmsg_clear_seq;

struct kmsg_reader {
	struct mutex lock;
	u64 seq GUARDED_BY(&lock);
	char text[KMSG_TEXT] GUARDED_BY(&lock);
	char line[KMSG_LINE] GUARDED_BY(&lock);
};
DEFINE_LOCK_CLASS(kmsg_reader_class, LOCK_TASK);

bool kmsg_ready(u64 seq)
{
	struct log_record rec;
	char none;
	u64 next = seq;

	return log_read(&next, &rec, &none, 0) < 0 || next != seq;
}

static void wake_log_readers(void)
{
	waitq_wake_all(&kmsg_wait);
}

void kmsg_listen(void)
{
	log_set_notify(wake_log_readers);
}

static int kmsg_open(struct inode *inode, struct file *f) NO_LOCK_ANALYSIS	// not published yet
{
	if ((f->flags & O_ACCMODE) != O_WRONLY) {
		int err = kmsg_syslog_permission(3, false);
		if (err)
			return err;
	}
	struct kmsg_reader *r = kvalloc(sizeof(*r), GFP_KERNEL | GFP_UNINIT);
	if (!r)
		return -ENOMEM;
	mutex_init(&r->lock, &kmsg_reader_class);
	r->seq = log_first_seq();
	f->private = r;
	kmsg_listen();
	return 0;
}

static void kmsg_release(struct inode *inode, struct file *f)
{
	kvfree(f->private);
}

// Control characters, what is not ASCII, and the backslash as \xNN, so that a record is always one line.
static size_t escape(char *to, const char *s, size_t n)
{
	char *p = to;

	for (; n; n--, s++) {
		u8 c = (u8)*s;
		if (c < ' ' || c >= 127 || c == '\\')
			p += snprintf(p, 5, "\\x%02x", c);
		else
			*p++ = (char)c;
	}
	return (size_t)(p - to);
}

// The next record as a line in r->line. Its length, 0 when there is none, -EPIPE.
static int next_line(struct kmsg_reader *r) REQUIRES(&r->lock)
{
	struct log_record rec;
	u64 seq = r->seq;
	int n = log_read(&r->seq, &rec, r->text, sizeof(r->text));

	if (n < 0 || r->seq == seq)
		return n;
	int head = scnprintf(r->line, sizeof(r->line), "%u,%llu,%llu,-;", (u32)rec.facility << 3 | rec.level, rec.seq, rec.ns / 1000);
	size_t len = (size_t)head + escape(r->line + head, r->text, (size_t)n);
	r->line[len++] = '\n';
	return (int)len;
}

static ssize_t read_locked(struct kmsg_reader *r, struct file *f, struct iov_iter *to) REQUIRES(&r->lock)
{
	u64 seq = r->seq;
	int n;

	while ((n = next_line(r)) == 0) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		int err = WAIT_EVENT_INTERRUPTIBLE(&kmsg_wait, kmsg_ready(r->seq));
		if (err)
			return err;
		seq = r->seq;
	}
	if (n < 0)
		return n;
	if ((size_t)n > iov_iter_count(to)) {
		r->seq = seq;
		return -EINVAL;
	}
	return copy_to_iter(r->line, (size_t)n, to) == (size_t)n ? n : -EFAULT;
}

static ssize_t kmsg_read(struct kiocb *k, struct iov_iter *to)
{
	struct kmsg_reader *r = k->file->private;
	int err = mutex_lock_interruptible(&r->lock);

	if (err)
		return err;
	ssize_t n = read_locked(r, k->file, to);
	mutex_unlock(&r->lock);
	return n;
}

// "<N>" at the beginning is the priority.
static ssize_t kmsg_write(struct kiocb *k, struct iov_iter *from)
{
	size_t n = iov_iter_count(from);
	int prio = KMSG_DEFAULT_PRIO;

	if (n > KMSG_TEXT)
		return -EINVAL;
	char *buf = kalloc(n + 1, GFP_KERNEL | GFP_UNINIT), *s = buf;
	if (!buf)
		return -ENOMEM;
	if (copy_from_iter(buf, n, from) != n) {
		kfree(buf);
		return -EFAULT;
	}
	buf[n] = 0;
	if (s[0] == '<') {
		int given = 0;
		char *p = s + 1;
		for (; isdigit(*p) && given < 0x10000; p++)
			given = given * 10 + (*p - '0');
		if (*p == '>' && p > s + 1) {
			prio = (given >> 3 & 0xff ? given : given | 1 << 3) & 0x7ff;
			s = p + 1;
		}
	}
	log_user(prio, s, strlen(s));
	kfree(buf);
	return (ssize_t)n;
}

static loff_t kmsg_llseek(struct file *f, loff_t off, int whence)
{
	struct kmsg_reader *r = f->private;
	u64 seq;

	if (off)
		return -ESPIPE;
	switch (whence) {
	case SEEK_SET:
		seq = log_first_seq();
		break;
	case SEEK_DATA:
		seq = MAX(READ_ONCE(kmsg_clear_seq), log_first_seq());
		break;
	case SEEK_END:
		seq = log_next_seq();
		break;
	default:
		return -EINVAL;
	}
	mutex_lock(&r->lock);
	r->seq = seq;
	mutex_unlock(&r->lock);
	return 0;
}

static u32 kmsg_poll(struct file *f, struct poll_table *t) NO_LOCK_ANALYSIS
{
	struct kmsg_reader *r = f->private;

	poll_wait(t, f, &kmsg_wait);
	u64 seq = READ_ONCE(r->seq);	// not locked: a reader sleeps with the lock held
	if (!kmsg_ready(seq))
		return 0;
	return EPOLLIN | EPOLLRDNORM | (seq < log_first_seq() ? EPOLLERR | EPOLLPRI : 0);
}

const struct file_ops kmsg_fops = {
	.open = kmsg_open, .release = kmsg_release, .llseek = kmsg_llseek, .read = kmsg_read, .write = kmsg_write, .poll = kmsg_poll,
};
