// Page faults: from the exception to a mapped page. docs/mm.md says what may be held where.
//
// The usual fault takes no lock but the page table's: the VMA is found under RCU and pinned. Everything else (no VMA there, a stack to
// grow, a writer at work) takes mmap_lock to find out, and pins too.
#include "arch/frame.h"
#include "arch/uaccess.h"
#include "mm/internal.h"
#include "mm/vmalloc.h"
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/resource.h>

u64 zero_pfn;		// SET_ONCE: the page that reads of untouched private memory see

bool vma_permits(const struct vma *v, u32 flags)
{
	if (flags & FAULT_WRITE)
		return v->flags & VM_WRITE;
	if (flags & FAULT_EXEC)
		return v->flags & VM_EXEC;
	return v->flags & (VM_READ | VM_WRITE | VM_EXEC);
}

// ---- anonymous memory ----

static bool all_none(const pte_t *p, int n)
{
	for (int i = 0; i < n; i++)
		if (!pte_none(pte_read(p + i)))
			return false;
	return true;
}

// Pages to map at once for a fault at pte p: more when the pages before were touched too, so that sequential use takes few faults and
// scattered use wastes no memory. Read without the lock: a guess.
static int anon_order(const struct vma *v, const pte_t *p, u64 addr)
{
	if (v->flags & (VM_NOHUGEPAGE | VM_STACK | VM_GROWSDOWN))
		return 0;
	for (int order = 4; order >= 2; order -= 2) {
		u64 n = 1ull << order, bytes = PAGE_SIZE << order;
		if (!IS_ALIGNED(addr, bytes) || addr + bytes > v->end || pte_index(addr) < n || addr - bytes < v->start)
			continue;
		if (pte_present(pte_read(p - 1)) && pte_present(pte_read(p - n)) && all_none(p, n))
			return order;
	}
	return 0;
}

static int anon_map_zero(struct vma *v, pmd_t *pmd, u64 addr)
{
	pte_t *p = pte_lock_pmd(pmd_read(pmd), addr);
	if (pte_none(pte_read(p)))
		pte_set(p, pte_mkspecial(pte_mkyoung(pte_wrprotect(pte_make(zero_pfn, v->prot)))));
	pte_unlock(p);
	return 0;
}

static inline pte_t anon_pte(const struct vma *v, const struct folio *f)
{
	pte_t e = pte_mkdirty(pte_mkyoung(pte_make(folio_pfn(f), v->prot)));
	return likely(v->flags & VM_WRITE) ? pte_mkwrite(e) : e;	// not: a forced write (mm_access)
}

static int anon_write_fault(struct vma *v, pmd_t *pmd, u64 addr)
{
	int order = anon_order(v, pte_at(pmd_read(pmd), addr), addr);
	struct folio *f = NULL;
	if (order)
		f = folio_alloc(GFP_USER | GFP_NORETRY | GFP_NOWARN, order);
	if (!f) {
		order = 0;
		f = folio_alloc(GFP_USER, 0);
		if (!f)
			return -ENOMEM;
	}
	int n = 1 << order;
	v->has_anon = true;
	folio_set_anon(f, v, addr, n);
	pte_t *p = pte_lock_pmd(pmd_read(pmd), addr);
	if (unlikely(!all_none(p, n))) {
		bool again = pte_none(pte_read(p));	// only a neighbour is in the way
		pte_unlock(p);
		atomic_set(&f->mapcount, 0);
		folio_put(f);
		return again ? -EAGAIN : 0;
	}
	if (order)	// added, not set: a late lookup of what the pages were before may hold a reference for a moment
		(void)atomic_fetch_add_relaxed(&f->ref.n, n - 1);
	pte_t e = anon_pte(v, f);
	for (int i = 0; i < n; i++, e.v += PAGE_SIZE)
		pte_set(p + i, e);
	rss_add(v->mm, MM_ANON, n);
	mm_stat_add(MM_STAT_ANON, n);
	pte_unlock(p);
	folio_add_lru(f);
	return 0;
}

// ---- large pages ----

static bool thp_enabled;	// SET_ONCE: as on Linux, not on machines with little memory

static bool huge_fits(const struct vma *v, u64 addr)
{
	u64 base = addr & PMD_MASK;
	return thp_enabled && !(v->flags & (VM_NOHUGEPAGE | VM_STACK | VM_GROWSDOWN)) && base >= v->start && base + PMD_SIZE <= v->end;
}

