// rt_sigaction(2), rt_sigprocmask(2), rt_sigpending(2), rt_sigsuspend(2), rt_sigtimedwait(2), kill(2), tkill(2), tgkill(2),
// rt_sigqueueinfo(2), sigaltstack(2), pause(2), alarm(2): delivery, flags, siginfo. Restart of calls: sigsend.c.
#include "abi.h"
#include <ucontext.h>

static volatile sig_atomic_t count, last, order[8];
static siginfo_t info;
static sigset_t mask_in_handler;
static volatile uintptr_t sp_in_handler;

static void handler(int sig)
{
	if (count < 8)
		order[count] = sig;
	count++;
	last = sig;
	sp_in_handler = (uintptr_t)__builtin_frame_address(0);
	sigprocmask(SIG_BLOCK, NULL, &mask_in_handler);
}

static void info_handler(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	info = *si;
	handler(sig);
}

static void install(int sig, int flags)
{
	struct sigaction sa = { .sa_flags = flags };

	if (flags & SA_SIGINFO)
		sa.sa_sigaction = info_handler;
	else
		sa.sa_handler = handler;
	OK(sigaction(sig, &sa, NULL));
}

static sigset_t set_of(int sig)
{
	sigset_t s;

	sigemptyset(&s);
	if (sig)
		sigaddset(&s, sig);
	return s;
}

static void block(int sig)
{
	sigset_t s = set_of(sig);

	OK(sigprocmask(SIG_BLOCK, &s, NULL));
}

static void unblock(int sig)
{
	sigset_t s = set_of(sig);

	OK(sigprocmask(SIG_UNBLOCK, &s, NULL));
}

static long raw_action(int sig, const void *new, void *old, size_t size)
{
	return syscall(SYS_rt_sigaction, sig, new, old, size);
}

struct kact { void *handler; unsigned long flags; void *restorer; uint64_t mask; };

ABI_TEST(handler_runs_before_kill_returns)
{
	install(SIGUSR1, 0);
	OK(kill(getpid(), SIGUSR1));
	CHECK_EQ(count, 1);
	CHECK_EQ(last, SIGUSR1);
}

ABI_TEST(signal_is_blocked_in_its_handler)
{
	install(SIGUSR1, 0);
	OK(raise(SIGUSR1));
	CHECK(sigismember(&mask_in_handler, SIGUSR1));
	OK(sigprocmask(SIG_BLOCK, NULL, &mask_in_handler));
	CHECK(!sigismember(&mask_in_handler, SIGUSR1));
}

ABI_TEST(sa_nodefer)
{
	install(SIGUSR1, SA_NODEFER);
	OK(raise(SIGUSR1));
	CHECK(!sigismember(&mask_in_handler, SIGUSR1));
}

ABI_TEST(sa_mask_is_added)
{
	struct sigaction sa = { .sa_handler = handler, .sa_mask = set_of(SIGUSR2) };

	OK(sigaction(SIGUSR1, &sa, NULL));
	block(SIGHUP);
	OK(raise(SIGUSR1));
	CHECK(sigismember(&mask_in_handler, SIGUSR1));
	CHECK(sigismember(&mask_in_handler, SIGUSR2));
	CHECK(sigismember(&mask_in_handler, SIGHUP));
}

ABI_TEST(sa_resethand)
{
	struct sigaction sa;

	install(SIGUSR1, (int)SA_RESETHAND);
	OK(raise(SIGUSR1));
	CHECK_EQ(count, 1);
	OK(sigaction(SIGUSR1, NULL, &sa));
	CHECK(sa.sa_handler == SIG_DFL);
	CHECK_KILLED(SIGUSR1, raise(SIGUSR1));
}

ABI_TEST(sigaction_returns_the_old_one)
{
	struct kact a = { handler, SA_RESTART | 0x04000000, (void *)0x1234, 0x400 }, b;

	CHECK_EQ(raw_action(SIGUSR1, &a, NULL, 8), 0);
	memset(&b, 0xff, sizeof(b));
	CHECK_EQ(raw_action(SIGUSR1, NULL, &b, 8), 0);
	CHECK(!memcmp(&a, &b, sizeof(a)));
}

