// kern/param.h - kernel parameters. Code: param.c.
//
// Who has parameters has a const table of them, ended by PARAM_END; boot/ passes all tables to param_parse().
//
//	const struct param log_params[] = { PARAM("quiet", set_quiet), PARAM("loglevel", set_loglevel), PARAM_END };
//
// As on Linux: '-' and '_' are equal in names; "name=value" that nobody knows goes to init's environment, a plain word to its arguments, unless there is
// a '.' in the name (a module's parameter); everything behind "--" is an argument of init.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct param {
	const char *name;
	int (*set)(char *val);	// val: null without '='. It may keep or change the text. < 0: the value is bad (reported)
};
#define PARAM(n, fn) { (n), (fn) }
#define PARAM_END { NULL, NULL }

#define INIT_MAX_ARGS 32	// of each kind, as Linux

struct init_args {
	const char *argv[INIT_MAX_ARGS + 2];	// [0] is for the program's name; ends with null
	const char *envp[INIT_MAX_ARGS + 2];	// starts with HOME=/ and TERM=linux
};
extern struct init_args init_args;	// OWNER(start-up)

// Splits and changes `line`, which must stay: values and init's arguments point into it. Context: start-up.
void param_parse(char *line, const struct param *const tables[], size_t nr_tables);
// init= forgets the arguments before it.
void param_forget_init_argv(void);

extern const struct param kern_params[];	// quiet, debug, loglevel, ignore_loglevel, panic, ochre.trace, fail.*
