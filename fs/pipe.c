// Pipes and FIFOs. man 7 pipe, man 7 fifo.
//
// The mutex is held over copies to and from user memory. head - tail buffers are full; an idle page is kept for the next write. Readers and
// writers are woken only on the transitions that they can wait for: empty to not empty, full to not full.
#include "fs/pipe.h"
#include "fs/fs_internal.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "lib/math.h"
#include "mm/folio.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "task/cred.h"
#include "task/signal.h"
#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/stat.h>

#define BUF_MERGE 1u			// a write may append to the last page
#define BUF_PACKET 2u			// O_DIRECT: read as one
#define PIPE_MAX_SIZE (1u << 20)	// fs.pipe-max-size
#define USER_PAGES_SOFT (16384 * 1ll)	// fs.pipe-user-pages-soft
#define SIGPIPE_NR 13

DEFINE_LOCK_CLASS_NESTABLE(pipe_mutex_class, LOCK_TASK);
DEFINE_LOCK_CLASS(pipe_lock_class, LOCK_TASK);

static struct kmem_cache *pipe_cache RO_AFTER_INIT;
static struct mount *pipe_mnt RO_AFTER_INIT;

static u32 pipe_used(const struct pipe *p)
{
	return READ_ONCE(p->head) - READ_ONCE(p->tail);
}

static bool pipe_empty(const struct pipe *p)
{
	return READ_ONCE(p->head) == READ_ONCE(p->tail);
}

static bool pipe_full(const struct pipe *p)
{
	return pipe_used(p) >= READ_ONCE(p->max_usage);
}

static struct pipe_buffer *pipe_buf(const struct pipe *p, u32 i)
{
	return &p->bufs[i & (p->ring_size - 1)];
}

// ---- life -----------------------------------------------------------------------------------------------------------

static int pipe_alloc(struct pipe **out)
{
	struct user *user = current_cred()->user;
	u32 size = PIPE_DEF_BUFFERS;
	struct pipe *p;

	if (atomic64_add_return(&user->pipe_pages, size) > USER_PAGES_SOFT && !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN)) {
		atomic64_sub(&user->pipe_pages, size - 2);
		size = 2;
	}
	p = kmem_cache_alloc(pipe_cache, GFP_KERNEL);
	if (p)
		p->bufs = kalloc(size * sizeof(*p->bufs), GFP_KERNEL_ACCOUNT);
	if (!p || !p->bufs) {
		atomic64_sub(&user->pipe_pages, size);
		if (p)
			kmem_cache_free(pipe_cache, p);
		return -ENOMEM;
	}
	spin_init(&p->lock, &pipe_lock_class);
	mutex_init(&p->mutex, &pipe_mutex_class);
	waitq_init(&p->rd_wait);
	waitq_init(&p->wr_wait);
	p->ring_size = p->max_usage = size;
	p->r_counter = p->w_counter = 1;
	user_get(user);
	p->user = user;
	*out = p;
	return 0;
}

static void pipe_free(struct pipe *p) NO_LOCK_ANALYSIS	// the last user
{
	atomic64_sub(&p->user->pipe_pages, p->ring_size);
	user_put(p->user);
	for (u32 i = p->tail; i != p->head; i++)
		folio_put(pipe_buf(p, i)->folio);
	for (u32 i = 0; i < ARRAY_SIZE(p->tmp); i++) {
		if (p->tmp[i])
			folio_put(p->tmp[i]);
	}
	kvfree(p->bufs);
	kmem_cache_free(pipe_cache, p);
}

// A page for a write: one of those kept, or a new one.
static struct folio *pipe_page(struct pipe *p)
{
	for (u32 i = 0; i < ARRAY_SIZE(p->tmp); i++) {
		struct folio *f = p->tmp[i];

		if (f) {
			p->tmp[i] = NULL;
			return f;
		}
	}
	return folio_alloc(GFP_KERNEL_ACCOUNT | GFP_UNINIT, 0);
}

