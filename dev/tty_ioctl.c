// ioctls of terminals: man 2 ioctl_tty. The order of checks is Linux's.
#include "dev/tty.h"
#include "fs/chrdev.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "sched/sched.h"
#include "task/cred.h"
#include "task/signal.h"
#include <asm/termios.h>
#include <linux/capability.h>
#include <linux/signal.h>

static const u32 bauds[] = {
	0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400,
	57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
};

static u32 baud_of(u32 code, u32 other)
{
	if ((code & CBAUD) == BOTHER)
		return other;
	u32 i = code & (CBAUD & ~CBAUDEX);
	if (code & CBAUDEX)
		i += 15;
	return i < ARRAY_SIZE(bauds) ? bauds[i] : 0;
}

u32 tty_baud(const struct ktermios *t)
{
	return baud_of(t->c_cflag, t->c_ospeed);
}

void tty_set_baud(struct ktermios *t, u32 baud)
{
	u32 code = BOTHER;

	for (u32 i = 0; i < ARRAY_SIZE(bauds); i++)
		if (bauds[i] == baud)
			code = i < 16 ? i : CBAUDEX | (i - 15);
	t->c_cflag = (t->c_cflag & ~(tcflag_t)(CBAUD | CIBAUD)) | code;
	t->c_ispeed = t->c_ospeed = baud;
}

// Speeds as numbers, from the codes (TCSETS), or as given with BOTHER (TCSETS2).
static void fill_speeds(struct ktermios *t)
{
	u32 in = t->c_cflag >> IBSHIFT & CBAUD;

	t->c_ospeed = baud_of(t->c_cflag, t->c_ospeed);
	t->c_ispeed = in ? baud_of(in, t->c_ispeed) : t->c_ospeed;
}

// ---- settings ---------------------------------------------------------------------------------------------------------

static int termios_in(struct ktermios *t, uptr arg, u32 cmd)
{
	struct termio old;
	int err;

	switch (cmd) {
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		err = copy_in(&old, arg, sizeof(old));
		t->c_iflag = (t->c_iflag & 0xffff0000u) | old.c_iflag;
		t->c_oflag = (t->c_oflag & 0xffff0000u) | old.c_oflag;
		t->c_cflag = (t->c_cflag & 0xffff0000u) | old.c_cflag;
		t->c_lflag = (t->c_lflag & 0xffff0000u) | old.c_lflag;
		t->c_line = old.c_line;
		memcpy(t->c_cc, old.c_cc, NCC);
		return err;
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return copy_in(t, arg, sizeof(struct termios2));
	default:
		return copy_in(t, arg, sizeof(struct termios));
	}
}
BUILD_ASSERT(sizeof(struct ktermios) == sizeof(struct termios2) && offsetof(struct ktermios, c_ispeed) == sizeof(struct termios));

static void termios_snapshot(struct tty *t, struct ktermios *out)
{
	mutex_lock(&t->termios_mutex);
	*out = t->termios;
	mutex_unlock(&t->termios_mutex);
}

static void termios_set(struct tty *t, const struct ktermios *new)
{
	mutex_lock(&t->termios_mutex);
	struct ktermios old = t->termios;
	spin_lock(&t->lock);
	t->termios = *new;
	ldisc_termios_changed(t, &old);
	spin_unlock(&t->lock);
	t->ops->set_termios(t, &old);
	mutex_unlock(&t->termios_mutex);
	// Readers and writers wait for conditions that may be others now.
	waitq_wake_all(&t->read_wait);
	waitq_wake_all(&t->write_wait);
}

static long set_termios(struct tty *t, uptr arg, u32 cmd, bool wait, bool flush)
{
	struct ktermios new;
	int err = tty_check_change(t, SIGTTOU);

	if (err)
		return err;
	termios_snapshot(t, &new);
	err = termios_in(&new, arg, cmd);
	if (err)
		return err;
	fill_speeds(&new);
	if (flush)
		ldisc_flush_input(t);
	if (wait) {
		err = tty_drain(t, -1);
		if (err)
			return err;
	}
	termios_set(t, &new);
	return 0;
}

