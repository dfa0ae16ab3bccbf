// The C side of include/drv as a program on the build host, for the kernel crate's unit tests and examples.
//
// Small and obvious rather than fast. Tests steer it through the fake_* variables and functions at the end.
#include "drv/drv.h"

#define EXPORTED __attribute__((visibility("default")))

// libc, whose headers clash with the kernel's.
void *aligned_alloc(size_t align, size_t size);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *p, int c, size_t n);
void free(void *p);
NORETURN void abort(void);
ssize_t write(int fd, const void *p, size_t n);
int sched_yield(void);
int gettid(void);
int getpid(void);

_Thread_local int fake_fail_allocs;	// this many allocations of this thread fail next
_Thread_local int fake_signal_pending;
_Thread_local u8 fake_log[DRV_LOG_MAX];	// what this thread logged last
_Thread_local size_t fake_log_len;
_Thread_local u32 fake_log_level;
_Thread_local int fake_ref_reports;
int fake_live_allocs;			// atomic

// ---- log, panic ----
void drv_log(u32 level, const u8 *text, size_t len)
{
	memcpy(fake_log, text, len);
	fake_log_len = len;
	fake_log_level = level;
}

void drv_panic(const u8 *text, size_t len)
{
	if (write(2, text, len) < 0)
		abort();
	abort();
}

void drv_warn(const u8 *text, size_t len)
{
	drv_log(DRV_LOG_WARNING, text, len);
}

// ---- memory ----
static void *allocate(size_t size, size_t align, u32 flags)
{
	if (size == 0 || align == 0 || (align & (align - 1)))
		abort();
	if (fake_fail_allocs > 0) {
		fake_fail_allocs--;
		return NULL;
	}
	if (align < sizeof(void *))
		align = sizeof(void *);
	void *p = aligned_alloc(align, (size + align - 1) & ~(align - 1));
	if (!p)
		return NULL;
	__atomic_add_fetch(&fake_live_allocs, 1, __ATOMIC_RELAXED);
	return memset(p, flags & DRV_GFP_UNINIT ? 0xa5 : 0, size);
}

void *drv_kmalloc(size_t size, size_t align, u32 flags)
{
	return allocate(size, align, flags);
}

void drv_kfree(void *p)
{
	if (!p)
		abort();
	__atomic_sub_fetch(&fake_live_allocs, 1, __ATOMIC_RELAXED);
	free(p);
}

void *drv_krealloc(void *p, size_t old, size_t size, size_t align, u32 flags)
{
	void *n = allocate(size, align, flags);
	if (!n)
		return NULL;
	memcpy(n, p, old < size ? old : size);
	drv_kfree(p);
	return n;
}

void *drv_vmalloc(size_t size, size_t align, u32 flags)
{
	return allocate(size, align < 4096 ? 4096 : align, flags);
}

void drv_vfree(void *p)
{
	drv_kfree(p);
}

void *drv_kvmalloc(size_t size, size_t align, u32 flags)
{
	return size > 8192 ? drv_vmalloc(size, align, flags) : allocate(size, align, flags);
}

void drv_kvfree(void *p)
{
	drv_kfree(p);
}

// ---- locks: the first word is 1 while held, and has a magic number above it from init on ----
#define MAGIC 0x10cce00000000000ull

static void lock_init(u64 *w)
{
	*w = MAGIC;
}

