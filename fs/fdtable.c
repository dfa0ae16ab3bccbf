// Descriptor tables.
//
// A table that only one task uses (files.ref == 1) needs no lock and its files no references: nobody else can close them. Only the
// tasks that share a table count in files.ref; /proc and others look at it under RCU (task_fd_get()).
#include "fs/file.h"
#include "fs/fs_internal.h"
#include "kern/panic.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/sched.h>

#define NR_FIRST 64u
#define NR_OPEN_MAX (1024u * 1024)		// sysctl fs.nr_open

DEFINE_LOCK_CLASS(files_lock_class, LOCK_TASK);
static struct kmem_cache *files_cache RO_AFTER_INIT;

static ALWAYS_INLINE bool files_lock(struct files *fs) NO_LOCK_ANALYSIS
{
	bool shared = files_shared(fs);

	if (unlikely(shared))
		spin_lock(&fs->lock);
	return shared;
}

static ALWAYS_INLINE void files_unlock(struct files *fs, bool locked) NO_LOCK_ANALYSIS
{
	if (unlikely(locked))
		spin_unlock(&fs->lock);
}

// ---- looking up -----------------------------------------------------------------------------------------------------

static struct file *fd_lookup_shared(struct files *fs, u32 fd)
{
	struct file *f;

	rcu_read_lock();
	for (;;) {
		f = table_slot(files_table(fs), fd);
		if (!f)
			break;
		// Type-stable: the count may be that of another file in the same memory; then the slot has changed.
		if (ref_get_unless_zero(&f->ref)) {
			if (likely(table_slot(files_table(fs), fd) == f))
				break;
			rcu_read_unlock();
			file_put(f);
			rcu_read_lock();
		}
	}
	rcu_read_unlock();
	return f;
}

static ALWAYS_INLINE struct fd fd_lookup(u32 fd, u32 not_mode)
{
	struct files *fs = current->files;
	struct fd r;

	if (likely(!files_shared(fs))) {
		r = (struct fd){ .file = table_slot(files_table(fs), fd) };
		if (unlikely(r.file && (r.file->mode & not_mode)))
			r.file = NULL;
		return r;
	}
	r = (struct fd){ .file = fd_lookup_shared(fs, fd) };
	if (!r.file)
		return r;
	if (unlikely(r.file->mode & not_mode)) {
		file_put(r.file);
		return (struct fd){ .file = NULL };
	}
	r.put = true;
	return r;
}

struct fd fd_get(u32 fd)
{
	return fd_lookup(fd, FMODE_PATH);
}

struct fd fd_get_raw(u32 fd)
{
	return fd_lookup(fd, 0);
}

// The position is shared by whoever shares the file: other descriptors, other tasks.
struct fd fd_get_pos(u32 fd, bool *locked) NO_LOCK_ANALYSIS	// the lock is optional
{
	struct fd f = fd_lookup(fd, FMODE_PATH);

	*locked = false;
	if (likely(f.file) && (f.file->mode & FMODE_ATOMIC_POS) && (f.put || ref_read(&f.file->ref) > 1)) {
		*locked = true;
		mutex_lock(&f.file->pos_lock);
	}
	return f;
}

void fd_put_pos(struct fd f, bool locked) NO_LOCK_ANALYSIS	// the lock is optional
{
	if (locked)
		mutex_unlock(&f.file->pos_lock);
	fd_put(f);
}

struct file *task_fd_get(struct task *t, u32 *fd)
{
	struct file *f = NULL;

	spin_lock(&t->alloc_lock);		// keeps t->files
	if (t->files) {
		rcu_read_lock();
		struct fdtable *table = files_table(t->files);

		for (u32 i = find_next_bit(table->open, table->max, *fd); i < table->max; i = find_next_bit(table->open, table->max, i + 1)) {
			f = fd_lookup_shared(t->files, i);
			if (f) {
				*fd = i;
				break;
			}
		}
		rcu_read_unlock();
	}
	spin_unlock(&t->alloc_lock);
	return f;
}

// ---- growing --------------------------------------------------------------------------------------------------------

static void table_free(struct fdtable *t)
{
	kvfree(t->fd);
	kvfree(t->open);
	kfree(t);
}

static void table_free_rcu(struct rcu_head *head)
{
	table_free(CONTAINER_OF(head, struct fdtable, rcu));
}

