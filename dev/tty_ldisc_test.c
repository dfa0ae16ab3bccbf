#include "dev/tty.h"

#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"
#include "mm/iov_iter.h"
#include "mm/slab.h"
#include <linux/fcntl.h>

// A line that remembers what was sent.
struct test_line {
	struct tty tty;
	struct tty_file tf;
	struct file f;
	char sent[1024];
	size_t nr_sent, room;
	u32 flushes;
	bool stopped;
	char got[TTY_BUF + 8];
};

static size_t test_line_write(struct tty *t, const u8 *p, size_t n)
{
	struct test_line *l = t->driver;

	n = MIN(n, sizeof(l->sent) - 1 - l->nr_sent);
	memcpy(l->sent + l->nr_sent, p, n);
	l->nr_sent += n;
	return n;
}

static size_t test_line_room(struct tty *t)
{
	return ((struct test_line *)t->driver)->room;
}

static size_t test_line_unsent(struct tty *t)
{
	(void)t;
	return 0;
}

static void test_line_flush(struct tty *t)
{
	((struct test_line *)t->driver)->flushes++;
}

static void test_line_stop(struct tty *t, bool stopped)
{
	((struct test_line *)t->driver)->stopped = stopped;
}

static const struct tty_ops test_line_ops = {
	.write = test_line_write, .write_room = test_line_room, .unsent = test_line_unsent, .flush_out = test_line_flush,
	.stop = test_line_stop,
};

static struct test_line *test_line_new(void)
{
	struct test_line *l = kalloc(sizeof(*l), GFP_KERNEL);

	if (!CHECK(l != NULL))
		return NULL;
	tty_init(&l->tty, &test_line_ops, l, "test0", 0, &tty_default_termios);
	l->tf = (struct tty_file){ .tty = &l->tty, .console = true };
	l->f.private = &l->tf;
	l->f.flags = O_NONBLOCK;
	l->room = 512;
	return l;
}

static void type(struct test_line *l, const char *keys)
{
	l->nr_sent = 0;
	memset(l->sent, 0, sizeof(l->sent));
	CHECK_EQ(tty_receive(&l->tty, (const u8 *)keys, NULL, strlen(keys)), strlen(keys));
}

static ssize_t test_line_read(struct test_line *l, size_t n)
{
	struct kvec v = { .base = l->got, .len = n };
	struct iov_iter i;

	memset(l->got, 0, sizeof(l->got));
	iov_iter_kvec(&i, false, &v, 1, n);
	return ldisc_read(&l->tty, &l->f, &i);
}

// What a program reads after these keys, and what the terminal shows.
static void check_typing(const char *keys, const char *read, const char *shown)
{
	struct test_line *l = test_line_new();

	if (!l)
		return;
	type(l, keys);
	ssize_t n = test_line_read(l, 256);
	CHECK_EQ(n, *read ? (ssize_t)strlen(read) : -EAGAIN);
	CHECK_STR(l->got, read);
	CHECK_STR(l->sent, shown);
	kfree(l);
}

KTEST(tty_ldisc, a_line_is_read_when_it_has_ended)
{
	check_typing("ls", "", "ls");
	check_typing("ls\r", "ls\n", "ls\r\n");
	check_typing("ls\n", "ls\n", "ls\r\n");
}

KTEST(tty_ldisc, erase_word_and_kill_edit_the_line)
{
	check_typing("ab\177c\n", "ac\n", "ab\b \bc\r\n");
	check_typing("\177a\n", "a\n", "a\r\n");	// nothing to erase
	check_typing("cd foo_1 \027x\n", "cd x\n", "cd foo_1 \b \b\b \b\b \b\b \b\b \b\b \bx\r\n");
	check_typing("abc\025x\n", "x\n", "abc\b \b\b \b\b \bx\r\n");
	check_typing("a\001\177b\n", "ab\n", "a^A\b \b\b \bb\r\n");	// a control character takes two columns
	check_typing("a\t\177b\n", "ab\n", "a\t\b\b\b\b\b\b\bb\r\n");
}

KTEST(tty_ldisc, next_character_is_literal)
{
	check_typing("a\026\177\n", "a\177\n", "a^\b^?\r\n");
	check_typing("a\026\003\n", "a\003\n", "a^\b^C\r\n");
	check_typing("a\026\025b\n", "a\025b\n", "a^\b^Ub\r\n");
}

