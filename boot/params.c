// Start-up's own parameters. Names and meanings are Linux's.
#include "boot/boot.h"
#include "kern/cpumask.h"
#include "kern/param.h"
#include "lib/errno.h"
#include "lib/parse.h"

u32 boot_cpu_limit RO_AFTER_INIT = NR_CPUS;
u32 boot_start_limit RO_AFTER_INIT = NR_CPUS;
u32 boot_tsc_khz RO_AFTER_INIT;
const char *boot_init;
const char *boot_rdinit = "/init";
const char *boot_ktest;

static int set_u32(char *val, u32 *out)
{
	return val ? kstrtou32(val, 0, out) : -EINVAL;
}

static int set_nr_cpus(char *val)
{
	u32 n = 0;
	int err = set_u32(val, &n);

	if (!err && n)
		boot_cpu_limit = MIN(n, (u32)NR_CPUS);
	return err;
}

static int set_maxcpus(char *val)
{
	return set_u32(val, &boot_start_limit);
}

static int set_nosmp(char *val)
{
	boot_start_limit = 0;
	return 0;
}

static int set_tsc_khz(char *val)
{
	return set_u32(val, &boot_tsc_khz);
}

static int set_init(char *val)
{
	boot_init = val;
	param_forget_init_argv();
	return val ? 0 : -EINVAL;
}

static int set_rdinit(char *val)
{
	boot_rdinit = val;
	param_forget_init_argv();
	return val ? 0 : -EINVAL;
}

static int set_ktest(char *val)
{
	boot_ktest = val ? val : "";
	return 0;
}

// The port reads mem= before anything else runs (arch/boot.h); nokaslr: the text is where it was linked anyway. Known, so that init does not get them.
static int accept(char *val)
{
	return 0;
}

const struct param boot_params[] = {
	PARAM("nr_cpus", set_nr_cpus),
	PARAM("maxcpus", set_maxcpus),
	PARAM("nosmp", set_nosmp),
	PARAM("tsc_early_khz", set_tsc_khz),
	PARAM("init", set_init),
	PARAM("rdinit", set_rdinit),
	PARAM("ktest", set_ktest),
	PARAM("mem", accept),
	PARAM("nokaslr", accept),
	PARAM_END,
};
