// The 16550 UART: National Semiconductor PC16550D data sheet.
//
// uart.lock (interrupts off) guards registers and both rings. It is a leaf, and nothing is woken or logged inside it, because the log's console takes it.
// Received bytes go into rx, and a work item gives them to the line discipline. When rx is full the receive interrupt is turned off: the device then holds
// the sender back (or loses what does not fit its FIFO), until the work has made room.
#include "dev/uart.h"
#include "arch/cpu.h"
#include "arch/io.h"
#include "dev/tty.h"
#include "fs/chrdev.h"
#include "kern/irq.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "task/workqueue.h"
#include <asm/termios.h>

enum { UART_DATA, UART_IER, UART_IIR, UART_LCR, UART_MCR, UART_LSR, UART_MSR, UART_SCRATCH };
#define UART_FCR UART_IIR
#define UART_DLL UART_DATA		// with LCR_DLAB
#define UART_DLM UART_IER
#define IER_RX 0x01
#define IER_THRE 0x02
#define IER_LINE 0x04
#define IIR_NONE 0x01
#define FCR_ENABLE 0x01
#define FCR_CLEAR 0x06			// both FIFOs
#define LCR_STOP2 0x04
#define LCR_PARITY 0x08
#define LCR_EVEN 0x10
#define LCR_BREAK 0x40
#define LCR_DLAB 0x80
#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT2 0x08			// gates the interrupt line on a PC
#define LSR_RX 0x01
#define LSR_OVERRUN 0x02
#define LSR_PARITY 0x04
#define LSR_FRAME 0x08
#define LSR_BREAK 0x10
#define LSR_THRE 0x20
#define LSR_IDLE 0x40
#define UART_CLOCK 115200u		// baud at divisor 1
#define UART_FIFO 16
#define UART_TX 4096u
#define UART_RX 1024u
#define UART_PASSES 64			// bytes or causes handled in one interrupt before it is left

struct uart_line {			// an ISA interrupt and the ports on it
	struct irq irq;
	struct irq_line line;
	struct uart *ports SET_ONCE;
	bool ready SET_ONCE;
};

struct uart {
	u16 base SET_ONCE;
	u8 isa_irq SET_ONCE;
	bool known, exists SET_ONCE;
	struct console console SET_ONCE;
	struct tty *tty SET_ONCE;
	struct uart *next_on_line SET_ONCE;
	struct ktermios termios SET_ONCE;	// to start with
	struct work rx_work;

	struct spinlock lock;
	u8 ier, mcr, lcr GUARDED_BY(&lock);
	bool stopped GUARDED_BY(&lock);
	bool rx_blocked ATOMIC;			// written under lock
	u8 urgent GUARDED_BY(&lock);		// a START or STOP to be sent first; 0: none
	u32 tx_head, tx_tail ATOMIC;		// free-running; written under lock
	u32 rx_head, rx_tail ATOMIC;
	u8 tx[UART_TX] GUARDED_BY(&lock);
	u8 rx[UART_RX], rx_flag[UART_RX] GUARDED_BY(&lock);
};

DEFINE_LOCK_CLASS(uart_lock_class, LOCK_HARDIRQ);
static void uart_console_write(struct console *c, const char *s, size_t n);
static void uart_console_drain(struct console *c);
#define UART_AT(port, isa, nm) { .base = (port), .isa_irq = (isa), .lock = SPINLOCK_INIT(&uart_lock_class), \
				 .console = { .name = (nm), .write = uart_console_write, .drain = uart_console_drain } }
static struct uart uarts[UART_PORTS] = { UART_AT(0x3f8, 4, "ttyS0"), UART_AT(0x2f8, 3, "ttyS1"), UART_AT(0x3e8, 4, "ttyS2"), UART_AT(0x2e8, 3, "ttyS3") };
static struct uart_line uart_lines[2];		// IRQ 4 and 3

static u8 uart_in(const struct uart *u, u32 reg)
{
	return port_in8((u16)(u->base + reg));
}

static void uart_out(const struct uart *u, u32 reg, u8 v)
{
	port_out8((u16)(u->base + reg), v);
}

// ---- set-up -----------------------------------------------------------------------------------------------------------

