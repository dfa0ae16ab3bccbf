// Patching of the kernel's text, before other CPUs start.
#include "arch/text.h"

#include "arch/irq.h"
#include "features.h"
#include "lib/string.h"
#include "x86.h"

struct smap_site {
	s32 site;	// relative to itself
	u32 byte;	// the last of 0f 01 xx: 0xcb stac, 0xca clac
};
extern const struct smap_site __start_smap_sites[], __stop_smap_sites[];

void arch_text_write(void *dst, const void *src, size_t len)
{
	unsigned long flags = irq_save();
	u64 cr0 = read_cr0();

	write_cr0(cr0 & ~CR0_WP);
	memcpy(dst, src, len);
	write_cr0(cr0);
	irq_restore(flags);
	// A processor sees its own stores to code after a jump (SDM 3A 8.1.3); returning is one.
}

static void patch_smap(const struct smap_site *s, const struct smap_site *end)
{
	for (; s < end; s++) {
		u8 insn[3] = { 0x0f, 0x01, (u8)s->byte };
		arch_text_write((u8 *)&s->site + s->site, insn, 3);
	}
}

void INIT arch_text_patch(void)
{
	if (cpu_has(X86_SMAP))
		patch_smap(__start_smap_sites, __stop_smap_sites);
}

// Modules bring only stac and clac sites.
void arch_text_patch_range(const void *alts, const void *alts_end)
{
	if (cpu_has(X86_SMAP))
		patch_smap(alts, alts_end);
}