KTEST(tty_ldisc, reprint_shows_the_line_again)
{
	check_typing("abc\022\n", "abc\n", "abc^R\r\nabc\r\n");
}

KTEST(tty_ldisc, end_of_file_ends_a_read)
{
	struct test_line *l = test_line_new();

	if (!l)
		return;
	type(l, "\004");
	CHECK_EQ(test_line_read(l, 10), 0);
	CHECK_EQ(test_line_read(l, 10), -EAGAIN);
	type(l, "abc\004");	// no newline is added
	CHECK_EQ(test_line_read(l, 10), 3);
	CHECK_STR(l->got, "abc");
	CHECK_STR(l->sent, "abc");
	CHECK_EQ(test_line_read(l, 10), -EAGAIN);
	kfree(l);
}

KTEST(tty_ldisc, one_read_takes_at_most_a_line)
{
	struct test_line *l = test_line_new();

	if (!l)
		return;
	type(l, "one\ntwo\n");
	CHECK_EQ(ldisc_input_bytes(&l->tty), 8);
	CHECK_EQ(test_line_read(l, 2), 2);
	CHECK_STR(l->got, "on");
	CHECK_EQ(test_line_read(l, 100), 2);
	CHECK_STR(l->got, "e\n");
	CHECK_EQ(test_line_read(l, 100), 4);
	CHECK_STR(l->got, "two\n");
	kfree(l);
}

KTEST(tty_ldisc, signal_characters_drop_what_was_typed)
{
	struct test_line *l = test_line_new();

	if (!l)
		return;
	type(l, "abc\003x\n");
	CHECK_EQ(l->flushes, 1);
	CHECK_STR(l->sent, "abc^Cx\r\n");
	CHECK_EQ(test_line_read(l, 10), 2);
	CHECK_STR(l->got, "x\n");
	l->tty.termios.c_lflag |= NOFLSH;
	type(l, "abc\034d\n");
	CHECK_EQ(l->flushes, 1);
	CHECK_EQ(test_line_read(l, 10), 5);
	CHECK_STR(l->got, "abcd\n");
	l->tty.termios.c_lflag &= ~(tcflag_t)ISIG;
	type(l, "\003\n");
	CHECK_EQ(test_line_read(l, 10), 2);
	CHECK_STR(l->got, "\003\n");
	kfree(l);
}

KTEST(tty_ldisc, stop_and_start_are_not_input)
{
	struct test_line *l = test_line_new();

	if (!l)
		return;
	type(l, "a\023");
	CHECK(l->stopped);
	type(l, "b\021\n");
	CHECK(!l->stopped);
	CHECK_EQ(test_line_read(l, 10), 3);
	CHECK_STR(l->got, "ab\n");
	l->tty.termios.c_iflag |= IXANY;
	type(l, "\023c");
	CHECK(!l->stopped);
	l->tty.termios.c_iflag &= ~(tcflag_t)IXON;
	type(l, "\023\n");
	CHECK(!l->stopped);
	CHECK_EQ(test_line_read(l, 10), 3);
	CHECK_STR(l->got, "c\023\n");
	kfree(l);
}

KTEST(tty_ldisc, carriage_returns_are_mapped)
{
	struct test_line *l = test_line_new();

	if (!l)
		return;
	l->tty.termios.c_lflag = 0;
	l->tty.termios.c_iflag = INLCR;
	type(l, "a\r\n");
	CHECK_EQ(test_line_read(l, 10), 3);
	CHECK_STR(l->got, "a\r\r");
	l->tty.termios.c_iflag = IGNCR | ICRNL;
	type(l, "a\rb");
	CHECK_EQ(test_line_read(l, 10), 2);
	CHECK_STR(l->got, "ab");
	l->tty.termios.c_iflag = ISTRIP;
	type(l, "\xe1");
	CHECK_EQ(test_line_read(l, 10), 1);
	CHECK_STR(l->got, "a");
	CHECK_STR(l->sent, "");
	kfree(l);
}

KTEST(tty_ldisc, bytes_are_read_as_vmin_and_vtime_say)
{
	struct test_line *l = test_line_new();

	if (!l)
		return;
	l->tty.termios.c_lflag = 0;
	l->tty.termios.c_cc[VMIN] = 0;
	CHECK_EQ(test_line_read(l, 10), 0);	// a poll
	type(l, "abc");
	CHECK_EQ(test_line_read(l, 2), 2);
	CHECK_EQ(test_line_read(l, 10), 1);
	l->f.flags = 0;
	l->tty.termios.c_cc[VTIME] = 2;	// waits 0.2 s
	CHECK_EQ(test_line_read(l, 10), 0);
	l->tty.termios.c_cc[VMIN] = 4;	// the timer runs between bytes
	type(l, "xyz");
	CHECK_EQ(test_line_read(l, 10), 3);
	CHECK_STR(l->got, "xyz");
	kfree(l);
}

