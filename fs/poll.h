// fs/poll.h - sleeping for events on many files: poll(2) and select(2). epoll has its own.
#pragma once
#include "fs/file.h"
#include "sched/waitq.h"

#define POLL_INLINE 8

struct poller;
struct poll_entry {
	struct waitq_entry wait;
	struct waitq *q;
	struct file *file;	// counted when the descriptor table is shared
	u32 key;
	struct poller *poller;
};
struct poll_chunk {
	struct poll_chunk *next;
	u32 n, max;
	struct poll_entry e[];
};
struct poller {
	struct poll_table pt;
	struct task *task;
	u32 triggered ATOMIC;	// by a waker, before it wakes the task
	bool hold;		// entries count their files
	int err;
	u32 n;
	struct poll_chunk *chunks;
	struct poll_entry e[POLL_INLINE];
};
void poller_init(struct poller *p, bool wait);
void poller_done(struct poller *p);		// leaves all queues
// The events in `wanted` (POLL*) that fd has; adds the task to its queues (unless the caller has cleared pt.queue: there will be no
// sleep). POLLNVAL: no such descriptor.
u32 poller_ask(struct poller *p, u32 fd, u32 wanted);
// Sleeps until woken or the absolute CLOCK_MONOTONIC time (null: for ever). True: the time has come.
bool poller_sleep(struct poller *p, ktime_t *expires);
