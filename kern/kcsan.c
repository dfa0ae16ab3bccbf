// KCSAN: finds data races - two accesses to the same memory, at least one of them a write, at least one of them plain, in no order. The
// compiler calls in before each access. One access in some thousand is watched: its CPU waits a little, with interrupts off, and whoever
// touches the same memory meanwhile without being marked has raced. Marked are atomics, READ_ONCE() and WRITE_ONCE(). Both sides report.
//
// A plain, aligned write of at most a word counts as marked unless kcsan.strict is given: such stores do not tear in practice.
// All on the way of a check is NO_SANITIZE or always inlined. A watcher reports with whatever locks the watched code holds: the log takes none.
#include "kern/kcsan.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/time.h"
#include "arch/unwind.h"
#include "kern/cpu_hot.h"
#include "kern/cpumask.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/upcalls.h"
#include "lib/atomic.h"

#define KCSAN_SLOTS 64
#define WATCH_EVERY 400	// accesses of a CPU, at most; at least WATCH_EVERY - 255: loops must not fall in step
#define WATCH_US 20
#define KCSAN_STACK 10
#define KCSAN_SEEN 256
#define CALLER ((u64)__builtin_return_address(0))

enum { PLAIN = 0, MARKED = 1, WRITE = 2 };

struct side {
	u64 addr, ip;
	u32 size, kind;
	int cpu;
	char task[32];
	u64 stack[KCSAN_STACK];
	u32 depth;
};

// A watched access: WATCH_WRITE, size and address in one word; 0: free; WATCH_HIT: raced, and the other side is in `other`.
struct slot {
	u64 watch ATOMIC;
	u32 ready ATOMIC;
	struct side other;	// the racer's, between the hit and ready; then the watcher's
};
#define WATCH_WRITE (1ull << 63)
#define WATCH_SIZE_SHIFT 59
#define WATCH_ADDR ((1ull << WATCH_SIZE_SHIFT) - 1)
#define WATCH_HIT 1ull

static struct slot slots[KCSAN_SLOTS];
static u64 kcsan_seen[KCSAN_SEEN];		// ATOMIC: pairs of places that were reported
static u32 kcsan_printing;	// ATOMIC
static struct atomic kcsan_count;
static bool kcsan_strict;
static u64 expect_from, expect_to;	// ATOMIC: races on these addresses are a test's
static struct atomic expect_count;
STATIC_PER_CPU(u32, kcsan_busy);	// inside the checker: accesses are its own
STATIC_PER_CPU(u32, kcsan_skip);	// accesses since the last that was watched

static ALWAYS_INLINE struct slot *slot_of(u64 addr)
{
	return &slots[(addr >> 6) % KCSAN_SLOTS];
}

static NO_SANITIZE void take_side(struct side *s, u64 addr, u32 size, u32 kind, u64 ip)
{
	struct unwind u;

	s->addr = addr;
	s->ip = ip;
	s->size = size;
	s->kind = kind;
	s->cpu = cpu_id();
	s->depth = 0;
	task_describe(current, s->task, sizeof(s->task));
	unwind_start(&u);
	for (u32 skip = 2; u.ip && s->depth < KCSAN_STACK; unwind_next(&u))
		if (skip)
			skip--;
		else
			s->stack[s->depth++] = u.ip;
}

static void print_side(const char *title, const struct side *s)
{
	pr_err("%s: %s%s of %u bytes at %016llx by %pS, task %s, CPU %d\n", title, s->kind & MARKED ? "marked " : "",
	       s->kind & WRITE ? "write" : "read", s->size, s->addr, (void *)s->ip, s->task, s->cpu);
	for (u32 i = 0; i < s->depth; i++)
		pr_err("  [%016llx] %pS\n", s->stack[i], (void *)(s->stack[i] - 1));
}

// Whether this pair of places is new.
static NO_SANITIZE bool new_pair(u64 a, u64 b)
{
	u64 pair = (a < b ? a << 32 | (u32)b : b << 32 | (u32)a) | 1;
	u64 *p = &kcsan_seen[(pair * 0x9e3779b97f4a7c15ull) >> 56];

	return xchg(p, pair) != pair;
}

static NO_SANITIZE NOINLINE void kcsan_report(const struct side *a, const struct side *b)
{
	if (a->addr < READ_ONCE(expect_to) && a->addr + a->size > READ_ONCE(expect_from)) {
		atomic_inc(&expect_count);
		return;
	}
	// Whoever finds another report being printed leaves its own for the next time that it happens.
	if (panic_in_progress() || xchg_acquire(&kcsan_printing, 1))
		return;
	if (new_pair(a->ip, b->ip)) {
		atomic_inc(&kcsan_count);
		pr_err("KCSAN: data race between %pS and %pS\n", (void *)a->ip, (void *)b->ip);
		print_side("one", a);
		print_side("other", b);
	}
	__atomic_store_n(&kcsan_printing, 0, __ATOMIC_RELEASE);
}

