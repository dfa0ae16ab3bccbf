// ITIMER_REAL and alarm(2): one hrtimer per process, armed again when SIGALRM is taken (task/signal.c).
#include "proc/exit.h"
#include "proc/itimer.h"
#include "lib/errno.h"
#include "task/process.h"
#include "task/signal.h"
#include <asm/signal.h>

enum hrtimer_restart itimer_real_fn(struct hrtimer *t)
{
	struct process *p = CONTAINER_OF(t, struct process, real_timer);

	// The leader is there as long as the timer may run: do_exit() of the last thread cancels it.
	(void)send_signal(p->leader, SIGALRM, SEND_SIG_PRIV, PIDTYPE_TGID);
	return HRTIMER_NORESTART;
}

// siglock held.
static void read_locked(struct process *p, struct itimer_k *out)
{
	out->interval = p->it_real_incr;
	out->value = 0;
	if (hrtimer_active(&p->real_timer)) {
		ktime_t left = hrtimer_remaining(&p->real_timer);
		out->value = left > 1000 ? left : 1000;	// a timer that runs never reads 0
	}
}

void itimer_real_get(struct itimer_k *out)
{
	spin_lock_irq(&current->sighand->siglock);
	read_locked(current->process, out);
	spin_unlock_irq(&current->sighand->siglock);
}

void itimer_real_set(const struct itimer_k *new, struct itimer_k *old)
{
	struct process *p = current->process;

	for (;;) {
		spin_lock_irq(&current->sighand->siglock);
		if (old)
			read_locked(p, old);
		// Its function takes siglock: it cannot be waited for here.
		if (hrtimer_try_to_cancel(&p->real_timer) >= 0)
			break;
		spin_unlock_irq(&current->sighand->siglock);
		hrtimer_cancel(&p->real_timer);
	}
	p->it_real_incr = new->value ? new->interval : 0;
	if (new->value)
		hrtimer_start(&p->real_timer, ktime_add_safe(ktime_get(), new->value), 0);
	spin_unlock_irq(&current->sighand->siglock);
}
