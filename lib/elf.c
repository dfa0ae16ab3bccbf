// What a loader must know about an ELF file before it maps it. Every field is hostile: sums are checked, and
// nothing is read beyond what the caller says it has.
// Source: System V ABI, chapters 4 and 5; execve(2); observed errors of Linux.
#include "lib/elf.h"

#include <linux/elf.h>

#include "lib/errno.h"
#include "lib/math.h"
#include "lib/overflow.h"
#include "lib/string.h"

#define ELF_PAGE 4096ull

BUILD_ASSERT(sizeof(struct elf64_hdr) == ELF_HEADER_SIZE, "ABI");
BUILD_ASSERT(sizeof(struct elf_phdr) == sizeof(struct elf64_phdr), "ABI");
BUILD_ASSERT(offsetof(struct elf_phdr, flags) == offsetof(struct elf64_phdr, p_flags), "ABI");
BUILD_ASSERT(offsetof(struct elf_phdr, offset) == offsetof(struct elf64_phdr, p_offset), "ABI");
BUILD_ASSERT(offsetof(struct elf_phdr, vaddr) == offsetof(struct elf64_phdr, p_vaddr), "ABI");
BUILD_ASSERT(offsetof(struct elf_phdr, filesz) == offsetof(struct elf64_phdr, p_filesz), "ABI");
BUILD_ASSERT(offsetof(struct elf_phdr, memsz) == offsetof(struct elf64_phdr, p_memsz), "ABI");
BUILD_ASSERT(offsetof(struct elf_phdr, align) == offsetof(struct elf64_phdr, p_align), "ABI");

int elf_check_header(const void *buf, size_t n, u16 machine, struct elf_header *out)
{
	struct elf64_hdr h = { 0 };

	memcpy(&h, buf, MIN(n, sizeof(h)));
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (h.e_type != ET_EXEC && h.e_type != ET_DYN)
		return -ENOEXEC;
	if (h.e_machine != machine)
		return -ENOEXEC;
	if (h.e_phentsize != sizeof(struct elf_phdr))
		return -ENOEXEC;
	if (!h.e_phnum || h.e_phnum * sizeof(struct elf_phdr) > ELF_PHDRS_MAX)
		return -ENOEXEC;
	*out = (struct elf_header){
		.dyn = h.e_type == ET_DYN,
		.machine = h.e_machine,
		.phnum = h.e_phnum,
		.entry = h.e_entry,
		.phoff = h.e_phoff,
		.flags = h.e_flags,
	};
	return 0;
}

bool elf_is_load(const struct elf_phdr *ph)
{
	return ph->type == PT_LOAD;
}

// Does the segment hold the program header table?
static bool elf_holds(const struct elf_phdr *ph, u64 off)
{
	return ph->offset <= off && off - ph->offset < ph->filesz;
}

// first: the address of the first PT_LOAD, end: the highest end seen. An end that wraps is refused with the segment.
static void elf_scan_load(const struct elf_header *h, const struct elf_phdr *ph, u64 *first, u64 *end,
			  struct elf_layout *out)
{
	if (!out->loads++ || ph->vaddr < *first)
		*first = ph->vaddr;
	*end = MAX(*end, size_add(ph->vaddr, ph->memsz));
	if (is_power_of_2(ph->align))
		out->align = MAX(out->align, ph->align);
	if (elf_holds(ph, h->phoff))
		out->phdr_vaddr = h->phoff - ph->offset + ph->vaddr;
}

int elf_scan_phdrs(const struct elf_header *h, const struct elf_phdr *ph, struct elf_layout *out)
{
	u64 first = 0, end = 0;

	*out = (struct elf_layout){ 0 };
	for (unsigned int i = 0; i < h->phnum; i++, ph++) {
		switch (ph->type) {
		case PT_INTERP:
			if (out->interp)
				break;
			if (ph->filesz < 2 || ph->filesz > ELF_INTERP_MAX)
				return -ENOEXEC;
			out->interp = ph;
			break;
		case PT_GNU_STACK:
			out->stack = ph->flags & PF_X ? ELF_STACK_EXEC : ELF_STACK_NOEXEC;
			break;
		case PT_LOAD:
			elf_scan_load(h, ph, &first, &end, out);
			break;
		}
	}
	out->base = ALIGN_DOWN(first, ELF_PAGE);
	out->size = end - out->base;
	out->align = ALIGN_UP(out->align, ELF_PAGE);
	return 0;
}

int elf_check_interp(const char *path, size_t n)
{
	return n && path[n - 1] == '\0' ? 0 : -ENOEXEC;
}

int elf_segment_layout(const struct elf_phdr *ph, u64 bias, u64 limit, struct elf_segment *out)
{
	u64 vaddr = ph->vaddr + bias, in_page = vaddr % ELF_PAGE;

	if (vaddr >= limit || ph->memsz > limit || limit - ph->memsz < vaddr || ph->filesz > ph->memsz)
		return -EINVAL;
	if (ph->filesz) {
		u64 file_stop;
		if (ph->offset % ELF_PAGE != in_page || add_overflow(ph->offset, ph->filesz, &file_stop) ||
		    file_stop > (u64)S64_MAX - ELF_PAGE)
			return -EINVAL;
	}
	*out = (struct elf_segment){
		.start = vaddr - in_page,
		.file_end = ph->filesz ? ALIGN_UP(vaddr + ph->filesz, ELF_PAGE) : vaddr - in_page,
		.end = ALIGN_UP(vaddr + ph->memsz, ELF_PAGE),
		.offset = ph->filesz ? ph->offset - in_page : 0,
		.bss = vaddr + ph->filesz,
		.stop = vaddr + ph->memsz,
		.read = ph->flags & PF_R,
		.write = ph->flags & PF_W,
		.exec = ph->flags & PF_X,
	};
	return 0;
}