// A 16550 keeps what is written to the scratch register and to the low bits of IER.
static bool probe(struct uart *u)
{
	if (!u->known) {
		u->known = true;
		u8 ier = uart_in(u, UART_IER);
		uart_out(u, UART_IER, 0);
		bool zero = (uart_in(u, UART_IER) & 0x0f) == 0;
		uart_out(u, UART_SCRATCH, 0xa5);
		u->exists = ARCH_HAS_PORT_IO && zero && uart_in(u, UART_SCRATCH) == 0xa5;
		if (u->exists)
			uart_out(u, UART_FCR, FCR_ENABLE | FCR_CLEAR);
		else
			uart_out(u, UART_IER, ier);
	}
	return u->exists;
}

bool uart_present(u32 n)
{
	return n < UART_PORTS && probe(&uarts[n]);
}

static u8 lcr_of(const struct ktermios *t)
{
	u8 lcr = (u8)((t->c_cflag & CSIZE) / CS6);	// CS5..CS8 are 0..3 here and there

	lcr |= t->c_cflag & CSTOPB ? LCR_STOP2 : 0;
	lcr |= t->c_cflag & PARENB ? LCR_PARITY : 0;
	lcr |= t->c_cflag & PARENB && !(t->c_cflag & PARODD) ? LCR_EVEN : 0;
	return lcr;
}
BUILD_ASSERT(CS5 == 0 && CS8 / CS6 == 3);

static void program_locked(struct uart *u, const struct ktermios *t) REQUIRES(&u->lock)
{
	u32 baud = tty_baud(t), div = baud ? MAX(UART_CLOCK / baud, 1u) : 0;

	u->lcr = (u->lcr & LCR_BREAK) | lcr_of(t);
	if (div) {
		uart_out(u, UART_LCR, u->lcr | LCR_DLAB);
		uart_out(u, UART_DLL, (u8)div);
		uart_out(u, UART_DLM, (u8)(div >> 8));
		u->mcr |= MCR_DTR | MCR_RTS;
	} else {
		u->mcr &= (u8)~(MCR_DTR | MCR_RTS);	// B0: hang up
	}
	uart_out(u, UART_LCR, u->lcr);
	uart_out(u, UART_MCR, u->mcr);
}

static void uart_program(struct uart *u, const struct ktermios *t)
{
	unsigned long flags = spin_lock_irqsave(&u->lock);

	program_locked(u, t);
	spin_unlock_irqrestore(&u->lock, flags);
}

// ---- the log's console ------------------------------------------------------------------------------------------------

static void wait_thre(const struct uart *u)
{
	// A byte takes 87 us at 115200 baud; who is busy much longer is broken.
	for (u32 i = 0; !(uart_in(u, UART_LSR) & LSR_THRE) && i < 1000000; i++)
		cpu_relax();
}

static void write_polled(const struct uart *u, const char *s, size_t n)
{
	for (; n; n--, s++) {
		if (*s == '\n') {
			wait_thre(u);
			uart_out(u, UART_DATA, '\r');
		}
		wait_thre(u);
		uart_out(u, UART_DATA, (u8)*s);
	}
}

static void uart_console_write(struct console *c, const char *s, size_t n)
{
	struct uart *u = CONTAINER_OF(c, struct uart, console);

	if (panic_in_progress()) {		// the lock's holder may have been stopped
		write_polled(u, s, n);
		return;
	}
	unsigned long flags = spin_lock_irqsave(&u->lock);
	write_polled(u, s, n);
	spin_unlock_irqrestore(&u->lock, flags);
}

static void uart_console_drain(struct console *c)
{
	struct uart *u = CONTAINER_OF(c, struct uart, console);
	unsigned long flags = spin_lock_irqsave(&u->lock);

	for (; !u->stopped && u->tx_tail != u->tx_head; WRITE_ONCE(u->tx_tail, u->tx_tail + 1)) {
		wait_thre(u);
		uart_out(u, UART_DATA, u->tx[u->tx_tail % UART_TX]);
	}
	spin_unlock_irqrestore(&u->lock, flags);
}

static struct ktermios termios_of(const struct uart_mode *m)
{
	static const u32 sizes[] = { CS5, CS6, CS7, CS8 };
	struct ktermios t = tty_default_termios;

	t.c_cflag = CREAD | HUPCL | sizes[m->bits - 5];
	t.c_cflag |= m->parity == 'o' ? PARENB | PARODD : m->parity == 'e' ? PARENB : 0;
	t.c_cflag |= m->rtscts ? CRTSCTS : 0;
	tty_set_baud(&t, m->baud);
	return t;
}

