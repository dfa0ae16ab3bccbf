// exec: ELF files: checks before the point of no return, mappings after it. Format: lib/elf.h.
#include "arch/thread.h"
#include "fs/file.h"
#include "kern/random.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "proc/exec.h"
#include "task/process.h"
#include <linux/mman.h>
#include <linux/elf.h>
#include <linux/personality.h>

#define ELF_DYN_BASE (TASK_SIZE_MAX / 3 * 2)	// of programs that have an interpreter: far from the heap's and the mappings' places

void exec_image_free(struct exec_image *i)
{
	kvfree(i->ph);
	i->ph = NULL;
	if (i->file) {
		allow_write_access(i->file);
		file_put(i->file);
	}
	i->file = NULL;
}

static int read_exactly(struct file *f, void *buf, size_t n, loff_t pos, int short_err)
{
	ssize_t got = kernel_read(f, buf, n, &pos);

	if (got < 0)
		return got;
	return (size_t)got == n ? 0 : short_err;
}

static int read_phdrs(struct exec_image *i)
{
	size_t n = elf_phdrs_size(&i->h);

	i->ph = kvalloc(n, GFP_KERNEL | GFP_UNINIT);
	if (!i->ph)
		return -ENOMEM;
	if (read_exactly(i->file, i->ph, n, i->h.phoff, -ENOEXEC))
		return -ENOEXEC;	// also what the file system says
	return elf_scan_phdrs(&i->h, i->ph, &i->layout);
}

// The program's interpreter, opened and checked. All that is wrong with it is ELIBBAD, but for what open(2) and read(2) say.
static int open_interp(struct exec *x)
{
	const struct elf_phdr *p = x->prog.layout.interp;
	char head[ELF_HEADER_SIZE];
	char *path = kalloc(p->filesz + 1, GFP_KERNEL);

	if (!path)
		return -ENOMEM;
	int err = read_exactly(x->prog.file, path, p->filesz, p->offset, -EIO);
	if (!err)
		err = elf_check_interp(path, p->filesz);
	if (!err)
		err = exec_open(path, &x->interp.file);
	kfree(path);
	if (err)
		return err;
	err = read_exactly(x->interp.file, head, sizeof(head), 0, -EIO);
	if (err)
		return err;
	if (elf_check_header(head, sizeof(head), ARCH_ELF_MACHINE, &x->interp.h))
		return -ELIBBAD;
	err = read_phdrs(&x->interp);
	return err == -ENOMEM ? err : err ? -ELIBBAD : 0;
}

int exec_elf_check(struct exec *x)
{
	int err = elf_check_header(x->head, sizeof(x->head), ARCH_ELF_MACHINE, &x->prog.h);

	if (!err && !x->prog.file->ops->mmap)
		err = -ENOEXEC;
	if (!err)
		err = read_phdrs(&x->prog);
	if (!err && x->prog.layout.interp)
		err = open_interp(x);
	return err;
}

// ---- mapping ----------------------------------------------------------------------------------------------------------

static u32 prot_of(const struct elf_segment *s)
{
	return (s->read ? PROT_READ : 0) | (s->write ? PROT_WRITE : 0) | (s->exec ? PROT_EXEC : 0);
}

static int map_fixed(u64 start, u64 end, u32 prot, u32 flags, struct file *f, u64 offset)
{
	struct mmap_args a = { .addr = start, .len = end - start, .prot = prot, .flags = MAP_PRIVATE | flags, .file = f, .pgoff = offset >> PAGE_SHIFT };
	long at = mm_map_segment(current->mm, &a, 0);

	return at < 0 && at > -4096 ? at : 0;
}

static int map_segment(struct exec_image *i, const struct elf_segment *s, u32 fixed)
{
	int err = 0;

	if (s->file_end > s->start)
		err = map_fixed(s->start, s->file_end, prot_of(s), fixed, i->file, s->offset);
	if (!err && s->end > s->file_end)
		err = map_fixed(s->file_end, s->end, prot_of(s), fixed | MAP_ANONYMOUS, NULL, 0);
	// The rest of the last page is the start of the bss. If that cannot be written, it need not be zero either.
	if (!err && s->write && s->bss < s->file_end && s->stop > s->bss && user_clear(UPTR(s->bss), s->file_end - s->bss))
		err = -EFAULT;
	return err;
}