static void pipe_keep_page(struct pipe *p, struct folio *f)
{
	if (ref_read(&f->ref) == 1) {
		for (u32 i = 0; i < ARRAY_SIZE(p->tmp); i++) {
			if (!p->tmp[i]) {
				p->tmp[i] = f;
				return;
			}
		}
	}
	folio_put(f);
}

// ---- reading --------------------------------------------------------------------------------------------------------

// Takes what is there, up to the iterator's room. 0 bytes: empty.
static ssize_t pipe_take(struct pipe *p, struct iov_iter *to) REQUIRES(&p->mutex)
{
	ssize_t done = 0;

	while (to->count && p->head != p->tail) {
		struct pipe_buffer *b = pipe_buf(p, p->tail);
		size_t want = MIN((size_t)b->len, to->count);
		size_t n = copy_folio_to_iter(b->folio, b->offset, want, to);
		bool packet = b->flags & BUF_PACKET;

		done += n;
		b->offset += n;
		b->len -= n;
		if (n < want)
			return done ? done : -EFAULT;
		if (packet)
			b->len = 0;		// the rest of a packet is lost
		if (!b->len) {
			pipe_keep_page(p, b->folio);
			b->folio = NULL;
			WRITE_ONCE(p->tail, p->tail + 1);
		}
		if (packet)
			break;
	}
	return done;
}

static bool file_nonblocking(const struct kiocb *k)
{
	return (READ_ONCE(k->file->flags) & O_NONBLOCK) || (k->flags & IOCB_NOWAIT);
}

static struct pipe *pipe_of(struct file *f)
{
	return f->private;
}

static ssize_t pipe_read(struct kiocb *k, struct iov_iter *to)
{
	struct pipe *p = pipe_of(k->file);
	bool was_full, wake_next = false;
	ssize_t n = 0;

	if (unlikely(!to->count))
		return 0;
	mutex_lock(&p->mutex);
	for (;;) {
		was_full = pipe_full(p);
		n = pipe_take(p, to);
		if (n || !p->writers)
			break;
		if (file_nonblocking(k)) {
			n = -EAGAIN;
			break;
		}
		mutex_unlock(&p->mutex);
		n = WAIT_EVENT_EXCLUSIVE(&p->rd_wait, !pipe_empty(p) || !READ_ONCE(p->writers));
		if (n) {
			if (!pipe_empty(p))	// a wake-up that came with the signal is for somebody else
				waitq_wake_poll(&p->rd_wait, POLLIN | POLLRDNORM);
			return n;
		}
		mutex_lock(&p->mutex);
		wake_next = true;
	}
	was_full = was_full && !pipe_full(p);
	// Only one of the sleeping readers was woken: what is left is for the next.
	wake_next = wake_next && !pipe_empty(p);
	mutex_unlock(&p->mutex);
	if (was_full && waitq_active(&p->wr_wait))
		waitq_wake_poll(&p->wr_wait, POLLOUT | POLLWRNORM);
	if (wake_next)
		waitq_wake_poll(&p->rd_wait, POLLIN | POLLRDNORM);
	if (n > 0)
		inode_atime(k->file);
	return n;
}

// ---- writing --------------------------------------------------------------------------------------------------------

// The tail of a write goes to the last page if it fits there whole.
static ssize_t pipe_merge(struct pipe *p, struct iov_iter *from) REQUIRES(&p->mutex)
{
	size_t chars = from->count & (PAGE_SIZE - 1), n;
	struct pipe_buffer *b;

	if (!chars || p->head == p->tail)
		return 0;
	b = pipe_buf(p, p->head - 1);
	if (!(b->flags & BUF_MERGE) || b->offset + b->len + chars > PAGE_SIZE)
		return 0;
	n = copy_from_iter((char *)folio_addr(b->folio) + b->offset + b->len, chars, from);
	b->len += n;
	return n == chars ? (ssize_t)n : n ? (ssize_t)n : -EFAULT;
}