struct console *uart_console(u32 n, const struct uart_mode *mode)
{
	if (!uart_present(n))
		return NULL;
	struct uart *u = &uarts[n];
	u->termios = termios_of(mode);
	u->termios.c_cflag |= CLOCAL;
	uart_program(u, &u->termios);
	return &u->console;
}

// ---- interrupts -------------------------------------------------------------------------------------------------------

static void receive(struct uart *u, u8 lsr) REQUIRES(&u->lock)
{
	for (int i = 0; i < UART_PASSES && lsr & (LSR_RX | LSR_BREAK); i++, lsr = uart_in(u, UART_LSR)) {
		if (u->rx_head - u->rx_tail >= UART_RX - 1) {	// one place is for the news of an overrun
			u->rx_blocked = true;
			u->ier &= (u8)~(IER_RX | IER_LINE);
			uart_out(u, UART_IER, u->ier);
			return;
		}
		u8 c = uart_in(u, UART_DATA);
		u32 at = u->rx_head % UART_RX;
		u->rx[at] = c;
		u->rx_flag[at] = lsr & LSR_BREAK ? TTY_RX_BREAK : lsr & LSR_PARITY ? TTY_RX_PARITY : lsr & LSR_FRAME ? TTY_RX_FRAME : TTY_RX_NORMAL;
		WRITE_ONCE(u->rx_head, u->rx_head + 1);
	}
}

// Fills the FIFO, which is empty. Turns the interrupt off when nothing is left.
static void transmit(struct uart *u) REQUIRES(&u->lock)
{
	u32 room = UART_FIFO;

	if (u->urgent) {
		uart_out(u, UART_DATA, u->urgent);
		u->urgent = 0;
		room--;
	}
	for (; room && !u->stopped && u->tx_tail != u->tx_head; room--) {
		uart_out(u, UART_DATA, u->tx[u->tx_tail % UART_TX]);
		WRITE_ONCE(u->tx_tail, u->tx_tail + 1);
	}
	if ((u->stopped || u->tx_tail == u->tx_head) && u->ier & IER_THRE) {
		u->ier &= (u8)~IER_THRE;
		uart_out(u, UART_IER, u->ier);
	}
}

static bool uart_interrupt(struct uart *u)
{
	bool any = false, sent = false;

	spin_lock(&u->lock);
	u32 rx_before = u->rx_head;
	for (int i = 0; i < UART_PASSES; i++) {
		if (uart_in(u, UART_IIR) & IIR_NONE)
			break;
		any = true;
		u8 lsr = uart_in(u, UART_LSR);
		if (lsr & (LSR_RX | LSR_BREAK) && !u->rx_blocked)
			receive(u, lsr);
		(void)uart_in(u, UART_MSR);
		if (lsr & LSR_THRE && u->ier & IER_THRE) {
			transmit(u);
			sent = true;
		}
	}
	bool received = u->rx_head != rx_before, low = u->tx_head - u->tx_tail < UART_TX / 4;
	spin_unlock(&u->lock);
	if (received)
		(void)queue_work(system_wq, &u->rx_work);
	if (sent && low && u->tty)
		tty_sent(u->tty);
	return any;
}

// The line is edge-triggered and shared: it falls only when all ports are quiet, so go round until they are.
static enum irq_result uart_line_interrupt(struct irq *i)
{
	struct uart_line *l = i->arg;
	bool any = false, again = true;

	for (int pass = 0; again && pass < UART_PASSES; pass++) {
		again = false;
		for (struct uart *u = l->ports; u; u = u->next_on_line)
			again |= uart_interrupt(u);
		any |= again;
	}
	return any ? IRQ_HANDLED : IRQ_NONE;
}

#define RX_CHUNK 128u
static void rx_work_fn(struct work *w)
{
	struct uart *u = CONTAINER_OF(w, struct uart, rx_work);
	u8 c[RX_CHUNK], flag[RX_CHUNK];
	u32 n, took;

	do {
		spin_lock_irq(&u->lock);
		n = MIN(u->rx_head - u->rx_tail, RX_CHUNK);
		for (u32 i = 0; i < n; i++) {
			c[i] = u->rx[(u->rx_tail + i) % UART_RX];
			flag[i] = u->rx_flag[(u->rx_tail + i) % UART_RX];
		}
		spin_unlock_irq(&u->lock);
		took = (u32)tty_receive(u->tty, c, flag, n);
		spin_lock_irq(&u->lock);
		WRITE_ONCE(u->rx_tail, u->rx_tail + took);
		if (u->rx_blocked && u->rx_head - u->rx_tail < UART_RX / 2) {
			u->rx_blocked = false;
			u->ier |= IER_RX | IER_LINE;
			uart_out(u, UART_IER, u->ier);
		}
		spin_unlock_irq(&u->lock);
	} while (n && took == n);	// less: the line discipline is full, rx_resume() will queue us again
}

