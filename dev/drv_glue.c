// The C side of include/drv where it is one call of the kernel's own: log, memory, locks, waiting, user memory, tasks, files.
//
// Opaque types there are the kernel's here; the assertions say that they fit.
#include "drv/drv.h"
#include "arch/boot.h"
#include "fs/file.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/ref.h"
#include "lib/ktest.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "mm/vmalloc.h"
#include "sched/mutex.h"
#include "sched/sched.h"
#include "sched/waitq.h"
#include "task/cred.h"

#define SAME_LAYOUT(drv, own) \
	BUILD_ASSERT(sizeof(struct drv) >= sizeof(struct own) && sizeof(struct drv) - sizeof(struct own) < sizeof(u64), #drv); \
	BUILD_ASSERT(_Alignof(struct drv) >= _Alignof(struct own), #drv)
SAME_LAYOUT(drv_spinlock, spinlock);
SAME_LAYOUT(drv_mutex, mutex);
SAME_LAYOUT(drv_waitq, waitq);
SAME_LAYOUT(drv_wait_entry, waitq_entry);
SAME_LAYOUT(drv_lock_class, lock_class);
SAME_LAYOUT(drv_ref, ref);
BUILD_ASSERT(DRV_REF_SATURATED == REF_SATURATED);
BUILD_ASSERT(DRV_GFP_KERNEL == GFP_KERNEL && DRV_GFP_ATOMIC == GFP_ATOMIC && DRV_GFP_NOWAIT == GFP_NOWAIT);
BUILD_ASSERT(DRV_GFP_UNINIT == GFP_UNINIT && DRV_GFP_NOWARN == GFP_NOWARN && DRV_GFP_ACCOUNT == GFP_ACCOUNT_);
BUILD_ASSERT(DRV_TASK_INTERRUPTIBLE == TASK_INTERRUPTIBLE && DRV_TASK_UNINTERRUPTIBLE == TASK_UNINTERRUPTIBLE);

// ---- log, panic ----

// Linux's drivers end a line with a newline; the log's records have none.
static int text_length(const u8 *text, size_t len)
{
	len = MIN(len, (size_t)DRV_LOG_MAX);
	while (len && text[len - 1] == '\n')
		len--;
	return (int)len;
}

void drv_log(u32 level, const u8 *text, size_t len)
{
	log_printf(level <= LOG_DEBUG ? (int)level : LOG_INFO, "%.*s", text_length(text, len), (const char *)text);
}

void drv_panic(const u8 *text, size_t len)
{
	panic("%.*s", text_length(text, len), (const char *)text);
}

void drv_warn(const u8 *text, size_t len)
{
	warn_report("rust", 0, "%.*s", text_length(text, len), (const char *)text);
}

void drv_ref_report(struct drv_ref *r)
{
	ref_report((struct ref *)r, "misuse seen in Rust");
}

// ---- memory ----

// Any size is aligned for u64; a power of two to itself. Returns 0 if there is no such size.
static size_t aligned_size(size_t size, size_t align)
{
	if (align <= sizeof(u64))
		return size;
	if (size <= align)
		return align;
	if (size > SIZE_MAX / 2)
		return 0;
	return 1ul << (64 - __builtin_clzl(size - 1));
}

void *drv_kmalloc(size_t size, size_t align, u32 flags)
{
	size = aligned_size(size, align);
	return size ? kalloc(size, flags) : NULL;
}

void drv_kfree(void *p)
{
	kfree(p);
}

// Whether p can stay where it is: it is large enough, and not much too large.
static bool fits_in_place(const void *p, size_t size)
{
	size_t room = ksize(p);
	return size <= room && size >= room / 2;
}

void *drv_krealloc(void *p, size_t old, size_t size, size_t align, u32 flags)
{
	if (fits_in_place(p, size)) {
		if (size > old && !(flags & GFP_UNINIT))
			memset((u8 *)p + old, 0, size - old);
		return p;
	}
	void *n = drv_kmalloc(size, align, flags);
	if (!n)
		return NULL;
	memcpy(n, p, MIN(old, size));
	kfree(p);
	return n;
}

void *drv_vmalloc(size_t size, size_t align, u32 flags)
{
	return align <= 4096 ? vmalloc(size, flags) : NULL;
}

void drv_vfree(void *p)
{
	vfree(p);
}

void *drv_kvmalloc(size_t size, size_t align, u32 flags)
{
	size = align <= 4096 ? aligned_size(size, align) : 0;
	return size ? kvalloc(size, flags) : NULL;
}

void drv_kvfree(void *p)
{
	kvfree(p);
}

// ---- locks ----

// The class of a lock made in Rust: a static of the caller's, filled in by its first use. Racing makers write the same.
static struct lock_class *class_named(struct drv_lock_class *cls, const char *name)
{
	struct lock_class *c = (struct lock_class *)cls;
	WRITE_ONCE(c->name, name);
	WRITE_ONCE(c->ctx, LOCK_TASK);
	return c;
}

void drv_spin_init(struct drv_spinlock *l, const char *name, struct drv_lock_class *cls)
{
	spin_init((struct spinlock *)l, class_named(cls, name));
}

void drv_spin_lock(struct drv_spinlock *l) NO_LOCK_ANALYSIS
{
	spin_lock((struct spinlock *)l);
}

void drv_spin_unlock(struct drv_spinlock *l) NO_LOCK_ANALYSIS
{
	spin_unlock((struct spinlock *)l);
}

bool drv_spin_trylock(struct drv_spinlock *l) NO_LOCK_ANALYSIS
{
	return spin_trylock((struct spinlock *)l);
}

void drv_spin_assert_held(struct drv_spinlock *l)
{
	DEBUG_ASSERT(spin_is_locked((struct spinlock *)l));
}

void drv_mutex_init(struct drv_mutex *l, const char *name, struct drv_lock_class *cls)
{
	mutex_init((struct mutex *)l, class_named(cls, name));
}

void drv_mutex_lock(struct drv_mutex *l) NO_LOCK_ANALYSIS
{
	mutex_lock((struct mutex *)l);
}

void drv_mutex_unlock(struct drv_mutex *l) NO_LOCK_ANALYSIS
{
	mutex_unlock((struct mutex *)l);
}

bool drv_mutex_trylock(struct drv_mutex *l) NO_LOCK_ANALYSIS
{
	return mutex_trylock((struct mutex *)l);
}

void drv_mutex_assert_held(struct drv_mutex *l)
{
	DEBUG_ASSERT(mutex_is_locked((struct mutex *)l));
}

// ---- waiting ----

void drv_waitq_init(struct drv_waitq *q, const char *name UNUSED, struct drv_lock_class *cls UNUSED)
{
	waitq_init((struct waitq *)q);
}

void drv_wait_prepare(struct drv_waitq *q, struct drv_wait_entry *entry, u32 state, bool exclusive)
{
	struct waitq_entry *e = (struct waitq_entry *)entry;
	*e = (struct waitq_entry){ .fn = waitq_wake_task, .task = current, .link = LIST_HEAD_INIT(e->link) };
	waitq_prepare((struct waitq *)q, e, state, exclusive);
}

s64 drv_wait_sleep(s64 ns)
{
	if (signal_pending_state(READ_ONCE(current->state), current))
		return ns;
	return schedule_timeout(ns);
}

void drv_wait_finish(struct drv_waitq *q, struct drv_wait_entry *e)
{
	waitq_finish((struct waitq *)q, (struct waitq_entry *)e);
}

void drv_wake(struct drv_waitq *q, u32 n)
{
	waitq_wake_key((struct waitq *)q, TASK_NORMAL, (int)n, 0);
}

// ---- user memory ----

size_t drv_copy_from_user(void *to, uptr from, size_t n)
{
	return raw_copy_from_user(to, from, n);
}

size_t drv_copy_to_user(uptr to, const void *from, size_t n)
{
	return raw_copy_to_user(to, from, n);
}

ssize_t drv_strncpy_from_user(u8 *to, uptr from, size_t n)
{
	return user_strncpy((char *)to, from, n);
}

size_t drv_clear_user(uptr to, size_t n)
{
	return user_clear(to, n);
}

// ---- tasks ----

struct task *drv_current(void)
{
	return current;
}

void drv_task_get(struct task *t)
{
	task_get(t);
}

void drv_task_put(struct task *t)
{
	task_put(t);
}

pid_t drv_task_pid(const struct task *t)
{
	return t->pid;
}

pid_t drv_task_tgid(const struct task *t)
{
	return t->tgid;
}

kuid_t drv_task_uid(const struct task *t)
{
	const struct cred *c = task_cred_get((struct task *)t);
	kuid_t uid = c->uid;
	cred_put(c);
	return uid;
}

kuid_t drv_task_euid(const struct task *t)
{
	const struct cred *c = task_cred_get((struct task *)t);
	kuid_t uid = c->euid;
	cred_put(c);
	return uid;
}

bool drv_task_signal_pending(const struct task *t)
{
	return signal_pending(t);
}

void drv_task_wake(struct task *t)
{
	wake_up_task(t);
}

void drv_might_sleep(void)
{
	might_sleep();
}

// ---- tests ----
#ifdef CONFIG_TESTS
BUILD_ASSERT(sizeof(struct drv_test) == sizeof(struct ktest) && offsetof(struct drv_test, run) == offsetof(struct ktest, run));

bool drv_test_check(const char *file, u32 line, const char *text, bool held)
{
	return ktest_true(file, (int)line, text, held);
}
#endif

// ---- files ----

void drv_file_get(struct file *f)
{
	file_get(f);
}

void drv_file_put(struct file *f)
{
	file_put(f);
}

u32 drv_file_flags(const struct file *f)
{
	return READ_ONCE(f->flags);
}

struct file *drv_kiocb_file(const struct kiocb *k)
{
	return k->file;
}

s64 *drv_kiocb_pos(struct kiocb *k)
{
	BUILD_ASSERT(sizeof(k->pos) == sizeof(s64));
	return (s64 *)&k->pos;
}

size_t drv_iov_count(const struct iov_iter *i)
{
	return iov_iter_count(i);
}

size_t drv_copy_to_iter(const void *from, size_t n, struct iov_iter *i)
{
	return copy_to_iter(from, n, i);
}

size_t drv_copy_from_iter(void *to, size_t n, struct iov_iter *i)
{
	return copy_from_iter(to, n, i);
}

void drv_iov_revert(struct iov_iter *i, size_t n)
{
	iov_iter_revert(i, n);
}

void drv_iov_advance(struct iov_iter *i, size_t n)
{
	iov_iter_advance(i, MIN(n, iov_iter_count(i)));
}

// ---- parameters ----

// One word of the command line: [*start, end). Quotes protect white space.
static const char *next_word(const char *p, const char **start)
{
	bool quoted = false;
	while (*p == ' ' || *p == '\t' || *p == '\n')
		p++;
	*start = p;
	for (; *p && (quoted || (*p != ' ' && *p != '\t' && *p != '\n')); p++) {
		if (*p == '"')
			quoted = !quoted;
	}
	return p;
}

const u8 *drv_param(const u8 *name, size_t len, size_t *value_len)
{
	const char *value = NULL, *word;
	for (const char *end = next_word(boot_info.cmdline, &word); end != word; end = next_word(end, &word)) {
		size_t n = (size_t)(end - word);
		if (n == 2 && memcmp(word, "--", 2) == 0)
			break;	// what follows is init's
		if (*word == '"') {	// the whole parameter is quoted
			word++;
			n -= 1 + (end[-1] == '"');
		}
		if (n <= len || word[len] != '=' || !parameqn(word, (const char *)name, len))
			continue;
		value = word + len + 1;
		*value_len = n - len - 1;
		if (*value_len >= 2 && value[0] == '"' && value[*value_len - 1] == '"') {
			value++;
			*value_len -= 2;
		}
	}
	return (const u8 *)value;
}
