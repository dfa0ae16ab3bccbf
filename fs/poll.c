// Waiting for events on many files. See poll.h.
#include "fs/poll.h"
#include "fs/fs_internal.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "sched/sched.h"
#include "time/hrtimer.h"
#include <linux/poll.h>

static int poller_woken(struct waitq_entry *w, u32 mode, u32 key)
{
	struct poll_entry *e = CONTAINER_OF(w, struct poll_entry, wait);
	struct poller *p = e->poller;

	if (key && !(key & e->key))
		return 0;
	WRITE_ONCE(p->triggered, 1);
	return wake_up_state(p->task, mode);	// a full barrier comes before it looks at the state
}

static struct poll_entry *entry_new(struct poller *p)
{
	struct poll_chunk *c = p->chunks;

	if (p->n < POLL_INLINE)
		return &p->e[p->n++];
	if (!c || c->n == c->max) {
		c = kalloc(PAGE_SIZE, GFP_KERNEL | GFP_UNINIT);
		if (!c)
			return NULL;
		c->n = 0;
		c->max = (PAGE_SIZE - sizeof(*c)) / sizeof(struct poll_entry);
		c->next = p->chunks;
		p->chunks = c;
	}
	return &c->e[c->n++];
}

static void poller_queue(struct poll_table *t, struct file *f, struct waitq *q)
{
	struct poller *p = CONTAINER_OF(t, struct poller, pt);
	struct poll_entry *e = entry_new(p);

	if (!e) {
		p->err = -ENOMEM;
		return;
	}
	e->wait.fn = poller_woken;
	e->wait.task = p->task;
	e->wait.flags = 0;
	e->q = q;
	e->file = p->hold ? file_get(f) : NULL;
	e->key = t->key;
	e->poller = p;
	waitq_add(q, &e->wait);
}

void poller_init(struct poller *p, bool wait)
{
	p->pt.queue = wait ? poller_queue : NULL;
	p->task = current;
	p->triggered = 0;
	p->hold = current->files && ref_read(&current->files->ref) != 1;
	p->err = 0;
	p->n = 0;
	p->chunks = NULL;
}

static void entry_done(struct poll_entry *e)
{
	waitq_remove(e->q, &e->wait);
	if (e->file)
		file_put(e->file);
}

void poller_done(struct poller *p)
{
	for (u32 i = 0; i < p->n; i++)
		entry_done(&p->e[i]);
	while (p->chunks) {
		struct poll_chunk *c = p->chunks;

		for (u32 i = 0; i < c->n; i++)
			entry_done(&c->e[i]);
		p->chunks = c->next;
		kfree(c);
	}
}

static NOINLINE u32 ask_counted(struct poller *p, u32 fd)
{
	struct fd f = fd_get(fd);
	u32 mask;

	if (!f.file)
		return POLLNVAL;
	mask = file_poll(f.file, &p->pt) & p->pt.key;
	fd_put(f);
	return mask;
}

u32 poller_ask(struct poller *p, u32 fd, u32 wanted)
{
	struct file *f = fd_borrow(fd);

	p->pt.key = wanted | POLLERR | POLLHUP;
	if (unlikely(!f))
		return ask_counted(p, fd);
	return file_poll(f, &p->pt) & p->pt.key;
}

bool poller_sleep(struct poller *p, ktime_t *expires)
{
	int r = -EINTR;

	p->pt.queue = NULL;		// by now we are on all queues
	set_current_state(TASK_INTERRUPTIBLE);
	if (!READ_ONCE(p->triggered))
		r = schedule_hrtimeout(expires, current->timer_slack_ns, HRTIMER_MONOTONIC);
	WRITE_ONCE(current->state, TASK_RUNNING);
	// Cleared before the files are asked again: pairs with the waker's "event first, then triggered".
	(void)xchg(&p->triggered, 0);
	return r == 0;
}
