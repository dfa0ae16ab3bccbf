// The common kinds of values in /proc/sys.
#include "kern/sysctl.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/parse.h"

int sysctl_get_int(const struct sysctl *s, char *buf, size_t size)
{
	return scnprintf(buf, size, "%d\n", READ_ONCE(*(int *)s->data));
}

int sysctl_set_int(const struct sysctl *s, char *text)
{
	s64 v;

	if (kstrtos64(text, 0, &v) || v < s->min || v > s->max)
		return -EINVAL;
	WRITE_ONCE(*(int *)s->data, (int)v);
	return 0;
}

int sysctl_get_const(const struct sysctl *s, char *buf, size_t size)
{
	return scnprintf(buf, size, "%lld\n", s->min);
}

int sysctl_get_u64(const struct sysctl *s, char *buf, size_t size)
{
	return scnprintf(buf, size, "%llu\n", READ_ONCE(*(u64 *)s->data));
}

int sysctl_set_u64(const struct sysctl *s, char *text)
{
	u64 v;

	if (kstrtou64(text, 0, &v))
		return -EINVAL;
	WRITE_ONCE(*(u64 *)s->data, v);
	return 0;
}