// Maps a large page at an empty pmd. False: use small ones.
static bool huge_anon_fault(struct vma *v, pmd_t *pmd, u64 addr)
{
	u64 base = addr & PMD_MASK;
	struct folio *f = folio_alloc(GFP_USER | GFP_NORETRY | GFP_NOWARN, PMD_SHIFT - PAGE_SHIFT);
	if (!f)
		return false;
	v->has_anon = true;
	folio_set_anon(f, v, base, 1);
	pmd_t none = { 0 }, e = pmd_mkdirty(pmd_mkyoung(pmd_mkwrite(pmd_make(folio_pfn(f), v->prot))));
	spin_lock(pmd_lock_of(pmd));
	bool done = pmd_cmpxchg(pmd, &none, e);
	if (done) {
		rss_add(v->mm, MM_ANON, PTRS_PER_PMD);
		mm_stat_add(MM_STAT_ANON, PTRS_PER_PMD);
	}
	spin_unlock(pmd_lock_of(pmd));
	if (done) {
		folio_add_lru(f);
	} else {
		atomic_set(&f->mapcount, 0);
		folio_put(f);
	}
	return true;
}

// A fault on a pmd that maps a large page.
int huge_fault(struct vma *v, pmd_t *pmd, u64 addr, u32 flags)
{
	spin_lock(pmd_lock_of(pmd));
	pmd_t m = pmd_read(pmd);
	if (!pmd_leaf(m)) {
		spin_unlock(pmd_lock_of(pmd));
		return -EAGAIN;
	}
	struct folio *f = pfn_page(pmd_pfn(m));
	bool alone = ref_read(&f->ref) == 1 && (v->flags & VM_WRITE);
	if (!(flags & FAULT_WRITE) || pmd_write(m) || alone) {
		m = pmd_mkyoung(m);
		if (flags & FAULT_WRITE)
			m = pmd_mkdirty(pmd_mkwrite(m));
		pmd_set(pmd, m);
		spin_unlock(pmd_lock_of(pmd));
		return 0;
	}
	spin_unlock(pmd_lock_of(pmd));
	return pmd_split(v->mm, pmd, addr) ?: -EAGAIN;	// then one small page is copied
}

// ---- copy on write ----

// Whether all mappings of a large anonymous folio are this table's: then they are nobody else's.
static bool large_alone(struct folio *f, pte_t *p, u64 pfn)
{
	u64 nr = folio_nr(f), maps = atomic_read(&f->mapcount), in = pfn - folio_pfn(f), found = 0;
	if (maps > nr || (u64)ref_read(&f->ref) != maps)
		return false;
	u64 at = ((u64)p & ~PAGE_MASK) / sizeof(pte_t);		// index in the table
	u64 first = at > in ? at - in : 0, end = MIN((u64)PTRS_PER_PTE, at - in + nr);
	if (in > at)
		return false;	// moved by mremap across tables: be safe, copy
	pte_t *t = p - at;
	for (u64 i = first; i < end; i++) {
		pte_t e = pte_read(t + i);
		found += pte_present(e) && pte_pfn(e) == folio_pfn(f) + (i - first);
	}
	return found == maps;
}

bool anon_alone(struct folio *f, pte_t *p, u64 pfn)
{
	u64 flags = READ_ONCE(f->flags);

	if (!(flags & BIT(PG_ANON)))
		return false;
	if (likely(!(flags & BIT(PG_HEAD))))
		return ref_read(&f->ref) == 1;
	return large_alone(f, p, pfn);
}

// Makes pte e at addr a private copy. `fresh` has the contents already (zero page) or gets them here.
static int cow_fault(struct vma *v, pmd_t *pmd, u64 addr, pte_t e)
{
	struct folio *old = NULL, *fresh;
	bool zero = pte_special(e);
	if (zero && pte_pfn(e) != zero_pfn)
		return -EIO;	// private mapping of device memory: not copied
	if (!zero) {
		old = page_folio(pfn_page(pte_pfn(e)));
		if ((old->flags & BIT(PG_ANON)) && ((old->flags & BIT(PG_HEAD)) || ref_read(&old->ref) == 1)) {
			pte_t *p = pte_lock_pmd(pmd_read(pmd), addr);
			bool same = pte_same(pte_read(p), e), alone = same && anon_alone(old, p, pte_pfn(e));
			if (alone) {
				e = pte_mkdirty(pte_mkyoung(e));
				pte_set(p, v->flags & VM_WRITE ? pte_mkwrite(e) : e);
			}
			pte_unlock(p);
			if (alone || !same)
				return 0;
		}
	}
	fresh = folio_alloc(zero ? GFP_USER : GFP_USER | GFP_UNINIT, 0);
	if (!fresh)
		return -ENOMEM;
	v->has_anon = true;
	folio_set_anon(fresh, v, addr, 1);
	pte_t *p = pte_lock_pmd(pmd_read(pmd), addr);
	if (unlikely(!pte_same(pte_read(p), e))) {
		pte_unlock(p);
		atomic_set(&fresh->mapcount, 0);
		folio_put(fresh);
		return 0;
	}
	enum mm_counter was = MM_ANON;
	if (!zero) {
		old = page_folio(pfn_page(pte_pfn(e)));		// the look above was without the lock: the page may have come back as part of another folio
		copy_page(folio_addr(fresh), phys_to_virt(pte_pfn(e) << PAGE_SHIFT));
		was = folio_counter(old);
	}
	// Gone from all CPUs before the copy is there: else one thread writes to the copy while another still reads the original.
	pte_set(p, (pte_t){ 0 });
	tlb_flush_page(v->mm, addr);
	pte_set(p, anon_pte(v, fresh));
	if (zero || was != MM_ANON) {
		rss_add(v->mm, MM_ANON, 1);
		if (!zero)
			rss_add(v->mm, was, -1);
	}
	mm_stat_add(MM_STAT_ANON, 1);
	if (!zero && atomic_dec_and_test(&old->mapcount))
		mm_stat_add(old->flags & BIT(PG_ANON) ? MM_STAT_ANON : MM_STAT_MAPPED, -(s64)folio_nr(old));
	pte_unlock(p);
	folio_add_lru(fresh);
	if (!zero)
		folio_put(old);
	return 0;
}

