// fs/dcache.h - what the files of the dentry cache (dcache*.c) share.
#pragma once
#include "fs/inode.h"
#include "lib/hash.h"

// Whether d has the name. Dentry names are 8-aligned in memory that is a multiple of 8 bytes long and end in NUL, so that whole words can
// be read; a name that changes under us ends the comparison at worst at its NUL, and the sequence count tells.
static UNCHECKED_INLINE bool d_same_name(const struct dentry *d, const struct qstr *q)
{
	const char *a = READ_ONCE(d->name.name), *b = q->name;
	u32 n = q->len;

	for (; n >= 8; n -= 8, a += 8, b += 8) {
		if (*(const u64 *)(const void *)a != word_load(b))
			return false;
	}
	return !n || ((*(const u64 *)(const void *)a ^ name_load(b)) & ((1ull << n * 8) - 1)) == 0;
}

// d is locked and unused (count 0); its lock is dropped. Returns the parent, whose reference now is the caller's to put, or null.
// *inode (or null) is to be put after the section: that may free a whole file, and sleep. Context: RCU read section.
struct dentry *d_kill(struct dentry *d, struct inode **inode) RELEASES(&d->lock);
void dcache_lookup_init(void);
