// What execve(2) makes of well-formed, strange and malformed ELF files. The files are made here, byte by byte.
#include "abi.h"
#include <elf.h>

// A program of one loadable segment: exit_group(42).
struct image {
	Elf64_Ehdr	eh;
	Elf64_Phdr	ph[4];
	unsigned char	code[64];
	char		interp[64];
};

enum { BASE = 0x400000 };

static const unsigned char exit_42[] = { 0xbf, 42, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };	// mov edi,42; mov eax,231; syscall

static struct image good(void)
{
	struct image i = {
		.eh = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
			.e_entry = BASE + offsetof(struct image, code), .e_phoff = offsetof(struct image, ph),
			.e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1,
		},
		.ph[0] = {
			.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = BASE, .p_paddr = BASE,
			.p_filesz = sizeof(struct image), .p_memsz = sizeof(struct image), .p_align = PAGE,
		},
	};

	memcpy(i.code, exit_42, sizeof(exit_42));
	return i;
}

static void store(const char *path, const void *data, size_t n)
{
	int fd = OK(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755));

	CHECK_EQ(write(fd, data, n), (ssize_t)n);
	close(fd);
}

// Executes the image: the wait status; if execve fails the exit status is 100 + errno.
static int run_bytes(const void *data, size_t n)
{
	store("prog", data, n);
	return IN_CHILD(execv("prog", (char *[]){ "prog", NULL }); _exit(100 + errno));
}

static int run(const struct image *i)
{
	return run_bytes(i, sizeof(*i));
}

#define CHECK_RUNS(i)		CHECK_EQ(run(i), 42 << 8)
#define CHECK_REFUSED(i, e)	CHECK_EQ(run(i), (100 + (e)) << 8)
#define CHECK_DIES(i, sig)	CHECK_EQ(run(i) & 0x7f, sig)

ABI_TEST(good_program)
{
	struct image i = good();

	CHECK_RUNS(&i);
}

ABI_TEST(bad_magic)
{
	for (int b = 0; b < 4; b++) {
		struct image i = good();

		i.eh.e_ident[b] ^= 1;
		CHECK_REFUSED(&i, ENOEXEC);
	}
}

ABI_TEST(ident_beyond_the_magic_is_ignored)
{
	struct image i = good();

	i.eh.e_ident[EI_CLASS] = 77;
	i.eh.e_ident[EI_DATA] = 77;
	i.eh.e_ident[EI_VERSION] = 77;
	i.eh.e_ident[EI_OSABI] = 77;
	i.eh.e_version = 77;
	i.eh.e_ehsize = 7;
	CHECK_RUNS(&i);
}

ABI_TEST(wrong_type)
{
	static const int type[] = { ET_NONE, ET_REL, ET_CORE, 0xff00 };

	for (size_t t = 0; t < 4; t++) {
		struct image i = good();

		i.eh.e_type = (Elf64_Half)type[t];
		CHECK_REFUSED(&i, ENOEXEC);
	}
}

ABI_TEST(wrong_machine)
{
	struct image i = good();

	i.eh.e_machine = EM_AARCH64;
	CHECK_REFUSED(&i, ENOEXEC);
}

ABI_TEST(truncated_header)
{
	struct image i = good();

	for (size_t n = 1; n < sizeof(Elf64_Ehdr); n += 9)
		CHECK_EQ(run_bytes(&i, n), (100 + ENOEXEC) << 8);
}

ABI_TEST(truncated_program_headers)
{
	struct image i = good();

	CHECK_EQ(run_bytes(&i, sizeof(Elf64_Ehdr) + 20), (100 + ENOEXEC) << 8);
}

ABI_TEST(program_headers_beyond_the_file)
{
	struct image i = good();

	i.eh.e_phoff = 1 << 20;
	CHECK_REFUSED(&i, ENOEXEC);
	i.eh.e_phoff = ~0ull - 8;
	CHECK_REFUSED(&i, ENOEXEC);
}

