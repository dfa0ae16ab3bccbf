// Parameters: known ones are set, the others reach init as on Linux.
#include "kern/param.h"
#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"

static char *seen_val;
static int seen_count;

static int note_value(char *val)
{
	seen_val = val;
	seen_count++;
	return 0;
}

static const struct param test_params[] = { PARAM("test-value", note_value), PARAM_END };

static void parse(char *line)
{
	const struct param *const tables[] = { test_params };
	seen_val = NULL;
	seen_count = 0;
	init_args = (struct init_args){ .argv = { "init" }, .envp = { "HOME=/", "TERM=linux" } };
	param_parse(line, tables, 1);
}

KTEST(param, known_parameters_do_not_reach_init)
{
	struct init_args saved = init_args;
	char line[] = " test_value=5 test-value  ";
	parse(line);
	CHECK_EQ(seen_count, 2);
	CHECK(seen_val == NULL);	// the second has no '='
	CHECK(init_args.argv[1] == NULL);
	CHECK(init_args.envp[2] == NULL);
	init_args = saved;
}

KTEST(param, others_become_arguments_and_environment)
{
	struct init_args saved = init_args;
	char line[] = "single root=/dev/vda mod.debug=1 \"a=b c\" d=\"e f\" TERM=vt100 -- -x y=z";
	parse(line);
	CHECK_STR(init_args.argv[1], "single");
	CHECK_STR(init_args.argv[2], "-x");
	CHECK_STR(init_args.argv[3], "y=z");
	CHECK(init_args.argv[4] == NULL);
	CHECK_STR(init_args.envp[1], "TERM=vt100");
	CHECK_STR(init_args.envp[2], "root=/dev/vda");
	CHECK_STR(init_args.envp[3], "a=b c");
	CHECK_STR(init_args.envp[4], "d=e f");
	CHECK(init_args.envp[5] == NULL);
	init_args = saved;
}

KTEST(param, init_forgets_earlier_arguments)
{
	struct init_args saved = init_args;
	char line[] = "one two";
	parse(line);
	param_forget_init_argv();
	CHECK_STR(init_args.argv[0], "init");
	CHECK(init_args.argv[1] == NULL);
	init_args = saved;
}