static struct fdtable *table_alloc(u32 nr)
{
	struct fdtable *t = kalloc(sizeof(*t), GFP_KERNEL);
	size_t words = nr / BITS_PER_LONG;

	if (!t)
		return NULL;
	t->max = nr;
	t->fd = kvalloc(nr * sizeof(*t->fd), GFP_KERNEL);
	t->open = kvalloc((2 * words + BITS_TO_LONGS(words)) * sizeof(long), GFP_KERNEL);
	if (!t->fd || !t->open) {
		table_free(t);
		return NULL;
	}
	t->cloexec = t->open + words;
	t->full = t->cloexec + words;
	return t;
}

static void table_copy(struct fdtable *to, const struct fdtable *from, u32 nr)
{
	size_t words = nr / BITS_PER_LONG;

	memcpy(to->fd, from->fd, nr * sizeof(*to->fd));
	memcpy(to->open, from->open, words * sizeof(long));
	memcpy(to->cloexec, from->cloexec, words * sizeof(long));
	memcpy(to->full, from->full, BITS_TO_LONGS(words) * sizeof(long));
}

static u32 table_size_for(u32 fd)
{
	return MAX((u32)roundup_pow_of_two((u64)fd + 1), 256u);
}

// Makes room for descriptor fd. The lock (if *locked) is dropped meanwhile. 0, -EMFILE, -ENOMEM.
static int files_grow(struct files *fs, u32 fd, bool *locked) NO_LOCK_ANALYSIS
{
	struct fdtable *t, *old;

	if (fd >= NR_OPEN_MAX)
		return -EMFILE;
	files_unlock(fs, *locked);
	t = table_alloc(table_size_for(fd));
	*locked = files_lock(fs);
	if (!t)
		return -ENOMEM;
	old = files_table(fs);
	if (fd < old->max) {
		table_free(t);
		return 0;
	}
	table_copy(t, old, old->max);
	rcu_assign_pointer(fs->fdt, t);
	if (old != &fs->first)
		call_rcu(&old->rcu, table_free_rcu);
	return 0;
}

// ---- reserving ------------------------------------------------------------------------------------------------------

static u32 table_next_free(const struct fdtable *t, u32 from)
{
	u32 word = from / BITS_PER_LONG;
	u32 words = t->max / BITS_PER_LONG;

	if (word < words && ~(t->open[word] | ((1ul << from % BITS_PER_LONG) - 1)))
		return word * BITS_PER_LONG + __builtin_ctzl(~(t->open[word] | ((1ul << from % BITS_PER_LONG) - 1)));
	word = find_next_zero_bit(t->full, words, word + 1);
	if (word >= words)
		return t->max;
	return word * BITS_PER_LONG + __builtin_ctzl(~t->open[word]);
}

static void table_set(struct fdtable *t, u32 fd, bool cloexec)
{
	u32 word = fd / BITS_PER_LONG;

	t->open[word] |= 1ul << fd % BITS_PER_LONG;
	if (t->open[word] == ~0ul)
		__set_bit(word, t->full);
	__assign_bit(fd, t->cloexec, cloexec);
}

static void table_clear(struct files *fs, struct fdtable *t, u32 fd)
{
	u32 word = fd / BITS_PER_LONG;

	t->open[word] &= ~(1ul << fd % BITS_PER_LONG);
	__clear_bit(word, t->full);
	if (fd < fs->next_fd)
		fs->next_fd = fd;
}

int fd_reserve_from(u32 start, u64 limit, u32 flags)
{
	struct files *fs = current->files;
	bool locked = files_lock(fs);
	int err;
	u32 fd;

	for (;;) {
		struct fdtable *t = files_table(fs);

		fd = MAX(start, fs->next_fd);
		if (fd < t->max)
			fd = table_next_free(t, fd);
		err = -EMFILE;
		if (fd >= limit)
			break;
		if (likely(fd < t->max)) {
			if (start <= fs->next_fd)
				fs->next_fd = fd + 1;
			table_set(t, fd, flags & O_CLOEXEC);
			err = fd;
			break;
		}
		err = files_grow(fs, fd, &locked);
		if (err)
			break;
	}
	files_unlock(fs, locked);
	return err;
}

int fd_reserve(u32 flags)
{
	return fd_reserve_from(0, rlimit(RLIMIT_NOFILE), flags);
}

