// port/percpu.h - x86_64: gs base is the distance from the template to this CPU's area, so every
// access is one instruction with a gs prefix on the variable's own address.
#pragma once

// The operand size's suffix is picked by sizeof; `val` may be a register or a constant.
#define pcpu_const_ "re"

#define pcpu_load_(volatile_, var) ({ \
	u64 pv_; \
	switch (sizeof(var)) { \
	case 1: __asm__ volatile_("movzbl %%gs:%1, %k0" : "=r"(pv_) : "m"(*(const u8 *)(const void __force *)&(var))); break; \
	case 2: __asm__ volatile_("movzwl %%gs:%1, %k0" : "=r"(pv_) : "m"(*(const u16 *)(const void __force *)&(var))); break; \
	case 4: __asm__ volatile_("movl %%gs:%1, %k0" : "=r"(pv_) : "m"(*(const u32 *)(const void __force *)&(var))); break; \
	default: __asm__ volatile_("movq %%gs:%1, %0" : "=r"(pv_) : "m"(*(const u64 *)(const void __force *)&(var))); break; \
	} \
	BUILD_ASSERT(sizeof(var) == 1 || sizeof(var) == 2 || sizeof(var) == 4 || sizeof(var) == 8); \
	(__typeof__(var))(unsigned long)pv_; })

#define this_cpu_read(var) pcpu_load_(volatile, var)

// The address is an operand, not the memory: the compiler may keep the result over barriers and calls. 8 bytes only.
#define this_cpu_read_stable(var) ({ \
	u64 pv_; \
	__asm__("movq %%gs:%a1, %0" : "=r"(pv_) : "i"(&(var))); \
	BUILD_ASSERT(sizeof(var) == 8); \
	(__typeof__(var))(unsigned long)pv_; })

#define pcpu_op_(op, var, val) do { \
	switch (sizeof(var)) { \
	case 1: __asm__ volatile(op "b %1, %%gs:%0" : "+m"(*(u8 *)(void __force *)&(var)) : "qi"((u8)(unsigned long)(val)) : "cc"); break; \
	case 2: __asm__ volatile(op "w %1, %%gs:%0" : "+m"(*(u16 *)(void __force *)&(var)) : "ri"((u16)(unsigned long)(val)) : "cc"); break; \
	case 4: __asm__ volatile(op "l %1, %%gs:%0" : "+m"(*(u32 *)(void __force *)&(var)) : "ri"((u32)(unsigned long)(val)) : "cc"); break; \
	default: __asm__ volatile(op "q %1, %%gs:%0" : "+m"(*(u64 *)(void __force *)&(var)) : pcpu_const_((u64)(unsigned long)(val)) : "cc"); break; \
	} \
	BUILD_ASSERT(sizeof(var) == 1 || sizeof(var) == 2 || sizeof(var) == 4 || sizeof(var) == 8); \
} while (0)

#define this_cpu_write(var, val) pcpu_op_("mov", var, val)
#define this_cpu_add(var, val) pcpu_op_("add", var, val)
#define this_cpu_sub(var, val) pcpu_op_("sub", var, val)
#define this_cpu_and(var, val) pcpu_op_("and", var, val)
#define this_cpu_or(var, val) pcpu_op_("or", var, val)

#define pcpu_unary_(op, var) do { \
	switch (sizeof(var)) { \
	case 1: __asm__ volatile(op "b %%gs:%0" : "+m"(*(u8 *)(void __force *)&(var)) : : "cc"); break; \
	case 2: __asm__ volatile(op "w %%gs:%0" : "+m"(*(u16 *)(void __force *)&(var)) : : "cc"); break; \
	case 4: __asm__ volatile(op "l %%gs:%0" : "+m"(*(u32 *)(void __force *)&(var)) : : "cc"); break; \
	default: __asm__ volatile(op "q %%gs:%0" : "+m"(*(u64 *)(void __force *)&(var)) : : "cc"); break; \
	} \
} while (0)

#define this_cpu_inc(var) pcpu_unary_("inc", var)
#define this_cpu_dec(var) pcpu_unary_("dec", var)

#define this_cpu_dec_and_test(var) ({ \
	bool pz_; \
	BUILD_ASSERT(sizeof(var) == 4 || sizeof(var) == 8); \
	if (sizeof(var) == 4) \
		__asm__ volatile("decl %%gs:%0" : "+m"(*(u32 *)(void __force *)&(var)), "=@ccz"(pz_)); \
	else \
		__asm__ volatile("decq %%gs:%0" : "+m"(*(u64 *)(void __force *)&(var)), "=@ccz"(pz_)); \
	pz_; })

// Two-operand exchange forms; the old value comes back in the register.
#define pcpu_swap_(op, var, val) ({ \
	__typeof__(var) ps_; \
	switch (sizeof(var)) { \
	case 1: { u8 r_ = (u8)(unsigned long)(val); \
		__asm__ volatile(op "b %0, %%gs:%1" \
			: "+q"(r_), "+m"(*(u8 *)(void __force *)&(var)) : : "cc"); ps_ = (__typeof__(var))(unsigned long)r_; break; } \
	case 2: { u16 r_ = (u16)(unsigned long)(val); \
		__asm__ volatile(op "w %0, %%gs:%1" \
			: "+r"(r_), "+m"(*(u16 *)(void __force *)&(var)) : : "cc"); ps_ = (__typeof__(var))(unsigned long)r_; break; } \
	case 4: { u32 r_ = (u32)(unsigned long)(val); \
		__asm__ volatile(op "l %0, %%gs:%1" \
			: "+r"(r_), "+m"(*(u32 *)(void __force *)&(var)) : : "cc"); ps_ = (__typeof__(var))(unsigned long)r_; break; } \
	default: { u64 r_ = (u64)(unsigned long)(val); \
		__asm__ volatile(op "q %0, %%gs:%1" \
			: "+r"(r_), "+m"(*(u64 *)(void __force *)&(var)) : : "cc"); ps_ = (__typeof__(var))(unsigned long)r_; break; } \
	} \
	ps_; })

#define this_cpu_xchg(var, val) pcpu_swap_("xchg", var, val)
#define this_cpu_add_return(var, val) ({ \
	__typeof__(var) pa_ = (__typeof__(var))(val); \
	(__typeof__(var))(pcpu_swap_("xadd", var, pa_) + pa_); })

#define pcpu_cas_(suf, T, var, old, new) ({ \
	T r_ = (T)(unsigned long)(old); \
	__asm__ volatile("cmpxchg" suf " %2, %%gs:%1" : "+a"(r_), "+m"(*(T *)&(var)) : "q"((T)(unsigned long)(new)) : "cc"); \
	(unsigned long)r_; })
#define this_cpu_cmpxchg(var, old, new) ((__typeof__(var))( \
	sizeof(var) == 1 ? pcpu_cas_("b", u8, var, old, new) : \
	sizeof(var) == 2 ? pcpu_cas_("w", u16, var, old, new) : \
	sizeof(var) == 4 ? pcpu_cas_("l", u32, var, old, new) : pcpu_cas_("q", u64, var, old, new)))

// Set on each CPU when its gs base is: the distance, readable as data.
extern unsigned long this_cpu_offset;	// per-CPU

#define this_cpu_ptr(p) ((__typeof__(*(p)) __force *)((unsigned long)(p) + this_cpu_read(this_cpu_offset)))