ABI_TEST(sigaction_mask_never_has_kill_and_stop)
{
	struct kact a = { handler, 0x04000000, (void *)0x1234, ~0ull }, b;

	CHECK_EQ(raw_action(SIGUSR1, &a, NULL, 8), 0);
	CHECK_EQ(raw_action(SIGUSR1, NULL, &b, 8), 0);
	CHECK_EQ(b.mask, ~((1ull << (SIGKILL - 1)) | (1ull << (SIGSTOP - 1))));
}

ABI_TEST(sigaction_unknown_flags_are_cleared)
{
	struct kact a = { handler, 0x04000000 | 0x100000 | SA_RESTART, (void *)0x1234, 0 }, b;

	CHECK_EQ(raw_action(SIGUSR1, &a, NULL, 8), 0);
	CHECK_EQ(raw_action(SIGUSR1, NULL, &b, 8), 0);
	CHECK_EQ(b.flags & 0x100000, 0);
	a.flags |= 0x400;			// SA_UNSUPPORTED, the bit to probe with
	CHECK_EQ(raw_action(SIGUSR1, &a, NULL, 8), 0);
	CHECK_EQ(raw_action(SIGUSR1, NULL, &b, 8), 0);
	CHECK_EQ(b.flags & 0x400, 0);
}

ABI_TEST(sigaction_errors)
{
	struct kact a = { SIG_IGN, 0, NULL, 0 };

	CHECK_ERRNO(raw_action(0, &a, NULL, 8), EINVAL);
	CHECK_ERRNO(raw_action(65, &a, NULL, 8), EINVAL);
	CHECK_ERRNO(raw_action(-1, &a, NULL, 8), EINVAL);
	CHECK_ERRNO(raw_action(SIGKILL, &a, NULL, 8), EINVAL);
	CHECK_ERRNO(raw_action(SIGSTOP, &a, NULL, 8), EINVAL);
	CHECK_ERRNO(raw_action(SIGUSR1, &a, NULL, 16), EINVAL);
	CHECK_ERRNO(raw_action(SIGUSR1, &a, NULL, 4), EINVAL);
	CHECK_ERRNO(raw_action(SIGUSR1, BAD, NULL, 8), EFAULT);
	CHECK_ERRNO(raw_action(SIGUSR1, NULL, BAD, 8), EFAULT);
	CHECK_EQ(raw_action(SIGKILL, NULL, &a, 8), 0);
	CHECK_EQ(raw_action(64, &a, NULL, 8), 0);
}

ABI_TEST(sigaction_bad_old_pointer_still_sets)
{
	struct kact a = { SIG_IGN, 0, NULL, 0 }, b;

	CHECK_ERRNO(raw_action(SIGUSR1, &a, BAD, 8), EFAULT);
	CHECK_EQ(raw_action(SIGUSR1, NULL, &b, 8), 0);
	CHECK(b.handler == (void *)SIG_IGN);
}

ABI_TEST(default_actions_that_kill)
{
	static const int sig[] = { SIGHUP, SIGINT, SIGKILL, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGIO, SIGVTALRM, SIGPROF, SIGSTKFLT,
		SIGPWR, 34, 64 };

	for (size_t i = 0; i < sizeof(sig) / sizeof(*sig); i++)
		CHECK_KILLED(sig[i], kill(getpid(), sig[i]); pause());
}

ABI_TEST(default_actions_that_dump)
{
	static const int sig[] = { SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS };
	struct rlimit r = { 0, 0 };

	OK(setrlimit(RLIMIT_CORE, &r));
	for (size_t i = 0; i < sizeof(sig) / sizeof(*sig); i++)
		CHECK_KILLED(sig[i], kill(getpid(), sig[i]); pause());
}

ABI_TEST(default_actions_that_do_nothing)
{
	CHECK_CHILD(kill(getpid(), SIGCHLD); kill(getpid(), SIGURG); kill(getpid(), SIGWINCH); kill(getpid(), SIGCONT));
}

ABI_TEST(default_actions_that_stop)
{
	static const int sig[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };

	for (int i = 0; i < 4; i++) {
		int st;
		pid_t pid = OK(fork());

		if (pid == 0)
			for (;;)
				pause();
		OK(kill(pid, sig[i]));
		CHECK_EQ(waitpid(pid, &st, WUNTRACED), pid);
		CHECK(WIFSTOPPED(st));
		CHECK_EQ(WSTOPSIG(st), sig[i]);
		OK(kill(pid, SIGKILL));
		CHECK_EQ(abi_status(pid), SIGKILL);
	}
}