static void note_places(struct image_places *at, const struct elf_phdr *p, u64 bias)
{
	u64 start = p->vaddr + bias, file_end = start + p->filesz, end = start + p->memsz;

	if ((p->flags & PF_X) && start < at->start_code)
		at->start_code = start;
	if (at->start_data < start)
		at->start_data = start;
	if ((p->flags & PF_X) && at->end_code < file_end)
		at->end_code = file_end;
	if (at->end_data < file_end)
		at->end_data = file_end;
	if (at->brk < end)
		at->brk = end;
}

static int map_image(struct exec_image *i, struct image_places *at)
{
	bool first = true;

	for (u32 n = 0; n < i->h.phnum; n++) {
		struct elf_segment s;
		if (!elf_is_load(&i->ph[n]))
			continue;
		int err = elf_segment_layout(&i->ph[n], i->bias, TASK_SIZE_MAX, &s);
		if (!err)
			err = map_segment(i, &s, first || !i->h.dyn ? MAP_FIXED_NOREPLACE : MAP_FIXED);
		if (err)
			return err;
		if (at)
			note_places(at, &i->ph[n], i->bias);
		first = false;
	}
	return 0;
}

static bool randomise(void)
{
	return !(current->personality & ADDR_NO_RANDOMIZE);
}

// Where a position-independent image goes. In the mapping area, unless it is a program with an interpreter.
static int place_image(struct exec_image *i, bool program)
{
	u64 align = MAX(i->layout.align, (u64)PAGE_SIZE), base;

	if (!i->h.dyn)
		return 0;
	if (program) {
		base = ELF_DYN_BASE;
		if (randomise())
			base += (random_u64() & ((1ul << 28) - 1)) << PAGE_SHIFT;
	} else {
		base = mm_unmapped_area(current->mm, 0, i->layout.size + align - PAGE_SIZE, 0, MAP_PRIVATE);
		if (base > -4096ul)
			return -ENOMEM;
		base += align - PAGE_SIZE;
	}
	i->bias = ALIGN_DOWN(base, align) - i->layout.base;
	return 0;
}

static void set_break(struct exec *x, struct mm *mm)
{
	u64 brk = ALIGN_UP(x->at.brk, PAGE_SIZE);

	// A static PIE lives among the mappings: its heap could not grow there.
	if (x->prog.h.dyn && !x->interp.file)
		brk = ALIGN_DOWN(ELF_DYN_BASE, PAGE_SIZE);
	if (randomise())
		brk += random_below(0x2000) << PAGE_SHIFT;
	mm->start_brk = mm->brk = brk;
}

int exec_elf_map(struct exec *x, u64 *entry)
{
	struct mm *mm = current->mm;

	x->at = (struct image_places){ .start_code = ~0ul };
	int err = place_image(&x->prog, x->prog.layout.interp != NULL);
	if (!err)
		err = map_image(&x->prog, &x->at);
	if (err)
		return err;
	mm->start_code = x->at.start_code;
	mm->end_code = x->at.end_code;
	mm->start_data = x->at.start_data;
	mm->end_data = x->at.end_data;
	set_break(x, mm);
	*entry = x->prog.h.entry + x->prog.bias;
	if (x->interp.file) {
		err = place_image(&x->interp, false);
		if (!err)
			err = map_image(&x->interp, NULL);
		*entry = x->interp.h.entry + x->interp.bias;
	}
	if (!err && x->prog.layout.stack == ELF_STACK_EXEC)
		err = mm_mprotect(mm, ALIGN_DOWN(x->strings, PAGE_SIZE), x->stack_top - ALIGN_DOWN(x->strings, PAGE_SIZE),
				  PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN);
	return err;
}