static long get_termios(struct tty *t, uptr arg, u32 cmd)
{
	struct ktermios now;

	termios_snapshot(t, &now);
	if (cmd != TCGETA)
		return copy_out(arg, &now, cmd == TCGETS2 ? sizeof(struct termios2) : sizeof(struct termios));
	struct termio old = { .c_iflag = (u16)now.c_iflag, .c_oflag = (u16)now.c_oflag, .c_cflag = (u16)now.c_cflag,
			      .c_lflag = (u16)now.c_lflag, .c_line = now.c_line };
	memcpy(old.c_cc, now.c_cc, NCC);
	return copy_out(arg, &old, sizeof(old));
}

// TIOCSSOFTCAR: CLOCAL alone.
static long set_clocal(struct tty *t, uptr arg)
{
	struct ktermios new;
	s32 on;
	int err = copy_in(&on, arg, sizeof(on));

	if (err)
		return err;
	termios_snapshot(t, &new);
	new.c_cflag = on ? new.c_cflag | CLOCAL : new.c_cflag & ~(tcflag_t)CLOCAL;
	termios_set(t, &new);
	return 0;
}

// ---- size -------------------------------------------------------------------------------------------------------------

static long get_size(struct tty *t, uptr arg)
{
	mutex_lock(&t->termios_mutex);
	struct tty_size size = t->size;
	mutex_unlock(&t->termios_mutex);
	return copy_out(arg, &size, sizeof(size));
}

static long set_size(struct tty *t, uptr arg)
{
	struct tty_size size;
	int err = copy_in(&size, arg, sizeof(size));

	if (err)
		return err;
	mutex_lock(&t->termios_mutex);
	bool changed = memcmp(&t->size, &size, sizeof(size)) != 0;
	t->size = size;
	mutex_unlock(&t->termios_mutex);
	if (changed)
		tty_signal_foreground(t, SIGWINCH);
	return 0;
}

// ---- flow, queues, breaks ---------------------------------------------------------------------------------------------

static long flush(struct tty *t, u64 what)
{
	int err = tty_check_change(t, SIGTTOU);

	if (err)
		return err;
	if (what > TCIOFLUSH)
		return -EINVAL;
	if (what != TCOFLUSH)
		ldisc_flush_input(t);
	if (what != TCIFLUSH) {
		spin_lock(&t->lock);
		t->ops->flush_out(t);
		spin_unlock(&t->lock);
		waitq_wake_all(&t->write_wait);
	}
	return 0;
}

static long flow(struct tty *t, u64 what)
{
	int err = tty_check_change(t, SIGTTOU);
	u8 c;

	if (err)
		return err;
	switch (what) {
	case TCOOFF:
	case TCOON:
		spin_lock(&t->lock);
		ldisc_stop(t, what == TCOOFF, true);
		spin_unlock(&t->lock);
		return 0;
	case TCIOFF:
	case TCION:
		c = t->termios.c_cc[what == TCIOFF ? VSTOP : VSTART];
		if (c)
			t->ops->send_char(t, c);
		return 0;
	default:
		return -EINVAL;
	}
}

static long send_break(struct tty *t, u64 ms)
{
	if (!t->ops->send_break)
		return 0;
	t->ops->send_break(t, true);
	WRITE_ONCE(current->state, TASK_INTERRUPTIBLE);
	(void)schedule_timeout((s64)ms * NSEC_PER_MSEC);
	t->ops->send_break(t, false);
	return signal_pending(current) ? -EINTR : 0;
}

static long drain_and_break(struct tty *t, u32 cmd, u64 arg)
{
	int err = tty_check_change(t, SIGTTOU);

	err = err ?: tty_drain(t, -1);
	if (err || cmd == TIOCSBRK || cmd == TIOCCBRK) {
		if (!err && t->ops->send_break)
			t->ops->send_break(t, cmd == TIOCSBRK);
		return err;
	}
	if (cmd == TCSBRKP)
		return send_break(t, arg ? arg * 100 : 250);
	return arg ? 0 : send_break(t, 250);
}

