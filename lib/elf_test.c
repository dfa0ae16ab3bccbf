// The ELF checks: what Linux accepts and refuses.
#include "lib/elf.h"

#include <linux/elf.h>

#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"

static struct elf64_hdr good_header(void)
{
	return (struct elf64_hdr){
		.e_ident = { 0x7f, 'E', 'L', 'F' }, .e_type = ET_EXEC, .e_machine = EM_X86_64,
		.e_entry = 0x401000, .e_phoff = 64, .e_phentsize = sizeof(struct elf64_phdr), .e_phnum = 4,
	};
}

static int check(const struct elf64_hdr *h)
{
	struct elf_header out;

	return elf_check_header(h, sizeof(*h), EM_X86_64, &out);
}

KTEST(elf, header)
{
	struct elf64_hdr h = good_header();
	struct elf_header out;

	REQUIRE(elf_check_header(&h, sizeof(h), EM_X86_64, &out) == 0);
	CHECK(!out.dyn && out.entry == 0x401000 && out.phoff == 64 && out.phnum == 4);
	CHECK_EQ(elf_phdrs_size(&out), 224);
	// A short file is as if filled with zeros: here nothing that matters is missing.
	CHECK_EQ(elf_check_header(&h, 58, EM_X86_64, &out), 0);
	CHECK_EQ(elf_check_header(&h, 56, EM_X86_64, &out), -ENOEXEC);
	CHECK_EQ(elf_check_header(&h, 0, EM_X86_64, &out), -ENOEXEC);
	CHECK_EQ(elf_check_header(&h, sizeof(h), EM_RISCV, &out), -ENOEXEC);
	h.e_type = ET_REL;
	CHECK_EQ(check(&h), -ENOEXEC);
	h.e_type = ET_DYN;
	CHECK_EQ(check(&h), 0);
	h.e_ident[3] = 'G';
	CHECK_EQ(check(&h), -ENOEXEC);
	h = good_header();
	h.e_phentsize = 32;
	CHECK_EQ(check(&h), -ENOEXEC);
	h = good_header();
	h.e_phnum = 1170;
	CHECK_EQ(check(&h), 0);
	h.e_phnum = 1171;
	CHECK_EQ(check(&h), -ENOEXEC);
	h.e_phnum = 0;
	CHECK_EQ(check(&h), -ENOEXEC);
}

KTEST(elf, program_headers)
{
	struct elf_header h = { .phnum = 4, .phoff = 64 };
	struct elf_phdr ph[4] = {
		{ .type = PT_INTERP, .filesz = 28 },
		{ .type = PT_LOAD, .vaddr = 0x400010, .offset = 0x10, .filesz = 0x1000, .memsz = 0x1000, .align = 0x200000 },
		{ .type = PT_LOAD, .vaddr = 0x600e10, .filesz = 0x10, .memsz = 0x5000, .align = 3 },
		{ .type = PT_GNU_STACK, .flags = PF_R | PF_W },
	};
	struct elf_layout l;

	REQUIRE(elf_scan_phdrs(&h, ph, &l) == 0);
	CHECK(l.interp == &ph[0]);
	CHECK_EQ(l.stack, ELF_STACK_NOEXEC);
	CHECK_EQ(l.loads, 2);
	CHECK_EQ(l.base, 0x400000);
	CHECK_EQ(l.size, 0x205e10);
	CHECK_EQ(l.align, 0x200000);
	CHECK_EQ(l.phdr_vaddr, 0x400040);
	ph[0].filesz = 1;
	CHECK_EQ(elf_scan_phdrs(&h, ph, &l), -ENOEXEC);
	ph[0].filesz = 4097;
	CHECK_EQ(elf_scan_phdrs(&h, ph, &l), -ENOEXEC);
	h.phnum = 1;
	ph[0].type = PT_NULL;
	CHECK_EQ(elf_scan_phdrs(&h, ph, &l), 0);
	CHECK(!l.interp && !l.loads && !l.size && l.stack == ELF_STACK_DEFAULT);
	CHECK_EQ(elf_check_interp("/lib\0", 5), 0);
	CHECK_EQ(elf_check_interp("/lib", 4), -ENOEXEC);
}

KTEST(elf, segments)
{
	struct elf_phdr ph = { .type = PT_LOAD, .flags = PF_R | PF_W, .offset = 0x1e10, .vaddr = 0x600e10, .filesz = 0x300,
			       .memsz = 0x2500, .align = 0x1000 };
	const u64 limit = 0x7ffffffff000ull;
	struct elf_segment s;

	CHECK(elf_is_load(&ph));
	REQUIRE(elf_segment_layout(&ph, 0x10000, limit, &s) == 0);
	CHECK(s.start == 0x610000 && s.file_end == 0x612000 && s.end == 0x614000);
	CHECK(s.offset == 0x1000 && s.bss == 0x611110 && s.stop == 0x613310);
	CHECK(s.read && s.write && !s.exec);
	ph.offset++;
	CHECK_EQ(elf_segment_layout(&ph, 0, limit, &s), -EINVAL);
	ph.filesz = 0;
	REQUIRE(elf_segment_layout(&ph, 0, limit, &s) == 0);
	CHECK(s.start == s.file_end && s.bss == 0x600e10);
	ph.memsz = limit;
	CHECK_EQ(elf_segment_layout(&ph, 0, limit, &s), -EINVAL);
	ph.memsz = U64_MAX;
	CHECK_EQ(elf_segment_layout(&ph, 0, limit, &s), -EINVAL);
	ph.memsz = 0x1000;
	ph.filesz = 0x1001;
	CHECK_EQ(elf_segment_layout(&ph, 0, limit, &s), -EINVAL);
	ph.filesz = 0x10;
	ph.offset = U64_MAX - 0x1ef;
	CHECK_EQ(elf_segment_layout(&ph, 0, limit, &s), -EINVAL);
	ph.vaddr = U64_MAX;
	CHECK_EQ(elf_segment_layout(&ph, 0, limit, &s), -EINVAL);
}
