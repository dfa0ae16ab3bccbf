// mm/vma.h - virtual memory areas, and the operations of what is mapped.
//
// A VMA is type-stable (SLAB_TYPESAFE_BY_RCU). mm.mmap_lock held for write guards every field; a fault instead looks up under RCU and pins it
// by vma_lock_read(): count and sequence (mm/vma.c); a writer waits until no fault has it pinned before it changes anything.
#pragma once
#include "kern/rcu.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "mm/folio.h"
#include "arch/entry.h"
#include "arch/pte.h"

struct file;
struct mm;
struct vma;

#define VM_READ 0x1ul
#define VM_WRITE 0x2ul
#define VM_EXEC 0x4ul
#define VM_SHARED 0x8ul
#define VM_MAYREAD 0x10ul
#define VM_MAYWRITE 0x20ul
#define VM_MAYEXEC 0x40ul
#define VM_MAYSHARE 0x80ul
#define VM_GROWSDOWN 0x100ul
#define VM_PFNMAP 0x400ul		// raw page frames, no descriptors
#define VM_LOCKED 0x2000ul
#define VM_IO 0x4000ul
#define VM_SEQ_READ 0x8000ul
#define VM_RAND_READ 0x10000ul
#define VM_DONTCOPY 0x20000ul
#define VM_DONTEXPAND 0x40000ul
#define VM_LOCKONFAULT 0x80000ul
#define VM_ACCOUNT 0x100000ul		// charged against overcommit
#define VM_NORESERVE 0x200000ul
#define VM_WIPEONFORK 0x2000000ul
#define VM_DONTDUMP 0x4000000ul
#define VM_SPECIAL_MAP 0x8000000ul	// [vdso], [vvar]
#define VM_HUGEPAGE 0x20000000ul
#define VM_NOHUGEPAGE 0x40000000ul
#define VM_STACK 0x80000000ul
#define VM_DROPPABLE 0x100000000ul

struct fault {			// one page fault, as the handlers see it
	struct vma *vma;
	u64 addr;		// page-aligned
	u64 pgoff;		// in the mapped object
	u32 flags;		// FAULT_*
	struct folio *folio;	// out: with a reference, up to date (and locked when VM_FAULT_LOCKED is returned)
};
#define FAULT_UNSHARE BIT(16)	// beside the bits of arch/entry.h

struct vm_ops {
	void (*open)(struct vma *v);		// a copy was made (split, fork)
	void (*close)(struct vma *v);
	// Supplies fault->folio. 0, or -errno: -EFAULT gives SIGSEGV, -EIO and -ENODATA SIGBUS, -ENOMEM OOM, -EINTR retries after the signal.
	// A handler whose folios are not in v->mapping (devices) has v->mapping set to null by the mmap operation.
	int (*fault)(struct fault *f);
	int (*page_mkwrite)(struct fault *f);	// a shared file page becomes writable
	const char *(*name)(struct vma *v);	// for /proc/pid/maps
	int (*mprotect)(struct vma *v, u64 start, u64 end, u64 newflags);
};

struct vma {
	u64 start, end;			// [start, end)
	struct mm *mm SET_ONCE;
	u64 flags;			// VM_*
	pgprot_t prot;
	u64 pgoff;			// in pages; anonymous: virtual page number at creation
	struct file *file;		// counted; null: anonymous
	struct mapping *mapping;	// what is mapped: file->mapping, a shmem object, or null (private anonymous)
	const struct vm_ops *ops;
	void *private;
	struct rb_node i_mmap_node;	// in mapping.i_mmap, by pgoff (mm/i_mmap.c)
	u64 i_mmap_last;		// subtree maximum of the last page offset (augmented)
	struct atomic lock_count;	// faults that have it pinned; VMA_WRITER: a writer waits for them
	u32 lock_seq ATOMIC;		// mm.seq: write-locked in this write section
	bool has_anon ATOMIC;		// anonymous pages may be mapped here; never cleared
	u64 anon_off;			// virtual page number at creation minus now, for private VMAs that mremap moved
	struct list_head moved_link;	// in mm.moved when anon_off != 0
	struct vma *gone;		// list of what an operation removed
	char *anon_name;
};
