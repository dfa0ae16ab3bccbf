// KASAN's run-time half: the checks that the compiler calls, poisoning, reports.
//
// What is on the way of a check is NO_KASAN or always inlined: a check inside a check would never end. Reports are ordinary
// code; while one is made, nothing is checked on any CPU.
#include "kern/kasan.h"
#include "kern/cpu_hot.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/upcalls.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"

#define KERNEL_HALF (1ul << 63)
#define CALLER ((u64)__builtin_return_address(0))
#define STACK_LINES 4		// lines of shadow shown before and after the bad one

static bool kasan_on;		// ATOMIC: the shadow is there, and no report is being made
static bool kasan_no_panic;	// kasan.fault=report
static struct atomic reports;
static bool expecting;		// a test makes errors on purpose
static u32 expect_from;

// The port's assembly, without checks.
void *kasan_raw_memmove(void *to, const void *from, size_t n);
void *kasan_raw_memset(void *p, int c, size_t n);

struct access {
	u64 addr, bad;		// bad: the first byte that may not be accessed
	size_t n;
	bool write;
	u64 ip;
};

// ---- shadow ----

NO_KASAN void kasan_poison(const void *p, size_t n, u8 v)
{
	if (n)
		kasan_raw_memset(KASAN_SHADOW(p), v, n / KASAN_GRANULE);
}

NO_KASAN void kasan_unpoison(const void *p, size_t n)
{
	if (!n)
		return;
	kasan_raw_memset(KASAN_SHADOW(p), 0, n / KASAN_GRANULE);
	if (n % KASAN_GRANULE)
		*KASAN_SHADOW((u64)p + n) = n % KASAN_GRANULE;
}

// Whether the byte at addr may not be accessed.
static ALWAYS_INLINE bool byte_bad(u64 addr)
{
	s8 v = *KASAN_SHADOW(addr);

	return unlikely(v) && (s8)(addr % KASAN_GRANULE) >= v;
}

// The first bad byte of [addr, addr + n), or 0. Ends at the first: a bad range is short or all bad.
static NO_KASAN NOINLINE u64 find_bad(u64 addr, size_t n)
{
	u64 end = addr + n;

	if (end < addr)
		return addr;
	for (u64 a = addr; a < end; a = ALIGN_DOWN(a, KASAN_GRANULE) + KASAN_GRANULE) {
		s8 v = *KASAN_SHADOW(a);
		u64 last = MIN(ALIGN_DOWN(a, KASAN_GRANULE) + KASAN_GRANULE, end) - 1;

		if (unlikely(v) && (s8)(last % KASAN_GRANULE) >= v)
			return v < 0 ? a : MAX(a, ALIGN_DOWN(a, KASAN_GRANULE) + (u64)v);
	}
	return 0;
}

// ---- reports ----

static const char *bad_name(u8 v)
{
	switch (v) {
	case KASAN_FREE_PAGE:
	case KASAN_SLAB_FREE:
		return "use-after-free";
	case KASAN_SLAB_REDZONE:
		return "slab-out-of-bounds";
	case KASAN_GLOBAL_REDZONE:
		return "global-out-of-bounds";
	case KASAN_VMALLOC:
		return "vmalloc-out-of-bounds";
	case KASAN_STACK_LEFT:
	case KASAN_STACK_MID:
	case KASAN_STACK_RIGHT:
	case KASAN_STACK_PARTIAL:
		return "stack-out-of-bounds";
	case KASAN_ALLOCA_LEFT:
	case KASAN_ALLOCA_RIGHT:
		return "alloca-out-of-bounds";
	case KASAN_STACK_SCOPE:
		return "stack-use-after-scope";
	default:
		return "out-of-bounds";
	}
}

// In a granule of which a part may be accessed, the next one says what lies behind.
static u8 shadow_reason(u64 bad)
{
	u8 v = (u8)*KASAN_SHADOW(bad);

	return v && v < KASAN_GRANULE ? (u8)*KASAN_SHADOW(bad + KASAN_GRANULE) : v;
}

static void print_shadow(u64 bad)
{
	u64 line = ALIGN_DOWN(bad, 128ul) - STACK_LINES / 2 * 128;

	pr_err("Shadow around the address, each byte for 8 bytes:\n");
	for (int i = 0; i <= STACK_LINES; i++, line += 128) {
		const u8 *s = (const u8 *)KASAN_SHADOW(line);

		pr_err("%s%016llx: %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x\n",
		       line == ALIGN_DOWN(bad, 128ul) ? "> " : "  ", line, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7],
		       s[8], s[9], s[10], s[11], s[12], s[13], s[14], s[15]);
	}
}

