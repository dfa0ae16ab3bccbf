// Runs the unit tests that the linker gathered (lib/ktest.h), and reports in TAP through the log.
#include "lib/ktest.h"
#include "kern/log.h"
#include "lib/atomic.h"
#include "lib/string.h"

// Made by the linker around the section "ktest".
extern const struct ktest *const __start_ktest[], *const __stop_ktest[];

static struct atomic failed_checks; // in the running test; several CPUs may report

// In a test that loops, thousands of equal lines help nobody.
#define KTEST_MAX_LINES 20

static bool report(const char *file, int line)
{
	int n = atomic_add_return(&failed_checks, 1);
	if (n > KTEST_MAX_LINES)
		return false;
	log_printf(LOG_ERR, "# %s:%d: a check failed%s\n", file, line, n == KTEST_MAX_LINES ? " (last one shown)" : "");
	return true;
}

bool ktest_true(const char *file, int line, const char *text, bool held)
{
	if (unlikely(!held) && report(file, line))
		log_printf(LOG_ERR, "#   expected: %s\n", text);
	return held;
}

bool ktest_cmp(const char *file, int line, const char *text, s64 a, s64 b, enum ktest_cmp how)
{
	bool held = how == KTEST_EQ ? a == b : how == KTEST_NE ? a != b : how == KTEST_LT ? a < b : a <= b;
	if (unlikely(!held) && report(file, line))
		log_printf(LOG_ERR, "#   expected: %s; left is %lld (%#llx), right is %lld (%#llx)\n", text, a, (u64)a, b, (u64)b);
	return held;
}

bool ktest_str(const char *file, int line, const char *text, const char *a, const char *b)
{
	bool held = a && b ? strcmp(a, b) == 0 : a == b;
	if (unlikely(!held) && report(file, line))
		log_printf(LOG_ERR, "#   expected: %s; left is \"%s\", right is \"%s\"\n", text, a ?: "(null)", b ?: "(null)");
	return held;
}

bool ktest_mem(const char *file, int line, const char *text, const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;
	size_t i = 0;
	while (i < n && x[i] == y[i])
		i++;
	if (unlikely(i < n) && report(file, line))
		log_printf(LOG_ERR, "#   expected: %s; byte %zu of %zu is %#x, not %#x\n", text, i, n, x[i], y[i]);
	return i == n;
}

// Matches "suite.name" against a name or a beginning followed by *; a suite's name alone means all of it.
static bool matches(const struct ktest *t, const char *pattern)
{
	if (!pattern || !*pattern)
		return true;
	size_t suite = strlen(t->suite);
	const char *p = pattern, *s = t->suite;
	for (size_t i = 0;; i++, p++) {
		char c = i < suite ? s[i] : i == suite ? '.' : t->name[i - suite - 1];
		if (*p == '*' && p[1] == '\0')
			return true;
		if (*p == '\0')
			return i == suite || c == '\0';
		if (*p != c)
			return false;
	}
}

static bool run_one(const struct ktest *t, int number)
{
	atomic_set(&failed_checks, 0);
	t->run();
	bool good = atomic_read(&failed_checks) == 0;
	log_printf(LOG_NOTICE, "%s %d - %s.%s\n", good ? "ok" : "not ok", number, t->suite, t->name);
	return good;
}

int ktest_run(const char *pattern)
{
	int total = 0, number = 0, failed = 0;

	for (const struct ktest *const *t = __start_ktest; t < __stop_ktest; t++)
		total += matches(*t, pattern);
	log_printf(LOG_NOTICE, "1..%d\n", total);
	for (const struct ktest *const *t = __start_ktest; t < __stop_ktest; t++) {
		if (matches(*t, pattern) && !run_one(*t, ++number))
			failed++;
	}
	log_printf(LOG_NOTICE, "# ktest: %d passed, %d failed\n", total - failed, failed);
	return total == 0 ? 1 : failed;
}
