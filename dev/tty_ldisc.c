// The line discipline: man 3 termios. Input is edited and echoed as it arrives (tty_receive(), a worker thread); output is processed as it is
// written. State is guarded by tty->lock; copies to and from programs go through a small buffer without it.
#include "dev/tty.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "sched/sched.h"
#include "task/signal.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/signal.h>

#define LDISC_CHUNK 256			// bytes between two takings of the lock
#define POLLOUT_UNSENT 256		// poll says "writable" when less than this is unsent, as on Linux
#define DISABLED 0			// a control character of this value is none

#define I_FLAG(t, f) ((t)->termios.c_iflag & (f))
#define O_FLAG(t, f) ((t)->termios.c_oflag & (f))
#define L_FLAG(t, f) ((t)->termios.c_lflag & (f))
#define CTRL_CHAR(t, i) ((t)->termios.c_cc[i])

// ---- output -----------------------------------------------------------------------------------------------------------

static u8 get(const struct tty *t, u32 at) REQUIRES(&t->lock)
{
	return t->ld.buf[at % TTY_BUF];
}

static bool is_line_end(const struct tty *t, u32 at) REQUIRES(&t->lock)
{
	return t->ld.line_end[at % TTY_BUF / 64] >> (at % 64) & 1;
}

static void mark_line_end(struct tty *t, u32 at, bool on)
{
	u64 *w = &t->ld.line_end[at % TTY_BUF / 64], bit = 1ull << (at % 64);

	*w = on ? *w | bit : *w & ~bit;
}

// A byte of a UTF-8 character other than the first: takes no column.
static bool is_continuation(const struct tty *t, u8 c)
{
	return I_FLAG(t, IUTF8) && (c & 0xc0) == 0x80;
}

static void put_raw(struct tty *t, u8 c)
{
	(void)t->ops->write(t, &c, 1);
}

// One byte through OPOST, with the cursor's column kept. room: what the driver can take. False: it does not fit.
static bool output_char(struct tty *t, u8 c, size_t room) REQUIRES(&t->lock)
{
	u32 spaces;

	if (!room)
		return false;
	switch (c) {
	case '\n':
		if (O_FLAG(t, ONLRET))
			t->ld.column = 0;
		if (O_FLAG(t, ONLCR)) {
			if (room < 2)
				return false;
			t->ld.column = t->ld.line_column = 0;
			(void)t->ops->write(t, (const u8 *)"\r\n", 2);
			return true;
		}
		t->ld.line_column = t->ld.column;
		break;
	case '\r':
		if (O_FLAG(t, ONOCR) && t->ld.column == 0)
			return true;
		if (O_FLAG(t, OCRNL)) {
			c = '\n';
			if (!O_FLAG(t, ONLRET))
				break;
		}
		t->ld.column = t->ld.line_column = 0;
		break;
	case '\t':
		spaces = 8 - (t->ld.column & 7);
		if (O_FLAG(t, TABDLY) == TAB3) {
			if (room < spaces)
				return false;
			t->ld.column += spaces;
			(void)t->ops->write(t, (const u8 *)"        ", spaces);
			return true;
		}
		t->ld.column += spaces;
		break;
	case '\b':
		if (t->ld.column)
			t->ld.column--;
		break;
	default:
		if (!iscntrl(c)) {
			if (O_FLAG(t, OLCUC))
				c = (u8)toupper(c);
			if (!is_continuation(t, c))
				t->ld.column++;
		}
	}
	put_raw(t, c);
	return true;
}

// Length of the beginning of p that OPOST leaves alone and whose columns are one per byte.
static size_t plain_run(const struct tty *t, const u8 *p, size_t n)
{
	size_t i = 0;

	if (O_FLAG(t, OLCUC))
		return 0;
	while (i < n && !iscntrl(p[i]) && !is_continuation(t, p[i]))
		i++;
	return i;
}

// Sends what fits of p; returns how many bytes of p went.
static size_t output_locked(struct tty *t, const u8 *p, size_t n) REQUIRES(&t->lock)
{
	size_t done = 0;

	if (!O_FLAG(t, OPOST))
		return t->ops->write(t, p, MIN(n, t->ops->write_room(t)));
	while (done < n) {
		size_t room = t->ops->write_room(t), run = plain_run(t, p + done, MIN(n - done, room));
		if (run) {
			run = t->ops->write(t, p + done, run);
			t->ld.column += (u32)run;
			done += run;
			if (run)
				continue;
		}
		if (!output_char(t, p[done], room))
			break;
		done++;
	}
	return done;
}