ABI_TEST(size_of_program_headers)
{
	struct image i = good();

	i.eh.e_phentsize = sizeof(Elf64_Phdr) + 8;
	CHECK_REFUSED(&i, ENOEXEC);
	i.eh.e_phentsize = 0;
	CHECK_REFUSED(&i, ENOEXEC);
}

ABI_TEST(number_of_program_headers)
{
	struct image i = good();

	i.eh.e_phnum = 0;
	CHECK_REFUSED(&i, ENOEXEC);
	i.eh.e_phnum = 0xffff;
	CHECK_REFUSED(&i, ENOEXEC);
}

ABI_TEST(no_loadable_segment)
{
	struct image i = good();

	i.ph[0].p_type = PT_NOTE;
	CHECK_DIES(&i, SIGSEGV);
}

ABI_TEST(unknown_program_headers_are_ignored)
{
	struct image i = good();

	i.eh.e_phnum = 3;
	i.ph[1].p_type = 0x12345678;
	i.ph[1].p_vaddr = ~0ull;
	i.ph[2].p_type = PT_NULL;
	CHECK_RUNS(&i);
}

ABI_TEST(entry_not_mapped)
{
	struct image i = good();

	i.eh.e_entry = BASE + 0x10000;
	CHECK_DIES(&i, SIGSEGV);
	i.eh.e_entry = 0;
	CHECK_DIES(&i, SIGSEGV);
}

ABI_TEST(entry_in_kernel_space)
{
	struct image i = good();

	i.eh.e_entry = 0xffffffff81000000;
	CHECK_DIES(&i, SIGSEGV);
}

ABI_TEST(segment_not_executable)
{
	struct image i = good();

	i.ph[0].p_flags = PF_R;
	i.eh.e_phnum = 2;
	i.ph[1] = (Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W };
	CHECK_DIES(&i, SIGSEGV);
}

ABI_TEST(file_size_above_memory_size)
{
	struct image i = good();

	i.ph[0].p_memsz = 16;
	CHECK_DIES(&i, SIGSEGV);
}

ABI_TEST(segment_in_kernel_space)
{
	struct image i = good();

	i.ph[0].p_vaddr = 0xffffffff80000000;
	CHECK_DIES(&i, SIGSEGV);
}

ABI_TEST(segment_larger_than_user_space)
{
	struct image i = good();

	i.ph[0].p_memsz = 0x800000000000;
	CHECK_DIES(&i, SIGSEGV);
}

ABI_TEST(segment_offset_not_congruent)
{
	struct image i = good();

	i.ph[0].p_offset = 8;
	CHECK_DIES(&i, SIGSEGV);
}

ABI_TEST(segment_beyond_the_file)
{
	struct image i = good();

	i.eh.e_phnum = 2;
	i.ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = BASE + 0x10000, .p_offset = 0x10000,
				.p_filesz = 0x1000, .p_memsz = 0x1000, .p_align = PAGE };
	CHECK_RUNS(&i);		// mapped, and not touched
}

ABI_TEST(bss_is_zero)
{
	struct image i = good();
	static const unsigned char code[] = {
		0x8b, 0x3c, 0x25, 0x00, 0x20, 0x41, 0x00,	// mov edi, [0x412000]
		0x03, 0x3c, 0x25, 0x10, 0x00, 0x41, 0x00,	// add edi, [0x410010]
		0x83, 0xc7, 0x2a,				// add edi, 42
		0xb8, 231, 0, 0, 0, 0x0f, 0x05 };

	memcpy(i.code, code, sizeof(code));
	i.eh.e_phnum = 2;
	i.ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = BASE + 0x10000, .p_offset = 0,
				.p_filesz = 16, .p_memsz = 0x3000, .p_align = PAGE };
	CHECK_RUNS(&i);		// also the rest of the file's page
}

