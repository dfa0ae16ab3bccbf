// arch/x86_64/fpu_state.h - the areas of fpu.c: layout and life. SDM 1, 10.5.1 and 13.4.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct task_head;

#define FXSAVE_SIZE 512
#define FPU_NO_CPU 0xffff

struct fxsave {
	u16 cwd, swd, twd, fop;
	u64 rip, rdp;
	u32 mxcsr, mxcsr_mask;
	u8 st[128], xmm[256];
	u8 padding[48];
	u8 sw_reserved[48];	// free for software: signal frames
};
BUILD_ASSERT(sizeof(struct fxsave) == FXSAVE_SIZE);

struct xsave_header {
	u64 xstate_bv, xcomp_bv;
	u64 reserved[6];
};

static inline struct xsave_header *fpu_area_header(void *area)
{
	return (struct xsave_header *)(void *)((char *)area + FXSAVE_SIZE);
}

void fpu_detect(void);
void fpu_init_cpu(void);
void fpu_area_init(void *area);
MUST_CHECK int fpu_area_alloc(void **out);
void fpu_area_free(void *area);
// Saves current's registers whole, as plain XSAVE does. The area is then what counts.
void fpu_save_full(void);
// t's area was written to: it is loaded before t runs in user mode. t is current or stopped.
void fpu_area_changed(struct task_head *t);
MUST_CHECK int fpu_check_user(void *area, bool xsave);
