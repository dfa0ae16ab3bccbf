// The memory management unit, in software. User addresses are translated at each access; kernel addresses outside the direct map fault
// (SIGSEGV), are translated, and become mappings of the process, which stay until they are flushed as a TLB's entries would.
#include "arch/boot.h"
#include "arch/entry.h"
#include "arch/frame.h"
#include "arch/irq.h"
#include "arch/pte.h"
#include "arch/tlb.h"
#include "arch/uaccess.h"
#include "host.h"
#include "kern/preempt.h"
#include "lib/string.h"

u64 kernel_pgd_paddr;

static void *table_at(u64 entry)
{
	return phys_to_virt(entry & PTE_PFN_MASK);
}

// The leaf entry for va, or null; *shift is its size.
static u64 *walk(paddr_t root, u64 va, u32 *shift)
{
	u64 *table = phys_to_virt(root);

	for (*shift = PGD_SHIFT;; *shift -= 9) {
		u64 *e = &table[va >> *shift & 511], v = READ_ONCE(*e);

		if (*shift == PAGE_SHIFT || (v & PTE_PS))
			return e;
		if (!(v & PTE_P))
			return NULL;
		table = table_at(v);
	}
}

// ---- the kernel's addresses -------------------------------------------------------------------------------------------

int host_kernel_fault(unsigned long va, int write)
{
	bool mine = (va >= VMALLOC_START && va < VMALLOC_END) || (va >= VMEMMAP_START && va < VMEMMAP_START + PHYS_MAP_SIZE / 32) ||
		    (va >= MODULES_START && va < MODULES_END);
	u32 shift;
	u64 *e, v;

	if (!mine || !kernel_pgd_paddr)
		return false;
	host_map_lock();
	e = walk(kernel_pgd_paddr, va, &shift);
	v = e ? READ_ONCE(*e) : 0;
	bool good = (v & PTE_P) && (!write || (v & PTE_W));
	if (good)
		host_map(ALIGN_DOWN(va, 1ul << shift), v & PTE_PFN_MASK, 1ul << shift, (v & PTE_W) != 0);
	host_map_unlock();
	return good;
}

// Flushes of the kernel's half. Ranges of user addresses come here too.
void host_tlb_drop(u64 start, u64 end)
{
	start = MAX(start, VMALLOC_START);
	end = MIN(end, VMALLOC_END);
	if (start >= end)
		return;
	host_map_lock();
	host_unmap(start, end - start);
	host_map_unlock();
}

void host_tlb_drop_all(void)
{
	host_tlb_drop(VMALLOC_START, VMALLOC_END);
}

void arch_pgd_init(void *pgd)
{
	(void)pgd;	// the kernel has its own
}

void host_bad_linear(const void *va)
{
	(void)va;
	host_abort("virt_to_phys() of an address that is not in the direct map");
}

void clear_page(void *page)
{
	memset(page, 0, PAGE_SIZE);
}

void copy_page(void *dst, const void *src)
{
	memcpy(dst, src, PAGE_SIZE);
}

// ---- the user's addresses ---------------------------------------------------------------------------------------------

// A translation, with the accessed and dirty bits set as hardware does. Null: a fault, with *error saying why. Preemption is off.
static char *translate(u64 va, bool write, u32 *error)
{
	paddr_t root = arch_mm_current();
	u32 shift;
	u64 *e = root ? walk(root, va, &shift) : NULL, v = e ? READ_ONCE(*e) : 0;

	*error = write ? FAULT_WRITE : 0;
	do {
		if (!(v & PTE_P) || !(v & PTE_U))
			return NULL;
		*error |= FAULT_PRESENT;
		if (write && !(v & PTE_W))
			return NULL;
	} while (!__atomic_compare_exchange_n(e, &v, v | PTE_A | (write ? PTE_D : 0), false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return (char *)phys_to_virt(v & PTE_PFN_MASK & ~((1ull << shift) - 1)) + (va & ((1ul << shift) - 1));
}

// Brings the page in. False: the access fails.
static bool fault_in(u64 va, u32 error)
{
	struct frame f = { .nr = -1, .irqs_on = !irqs_disabled(), .ip = (u64)__builtin_return_address(0) };

	page_fault(&f, va, error);
	return !f.fixed;
}

bool arch_fixup_exception(struct frame *f)
{
	f->fixed = 1;
	return true;
}

// Calls fn on the kernel's address of each piece of user memory. Bytes left.
static size_t for_each_piece(u64 va, size_t n, bool write, void (*fn)(char *user, size_t n, void *arg), void *arg)
{
	while (n) {
		size_t piece = MIN(n, (size_t)(PAGE_SIZE - (va & (PAGE_SIZE - 1))));
		char *p;
		u32 error;

		preempt_disable();
		p = translate(va, write, &error);
		if (p)
			fn(p, piece, arg);
		preempt_enable();
		if (!p) {
			if (!fault_in(va, error))
				break;
			continue;
		}
		va += piece;
		n -= piece;
	}
	return n;
}

struct copy {
	char *kernel;
	bool to_user;
};

// TSan: other threads of a program may write what we read.
static NO_SANITIZE void copy_words(char *d, const char *s, size_t n)
{
	if (n <= 8 && !(n & (n - 1)) && IS_ALIGNED((u64)d | (u64)s, n)) {
		switch (n) {
		case 8: __atomic_store_n((u64 *)d, __atomic_load_n((const u64 *)s, __ATOMIC_RELAXED), __ATOMIC_RELAXED); return;
		case 4: __atomic_store_n((u32 *)d, __atomic_load_n((const u32 *)s, __ATOMIC_RELAXED), __ATOMIC_RELAXED); return;
		default: break;
		}
	}
	memcpy(d, s, n);
}

static void copy_piece(char *user, size_t n, void *arg)
{
	struct copy *c = arg;

	if (c->to_user)
		copy_words(user, c->kernel, n);
	else
		copy_words(c->kernel, user, n);
	c->kernel += n;
}

size_t host_user_copy(void *kernel, u64 user, size_t n, bool to_user)
{
	return for_each_piece(user, n, to_user, copy_piece, &(struct copy){ kernel, to_user });
}

static void clear_piece(char *user, size_t n, void *arg)
{
	(void)arg;
	memset(user, 0, n);
}

size_t user_clear(uptr dst, size_t n)
{
	return user_range_ok(dst, n) ? for_each_piece(dst.a, n, true, clear_piece, NULL) : n;
}

ssize_t user_strncpy(char *dst, uptr src, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		u8 c;

		if (get_user_u8(&c, uptr_add(src, i)))
			return -EFAULT;
		dst[i] = (char)c;
		if (!c)
			return (ssize_t)i;
	}
	return (ssize_t)n;
}

ssize_t user_strnlen(uptr src, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		u8 c;

		if (get_user_u8(&c, uptr_add(src, i)))
			return -EFAULT;
		if (!c)
			return (ssize_t)i;
	}
	return (ssize_t)n;
}

