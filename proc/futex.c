// Futexes. A waiter queues itself in a hash bucket under the bucket's lock, after it has looked at the word; so a waker that has changed the
// word before it takes that lock finds the waiter. A waker that sees no waiters in the bucket does not take the lock at all.
#include "proc/futex.h"
#include "kern/panic.h"
#include "kern/preempt.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/list.h"
#include "lib/math.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "sched/sched.h"
#include "task/pid.h"
#include "task/signal.h"
#include "time/hrtimer.h"
#include <linux/futex.h>

#define FUTEX_HASH_BITS 10
#define ROBUST_LIMIT 2048

struct futex_bucket {
	struct atomic waiters;		// queued, or about to be: raised before the word is read
	struct spinlock lock;
	struct list_head queue GUARDED_BY(&lock);
} CACHE_ALIGNED;

struct futex_q {
	struct list_head link;
	struct futex_key_parts key;
	struct futex_bucket *bucket;	// guarded by its lock; requeue changes it
	struct task *task;
	u32 bitset;
	u32 woken ATOMIC;		// the waker's last store: the entry may vanish after it
};

DEFINE_LOCK_CLASS_NESTABLE(futex_lock_class, LOCK_TASK);
static struct futex_bucket buckets[1 << FUTEX_HASH_BITS];

static void bucket_lock(struct futex_bucket *b) ACQUIRES(&b->lock)
{
	spin_lock(&b->lock);
	if (unlikely(!b->queue.next))	// first use: all buckets start as zeros
		INIT_LIST_HEAD(&b->queue);
}

static ALWAYS_INLINE int make_key(uptr uaddr, bool shared, bool write, struct futex_key_parts *k)
{
	if (unlikely(uaddr.a & 3))
		return -EINVAL;
	if (unlikely(!user_range_ok(uaddr, 4)))
		return -EFAULT;
	if (likely(!shared)) {
		*k = (struct futex_key_parts){ .ptr = (u64)current->mm, .word = uaddr.a };
		return 0;
	}
	return mm_futex_key(current->mm, uaddr.a, true, write, k);
}

static ALWAYS_INLINE struct futex_bucket *bucket_of(const struct futex_key_parts *k)
{
	return &buckets[hash_64((k->ptr >> 6) * HASH_GOLDEN_64 + k->word + k->offset, FUTEX_HASH_BITS)];
}

static bool key_equal(const struct futex_key_parts *a, const struct futex_key_parts *b)
{
	return a->ptr == b->ptr && a->word == b->word && a->offset == b->offset;
}

// ---- waking -----------------------------------------------------------------------------------------------------------

static void wake_one_locked(struct futex_q *q)
{
	struct task *t = q->task;

	list_del(&q->link);
	atomic_dec(&q->bucket->waiters);
	task_get(t);
	store_release(&q->woken, 1);
	wake_up_state(t, TASK_NORMAL);
	task_put(t);
}

static int wake_bucket(struct futex_bucket *b, const struct futex_key_parts *k, int nr, u32 bitset) REQUIRES(&b->lock)
{
	struct futex_q *q, *n;
	int woken = 0;

	list_for_each_entry_safe(q, n, &b->queue, link) {
		if (!key_equal(&q->key, k) || !(q->bitset & bitset))
			continue;
		wake_one_locked(q);
		if (++woken >= nr)
			break;
	}
	return woken;
}

long futex_wake(uptr uaddr, bool shared, int nr, u32 bitset)
{
	struct futex_key_parts k;

	if (!bitset)
		return -EINVAL;
	int err = make_key(uaddr, shared, false, &k);
	if (err)
		return err;
	struct futex_bucket *b = bucket_of(&k);
	smp_mb();	// the caller's store to the word; pairs with the one after the increment in queue_up()
	if (likely(!atomic_read(&b->waiters)))
		return 0;
	bucket_lock(b);
	int woken = wake_bucket(b, &k, nr, bitset);
	spin_unlock(&b->lock);
	return woken;
}

