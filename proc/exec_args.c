// exec: argument and environment strings are measured once, then copied straight into the pages of the new stack.
//
// Layout from the top, as Linux's: 8 zero bytes, the path, environment strings, argument strings; below them platform name, random
// bytes, auxiliary vector, pointers, argc.
#include "proc/exec.h"
#include "arch/cpu.h"
#include "kern/random.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "task/cred.h"
#include "task/process.h"
#include <linux/auxvec.h>
#include <linux/resource.h>

#define ARG_STRLEN_MAX (32 * PAGE_SIZE)
#define ARG_STRINGS_MAX 0x7fffffff
#define ARG_MAX_ALWAYS 131072ul
#define ADDR_NO_RANDOMIZE_ 0x0040000u
#ifndef AT_HWCAP2
#define AT_HWCAP2 26
#endif
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

// ---- measuring --------------------------------------------------------------------------------------------------------

static int get_pointer(const struct arg_source *s, size_t i, u64 *p)
{
	if (s->kernel) {
		*p = (u64)s->kernel[i];
		return 0;
	}
	return get_user_u64(p, uptr_add(s->user, i * sizeof(u64)));
}

static long count_pointers(const struct arg_source *s)
{
	size_t n = 0;
	u64 p;

	if (!s->kernel && uptr_is_null(s->user))
		return 0;
	for (;; n++) {
		if (get_pointer(s, n, &p))
			return -EFAULT;
		if (!p)
			return n;
		if (n >= ARG_STRINGS_MAX)
			return -E2BIG;
		if (fatal_signal_pending(current))
			return -ERESTARTNOHAND;
	}
}

static int add_bytes(struct exec *x, u64 n)
{
	x->bytes += n;
	return x->bytes > x->limit ? -E2BIG : 0;
}

static int measure(struct exec *x, const struct arg_source *s, size_t n, struct exec_arg *a)
{
	for (size_t i = 0; i < n; i++, a++) {
		if (get_pointer(s, i, &a->src))
			return -EFAULT;
		a->kernel = s->kernel != NULL;
		size_t len = a->kernel ? strlen((const char *)a->src) + 1 : strnlen_user(UPTR(a->src), ARG_STRLEN_MAX);
		if (!len)
			return -EFAULT;
		if (len > ARG_STRLEN_MAX)
			return -E2BIG;
		a->len = len;
		int err = add_bytes(x, len);
		if (err)
			return err;
		if (fatal_signal_pending(current))
			return -ERESTARTNOHAND;
	}
	return 0;
}

// A quarter of the stack limit, at most 6 MiB, at least 128 KiB; pointers count too.
static int set_limit(struct exec *x)
{
	u64 limit = MIN(6ul << 20, rlimit(RLIMIT_STACK) / 4), pointers = (MAX(x->argc, 1ul) + x->envc) * sizeof(u64);

	limit = MAX(limit, ARG_MAX_ALWAYS);
	if (limit <= pointers)
		return -E2BIG;
	x->limit = limit - pointers;
	return 0;
}

int exec_args_measure(struct exec *x, const struct arg_source *argv, const struct arg_source *envp)
{
	static const char empty[] = "";
	long argc = count_pointers(argv), envc;

	if (argc < 0)
		return argc;
	envc = count_pointers(envp);
	if (envc < 0)
		return envc;
	x->argc = argc;
	x->envc = envc;
	int err = set_limit(x);
	if (!err)
		err = add_bytes(x, strlen(x->path) + 1);
	if (err)
		return err;
	// Each #! line puts at most two strings more before the arguments.
	x->room = 2 * EXEC_SCRIPTS_MAX + 2;
	x->args = kvalloc((x->room + argc + envc + 1) * sizeof(*x->args), GFP_KERNEL | GFP_UNINIT);
	if (!x->args)
		return -ENOMEM;
	struct exec_arg *first = x->args + x->room;
	if (!argc) {	// a program always finds an argv[0]
		*first = (struct exec_arg){ (u64)empty, 1, true };
		x->argc = 1;
		err = add_bytes(x, 1);
	} else {
		err = measure(x, argv, argc, first);
	}
	return err ?: measure(x, envp, envc, first + x->argc);
}

