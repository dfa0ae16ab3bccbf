// UBSAN's run-time half: the functions that compilers call when an operation has no defined result. Each place reports once.
// The structures and names are the compilers'.
#include "kern/ubsan.h"
#include "kern/cpu_hot.h"
#include "kern/log.h"
#include "kern/panic.h"
#include "kern/upcalls.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"

struct ubsan_location {
	const char *file;
	u32 line;
	u32 column;		// all ones: reported
};

struct ubsan_type {
	u16 kind;		// 0: integer, 1: float, else unknown
	u16 info;		// integer: bit 0 signed, the rest log2 of the bits
	char name[];
};

struct ubsan_overflow_data { struct ubsan_location at; const struct ubsan_type *type; };
struct ubsan_shift_data { struct ubsan_location at; const struct ubsan_type *left, *right; };
struct ubsan_bounds_data { struct ubsan_location at; const struct ubsan_type *array, *index; };
struct ubsan_mismatch_data { struct ubsan_location at; const struct ubsan_type *type; u8 log_alignment, check; };
struct ubsan_value_data { struct ubsan_location at; const struct ubsan_type *type; };
struct ubsan_nonnull_data { struct ubsan_location at, attribute; int arg; };
struct ubsan_nonnull_return_data { struct ubsan_location attribute; };
struct ubsan_place_data { struct ubsan_location at; };
struct ubsan_alignment_data { struct ubsan_location at, assumption; const struct ubsan_type *type; };
struct ubsan_builtin_data { struct ubsan_location at; u8 kind; };

static struct atomic ubsan_count;
static bool ubsan_fatal;		// ubsan.fault=panic

// A value of the type as text: small ones come in the word itself.
static s64 ubsan_value(const struct ubsan_type *t, unsigned long v)
{
	u32 bits = t->kind == 0 ? 1u << (t->info >> 1) : 0;

	if (bits == 0 || bits > 64)
		return (s64)v;
	return (t->info & 1) && bits < 64 ? (s64)(v << (64 - bits)) >> (64 - bits) : (s64)v;
}

// False if this place was reported before.
static bool ubsan_begin(struct ubsan_location *at, const char *what)
{
	u32 column = xchg(&at->column, ~0u);
	char who[40];

	if (column == ~0u)
		return false;
	atomic_inc(&ubsan_count);
	task_describe(current, who, sizeof(who));
	pr_err("UBSAN: %s at %s:%u:%u, task %s, CPU %d\n", what, at->file, at->line, column, who, cpu_id());
	return true;
}

static void ubsan_end(void)
{
	backtrace_print();
	if (ubsan_fatal)
		panic("UBSAN: see the report above");
}

static void ubsan_simple(struct ubsan_location *at, const char *what)
{
	if (ubsan_begin(at, what))
		ubsan_end();
}

u32 ubsan_reports(void)
{
	return (u32)atomic_read(&ubsan_count);
}

int ubsan_param_fault(char *val)
{
	if (!val || (strcmp(val, "panic") && strcmp(val, "report")))
		return -EINVAL;
	ubsan_fatal = val[0] == 'p';
	return 0;
}

#define OVERFLOW_FN(fn, sign) \
	void __ubsan_handle_##fn(struct ubsan_overflow_data *d, unsigned long a, unsigned long b); \
	void __ubsan_handle_##fn(struct ubsan_overflow_data *d, unsigned long a, unsigned long b) \
	{ \
		if (!ubsan_begin(&d->at, "integer overflow")) \
			return; \
		pr_err("  %lld %s %lld does not fit in %s\n", ubsan_value(d->type, a), sign, ubsan_value(d->type, b), d->type->name); \
		ubsan_end(); \
	}
OVERFLOW_FN(add_overflow, "+")
OVERFLOW_FN(sub_overflow, "-")
OVERFLOW_FN(mul_overflow, "*")
OVERFLOW_FN(divrem_overflow, "/")

void __ubsan_handle_negate_overflow(struct ubsan_overflow_data *d, unsigned long a);
void __ubsan_handle_negate_overflow(struct ubsan_overflow_data *d, unsigned long a)
{
	if (!ubsan_begin(&d->at, "integer overflow"))
		return;
	pr_err("  -(%lld) does not fit in %s\n", ubsan_value(d->type, a), d->type->name);
	ubsan_end();
}