void futex_wake_one(uptr uaddr)
{
	(void)futex_wake(uaddr, false, 1, FUTEX_BITSET_MATCH_ANY);
	(void)futex_wake(uaddr, true, 1, FUTEX_BITSET_MATCH_ANY);
}

// ---- waiting ----------------------------------------------------------------------------------------------------------

// Reads the word with the bucket locked. 1: it must be brought in first, without the lock.
static int read_word(uptr uaddr, u32 *v)
{
	pagefault_disable();
	int err = get_user_u32(v, uaddr);
	pagefault_enable();
	return err ? 1 : 0;
}

static void bucket_leave(struct futex_bucket *b) RELEASES(&b->lock)
{
	spin_unlock(&b->lock);
	atomic_dec(&b->waiters);
}

// Queues q if the word still holds val, with the task's state set. 0, -EAGAIN, -EFAULT.
static int queue_up(struct futex_q *q, uptr uaddr, u32 val)
{
	struct futex_bucket *b = bucket_of(&q->key);
	u32 v;

	for (;;) {
		atomic_inc(&b->waiters);
		smp_mb();	// before the word is read; pairs with futex_wake()
		bucket_lock(b);
		if (likely(!read_word(uaddr, &v)))
			break;
		bucket_leave(b);
		if (get_user_u32(&v, uaddr))
			return -EFAULT;
	}
	if (v != val) {
		bucket_leave(b);
		return -EAGAIN;
	}
	q->bucket = b;
	q->woken = 0;
	list_add_tail(&q->link, &b->queue);
	set_current_state(TASK_INTERRUPTIBLE);
	spin_unlock(&b->lock);
	return 0;
}

// False: it was woken meanwhile.
static bool unqueue(struct futex_q *q) NO_LOCK_ANALYSIS	// the waiter's bucket may change
{
	for (;;) {
		struct futex_bucket *b = READ_ONCE(q->bucket);
		if (load_acquire(&q->woken))
			return false;
		spin_lock(&b->lock);
		if (q->woken) {
			spin_unlock(&b->lock);
			return false;
		}
		if (b == q->bucket) {
			list_del(&q->link);
			bucket_leave(b);
			return true;
		}
		spin_unlock(&b->lock);	// it was requeued
	}
}

static void sleep_until(struct futex_q *q, const struct futex_timeout *to, bool *timed_out)
{
	ktime_t expires = to ? to->expires : 0;

	if (!load_acquire(&q->woken)) {
		if (to)
			*timed_out = schedule_hrtimeout(&expires, current->timer_slack_ns, to->clock) == 0;
		else
			schedule();
	}
	set_current_state(TASK_RUNNING);
}

static void save_restart(uptr uaddr, bool shared, u32 val, const struct futex_timeout *to, u32 bitset)
{
	struct task *t = current;

	t->restart_fn = (void *)futex_restart;
	t->restart_args[0] = uaddr.a;
	t->restart_args[1] = shared;
	t->restart_args[2] = val;
	t->restart_args[3] = to->expires;
	t->restart_args[4] = bitset;
	t->restart_args[5] = to->clock;
}

long futex_wait(uptr uaddr, bool shared, u32 val, const struct futex_timeout *to, u32 bitset, bool restartable)
{
	struct futex_q q = { .task = current, .bitset = bitset };
	bool timed_out = false;

	if (!bitset)
		return -EINVAL;
	for (;;) {
		int err = make_key(uaddr, shared, false, &q.key);
		if (!err)
			err = queue_up(&q, uaddr, val);
		if (err)
			return err;
		sleep_until(&q, to, &timed_out);
		if (!unqueue(&q))
			return 0;
		if (timed_out)
			return -ETIMEDOUT;
		if (signal_pending(current))
			break;
	}
	if (!to)
		return -ERESTARTSYS;
	(void)restartable;
	save_restart(uaddr, shared, val, to, bitset);
	return -ERESTART_RESTARTBLOCK;
}