static ssize_t pipe_add_page(struct pipe *p, struct iov_iter *from, bool packet)
{
	size_t want = MIN(from->count, PAGE_SIZE), n;
	struct folio *f = pipe_page(p);

	if (!f)
		return -ENOMEM;
	n = copy_from_iter(folio_addr(f), want, from);
	if (!n) {
		pipe_keep_page(p, f);
		return -EFAULT;
	}
	*pipe_buf(p, p->head) = (struct pipe_buffer){ .folio = f, .len = n, .flags = packet ? BUF_PACKET : BUF_MERGE };
	WRITE_ONCE(p->head, p->head + 1);
	return n;
}

static ssize_t pipe_broken(ssize_t done)
{
	send_signal(current, SIGPIPE_NR, SEND_SIG_NOINFO, PIDTYPE_PID);
	return done ? done : -EPIPE;
}

struct pipe_writing {
	struct pipe *p;
	struct kiocb *k;
	struct iov_iter *from;
	ssize_t done;
	bool wake;		// readers: there was nothing before
	bool wake_next;		// the next sleeping writer
};

// Until all is in, or nothing more can be. The mutex is held. 0: done; > 0: must sleep; or -errno.
static ssize_t pipe_put(struct pipe_writing *w)
{
	struct pipe *p = w->p;
	bool packet = READ_ONCE(w->k->file->flags) & O_DIRECT;

	while (w->from->count) {
		bool was_empty = pipe_empty(p);
		ssize_t n;

		if (!p->readers)
			return -EPIPE;
		if (pipe_full(p))
			return file_nonblocking(w->k) ? -EAGAIN : 1;
		n = pipe_add_page(p, w->from, packet);
		if (n < 0)
			return n;
		w->done += n;
		w->wake |= was_empty;
	}
	return 0;
}

static ssize_t pipe_write(struct kiocb *k, struct iov_iter *from)
{
	struct pipe_writing w = { .p = pipe_of(k->file), .k = k, .from = from };
	struct pipe *p = w.p;
	ssize_t n;

	if (unlikely(!from->count))
		return 0;
	mutex_lock(&p->mutex);
	if (!p->readers) {
		mutex_unlock(&p->mutex);
		return pipe_broken(0);
	}
	n = READ_ONCE(k->file->flags) & O_DIRECT ? 0 : pipe_merge(p, from);
	if (n > 0)
		w.done = n;
	while (n >= 0) {
		n = pipe_put(&w);
		if (n <= 0)
			break;
		mutex_unlock(&p->mutex);
		if (w.wake) {
			waitq_wake_poll(&p->rd_wait, POLLIN | POLLRDNORM);
			w.wake = false;
		}
		n = WAIT_EVENT_EXCLUSIVE(&p->wr_wait, !pipe_full(p) || !READ_ONCE(p->readers));
		mutex_lock(&p->mutex);
		w.wake_next = true;
	}
	w.wake_next = w.wake_next && !pipe_full(p);
	mutex_unlock(&p->mutex);
	if (w.wake && waitq_active(&p->rd_wait))
		waitq_wake_poll(&p->rd_wait, POLLIN | POLLRDNORM);
	if (w.wake_next)
		waitq_wake_poll(&p->wr_wait, POLLOUT | POLLWRNORM);
	if (w.done > 0)
		inode_touch(k->file->inode, ATTR_MTIME | ATTR_CTIME);
	if (unlikely(n == -EPIPE))
		return pipe_broken(w.done);
	return w.done ? w.done : n;
}

// ---- the rest -------------------------------------------------------------------------------------------------------

static NOINLINE void pipe_poll_wait(struct file *f, struct poll_table *t)
{
	struct pipe *p = pipe_of(f);

	if (f->mode & FMODE_READ)
		poll_wait(t, f, &p->rd_wait);
	if (f->mode & FMODE_WRITE)
		poll_wait(t, f, &p->wr_wait);
}