ABI_TEST(bss_only_segment)
{
	struct image i = good();
	static const unsigned char code[] = { 0xff, 0x04, 0x25, 0x00, 0x10, 0x41, 0x00,		// inc [0x411000]
		0x8b, 0x3c, 0x25, 0x00, 0x10, 0x41, 0x00, 0x83, 0xc7, 0x29, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };

	memcpy(i.code, code, sizeof(code));
	i.eh.e_phnum = 2;
	i.ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = BASE + 0x10000, .p_memsz = 0x2000, .p_align = PAGE };
	CHECK_RUNS(&i);
}

ABI_TEST(position_independent_without_interpreter)
{
	struct image i = good();

	i.eh.e_type = ET_DYN;
	i.eh.e_entry -= BASE;
	i.ph[0].p_vaddr = i.ph[0].p_paddr = 0;
	CHECK_RUNS(&i);
}

ABI_TEST(position_independent_base_varies)
{
	struct image i = good();
	uint64_t first = 0;
	bool differs = false;
	// lea rsi,[rip-7]; push rsi; mov rsi,rsp; mov edi,1; mov edx,8; mov eax,1; syscall; exit(42)
	static const unsigned char code[] = { 0x48, 0x8d, 0x35, 0xf9, 0xff, 0xff, 0xff, 0x56, 0x48, 0x89, 0xe6, 0xbf, 1, 0, 0, 0,
		0xba, 8, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0x0f, 0x05, 0xbf, 42, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };

	memcpy(i.code, code, sizeof(code));
	i.eh.e_type = ET_DYN;
	i.eh.e_entry -= BASE;
	i.ph[0].p_vaddr = i.ph[0].p_paddr = 0;
	store("prog", &i, sizeof(i));
	int fd[2];
	OK(pipe(fd));
	for (int n = 0; n < 4; n++) {
		uint64_t at;

		CHECK_EQ(IN_CHILD(dup2(fd[1], 1); execv("prog", (char *[]){ "prog", NULL }); _exit(1)), 42 << 8);
		CHECK_EQ(read(fd[0], &at, 8), 8);
		CHECK_EQ(at % PAGE, offsetof(struct image, code));
		CHECK(at >> 47 == 0);
		differs = differs || (n && at != first);
		first = n ? first : at;
	}
	CHECK(differs);
}

ABI_TEST(interpreter_runs_instead)
{
	struct image i = good(), ld = good();

	ld.eh.e_type = ET_DYN;
	ld.eh.e_entry -= BASE;
	ld.ph[0].p_vaddr = 0;
	ld.code[1] = 55;
	store("ld", &ld, sizeof(ld));
	i.eh.e_phnum = 2;
	i.ph[1] = i.ph[0];
	i.ph[0] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = offsetof(struct image, interp), .p_filesz = 3 };
	strcpy(i.interp, "ld");
	CHECK_EQ(run(&i), 55 << 8);
}

ABI_TEST(interpreter_errors)
{
	struct image i = good();

	i.eh.e_phnum = 2;
	i.ph[1] = i.ph[0];
	i.ph[0] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = offsetof(struct image, interp), .p_filesz = 6 };
	strcpy(i.interp, "nosuc");
	CHECK_REFUSED(&i, ENOENT);
	i.interp[5] = 'x';			// the last byte must be 0
	CHECK_REFUSED(&i, ENOEXEC);
	i.interp[5] = 0;
	i.ph[0].p_filesz = 1;
	CHECK_REFUSED(&i, ENOEXEC);
	i.ph[0].p_filesz = PATH_MAX + 1;
	CHECK_REFUSED(&i, ENOEXEC);
	i.ph[0].p_filesz = 6;
	i.ph[0].p_offset = 1 << 20;
	CHECK_REFUSED(&i, EIO);
}

ABI_TEST(interpreter_is_not_elf)
{
	struct image i = good();

	abi_write_file("bad", "this is a text and not a program, but long enough for a header: 0123456789 0123456789");
	OK(chmod("bad", 0755));
	i.eh.e_phnum = 2;
	i.ph[1] = i.ph[0];
	i.ph[0] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = offsetof(struct image, interp), .p_filesz = 4 };
	strcpy(i.interp, "bad");
	CHECK_REFUSED(&i, ELIBBAD);
	OK(chmod("bad", 0644));
	CHECK_REFUSED(&i, EACCES);
	abi_write_file("bad", "short");
	OK(chmod("bad", 0755));
	CHECK_REFUSED(&i, EIO);
}