// ---- the terminal's driver --------------------------------------------------------------------------------------------

static int ut_open(struct tty *t)
{
	struct uart *u = t->driver;
	struct uart_line *l = &uart_lines[u->isa_irq == 3];

	if (!l->ready)
		return -EIO;
	spin_lock_irq(&u->lock);
	program_locked(u, &t->termios);
	for (int i = 0; i < UART_PASSES && uart_in(u, UART_LSR) & LSR_RX; i++)
		(void)uart_in(u, UART_DATA);	// typed before anybody listened
	u->mcr |= MCR_DTR | MCR_RTS | MCR_OUT2;
	uart_out(u, UART_MCR, u->mcr);
	u->ier = IER_RX | IER_LINE;
	uart_out(u, UART_IER, u->ier);
	spin_unlock_irq(&u->lock);
	return 0;
}

static void ut_close(struct tty *t)
{
	struct uart *u = t->driver;

	spin_lock_irq(&u->lock);
	u->ier = 0;
	uart_out(u, UART_IER, 0);
	u->stopped = u->rx_blocked = false;
	if (t->termios.c_cflag & HUPCL)
		u->mcr &= (u8)~(MCR_DTR | MCR_RTS);
	uart_out(u, UART_MCR, u->mcr);
	u->tx_tail = u->tx_head;
	spin_unlock_irq(&u->lock);
	cancel_work_sync(&u->rx_work);
	u->rx_tail = u->rx_head;
}

static void start_tx(struct uart *u) REQUIRES(&u->lock)
{
	if (u->stopped || u->ier & IER_THRE)
		return;
	u->ier |= IER_THRE;	// interrupts at once if the holding register is empty
	uart_out(u, UART_IER, u->ier);
}

static size_t ut_write(struct tty *t, const u8 *p, size_t n)
{
	struct uart *u = t->driver;
	unsigned long flags = spin_lock_irqsave(&u->lock);

	n = MIN(n, (size_t)(UART_TX - (u->tx_head - u->tx_tail)));
	for (size_t i = 0; i < n; i++)
		u->tx[(u->tx_head + i) % UART_TX] = p[i];
	WRITE_ONCE(u->tx_head, u->tx_head + (u32)n);
	if (n)
		start_tx(u);
	spin_unlock_irqrestore(&u->lock, flags);
	return n;
}

static size_t ut_unsent(struct tty *t)
{
	const struct uart *u = t->driver;

	return READ_ONCE(u->tx_head) - READ_ONCE(u->tx_tail);
}

static size_t ut_write_room(struct tty *t)
{
	size_t used = ut_unsent(t);

	return used < UART_TX - TTY_ECHO_RESERVE ? UART_TX - TTY_ECHO_RESERVE - used : 0;
}

static void ut_flush_out(struct tty *t)
{
	struct uart *u = t->driver;
	unsigned long flags = spin_lock_irqsave(&u->lock);

	WRITE_ONCE(u->tx_tail, u->tx_head);
	spin_unlock_irqrestore(&u->lock, flags);
}

static void ut_stop(struct tty *t, bool stopped)
{
	struct uart *u = t->driver;
	unsigned long flags = spin_lock_irqsave(&u->lock);

	u->stopped = stopped;
	if (!stopped && u->tx_head != u->tx_tail)
		start_tx(u);
	spin_unlock_irqrestore(&u->lock, flags);
}

static void ut_rx_resume(struct tty *t)
{
	struct uart *u = t->driver;

	if (READ_ONCE(u->rx_head) != READ_ONCE(u->rx_tail) || READ_ONCE(u->rx_blocked))
		(void)queue_work(system_wq, &u->rx_work);
}

static void ut_set_termios(struct tty *t, const struct ktermios *old)
{
	uart_program(t->driver, &t->termios);
}

