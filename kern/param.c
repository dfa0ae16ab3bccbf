// Kernel parameters, and what is left of the command line for init.
#include "kern/param.h"
#include "kern/fail.h"
#include "kern/kasan.h"
#include "kern/kcsan.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/trace.h"
#include "kern/ubsan.h"
#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"

struct init_args init_args = {
	.argv = { "init" },
	.envp = { "HOME=/", "TERM=linux" },
};

void param_forget_init_argv(void)
{
	for (int i = 1; i <= INIT_MAX_ARGS; i++)
		init_args.argv[i] = NULL;
}

// Undoes the cut between name and value; quotes that were removed leave a gap.
static char *rejoin(char *name, char *val)
{
	if (!val)
		return name;
	char *end = name + strlen(name);
	*end++ = '=';
	memmove(end, val, strlen(val) + 1);
	return name;
}

static void add_argv(char *arg)
{
	for (int i = 1; i <= INIT_MAX_ARGS; i++) {
		if (!init_args.argv[i]) {
			init_args.argv[i] = arg;
			return;
		}
	}
	panic("too many arguments for init at \"%s\"", arg);
}

// A later setting of a variable replaces the earlier one.
static void add_envp(char *setting, size_t name_len)
{
	for (int i = 0; i <= INIT_MAX_ARGS; i++) {
		const char *old = init_args.envp[i];
		if (!old || strncmp(old, setting, name_len + 1) == 0) {
			init_args.envp[i] = setting;
			return;
		}
	}
	panic("too many environment variables for init at \"%s\"", setting);
}

static void set_unknown(char *name, char *val)
{
	if (strchr(name, '.'))
		return;		// a module's parameter
	size_t len = strlen(name);
	char *whole = rejoin(name, val);
	if (val)
		add_envp(whole, len);
	else
		add_argv(whole);
}

// A name may be in several tables: each owner gets it.
static bool set_known(char *name, char *val, const struct param *const tables[], size_t nr_tables)
{
	bool known = false;
	for (size_t i = 0; i < nr_tables; i++) {
		for (const struct param *p = tables[i]; p->name; p++) {
			if (!parameq(p->name, name))
				continue;
			known = true;
			if (p->set(val) < 0)
				pr_err("parameter %s: bad value \"%s\"\n", name, val ?: "");
		}
	}
	return known;
}

void param_parse(char *line, const struct param *const tables[], size_t nr_tables)
{
	bool dashes = false;
	line = skip_spaces(line);
	while (*line) {
		char *name, *val;
		line = next_arg(line, &name, &val);
		if (dashes)
			add_argv(rejoin(name, val));
		else if (!val && strcmp(name, "--") == 0)
			dashes = true;
		else if (!set_known(name, val, tables, nr_tables))
			set_unknown(name, val);
	}
}

// ---- kern's own parameters ----

static int param_quiet(char *val)
{
	console_set_level(4);
	return 0;
}

static int param_debug(char *val)
{
	console_set_level(10);
	return 0;
}

static int param_loglevel(char *val)
{
	u64 n;
	if (!val || kstrtou64(val, 0, &n) || n > 15)
		return -EINVAL;
	console_set_level((int)n);
	return 0;
}

static int param_panic(char *val)
{
	s32 n;
	if (!val || kstrtos32(val, 0, &n))
		return -EINVAL;
	panic_timeout = n;
	return 0;
}

const struct param kern_params[] = {
	PARAM("quiet", param_quiet),
	PARAM("debug", param_debug),
	PARAM("loglevel", param_loglevel),
	PARAM("ignore_loglevel", param_debug),
	PARAM("panic", param_panic),
	PARAM("ochre.trace", trace_param),
#ifdef CONFIG_KASAN
	PARAM("kasan.fault", kasan_param_fault),
#endif
#ifdef CONFIG_KCSAN
	PARAM("kcsan.strict", kcsan_param_strict),
#endif
#ifdef CONFIG_UBSAN
	PARAM("ubsan.fault", ubsan_param_fault),
#endif
#ifdef CONFIG_DEBUG
	PARAM("fail.interval", fail_param_interval),
	PARAM("fail.times", fail_param_times),
#endif
	PARAM_END,
};