ABI_TEST(orphaned_group_is_not_stopped_by_the_terminal_signals)
{
	CHECK_CHILD(OK(setsid()); OK(kill(getpid(), SIGTSTP)); OK(kill(getpid(), SIGTTIN)));
}

ABI_TEST(ignored_signals_are_discarded)
{
	sigset_t got;

	signal(SIGUSR1, SIG_IGN);
	OK(raise(SIGUSR1));
	block(SIGUSR1);
	OK(raise(SIGUSR1));
	OK(sigpending(&got));
	CHECK(sigismember(&got, SIGUSR1));	// kept while blocked
	block(SIGUSR2);
	OK(raise(SIGUSR2));
	signal(SIGUSR2, SIG_IGN);		// discards what is pending
	OK(sigpending(&got));
	CHECK(!sigismember(&got, SIGUSR2));
}

ABI_TEST(blocked_signal_waits)
{
	sigset_t got;

	install(SIGUSR1, 0);
	block(SIGUSR1);
	OK(raise(SIGUSR1));
	CHECK_EQ(count, 0);
	OK(sigpending(&got));
	CHECK(sigismember(&got, SIGUSR1));
	unblock(SIGUSR1);
	CHECK_EQ(count, 1);
	OK(sigpending(&got));
	CHECK(!sigismember(&got, SIGUSR1));
}

ABI_TEST(standard_signals_do_not_queue)
{
	install(SIGUSR1, 0);
	block(SIGUSR1);
	for (int i = 0; i < 5; i++)
		OK(raise(SIGUSR1));
	unblock(SIGUSR1);
	CHECK_EQ(count, 1);
}

ABI_TEST(realtime_signals_queue_in_order)
{
	install(40, SA_SIGINFO);
	block(40);
	for (int i = 0; i < 5; i++)
		OK(sigqueue(getpid(), 40, (union sigval){ .sival_int = i }));
	for (int i = 0; i < 5; i++) {
		sigset_t s = set_of(40);
		siginfo_t si;

		CHECK_EQ(sigwaitinfo(&s, &si), 40);
		CHECK_EQ(si.si_value.sival_int, i);
	}
	unblock(40);
	CHECK_EQ(count, 0);
}

ABI_TEST(lowest_number_is_delivered_first)
{
	sigset_t all;
	static const int sig[] = { 50, 40, SIGUSR2, SIGUSR1 };

	sigfillset(&all);
	OK(sigprocmask(SIG_SETMASK, &all, NULL));
	for (int i = 0; i < 4; i++)
		OK(syscall(SYS_kill, getpid(), sig[i]));
	for (int i = 3; i >= 0; i--) {
		siginfo_t si;
		CHECK_EQ(sigwaitinfo(&all, &si), sig[i]);
	}
}

ABI_TEST(synchronous_signals_come_first)
{
	siginfo_t si;
	sigset_t all;

	sigfillset(&all);
	OK(sigprocmask(SIG_SETMASK, &all, NULL));
	OK(raise(SIGHUP));
	OK(raise(SIGSEGV));
	CHECK_EQ(sigwaitinfo(&all, &si), SIGSEGV);
	CHECK_EQ(sigwaitinfo(&all, &si), SIGHUP);
}

ABI_TEST(queue_limit)
{
	struct rlimit r = { 3, 3 };

	CHECK_CHILD(
		OK(setrlimit(RLIMIT_SIGPENDING, &r));
		abi_drop(5555);
		block(40);
		for (int i = 0; i < 3; i++)
			OK(sigqueue(getpid(), 40, (union sigval){ .sival_int = i }));
		CHECK_ERRNO(sigqueue(getpid(), 40, (union sigval){ .sival_int = 9 }), EAGAIN);
		CHECK_EQ(kill(getpid(), SIGCHLD), 0));
}

ABI_TEST(siginfo_of_kill)
{
	install(SIGUSR1, SA_SIGINFO);
	OK(kill(getpid(), SIGUSR1));
	CHECK_EQ(info.si_signo, SIGUSR1);
	CHECK_EQ(info.si_code, SI_USER);
	CHECK_EQ(info.si_errno, 0);
	CHECK_EQ(info.si_pid, getpid());
	CHECK_EQ(info.si_uid, 0);
}