int exec_args_script(struct exec *x, const char *interp, const char *arg, const char *path)
{
	const char *put[] = { path, arg, interp };

	x->bytes -= x->args[x->room].len;
	x->room++;
	x->argc--;
	for (size_t i = 0; i < ARRAY_SIZE(put); i++) {
		if (!put[i])
			continue;
		size_t len = strlen(put[i]) + 1;
		x->args[--x->room] = (struct exec_arg){ (u64)put[i], len, true };
		x->argc++;
		int err = add_bytes(x, len);
		if (err)
			return err;
	}
	return 0;
}

void exec_args_free(struct exec *x)
{
	kvfree(x->args);
	x->args = NULL;
}

// ---- copying ----------------------------------------------------------------------------------------------------------

struct stack_writer {
	struct mm *mm;
	u64 addr;
	struct folio *folio;
	char *at;
	size_t left;		// in the page
};

static int writer_page(struct stack_writer *w)
{
	size_t off;

	if (w->folio)
		folio_put(w->folio);
	w->folio = NULL;
	int err = mm_get_page(w->mm, w->addr, MM_ACCESS_WRITE, &w->folio, &off);
	if (err)
		return err;
	w->at = (char *)folio_addr(w->folio) + off;
	w->left = PAGE_SIZE - (w->addr & (PAGE_SIZE - 1));
	return 0;
}

static int put_string(struct stack_writer *w, const struct exec_arg *a)
{
	u64 src = a->src;

	for (size_t n, todo = a->len; todo; todo -= n, src += n) {
		if (!w->left) {
			int err = writer_page(w);
			if (err)
				return err;
		}
		n = MIN(todo, w->left);
		if (a->kernel)
			memcpy(w->at, (const char *)src, n);
		else if (copy_in(w->at, UPTR(src), n))
			return -EFAULT;
		w->at += n;
		w->left -= n;
		w->addr += n;
	}
	w->at[-1] = 0;	// it may have changed since it was measured
	return 0;
}

int exec_args_copy(struct exec *x)
{
	u64 pointers = (x->argc + x->envc + 64) * sizeof(u64);
	u64 size = ALIGN_UP(x->bytes + pointers + 8192, PAGE_SIZE) + 128 * 1024;
	bool randomise = !(current->personality & ADDR_NO_RANDOMIZE_);
	struct stack_writer w = { .mm = x->mm };

	mm_layout(x->mm, rlimit(RLIMIT_STACK), randomise);
	x->stack_top = TASK_SIZE_MAX;
	if (randomise)
		x->stack_top -= (random_u64() & 0x3fffff) << PAGE_SHIFT;	// 16 GiB, as Linux
	int err = mm_setup_stack(x->mm, x->stack_top, size, false);
	if (err)
		return err;
	x->strings = w.addr = x->stack_top - sizeof(u64) - x->bytes;
	struct exec_arg path = { (u64)x->path, strlen(x->path) + 1, true };
	const struct exec_arg *a = x->args + x->room;
	for (size_t i = 0; i < x->argc + x->envc && !err; i++)
		err = put_string(&w, &a[i]);
	if (!err)
		err = put_string(&w, &path);
	if (w.folio)
		folio_put(w.folio);
	return err;
}

// ---- what stands below the strings ------------------------------------------------------------------------------------

struct words {
	u64 *v;
	size_t n;
};

static void put(struct words *w, u64 v)
{
	w->v[w->n++] = v;
}

static void put_aux(struct words *w, u64 type, u64 v)
{
	put(w, type);
	put(w, v);
}