struct atom {
	int op;
	u64 arg, expected, old;
};
enum { ATOM_CMPXCHG32, ATOM_CMPXCHG64, ATOM_XCHG, ATOM_ADD, ATOM_OR, ATOM_ANDNOT, ATOM_XOR };

static void atom_piece(char *user, size_t n, void *arg)
{
	struct atom *a = arg;
	u32 *p = (u32 *)user, e = (u32)a->expected, v = (u32)a->arg;

	(void)n;
	switch (a->op) {
	case ATOM_CMPXCHG32:
		(void)__atomic_compare_exchange_n(p, &e, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		a->old = e;
		break;
	case ATOM_CMPXCHG64:
		a->old = a->expected;
		(void)__atomic_compare_exchange_n((u64 *)user, &a->old, a->arg, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		break;
	case ATOM_XCHG: a->old = __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); break;
	case ATOM_ADD: a->old = __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST); break;
	case ATOM_OR: a->old = __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST); break;
	case ATOM_ANDNOT: a->old = __atomic_fetch_and(p, ~v, __ATOMIC_SEQ_CST); break;
	case ATOM_XOR: a->old = __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST); break;
	default: break;
	}
}

static int atom(uptr p, size_t n, struct atom *a)
{
	return !user_range_ok(p, n) || for_each_piece(p.a, n, true, atom_piece, a) ? -EFAULT : 0;
}

int user_cmpxchg32(uptr p, u32 expected, u32 new, u32 *old)
{
	struct atom a = { ATOM_CMPXCHG32, new, expected, 0 };
	int err = atom(p, 4, &a);
	*old = (u32)a.old;
	return err;
}

int user_cmpxchg64(uptr p, u64 expected, u64 new, u64 *old)
{
	struct atom a = { ATOM_CMPXCHG64, new, expected, 0 };
	int err = atom(p, 8, &a);
	*old = a.old;
	return err;
}

static int atom32(uptr p, int op, u32 n, u32 *old)
{
	struct atom a = { op, n, 0, 0 };
	int err = atom(p, 4, &a);
	*old = (u32)a.old;
	return err;
}

int user_xchg32(uptr p, u32 new, u32 *old) { return atom32(p, ATOM_XCHG, new, old); }
int user_fetch_add32(uptr p, u32 n, u32 *old) { return atom32(p, ATOM_ADD, n, old); }
int user_fetch_or32(uptr p, u32 n, u32 *old) { return atom32(p, ATOM_OR, n, old); }
int user_fetch_andnot32(uptr p, u32 n, u32 *old) { return atom32(p, ATOM_ANDNOT, n, old); }
int user_fetch_xor32(uptr p, u32 n, u32 *old) { return atom32(p, ATOM_XOR, n, old); }

int kernel_read_nofault(void *dst, const void *src, size_t n)
{
	u32 shift;
	u64 a = (u64)src;

	if (virt_addr_linear(src) || a < PAGE_SIZE)
		return a < PAGE_SIZE ? -EFAULT : (memcpy(dst, src, n), 0);
	if (a >= VMALLOC_START && a < VMALLOC_END)
		for (u64 p = ALIGN_DOWN(a, PAGE_SIZE); p < a + n; p += PAGE_SIZE) {
			u64 *e = walk(kernel_pgd_paddr, p, &shift);
			if (!e || !(READ_ONCE(*e) & PTE_P))
				return -EFAULT;
		}
	else if (a < TASK_SIZE_MAX && a >= HOST_BASE_ && a < MODULES_END)
		return -EFAULT;
	memcpy(dst, src, n);
	return 0;
}