// False: another report is being made, or the kernel is dying. The first report of several at once is the interesting one.
static bool report_begin(void)
{
	return xchg(&kasan_on, false) && !panic_in_progress();
}

static void report_end(void)
{
	if (!kasan_no_panic)
		panic("KASAN: see the report above");
	WRITE_ONCE(kasan_on, true);
}

static NOINLINE COLD void kasan_report(const struct access *a)
{
	char who[40];

	if (READ_ONCE(expecting)) {
		atomic_inc(&reports);
		return;
	}
	if (!report_begin())
		return;
	atomic_inc(&reports);
	task_describe(current, who, sizeof(who));
	pr_err("KASAN: %s: %s of %llu bytes at %016llx by %pS, task %s, CPU %d\n", bad_name(shadow_reason(a->bad)),
	       a->write ? "write" : "read", (u64)a->n, a->addr, (void *)a->ip, who, cpu_id());
	backtrace_print();
	kasan_describe(a->bad);
	print_shadow(a->bad);
	report_end();
}

void kasan_report_free(const void *p)
{
	char who[40];

	if (READ_ONCE(expecting)) {
		atomic_inc(&reports);
		return;
	}
	if (!report_begin())
		return;
	atomic_inc(&reports);
	task_describe(current, who, sizeof(who));
	pr_err("KASAN: double-free or invalid-free: of %016llx, task %s, CPU %d\n", (u64)p, who, cpu_id());
	backtrace_print();
	kasan_describe((u64)p);
	print_shadow((u64)p);
	report_end();
}

u32 kasan_reports(void)
{
	return (u32)atomic_read(&reports);
}

void kasan_expect(void)
{
	expect_from = kasan_reports();
	WRITE_ONCE(expecting, true);
}

u32 kasan_expected(void)
{
	WRITE_ONCE(expecting, false);
	return kasan_reports() - expect_from;
}

int kasan_param_fault(char *val)
{
	if (!val || (strcmp(val, "panic") && strcmp(val, "report")))
		return -EINVAL;
	kasan_no_panic = val[0] == 'r';
	return 0;
}

// ---- checks ----

static NO_KASAN NOINLINE COLD bool check_failed(u64 addr, size_t n, bool write, u64 ip)
{
	struct access a = { .addr = addr, .n = n, .write = write, .ip = ip, .bad = find_bad(addr, n) };

	if (!a.bad)
		return true;
	kasan_report(&a);
	return false;
}

static NO_KASAN bool check_range(u64 addr, size_t n, bool write, u64 ip)
{
	// User addresses and null fault by themselves.
	if (!READ_ONCE(kasan_on) || !n || addr < KERNEL_HALF || likely(!find_bad(addr, n)))
		return true;
	return check_failed(addr, n, write, ip);
}

// n is a constant of at most 16: the last byte, and the granules before it.
static ALWAYS_INLINE void check_small(u64 addr, size_t n, bool write, u64 ip)
{
	if (unlikely(!READ_ONCE(kasan_on)) || addr < KERNEL_HALF)
		return;
	if (unlikely(byte_bad(addr + n - 1)) || (unlikely(addr % KASAN_GRANULE + n > KASAN_GRANULE) && find_bad(addr, n)))
		check_failed(addr, n, write, ip);
}

NO_KASAN bool kasan_check_read(const void *p, size_t n)
{
	return check_range((u64)p, n, false, CALLER);
}

NO_KASAN bool kasan_check_write(const void *p, size_t n)
{
	return check_range((u64)p, n, true, CALLER);
}

// What compilers call. The names are theirs.
#define CHECK_FN(kind, n, write) \
	NO_KASAN void __asan_##kind##n##_noabort(u64 addr); \
	NO_KASAN void __asan_##kind##n##_noabort(u64 addr) { check_small(addr, n, write, CALLER); } \
	NO_KASAN void __asan_report_##kind##n##_noabort(u64 addr); \
	NO_KASAN void __asan_report_##kind##n##_noabort(u64 addr) { check_small(addr, n, write, CALLER); }
