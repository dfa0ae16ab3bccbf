// string.S - memcpy, memmove, memset, memcmp, and whole pages.
//
// Short blocks by plain moves, with an overlap at the end, so that no loop goes byte by byte; long copies by rep movsq, which processors do
// several words a cycle, and emulators in about the time of the moves. (rep movsb and rep stosq are slow when emulated.)
	.text

#define FUNC(name) .balign 16; .globl name; .type name, @function; name:
#define END(name) .size name, . - name
#ifdef CONFIG_KASAN
// The names are checking functions then, in kern/kasan.c.
#define memcpy kasan_raw_memcpy
#define memmove kasan_raw_memmove
#define memset kasan_raw_memset
#endif

// rax = to, as C wants it returned. Sizes up to 64 load everything before they store, so they serve memmove as well.
FUNC(memmove)
	movq %rdi, %rax
	movq %rdi, %r8
	subq %rsi, %r8
	cmpq %rdx, %r8			// unsigned: overlap with `to` above `from`
	jb move_down
	jmp copy_up
END(memmove)

FUNC(memcpy)
	movq %rdi, %rax
copy_up:
	cmpq $16, %rdx
	jb copy_small
	cmpq $32, %rdx
	ja 1f
	movq (%rsi), %r8
	movq 8(%rsi), %r9
	movq -16(%rsi,%rdx), %r10
	movq -8(%rsi,%rdx), %r11
	movq %r8, (%rdi)
	movq %r9, 8(%rdi)
	movq %r10, -16(%rdi,%rdx)
	movq %r11, -8(%rdi,%rdx)
	ret
1:	// The tail is read before anything is written (overlaps) and written last.
	cmpq $256, %rdx
	jae 5f
	pushq %rbx
	pushq %r12
	movq -32(%rsi,%rdx), %r8
	movq -24(%rsi,%rdx), %r9
	movq -16(%rsi,%rdx), %r10
	movq -8(%rsi,%rdx), %r11
	leaq -32(%rdi,%rdx), %r12
	subq $64, %rdx
	jb 3f
2:	movq (%rsi), %rcx
	movq 8(%rsi), %rbx
	movq %rcx, (%rdi)
	movq %rbx, 8(%rdi)
	movq 16(%rsi), %rcx
	movq 24(%rsi), %rbx
	movq %rcx, 16(%rdi)
	movq %rbx, 24(%rdi)
	movq 32(%rsi), %rcx
	movq 40(%rsi), %rbx
	movq %rcx, 32(%rdi)
	movq %rbx, 40(%rdi)
	movq 48(%rsi), %rcx
	movq 56(%rsi), %rbx
	movq %rcx, 48(%rdi)
	movq %rbx, 56(%rdi)
	addq $64, %rsi
	addq $64, %rdi
	subq $64, %rdx
	jae 2b
3:	addq $32, %rdx			// 32 or more left: one more half block
	jl 4f
	movq (%rsi), %rcx
	movq 8(%rsi), %rbx
	movq %rcx, (%rdi)
	movq 16(%rsi), %rcx
	movq %rbx, 8(%rdi)
	movq 24(%rsi), %rbx
	movq %rcx, 16(%rdi)
	movq %rbx, 24(%rdi)
4:	movq %r8, (%r12)
	movq %r9, 8(%r12)
	movq %r10, 16(%r12)
	movq %r11, 24(%r12)
	popq %r12
	popq %rbx
	ret
5:	movq -8(%rsi,%rdx), %r8
	leaq -8(%rdi,%rdx), %r9
	movq %rdx, %rcx
	shrq $3, %rcx
	rep movsq
	movq %r8, (%r9)
	ret
END(memcpy)

copy_small:				// 0..15
	cmpl $8, %edx
	jae 1f
	cmpl $4, %edx
	jae 2f
	testl %edx, %edx
	jz 4f
	movzbl (%rsi), %ecx
	movzbl -1(%rsi,%rdx), %r8d
	cmpl $3, %edx
	jb 3f
	movzbl 1(%rsi), %r9d
	movb %r9b, 1(%rdi)
3:	movb %cl, (%rdi)
	movb %r8b, -1(%rdi,%rdx)
4:	ret
1:	movq (%rsi), %rcx
	movq -8(%rsi,%rdx), %r8
	movq %rcx, (%rdi)
	movq %r8, -8(%rdi,%rdx)
	ret
