// lib/elf.h - checks and layout of ELF64 executables. Pure: works on buffers that the caller has read. Code: elf.c.
//
// The checks are those of Linux's loader, no more: EI_CLASS, EI_DATA and e_version are not looked at,
// and a file may be shorter than its header says if what is missing may be zero. Used by proc/exec.c in
// three steps: header, program headers, then one segment at a time. Fuzzer: tests/fuzz/fuzz_elf.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

#define ELF_HEADER_SIZE 64
#define ELF_PHDRS_MAX 65536	// bytes
#define ELF_INTERP_MAX 4096	// PATH_MAX, with NUL

// As in the file; asserted against <linux/elf.h> in elf.c.
struct elf_phdr {
	u32 type;
	u32 flags;
	u64 offset;
	u64 vaddr;
	u64 paddr;
	u64 filesz;
	u64 memsz;
	u64 align;
};

struct elf_header {
	bool dyn;	// ET_DYN: may be placed anywhere; else ET_EXEC
	u16 machine;
	u16 phnum;
	u64 entry;
	u64 phoff;
	u32 flags;
};

enum elf_stack { ELF_STACK_DEFAULT, ELF_STACK_NOEXEC, ELF_STACK_EXEC };

// What the program headers say as a whole. Addresses are without load bias.
struct elf_layout {
	const struct elf_phdr *interp;	// the first PT_INTERP, or NULL; points into the caller's array
	enum elf_stack stack;		// from the last PT_GNU_STACK
	unsigned int loads;		// number of PT_LOAD
	u64 base, size;			// page-aligned start, and span to the end of the last PT_LOAD; size 0: nothing to map
	u64 align;			// the largest power-of-two p_align of a PT_LOAD, rounded up to pages; 0 if none
	u64 phdr_vaddr;			// where the program headers are in memory (AT_PHDR), 0 if in no PT_LOAD
};

// One PT_LOAD as mappings: file pages [start, file_end), zero from bss to the end of the last file page if
// that is writable, anonymous pages [file_end, end).
struct elf_segment {
	u64 start, file_end, end;	// page-aligned, bias included; start == file_end if nothing comes from the file
	u64 offset;			// file offset of start, page-aligned
	u64 bss;			// first byte that is not from the file
	u64 stop;			// first byte after the segment: vaddr + memsz
	bool read, write, exec;
};

// n bytes from the start of a file. machine: the EM_* of this port. Returns 0 or -ENOEXEC.
MUST_CHECK int elf_check_header(const void *buf, size_t n, u16 machine, struct elf_header *out);
// Bytes of the program header table to read at h->phoff, 56 to ELF_PHDRS_MAX: elf_check_header() has checked it.
static inline size_t elf_phdrs_size(const struct elf_header *h)
{
	return h->phnum * sizeof(struct elf_phdr);
}

// ph: h->phnum of them. Returns 0, or -ENOEXEC for a PT_INTERP whose length is not 2 to ELF_INTERP_MAX.
MUST_CHECK int elf_scan_phdrs(const struct elf_header *h, const struct elf_phdr *ph, struct elf_layout *out);
// The interpreter's path, as read. Returns 0, or -ENOEXEC if it does not end in NUL.
MUST_CHECK int elf_check_interp(const char *path, size_t n);
// Lays a PT_LOAD out; limit: the end of user space. Returns 0, or -EINVAL for what mmap() would refuse: offset and
// address that differ within a page, filesz > memsz, anything beyond limit.
MUST_CHECK int elf_segment_layout(const struct elf_phdr *ph, u64 bias, u64 limit, struct elf_segment *out);
// True for a PT_LOAD. Others do not matter to elf_segment_layout().
bool elf_is_load(const struct elf_phdr *ph) PURE;