static long modem(struct tty *t, u32 cmd, uptr arg)
{
	u32 bits = 0;
	int err;

	if (cmd == TIOCMGET) {
		if (!t->ops->modem_get)
			return -ENOTTY;
		bits = (u32)t->ops->modem_get(t);
		return copy_out(arg, &bits, sizeof(bits));
	}
	if (!t->ops->modem_set)
		return -ENOTTY;
	err = copy_in(&bits, arg, sizeof(bits));
	if (err)
		return err;
	u32 set = cmd == TIOCMBIC ? 0 : bits, clear = cmd == TIOCMBIC ? bits : cmd == TIOCMSET ? ~bits : 0;
	return t->ops->modem_set(t, set & (TIOCM_DTR | TIOCM_RTS), clear & (TIOCM_DTR | TIOCM_RTS));
}

// ---- the rest ---------------------------------------------------------------------------------------------------------

static long put_int(uptr arg, s32 v)
{
	return copy_out(arg, &v, sizeof(v));
}

static long set_ldisc(uptr arg)
{
	s32 n;
	int err = copy_in(&n, arg, sizeof(n));

	return err ?: n == 0 ? 0 : -EINVAL;	// N_TTY is the only one
}

static long tty_misc_ioctl(struct tty *t, struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case TIOCEXCL:
		__atomic_fetch_or(&t->flags, TTY_EXCLUSIVE, __ATOMIC_RELAXED);
		return 0;
	case TIOCNXCL:
		__atomic_fetch_and(&t->flags, ~TTY_EXCLUSIVE, __ATOMIC_RELAXED);
		return 0;
	case TIOCGEXCL:
		return put_int(UPTR(arg), !!(READ_ONCE(t->flags) & TTY_EXCLUSIVE));
	case FIONREAD:
		return put_int(UPTR(arg), (s32)ldisc_input_bytes(t));
	case TIOCOUTQ:
		return put_int(UPTR(arg), (s32)t->ops->unsent(t));
	case TIOCGETD:
		return put_int(UPTR(arg), 0);
	case TIOCSETD:
		return set_ldisc(UPTR(arg));
	case TIOCGDEV:
		return put_int(UPTR(arg), (s32)encode_dev(t->dev));
	case TIOCGSOFTCAR:
		return put_int(UPTR(arg), !!(t->termios.c_cflag & CLOCAL));
	case TIOCSSOFTCAR:
		return set_clocal(t, UPTR(arg));
	case TIOCSTI:		// as with dev.tty.legacy_tiocsti = 0: putting words into another's mouth is for root only
		return -EIO;
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_hangup(t);
		return 0;
	default:
		return -ENOTTY;
	}
}

long tty_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct tty *t = file_tty(f);

	if (tty_file_dead(f))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	long err = tty_ioctl_jobctl(t, f, cmd, arg);
	if (err != -ENOIOCTLCMD)
		return err;
	switch (cmd) {
	case TCGETS:
	case TCGETS2:
	case TCGETA:
		return get_termios(t, UPTR(arg), cmd);
	case TCSETS:
	case TCSETS2:
	case TCSETA:
		return set_termios(t, UPTR(arg), cmd, false, false);
	case TCSETSW:
	case TCSETSW2:
	case TCSETAW:
		return set_termios(t, UPTR(arg), cmd, true, false);
	case TCSETSF:
	case TCSETSF2:
	case TCSETAF:
		return set_termios(t, UPTR(arg), cmd, true, true);
	case TIOCGWINSZ:
		return get_size(t, UPTR(arg));
	case TIOCSWINSZ:
		return set_size(t, UPTR(arg));
	case TCFLSH:
		return flush(t, arg);
	case TCXONC:
		return flow(t, arg);
	case TCSBRK:
	case TCSBRKP:
	case TIOCSBRK:
	case TIOCCBRK:
		return drain_and_break(t, cmd, arg);
	case TIOCMGET:
	case TIOCMSET:
	case TIOCMBIS:
	case TIOCMBIC:
		return modem(t, cmd, UPTR(arg));
	default:
		return tty_misc_ioctl(t, f, cmd, arg);
	}
}
