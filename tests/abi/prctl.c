// prctl(2), arch_prctl(2).
#include "abi.h"
#include <sys/prctl.h>

enum { SET_GS = 0x1001, SET_FS = 0x1002, GET_FS = 0x1003, GET_GS = 0x1004 };

ABI_TEST(name)
{
	char n[17];

	memset(n, 'z', sizeof(n));
	OK(prctl(PR_GET_NAME, n));
	CHECK_STR(n, "prctl");
	CHECK_EQ(n[16], 'z');
	OK(prctl(PR_SET_NAME, "a name that is too long"));
	OK(prctl(PR_GET_NAME, n));
	CHECK_STR(n, "a name that is ");
	CHECK_ERRNO(prctl(PR_SET_NAME, BAD), EFAULT);
	CHECK_ERRNO(prctl(PR_GET_NAME, BAD), EFAULT);
	char comm[20];
	abi_read_file("/proc/self/comm", comm, sizeof(comm));
	CHECK_STR(comm, "a name that is \n");
}

ABI_TEST(unknown_option)
{
	CHECK_ERRNO(prctl(9999, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(-1, 0, 0, 0, 0), EINVAL);
}

ABI_TEST(pdeathsig)
{
	int sig = 77;

	OK(prctl(PR_GET_PDEATHSIG, &sig));
	CHECK_EQ(sig, 0);
	OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	OK(prctl(PR_GET_PDEATHSIG, &sig));
	CHECK_EQ(sig, SIGUSR1);
	CHECK_ERRNO(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	CHECK_ERRNO(prctl(PR_GET_PDEATHSIG, BAD), EFAULT);
	CHECK_CHILD(OK(prctl(PR_GET_PDEATHSIG, &sig)); CHECK_EQ(sig, 0));
}

ABI_TEST(pdeathsig_is_sent)
{
	int fd[2];
	char c;

	OK(pipe(fd));
	struct abi_gate g;
	abi_gate_init(&g);
	CHECK_CHILD(
		if (OK(fork()) == 0) {
			OK(prctl(PR_SET_PDEATHSIG, SIGKILL));
			abi_gate_open(&g);
			for (;;)
				pause();
		}
		abi_gate_wait(&g));
	close(fd[1]);
	CHECK_EQ(read(fd[0], &c, 1), 0);
}

ABI_TEST(dumpable)
{
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	OK(prctl(PR_SET_DUMPABLE, 0));
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
	CHECK_ERRNO(prctl(PR_SET_DUMPABLE, 2), EINVAL);
	OK(prctl(PR_SET_DUMPABLE, 1));
}

ABI_TEST(setuid_clears_dumpable)
{
	OK(syscall(SYS_setresuid, 1000, 1000, 1000));
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
}

ABI_TEST(no_new_privs)
{
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	CHECK_CHILD(CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1));
	CHECK_STR(abi_field("/proc/self/status", "NoNewPrivs"), "1");
}

ABI_TEST(timer_slack)
{
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 50000);
	OK(prctl(PR_SET_TIMERSLACK, 1234));
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 1234);
	OK(prctl(PR_SET_TIMERSLACK, 0));	// back to the default
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 50000);
}

ABI_TEST(subreaper)
{
	int v = 7;

	OK(prctl(PR_GET_CHILD_SUBREAPER, &v));
	CHECK_EQ(v, 0);
	OK(prctl(PR_SET_CHILD_SUBREAPER, 5));
	OK(prctl(PR_GET_CHILD_SUBREAPER, &v));
	CHECK_EQ(v, 1);
	CHECK_CHILD(OK(prctl(PR_GET_CHILD_SUBREAPER, &v)); CHECK_EQ(v, 0));
}

ABI_TEST(get_tid_address)
{
	static int t;
	int *got = NULL;

	syscall(SYS_set_tid_address, &t);
	int r = prctl(PR_GET_TID_ADDRESS, &got);
	CHECK(r == 0 ? got == &t : errno == EINVAL);	// only with CONFIG_CHECKPOINT_RESTORE
}

ABI_TEST(arch_fs_and_gs)
{
	unsigned long fs, gs, v = 0x1111;

	OK(syscall(SYS_arch_prctl, GET_FS, &fs));
	CHECK(fs != 0);
	OK(syscall(SYS_arch_prctl, GET_GS, &gs));
	CHECK_EQ(gs, 0);
	OK(syscall(SYS_arch_prctl, SET_GS, &v));
	OK(syscall(SYS_arch_prctl, GET_GS, &gs));
	CHECK_EQ(gs, (uintptr_t)&v);
	__asm__ volatile("mov %%gs:0, %0" : "=r"(gs));
	CHECK_EQ(gs, 0x1111);
}

ABI_TEST(arch_gs_is_inherited_and_switched)
{
	unsigned long v = 0x2222, got;

	OK(syscall(SYS_arch_prctl, SET_GS, &v));
	CHECK_CHILD(
		__asm__ volatile("mov %%gs:0, %0" : "=r"(got));
		CHECK_EQ(got, 0x2222);
		OK(syscall(SYS_arch_prctl, SET_GS, 0)));
	sched_yield();
	__asm__ volatile("mov %%gs:0, %0" : "=r"(got));
	CHECK_EQ(got, 0x2222);
}

ABI_TEST(arch_errors)
{
	CHECK_ERRNO(syscall(SYS_arch_prctl, 0x9999, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_arch_prctl, SET_GS, BAD_KERNEL), EPERM);
	CHECK_ERRNO(syscall(SYS_arch_prctl, SET_GS, BAD_NONCANON), EPERM);
	CHECK_ERRNO(syscall(SYS_arch_prctl, SET_FS, BAD_KERNEL), EPERM);
	CHECK_ERRNO(syscall(SYS_arch_prctl, GET_FS, BAD), EFAULT);
}

ABI_TEST(tsc_mode)
{
	int mode = 0;

	OK(prctl(PR_GET_TSC, &mode));
	CHECK_EQ(mode, PR_TSC_ENABLE);
	CHECK_ERRNO(prctl(PR_SET_TSC, 3), EINVAL);
}