ABI_TEST(siginfo_of_tgkill)
{
	install(SIGUSR1, SA_SIGINFO);
	OK(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1));
	CHECK_EQ(info.si_code, SI_TKILL);
	CHECK_EQ(info.si_pid, getpid());
	OK(syscall(SYS_tkill, getpid(), SIGUSR1));
	CHECK_EQ(count, 2);
	CHECK_EQ(info.si_code, SI_TKILL);
}

ABI_TEST(siginfo_of_sigqueue)
{
	install(SIGUSR1, SA_SIGINFO);
	OK(sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_ptr = (void *)0x123456789abcul }));
	CHECK_EQ(info.si_code, SI_QUEUE);
	CHECK_EQ((uintptr_t)info.si_value.sival_ptr, 0x123456789abcul);
}

ABI_TEST(siginfo_of_child)
{
	install(SIGCHLD, SA_SIGINFO);
	block(SIGCHLD);
	pid_t pid = OK(fork());
	if (pid == 0)
		_exit(31);
	CHECK_EQ(abi_status(pid), 31 << 8);
	unblock(SIGCHLD);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, 31);
}

ABI_TEST(siginfo_of_alarm)
{
	sigset_t s = set_of(SIGALRM);
	siginfo_t si;

	block(SIGALRM);
	OK(syscall(SYS_setitimer, 0, &(long[4]){ 0, 0, 0, 1000 }, NULL));
	CHECK_EQ(sigwaitinfo(&s, &si), SIGALRM);
	CHECK_EQ(si.si_code, SI_KERNEL);
}

ABI_TEST(siginfo_of_faults)
{
	install(SIGFPE, SA_SIGINFO | (int)SA_RESETHAND);
	CHECK_KILLED(SIGFPE, volatile int zero = 0; volatile int one = 1; one = one / zero; (void)one);
	install(SIGILL, SA_SIGINFO | (int)SA_RESETHAND);
	CHECK_KILLED(SIGILL, __asm__ volatile("ud2"));
	CHECK_KILLED(SIGTRAP, __asm__ volatile("int3"));
	CHECK_KILLED(SIGSEGV, __asm__ volatile("hlt"));
	CHECK_KILLED(SIGSEGV, __asm__ volatile("int $0x70"));
}

// The handler of a fault steps over the instruction, whose length it knows.
static volatile int skip;
static void skipping(int sig, siginfo_t *si, void *vuc)
{
	ucontext_t *uc = vuc;

	(void)sig;
	info = *si;
	last = (int)uc->uc_mcontext.gregs[REG_TRAPNO];
	uc->uc_mcontext.gregs[REG_RIP] += skip;
}

static void catch_fault(int sig, int length)
{
	struct sigaction sa = { .sa_sigaction = skipping, .sa_flags = SA_SIGINFO };

	skip = length;
	OK(sigaction(sig, &sa, NULL));
}

ABI_TEST(context_of_an_invalid_opcode)
{
	uintptr_t at;

	catch_fault(SIGILL, 2);
	__asm__ volatile("lea 1f(%%rip), %0\n1: ud2" : "=r"(at));
	CHECK_EQ(info.si_code, ILL_ILLOPN);
	CHECK_EQ((uintptr_t)info.si_addr, at);
	CHECK_EQ(last, 6);
}

ABI_TEST(context_of_a_division)
{
	uintptr_t at;

	catch_fault(SIGFPE, 2);
	__asm__ volatile("lea 1f(%%rip), %0\n xor %%edx, %%edx\n xor %%ecx, %%ecx\n mov $5, %%eax\n1: div %%ecx" : "=&r"(at) : : "rax", "rcx", "rdx");
	CHECK_EQ(info.si_code, FPE_INTDIV);
	CHECK_EQ((uintptr_t)info.si_addr, at);
	CHECK_EQ(last, 0);
}

ABI_TEST(context_of_a_breakpoint)
{
	catch_fault(SIGTRAP, 0);
	__asm__ volatile("int3");
	CHECK_EQ(info.si_signo, SIGTRAP);
	CHECK_EQ(info.si_code, SI_KERNEL);
	CHECK_EQ(last, 3);
}

ABI_TEST(context_of_a_general_protection_fault)
{
	catch_fault(SIGSEGV, 1);
	__asm__ volatile("hlt");
	CHECK_EQ(info.si_code, SI_KERNEL);
	CHECK_EQ((uintptr_t)info.si_addr, 0);
	CHECK_EQ(last, 13);
}