static bool lock_try(u64 *w)
{
	u64 free_value = MAGIC;
	bool taken = __atomic_compare_exchange_n(w, &free_value, MAGIC + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
	if (!taken && free_value != MAGIC + 1)
		abort();	// never initialised
	return taken;
}

static void lock_take(u64 *w)
{
	while (!lock_try(w))
		sched_yield();
}

static void lock_give(u64 *w)
{
	if (__atomic_exchange_n(w, MAGIC, __ATOMIC_RELEASE) != MAGIC + 1)
		abort();
}

#define LOCK(type, name) \
	void drv_##name##_init(struct drv_##type *l, const char *n UNUSED, struct drv_lock_class *c UNUSED) { lock_init(l->opaque); } \
	void drv_##name##_lock(struct drv_##type *l) { lock_take(l->opaque); } \
	void drv_##name##_unlock(struct drv_##type *l) { lock_give(l->opaque); } \
	bool drv_##name##_trylock(struct drv_##type *l) { return lock_try(l->opaque); } \
	void drv_##name##_assert_held(struct drv_##type *l) { if (l->opaque[0] != MAGIC + 1) abort(); }
LOCK(spinlock, spin)
LOCK(mutex, mutex)

// ---- waiting: opaque[0] of a queue is its lock, [1] its first entry; of an entry: [0] next, [1] woken, [2] exclusive ----
static _Thread_local struct drv_wait_entry *waiting;

void drv_waitq_init(struct drv_waitq *q, const char *n UNUSED, struct drv_lock_class *c UNUSED)
{
	lock_init(&q->opaque[0]);
	q->opaque[1] = 0;
}

void drv_wait_prepare(struct drv_waitq *q, struct drv_wait_entry *e, u32 state UNUSED, bool exclusive)
{
	lock_take(&q->opaque[0]);
	e->opaque[0] = q->opaque[1];
	e->opaque[1] = 0;
	e->opaque[2] = exclusive;
	q->opaque[1] = (u64)e;
	waiting = e;
	lock_give(&q->opaque[0]);
}

s64 drv_wait_sleep(s64 ns)
{
	while (!__atomic_load_n(&waiting->opaque[1], __ATOMIC_ACQUIRE)) {
		if (fake_signal_pending)
			return ns;
		if (ns != DRV_WAIT_FOREVER && (ns -= 1000) <= 0)
			return 0;
		sched_yield();
	}
	return ns;
}

void drv_wait_finish(struct drv_waitq *q, struct drv_wait_entry *e)
{
	lock_take(&q->opaque[0]);
	for (u64 *p = &q->opaque[1]; *p; p = &((struct drv_wait_entry *)*p)->opaque[0]) {
		if (*p == (u64)e) {
			*p = e->opaque[0];
			break;
		}
	}
	waiting = NULL;
	lock_give(&q->opaque[0]);
}

void drv_wake(struct drv_waitq *q, u32 n)
{
	lock_take(&q->opaque[0]);
	u32 woken = 0;
	for (struct drv_wait_entry *e = (void *)q->opaque[1]; e; e = (void *)e->opaque[0]) {
		if (e->opaque[2] && n != DRV_WAKE_ALL && woken == n)
			continue;
		if (!e->opaque[1] && e->opaque[2])
			woken++;
		__atomic_store_n(&e->opaque[1], 1, __ATOMIC_RELEASE);
	}
	lock_give(&q->opaque[0]);
}

// ---- user memory: the program's own, but for the first page and the upper half ----
static bool user_range(uptr p, size_t n)
{
	return p.a >= 4096 && p.a < 1ull << 47 && n < (1ull << 47) - p.a;
}

size_t drv_copy_from_user(void *to, uptr from, size_t n)
{
	if (n && !user_range(from, n))
		return n;
	memcpy(to, (const void *)from.a, n);
	return 0;
}

size_t drv_copy_to_user(uptr to, const void *from, size_t n)
{
	if (n && !user_range(to, n))
		return n;
	memcpy((void *)to.a, from, n);
	return 0;
}

ssize_t drv_strncpy_from_user(u8 *to, uptr from, size_t n)
{
	if (n && !user_range(from, n))
		return -EFAULT;
	for (size_t i = 0; i < n; i++) {
		to[i] = ((const u8 *)from.a)[i];
		if (!to[i])
			return (ssize_t)i;
	}
	return (ssize_t)n;
}

size_t drv_clear_user(uptr to, size_t n)
{
	if (n && !user_range(to, n))
		return n;
	memset((void *)to.a, 0, n);
	return 0;
}

// ---- tasks ----
struct task {
	int refs;
};
static _Thread_local struct task self;

struct task *drv_current(void)
{
	return &self;
}

void drv_task_get(struct task *t)
{
	t->refs++;
}

void drv_task_put(struct task *t)
{
	t->refs--;
}

pid_t drv_task_pid(const struct task *t UNUSED)
{
	return gettid();
}

pid_t drv_task_tgid(const struct task *t UNUSED)
{
	return getpid();
}

kuid_t drv_task_uid(const struct task *t UNUSED)
{
	return KUIDT_INIT(1000);
}

kuid_t drv_task_euid(const struct task *t UNUSED)
{
	return KUIDT_INIT(0);
}

bool drv_task_signal_pending(const struct task *t UNUSED)
{
	return fake_signal_pending;
}

void drv_task_wake(struct task *t UNUSED)
{
}

void drv_might_sleep(void)
{
}

void drv_ref_report(struct drv_ref *r UNUSED)
{
	fake_ref_reports++;
}

bool drv_test_check(const char *file UNUSED, u32 line UNUSED, const char *text UNUSED, bool held)
{
	if (!held)
		abort();
	return held;
}

// ---- files ----
struct file {
	int refs;
	u32 flags;
	void *priv;
};
struct kiocb {
	struct file *file;
	s64 pos;
};
struct iov_iter {
	u8 *p;
	size_t count;
};

void drv_file_get(struct file *f)
{
	f->refs++;
}

void drv_file_put(struct file *f)
{
	f->refs--;
}

u32 drv_file_flags(const struct file *f)
{
	return f->flags;
}

struct file *drv_kiocb_file(const struct kiocb *k)
{
	return k->file;
}

s64 *drv_kiocb_pos(struct kiocb *k)
{
	return &k->pos;
}

size_t drv_iov_count(const struct iov_iter *i)
{
	return i->count;
}

void drv_iov_advance(struct iov_iter *i, size_t n)
{
	n = n < i->count ? n : i->count;
	i->p += n;
	i->count -= n;
}

void drv_iov_revert(struct iov_iter *i, size_t n)
{
	i->p -= n;
	i->count += n;
}

size_t drv_copy_to_iter(const void *from, size_t n, struct iov_iter *i)
{
	n = n < i->count ? n : i->count;
	if (!i->p)
		return 0;	// a fault
	memcpy(i->p, from, n);
	drv_iov_advance(i, n);
	return n;
}

size_t drv_copy_from_iter(void *to, size_t n, struct iov_iter *i)
{
	n = n < i->count ? n : i->count;
	if (!i->p)
		return 0;
	memcpy(to, i->p, n);
	drv_iov_advance(i, n);
	return n;
}

// ---- modules, misc devices: one of each ----
static const u8 *param_value;
static size_t param_len;

const u8 *drv_param(const u8 *name UNUSED, size_t len UNUSED, size_t *value_len)
{
	*value_len = param_len;
	return param_value;
}

struct drv_misc {
	const struct drv_misc_ops *ops;
	void *self;
};
static struct drv_misc misc;

int drv_misc_register(const char *name UNUSED, u32 minor UNUSED, const struct drv_misc_ops *ops, void *registration, struct drv_misc **out)
{
	if (misc.ops)
		return -EBUSY;
	misc = (struct drv_misc){ .ops = ops, .self = registration };
	*out = &misc;
	return 0;
}

void drv_misc_deregister(struct drv_misc *m)
{
	if (m != &misc || !m->ops)
		abort();
	m->ops = NULL;
}

// ---- what tests call ----
EXPORTED void fake_set_param(const u8 *value, size_t len)
{
	param_value = value;
	param_len = len;
}

EXPORTED int fake_open(struct file *f)
{
	return misc.ops ? misc.ops->open(misc.self, f, &f->priv) : -ENXIO;
}

EXPORTED void fake_release(struct file *f, const struct drv_misc_ops *ops)
{
	ops->release(f->priv, f);
}

EXPORTED const struct drv_misc_ops *fake_ops(void)
{
	return misc.ops;
}

EXPORTED ssize_t fake_read(struct file *f, s64 *pos, u8 *buf, size_t n)
{
	struct kiocb k = { f, *pos };
	struct iov_iter i = { buf, n };
	ssize_t r = misc.ops->read_iter(f->priv, &k, &i);
	*pos = k.pos;
	return r;
}

EXPORTED ssize_t fake_write(struct file *f, s64 *pos, u8 *buf, size_t n)
{
	struct kiocb k = { f, *pos };
	struct iov_iter i = { buf, n };
	ssize_t r = misc.ops->write_iter(f->priv, &k, &i);
	*pos = k.pos;
	return r;
}

EXPORTED long fake_ioctl(struct file *f, u32 cmd, u64 arg)
{
	return misc.ops->ioctl(f->priv, f, cmd, arg);
}