2:	movl (%rsi), %ecx
	movl -4(%rsi,%rdx), %r8d
	movl %ecx, (%rdi)
	movl %r8d, -4(%rdi,%rdx)
	ret

// Overlapping, `to` above `from`: from the end; the head is read first and written last.
move_down:
	cmpq $16, %rdx
	jb copy_small
	cmpq $32, %rdx
	jbe copy_up			// loads all first
	pushq %rbx
	movq (%rsi), %r8
	movq 8(%rsi), %r9
	movq 16(%rsi), %r10
	movq 24(%rsi), %r11
1:	movq -8(%rsi,%rdx), %rcx
	movq -16(%rsi,%rdx), %rbx
	movq %rcx, -8(%rdi,%rdx)
	movq %rbx, -16(%rdi,%rdx)
	movq -24(%rsi,%rdx), %rcx
	movq -32(%rsi,%rdx), %rbx
	movq %rcx, -24(%rdi,%rdx)
	movq %rbx, -32(%rdi,%rdx)
	subq $32, %rdx
	cmpq $32, %rdx
	ja 1b
	movq %r8, (%rdi)
	movq %r9, 8(%rdi)
	movq %r10, 16(%rdi)
	movq %r11, 24(%rdi)
	popq %rbx
	ret

FUNC(memset)
	movq %rdi, %rax
	movzbl %sil, %esi
	movabsq $0x0101010101010101, %rcx
	imulq %rcx, %rsi
set_words:
	cmpq $16, %rdx
	jb 5f
	leaq -16(%rdi,%rdx), %r8	// the last 16 bytes
	subq $64, %rdx
	jb 2f
1:	movq %rsi, (%rdi)
	movq %rsi, 8(%rdi)
	movq %rsi, 16(%rdi)
	movq %rsi, 24(%rdi)
	movq %rsi, 32(%rdi)
	movq %rsi, 40(%rdi)
	movq %rsi, 48(%rdi)
	movq %rsi, 56(%rdi)
	addq $64, %rdi
	subq $64, %rdx
	jae 1b
2:	testb $32, %dl
	jz 3f
	movq %rsi, (%rdi)
	movq %rsi, 8(%rdi)
	movq %rsi, 16(%rdi)
	movq %rsi, 24(%rdi)
	addq $32, %rdi
3:	testb $16, %dl
	jz 4f
	movq %rsi, (%rdi)
	movq %rsi, 8(%rdi)
4:	movq %rsi, (%r8)
	movq %rsi, 8(%r8)
	ret
5:	cmpl $8, %edx
	jae 6f
	cmpl $4, %edx
	jae 7f
	testl %edx, %edx
	jz 8f
	movb %sil, (%rdi)
	movb %sil, -1(%rdi,%rdx)
	cmpl $3, %edx
	jb 8f
	movb %sil, 1(%rdi)
8:	ret
6:	movq %rsi, (%rdi)
	movq %rsi, -8(%rdi,%rdx)
	ret
7:	movl %esi, (%rdi)
	movl %esi, -4(%rdi,%rdx)
	ret
END(memset)

FUNC(memcmp)
	cmpq $8, %rdx
	jb 3f
1:	movq (%rdi), %rax
	movq (%rsi), %rcx
	cmpq %rcx, %rax
	jne 2f
	addq $8, %rdi
	addq $8, %rsi
	subq $8, %rdx
	cmpq $8, %rdx
	jae 1b
3:	testq %rdx, %rdx
	jz 5f
4:	movzbl (%rdi), %eax
	movzbl (%rsi), %ecx
	subl %ecx, %eax
	jne 6f
	incq %rdi
	incq %rsi
	decq %rdx
	jnz 4b
5:	xorl %eax, %eax
6:	ret
2:	bswapq %rax			// the first differing byte decides
	bswapq %rcx
	cmpq %rcx, %rax
	sbbl %eax, %eax
	orl $1, %eax
	ret
END(memcmp)

// void clear_page(void *page): 64 stores a round. (A string instruction would count 24 less, and take twice as long under emulation.)
FUNC(clear_page)
	xorl %eax, %eax
	movl $8, %ecx
1:	i = 0
	.rept 64
	movq %rax, i(%rdi)
	i = i + 8
	.endr
	addq $512, %rdi
	decl %ecx
	jnz 1b
	ret
END(clear_page)

// void copy_page(void *to, const void *from)
FUNC(copy_page)
	movl $512, %ecx
	rep movsq
	ret
END(copy_page)
	.section .note.GNU-stack, "", @progbits
