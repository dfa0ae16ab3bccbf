// pvh.S - first instructions. PVH: 32-bit protected mode, paging off, ebx = physical address of the start information.
// Builds page tables for the first GiB (at 0, at PHYS_OFFSET and at KIMAGE_START, all of it writable and executable: boot.c
// replaces them), enters long mode, makes the boot CPU's per-CPU area, and calls boot_main(start_info).
#include "asm-offsets.h"

	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 4, 18		// lengths of name and descriptor; XEN_ELFNOTE_PHYS32_ENTRY
	.asciz "Xen"
	.long pvh_start

#define VBASE 0xffffffff80000000

	.section .boot.text, "ax"
	.code32
	.globl pvh_start
pvh_start:
	cld
	cli
	movl %ebx, %esi
	// bss lies behind the file's contents in memory; nothing has cleared it for certain.
	movl $(kernel_bss_start - VBASE), %edi
	movl $(kernel_bss_end - VBASE), %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	xorl %eax, %eax
	rep stosl
	// Large pages of the first GiB.
	movl $(boot_pd - VBASE), %edi
	movl $0x83, %eax	// present, writable, large
1:	movl %eax, (%edi)
	addl $8, %edi
	addl $0x200000, %eax
	cmpl $0x40000083, %eax
	jne 1b
	movl $(boot_pd - VBASE + 3), boot_pdpt_low - VBASE
	movl $(boot_pd - VBASE + 3), boot_pdpt_high - VBASE + 510 * 8
	movl $(boot_pdpt_low - VBASE + 3), boot_pml4 - VBASE
	movl $(boot_pdpt_low - VBASE + 3), boot_pml4 - VBASE + 273 * 8	// PHYS_OFFSET
	movl $(boot_pdpt_high - VBASE + 3), boot_pml4 - VBASE + 511 * 8	// KIMAGE_START
#ifdef CONFIG_KASAN
	// The image's shadow, for the code that compilers put around stacks: all of it one page. kasan.c makes the real one.
	movl $(kasan_boot_pud - VBASE), %edi
	.irp next, kasan_boot_pmd, kasan_boot_pte, kasan_boot_page
	movl $(\next - VBASE + 3), %eax
	movl $512, %ecx
4:	movl %eax, (%edi)
	addl $8, %edi
	loop 4b
	.endr
	movl $(kasan_boot_pud - VBASE + 3), boot_pml4 - VBASE + 503 * 8
#endif
	movl $(boot_pml4 - VBASE), %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $0x20, %eax		// PAE
	movl %eax, %cr4
	movl $0xc0000080, %ecx	// EFER
	rdmsr
	orl $0x900, %eax	// LME, NXE
	wrmsr
	movl %cr0, %eax
	orl $0x80010001, %eax	// PG, WP, PE
	movl %eax, %cr0
	lgdt boot_gdtr
	ljmp $0x10, $2f
	.code64
2:	movabsq $3f, %rax
	jmp *%rax

	.section .boot.data, "a"
	.balign 8
boot_gdt:			// selectors as in gdt.c: 0x10 code, 0x18 data
	.quad 0, 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
boot_gdtr:
	.word boot_gdtr - boot_gdt - 1
	.quad boot_gdt

	.section .init.text, "ax"
3:	movl $0x18, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq $boot_stack_end, %rsp
	// The boot CPU's area: a copy of the template.
	movl %esi, %ebx
	movq $percpu_template_start, %rsi
	movq $boot_percpu_area, %rdi
	movq $percpu_template_end, %rcx
	subq %rsi, %rcx
	shrq $3, %rcx
	movq %rdi, %rax
	subq %rsi, %rax
	rep movsq
	movq %rax, %rdx
	shrq $32, %rdx
	movl $0xc0000101, %ecx	// GS base
	wrmsr
	movq %rax, %rcx
	shlq $32, %rdx
	movl %eax, %eax
	orq %rdx, %rax
	movq %rax, %gs:this_cpu_offset(%rip)
	movq $boot_stack_end, %gs:cpu_hot+CPU_HOT_KERNEL_STACK(%rip)
	movq $init_task, %gs:cpu_hot+CPU_HOT_TASK(%rip)	// CPU 0's idle task
	movq $boot_stack, init_task+TASK_STACK(%rip)
	movabsq $0x7a3d15c49e0b6600, %rax	// the stack protector's, until there is entropy
	movq %rax, %gs:cpu_hot+CPU_HOT_CANARY(%rip)
	movl %ebx, %edi
	xorl %ebp, %ebp
	call boot_main
	ud2

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
boot_pml4:
	.skip 4096
boot_pdpt_low:
	.skip 4096
boot_pdpt_high:
	.skip 4096
boot_pd:
	.skip 4096
#ifdef CONFIG_KASAN
kasan_boot_pud:			// these four in this order
	.skip 4096
kasan_boot_pmd:
	.skip 4096
kasan_boot_pte:
	.skip 4096
kasan_boot_page:
	.skip 4096
#endif
	.globl boot_stack_guard, boot_stack, boot_stack_end
boot_stack_guard:		// not mapped
	.skip 4096
boot_stack:			// of the boot CPU's idle task
	.skip 16384
boot_stack_end:
	.section .note.GNU-stack, "", @progbits
