// fs/pipe.h - pipes and FIFOs: a ring of page buffers. man 7 pipe.
#pragma once
#include "fs/file.h"
#include "sched/waitq.h"

#define PIPE_DEF_BUFFERS 16
#define PIPE_BUF_SIZE 4096		// PIPE_BUF: writes up to this are atomic
struct pipe_buffer {
	struct folio *folio;
	u32 offset, len;
	u32 flags;			// PIPE_BUF_*
};
struct pipe {
	struct spinlock lock;		// short sections only; copies happen with the mutex held
	struct mutex mutex;
	struct waitq rd_wait, wr_wait;
	u32 head, tail GUARDED_BY(&mutex);	// free-running
	u32 ring_size, max_usage;
	u32 readers, writers GUARDED_BY(&mutex);
	u32 files;			// inode->lock
	u32 r_counter, w_counter;	// openings so far (FIFO open)
	struct folio *tmp[2];		// pages kept for reuse
	struct pipe_buffer *bufs;
	struct user *user;		// charged for the ring
	struct inode *inode;
};
MUST_CHECK int pipe_create(u32 flags, struct file **rd, struct file **wr);
extern const struct file_ops fifo_ops;
long pipe_fcntl(struct file *f, u32 cmd, u64 arg);	// F_SETPIPE_SZ, F_GETPIPE_SZ
struct pipe *file_pipe(struct file *f);			// null: not a pipe