// A present pte refused the access: copy, first write, or just a stale translation.
static int present_fault(struct vma *v, pmd_t *pmd, u64 addr, pte_t e, u32 flags)
{
	if ((flags & FAULT_WRITE) && !pte_write(e)) {
		if (!(v->flags & VM_SHARED))
			return cow_fault(v, pmd, addr, e);
		struct fault f = { .vma = v, .addr = addr, .pgoff = vma_pgoff_at(v, addr), .flags = flags };
		return file_fault(&f, pmd);
	}
	pte_t *p = pte_lock_pmd(pmd_read(pmd), addr);
	if (pte_same(pte_read(p), e)) {
		e = pte_mkyoung(e);
		if (flags & FAULT_WRITE)
			e = pte_mkdirty(e);
		pte_set(p, e);
	}
	pte_unlock(p);
	return 0;
}

int vma_fault(struct vma *v, u64 addr, u32 flags)
{
	pmd_t *pmd;
	addr &= PAGE_MASK;
	int err = pmd_get(v->mm, addr, &pmd);
	if (unlikely(err))
		return err;
	pmd_t m = pmd_read(pmd);
	bool anon = vma_is_anon(v);
	if (pmd_none(m)) {
		// VM_WRITE: a forced write (mm_access) must not make a large page that the program can write to.
		if (anon && (flags & FAULT_WRITE) && (v->flags & VM_WRITE) && huge_fits(v, addr) && huge_anon_fault(v, pmd, addr))
			return 0;
		err = pte_table_make(v->mm, pmd);
		if (err)
			return err;
		m = pmd_read(pmd);
	}
	if (unlikely(pmd_leaf(m)))
		return huge_fault(v, pmd, addr, flags);
	pte_t e = pte_read(pte_at(m, addr));
	if (pte_none(e)) {
		if (anon)
			return flags & FAULT_WRITE ? anon_write_fault(v, pmd, addr) : anon_map_zero(v, pmd, addr);
		struct fault f = { .vma = v, .addr = addr, .pgoff = vma_pgoff_at(v, addr), .flags = flags };
		return file_fault(&f, pmd);
	}
	if (likely(pte_present(e)))
		return present_fault(v, pmd, addr, e, flags);
	return -EIO;	// swap entries and markers: nobody makes them yet
}

// ---- finding the VMA ----

int vma_expand_stack(struct mm *mm, struct vma *v, u64 addr)
{
	addr &= PAGE_MASK;
	if (addr >= v->start)
		return 0;
	u64 grow = (v->start - addr) >> PAGE_SHIFT, size = v->end - addr;
	struct vma *prev = vma_before(mm, v->start);
	if (addr < MMAP_MIN_LIMIT || size > rlimit(RLIMIT_STACK) || ((mm->total_vm + grow) << PAGE_SHIFT) > rlimit(RLIMIT_AS))
		return -ENOMEM;
	if (prev && prev->end > addr)
		return -ENOMEM;
	if (prev && !(prev->flags & VM_GROWSDOWN) && (prev->flags & (VM_READ | VM_WRITE | VM_EXEC)) && addr - prev->end < STACK_GUARD_GAP)
		return -ENOMEM;
	if ((v->flags & VM_LOCKED) && ((mm->locked_vm + grow) << PAGE_SHIFT) > rlimit(RLIMIT_MEMLOCK) && !capable(14 /* CAP_IPC_LOCK */))
		return -ENOMEM;
	if (v->flags & VM_ACCOUNT) {
		int err = vm_charge(mm, grow);
		if (err)
			return err;
	}
	vma_resize(mm, v, addr, v->end);
	vm_account(mm, v->flags, grow);
	return 0;
}