// Sends p[*at..n). 0, or why it stopped before the end.
static ssize_t write_chunk(struct tty *t, struct file *f, const u8 *p, size_t n, size_t *at)
{
	for (;;) {
		spin_lock(&t->lock);
		*at += output_locked(t, p + *at, n - *at);
		spin_unlock(&t->lock);
		if (*at == n)
			return 0;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		int err = WAIT_EVENT_INTERRUPTIBLE(&t->write_wait, t->ops->write_room(t) >= 8 || tty_file_dead(f));
		if (err)
			return err;
		if (tty_file_dead(f))
			return -EIO;
	}
}

ssize_t ldisc_write(struct tty *t, struct file *f, struct iov_iter *from)
{
	u8 chunk[LDISC_CHUNK];
	ssize_t done = 0, err = 0;

	if (L_FLAG(t, TOSTOP) && !((struct tty_file *)f->private)->console) {
		err = tty_check_change(t, SIGTTOU);
		if (err)
			return err;
	}
	if (f->flags & O_NONBLOCK) {
		if (!mutex_trylock(&t->write_mutex))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&t->write_mutex)) {
		return -ERESTARTSYS;
	}
	while (!err && iov_iter_count(from)) {
		size_t want = MIN(iov_iter_count(from), sizeof(chunk)), n = copy_from_iter(chunk, want, from), at = 0;
		err = n ? write_chunk(t, f, chunk, n, &at) : -EFAULT;
		done += (ssize_t)at;
		iov_iter_revert(from, n - at);
		if (!err && n < want)
			err = -EFAULT;
		else if (!err && iov_iter_count(from) && signal_pending(current))
			err = -ERESTARTSYS;
	}
	mutex_unlock(&t->write_mutex);
	return done ?: err;
}

// ---- echo -------------------------------------------------------------------------------------------------------------
// Echoes use the driver's reserve; when even that is full they are lost, as a terminal's bell would be.

static void echo_raw(struct tty *t, u8 c) REQUIRES(&t->lock)
{
	if (O_FLAG(t, OPOST))
		(void)output_char(t, c, 8);
	else
		put_raw(t, c);
}

static void echo_char(struct tty *t, u8 c) REQUIRES(&t->lock)
{
	if (L_FLAG(t, ECHOCTL) && iscntrl(c) && c != '\t') {
		put_raw(t, '^');
		put_raw(t, c ^ 0100);
		t->ld.column += 2;
	} else {
		echo_raw(t, c);
	}
}

static void finish_erasing(struct tty *t) REQUIRES(&t->lock)
{
	if (t->ld.erasing) {
		echo_raw(t, '/');
		t->ld.erasing = false;
	}
}

static void echo_rubout(struct tty *t) REQUIRES(&t->lock)
{
	echo_raw(t, '\b');
	echo_raw(t, ' ');
	echo_raw(t, '\b');
}

// The cursor goes back over a tab that stood at `at`: as far as the tab had moved it.
static void echo_rubout_tab(struct tty *t, u32 at) REQUIRES(&t->lock)
{
	u32 columns = 0;
	bool after_tab = false;

	while (at != t->ld.line_start && !after_tab) {
		u8 c = get(t, --at);
		if (c == '\t')
			after_tab = true;
		else if (iscntrl(c))
			columns += L_FLAG(t, ECHOCTL) ? 2 : 0;
		else if (!is_continuation(t, c))
			columns++;
	}
	if (!after_tab)
		columns += t->ld.line_column;
	for (u32 n = 8 - (columns & 7); n; n--) {
		put_raw(t, '\b');
		if (t->ld.column)
			t->ld.column--;
	}
}

// Shows that the character c, whose bytes began at `at` and were n, has been erased.
static void echo_erased(struct tty *t, u8 c, u32 at, u32 n, bool one, u8 key) REQUIRES(&t->lock)
{
	if (L_FLAG(t, ECHOPRT)) {
		if (!t->ld.erasing) {
			echo_raw(t, '\\');
			t->ld.erasing = true;
		}
		echo_char(t, c);
		for (u32 i = 1; i < n; i++)
			echo_raw(t, get(t, at + i));
	} else if (one && !L_FLAG(t, ECHOE)) {
		echo_char(t, key);
	} else if (c == '\t') {
		echo_rubout_tab(t, at);
	} else {
		if (iscntrl(c) && L_FLAG(t, ECHOCTL))
			echo_rubout(t);
		if (!iscntrl(c) || L_FLAG(t, ECHOCTL))
			echo_rubout(t);
	}
}

