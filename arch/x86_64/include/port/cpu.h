// port/cpu.h - x86_64.
#pragma once

static ALWAYS_INLINE void cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

static ALWAYS_INLINE void cpu_idle(void)
{
	// sti takes effect after the next instruction: nothing can come in between.
	__asm__ volatile("sti; hlt" ::: "memory");
}
