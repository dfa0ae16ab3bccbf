// syslog(2): the older view of the log. Reads give "<priority>[seconds] text" lines; all callers of READ share one place in the log.
#include "dev/kmsg.h"
#include "kern/log.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "sched/mutex.h"
#include "sched/sched.h"
#include <linux/capability.h>

enum { SYSLOG_CLOSE, SYSLOG_OPEN, SYSLOG_READ, SYSLOG_READ_ALL, SYSLOG_READ_CLEAR, SYSLOG_CLEAR, SYSLOG_CONSOLE_OFF, SYSLOG_CONSOLE_ON,
	SYSLOG_CONSOLE_LEVEL, SYSLOG_SIZE_UNREAD, SYSLOG_SIZE_BUFFER };

#define SYSLOG_BUFFER (64 << 10)	// size of the log's text, as reported
#define SYSLOG_TEXT 1024
#define SYSLOG_LINE (2 * SYSLOG_TEXT)	// a record with prefixes; what is longer is cut

struct syslog_work {
	char text[SYSLOG_TEXT];
	char line[SYSLOG_LINE];
};

DEFINE_LOCK_CLASS(syslog_mutex_class, LOCK_TASK);
static struct mutex syslog_mutex = MUTEX_INIT(syslog_mutex, &syslog_mutex_class);
static u64 syslog_seq GUARDED_BY(&syslog_mutex);	// next record for READ
static size_t syslog_partial GUARDED_BY(&syslog_mutex);	// bytes of it that were read already
static int saved_console_level = -1;			// GUARDED_BY(&syslog_mutex)

int kmsg_syslog_permission(int type, bool from_file)
{
	if (from_file && type != SYSLOG_OPEN)
		return 0;
	// dmesg_restrict is 0: anybody may read all, only the privileged may consume or change.
	if (type == SYSLOG_READ_ALL || type == SYSLOG_SIZE_BUFFER || capable(CAP_SYSLOG))
		return 0;
	return -EPERM;
}

bool kmsg_syslog_pending(void)
{
	return kmsg_ready(READ_ONCE(syslog_seq));
}

// Each line of the record with priority and time stamp. Returns the length.
static size_t render(struct syslog_work *w, const struct log_record *rec, size_t n)
{
	size_t len = 0;
	const char *s = w->text, *end = s + n;

	do {
		const char *nl = s;
		while (nl < end && *nl != '\n')
			nl++;
		len += (size_t)scnprintf(w->line + len, SYSLOG_LINE - len, "<%u>[%5llu.%06llu] %.*s\n", (u32)rec->facility << 3 | rec->level,
					 rec->ns / 1000000000, rec->ns / 1000 % 1000000, (int)(nl - s), s);
		s = nl + 1;
	} while (s < end);
	return len;
}

// The record at *seq as lines. Length; 0 at the end of the log. Lost records are skipped.
static size_t next_record(struct syslog_work *w, u64 *seq)
{
	struct log_record rec;
	int n;

	u64 before;
	do {
		before = *seq;
		n = log_read(seq, &rec, w->text, SYSLOG_TEXT);
	} while (n == -EPIPE);
	if (*seq == before)
		return 0;
	return render(w, &rec, (size_t)n);
}

static long read_locked_syslog(struct syslog_work *w, uptr buf, size_t size) REQUIRES(&syslog_mutex)
{
	long done = 0;

	while (size) {
		u64 seq = syslog_seq;
		if (seq < log_first_seq()) {
			seq = syslog_seq = log_first_seq();
			syslog_partial = 0;
		}
		if (seq >= log_next_seq())
			break;
		size_t n = next_record(w, &seq), skip = MIN(syslog_partial, n), part = MIN(n - skip, size);
		if (!n)
			break;
		if (copy_out(uptr_add(buf, (u64)done), w->line + skip, part))
			return done ?: -EFAULT;
		syslog_partial += part;
		if (syslog_partial >= n) {
			syslog_seq = seq;
			syslog_partial = 0;
		}
		done += (long)part;
		size -= part;
	}
	return done;
}