// ---- editing ----------------------------------------------------------------------------------------------------------

static void kill_line(struct tty *t) REQUIRES(&t->lock)
{
	t->ld.head = t->ld.line_start;
	if (!L_FLAG(t, ECHO))
		return;
	finish_erasing(t);
	echo_char(t, CTRL_CHAR(t, VKILL));
	if (L_FLAG(t, ECHOK))
		echo_raw(t, '\n');
}

// ERASE, WERASE or KILL (key) was typed.
static void erase(struct tty *t, u8 key) REQUIRES(&t->lock)
{
	bool one = key == CTRL_CHAR(t, VERASE), word = !one && key == CTRL_CHAR(t, VWERASE), line = !one && !word, in_word = false;

	if (t->ld.head == t->ld.line_start)
		return;
	if (line && (!L_FLAG(t, ECHO) || !L_FLAG(t, ECHOK) || !L_FLAG(t, ECHOKE) || !L_FLAG(t, ECHOE))) {
		kill_line(t);
		return;
	}
	while (t->ld.head != t->ld.line_start) {
		u32 at = t->ld.head;
		do
			at--;
		while (is_continuation(t, get(t, at)) && at != t->ld.line_start);
		u8 c = get(t, at);
		if (is_continuation(t, c))	// half a character: leave it
			break;
		if (word) {
			if (isalnum(c) || c == '_')
				in_word = true;
			else if (in_word)
				break;
		}
		u32 n = t->ld.head - at;
		t->ld.head = at;
		if (L_FLAG(t, ECHO))
			echo_erased(t, c, at, n, one, key);
		if (one)
			break;
	}
	if (t->ld.head == t->ld.line_start && L_FLAG(t, ECHO))
		finish_erasing(t);
}

static void reprint(struct tty *t) REQUIRES(&t->lock)
{
	finish_erasing(t);
	echo_char(t, CTRL_CHAR(t, VREPRINT));
	echo_raw(t, '\n');
	for (u32 at = t->ld.line_start; at != t->ld.head; at++)
		echo_char(t, get(t, at));
}

// ---- input ------------------------------------------------------------------------------------------------------------

// A line that fills the buffer is cut: its last byte gives way, so that a newline can still end it.
static void queue_char(struct tty *t, u8 c, bool line_end) REQUIRES(&t->lock)
{
	if (t->ld.head - t->ld.tail >= TTY_BUF)
		t->ld.head--;
	mark_line_end(t, t->ld.head, line_end);
	t->ld.buf[t->ld.head++ % TTY_BUF] = c;
}

static void queue_marked(struct tty *t, u8 c) REQUIRES(&t->lock)
{
	if (c == 0xff && I_FLAG(t, PARMRK))
		queue_char(t, c, false);
	queue_char(t, c, false);
}

static void end_line(struct tty *t, u8 c) REQUIRES(&t->lock)
{
	queue_char(t, c, true);
	t->ld.line_start = t->ld.head;
}

void ldisc_stop(struct tty *t, bool stop, bool by_user)
{
	if (by_user)
		t->ld.stopped_by_user = stop;
	else if (!stop && t->ld.stopped_by_user)
		return;
	if (t->ld.stopped == stop)
		return;
	t->ld.stopped = stop;
	t->ops->stop(t, stop);
}

static void echo_typed(struct tty *t, u8 c) REQUIRES(&t->lock)
{
	finish_erasing(t);
	if (t->ld.head == t->ld.line_start)
		t->ld.line_column = t->ld.column;
	echo_char(t, c);
}

static void discard_input(struct tty *t) REQUIRES(&t->lock)
{
	t->ld.head = t->ld.tail = t->ld.line_start = 0;
	memset(t->ld.line_end, 0, sizeof(t->ld.line_end));
	t->ld.lnext = t->ld.erasing = false;
}

// The signal itself is sent by the caller, without the lock.
static void signal_char(struct tty *t, u8 c) REQUIRES(&t->lock)
{
	if (!L_FLAG(t, NOFLSH)) {
		discard_input(t);
		t->ops->flush_out(t);
	}
	if (I_FLAG(t, IXON))
		ldisc_stop(t, false, false);
	if (L_FLAG(t, ECHO))
		echo_char(t, c);
}