static u32 pipe_poll(struct file *f, struct poll_table *t)
{
	struct pipe *p = pipe_of(f);
	u32 mask = 0;

	if (t && t->queue) {
		pipe_poll_wait(f, t);
		smp_mb();		// pairs with waitq_active() of wakers
	}
	if (f->mode & FMODE_READ) {
		if (!pipe_empty(p))
			mask |= POLLIN | POLLRDNORM;
		if (unlikely(!READ_ONCE(p->writers)) && f->version != p->w_counter)
			mask |= POLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		if (!pipe_full(p))
			mask |= POLLOUT | POLLWRNORM;
		if (unlikely(!READ_ONCE(p->readers)))
			mask |= POLLERR;
	}
	return mask;
}

static long pipe_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct pipe *p = pipe_of(f);
	u32 count = 0;

	if (cmd != FIONREAD)
		return -ENOIOCTLCMD;
	mutex_lock(&p->mutex);
	for (u32 i = p->tail; i != p->head; i++)
		count += pipe_buf(p, i)->len;
	mutex_unlock(&p->mutex);
	return put_user_u32(count, UPTR(arg));
}

static void pipe_put_file(struct inode *inode, struct pipe *p)
{
	bool last;

	spin_lock(&inode->lock);
	last = --p->files == 0;
	if (last)
		inode->pipe = NULL;
	spin_unlock(&inode->lock);
	if (last)
		pipe_free(p);
}

static void pipe_release(struct inode *inode, struct file *f)
{
	struct pipe *p = pipe_of(f);
	bool other;

	mutex_lock(&p->mutex);
	if (f->mode & FMODE_READ)
		WRITE_ONCE(p->readers, p->readers - 1);
	if (f->mode & FMODE_WRITE)
		WRITE_ONCE(p->writers, p->writers - 1);
	other = !p->readers != !p->writers;		// the last of one side is gone
	mutex_unlock(&p->mutex);
	if (other) {
		waitq_wake_key(&p->rd_wait, TASK_NORMAL, 0, POLLIN | POLLRDNORM | POLLERR | POLLHUP);
		waitq_wake_key(&p->wr_wait, TASK_NORMAL, 0, POLLOUT | POLLWRNORM | POLLERR | POLLHUP);
	}
	pipe_put_file(inode, p);
}

static const struct file_ops pipe_ops = {
	.read = pipe_read, .write = pipe_write, .poll = pipe_poll, .ioctl = pipe_ioctl, .release = pipe_release, .nowait_ok = true, .stream = true,
};

struct pipe *file_pipe(struct file *f)
{
	return f->ops == &pipe_ops || f->ops == &fifo_ops ? f->private : NULL;
}