ABI_TEST(executable_stack_is_asked_for)
{
	struct image i = good();
	// mov rax, 0xc3...: put a ret on the stack and call it
	static const unsigned char code[] = { 0xb8, 0xc3, 0, 0, 0, 0x50, 0xff, 0xd4, 0xbf, 42, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };

	memcpy(i.code, code, sizeof(code));
	i.eh.e_phnum = 2;
	i.ph[1] = (Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W };
	CHECK_DIES(&i, SIGSEGV);
	i.ph[1].p_flags |= PF_X;
	CHECK_RUNS(&i);
}

ABI_TEST(registers_at_start)
{
	struct image i = good();
	// or all general registers but rsp into rdi; exit(42 + that)
	static const unsigned char code[] = { 0x48, 0x09, 0xc7, 0x48, 0x09, 0xdf, 0x48, 0x09, 0xcf, 0x48, 0x09, 0xd7, 0x48, 0x09, 0xf7,
		0x48, 0x09, 0xef, 0x4c, 0x09, 0xc7, 0x4c, 0x09, 0xcf, 0x4c, 0x09, 0xd7, 0x4c, 0x09, 0xdf, 0x4c, 0x09, 0xe7, 0x4c, 0x09, 0xef,
		0x4c, 0x09, 0xf7, 0x4c, 0x09, 0xff, 0x83, 0xc7, 0x2a, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };

	memcpy(i.code, code, sizeof(code));
	CHECK_RUNS(&i);
}

ABI_TEST(stack_is_aligned_at_start)
{
	struct image i = good();
	static const unsigned char code[] = { 0x89, 0xe7, 0x83, 0xe7, 0x0f, 0x83, 0xc7, 0x2a, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };	// edi = (esp & 15) + 42

	memcpy(i.code, code, sizeof(code));
	for (int n = 0; n < 4; n++) {
		char *argv[] = { "prog", n > 0 ? "a" : NULL, n > 1 ? "bc" : NULL, n > 2 ? "def" : NULL, NULL };

		store("prog", &i, sizeof(i));
		CHECK_EQ(IN_CHILD(execv("prog", argv); _exit(1)), 42 << 8);
	}
}

ABI_TEST(tail_of_the_last_file_page_is_zero)
{
	struct image i = good();
	char file[2 * PAGE];
	// A writable segment with filesz 16 whose file goes on with 0xff: what lies behind must be zero, as p_memsz is larger.
	static const unsigned char code[] = { 0x8b, 0x3c, 0x25, 0x20, 0x10, 0x41, 0x00, 0x83, 0xc7, 0x2a, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };

	memcpy(i.code, code, sizeof(code));
	i.eh.e_phnum = 2;
	i.ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = BASE + 0x11000, .p_offset = PAGE,
				.p_filesz = 16, .p_memsz = 0x100, .p_align = PAGE };
	memset(file, 0xff, sizeof(file));
	memcpy(file, &i, sizeof(i));
	CHECK_EQ(run_bytes(file, sizeof(file)), 42 << 8);
}

ABI_TEST(segments_keep_their_protection)
{
	struct image i = good();
	static const unsigned char code[] = { 0xff, 0x04, 0x25, 0x00, 0x00, 0x40, 0x00 };	// inc [0x400000]: text is read-only

	memcpy(i.code, code, sizeof(code));
	CHECK_DIES(&i, SIGSEGV);
	i.ph[0].p_flags |= PF_W;
	memcpy(i.code + sizeof(code), exit_42, sizeof(exit_42));
	CHECK_RUNS(&i);
	struct image again;
	int fd = OK(open("prog", O_RDONLY));
	CHECK_EQ(read(fd, &again, sizeof(again)), (ssize_t)sizeof(again));
	CHECK(!memcmp(&again, &i, sizeof(i)));	// the mapping is private
}