static int signal_of(const struct tty *t, u8 c)
{
	if (c == DISABLED || !L_FLAG(t, ISIG))
		return 0;
	return c == CTRL_CHAR(t, VINTR) ? SIGINT : c == CTRL_CHAR(t, VQUIT) ? SIGQUIT : c == CTRL_CHAR(t, VSUSP) ? SIGTSTP : 0;
}

// Canonical mode: true if c was a command, or ended a line.
static bool edit(struct tty *t, u8 c) REQUIRES(&t->lock)
{
	bool ext = L_FLAG(t, IEXTEN);

	if (c == '\n') {
		if (L_FLAG(t, ECHO | ECHONL))
			echo_raw(t, '\n');
		end_line(t, c);
		return true;
	}
	if (c == DISABLED)
		return false;
	if (c == CTRL_CHAR(t, VERASE) || c == CTRL_CHAR(t, VKILL) || (c == CTRL_CHAR(t, VWERASE) && ext)) {
		erase(t, c);
	} else if (c == CTRL_CHAR(t, VLNEXT) && ext) {
		t->ld.lnext = true;
		if (L_FLAG(t, ECHO)) {
			finish_erasing(t);
			if (L_FLAG(t, ECHOCTL)) {
				echo_raw(t, '^');
				echo_raw(t, '\b');
			}
		}
	} else if (c == CTRL_CHAR(t, VREPRINT) && L_FLAG(t, ECHO) && ext) {
		reprint(t);
	} else if (c == CTRL_CHAR(t, VEOF)) {
		end_line(t, DISABLED);
	} else if (c == CTRL_CHAR(t, VEOL) || (c == CTRL_CHAR(t, VEOL2) && ext)) {
		if (L_FLAG(t, ECHO))
			echo_typed(t, c);
		if (c == 0xff && I_FLAG(t, PARMRK))
			queue_char(t, c, false);
		end_line(t, c);
	} else {
		return false;
	}
	return true;
}

static void ordinary_char(struct tty *t, u8 c) REQUIRES(&t->lock)
{
	if (L_FLAG(t, ECHO)) {
		if (c == '\n')
			echo_raw(t, '\n');
		else
			echo_typed(t, c);
	}
	queue_marked(t, c);
}

// Returns a signal to send to the foreground group, or 0.
static int receive_char(struct tty *t, u8 c) REQUIRES(&t->lock)
{
	if (I_FLAG(t, ISTRIP))
		c &= 0x7f;
	if (I_FLAG(t, IUCLC) && L_FLAG(t, IEXTEN))
		c = (u8)tolower(c);
	if (L_FLAG(t, EXTPROC)) {
		queue_char(t, c, false);
		return 0;
	}
	if (t->ld.lnext) {
		t->ld.lnext = false;
		ordinary_char(t, c);
		return 0;
	}
	if (I_FLAG(t, IXON) && c != DISABLED && (c == CTRL_CHAR(t, VSTART) || c == CTRL_CHAR(t, VSTOP))) {
		ldisc_stop(t, c != CTRL_CHAR(t, VSTART), false);
		return 0;
	}
	int sig = signal_of(t, c);
	if (sig) {
		signal_char(t, c);
		return sig;
	}
	if (t->ld.stopped && I_FLAG(t, IXON) && I_FLAG(t, IXANY))
		ldisc_stop(t, false, false);
	if (c == '\r') {
		if (I_FLAG(t, IGNCR))
			return 0;
		if (I_FLAG(t, ICRNL))
			c = '\n';
	} else if (c == '\n' && I_FLAG(t, INLCR)) {
		c = '\r';
	}
	if (!L_FLAG(t, ICANON) || !edit(t, c))
		ordinary_char(t, c);
	return 0;
}

static int receive_break(struct tty *t) REQUIRES(&t->lock)
{
	if (I_FLAG(t, IGNBRK))
		return 0;
	if (I_FLAG(t, BRKINT)) {
		if (!L_FLAG(t, NOFLSH)) {
			discard_input(t);
			t->ops->flush_out(t);
		}
		return SIGINT;
	}
	if (I_FLAG(t, PARMRK)) {
		queue_char(t, 0xff, false);
		queue_char(t, 0, false);
	}
	queue_char(t, 0, false);
	return 0;
}

