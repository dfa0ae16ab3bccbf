// lib/cpio.h - reads "newc" cpio archives in memory: an initramfs. Pure: returns pointers into the archive. Code: cpio.c.
//
// An initramfs is any number of archives with zero padding between them; they may alternate with
// compressed parts, which the caller unpacks and reads as an archive of their own. Fuzzer: tests/fuzz/fuzz_cpio.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

#define CPIO_NAME_MAX 4096	// PATH_MAX, with NUL

struct cpio_entry {
	const char *name;	// ends in NUL, at least one byte of it; may be absolute or hold ".."
	size_t name_len;	// strlen(name), < CPIO_NAME_MAX
	const u8 *data;		// size bytes; not terminated, also for a symlink (size < CPIO_NAME_MAX then)
	u32 size;
	u32 ino, mode, uid, gid, nlink, mtime;
	u32 major, minor;	// of the device the file was on: with ino, they tell hard links
	u32 rmajor, rminor;	// of a device node
};

struct cpio {
	const u8 *start, *at, *end;
	bool inside;		// in an archive whose trailer has not been seen
	const char *error;	// after -EINVAL: what is wrong, for people
};

enum {
	CPIO_END,		// nothing but padding is left
	CPIO_ENTRY,		// *out is filled
	CPIO_TRAILER,		// the end of one archive: hard links do not go beyond it
	CPIO_OTHER,		// something that is not cpio starts at c->at (compressed data, or garbage)
};

static inline void cpio_start(struct cpio *c, const void *p, size_t n)
{
	*c = (struct cpio){ .start = p, .at = p, .end = (const u8 *)p + n };
}

// The next thing in the archive: one of the values above, or -EINVAL with c->error set, and c->at at the bad header.
// Entries with a name longer than CPIO_NAME_MAX, and symlinks to such names, are left out as Linux does.
MUST_CHECK int cpio_next(struct cpio *c, struct cpio_entry *out);

// How far into the memory given to cpio_start() c has come.
static inline size_t cpio_offset(const struct cpio *c)
{
	return c->at - c->start;
}
