// lib/compiler.h - what we ask of the compiler, and the annotations that checkers read.
#pragma once

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define MUST_CHECK __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define PACKED __attribute__((packed))
#define ALIGNED(n) __attribute__((aligned(n)))
#define UNUSED __attribute__((unused))
#define USED __attribute__((used))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define SECTION(s) __attribute__((section(s)))
#define COLD __attribute__((cold))
#define PURE __attribute__((pure))
#define FALLTHROUGH __attribute__((fallthrough))
#define AUTO(fn) __attribute__((cleanup(fn)))
#define CACHELINE 64
#define CACHE_ALIGNED ALIGNED(CACHELINE)

// Used by start-up code only; the memory is given back once /init runs.
#define INIT SECTION(".init.text") COLD
#define INITDATA SECTION(".init.data")
// Written during start-up only, read-only afterwards.
#define RO_AFTER_INIT SECTION(".data.ro_after_init")

#define BUILD_ASSERT(c, ...) _Static_assert(c, "" __VA_ARGS__)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]) + 0 * sizeof(char[1 - 2 * __builtin_types_compatible_p(typeof(a), typeof(&(a)[0]))]))
#define CONTAINER_OF(p, type, member) ((type *)(void *)((char *)(1 ? (p) : &((type *)0)->member) - offsetof(type, member)))
#define ALIGN_UP(x, a) (((x) + ((typeof(x))(a) - 1)) & ~((typeof(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((typeof(x))(a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((typeof(x))(a) - 1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
// The names inside are unique, so that MIN and MAX nest.
#define PICK_(op, a, b, x, y) ({ typeof(a) x = (a); typeof(b) y = (b); x op y ? x : y; })
#define PICK__(op, a, b, n) PICK_(op, a, b, CONCAT(x_, n), CONCAT(y_, n))
#define MIN(a, b) PICK__(<, a, b, __COUNTER__)
#define MAX(a, b) PICK__(>, a, b, __COUNTER__)
#define CLAMP(v, lo, hi) MIN(MAX(v, lo), hi)
#define BIT(n) (1ul << (n))
#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)
#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_(a, b)

// Memory that other CPUs may change under us: one access, not torn, not repeated. Anything stronger
// is in include/arch/barrier.h.
#if defined(__SANITIZE_THREAD__) && !defined(CONFIG_KCSAN)
// The host's program under ThreadSanitizer, which knows atomics only; an acquire stands for the order of dependent loads.
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#elif defined(THREAD_SAFETY_ANALYSIS)
// READ_ONCE says that no lock is meant to be held: the analysis does not ask for it.
static inline const volatile void *read_once_address(const volatile void *p)
{
	return p;
}
#define READ_ONCE(x) (*(const volatile typeof(x) *)read_once_address(&(x)))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#else
#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#endif
#define barrier() __asm__ volatile("" ::: "memory")

// Thread-safety annotations. clang's analysis checks them (make check); gcc sees nothing.
// field-rule (STYLE.md): in a struct with a lock every field carries one of these.
#if defined(__clang__) && defined(THREAD_SAFETY_ANALYSIS)
#define TSA(x) __attribute__((x))
#else
#define TSA(x)
#endif
#define LOCKABLE TSA(capability("lock"))
#define GUARDED_BY(l) TSA(guarded_by(*(l)))
#define REQUIRES(...) TSA(requires_capability(TSA_DEREF(__VA_ARGS__)))
#define EXCLUDES(...) TSA(locks_excluded(TSA_DEREF(__VA_ARGS__)))
#define ACQUIRES(...) TSA(acquire_capability(TSA_DEREF(__VA_ARGS__)))
#define RELEASES(...) TSA(release_capability(TSA_DEREF(__VA_ARGS__)))
#define TRY_ACQUIRES(ok, ...) TSA(try_acquire_capability(ok, TSA_DEREF(__VA_ARGS__)))
#define ACQUIRES_SHARED(...) TSA(acquire_shared_capability(TSA_DEREF(__VA_ARGS__)))
#define TRY_ACQUIRES_SHARED(ok, ...) TSA(try_acquire_shared_capability(ok, TSA_DEREF(__VA_ARGS__)))
#define RELEASES_SHARED(...) TSA(release_shared_capability(TSA_DEREF(__VA_ARGS__)))
// For functions whose locking the analysis cannot follow: a lock handed over, taken under a condition or in a loop over objects, or an
// object that nobody else sees (yet, or any more). Says which.
#define NO_LOCK_ANALYSIS TSA(no_thread_safety_analysis)
// Locks are named by their addresses.
#define TSA_DEREF(...) TSA_DEREF_(__VA_ARGS__, 4, 3, 2, 1)(__VA_ARGS__)
#define TSA_DEREF_(a, b, c, d, n, ...) CONCAT(TSA_DEREF, n)
#define TSA_DEREF1(a) *(a)
#define TSA_DEREF2(a, b) *(a), *(b)
#define TSA_DEREF3(a, b, c) *(a), *(b), *(c)
#define TSA_DEREF4(a, b, c, d) *(a), *(b), *(c), *(d)
// For readers, not for tools: how a field without a plain lock is protected.
#define GUARDED_INSIDE(l)	// by a lock inside of another member, which the analysis cannot name
#define SET_ONCE		// written before the object is published
#define ATOMIC			// has its own lock, or only accessed by atomics / READ_ONCE
#define RCU(l)			// written under l, read under RCU
#define OWNER(what)		// only touched by `what`

// Pointers published to RCU readers: sparse checks that they are only read by rcu_dereference().
#ifdef __CHECKER__
#define __rcu __attribute__((noderef, address_space(__rcu)))
#define __force __attribute__((force))
#define __percpu __attribute__((noderef, address_space(__percpu)))
#else
#define __rcu
#define __force
#define __percpu
#endif

// Driver contract (include/drv): ownership of parameters and context of functions, for readers and tools.
#define OWNED
#define BORROWED
#define STATIC_REF
#define CTX_TASK
#define CTX_IRQ
#define CTX_ANY

// Sanitizers: functions that run before their shadow exists, or that implement it.
#define NO_KASAN __attribute__((no_sanitize_address))
#define NO_SANITIZE __attribute__((no_sanitize("address", "undefined", "thread")))
// For `static` functions that read beyond what they were given, on purpose: inlined, they would be checked with their caller.
#if defined(CONFIG_KASAN) || defined(CONFIG_KCSAN)
#define UNCHECKED_INLINE NOINLINE UNUSED NO_SANITIZE
#else
#define UNCHECKED_INLINE ALWAYS_INLINE NO_SANITIZE
#endif
#define NO_STACK_PROTECTOR __attribute__((no_stack_protector))