static int receive_flagged(struct tty *t, u8 c, u8 flag) REQUIRES(&t->lock)
{
	if (flag == TTY_RX_BREAK)
		return receive_break(t);
	if (flag == TTY_RX_NORMAL || !I_FLAG(t, INPCK))
		return flag == TTY_RX_OVERRUN ? 0 : receive_char(t, c);
	if (flag == TTY_RX_OVERRUN || I_FLAG(t, IGNPAR))
		return 0;
	if (I_FLAG(t, PARMRK)) {
		queue_char(t, 0xff, false);
		queue_char(t, 0, false);
		queue_char(t, c, false);
	} else {
		queue_char(t, 0, false);
	}
	return 0;
}

// Bytes that can be received now. A canonical line that has no end yet always takes one more: it is cut.
static bool has_room(const struct tty *t) REQUIRES(&t->lock)
{
	u32 used = t->ld.head - t->ld.tail, need = I_FLAG(t, PARMRK) ? 3 : 1;

	return used + need <= TTY_BUF || (L_FLAG(t, ICANON) && t->ld.line_start == t->ld.tail);
}

static bool input_available(const struct tty *t, u32 want) REQUIRES(&t->lock)
{
	if (L_FLAG(t, ICANON) && !L_FLAG(t, EXTPROC))
		return t->ld.line_start != t->ld.tail;
	return t->ld.head - t->ld.tail >= want;
}

size_t tty_receive(struct tty *t, const u8 *p, const u8 *flags, size_t n)
{
	size_t i = 0;

	while (i < n) {
		int sig = 0;
		spin_lock(&t->lock);
		if (!has_room(t)) {
			spin_unlock(&t->lock);
			break;
		}
		for (size_t end = MIN(n, i + LDISC_CHUNK); i < end && !sig && has_room(t); i++)
			sig = flags ? receive_flagged(t, p[i], flags[i]) : receive_char(t, p[i]);
		bool ready = input_available(t, 1);
		spin_unlock(&t->lock);
		if (sig)
			tty_signal_foreground(t, sig);
		if (ready)
			waitq_wake_poll(&t->read_wait, EPOLLIN | EPOLLRDNORM);
	}
	return i;
}

void ldisc_flush_input(struct tty *t)
{
	spin_lock(&t->lock);
	discard_input(t);
	spin_unlock(&t->lock);
	if (t->ops->rx_resume)
		t->ops->rx_resume(t);
}

u32 ldisc_input_bytes(struct tty *t)
{
	u32 n = 0;

	spin_lock(&t->lock);
	if (L_FLAG(t, ICANON) && !L_FLAG(t, EXTPROC)) {
		for (u32 at = t->ld.tail; at != t->ld.line_start; at++)
			n += !(is_line_end(t, at) && get(t, at) == DISABLED);
	} else {
		n = t->ld.head - t->ld.tail;
	}
	spin_unlock(&t->lock);
	return n;
}

void ldisc_termios_changed(struct tty *t, const struct ktermios *old)
{
	if ((old->c_lflag ^ t->termios.c_lflag) & (ICANON | EXTPROC)) {
		memset(t->ld.line_end, 0, sizeof(t->ld.line_end));
		t->ld.line_start = t->ld.tail;
		if (L_FLAG(t, ICANON) && t->ld.head != t->ld.tail) {	// what is there counts as a line
			mark_line_end(t, t->ld.head - 1, true);
			t->ld.line_start = t->ld.head;
		}
		t->ld.erasing = t->ld.lnext = false;
	}
	if (!I_FLAG(t, IXON) && (old->c_iflag & IXON))
		ldisc_stop(t, false, false);
}

// ---- reading ----------------------------------------------------------------------------------------------------------

// Takes up to n bytes of one line. *done: the line is at its end.
static size_t take_line(struct tty *t, u8 *to, size_t n, bool *done) REQUIRES(&t->lock)
{
	size_t got = 0;

	while (t->ld.tail != t->ld.line_start) {
		u32 at = t->ld.tail;
		u8 c = get(t, at);
		bool end = is_line_end(t, at), eof = end && c == DISABLED;
		if (got == n && !eof)	// an EOF right behind what was asked for is taken along
			break;
		t->ld.tail++;
		if (!eof)
			to[got++] = c;
		if (end) {
			*done = true;
			break;
		}
	}
	return got;
}

static size_t take_bytes(struct tty *t, u8 *to, size_t n) REQUIRES(&t->lock)
{
	size_t got = 0;

	for (; got < n && t->ld.tail != t->ld.head; got++)
		to[got] = get(t, t->ld.tail++);
	t->ld.line_start = t->ld.tail;
	return got;
}