// F_SETPIPE_SZ: rounded up to a power of two pages. man 2 fcntl.
static long pipe_resize(struct pipe *p, u64 arg) REQUIRES(&p->mutex)
{
	u32 pages, used;
	struct pipe_buffer *bufs;

	if (arg > S32_MAX + 1ull)
		return -EINVAL;
	pages = roundup_pow_of_two(arg ? DIV_ROUND_UP(arg, PAGE_SIZE) : 1);
	if (pages > p->max_usage && pages > PIPE_MAX_SIZE / PAGE_SIZE && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (pages > p->ring_size && atomic64_read(&p->user->pipe_pages) + pages - p->ring_size > USER_PAGES_SOFT &&
	    !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	used = pipe_used(p);
	if (used > pages)
		return -EBUSY;
	bufs = kvalloc(pages * sizeof(*bufs), GFP_KERNEL_ACCOUNT | GFP_NOWARN);
	if (!bufs)
		return -ENOMEM;
	for (u32 i = 0; i < used; i++)
		bufs[i] = *pipe_buf(p, p->tail + i);
	atomic64_add(&p->user->pipe_pages, (s64)pages - p->ring_size);
	kvfree(p->bufs);
	p->bufs = bufs;
	p->ring_size = pages;
	WRITE_ONCE(p->max_usage, pages);
	WRITE_ONCE(p->tail, 0);
	WRITE_ONCE(p->head, used);
	return (long)pages * PAGE_SIZE;
}

long pipe_fcntl(struct file *f, u32 cmd, u64 arg)
{
	struct pipe *p = file_pipe(f);
	long r;

	if (!p)
		return -EBADF;
	mutex_lock(&p->mutex);
	r = cmd == F_SETPIPE_SZ ? pipe_resize(p, arg) : (long)(p->max_usage * PAGE_SIZE);
	mutex_unlock(&p->mutex);
	if (cmd == F_SETPIPE_SZ && r > 0) {
		// Who looked at head and tail while they moved to the new array may have gone to sleep wrongly.
		waitq_wake_poll(&p->rd_wait, POLLIN | POLLRDNORM);
		waitq_wake_poll(&p->wr_wait, POLLOUT | POLLWRNORM);
	}
	return r;
}

// ---- pipe(2) --------------------------------------------------------------------------------------------------------

static const struct inode_ops pipe_inode_ops = { 0 };

static int pipe_inode(struct inode **out) NO_LOCK_ANALYSIS	// not published yet
{
	struct inode *inode;
	struct pipe *p;
	int err = inode_alloc(pipe_mnt->sb, &inode);

	if (err)
		return err;
	err = pipe_alloc(&p);
	if (err) {
		iput(inode);
		return err;
	}
	p->files = 2;
	p->readers = p->writers = 1;
	inode->pipe = p;
	inode->mode = S_IFIFO | 0600;
	inode->uid = current_cred()->fsuid;
	inode->gid = current_cred()->fsgid;
	inode->ops = &pipe_inode_ops;
	inode->fops = &fifo_ops;	// opened anew by /proc
	*out = inode;
	return 0;
}

int pipe_create(u32 flags, struct file **rd, struct file **wr)
{
	struct inode *inode;
	struct pipe *p;
	struct dentry *d;
	int err = pipe_inode(&inode);

	if (err)
		return err;
	p = inode->pipe;
	err = d_alloc_pseudo(pipe_mnt->sb, "", &d);
	if (err) {
		iput(inode);
		goto free;
	}
	d_instantiate(d, inode);
	err = file_pseudo(pipe_mnt, d, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)), &pipe_ops, wr);
	if (err)
		goto put;
	dget(d);
	err = file_pseudo(pipe_mnt, d, O_RDONLY | (flags & O_NONBLOCK), &pipe_ops, rd);
	if (err) {
		dput(d);
		(*wr)->mode &= ~FMODE_OPENED;	// not released as an open end
		path_put(&(*wr)->path);
		file_free_unopened(*wr);
		goto free;
	}
	(*rd)->private = (*wr)->private = p;
	return 0;
put:
	dput(d);
free:
	pipe_free(p);
	return err;
}

// ---- FIFOs ----------------------------------------------------------------------------------------------------------

static int fifo_get_pipe(struct inode *inode, struct pipe **out)
{
	struct pipe *p, *new;
	int err;

	spin_lock(&inode->lock);
	p = inode->pipe;
	if (p)
		p->files++;
	spin_unlock(&inode->lock);
	if (!p) {
		err = pipe_alloc(&new);
		if (err)
			return err;
		new->files = 1;
		new->r_counter = new->w_counter = 0;
		spin_lock(&inode->lock);
		p = inode->pipe;
		if (p)
			p->files++;
		else
			inode->pipe = new;
		spin_unlock(&inode->lock);
		if (p)
			pipe_free(new);
		else
			p = new;
	}
	*out = p;
	return 0;
}

// Sleeps until *count has moved on: a partner has opened, even if it is gone again. The mutex is dropped meanwhile.
static int fifo_wait_partner(struct pipe *p, u32 *count) REQUIRES(&p->mutex)
{
	u32 before = *count;
	int err;

	mutex_unlock(&p->mutex);
	err = WAIT_EVENT_INTERRUPTIBLE(&p->rd_wait, READ_ONCE(*count) != before);
	mutex_lock(&p->mutex);
	return err;
}