static long syslog_read(struct syslog_work *w, uptr buf, size_t size)
{
	kmsg_listen();
	for (;;) {
		int err = WAIT_EVENT_INTERRUPTIBLE(&kmsg_wait, kmsg_syslog_pending());
		if (err)
			return err;
		mutex_lock(&syslog_mutex);
		long n = read_locked_syslog(w, buf, size);
		mutex_unlock(&syslog_mutex);
		if (n)
			return n;
	}
}

// The last `size` bytes of the log, whole records.
static long syslog_read_all(struct syslog_work *w, uptr buf, size_t size, bool clear)
{
	u64 from = MAX(READ_ONCE(kmsg_clear_seq), log_first_seq()), seq = from, end = log_next_seq();
	size_t total = 0, n;
	long done = 0;

	while (seq < end && (n = next_record(w, &seq)))
		total += n;
	for (seq = from; total > size && seq < end && (n = next_record(w, &seq)); total -= MIN(n, total))
		;
	while (seq < end && (n = next_record(w, &seq)) && (size_t)done + n <= size) {
		if (copy_out(uptr_add(buf, (u64)done), w->line, n))
			return -EFAULT;
		done += (long)n;
	}
	if (clear)
		WRITE_ONCE(kmsg_clear_seq, end);
	return done;
}

static long with_buffer(int type, uptr buf, int len)
{
	if (uptr_is_null(buf) || len < 0)
		return -EINVAL;
	if (!len)
		return 0;
	if (!user_range_ok(buf, (u64)len))
		return -EFAULT;
	struct syslog_work *w = kalloc(sizeof(*w), GFP_KERNEL | GFP_UNINIT);
	if (!w)
		return -ENOMEM;
	long n = type == SYSLOG_READ ? syslog_read(w, buf, (size_t)len) : syslog_read_all(w, buf, (size_t)len, type == SYSLOG_READ_CLEAR);
	kfree(w);
	return n;
}

static long unread_bytes(void)
{
	struct syslog_work *w = kalloc(sizeof(*w), GFP_KERNEL | GFP_UNINIT);
	size_t total = 0, n;

	if (!w)
		return -ENOMEM;
	mutex_lock(&syslog_mutex);
	u64 seq = MAX(syslog_seq, log_first_seq()), end = log_next_seq();
	size_t skip = seq == syslog_seq ? syslog_partial : 0;
	while (seq < end && (n = next_record(w, &seq)))
		total += n;
	mutex_unlock(&syslog_mutex);
	kfree(w);
	return (long)(total - MIN(skip, total));
}

static long console_control(int type, int len)
{
	if (type == SYSLOG_CONSOLE_LEVEL && (len < 1 || len > 8))
		return -EINVAL;
	mutex_lock(&syslog_mutex);
	switch (type) {
	case SYSLOG_CONSOLE_OFF:
		if (saved_console_level < 0)
			saved_console_level = console_level();
		console_set_level(1);
		break;
	case SYSLOG_CONSOLE_ON:
		if (saved_console_level >= 0)
			console_set_level(saved_console_level);
		saved_console_level = -1;
		break;
	default:
		console_set_level(len);
		saved_console_level = -1;
	}
	mutex_unlock(&syslog_mutex);
	return 0;
}

long kmsg_syslog(int type, uptr buf, int len, bool from_file)
{
	int err = kmsg_syslog_permission(type, from_file);

	if (err)
		return err;
	switch (type) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
		return 0;
	case SYSLOG_READ:
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		return with_buffer(type, buf, len);
	case SYSLOG_CLEAR:
		WRITE_ONCE(kmsg_clear_seq, log_next_seq());
		return 0;
	case SYSLOG_CONSOLE_OFF:
	case SYSLOG_CONSOLE_ON:
	case SYSLOG_CONSOLE_LEVEL:
		return console_control(type, len);
	case SYSLOG_SIZE_UNREAD:
		return unread_bytes();
	case SYSLOG_SIZE_BUFFER:
		return SYSLOG_BUFFER;
	default:
		return -EINVAL;
	}
}