// ---- the racer ----

static ALWAYS_INLINE bool overlaps(u64 watch, u64 addr, u32 size)
{
	u64 at = watch & WATCH_ADDR, n = (watch & ~WATCH_WRITE) >> WATCH_SIZE_SHIFT, a = addr & WATCH_ADDR;

	return at < a + size && a < at + n;
}

static NO_SANITIZE NOINLINE void hit(struct slot *s, u64 watch, u64 addr, u32 size, u32 kind, u64 ip)
{
	unsigned long flags = irq_save();

	this_cpu_inc(kcsan_busy);
	if (try_cmpxchg(&s->watch, &watch, WATCH_HIT)) {
		take_side(&s->other, addr, size, kind, ip);
		__atomic_store_n(&s->ready, 1, __ATOMIC_RELEASE);
	}
	this_cpu_dec(kcsan_busy);
	irq_restore(flags);
}

// ---- the watcher ----

static NO_SANITIZE void watch_end(struct slot *s, u64 watch, u64 addr, u32 size, u32 kind, u64 ip)
{
	struct side mine;

	if (try_cmpxchg(&s->watch, &watch, 0))
		return;
	while (!__atomic_load_n(&s->ready, __ATOMIC_ACQUIRE))	// the racer is between two lines of hit(), interrupts off
		cpu_relax();
	take_side(&mine, addr, size, kind, ip);
	kcsan_report(&mine, &s->other);
	s->ready = 0;
	__atomic_store_n(&s->watch, 0, __ATOMIC_RELEASE);
}

static NO_SANITIZE NOINLINE void watch(u64 addr, u32 size, u32 kind, u64 ip)
{
	u64 w = (kind & WRITE ? WATCH_WRITE : 0) | (u64)size << WATCH_SIZE_SHIFT | (addr & WATCH_ADDR), none = 0;
	struct slot *s = slot_of(addr);
	unsigned long flags;

	this_cpu_write(kcsan_skip, (u32)cycles_now() & 255);
	if (num_online_cpus() < 2)
		return;
	flags = irq_save();
	this_cpu_inc(kcsan_busy);
	if (try_cmpxchg(&s->watch, &none, w)) {
		udelay(WATCH_US);
		watch_end(s, w, addr, size, kind, ip);
	}
	this_cpu_dec(kcsan_busy);
	irq_restore(flags);
}

static ALWAYS_INLINE void access(u64 addr, u32 size, u32 kind, u64 ip)
{
	struct slot *s = slot_of(addr);
	u64 w = __atomic_load_n(&s->watch, __ATOMIC_RELAXED);

	// What is watched is plain, so that one write among the two makes a race.
	if (unlikely(w > WATCH_HIT) && overlaps(w, addr, size) && ((w & WATCH_WRITE) || (kind & WRITE)) && !this_cpu_read(kcsan_busy))
		hit(s, w, addr, size, kind, ip);
	if (kind & MARKED)
		return;
	if (unlikely(this_cpu_add_return(kcsan_skip, 1) > WATCH_EVERY) && !this_cpu_read(kcsan_busy) &&
	    !__atomic_load_n(&kcsan_printing, __ATOMIC_RELAXED))
		watch(addr, MIN(size, 8u), kind, ip);
}

static ALWAYS_INLINE u32 write_kind(u64 addr, u32 size)
{
	return size <= 8 && addr % size == 0 && !kcsan_strict ? WRITE | MARKED : WRITE;
}

u32 kcsan_reports(void)
{
	return (u32)atomic_read(&kcsan_count);
}

void kcsan_expect(const void *p, size_t n)
{
	atomic_set(&expect_count, 0);
	WRITE_ONCE(expect_to, (u64)p + n);
	WRITE_ONCE(expect_from, (u64)p);
}

u32 kcsan_expected(void)
{
	return (u32)atomic_read(&expect_count);
}

int kcsan_param_strict(char *val)
{
	kcsan_strict = true;
	return 0;
}

// ---- what compilers call ----

#define ACCESS_FN(name, size, kind) \
	NO_SANITIZE void name(u64 addr); \
	NO_SANITIZE void name(u64 addr) { access(addr, size, kind, CALLER); }