void fd_install(int fd, struct file *f)
{
	struct files *fs = current->files;
	bool locked = files_lock(fs);	// a table that is being copied to grow would lose it

	rcu_assign_pointer(files_table(fs)->fd[fd], f);
	files_unlock(fs, locked);
}

void fd_unreserve(int fd)
{
	struct files *fs = current->files;
	bool locked = files_lock(fs);

	table_clear(fs, files_table(fs), fd);
	files_unlock(fs, locked);
}

bool fd_is_cloexec(u32 fd)
{
	bool on;

	rcu_read_lock();
	on = test_bit(fd, files_table(current->files)->cloexec);
	rcu_read_unlock();
	return on;
}

void fd_set_cloexec(u32 fd, bool on)
{
	struct files *fs = current->files;
	bool locked = files_lock(fs);

	__assign_bit(fd, files_table(fs)->cloexec, on);
	files_unlock(fs, locked);
}

// ---- closing --------------------------------------------------------------------------------------------------------

static int close_file(struct file *f)
{
	int err = 0;

	if (unlikely(f->ops->flush) && !(f->mode & FMODE_PATH))
		err = f->ops->flush(f);
	fput_sync(f);
	return err;
}

static struct file *table_take(struct files *fs, u32 fd)
{
	struct fdtable *t = files_table(fs);
	struct file *f = table_slot(t, fd);

	if (f) {
		rcu_assign_pointer(t->fd[fd], NULL);
		table_clear(fs, t, fd);
	}
	return f;
}

int fd_close(u32 fd)
{
	struct files *fs = current->files;
	bool locked = files_lock(fs);
	struct file *f = table_take(fs, fd);
	int err;

	files_unlock(fs, locked);
	if (unlikely(!f))
		return -EBADF;
	err = close_file(f);
	// The descriptor is gone: the call must not be restarted.
	if (unlikely(err == -ERESTARTSYS || err == -ERESTARTNOINTR || err == -ERESTARTNOHAND || err == -ERESTART_RESTARTBLOCK))
		err = -EINTR;
	return err;
}

int fd_replace(u32 fd, struct file *f, u32 flags)
{
	struct files *fs = current->files;
	struct file *old;
	bool locked;
	int err = 0;

	if (fd >= rlimit(RLIMIT_NOFILE))
		return -EBADF;
	locked = files_lock(fs);
	if (fd >= files_table(fs)->max)
		err = files_grow(fs, fd, &locked);
	if (err) {
		files_unlock(fs, locked);
		return err == -EMFILE ? -EBADF : err;
	}
	old = table_slot(files_table(fs), fd);
	if (!old && test_bit(fd, files_table(fs)->open)) {	// another thread has reserved it and is opening a file
		files_unlock(fs, locked);
		return -EBUSY;
	}
	rcu_assign_pointer(files_table(fs)->fd[fd], file_get(f));
	table_set(files_table(fs), fd, flags & O_CLOEXEC);
	files_unlock(fs, locked);
	if (old)
		(void)close_file(old);
	return fd;
}

static void range_cloexec(struct files *fs, u32 first, u32 last)
{
	bool locked = files_lock(fs);
	struct fdtable *t = files_table(fs);

	for (u32 fd = first; fd <= last && fd < t->max; fd++)
		__set_bit(fd, t->cloexec);
	files_unlock(fs, locked);
}

int fd_close_range(u32 first, u32 last, u32 flags)
{
	struct files *fs;
	int err;

	if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) || first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		err = unshare_files();
		if (err)
			return err;
	}
	fs = current->files;
	if (flags & CLOSE_RANGE_CLOEXEC) {
		range_cloexec(fs, first, last);
		return 0;
	}
	for (u64 fd = first; fd <= last; fd++) {
		bool locked = files_lock(fs);
		u32 max = files_table(fs)->max;
		struct file *f = NULL;

		fd = fd < max ? find_next_bit(files_table(fs)->open, max, fd) : max;
		if (fd < max && fd <= last)
			f = table_take(fs, fd);
		files_unlock(fs, locked);
		if (fd >= max)
			break;
		if (f)
			(void)close_file(f);
	}
	return 0;
}

// ---- tables of tasks ------------------------------------------------------------------------------------------------

