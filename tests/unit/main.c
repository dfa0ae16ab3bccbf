// The host's side of the unit tests: a log that is the standard output, and a main() that runs them.
#include <stdarg.h>
#include <stdio.h>

int ktest_run(const char *pattern);
int log_printf(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void assert_failed(const char *expr, const char *file, int line);

int log_printf(int level, const char *fmt, ...)
{
	(void)level;
	va_list args;
	va_start(args, fmt);
	int n = vprintf(fmt, args);
	va_end(args);
	return n;
}

// A failed assertion ends the program with the sanitizers' report of where it was.
void assert_failed(const char *expr, const char *file, int line)
{
	fflush(stdout);
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
	__builtin_trap();
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	return ktest_run(argc > 1 ? argv[1] : NULL) != 0;
}
