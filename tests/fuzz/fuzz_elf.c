// Feeds the ELF checks as the loader does: header, program headers, segments. What they accept must be mappable.
#include "fuzz.h"

#include "lib/elf.h"

#define LIMIT 0x7ffffffff000ull
#define EM_X86_64 62

static void check_segment(const struct elf_phdr *ph, u64 bias)
{
	struct elf_segment s;

	if (elf_segment_layout(ph, bias, LIMIT, &s) != 0)
		return;
	FUZZ_CHECK(s.start % 4096 == 0 && s.file_end % 4096 == 0 && s.end % 4096 == 0 && s.offset % 4096 == 0);
	FUZZ_CHECK(s.start <= s.file_end && s.start <= s.end && s.end <= LIMIT);
	FUZZ_CHECK(s.file_end <= s.end || (ph->memsz == 0 && s.file_end == s.start));
	FUZZ_CHECK(s.start <= s.bss && s.bss <= s.stop && s.stop <= s.end);
	FUZZ_CHECK(s.offset + (s.file_end - s.start) <= (u64)S64_MAX);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	struct elf_header h;
	struct elf_layout l;

	if (elf_check_header(data, n, EM_X86_64, &h) != 0)
		return 0;
	size_t size = elf_phdrs_size(&h);
	FUZZ_CHECK(size && size <= ELF_PHDRS_MAX);
	if (h.phoff > n || n - h.phoff < size)
		return 0;
	struct elf_phdr *ph = malloc(size);
	memcpy(ph, data + h.phoff, size);
	if (elf_scan_phdrs(&h, ph, &l) == 0) {
		FUZZ_CHECK(!l.interp || (l.interp->filesz >= 2 && l.interp->filesz <= ELF_INTERP_MAX));
		FUZZ_CHECK(l.base % 4096 == 0 && (l.loads || !l.size));
		for (unsigned int i = 0; i < h.phnum; i++) {
			check_segment(&ph[i], 0);
			check_segment(&ph[i], 0x555555554000ull - l.base);
		}
	}
	free(ph);
	return 0;
}

size_t fuzz_seed(unsigned int which, u8 *buf)
{
	static const struct elf_phdr ph[] = {
		{ 3, 4, 0x318, 0x400318, 0x400318, 0x1c, 0x1c, 1 },
		{ 1, 5, 0, 0x400000, 0x400000, 0x1000, 0x1000, 0x1000 },
		{ 1, 6, 0x2e10, 0x403e10, 0x403e10, 0x230, 0x5238, 0x1000 },
		{ 0x6474e551, 6, 0, 0, 0, 0, 0, 16 },
	};
	u8 h[64] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, [16] = 2 + which % 2, [18] = EM_X86_64, [20] = 1, [32] = 64,
			  [52] = 64, [54] = 56, [56] = 4 };

	memcpy(buf, h, sizeof(h));
	memcpy(buf + 64, ph, sizeof(ph));
	memset(buf + 64 + sizeof(ph), 0, 64);
	return 64 + sizeof(ph) + 64;
}
