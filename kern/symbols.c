// The kernel's own symbol table: binary search in what tools/ksyms.py made. No locks: the table is constant.
#include "kern/symbols.h"

// The linker script's bounds of the code.
extern const char _text[], _etext[];

extern const u64 ksyms_base, ksyms_count;
extern const u32 ksyms_address[]; // sorted distances from ksyms_base
extern const u32 ksyms_name[];    // offsets into ksyms_text
extern const char ksyms_text[];

const char *symbol_find(u64 addr, u64 *offset)
{
	if (addr < (uintptr_t)_text || addr >= (uintptr_t)_etext)
		return NULL;
	if (ksyms_count == 0 || addr < ksyms_base)
		return NULL;

	u64 want = addr - ksyms_base;
	size_t low = 0, high = ksyms_count; // the answer is in [low, high)
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;
		if (ksyms_address[mid] <= want)
			low = mid;
		else
			high = mid;
	}
	*offset = want - ksyms_address[low];
	return ksyms_text + ksyms_name[low];
}
