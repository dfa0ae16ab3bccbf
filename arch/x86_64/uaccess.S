// uaccess.S - copies to and from user memory, and what else may fault there. Addresses were checked by the caller.
	.text

#define FUNC(name) .balign 16; .globl name; .type name, @function; name:
#define END(name) .size name, . - name
#ifdef CONFIG_KASAN
#define user_copy_asm kasan_raw_user_copy
#define user_strncpy_asm kasan_raw_user_strncpy
#endif

// This instruction may fault: go on at `to`.
.macro EX to
	.pushsection __ex_table, "a"
	.balign 4
	.long 990f - .
	.long \to - .
	.popsection
990:
.endm

.macro SMAP_SITE byte
991:	.byte 0x0f, 0x1f, 0x00
	.pushsection .smap_sites, "a"
	.balign 4
	.long 991b - .
	.long \byte
	.popsection
.endm
#define STAC SMAP_SITE 0xcb
#define CLAC SMAP_SITE 0xca

// One load or store that may fault.
.macro MOV op:vararg
	EX user_copy_rest
	\op
.endm

// size_t user_copy_asm(to, from, n): number of bytes left. A fault ends in user_copy_rest, which goes on byte by byte up to the one that
// cannot be accessed: rsi and rdi are where the block began, r8 the end of `from`.
FUNC(user_copy_asm)
	STAC
	leaq (%rsi,%rdx), %r8
	cmpq $64, %rdx
	jae copy_large
	cmpl $8, %edx
	jb 3f
	cmpl $16, %edx
	ja 1f
	MOV movq (%rsi), %rax
	MOV movq -8(%rsi,%rdx), %rcx
	MOV movq %rax, (%rdi)
	MOV movq %rcx, -8(%rdi,%rdx)
	xorl %eax, %eax
	CLAC
	ret
1:	cmpl $32, %edx
	ja 2f
	MOV movq (%rsi), %rax
	MOV movq 8(%rsi), %rcx
	MOV movq -16(%rsi,%rdx), %r9
	MOV movq -8(%rsi,%rdx), %r10
	MOV movq %rax, (%rdi)
	MOV movq %rcx, 8(%rdi)
	MOV movq %r9, -16(%rdi,%rdx)
	MOV movq %r10, -8(%rdi,%rdx)
	xorl %eax, %eax
	CLAC
	ret
2:	MOV movq (%rsi), %rax
	MOV movq 8(%rsi), %rcx
	MOV movq 16(%rsi), %r9
	MOV movq 24(%rsi), %r10
	MOV movq %rax, (%rdi)
	MOV movq %rcx, 8(%rdi)
	MOV movq %r9, 16(%rdi)
	MOV movq %r10, 24(%rdi)
	MOV movq -32(%rsi,%rdx), %rax
	MOV movq -24(%rsi,%rdx), %rcx
	MOV movq -16(%rsi,%rdx), %r9
	MOV movq -8(%rsi,%rdx), %r10
	MOV movq %rax, -32(%rdi,%rdx)
	MOV movq %rcx, -24(%rdi,%rdx)
	MOV movq %r9, -16(%rdi,%rdx)
	MOV movq %r10, -8(%rdi,%rdx)
	xorl %eax, %eax
	CLAC
	ret
3:	cmpl $4, %edx
	jb 4f
	MOV movl (%rsi), %eax
	MOV movl -4(%rsi,%rdx), %ecx
	MOV movl %eax, (%rdi)
	MOV movl %ecx, -4(%rdi,%rdx)
	xorl %eax, %eax
	CLAC
	ret
4:	testl %edx, %edx
	jz user_copy_done

// Byte by byte from rsi to r8.
user_copy_rest:
	movq %r8, %rdx
	subq %rsi, %rdx
	jz user_copy_done
1:	EX user_copy_stop
	movb (%rsi), %al
	EX user_copy_stop
	movb %al, (%rdi)
	incq %rsi
	incq %rdi
	decq %rdx
	jnz 1b
user_copy_done:
	xorl %edx, %edx
user_copy_stop:
	movq %rdx, %rax
	CLAC
	ret

// Whole words by one string instruction: processors do several a cycle, and it counts as one instruction a word where emulated (rep movsb:
// one a byte, several times slower). What is left, up to 7 bytes, is the end of a word that overlaps what was copied.
copy_large:
	movq %rdx, %rcx
	shrq $3, %rcx
	EX user_copy_rest
	rep movsq
	andl $7, %edx
	jz user_copy_done
	MOV movq -8(%rsi,%rdx), %rax
	MOV movq %rax, -8(%rdi,%rdx)
	xorl %eax, %eax
	CLAC
	ret
END(user_copy_asm)

// size_t user_clear_asm(to, n): number of bytes left.
FUNC(user_clear_asm)
	STAC
	xorl %eax, %eax
	subq $256, %rsi
	jb 2f