#define CHECK_FNS(n) CHECK_FN(load, n, false) CHECK_FN(store, n, true)
CHECK_FNS(1)
CHECK_FNS(2)
CHECK_FNS(4)
CHECK_FNS(8)
CHECK_FNS(16)

#define RANGE_FN(name, write) \
	NO_KASAN void name(u64 addr, size_t n); \
	NO_KASAN void name(u64 addr, size_t n) { check_range(addr, n, write, CALLER); }
RANGE_FN(__asan_loadN_noabort, false)
RANGE_FN(__asan_storeN_noabort, true)
RANGE_FN(__asan_report_load_n_noabort, false)
RANGE_FN(__asan_report_store_n_noabort, true)

// The kernel's memcpy() and so on are these: compilers do not check inside them.
NO_KASAN void *(memcpy)(void *restrict to, const void *restrict from, size_t n)
{
	check_range((u64)from, n, false, CALLER);
	check_range((u64)to, n, true, CALLER);
	return kasan_raw_memcpy(to, from, n);
}

NO_KASAN void *(memmove)(void *to, const void *from, size_t n)
{
	check_range((u64)from, n, false, CALLER);
	check_range((u64)to, n, true, CALLER);
	return kasan_raw_memmove(to, from, n);
}

NO_KASAN void *(memset)(void *p, int c, size_t n)
{
	check_range((u64)p, n, true, CALLER);
	return kasan_raw_memset(p, c, n);
}

// ---- stacks ----

// Compilers announce calls that do not return. Nothing to do: whoever gets the stack next clears its shadow.
void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
}

void __asan_alloca_poison(u64 addr, size_t n);
NO_KASAN void __asan_alloca_poison(u64 addr, size_t n)
{
	u64 end = ALIGN_UP(addr + n, 32ul);

	kasan_unpoison((void *)addr, n);
	kasan_poison((void *)(addr - 32), 32, KASAN_ALLOCA_LEFT);
	kasan_poison((void *)end, 32, KASAN_ALLOCA_RIGHT);
}

void __asan_allocas_unpoison(u64 top, u64 bottom);
NO_KASAN void __asan_allocas_unpoison(u64 top, u64 bottom)
{
	if (top && top < bottom)
		kasan_unpoison((void *)top, bottom - top);
}

void __asan_poison_stack_memory(const void *p, size_t n);
NO_KASAN void __asan_poison_stack_memory(const void *p, size_t n)
{
	kasan_poison(p, ALIGN_UP(n, KASAN_GRANULE), KASAN_STACK_SCOPE);
}

void __asan_unpoison_stack_memory(const void *p, size_t n);
NO_KASAN void __asan_unpoison_stack_memory(const void *p, size_t n)
{
	kasan_unpoison(p, n);
}

#define SET_SHADOW_FN(v) \
	void __asan_set_shadow_##v(void *shadow, size_t n); \
	NO_KASAN void __asan_set_shadow_##v(void *shadow, size_t n) { kasan_raw_memset(shadow, 0x##v, n); }
SET_SHADOW_FN(00)
SET_SHADOW_FN(f1)
SET_SHADOW_FN(f2)
SET_SHADOW_FN(f3)
SET_SHADOW_FN(f5)
SET_SHADOW_FN(f8)

// ---- globals ----

// The compiler's description of a global variable.
struct asan_global {
	const void *start;
	size_t size, size_with_redzone;
	const void *name, *module;
	unsigned long dynamic_init;
	const void *location;
	unsigned long odr;
};

void __asan_register_globals(const struct asan_global *g, size_t n);
void __asan_register_globals(const struct asan_global *g, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t end = ALIGN_UP(g[i].size, KASAN_GRANULE);

		kasan_unpoison(g[i].start, g[i].size);
		kasan_poison((const char *)g[i].start + end, g[i].size_with_redzone - end, KASAN_GLOBAL_REDZONE);
	}
}

void __asan_unregister_globals(const struct asan_global *g, size_t n);
void __asan_unregister_globals(const struct asan_global *g, size_t n)
{
}

// The constructors that compilers write for this purpose; there are no others in a kernel.
extern void (*const kernel_ctors_start[])(void), (*const kernel_ctors_end[])(void);

INIT void kasan_init(void)
{
	for (void (*const *c)(void) = kernel_ctors_start; c < kernel_ctors_end; c++)
		(*c)();
	WRITE_ONCE(kasan_on, true);
}
