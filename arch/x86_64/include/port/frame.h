// port/frame.h - x86_64's frame: what entry.S pushes, in ptrace's order (struct user_regs_struct up to ss).
#pragma once

struct frame {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 orig_rax;	// system call number; else ~0, or the error code while a trap is handled
	u64 rip, cs, rflags, rsp, ss;
};
BUILD_ASSERT(sizeof(struct frame) == 21 * 8);

#define X86_FLAGS_TF 0x100ul

static inline long frame_syscall_nr(const struct frame *f)
{
	return (s32)f->orig_rax;
}

static inline void frame_set_syscall_nr(struct frame *f, long nr)
{
	f->orig_rax = (u64)nr;
}

static ALWAYS_INLINE u64 frame_syscall_arg(const struct frame *f, u32 n)
{
	switch (n) {
	case 0: return f->rdi;
	case 1: return f->rsi;
	case 2: return f->rdx;
	case 3: return f->r10;
	case 4: return f->r8;
	default: return f->r9;
	}
}

static ALWAYS_INLINE void frame_set_return(struct frame *f, long ret)
{
	f->rax = (u64)ret;
}

static inline long frame_return(const struct frame *f)
{
	return (long)f->rax;
}

static inline u64 frame_ip(const struct frame *f)
{
	return f->rip;
}

static inline u64 frame_sp(const struct frame *f)
{
	return f->rsp;
}

static inline void frame_set_ip(struct frame *f, u64 ip)
{
	f->rip = ip;
	frame_changed();
}

static inline void frame_set_sp(struct frame *f, u64 sp)
{
	f->rsp = sp;
	frame_changed();
}

static ALWAYS_INLINE bool frame_user_mode(const struct frame *f)
{
	return f->cs & 3;
}

static inline bool frame_irqs_on(const struct frame *f)
{
	return f->rflags & 0x200;
}

static inline void frame_restart_syscall(struct frame *f, long nr)
{
	f->rax = nr >= 0 ? (u64)nr : f->orig_rax;
	f->rip -= 2;	// syscall and int $0x80 are both two bytes
	frame_changed();
}

static inline void frame_set_step(struct frame *f, bool on)
{
	f->rflags = on ? f->rflags | X86_FLAGS_TF : f->rflags & ~X86_FLAGS_TF;
	frame_changed();
}
