// Signal frames, exactly as Linux lays them out on x86_64 (struct rt_sigframe: restorer, ucontext, siginfo; above it, 64-byte aligned,
// the FPU state in XSAVE format with software words that tell its extent). man 2 sigreturn; <asm/sigcontext.h>, <asm/ucontext.h>.
#include "arch/frame.h"

#include "arch/cpu.h"
#include "arch/thread.h"
#include "arch/uaccess.h"
#include "features.h"
#include "fpu.h"
#include "fpu_state.h"
#include "kern/cpu_hot.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "x86.h"

// (Own names: the UAPI headers' do not mix with the kernel's.)
#define ACT_SIGINFO 0x4u
#define ACT_RESTORER 0x04000000u
#define ACT_ONSTACK 0x08000000u
#define STACK_AUTODISARM 0x80000000u
#define UCF_FP_XSTATE 0x1u
#define UCF_SIGCONTEXT_SS 0x2u
#define UCF_STRICT_RESTORE_SS 0x4u
#define MAGIC1 0x46505853u
#define MAGIC2 0x46505845u
#define REDZONE 128
// What a program may change in its flags.
#define FLAGS_USER (FLAGS_AC | FLAGS_DF | FLAGS_TF | FLAGS_RF | 0x8d5ul)	// OF SF ZF AF PF CF

struct sig_context {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2;
	u64 fpstate;
	u64 reserved[8];
};

struct sig_ucontext {
	u64 flags, link;
	struct { u64 sp; s32 flags; u32 pad; u64 size; } stack;
	struct sig_context mc;
	u64 mask;
};

struct rt_sigframe {
	u64 restorer;
	struct sig_ucontext uc;
	u8 info[128];
};
BUILD_ASSERT(sizeof(struct sig_context) == 256);
BUILD_ASSERT(offsetof(struct sig_ucontext, mc) == 40 && offsetof(struct sig_ucontext, mask) == 296);
BUILD_ASSERT(sizeof(struct rt_sigframe) == 440);

// In the last 48 bytes of the FXSAVE part.
struct sw_bytes {
	u32 magic1, extended_size;
	u64 xfeatures;
	u32 xstate_size, padding[7];
};
BUILD_ASSERT(sizeof(struct sw_bytes) == 48);
#define SW_OFFSET offsetof(struct fxsave, sw_reserved)

static u64 fpstate_size(void)
{
	return cpu_has(X86_XSAVE) ? fpu_area_size + 4 : FXSAVE_SIZE;
}

u64 arch_minsigstksz(void)
{
	return ALIGN_UP(sizeof(struct rt_sigframe) + 15 + 63 + fpstate_size(), 16);
}

// ---- delivery ----

void arch_fault_note(u32 trapno, u64 error, u64 addr)
{
	struct arch_thread *a = &((struct task_head *)current)->arch;

	a->trapno = trapno;
	a->error_code = error;
	if (trapno == TRAP_PF)
		a->cr2 = addr;
}

static MUST_CHECK int push_fpstate(u64 at)
{
	struct task_head *t = (struct task_head *)current;
	struct sw_bytes sw = { 0 };
	u32 magic2 = MAGIC2;

	fpu_save_full();
	if (raw_copy_to_user(UPTR(at), t->arch.fpu, fpu_area_size))
		return -EFAULT;
	if (!cpu_has(X86_XSAVE))
		return 0;
	sw = (struct sw_bytes){ .magic1 = MAGIC1, .extended_size = fpu_area_size + 4, .xfeatures = fpu_xfeatures,
				.xstate_size = fpu_area_size };
	if (raw_copy_to_user(UPTR(at + SW_OFFSET), &sw, sizeof(sw)) || raw_copy_to_user(UPTR(at + fpu_area_size), &magic2, 4))
		return -EFAULT;
	// Programs that know FXSAVE only change that part; it must count, whatever the header said.
	return put_user_u64(fpu_area_header(t->arch.fpu)->xstate_bv | 3, UPTR(at + FXSAVE_SIZE));
}

static void fill_context(struct sig_context *c, const struct frame *f, const struct sigframe *s, u64 fpstate)
{
	const struct arch_thread *a = &((struct task_head *)current)->arch;

	*c = (struct sig_context){
		.r8 = f->r8, .r9 = f->r9, .r10 = f->r10, .r11 = f->r11, .r12 = f->r12, .r13 = f->r13, .r14 = f->r14, .r15 = f->r15,
		.di = f->rdi, .si = f->rsi, .bp = f->rbp, .bx = f->rbx, .dx = f->rdx, .ax = f->rax, .cx = f->rcx,
		.sp = f->rsp, .ip = f->rip, .flags = f->rflags, .cs = (u16)f->cs, .ss = (u16)f->ss,
		.err = a->error_code, .trapno = a->trapno, .oldmask = s->oldmask, .cr2 = a->cr2, .fpstate = fpstate,
	};
}

// Where the frame goes: *fp gets the FPU state's place. 0 if it would leave the alternate stack.
static u64 frame_place(const struct frame *f, const struct sigframe *s, u64 *fp)
{
	// A stack with SS_AUTODISARM is disarmed while it is used: if it is armed, we are not on it.
	bool on_alt = !(s->altstack_flags & STACK_AUTODISARM) && sigframe_on_altstack(s, f->rsp);
	u64 sp = f->rsp - REDZONE;

	bool entering = (s->sa_flags & ACT_ONSTACK) && s->altstack_size && !on_alt;
	if (entering)
		sp = s->altstack_sp + s->altstack_size;
	*fp = ALIGN_DOWN(sp - fpstate_size(), 64ull);
	u64 at = ALIGN_DOWN(*fp - sizeof(struct rt_sigframe), 16ull) - 8;
	if ((entering || on_alt) && !sigframe_on_altstack(s, at))
		return 0;
	return at;
}

