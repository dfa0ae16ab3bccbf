// User memory: range checks around the assembly, and the exception table.
#include "arch/uaccess.h"

#include "arch/frame.h"
#include "lib/compiler.h"
#include "uaccess_asm.h"

struct ex_entry {
	s32 insn, fixup;	// relative to themselves
};
extern const struct ex_entry __start___ex_table[], __stop___ex_table[];

static u64 ex_insn(const struct ex_entry *e)
{
	return (u64)&e->insn + (s64)e->insn;
}

// The table is in the order of the objects' sections, which is not that of addresses, and faults that the table must
// resolve are rare: sorting would cost more at start-up.
bool arch_fixup_exception(struct frame *f)
{
	for (const struct ex_entry *e = __start___ex_table; e < __stop___ex_table; e++) {
		if (ex_insn(e) != f->rip)
			continue;
		f->rip = (u64)&e->fixup + (s64)e->fixup;
		return true;
	}
	return false;
}

size_t user_clear(uptr dst, size_t n)
{
	return user_range_ok(dst, n) ? user_clear_asm((void *)dst.a, n) : n;
}

// At most n, and not beyond the end of user space: the string may end before that.
static size_t clamp_len(uptr p, size_t n)
{
	return p.a >= TASK_SIZE_MAX ? 0 : MIN(n, TASK_SIZE_MAX - p.a);
}

static ssize_t strncpy_checked(char *dst, uptr src, size_t n)
{
	size_t m = clamp_len(src, n);

	if (n && !m)
		return -EFAULT;
	ssize_t r = user_strncpy_asm(dst, (const char *)src.a, m);
	return r == (ssize_t)m && m < n ? -EFAULT : r;	// ran into the end of user space
}

ssize_t user_strncpy(char *dst, uptr src, size_t n)
{
	return strncpy_checked(dst, src, n);
}

ssize_t user_strnlen(uptr src, size_t n)
{
	return strncpy_checked(NULL, src, n);
}

int user_cmpxchg32(uptr p, u32 expected, u32 new, u32 *old)
{
	return user_range_ok(p, 4) ? user_cmpxchg32_asm((u32 *)p.a, expected, new, old) : -EFAULT;
}

int user_cmpxchg64(uptr p, u64 expected, u64 new, u64 *old)
{
	return user_range_ok(p, 8) ? user_cmpxchg64_asm((u64 *)p.a, expected, new, old) : -EFAULT;
}

int user_xchg32(uptr p, u32 new, u32 *old)
{
	return user_range_ok(p, 4) ? user_xchg32_asm((u32 *)p.a, new, old) : -EFAULT;
}

int user_fetch_add32(uptr p, u32 n, u32 *old)
{
	return user_range_ok(p, 4) ? user_fetch_add32_asm((u32 *)p.a, n, old) : -EFAULT;
}

enum word_op { WORD_OR, WORD_ANDNOT, WORD_XOR };

// A loop of compare and exchange: there is no instruction that returns the old value.
static int fetch_op32(uptr p, u32 n, u32 *old, enum word_op op)
{
	u32 v, seen;
	int err = get_user_u32(&v, p);

	for (;;) {
		if (err)
			return err;
		u32 new = op == WORD_OR ? v | n : op == WORD_ANDNOT ? v & ~n : v ^ n;
		err = user_cmpxchg32(p, v, new, &seen);
		if (!err && seen == v) {
			*old = v;
			return 0;
		}
		v = seen;
	}
}

int user_fetch_or32(uptr p, u32 n, u32 *old)
{
	return fetch_op32(p, n, old, WORD_OR);
}

int user_fetch_andnot32(uptr p, u32 n, u32 *old)
{
	return fetch_op32(p, n, old, WORD_ANDNOT);
}

int user_fetch_xor32(uptr p, u32 n, u32 *old)
{
	return fetch_op32(p, n, old, WORD_XOR);
}

int kernel_read_nofault(void *dst, const void *src, size_t n)
{
	// Not user memory: it is not there for whoever asks for kernel data.
	return (u64)src < TASK_SIZE_MAX ? -EFAULT : kernel_read_asm(dst, src, n);
}