ABI_TEST(blocked_fault_kills)
{
	install(SIGSEGV, 0);
	CHECK_KILLED(SIGSEGV, block(SIGSEGV); *(volatile char *)BAD = 1);
	CHECK_KILLED(SIGSEGV, signal(SIGSEGV, SIG_IGN); *(volatile char *)BAD = 1);
}

ABI_TEST(fault_in_the_handler_of_the_same_signal_kills)
{
	struct sigaction sa = { .sa_handler = (void (*)(int))(uintptr_t)0x10 };

	OK(sigaction(SIGUSR1, &sa, NULL));
	CHECK_KILLED(SIGSEGV, raise(SIGUSR1));
	CHECK_KILLED(SIGSEGV, OK(sigaction(SIGSEGV, &sa, NULL)); *(volatile char *)BAD = 1);
}

static void change_registers(int sig, siginfo_t *si, void *vuc)
{
	ucontext_t *uc = vuc;

	(void)sig, (void)si;
	uc->uc_mcontext.gregs[REG_RBX] = 0x1122334455667788;
	uc->uc_mcontext.gregs[REG_R13] += 1;
	sigaddset(&uc->uc_sigmask, SIGHUP);
}

ABI_TEST(handler_may_change_the_context)
{
	struct sigaction sa = { .sa_sigaction = change_registers, .sa_flags = SA_SIGINFO };
	unsigned long b = 1, r13 = 41;
	sigset_t got;

	OK(sigaction(SIGTRAP, &sa, NULL));
	__asm__ volatile("mov %0, %%rbx\n mov %1, %%r13\n int3\n mov %%rbx, %0\n mov %%r13, %1" : "+r"(b), "+r"(r13) : : "rbx", "r13", "memory");
	CHECK_EQ(b, 0x1122334455667788);
	CHECK_EQ(r13, 42);
	OK(sigprocmask(SIG_BLOCK, NULL, &got));
	CHECK(sigismember(&got, SIGHUP));
}

static void clobber_fpu(int sig)
{
	(void)sig;
	__asm__ volatile("pxor %%xmm0, %%xmm0\n pcmpeqd %%xmm7, %%xmm7\n pxor %%xmm15, %%xmm15\n fninit\n fldpi\n" : : : "memory");
	unsigned int csr = 0x5f80;
	__asm__ volatile("ldmxcsr %0" : : "m"(csr));
}

ABI_TEST(fpu_state_survives_a_handler)
{
	struct sigaction sa = { .sa_handler = clobber_fpu };
	uint64_t in[2] = { 0x0123456789abcdef, 0xfedcba9876543210 }, x0[2], x15[2];
	unsigned int csr_in = 0x3f80, csr_out = 0;
	unsigned short cw_in = 0x0e7f, cw_out = 0;
	double one = 1.5, out = 0;

	OK(sigaction(SIGTRAP, &sa, NULL));
	__asm__ volatile(
		"fninit\n fldcw %[cwi]\n fldl %[one]\n ldmxcsr %[ci]\n movups %[in], %%xmm0\n movups %[in], %%xmm15\n int3\n"
		"movups %%xmm0, %[x0]\n movups %%xmm15, %[x15]\n stmxcsr %[co]\n fnstcw %[cwo]\n fstpl %[out]\n"
		: [x0] "=m"(x0), [x15] "=m"(x15), [co] "=m"(csr_out), [cwo] "=m"(cw_out), [out] "=m"(out)
		: [in] "m"(in), [one] "m"(one), [ci] "m"(csr_in), [cwi] "m"(cw_in) : "xmm0", "xmm15", "memory");
	unsigned int normal = 0x1f80;
	__asm__ volatile("fninit\n ldmxcsr %0" : : "m"(normal));
	CHECK(!memcmp(x0, in, 16));
	CHECK(!memcmp(x15, in, 16));
	CHECK_EQ(csr_out, csr_in);
	CHECK_EQ(cw_out, cw_in);
	CHECK(out == 1.5);
}

static void write_fpu_frame(int sig, siginfo_t *si, void *vuc)
{
	ucontext_t *uc = vuc;

	(void)sig, (void)si;
	uc->uc_mcontext.fpregs->_xmm[3].element[0] = 0xcafe;
}

