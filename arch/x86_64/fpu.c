// Floating-point and vector registers of programs. The kernel uses none, so they are saved when a task leaves the CPU, and loaded on
// the way to user mode, unless this CPU still holds them. Formats: SDM 1 chapter 13.
#include "fpu.h"

#include "arch/irq.h"
#include "arch/thread.h"
#include "features.h"
#include "fpu_state.h"
#include "kern/cpu_hot.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "x86.h"

// x87, SSE, AVX, and AVX-512's three. Others need an opt-in (AMX), are managed apart (PKRU) or gone (MPX).
#define XFEATURES_KNOWN 0xe7ull

u32 fpu_area_size RO_AFTER_INIT = FXSAVE_SIZE;
u64 fpu_xfeatures RO_AFTER_INIT = 3;
static u32 mxcsr_mask RO_AFTER_INIT = 0xffbf;
// Whose area equals this CPU's registers; compared only.
STATIC_PER_CPU(const void *, fpu_owner);

static void save(void *area)
{
	u32 lo = (u32)fpu_xfeatures, hi = (u32)(fpu_xfeatures >> 32);

	if (cpu_has(X86_XSAVEOPT))
		__asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else if (cpu_has(X86_XSAVE))
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

// The area's contents were made by save(), or checked by fpu_check_user(): this cannot fault.
static void load(const void *area)
{
	u32 lo = (u32)fpu_xfeatures, hi = (u32)(fpu_xfeatures >> 32);

	if (cpu_has(X86_XSAVE))
		__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

// What a program starts with: x87 control word 0x37f, MXCSR 0x1f80, all else 0.
void fpu_area_init(void *area)
{
	struct fxsave *fx = area;

	memset(area, 0, fpu_area_size);
	fx->cwd = 0x37f;
	fx->mxcsr = 0x1f80;
}

void fpu_load_current(void)
{
	struct arch_thread *a = &((struct task_head *)current)->arch;

	if (a->fpu_live || !a->fpu)
		return;
	// Nobody else's state has been in the registers since ours was saved here, nor has ours been elsewhere.
	if (this_cpu_read(fpu_owner) != a->fpu || a->fpu_cpu != this_cpu_read(cpu_hot.cpu)) {
		load(a->fpu);
		this_cpu_write(fpu_owner, a->fpu);
		a->fpu_cpu = this_cpu_read(cpu_hot.cpu);
	}
	a->fpu_live = 1;
}

void fpu_switch_out(struct task_head *prev)
{
	if (!prev->arch.fpu_live)
		return;
	save(prev->arch.fpu);
	prev->arch.fpu_live = 0;
	__atomic_fetch_or(&prev->work, WORK_ARCH_FPU, __ATOMIC_SEQ_CST);
}

// After this the area is what counts: it may be read and written, and the registers will be loaded from it again.
void arch_fpu_save(void)
{
	struct task_head *t = (struct task_head *)current;
	unsigned long flags = irq_save();

	fpu_switch_out(t);
	irq_restore(flags);
}

// The same, and the area holds every component in full: for copies that programs look at.
void fpu_save_full(void)
{
	struct task_head *t = (struct task_head *)current;
	unsigned long flags = irq_save();

	fpu_load_current();
	if (cpu_has(X86_XSAVE))
		__asm__ volatile("xsave64 (%0)" : : "r"(t->arch.fpu), "a"((u32)fpu_xfeatures), "d"((u32)(fpu_xfeatures >> 32)) : "memory");
	else
		save(t->arch.fpu);
	t->arch.fpu_live = 0;
	__atomic_fetch_or(&t->work, WORK_ARCH_FPU, __ATOMIC_SEQ_CST);
	irq_restore(flags);
}

void fpu_area_changed(struct task_head *t)
{
	t->arch.fpu_cpu = FPU_NO_CPU;
	__atomic_fetch_or(&t->work, WORK_ARCH_FPU, __ATOMIC_SEQ_CST);
}

int fpu_area_alloc(void **out)
{
	void *area = thread_area_alloc();

	if (!area)
		return -ENOMEM;
	fpu_area_init(area);
	*out = area;
	return 0;
}

void fpu_area_free(void *area)
{
	if (area)
		thread_area_free(area);
}

// A state that a program wrote (signal frame, ptrace) and that is to be loaded: -EINVAL if the processor would refuse it.
int fpu_check_user(void *area, bool xsave)
{
	struct fxsave *fx = area;
	struct xsave_header *h = fpu_area_header(area);

	fx->mxcsr &= mxcsr_mask;
	if (!cpu_has(X86_XSAVE))
		return 0;
	if (!xsave) {	// a legacy frame: what it does not have is initial
		memset(h, 0, fpu_area_size - FXSAVE_SIZE);
		h->xstate_bv = 3;
		return 0;
	}
	if ((h->xstate_bv & ~fpu_xfeatures) || h->xcomp_bv || !mem_is_zero(h->reserved, sizeof(h->reserved)))
		return -EINVAL;
	return 0;
}

// The exceptions that are raised and not masked. SDM 1, 8.1.3.3, 8.5 and 11.6.4. si_code as in <asm-generic/siginfo.h>.
int fpu_exception_code(bool simd)
{
	struct task_head *t = (struct task_head *)current;
	u32 err;

	arch_fpu_save();
	const struct fxsave *fx = t->arch.fpu;
	if (!fx)
		return 0;
	if (simd)
		err = ~(fx->mxcsr >> 7) & fx->mxcsr;
	else
		err = fx->swd & ~fx->cwd;
	if (err & 0x01)
		return 7;	// FPE_FLTINV
	if (err & 0x04)
		return 3;	// FPE_FLTDIV
	if (err & 0x08)
		return 4;	// FPE_FLTOVF
	if (err & 0x12)
		return 5;	// FPE_FLTUND, denormal included
	return err & 0x20 ? 6 : 0;	// FPE_FLTRES
}

// Each CPU, before the first user thread runs on it.
void fpu_init_cpu(void)
{
	if (cpu_has(X86_XSAVE))
		xsetbv(0, fpu_xfeatures);
	__asm__ volatile("fninit");
	this_cpu_write(fpu_owner, NULL);
}

// The boot CPU, early: how large an area is.
void INIT fpu_detect(void)
{
	if (cpu_has(X86_XSAVE)) {
		struct cpuid c = cpuid(0xd, 0);
		fpu_xfeatures = ((u64)c.edx << 32 | c.eax) & XFEATURES_KNOWN;
		fpu_init_cpu();
		fpu_area_size = cpuid(0xd, 0).ebx;	// of what XCR0 now enables
	} else {
		fpu_init_cpu();
	}
	static u8 area[FXSAVE_SIZE] ALIGNED(64) INITDATA = { 1 };
	__asm__ volatile("fxsave64 %0" : "=m"(area));
	mxcsr_mask = ((struct fxsave *)area)->mxcsr_mask ?: 0xffbf;
}

void INIT arch_fpu_init(void)
{
	thread_area_init(fpu_area_size, 64);
}