KTEST(tty_ldisc, a_line_that_fills_the_buffer_can_still_be_ended)
{
	struct test_line *l = test_line_new();
	ssize_t total = 0, n;

	if (!l)
		return;
	l->tty.termios.c_lflag &= ~(tcflag_t)ECHO;
	for (u32 i = 0; i < TTY_BUF + 100; i++)
		CHECK_EQ(tty_receive(&l->tty, (const u8 *)"x", NULL, 1), 1);
	CHECK_EQ(test_line_read(l, TTY_BUF), -EAGAIN);
	CHECK_EQ(tty_receive(&l->tty, (const u8 *)"\n", NULL, 1), 1);
	CHECK_EQ(tty_receive(&l->tty, (const u8 *)"y", NULL, 1), 0);	// full: the driver keeps it
	while ((n = test_line_read(l, TTY_BUF)) > 0)
		total += n;
	CHECK_EQ(n, -EAGAIN);
	CHECK_EQ(total, TTY_BUF);
	CHECK_EQ(l->got[0], 0);
	kfree(l);
}

KTEST(tty_ldisc, errors_and_breaks_come_as_the_flags_say)
{
	static const u8 byte[] = { 'p' }, parity[] = { TTY_RX_PARITY }, brk[] = { TTY_RX_BREAK };
	struct test_line *l = test_line_new();

	if (!l)
		return;
	l->tty.termios.c_lflag = 0;
	l->tty.termios.c_iflag = INPCK | PARMRK;
	(void)tty_receive(&l->tty, byte, parity, 1);
	CHECK_EQ(test_line_read(l, 10), 3);
	CHECK_MEM(l->got, "\377\0p", 3);
	(void)tty_receive(&l->tty, byte, brk, 1);
	CHECK_EQ(test_line_read(l, 10), 3);
	CHECK_MEM(l->got, "\377\0\0", 3);
	type(l, "\377");
	CHECK_EQ(test_line_read(l, 10), 2);
	CHECK_MEM(l->got, "\377\377", 2);
	l->tty.termios.c_iflag = INPCK | IGNPAR | IGNBRK;
	(void)tty_receive(&l->tty, byte, parity, 1);
	(void)tty_receive(&l->tty, byte, brk, 1);
	CHECK_EQ(test_line_read(l, 10), -EAGAIN);
	l->tty.termios.c_iflag = INPCK;
	(void)tty_receive(&l->tty, byte, parity, 1);
	CHECK_EQ(test_line_read(l, 10), 1);
	CHECK_EQ(l->got[0], 0);
	kfree(l);
}

static ssize_t test_line_print(struct test_line *l, const char *s)
{
	struct kvec v = { .base = (void *)(unsigned long)s, .len = strlen(s) };
	struct iov_iter i;

	l->nr_sent = 0;
	memset(l->sent, 0, sizeof(l->sent));
	iov_iter_kvec(&i, true, &v, 1, v.len);
	return ldisc_write(&l->tty, &l->f, &i);
}

KTEST(tty_ldisc, output_is_processed)
{
	struct test_line *l = test_line_new();

	if (!l)
		return;
	CHECK_EQ(test_line_print(l, "a\nb\n"), 4);
	CHECK_STR(l->sent, "a\r\nb\r\n");
	l->tty.termios.c_oflag = OPOST | TAB3;
	CHECK_EQ(test_line_print(l, "ab\tc\r"), 5);
	CHECK_STR(l->sent, "ab      c\r");
	l->tty.termios.c_oflag = OPOST | OCRNL | OLCUC;
	CHECK_EQ(test_line_print(l, "x\r"), 2);
	CHECK_STR(l->sent, "X\n");
	l->tty.termios.c_oflag = ONLCR;	// without OPOST nothing is changed
	CHECK_EQ(test_line_print(l, "x\n"), 2);
	CHECK_STR(l->sent, "x\n");
	l->room = 0;
	CHECK_EQ(test_line_print(l, "x"), -EAGAIN);
	kfree(l);
}