int arch_sigframe_push(struct frame *f, const struct sigframe *s)
{
	struct task_head *t = (struct task_head *)current;
	u64 fp, at = frame_place(f, s, &fp);
	struct sig_ucontext uc = {
		.flags = UCF_SIGCONTEXT_SS | UCF_STRICT_RESTORE_SS | (cpu_has(X86_XSAVE) ? UCF_FP_XSTATE : 0),
		.stack = { .sp = s->altstack_sp, .flags = (s32)s->altstack_flags, .size = s->altstack_size },
		.mask = s->oldmask,
	};

	if (!at || !(s->sa_flags & ACT_RESTORER))
		return -EFAULT;
	if (!user_range_ok(UPTR(at), sizeof(struct rt_sigframe)) || push_fpstate(fp))
		return -EFAULT;
	fill_context(&uc.mc, f, s, fp);
	if (put_user_u64(s->restorer.a, UPTR(at)) || raw_copy_to_user(UPTR(at + offsetof(struct rt_sigframe, uc)), &uc, sizeof(uc)))
		return -EFAULT;
	u64 info = at + offsetof(struct rt_sigframe, info);
	if ((s->sa_flags & ACT_SIGINFO) && raw_copy_to_user(UPTR(info), s->siginfo, 128))
		return -EFAULT;
	f->rdi = s->sig;
	f->rax = 0;
	f->rsi = info;
	f->rdx = at + offsetof(struct rt_sigframe, uc);
	f->rip = s->handler.a;
	f->rsp = at;
	f->cs = USER_CS;
	f->ss = USER_DS;
	f->rflags &= ~(FLAGS_DF | FLAGS_RF | FLAGS_TF);
	frame_changed();
	fpu_area_init(t->arch.fpu);	// handlers start with a fresh FPU
	fpu_area_changed(t);
	return 0;
}

// ---- return ----

// Reads the software words. If they describe a whole XSAVE area, *xfeatures is what it has and its size is returned; else 0.
static u32 read_sw_bytes(u64 at, u64 *xfeatures)
{
	struct sw_bytes sw;
	u32 magic2;

	if (!cpu_has(X86_XSAVE) || raw_copy_from_user(&sw, UPTR(at + SW_OFFSET), sizeof(sw)))
		return 0;
	if (sw.magic1 != MAGIC1 || sw.xstate_size < FXSAVE_SIZE + sizeof(struct xsave_header) || sw.xstate_size > fpu_area_size ||
	    sw.xstate_size > sw.extended_size)
		return 0;
	if (get_user_u32(&magic2, UPTR(at + sw.xstate_size)) || magic2 != MAGIC2)
		return 0;
	*xfeatures = sw.xfeatures & fpu_xfeatures;
	return sw.xstate_size;
}

static MUST_CHECK int pop_fpstate(u64 at)
{
	struct task_head *t = (struct task_head *)current;
	void *area = t->arch.fpu;
	u64 xfeatures;

	arch_fpu_save();	// the registers are not to be saved over it
	fpu_area_changed(t);
	if (!at) {
		fpu_area_init(area);
		return 0;
	}
	u32 size = read_sw_bytes(at, &xfeatures);
	if (raw_copy_from_user(area, UPTR(at), size ?: FXSAVE_SIZE))
		goto bad;
	if (size)
		fpu_area_header(area)->xstate_bv &= xfeatures;
	if (fpu_check_user(area, size != 0))
		goto bad;
	return 0;
bad:	// nothing of it may be loaded
	fpu_area_init(area);
	return -EFAULT;
}

static void load_context(struct frame *f, const struct sig_context *c)
{
	*f = (struct frame){
		.r8 = c->r8, .r9 = c->r9, .r10 = c->r10, .r11 = c->r11, .r12 = c->r12, .r13 = c->r13, .r14 = c->r14, .r15 = c->r15,
		.rdi = c->di, .rsi = c->si, .rbp = c->bp, .rbx = c->bx, .rdx = c->dx, .rax = c->ax, .rcx = c->cx,
		.rsp = c->sp, .rip = c->ip, .cs = USER_CS, .ss = USER_DS, .orig_rax = ~0ull,
		.rflags = (f->rflags & ~FLAGS_USER) | (c->flags & FLAGS_USER),
	};
	frame_changed();
}

int arch_sigframe_pop(struct frame *f, struct sigframe *s)
{
	u64 at = f->rsp - 8;
	struct sig_ucontext uc;

	if (raw_copy_from_user(&uc, UPTR(at + offsetof(struct rt_sigframe, uc)), sizeof(uc)))
		return -EFAULT;
	// The mask counts even if the rest is refused, as on Linux.
	s->oldmask = uc.mask;
	s->altstack_sp = uc.stack.sp;
	s->altstack_size = uc.stack.size;
	s->altstack_flags = (u32)uc.stack.flags;
	load_context(f, &uc.mc);
	return pop_fpstate(uc.mc.fpstate);
}