static void files_init_first(struct files *fs)
{
	ref_init(&fs->ref, 1);
	spin_init(&fs->lock, &files_lock_class);
	fs->first = (struct fdtable){ .max = NR_FIRST, .fd = fs->first_fd, .open = fs->first_open, .cloexec = fs->first_cloexec, .full = fs->first_full };
	rcu_assign_pointer(fs->fdt, &fs->first);
}

// Files that are only reserved in `from` are free in the copy.
static void files_copy_entries(struct files *to, struct files *from, u32 n)
{
	struct fdtable *t = files_table(to);

	to->next_fd = from->next_fd;
	table_copy(t, files_table(from), n);
	for (u32 fd = find_next_bit(t->open, n, 0); fd < n; fd = find_next_bit(t->open, n, fd + 1)) {
		struct file *f = rcu_dereference(t->fd[fd]);

		if (f)
			file_get(f);
		else
			table_clear(to, t, fd);
	}
}

static u32 files_size(struct files *fs)	// a multiple of 64 that holds all open descriptors
{
	const struct fdtable *t = files_table(fs);
	u32 word = t->max / BITS_PER_LONG;

	while (word > 1 && !t->open[word - 1])
		word--;
	return word * BITS_PER_LONG;
}

static int files_dup(struct files *old, struct files **out)
{
	struct files *fs = kmem_cache_alloc(files_cache, GFP_KERNEL);
	struct fdtable *big = NULL;
	bool locked;
	u32 n;

	if (!fs)
		return -ENOMEM;
	files_init_first(fs);
	for (;;) {
		locked = files_lock(old);
		n = files_size(old);
		if (n <= files_table(fs)->max)
			break;
		files_unlock(old, locked);
		if (big)
			table_free(big);
		big = table_alloc(roundup_pow_of_two(n));
		if (!big) {
			kmem_cache_free(files_cache, fs);
			return -ENOMEM;
		}
		rcu_assign_pointer(fs->fdt, big);
	}
	files_copy_entries(fs, old, n);
	files_unlock(old, locked);
	*out = fs;
	return 0;
}

int copy_files(struct task *child, unsigned long clone_flags)
{
	struct files *fs = current->files;

	if (!fs) {
		child->files = NULL;
		return 0;
	}
	if (!(clone_flags & CLONE_FILES))
		return files_dup(fs, &child->files);
	ref_get(&fs->ref);
	child->files = fs;
	return 0;
}

void files_put(struct files *fs)
{
	struct fdtable *t;

	if (!fs || !ref_put(&fs->ref))
		return;
	t = files_table(fs);
	for (u32 fd = find_next_bit(t->open, t->max, 0); fd < t->max; fd = find_next_bit(t->open, t->max, fd + 1)) {
		struct file *f = rcu_dereference(t->fd[fd]);

		if (f) {
			rcu_assign_pointer(t->fd[fd], NULL);
			(void)close_file(f);
		}
	}
	// /proc may still be looking at the table.
	if (t != &fs->first)
		call_rcu(&t->rcu, table_free_rcu);
	kfree_rcu(fs, first.rcu);
}

static void task_set_files(struct task *t, struct files *fs)
{
	struct files *old = t->files;

	spin_lock(&t->alloc_lock);
	t->files = fs;
	spin_unlock(&t->alloc_lock);
	files_put(old);
}

int unshare_files(void)
{
	struct files *fs;
	int err;

	if (!current->files || !files_shared(current->files))
		return 0;
	err = files_dup(current->files, &fs);
	if (err)
		return err;
	task_set_files(current, fs);
	return 0;
}

void exit_files(struct task *t)
{
	if (t->files)
		task_set_files(t, NULL);
}

void files_close_on_exec(void)
{
	struct files *fs = current->files;
	struct fdtable *t = files_table(fs);	// exec has a private table

	for (u32 word = 0; word < t->max / BITS_PER_LONG; word++) {
		unsigned long set = t->cloexec[word] & t->open[word];

		t->cloexec[word] = 0;
		for (; set; set &= set - 1) {
			struct file *f = table_take(fs, word * BITS_PER_LONG + __builtin_ctzl(set));

			if (f)
				(void)close_file(f);
		}
	}
}

static struct files init_files;

INIT void fdtable_init(void)
{
	files_cache = kmem_cache_create("files_cache", sizeof(struct files), 0, SLAB_PANIC, NULL);
	files_init_first(&init_files);
	init_task.files = &init_files;
}
