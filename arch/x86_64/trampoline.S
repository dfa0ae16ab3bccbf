// trampoline.S - where other CPUs begin, in real mode, in a page below 1 MiB that smp.c copies this to. All of them run it at
// once; none writes to it. Each finds its number by its APIC id, then its per-CPU base and stack by its number.
#include "asm-offsets.h"

	.section .rodata.trampoline, "a"
	.code16
	.globl trampoline_start
trampoline_start:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	xorl %ebx, %ebx
	movw %ax, %bx
	shll $4, %ebx			// where this page is
	lgdtl trampoline_gdtr - trampoline_start
	movl $1, %eax
	movl %eax, %cr0
	ljmpl *(trampoline_far32 - trampoline_start)
	.code32
1:	movw $0x18, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $0x20, %eax		// PAE
	movl %eax, %cr4
	movl trampoline_cr3 - trampoline_start(%ebx), %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx		// EFER
	xorl %edx, %edx
	movl $0x901, %eax		// SCE, LME, NXE
	wrmsr
	movl $0x80010033, %eax		// PG, WP, NE, ET, MP, PE
	movl %eax, %cr0
	ljmpl *(trampoline_far64 - trampoline_start)(%ebx)
	.code64
2:	movabsq $secondary_start, %rax
	jmp *%rax

	.balign 8
trampoline_gdt:				// code32 is 0x08; the others as in gdt.c
	.quad 0
	.quad 0x00cf9b000000ffff
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
trampoline_gdtr:
	.word trampoline_gdtr - trampoline_gdt - 1
	.globl trampoline_gdt_base
trampoline_gdt_base:
	.long trampoline_gdt - trampoline_start
	.globl trampoline_far32
trampoline_far32:
	.long 1b - trampoline_start
	.word 0x08
	.globl trampoline_far64
trampoline_far64:
	.long 2b - trampoline_start
	.word 0x10
	.globl trampoline_cr3
trampoline_cr3:
	.long 0
	.globl trampoline_end
trampoline_end:

	.section .init.text, "ax"
	.code64
secondary_start:
	// The APIC id: leaf 0xb has all of it, leaf 1 eight bits.
	xorl %eax, %eax
	cpuid
	cmpl $0xb, %eax
	jb 1f
	movl $0xb, %eax
	xorl %ecx, %ecx
	cpuid
	testl $0xffff, %ebx
	jz 1f
	movl %edx, %esi
	jmp 2f
1:	movl $1, %eax
	cpuid
	shrl $24, %ebx
	movl %ebx, %esi
2:	movl smp_nr_starting(%rip), %ecx
	leaq cpu_apic_id(%rip), %rdx
	movl $1, %edi
3:	cmpl %ecx, %edi
	jae 4f
	cmpl (%rdx,%rdi,4), %esi
	je 5f
	incl %edi
	jmp 3b
4:	cli				// not one of those that are to start
	hlt
	jmp 4b
5:	leaq per_cpu_offset(%rip), %rdx
	movq (%rdx,%rdi,8), %rax
	movq %rax, %rdx
	shrq $32, %rdx
	movl $0xc0000101, %ecx		// GS base
	wrmsr
	movq %gs:cpu_hot+CPU_HOT_KERNEL_STACK(%rip), %rsp
	xorl %ebp, %ebp
	call smp_secondary_main
	ud2

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl trampoline_pgd, trampoline_pud, trampoline_pmd
trampoline_pgd:
	.skip 4096
trampoline_pud:
	.skip 4096
trampoline_pmd:
	.skip 4096
	.section .note.GNU-stack, "", @progbits