static struct vma *stack_vma_pin(struct mm *mm, u64 addr)
{
	mmap_write_lock(mm);
	struct vma *v = vma_after(mm, addr);
	if (v && v->start > addr && (!(v->flags & VM_GROWSDOWN) || vma_expand_stack(mm, v, addr)))
		v = NULL;
	mmap_downgrade(mm);
	if (v && !vma_try_pin(v, mm, addr))
		v = NULL;	// cannot be: no writer
	mmap_read_unlock(mm);
	return v;
}

static NOINLINE struct vma *vma_pin_slow(struct mm *mm, u64 addr)
{
	mmap_read_lock(mm);
	struct vma *v = vma_after(mm, addr);
	if (v && v->start <= addr) {
		if (!vma_try_pin(v, mm, addr))
			v = NULL;
		mmap_read_unlock(mm);
		return v;
	}
	mmap_read_unlock(mm);
	return v && (v->flags & VM_GROWSDOWN) ? stack_vma_pin(mm, addr) : NULL;
}

struct vma *vma_pin(struct mm *mm, u64 addr)
{
	struct vma *v = vma_pin_lookup(mm, addr);
	return likely(v) ? v : vma_pin_slow(mm, addr);
}

// 0, or -errno: -EFAULT no such memory, -EACCES not this way, others as vm_ops.fault.
static int fault_once(struct mm *mm, u64 addr, u32 flags)
{
	struct vma *v = vma_pin(mm, addr);
	if (unlikely(!v))
		return -EFAULT;
	int err = vma_permits(v, flags) ? vma_fault(v, addr, flags) : -EACCES;
	vma_unpin(v);
	return err;
}

int mm_fault_in(struct mm *mm, u64 addr, u32 flags)
{
	int err;
	do {
		err = fault_once(mm, addr, flags);
		if (err == -EAGAIN && fatal_signal_pending(current))
			return -EINTR;
	} while (err == -EAGAIN);
	return err;
}

int mm_fault(struct mm *mm, u64 addr, u32 flags, int *sig, int *code)
{
	int err = mm_fault_in(mm, addr, flags);
	current->min_flt++;
	if (likely(!err))
		return 0;
	*sig = SIGSEGV;
	*code = SEGV_MAPERR;
	switch (err) {
	case -EACCES:
		*code = SEGV_ACCERR;
		return err;
	case -EFAULT:
		return err;
	case -EINTR:
	case -ERESTARTSYS:
		return flags & FAULT_USER ? 0 : err;	// the signal is handled on the way out, or the copy ends
	case -ENOMEM:
		// The allocator has reclaimed and had a victim killed. A program faults again (or dies); a copy ends.
		return flags & FAULT_USER ? 0 : err;
	default:
		*sig = SIGBUS;
		*code = BUS_ADRERR;
		return err;
	}
}

static void kernel_fault(struct frame *f, u64 addr, u32 error)
{
	if (arch_fixup_exception(f))
		return;
	if (kstack_is_guard(addr))
		panic_frame(f, "kernel stack overflow at %#llx", addr);
	panic_frame(f, "kernel page fault at %#llx (error %#x)", addr, error);
}

void page_fault(struct frame *f, u64 addr, u32 error)
{
	struct mm *mm = current->mm;
	bool user = error & FAULT_USER;
	int sig = SIGSEGV, code = SEGV_MAPERR, err;

	if (!user && (addr >= TASK_SIZE_MAX || !mm || this_cpu_read(cpu_hot.in_fault_disabled) || preempt_count() || !frame_irqs_on(f))) {
		kernel_fault(f, addr, error);
		return;
	}
	if (likely(addr < TASK_SIZE_MAX && mm)) {
		err = mm_fault(mm, addr, error & (FAULT_WRITE | FAULT_EXEC | FAULT_USER), &sig, &code);
		if (likely(!err))
			return;
	}
	if (user)
		fault_user(f, sig, code, addr, TRAP_PAGE_FAULT, error);
	else
		kernel_fault(f, addr, error);
}

void fault_init(void)
{
	struct folio *zero = folio_alloc(GFP_KERNEL, 0);
	ASSERT(zero);
	zero_pfn = folio_pfn(zero);
	thp_enabled = mem_total_pages() >= (512ull << 20 >> PAGE_SHIFT) - 8192;
}