static void ut_send_break(struct tty *t, bool on)
{
	struct uart *u = t->driver;

	spin_lock_irq(&u->lock);
	u->lcr = on ? u->lcr | LCR_BREAK : u->lcr & (u8)~LCR_BREAK;
	uart_out(u, UART_LCR, u->lcr);
	spin_unlock_irq(&u->lock);
}

static void ut_send_char(struct tty *t, u8 c)
{
	struct uart *u = t->driver;

	spin_lock_irq(&u->lock);
	u->urgent = c;
	u->ier |= IER_THRE;
	uart_out(u, UART_IER, u->ier);
	spin_unlock_irq(&u->lock);
}

static bool ut_idle(struct tty *t)
{
	return uart_in(t->driver, UART_LSR) & LSR_IDLE;
}

static int ut_modem_get(struct tty *t)
{
	struct uart *u = t->driver;
	u8 msr = uart_in(u, UART_MSR);

	return (u->mcr & MCR_DTR ? TIOCM_DTR : 0) | (u->mcr & MCR_RTS ? TIOCM_RTS : 0) | (msr & 0x10 ? TIOCM_CTS : 0) |
	       (msr & 0x20 ? TIOCM_DSR : 0) | (msr & 0x40 ? TIOCM_RNG : 0) | (msr & 0x80 ? TIOCM_CAR : 0);
}

static int ut_modem_set(struct tty *t, u32 set, u32 clear)
{
	struct uart *u = t->driver;

	spin_lock_irq(&u->lock);
	u->mcr &= (u8)~((clear & TIOCM_DTR ? MCR_DTR : 0) | (clear & TIOCM_RTS ? MCR_RTS : 0));
	u->mcr |= (u8)((set & TIOCM_DTR ? MCR_DTR : 0) | (set & TIOCM_RTS ? MCR_RTS : 0));
	uart_out(u, UART_MCR, u->mcr);
	spin_unlock_irq(&u->lock);
	return 0;
}

static const struct tty_ops uart_tty_ops = {
	.open = ut_open, .close = ut_close, .write = ut_write, .write_room = ut_write_room, .unsent = ut_unsent, .flush_out = ut_flush_out,
	.stop = ut_stop, .rx_resume = ut_rx_resume, .set_termios = ut_set_termios, .send_break = ut_send_break, .send_char = ut_send_char,
	.idle = ut_idle, .modem_get = ut_modem_get, .modem_set = ut_modem_set,
};

// ---- registration -----------------------------------------------------------------------------------------------------

struct tty *uart_tty(u32 n)
{
	return n < UART_PORTS ? uarts[n].tty : NULL;
}

static int make_tty(u32 n)
{
	struct uart *u = &uarts[n];
	struct tty *t = kalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	tty_init(t, &uart_tty_ops, u, u->console.name, MKDEV(4, 64 + n), u->termios.c_cflag ? &u->termios : &tty_default_termios);
	work_init(&u->rx_work, rx_work_fn);
	u->tty = t;
	return tty_register(t);
}

static void connect_line(u32 index, u32 isa_irq)
{
	struct uart_line *l = &uart_lines[index];
	enum irq_trigger trigger;
	u32 gsi;

	for (u32 n = UART_PORTS; n-- > 0;) {
		if (uarts[n].isa_irq != isa_irq || !uarts[n].tty)
			continue;
		uarts[n].next_on_line = l->ports;
		l->ports = &uarts[n];
	}
	if (!l->ports)
		return;
	gsi = irqchip_isa_gsi(isa_irq, &trigger);
	l->irq = (struct irq){ .name = l->ports->console.name, .handler = uart_line_interrupt, .arg = l };
	int err = irq_setup_gsi(&l->irq, &l->line, gsi, trigger);
	if (err)
		pr_err("%s: interrupt %u: error %d\n", l->irq.name, isa_irq, err);
	l->ready = !err;
}

void uart_init(void)
{
	for (u32 n = 0; n < UART_PORTS; n++) {
		if (!uart_present(n))
			continue;
		int err = make_tty(n);
		if (err)
			pr_err("%s: error %d\n", uarts[n].console.name, err);
		else
			pr_info("%s at I/O %#x (irq = %u) is a 16550A\n", uarts[n].console.name, uarts[n].base, uarts[n].isa_irq);
	}
	connect_line(0, 4);
	connect_line(1, 3);
}
