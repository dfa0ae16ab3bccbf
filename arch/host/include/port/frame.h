// port/frame.h - host: there is no user mode; a frame is what interrupts and the emulated accesses to user memory need, and room
// for the arguments of a system call.
#pragma once

struct frame {
	u64 arg[6];
	u64 ip, sp;
	s64 ret;
	s64 nr;			// system call, -1: none
	u32 user;		// made by an entry from user mode
	u32 irqs_on;
	u32 fixed;		// arch_fixup_exception() was called
	u32 step;
};

static inline long frame_syscall_nr(const struct frame *f)
{
	return (long)f->nr;
}

static inline void frame_set_syscall_nr(struct frame *f, long nr)
{
	f->nr = nr;
}

static inline u64 frame_syscall_arg(const struct frame *f, u32 n)
{
	return f->arg[n];
}

static inline void frame_set_return(struct frame *f, long ret)
{
	f->ret = ret;
}

static inline long frame_return(const struct frame *f)
{
	return (long)f->ret;
}

static inline u64 frame_ip(const struct frame *f)
{
	return f->ip;
}

static inline u64 frame_sp(const struct frame *f)
{
	return f->sp;
}

static inline void frame_set_ip(struct frame *f, u64 ip)
{
	f->ip = ip;
}

static inline void frame_set_sp(struct frame *f, u64 sp)
{
	f->sp = sp;
}

static inline bool frame_user_mode(const struct frame *f)
{
	return f->user;
}

static inline bool frame_irqs_on(const struct frame *f)
{
	return f->irqs_on;
}

static inline void frame_restart_syscall(struct frame *f, long nr)
{
	if (nr >= 0)
		f->nr = nr;
}

static inline void frame_set_step(struct frame *f, bool on)
{
	f->step = on;
}
