// Terminals: numbers and nodes, open and close, hangup. Reading and writing are the line discipline's (tty_ldisc.c).
//
// A hangup does not look for the files that are open: each remembers how often its tty had been hung up when it was opened.
#include "dev/tty.h"
#include "fs/chrdev.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "sched/sched.h"
#include "mm/mm.h"
#include "task/cred.h"
#include "task/pid.h"
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#define TTY_AUX_MAJOR 5		// 0: the controlling terminal, 1: the console
#define TTY_CLOSE_WAIT (30 * NSEC_PER_SEC)	// how long the last close waits for output to leave

DEFINE_LOCK_CLASS(tty_open_class, LOCK_TASK);
DEFINE_LOCK_CLASS(tty_read_class, LOCK_TASK);
DEFINE_LOCK_CLASS(tty_write_class, LOCK_TASK);
DEFINE_LOCK_CLASS(tty_termios_class, LOCK_TASK);
DEFINE_LOCK_CLASS(tty_lock_class, LOCK_TASK);
DEFINE_LOCK_CLASS(tty_ctrl_class, LOCK_HARDIRQ);

struct tty *console_tty;	// SET_ONCE by console.c

const struct ktermios tty_default_termios = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B9600 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = { [VINTR] = 3, [VQUIT] = 034, [VERASE] = 0177, [VKILL] = 025, [VEOF] = 4, [VMIN] = 1, [VSTART] = 021, [VSTOP] = 023,
		  [VSUSP] = 032, [VREPRINT] = 022, [VDISCARD] = 017, [VWERASE] = 027, [VLNEXT] = 026 },
	.c_ispeed = 9600,
	.c_ospeed = 9600,
};

void tty_init(struct tty *t, const struct tty_ops *ops, void *driver, const char *name, dev_t dev, const struct ktermios *termios)
{
	memset(t, 0, sizeof(*t));
	ref_init(&t->ref, 1);
	t->ops = ops;
	t->driver = driver;
	t->dev = dev;
	(void)strscpy(t->name, name, sizeof(t->name));
	mutex_init(&t->open_mutex, &tty_open_class);
	mutex_init(&t->read_mutex, &tty_read_class);
	mutex_init(&t->write_mutex, &tty_write_class);
	mutex_init(&t->termios_mutex, &tty_termios_class);
	t->termios = t->initial = *termios;
	waitq_init(&t->read_wait);
	waitq_init(&t->write_wait);
	spin_init(&t->lock, &tty_lock_class);
	spin_init(&t->ctrl_lock, &tty_ctrl_class);
}

struct tty *tty_get(struct tty *t)
{
	if (t)
		ref_get(&t->ref);
	return t;
}

void tty_put(struct tty *t) NO_LOCK_ANALYSIS	// the last reference
{
	if (!t || !ref_put(&t->ref))
		return;
	pid_put(t->session);
	pid_put(t->pgrp);
	kfree(t);
}

bool tty_file_dead(const struct file *f)
{
	const struct tty_file *tf = f->private;

	return tf->hangups != READ_ONCE(tf->tty->hangups) && !tf->console;
}

int tty_drain(struct tty *t, s64 timeout)
{
	s64 left = timeout;
	int err = WAIT_EVENT_STATE(&t->write_wait, !t->ops->unsent(t) || !left, TASK_INTERRUPTIBLE,
				   left = timeout < 0 ? (schedule(), -1) : schedule_timeout(left));

	// The last bytes are in the device, which does not say when they have left: look at intervals of about a character.
	u32 baud = tty_baud(&t->termios);
	for (int i = 0; !err && left && t->ops->idle && !t->ops->idle(t) && i < 64; i++) {
		WRITE_ONCE(current->state, TASK_INTERRUPTIBLE);
		(void)schedule_timeout(10 * NSEC_PER_SEC / MAX(baud, 300u));
		if (signal_pending(current))
			err = -ERESTARTSYS;
	}
	return err;
}

void tty_sent(struct tty *t)
{
	if (waitq_active(&t->write_wait))
		waitq_wake_poll(&t->write_wait, EPOLLOUT | EPOLLWRNORM);
}

void tty_hangup(struct tty *t)
{
	(void)__atomic_fetch_add(&t->hangups, 1, __ATOMIC_SEQ_CST);
	tty_hangup_session(t);
	mutex_lock(&t->termios_mutex);
	struct ktermios old = t->termios;
	spin_lock(&t->lock);
	t->termios = t->initial;
	ldisc_termios_changed(t, &old);
	spin_unlock(&t->lock);	// what was written is still sent: the last words of a shell that ends
	t->ops->set_termios(t, &old);
	mutex_unlock(&t->termios_mutex);
	ldisc_flush_input(t);
	waitq_wake_all(&t->read_wait);
	waitq_wake_all(&t->write_wait);
}

// ---- numbers ----------------------------------------------------------------------------------------------------------

DEFINE_LOCK_CLASS(tty_table_class, LOCK_TASK);
static struct mutex tty_table_mutex = MUTEX_INIT(tty_table_mutex, &tty_table_class);

struct tty_slot {
	struct list_head link;
	struct chrdev chrdev;
	struct tty *tty;	// counted
};
static LIST_HEAD(tty_slots);	// GUARDED_BY(&tty_table_mutex); only grows