1:	i = 0
	.rept 32
	EX 5f
	movq %rax, i(%rdi)
	i = i + 8
	.endr
	addq $256, %rdi
	subq $256, %rsi
	jae 1b
2:	addq $256, %rsi
	jz 4f
3:	cmpq $8, %rsi
	jb 6f
	EX 6f
	movq %rax, (%rdi)
	addq $8, %rdi
	subq $8, %rsi
	jnz 3b
4:	CLAC
	xorl %eax, %eax
	ret
5:	addq $256, %rsi			// a fault in a whole block: find the place
6:	EX 7f
	movb %al, (%rdi)
	incq %rdi
	decq %rsi
	jnz 6b
7:	movq %rsi, %rax
	CLAC
	ret
END(user_clear_asm)

// ssize_t user_strncpy_asm(to, from, n): length, n without a NUL, or -EFAULT. to may be null: the length only.
FUNC(user_strncpy_asm)
	STAC
	xorl %eax, %eax
	testq %rdx, %rdx
	jz 3f
	testq %rdi, %rdi
	jz 5f
	// Eight bytes at a time while no byte of the word is zero, and the word does not cross into another page.
	movabsq $0x0101010101010101, %r9
	movabsq $0x8080808080808080, %r10
1:	leaq 8(%rax), %r8
	cmpq %rdx, %r8
	ja 2f
	leaq (%rsi,%rax), %rcx
	andl $4095, %ecx
	cmpl $4088, %ecx
	ja 2f
	EX 4f
	movq (%rsi,%rax), %rcx
	movq %rcx, %r11
	subq %r9, %r11
	notq %rcx
	andq %rcx, %r11
	notq %rcx
	testq %r10, %r11
	jnz 6f
	movq %rcx, (%rdi,%rax)
	movq %r8, %rax
	cmpq %rdx, %rax
	jne 1b
	jmp 3f
6:	// A NUL is among these eight: keep what is below it. The lowest bit set in r11 is bit 7 of the NUL's byte.
	andq %r10, %r11
	bsfq %r11, %r8
	movq %r11, %r10
	negq %r10
	andq %r11, %r10
	shrq $7, %r10
	decq %r10
	andq %r10, %rcx
	movq %rcx, (%rdi,%rax)
	shrl $3, %r8d
	addq %r8, %rax
	CLAC
	ret
2:	EX 4f
	movb (%rsi,%rax), %cl
	movb %cl, (%rdi,%rax)
	testb %cl, %cl
	jz 3f
	incq %rax
	cmpq %rdx, %rax
	je 3f
	testb $7, %al
	jnz 2b
	jmp 1b
3:	CLAC
	ret
4:	CLAC
	movq $-14, %rax
	ret
5:	EX 4b
	cmpb $0, (%rsi,%rax)
	je 3b
	incq %rax
	cmpq %rdx, %rax
	jne 5b
	jmp 3b
END(user_strncpy_asm)

// int user_OP_asm(u32 *p, value, u32 *old): 0 or -EFAULT.
FUNC(user_cmpxchg32_asm)		// (p, expected, new, old)
	movl %esi, %eax
	movq %rcx, %r8
	STAC
	EX user_atomic_fault
	lock cmpxchgl %edx, (%rdi)
	CLAC
	movl %eax, (%r8)
	xorl %eax, %eax
	ret
END(user_cmpxchg32_asm)

FUNC(user_cmpxchg64_asm)
	movq %rsi, %rax
	movq %rcx, %r8
	STAC
	EX user_atomic_fault
	lock cmpxchgq %rdx, (%rdi)
	CLAC
	movq %rax, (%r8)
	xorl %eax, %eax
	ret
END(user_cmpxchg64_asm)

FUNC(user_xchg32_asm)
	STAC
	EX user_atomic_fault
	xchgl %esi, (%rdi)
	CLAC
	movl %esi, (%rdx)
	xorl %eax, %eax
	ret
END(user_xchg32_asm)

FUNC(user_fetch_add32_asm)
	STAC
	EX user_atomic_fault
	lock xaddl %esi, (%rdi)
	CLAC
	movl %esi, (%rdx)
	xorl %eax, %eax
	ret
END(user_fetch_add32_asm)

user_atomic_fault:
	CLAC
	movl $-14, %eax
	ret

// int kernel_read_asm(to, from, n): 0 or -EFAULT; bytes.
FUNC(kernel_read_asm)
	testq %rdx, %rdx
	jz 2f
1:	EX 3f
	movb (%rsi), %al
	movb %al, (%rdi)
	incq %rsi
	incq %rdi
	decq %rdx
	jnz 1b
2:	xorl %eax, %eax
	ret
3:	movl $-14, %eax
	ret
END(kernel_read_asm)
	.section .note.GNU-stack, "", @progbits