ABI_TEST(fpu_state_can_be_changed_by_a_handler)
{
	struct sigaction sa = { .sa_sigaction = write_fpu_frame, .sa_flags = SA_SIGINFO };
	uint32_t x3[4];

	OK(sigaction(SIGTRAP, &sa, NULL));
	__asm__ volatile("pxor %%xmm3, %%xmm3\n int3\n movups %%xmm3, %0" : "=m"(x3) : : "xmm3", "memory");
	CHECK_EQ(x3[0], 0xcafe);
}

ABI_TEST(flags_in_a_handler)
{
	// The direction flag is clear in a handler, and comes back.
	unsigned long fl;

	install(SIGTRAP, 0);
	__asm__ volatile("std\n int3\n pushfq\n cld\n pop %0" : "=r"(fl) : : "memory");
	CHECK_EQ(count, 1);
	CHECK(fl & 0x400);
}

ABI_TEST(red_zone_survives)
{
	unsigned long out;

	install(SIGTRAP, 0);
	__asm__ volatile("movq $0x5a5a, -120(%%rsp)\n int3\n mov -120(%%rsp), %0" : "=r"(out) : : "memory");
	CHECK_EQ(out, 0x5a5a);
}

ABI_TEST(alternate_stack_is_used)
{
	char *st = abi_pages(4);
	stack_t ss = { .ss_sp = st, .ss_size = 4 * PAGE }, old;

	OK(sigaltstack(&ss, NULL));
	install(SIGUSR1, SA_ONSTACK);
	install(SIGUSR2, 0);
	OK(raise(SIGUSR1));
	CHECK(sp_in_handler > (uintptr_t)st && sp_in_handler < (uintptr_t)st + 4 * PAGE);
	OK(raise(SIGUSR2));
	CHECK(sp_in_handler < (uintptr_t)st || sp_in_handler >= (uintptr_t)st + 4 * PAGE);
	OK(sigaltstack(NULL, &old));
	CHECK(old.ss_sp == st);
	CHECK_EQ(old.ss_size, 4 * PAGE);
	CHECK_EQ(old.ss_flags, 0);
}

static int change_errno, flags_on_stack;
static void on_stack(int sig)
{
	stack_t old, new = { .ss_flags = SS_DISABLE };

	(void)sig;
	sigaltstack(NULL, &old);
	flags_on_stack = old.ss_flags;
	change_errno = sigaltstack(&new, NULL) ? errno : 0;
}

ABI_TEST(alternate_stack_cannot_change_while_in_use)
{
	stack_t ss = { .ss_sp = abi_pages(4), .ss_size = 4 * PAGE };
	struct sigaction sa = { .sa_handler = on_stack, .sa_flags = SA_ONSTACK };

	OK(sigaltstack(&ss, NULL));
	OK(sigaction(SIGUSR1, &sa, NULL));
	OK(raise(SIGUSR1));
	CHECK_EQ(flags_on_stack, SS_ONSTACK);
	CHECK_EQ(change_errno, EPERM);
}

ABI_TEST(alternate_stack_errors)
{
	stack_t ss = { .ss_sp = abi_pages(4), .ss_size = 100 }, old;

	CHECK_ERRNO(syscall(SYS_sigaltstack, &ss, NULL), ENOMEM);
	ss.ss_size = 4 * PAGE;
	ss.ss_flags = 4;
	CHECK_ERRNO(syscall(SYS_sigaltstack, &ss, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_sigaltstack, BAD, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_sigaltstack, NULL, BAD), EFAULT);
	OK(syscall(SYS_sigaltstack, NULL, &old));
	CHECK_EQ(old.ss_flags, SS_DISABLE);
	ss.ss_flags = SS_DISABLE;
	ss.ss_size = 0;
	CHECK_EQ(syscall(SYS_sigaltstack, &ss, NULL), 0);
}

ABI_TEST(alternate_stack_saves_from_overflow)
{
	stack_t ss = { .ss_sp = abi_pages(4), .ss_size = 4 * PAGE };

	CHECK_EQ(IN_CHILD(
		struct sigaction sa = { .sa_handler = _exit, .sa_flags = SA_ONSTACK };
		OK(sigaltstack(&ss, NULL));
		OK(sigaction(SIGSEGV, &sa, NULL));
		__asm__ volatile("mov $0x10, %rsp\n push %rax")), SIGSEGV << 8);
}

ABI_TEST(no_stack_for_the_frame_kills)
{
	install(SIGTRAP, 0);
	CHECK_KILLED(SIGSEGV, __asm__ volatile("mov $0x1000, %rsp\n int3"));
}