#define NR_AUX 22	// pairs, AT_NULL included, at most

static void put_auxv(struct exec *x, struct words *w, u64 random, u64 platform)
{
	const struct cred *c = current_cred();
	struct user_namespace *ns = c->user_ns;

	put_aux(w, AT_MINSIGSTKSZ, arch_minsigstksz());
	put_aux(w, AT_HWCAP, arch_hwcap());
	put_aux(w, AT_PAGESZ, PAGE_SIZE);
	put_aux(w, AT_CLKTCK, USER_HZ);
	put_aux(w, AT_PHDR, x->prog.layout.phdr_vaddr ? x->prog.layout.phdr_vaddr + x->prog.bias : 0);
	put_aux(w, AT_PHENT, sizeof(struct elf_phdr));
	put_aux(w, AT_PHNUM, x->prog.h.phnum);
	put_aux(w, AT_BASE, x->interp.file ? x->interp.bias : 0);
	put_aux(w, AT_FLAGS, 0);
	put_aux(w, AT_ENTRY, x->prog.h.entry + x->prog.bias);
	put_aux(w, AT_UID, from_kuid_munged(ns, c->uid));
	put_aux(w, AT_EUID, from_kuid_munged(ns, c->euid));
	put_aux(w, AT_GID, from_kgid_munged(ns, c->gid));
	put_aux(w, AT_EGID, from_kgid_munged(ns, c->egid));
	put_aux(w, AT_SECURE, x->secure);
	put_aux(w, AT_RANDOM, random);
	put_aux(w, AT_HWCAP2, arch_hwcap2());
	put_aux(w, AT_EXECFN, x->stack_top - sizeof(u64) - strlen(x->path) - 1);
	put_aux(w, AT_PLATFORM, platform);
	put_aux(w, AT_NULL, 0);
}

static u64 put_pointers(struct words *w, const struct exec_arg *a, size_t n, u64 at)
{
	for (size_t i = 0; i < n; i++) {
		put(w, at);
		at += a[i].len;
	}
	put(w, 0);
	return at;
}

static void fill_words(struct exec *x, struct words *w, u64 random, u64 platform)
{
	struct mm *mm = current->mm;
	const struct exec_arg *a = x->args + x->room;

	put(w, x->argc);
	mm->arg_start = x->strings;
	mm->arg_end = mm->env_start = put_pointers(w, a, x->argc, x->strings);
	mm->env_end = put_pointers(w, a + x->argc, x->envc, mm->arg_end);
	size_t aux = w->n;
	put_auxv(x, w, random, platform);
	memcpy(mm->saved_auxv, w->v + aux, MIN(sizeof(mm->saved_auxv), (w->n - aux) * sizeof(u64)));
}

int exec_stack_finish(struct exec *x, u64 *sp)
{
	const char *name = arch_platform();
	size_t name_len = strlen(name) + 1, max = x->argc + x->envc + 3 + 2 * NR_AUX;
	struct words w = { .v = kvalloc(max * sizeof(u64), GFP_KERNEL | GFP_UNINIT) };
	u8 random[16];
	int err = -EFAULT;

	if (!w.v)
		return -ENOMEM;
	u64 p = x->strings;
	if (!(current->personality & ADDR_NO_RANDOMIZE_))
		p -= random_below(8192);
	p &= ~15ul;
	u64 platform = p -= name_len;
	u64 random_at = p -= sizeof(random);
	random_bytes(random, sizeof(random));
	fill_words(x, &w, random_at, platform);
	u64 at = (p - w.n * sizeof(u64)) & ~15ul;
	current->mm->start_stack = at;
	if (!copy_out(UPTR(platform), name, name_len) && !copy_out(UPTR(random_at), random, sizeof(random)) &&
	    !copy_out(UPTR(at), w.v, w.n * sizeof(u64)))
		err = 0;
	kvfree(w.v);
	*sp = at;
	return err;
}