void __ubsan_handle_pointer_overflow(struct ubsan_place_data *d, unsigned long a, unsigned long b);
void __ubsan_handle_pointer_overflow(struct ubsan_place_data *d, unsigned long a, unsigned long b)
{
	if (!ubsan_begin(&d->at, "pointer overflow"))
		return;
	pr_err("  from %016lx to %016lx\n", a, b);
	ubsan_end();
}

void __ubsan_handle_shift_out_of_bounds(struct ubsan_shift_data *d, unsigned long a, unsigned long b);
void __ubsan_handle_shift_out_of_bounds(struct ubsan_shift_data *d, unsigned long a, unsigned long b)
{
	if (!ubsan_begin(&d->at, "shift out of bounds"))
		return;
	pr_err("  %lld (%s) shifted by %lld\n", ubsan_value(d->left, a), d->left->name, ubsan_value(d->right, b));
	ubsan_end();
}

void __ubsan_handle_out_of_bounds(struct ubsan_bounds_data *d, unsigned long index);
void __ubsan_handle_out_of_bounds(struct ubsan_bounds_data *d, unsigned long index)
{
	if (!ubsan_begin(&d->at, "array index out of bounds"))
		return;
	pr_err("  index %lld of %s\n", ubsan_value(d->index, index), d->array->name);
	ubsan_end();
}

void __ubsan_handle_type_mismatch_v1(struct ubsan_mismatch_data *d, unsigned long p);
void __ubsan_handle_type_mismatch_v1(struct ubsan_mismatch_data *d, unsigned long p)
{
	if (!ubsan_begin(&d->at, p ? "bad address for its type" : "use of a null pointer"))
		return;
	pr_err("  %016lx is no %s\n", p, d->type->name);
	ubsan_end();
}

void __ubsan_handle_load_invalid_value(struct ubsan_value_data *d, unsigned long v);
void __ubsan_handle_load_invalid_value(struct ubsan_value_data *d, unsigned long v)
{
	if (!ubsan_begin(&d->at, "load of a value that its type does not have"))
		return;
	pr_err("  %lld is no %s\n", ubsan_value(d->type, v), d->type->name);
	ubsan_end();
}

void __ubsan_handle_vla_bound_not_positive(struct ubsan_value_data *d, unsigned long n);
void __ubsan_handle_vla_bound_not_positive(struct ubsan_value_data *d, unsigned long n)
{
	ubsan_simple(&d->at, "array whose length is not positive");
}

void __ubsan_handle_nonnull_arg(struct ubsan_nonnull_data *d);
void __ubsan_handle_nonnull_arg(struct ubsan_nonnull_data *d)
{
	ubsan_simple(&d->at, "null for an argument that must not be");
}

void __ubsan_handle_nonnull_return_v1(struct ubsan_nonnull_return_data *d, struct ubsan_location *at);
void __ubsan_handle_nonnull_return_v1(struct ubsan_nonnull_return_data *d, struct ubsan_location *at)
{
	ubsan_simple(at, "null from a function that returns none");
}

void __ubsan_handle_builtin_unreachable(struct ubsan_place_data *d);
void __ubsan_handle_builtin_unreachable(struct ubsan_place_data *d)
{
	ubsan_simple(&d->at, "reached what cannot be reached");
	panic("UBSAN: there is no way on from here");
}

void __ubsan_handle_missing_return(struct ubsan_place_data *d);
void __ubsan_handle_missing_return(struct ubsan_place_data *d)
{
	ubsan_simple(&d->at, "end of a function without its result");
	panic("UBSAN: there is no way on from here");
}

void __ubsan_handle_alignment_assumption(struct ubsan_alignment_data *d, unsigned long p, unsigned long align, unsigned long offset);
void __ubsan_handle_alignment_assumption(struct ubsan_alignment_data *d, unsigned long p, unsigned long align, unsigned long offset)
{
	ubsan_simple(&d->at, "address not aligned as was promised");
}

void __ubsan_handle_invalid_builtin(struct ubsan_builtin_data *d);
void __ubsan_handle_invalid_builtin(struct ubsan_builtin_data *d)
{
	ubsan_simple(&d->at, "zero given to a bit-counting builtin");
}
