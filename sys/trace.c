// The system call part of ochre.trace=: calls and results in words, from the table.
#include "sys/dispatch.h"
#include "kern/trace.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mm/uaccess.h"
#include "proc/exit_work.h"

#define STRING_SHOWN 48

static int format_string(char *buf, size_t size, uptr p)
{
	char s[STRING_SHOWN];
	ssize_t n;

	if (uptr_is_null(p))
		return scnprintf(buf, size, "NULL");
	n = user_strncpy(s, p, sizeof(s));
	if (n < 0)
		return scnprintf(buf, size, "%#llx", p.a);
	for (ssize_t i = 0; i < n && i < STRING_SHOWN; i++)
		if (s[i] < ' ' || s[i] > '~')
			s[i] = '?';
	return scnprintf(buf, size, "\"%.*s\"%s", (int)MIN(n, (ssize_t)STRING_SHOWN), s, n == STRING_SHOWN ? "..." : "");
}

static int format_arg(char *buf, size_t size, u8 kind, u64 v)
{
	switch (kind) {
	case ARG_SIGNED:
		return scnprintf(buf, size, "%d", (int)v);
	case ARG_UNSIGNED:
		return scnprintf(buf, size, v > 1u << 20 ? "%#llx" : "%llu", v);
	case ARG_OFLAGS:
		return scnprintf(buf, size, "0%llo", v);
	case ARG_STRING:
		return format_string(buf, size, UPTR(v));
	default:
		return v ? scnprintf(buf, size, "%#llx", v) : scnprintf(buf, size, "NULL");
	}
}

// "name(args" into buf.
static int format_call(const struct frame *f, char *buf, size_t size)
{
	const struct syscall_desc *d = syscall_describe(frame_syscall_nr(f));
	int n;

	if (!d)
		return scnprintf(buf, size, "syscall_%ld(", frame_syscall_nr(f));
	n = scnprintf(buf, size, "%s(", d->name);
	for (u32 i = 0; i < d->nargs; i++) {
		n += scnprintf(buf + n, size - n, i ? ", " : "");
		n += format_arg(buf + n, size - n, d->arg[i], frame_syscall_arg(f, i));
	}
	return n;
}

void syscall_trace_enter(const struct frame *f)
{
	char buf[256];

	format_call(f, buf, sizeof(buf));
	trace_line("%s) ...", buf);
}

void syscall_trace_exit(const struct frame *f)
{
	const struct syscall_desc *d = syscall_describe(frame_syscall_nr(f));
	long ret = frame_return(f);

	if (ret < 0 && ret > -4096)
		trace_line("... %s = -%ld", d ? d->name : "?", -ret);
	else
		trace_line("... %s = %#lx", d ? d->name : "?", ret);
}
