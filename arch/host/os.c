// The host program's side of the port: threads, stacks, mappings, time, output. The only file that is compiled with libc's headers.
#define _GNU_SOURCE
#include "host.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:allow_user_segv_handler=1:use_sigaltstack=0:detect_stack_use_after_return=0";
}
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1";
}
#endif
#ifdef __SANITIZE_THREAD__
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void *__tsan_get_current_fiber(void);
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "halt_on_error=0:exitcode=66:second_deadlock_stack=1:report_signal_unsafe=0:history_size=4";
}
#endif

#define FIBER_STACK (256ul << 10)
#define SIGNAL_STACK (64ul << 10)

struct fiber {
	ucontext_t context;
	void *stack;
	size_t size;
	void *fake_stack;	// ASan's
	void *tsan;
	void (*fn)(void *arg);
	void *arg;
};

struct host_cpu host_cpus[HOST_MAX_CPUS];
unsigned int host_nr_cpus = 1;
int host_fence;
static struct {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	int woken;
} sleepers[HOST_MAX_CPUS];
static __thread struct host_cpu *self = &host_cpus[0];
static int memory = -1;
static pthread_mutex_t map_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction old_segv;

// A call into another file: nobody keeps the answer over a switch.
struct host_cpu *host_this(void)
{
	return self;
}

unsigned long long host_real_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

unsigned long long host_wall_sec(void)
{
	return (unsigned long long)time(NULL);
}

void host_write(const char *s, unsigned long n)
{
	while (n) {
		ssize_t k = write(STDOUT_FILENO, s, n);
		if (k <= 0)
			return;
		s += k;
		n -= (unsigned long)k;
	}
}

void host_exit(int status)
{
	// Not exit(): other CPUs still run. TSan's verdict is added to ours by its own hook.
	fflush(NULL);
#ifdef __SANITIZE_THREAD__
	exit(status);
#else
	_exit(status);
#endif
}

void host_abort(const char *why)
{
	fprintf(stderr, "host: %s\n", why);
	abort();
}

void host_yield(void)
{
	sched_yield();
}

void host_wait(struct host_cpu *cpu, unsigned long long until)
{
	struct timespec t = { (time_t)(until / 1000000000), (long)(until % 1000000000) };

	pthread_mutex_lock(&sleepers[cpu->id].lock);
	while (!sleepers[cpu->id].woken) {
		if (!until)
			pthread_cond_wait(&sleepers[cpu->id].cond, &sleepers[cpu->id].lock);
		else if (pthread_cond_timedwait(&sleepers[cpu->id].cond, &sleepers[cpu->id].lock, &t) == ETIMEDOUT)
			break;
	}
	sleepers[cpu->id].woken = 0;
	pthread_mutex_unlock(&sleepers[cpu->id].lock);
}

void host_wake(struct host_cpu *cpu)
{
	pthread_mutex_lock(&sleepers[cpu->id].lock);
	sleepers[cpu->id].woken = 1;
	pthread_cond_signal(&sleepers[cpu->id].cond);
	pthread_mutex_unlock(&sleepers[cpu->id].lock);
}

// ---- faults -----------------------------------------------------------------------------------------------------------

static void segv(int sig, siginfo_t *info, void *uc)
{
	ucontext_t *u = uc;
	int write = 0;
#ifdef __x86_64__
	write = (u->uc_mcontext.gregs[REG_ERR] & 2) != 0;
#endif
	int saved = errno;
	if (host_kernel_fault((unsigned long)info->si_addr, write)) {
		errno = saved;
		return;
	}
	if (old_segv.sa_flags & SA_SIGINFO && old_segv.sa_sigaction)
		old_segv.sa_sigaction(sig, info, uc);
	signal(SIGSEGV, SIG_DFL);
}

// Signals run on a stack of the thread's own: a task's may be what faults.
static void thread_signals(void)
{
	stack_t s = { .ss_sp = mmap(NULL, SIGNAL_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), .ss_size = SIGNAL_STACK };
	if (s.ss_sp == MAP_FAILED || sigaltstack(&s, NULL))
		host_abort("no signal stack");
}

void host_map_lock(void)
{
	pthread_mutex_lock(&map_mutex);
}

void host_map_unlock(void)
{
	pthread_mutex_unlock(&map_mutex);
}

// The system call itself: sanitizers need not know, and this runs in a signal handler.
static void map_at(unsigned long va, unsigned long len, int prot, int flags, int fd, unsigned long long off)
{
	if (syscall(SYS_mmap, va, len, prot, flags | MAP_FIXED, fd, (off_t)off) != (long)va)
		host_abort("mmap failed");
}