static bool readable(struct tty *t)
{
	spin_lock(&t->lock);
	bool yes = input_available(t, 1);
	spin_unlock(&t->lock);
	return yes;
}

// Sleeps until there is input, the time is over (*ns becomes 0), a signal, or a hangup. 0 or -ERESTARTSYS.
static int wait_input(struct tty *t, struct file *f, s64 *ns)
{
	bool forever = *ns < 0;

	int err = WAIT_EVENT_STATE(&t->read_wait, readable(t) || tty_file_dead(f) || READ_ONCE(t->flags) & TTY_OTHER_CLOSED || !*ns, TASK_INTERRUPTIBLE,
				   *ns = forever ? (schedule(), -1) : schedule_timeout(*ns));
	return err;
}

struct read_plan {		// VMIN and VTIME
	size_t min;		// return once this much was read
	s64 first, next;	// ns to wait for the first byte, between bytes; < 0: for ever
};

static struct read_plan plan_read(struct tty *t)
{
	s64 time = (s64)CTRL_CHAR(t, VTIME) * 100 * NSEC_PER_MSEC;

	if (L_FLAG(t, ICANON) && !L_FLAG(t, EXTPROC))
		return (struct read_plan){ 0, -1, -1 };
	if (CTRL_CHAR(t, VMIN))
		return (struct read_plan){ CTRL_CHAR(t, VMIN), -1, time ?: -1 };
	return (struct read_plan){ 1, time, time };
}

static ssize_t read_loop(struct tty *t, struct file *f, struct iov_iter *to) REQUIRES(&t->read_mutex)
{
	struct read_plan plan = plan_read(t);
	s64 timeout = plan.first;
	u8 chunk[LDISC_CHUNK];
	ssize_t done = 0, err = 0;
	bool line_done = false;

	while (iov_iter_count(to) && !line_done && !err) {
		spin_lock(&t->lock);
		bool have = input_available(t, 1), canon = L_FLAG(t, ICANON) && !L_FLAG(t, EXTPROC);
		size_t want = MIN(iov_iter_count(to), sizeof(chunk)), n = 0;
		if (have)
			n = canon ? take_line(t, chunk, want, &line_done) : take_bytes(t, chunk, want);
		spin_unlock(&t->lock);
		if (have) {
			if (t->ops->rx_resume)
				t->ops->rx_resume(t);
			size_t put = copy_to_iter(chunk, n, to);
			done += (ssize_t)put;
			if (put < n)
				err = -EFAULT;
			timeout = plan.next;
			if (canon || n == want)
				continue;
		}
		if ((done && (size_t)done >= plan.min) || err)
			break;
		if (tty_file_dead(f) || (canon && done))
			break;
		if (READ_ONCE(t->flags) & TTY_OTHER_CLOSED)
			err = -EIO;
		else if (!timeout)
			break;
		else if (f->flags & O_NONBLOCK)
			err = -EAGAIN;
		else
			err = wait_input(t, f, &timeout);
	}
	return done ?: err;
}

ssize_t ldisc_read(struct tty *t, struct file *f, struct iov_iter *to)
{
	if (!((struct tty_file *)f->private)->console) {
		int err = tty_check_change(t, SIGTTIN);
		if (err)
			return err;
	}
	if (f->flags & O_NONBLOCK) {
		if (!mutex_trylock(&t->read_mutex))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&t->read_mutex)) {
		return -ERESTARTSYS;
	}
	ssize_t n = read_loop(t, f, to);
	mutex_unlock(&t->read_mutex);
	return n;
}

u32 ldisc_poll(struct tty *t, struct file *f, struct poll_table *pt)
{
	u32 ev = 0;

	poll_wait(pt, f, &t->read_wait);
	poll_wait(pt, f, &t->write_wait);
	spin_lock(&t->lock);
	if (input_available(t, !CTRL_CHAR(t, VTIME) && CTRL_CHAR(t, VMIN) ? CTRL_CHAR(t, VMIN) : 1))
		ev |= EPOLLIN | EPOLLRDNORM;
	if (t->ops->unsent(t) < POLLOUT_UNSENT && t->ops->write_room(t))
		ev |= EPOLLOUT | EPOLLWRNORM;
	spin_unlock(&t->lock);
	if (READ_ONCE(t->flags) & TTY_OTHER_CLOSED)
		ev |= EPOLLHUP;
	return ev;
}