long futex_restart(void)
{
	struct task *t = current;
	struct futex_timeout to = { .expires = t->restart_args[3], .clock = t->restart_args[5] };

	return futex_wait(UPTR(t->restart_args[0]), t->restart_args[1], t->restart_args[2], &to, t->restart_args[4], true);
}

// ---- requeue ----------------------------------------------------------------------------------------------------------

static void lock_two(struct futex_bucket *a, struct futex_bucket *b) ACQUIRES(&a->lock, &b->lock) NO_LOCK_ANALYSIS	// they may be one
{
	struct futex_bucket *low = a < b ? a : b, *high = a < b ? b : a;

	bucket_lock(low);
	if (low != high)
		bucket_lock(high);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b) RELEASES(&a->lock, &b->lock) NO_LOCK_ANALYSIS
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

static void move_waiter(struct futex_q *q, struct futex_bucket *to, const struct futex_key_parts *k)
{
	if (q->bucket != to) {
		list_move_tail(&q->link, &to->queue);
		atomic_dec(&q->bucket->waiters);
		atomic_inc(&to->waiters);
		WRITE_ONCE(q->bucket, to);
	}
	q->key = *k;
}

long futex_requeue(uptr from, uptr to, bool shared, int nr_wake, int nr_requeue, const u32 *cmp)
{
	struct futex_key_parts k1, k2;
	struct futex_q *q, *n;
	int done = 0, err;
	u32 v;

	if (nr_wake < 0 || nr_requeue < 0)
		return -EINVAL;
	err = make_key(from, shared, false, &k1);
	if (!err)
		err = make_key(to, shared, false, &k2);
	if (err)
		return err;
	struct futex_bucket *b1 = bucket_of(&k1), *b2 = bucket_of(&k2);
	for (;;) {
		lock_two(b1, b2);
		if (!cmp || !read_word(from, &v))
			break;
		unlock_two(b1, b2);
		if (get_user_u32(&v, from))
			return -EFAULT;
	}
	if (cmp && v != *cmp) {
		unlock_two(b1, b2);
		return -EAGAIN;
	}
	list_for_each_entry_safe(q, n, &b1->queue, link) {
		if (!key_equal(&q->key, &k1))
			continue;
		if (done < nr_wake)
			wake_one_locked(q);
		else if (done - nr_wake < nr_requeue)
			move_waiter(q, b2, &k2);
		else
			break;
		done++;
	}
	unlock_two(b1, b2);
	return done;
}

// ---- FUTEX_WAKE_OP ----------------------------------------------------------------------------------------------------

static int word_op(u32 op, u32 arg, uptr p, u32 *old)
{
	switch (op) {
	case FUTEX_OP_SET: return user_xchg32(p, arg, old);
	case FUTEX_OP_ADD: return user_fetch_add32(p, arg, old);
	case FUTEX_OP_OR: return user_fetch_or32(p, arg, old);
	case FUTEX_OP_ANDN: return user_fetch_andnot32(p, arg, old);
	case FUTEX_OP_XOR: return user_fetch_xor32(p, arg, old);
	}
	return -ENOSYS;
}

static int compare(u32 cmp, s32 old, s32 arg)
{
	switch (cmp) {
	case FUTEX_OP_CMP_EQ: return old == arg;
	case FUTEX_OP_CMP_NE: return old != arg;
	case FUTEX_OP_CMP_LT: return old < arg;
	case FUTEX_OP_CMP_GE: return old >= arg;
	case FUTEX_OP_CMP_LE: return old <= arg;
	case FUTEX_OP_CMP_GT: return old > arg;
	}
	return -ENOSYS;
}

