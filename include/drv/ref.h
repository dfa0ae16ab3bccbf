// include/drv/ref.h - reference counts, as Rust sees them: native atomics there, kern/ref.h here.
//
// The rules are those of kern/ref.h: a count that overflows or is taken from zero becomes DRV_REF_SATURATED and stays
// there, is reported once, and its object leaks. dev/drv_glue.c asserts that layout and constant agree.
#pragma once
#include "drv/types.h"

#define DRV_REF_SATURATED (-0x40000000)

struct drv_ref {
	s32 n;
};

// Reports a misuse that r has just shown, and saturates it.
COLD void drv_ref_report(struct drv_ref *r BORROWED) CTX_ANY;