#define ACCESS_FNS(n) \
	ACCESS_FN(__tsan_read##n, n, PLAIN) \
	ACCESS_FN(__tsan_unaligned_read##n, n, PLAIN) \
	ACCESS_FN(__tsan_volatile_read##n, n, MARKED) \
	ACCESS_FN(__tsan_unaligned_volatile_read##n, n, MARKED) \
	ACCESS_FN(__tsan_write##n, n, write_kind(addr, n)) \
	ACCESS_FN(__tsan_unaligned_write##n, n, write_kind(addr, n)) \
	ACCESS_FN(__tsan_read_write##n, n, WRITE) \
	ACCESS_FN(__tsan_unaligned_read_write##n, n, WRITE) \
	ACCESS_FN(__tsan_volatile_write##n, n, WRITE | MARKED) \
	ACCESS_FN(__tsan_unaligned_volatile_write##n, n, WRITE | MARKED)
ACCESS_FNS(1)
ACCESS_FNS(2)
ACCESS_FNS(4)
ACCESS_FNS(8)
ACCESS_FNS(16)

#define RANGE_FN(name, kind) \
	NO_SANITIZE void name(u64 addr, size_t n); \
	NO_SANITIZE void name(u64 addr, size_t n) { access(addr, (u32)n, kind, CALLER); }
RANGE_FN(__tsan_read_range, PLAIN)
RANGE_FN(__tsan_write_range, WRITE)

#define EMPTY_FN(name, ...) \
	NO_SANITIZE void name(__VA_ARGS__); \
	NO_SANITIZE void name(__VA_ARGS__) { }
EMPTY_FN(__tsan_init, void)
EMPTY_FN(__tsan_func_entry, void *pc)
EMPTY_FN(__tsan_func_exit, void)
EMPTY_FN(__tsan_vptr_update, void **p, void *v)
EMPTY_FN(__tsan_atomic_signal_fence, int order)

NO_SANITIZE void __tsan_atomic_thread_fence(int order);
NO_SANITIZE void __tsan_atomic_thread_fence(int order)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

// The compiler leaves atomics to us. All in full order: what a weaker one allows does not happen on the machines this runs on.
#define RMW_FN(bits, op, builtin) \
	NO_SANITIZE u##bits __tsan_atomic##bits##_##op(u##bits *p, u##bits v, int order); \
	NO_SANITIZE u##bits __tsan_atomic##bits##_##op(u##bits *p, u##bits v, int order) \
	{ \
		access((u64)p, bits / 8, WRITE | MARKED, CALLER); \
		return builtin(p, v, __ATOMIC_SEQ_CST); \
	}
#define CAS_FN(bits, strength) \
	NO_SANITIZE int __tsan_atomic##bits##_compare_exchange_##strength(u##bits *p, u##bits *old, u##bits v, int order, int fail); \
	NO_SANITIZE int __tsan_atomic##bits##_compare_exchange_##strength(u##bits *p, u##bits *old, u##bits v, int order, int fail) \
	{ \
		access((u64)p, bits / 8, WRITE | MARKED, CALLER); \
		return __atomic_compare_exchange_n(p, old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
	}
#define ATOMIC_FNS(bits) \
	NO_SANITIZE u##bits __tsan_atomic##bits##_load(const u##bits *p, int order); \
	NO_SANITIZE u##bits __tsan_atomic##bits##_load(const u##bits *p, int order) \
	{ \
		access((u64)p, bits / 8, MARKED, CALLER); \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST); \
	} \
	NO_SANITIZE void __tsan_atomic##bits##_store(u##bits *p, u##bits v, int order); \
	NO_SANITIZE void __tsan_atomic##bits##_store(u##bits *p, u##bits v, int order) \
	{ \
		access((u64)p, bits / 8, WRITE | MARKED, CALLER); \
		__atomic_store_n(p, v, __ATOMIC_SEQ_CST); \
	} \
	NO_SANITIZE u##bits __tsan_atomic##bits##_compare_exchange_val(u##bits *p, u##bits old, u##bits v, int order, int fail); \
	NO_SANITIZE u##bits __tsan_atomic##bits##_compare_exchange_val(u##bits *p, u##bits old, u##bits v, int order, int fail) \
	{ \
		access((u64)p, bits / 8, WRITE | MARKED, CALLER); \
		__atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
		return old; \
	} \
	RMW_FN(bits, exchange, __atomic_exchange_n) \
	RMW_FN(bits, fetch_add, __atomic_fetch_add) \
	RMW_FN(bits, fetch_sub, __atomic_fetch_sub) \
	RMW_FN(bits, fetch_and, __atomic_fetch_and) \
	RMW_FN(bits, fetch_or, __atomic_fetch_or) \
	RMW_FN(bits, fetch_xor, __atomic_fetch_xor) \
	RMW_FN(bits, fetch_nand, __atomic_fetch_nand) \
	CAS_FN(bits, strong) \
	CAS_FN(bits, weak)
ATOMIC_FNS(8)
ATOMIC_FNS(16)
ATOMIC_FNS(32)
ATOMIC_FNS(64)