// Under the buckets' locks: 0 or 1 is the comparison, -EFAULT or -ENOSYS.
static int atomic_op(u32 encoded, uptr p)
{
	u32 op = encoded >> 28 & 7, cmp = encoded >> 24 & 15, old;
	s32 oparg = (s32)(encoded << 8) >> 20, cmparg = (s32)(encoded << 20) >> 20;

	if (encoded & ((u32)FUTEX_OP_OPARG_SHIFT << 28))
		oparg = (s32)(1u << (oparg & 31));
	pagefault_disable();
	int err = word_op(op, oparg, p, &old);
	pagefault_enable();
	return err ?: compare(cmp, old, cmparg);
}

long futex_wake_op(uptr a, uptr b, bool shared, int nr_a, int nr_b, u32 op)
{
	struct futex_key_parts k1, k2;
	int ret, woken;
	u32 v;
	int err = make_key(a, shared, false, &k1);

	if (!err)
		err = make_key(b, shared, true, &k2);
	if (err)
		return err;
	struct futex_bucket *b1 = bucket_of(&k1), *b2 = bucket_of(&k2);
	for (;;) {
		lock_two(b1, b2);
		ret = atomic_op(op, b);
		if (ret != -EFAULT)
			break;
		unlock_two(b1, b2);
		// Brings the page in, writable: adding nothing changes nothing.
		if (user_fetch_add32(b, 0, &v))
			return -EFAULT;
	}
	if (ret < 0) {
		unlock_two(b1, b2);
		return ret;
	}
	woken = wake_bucket(b1, &k1, nr_a, FUTEX_BITSET_MATCH_ANY);
	if (ret)
		woken += wake_bucket(b2, &k2, nr_b, FUTEX_BITSET_MATCH_ANY);
	unlock_two(b1, b2);
	return woken;
}

// ---- robust mutexes ---------------------------------------------------------------------------------------------------

// The owner dies: tells the next one so, and wakes it. Kernel bits of the word: linux/futex.h.
static int robust_death(uptr word, u32 tid, bool pi, bool pending)
{
	u32 v, old;

	if (word.a & 3)
		return -EINVAL;
	if (get_user_u32(&v, word))
		return -EFAULT;
	// It died between the exchange to 0 in unlock and the wake-up, or while it took the lock: somebody may wait.
	if (pending && !pi && !v) {
		(void)futex_wake(word, true, 1, FUTEX_BITSET_MATCH_ANY);
		return 0;
	}
	do {
		if ((v & FUTEX_TID_MASK) != tid)
			return 0;
		old = v;
		if (user_cmpxchg32(word, old, (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &v))
			return -EFAULT;
	} while (v != old);
	if (!pi && (old & FUTEX_WAITERS))
		futex_wake_one(word);
	return 0;
}

static int fetch_entry(uptr *entry, bool *pi, uptr at)
{
	u64 v;

	if (get_user_u64(&v, at))
		return -EFAULT;
	*entry = UPTR(v & ~1ull);
	*pi = v & 1;
	return 0;
}

void futex_exit_robust(struct task *t)
{
	uptr head = t->robust_list, entry, next, pending;
	bool pi, next_pi, pending_pi;
	u64 offset;
	u32 tid;

	if (likely(uptr_is_null(head)))
		return;
	t->robust_list = UPTR_NULL;
	tid = task_pid_vnr(t);
	if (fetch_entry(&entry, &pi, head) || get_user_u64(&offset, uptr_add(head, 8)) || fetch_entry(&pending, &pending_pi, uptr_add(head, 16)))
		return;
	for (int n = ROBUST_LIMIT; entry.a != head.a && n; n--) {
		int err = fetch_entry(&next, &next_pi, entry);	// before the word is given away
		if (entry.a != pending.a && robust_death(uptr_add(entry, offset), tid, pi, false))
			return;
		if (err)
			return;
		entry = next;
		pi = next_pi;
	}
	if (!uptr_is_null(pending))
		(void)robust_death(uptr_add(pending, offset), tid, pending_pi, true);
}