void host_map(unsigned long va, unsigned long long pa, unsigned long len, int writable)
{
	map_at(va, len, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, memory, pa);
}

void host_unmap(unsigned long va, unsigned long len)
{
	map_at(va, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

void host_memory_init(unsigned long base, unsigned long long size, const unsigned long (*reserve)[2], int nr_reserve)
{
	struct sigaction sa = { .sa_sigaction = segv, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	memory = memfd_create("ochre", MFD_CLOEXEC);
	if (memory < 0 || ftruncate(memory, (off_t)size))
		host_abort("no memory file");
	map_at(base, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory, 0);
	for (int i = 0; i < nr_reserve; i++)
		host_unmap(reserve[i][0], reserve[i][1]);
	sigaction(SIGSEGV, &sa, &old_segv);
}

// ---- stacks -----------------------------------------------------------------------------------------------------------

static void switched(struct fiber *now)
{
	(void)now;
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(now->fake_stack, NULL, NULL);
#endif
}

static void fiber_entry(unsigned int lo, unsigned int hi)
{
	struct fiber *f = (struct fiber *)((uintptr_t)hi << 32 | lo);
	switched(f);
	f->fn(f->arg);
	host_abort("a task's function returned");
}

// By itself: getcontext() may return twice, for all the compiler knows.
static int make_context(struct fiber *f)
{
	if (getcontext(&f->context))
		return -1;
	f->context.uc_stack.ss_sp = f->stack;
	f->context.uc_stack.ss_size = f->size;
	makecontext(&f->context, (void (*)(void))fiber_entry, 2, (unsigned int)(uintptr_t)f, (unsigned int)((uintptr_t)f >> 32));
	return 0;
}

void *host_fiber_create(void (*fn)(void *arg), void *arg)
{
	struct fiber *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->fn = fn;
	f->arg = arg;
	f->size = FIBER_STACK;
	f->stack = mmap(NULL, FIBER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (f->stack == MAP_FAILED || make_context(f)) {
		free(f);
		return NULL;
	}
	mprotect(f->stack, 4096, PROT_NONE);
#ifdef __SANITIZE_THREAD__
	f->tsan = __tsan_create_fiber(0);
#endif
	return f;
}

void host_fiber_free(void *fiber)
{
	struct fiber *f = fiber;
#ifdef __SANITIZE_ADDRESS__
	__asan_unpoison_memory_region(f->stack, f->size);
#endif
#ifdef __SANITIZE_THREAD__
	__tsan_destroy_fiber(f->tsan);
#endif
	munmap(f->stack, f->size);
	free(f);
}

static struct fiber *thread_fiber(void)
{
	struct fiber *f = calloc(1, sizeof(*f));
	pthread_attr_t a;
	if (!f || pthread_getattr_np(pthread_self(), &a) || pthread_attr_getstack(&a, &f->stack, &f->size))
		host_abort("no first stack");
	pthread_attr_destroy(&a);
#ifdef __SANITIZE_THREAD__
	f->tsan = __tsan_get_current_fiber();
#endif
	return f;
}

void host_fiber_switch(void *from, void *to)
{
	struct fiber *f = from, *t = to;

#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(&f->fake_stack, t->stack, t->size);
#endif
#ifdef __SANITIZE_THREAD__
	__tsan_switch_to_fiber(t->tsan, 0);
#endif
	swapcontext(&f->context, &t->context);
	switched(f);
}

// ---- threads ----------------------------------------------------------------------------------------------------------

static void cpu_init(struct host_cpu *c, unsigned int id)
{
	pthread_condattr_t a;

	self = c;
	c->id = id;
	c->irqs_off = 1;
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_mutex_init(&sleepers[id].lock, NULL);
	pthread_cond_init(&sleepers[id].cond, &a);
	c->boot_fiber = c->running = thread_fiber();
	thread_signals();
}

static void *cpu_thread(void *arg)
{
	struct host_cpu *c = arg;

	cpu_init(c, (unsigned int)(c - host_cpus));
	host_cpu_start(c->id);
	return NULL;
}

void host_start_cpu(unsigned int cpu)
{
	pthread_attr_t a;
	pthread_t t;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 1 << 20);
	if (pthread_create(&t, &a, cpu_thread, &host_cpus[cpu]))
		host_abort("no thread for a CPU");
}

int main(int argc, char **argv)
{
	cpu_init(&host_cpus[0], 0);
	host_main(argc, argv);
	return 1;
}