static void fifo_wake_partner(struct pipe *p)
{
	waitq_wake_key(&p->rd_wait, TASK_NORMAL, 0, 0);
}

// An end of a pipe(2) that is opened anew, by /proc, waits for nobody.
static bool is_anonymous(const struct file *f)
{
	return f->inode->sb == pipe_mnt->sb;
}

static int fifo_open_read(struct pipe *p, struct file *f) REQUIRES(&p->mutex)
{
	p->r_counter++;
	p->readers++;
	if (p->readers == 1)
		fifo_wake_partner(p);
	if (p->writers || is_anonymous(f))
		return 0;
	if (f->flags & O_NONBLOCK) {
		f->version = p->w_counter;	// no POLLHUP before the first writer
		return 0;
	}
	if (fifo_wait_partner(p, &p->w_counter)) {
		p->readers--;
		return -ERESTARTSYS;
	}
	return 0;
}

static int fifo_open_write(struct pipe *p, struct file *f) REQUIRES(&p->mutex)
{
	if ((f->flags & O_NONBLOCK) && !p->readers && !is_anonymous(f))
		return -ENXIO;
	p->w_counter++;
	p->writers++;
	if (p->writers == 1)
		fifo_wake_partner(p);
	if (p->readers || is_anonymous(f))
		return 0;
	if (fifo_wait_partner(p, &p->r_counter)) {
		p->writers--;
		return -ERESTARTSYS;
	}
	return 0;
}

static int fifo_open(struct inode *inode, struct file *f)
{
	struct pipe *p;
	int err = fifo_get_pipe(inode, &p);

	if (err)
		return err;
	f->private = p;
	f->version = 0;
	mutex_lock(&p->mutex);
	switch (f->mode & (FMODE_READ | FMODE_WRITE)) {
	case FMODE_READ:
		err = fifo_open_read(p, f);
		break;
	case FMODE_WRITE:
		err = fifo_open_write(p, f);
		break;
	case 0:				// O_ACCMODE
		err = -EINVAL;
		break;
	default:			// both: never waits (Linux's, not POSIX')
		p->readers++;
		p->writers++;
		p->r_counter++;
		p->w_counter++;
		if (p->readers == 1 || p->writers == 1)
			fifo_wake_partner(p);
	}
	mutex_unlock(&p->mutex);
	if (err) {
		waitq_wake_all(&p->wr_wait);
		pipe_put_file(inode, p);
	}
	return err;
}

const struct file_ops fifo_ops = {
	.open = fifo_open, .read = pipe_read, .write = pipe_write, .poll = pipe_poll, .ioctl = pipe_ioctl, .release = pipe_release,
	.nowait_ok = true, .stream = true,
};

// ---- pipefs ---------------------------------------------------------------------------------------------------------

static char *pipe_dname(struct dentry *d, char *buf, size_t n)
{
	return dynamic_dname(buf, n, "pipe:[%llu]", d->inode->ino);
}

static const struct dentry_ops pipe_dentry_ops = { .dname = pipe_dname };
static const struct super_ops pipe_super_ops = { .statfs = simple_statfs };

static int pipe_fill(struct super_block *sb, const char *options)
{
	return pseudo_fill(sb, &pipe_dentry_ops, &pipe_super_ops, 0x50495045);
}

static int pipe_mount(const struct fs_type *t, u32 flags, const char *source, const char *options, struct dentry **out)
{
	return mount_nodev(t, flags, options, pipe_fill, out);
}

static struct fs_type pipe_fs = { .name = "pipefs", .flags = FS_NODEV | FS_INTERNAL, .mount = pipe_mount, .kill = kill_litter_super };

INIT void pipe_init(void)
{
	pipe_cache = kmem_cache_create("pipe", sizeof(struct pipe), 64, SLAB_PANIC, NULL);
	ASSERT(kern_mount(&pipe_fs, &pipe_mnt) == 0);
}