static struct tty *find_tty(dev_t dev)
{
	struct tty_slot *s;
	struct tty *t = NULL;

	mutex_lock(&tty_table_mutex);
	list_for_each_entry(s, &tty_slots, link)
		if (s->tty->dev == dev)
			t = tty_get(s->tty);
	mutex_unlock(&tty_table_mutex);
	return t;
}

// ---- files ------------------------------------------------------------------------------------------------------------

// Which tty a device number means. *out is counted.
static int tty_of(dev_t dev, struct tty **out)
{
	if (dev == MKDEV(TTY_AUX_MAJOR, 0)) {
		*out = current_tty();
		return *out ? 0 : -ENXIO;
	}
	if (dev == MKDEV(TTY_AUX_MAJOR, 1)) {
		*out = tty_get(console_tty);
		return *out ? 0 : -ENODEV;
	}
	*out = find_tty(dev);
	return *out ? 0 : -ENXIO;
}

static int first_open(struct tty *t) REQUIRES(&t->open_mutex)
{
	if ((READ_ONCE(t->flags) & TTY_EXCLUSIVE) && t->opens && !capable(CAP_SYS_ADMIN))
		return -EBUSY;
	if (!t->opens) {
		int err = t->ops->open(t);
		if (err)
			return err;
	}
	t->opens++;
	return 0;
}

static int tty_open(struct inode *inode, struct file *f)
{
	struct tty_file *tf = kalloc(sizeof(*tf), GFP_KERNEL);
	bool console = inode->rdev == MKDEV(TTY_AUX_MAJOR, 1);
	struct tty *t;

	if (!tf)
		return -ENOMEM;
	int err = tty_of(inode->rdev, &t);
	if (err) {
		kfree(tf);
		return err;
	}
	mutex_lock(&t->open_mutex);
	err = first_open(t);
	mutex_unlock(&t->open_mutex);
	if (err) {
		tty_put(t);
		kfree(tf);
		return err;
	}
	*tf = (struct tty_file){ .tty = t, .hangups = READ_ONCE(t->hangups), .console = console };
	f->private = tf;
	if (!(f->flags & O_NOCTTY) && !console)
		tty_open_ctty(t, f);
	return 0;
}

static void last_close(struct tty *t) REQUIRES(&t->open_mutex)
{
	spin_lock(&t->lock);
	ldisc_stop(t, false, true);
	spin_unlock(&t->lock);
	if (tty_drain(t, TTY_CLOSE_WAIT)) {	// killed: what is left is lost
		spin_lock(&t->lock);
		t->ops->flush_out(t);
		spin_unlock(&t->lock);
	}
	__atomic_fetch_and(&t->flags, ~TTY_EXCLUSIVE, __ATOMIC_RELAXED);
	t->ops->close(t);
	ldisc_flush_input(t);
}

static void tty_release(struct inode *inode, struct file *f)
{
	struct tty_file *tf = f->private;
	struct tty *t = tf->tty;

	mutex_lock(&t->open_mutex);
	if (--t->opens == 0)
		last_close(t);
	mutex_unlock(&t->open_mutex);
	tty_put(t);
	kfree(tf);
}

static ssize_t tty_read(struct kiocb *k, struct iov_iter *to)
{
	if (unlikely(tty_file_dead(k->file)))
		return 0;
	return ldisc_read(file_tty(k->file), k->file, to);
}

static ssize_t tty_write(struct kiocb *k, struct iov_iter *from)
{
	if (unlikely(tty_file_dead(k->file)))
		return -EIO;
	return ldisc_write(file_tty(k->file), k->file, from);
}

static u32 tty_poll(struct file *f, struct poll_table *pt)
{
	if (tty_file_dead(f))
		return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDNORM | EPOLLWRNORM;
	return ldisc_poll(file_tty(f), f, pt);
}

static const struct file_ops tty_fops = {
	.open = tty_open, .release = tty_release, .read = tty_read, .write = tty_write, .poll = tty_poll, .ioctl = tty_ioctl, .stream = true,
};

int tty_register(struct tty *t)
{
	struct tty_slot *s = kalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	s->chrdev = (struct chrdev){ .first = t->dev, .count = 1, .ops = &tty_fops, .name = "ttyS" };
	s->tty = tty_get(t);
	mutex_lock(&tty_table_mutex);
	list_add_tail(&s->link, &tty_slots);
	mutex_unlock(&tty_table_mutex);
	int err = chrdev_register(&s->chrdev);
	return err ?: devnode_add(t->name, S_IFCHR | 0600, t->dev);
}

static struct chrdev tty_aux = { .first = MKDEV(TTY_AUX_MAJOR, 0), .count = 1, .ops = &tty_fops, .name = "/dev/tty" };
static struct chrdev tty_console = { .first = MKDEV(TTY_AUX_MAJOR, 1), .count = 1, .ops = &tty_fops, .name = "/dev/console" };

void tty_subsys_init(void)
{
	int err = chrdev_register(&tty_aux) ?: chrdev_register(&tty_console);

	err = err ?: devnode_add("tty", S_IFCHR | 0666, tty_aux.first);
	err = err ?: devnode_add("console", S_IFCHR | 0600, tty_console.first);
	if (err)
		panic("ttys: error %d", err);
}
