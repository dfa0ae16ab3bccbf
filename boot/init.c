// PID 1 before it is a program: the part of start-up that needs a task, then /init.
#include "arch/boot.h"
#include "arch/reset.h"
#include "boot/boot.h"
#include "drv/module.h"
#include "fs/file.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/param.h"
#include "lib/errno.h"
#include "lib/ktest.h"
#include "mm/leak.h"
#include "mm/page_alloc.h"
#include "mm/reclaim.h"
#include "proc/exec.h"
#include "task/kthread.h"
#include "task/pid.h"
#include "task/workqueue.h"
#include <linux/fcntl.h>

static int kswapd_main(void *arg)
{
	kswapd(arg);
}

// Standard input, output and error on the console. Without one PID 1 runs all the same.
static void open_console(void)
{
	struct file *f;
	int fd, err = file_open("/dev/console", O_RDWR, 0, &f);

	if (err) {
		pr_warn("init: no /dev/console: error %d\n", -err);
		return;
	}
	for (int i = 0; i < 3; i++) {
		fd = fd_reserve(0);
		if (fd >= 0)
			fd_install(fd, file_get(f));
	}
	fput_sync(f);
}

static int try_init(const char *path)
{
	init_args.argv[0] = path;
	pr_debug("init: running %s\n", path);
	return kernel_execve(path, init_args.argv, init_args.envp);
}

// As Linux: rdinit= (or /init); if it is not there, init=, which must work; else the usual places. Returns only when a program was loaded.
static void run_init(void)
{
	static const char *const usual[] = { "/sbin/init", "/etc/init", "/bin/init", "/bin/sh" };
	int err = try_init(boot_rdinit);

	if (!err)
		return;
	if (err != -ENOENT)
		pr_err("init: %s exists but cannot be run: error %d\n", boot_rdinit, -err);
	if (boot_init) {
		err = try_init(boot_init);
		if (!err)
			return;
		panic("Requested init %s failed (error %d).", boot_init, err);
	}
	for (u32 i = 0; i < ARRAY_SIZE(usual); i++) {
		err = try_init(usual[i]);
		if (!err)
			return;
		if (err != -ENOENT)
			pr_err("init: %s exists but cannot be run: error %d\n", usual[i], -err);
	}
	panic("No working init found: give an initramfs with /init, or init=");
}

static void run_ktests(void)
{
#ifdef CONFIG_TESTS
	arch_exit_vm(ktest_run(boot_ktest) ? 1 : 0x10);
	arch_power_off();
#else
	panic("ktest: this kernel was built without TESTS=1");
#endif
}

INIT static void start_services(void)
{
	smp_start();
	softirq_threads_init();
	workqueue_init();
	if (kthread_run(NULL, kswapd_main, NULL, "kswapd0"))
		panic("too little memory for kernel threads");
	rust_modules_init();
}

int init_main(void *unused)
{
	lockcheck_start();
	start_services();
	initramfs_unpack();
	open_console();
	arch_protect_after_init();
	pages_free_range(virt_to_phys(kernel_inittext_start), virt_to_phys(kernel_inittext_end));
	pages_free_range(virt_to_phys(kernel_initdata_start), virt_to_phys(kernel_initdata_end));
	if (boot_ktest)
		run_ktests();
	leak_mark((u32)atomic64_read(&init_pid_ns.nr_pids));
	run_init();
	return 0;
}
