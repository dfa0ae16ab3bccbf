// mm/mm.h - an address space, and what the rest of the kernel does with it. Internals: mm/vma_tree.h, pgtable.h, rmap.h, tlb.h.
//
// Two counts: users (threads; at 0 the VMAs go) and ref (users > 0 counts once, lazy kernel threads, /proc readers; at 0 the struct goes).
// Lock order: mmap_lock > VMA pin > invalidate_lock > folio lock > i_mmap_lock > page-table locks. A file's copy to or from user memory
// happens with faults disabled under its locks, so mmap_lock is outside inode locks and the page cache's. docs/mm.md has the whole.
#pragma once
#include "kern/cpumask.h"
#include "mm/vma.h"
#include "mm/vma_tree.h"
#include "sched/mutex.h"
#include "sched/waitq.h"

struct cred;
struct iov_iter;
struct linux_binfmt_auxv;
struct task;
struct user;

enum mm_counter { MM_FILE, MM_ANON, MM_SHMEM, MM_SWAP, NR_MM_COUNTERS };

struct mm {
	struct vma_tree vmas;
	pgd_t *pgd SET_ONCE;
	struct rwsem mmap_lock;
	u32 seq ATOMIC;			// counts write sections of mmap_lock (mm/internal.h)
	struct atomic users;
	struct ref ref;
	u32 nr_vmas;			// written under mmap_lock
	struct cpumask cpus ATOMIC;	// CPUs that have pgd loaded, lazily or not
	struct atomic64 tlb_gen;
	struct atomic64 rss[NR_MM_COUNTERS];	// without what CPUs in `cpus` hold back (mm/tlb.h)
	struct waitq vma_wait;		// writers that wait for faults to let go of a VMA
	struct rmap_root *rmap SET_ONCE;	// reverse map node of this address space
	struct list_head rmap_link;	// in rmap->mms
	struct spinlock moved_lock;
	struct list_head moved GUARDED_BY(&moved_lock);	// VMAs that mremap moved (vma.moved_link)
	u64 mmap_base, task_size;	// written by exec only
	u64 start_code, end_code, start_data, end_data, start_brk, brk, start_stack, arg_start, arg_end, env_start, env_end;	// written under mmap_lock
	u64 total_vm, locked_vm, data_vm, exec_vm, stack_vm;	// pages; written under mmap_lock
	u64 def_flags;			// VM_LOCKED, VM_LOCKONFAULT: mlockall(MCL_FUTURE)
	u64 hiwater_rss ATOMIC, hiwater_vm;
	struct atomic64 pgtables_bytes;
	struct file *exe_file;		// counted; mmap_lock
	u64 saved_auxv[2 * 28];		// what /proc/pid/auxv shows
	u32 flags ATOMIC;		// MMF_*
	struct user *user;		// charged for locked memory
	const struct cred *owner_cred;
	u64 vdso;
	void *futex_private;
	struct rcu_head rcu;
};
#define MMF_OOM_VICTIM 0x1u
#define MMF_DUMPABLE_SHIFT 8		// 2 bits: SUID_DUMP_*
#define MMF_TOPDOWN 0x2u
#define MMF_32BIT_LAYOUT 0x4u

// SUID_DUMP_*: 0 no, 1 yes, 2 root only (prctl(PR_SET_DUMPABLE)).
static inline u32 mm_dumpable(const struct mm *mm) { return READ_ONCE(mm->flags) >> MMF_DUMPABLE_SHIFT & 3; }
static inline void mm_set_dumpable(struct mm *mm, u32 v)
{
	u32 old = READ_ONCE(mm->flags);

	while (!try_cmpxchg(&mm->flags, &old, (old & ~(3u << MMF_DUMPABLE_SHIFT)) | v << MMF_DUMPABLE_SHIFT))
		;
}

extern struct mm init_mm;		// the kernel's own tables

// Life. mm_create: an empty address space, users = 1. mm_fork: a copy of current's for a child (COW). 0 or -ENOMEM (-EINTR: killed).
MUST_CHECK int mm_create(struct mm **out);
MUST_CHECK int mm_fork(struct mm *old, struct mm **out);
static inline void mm_users_get(struct mm *mm) { atomic_inc(&mm->users); }
MUST_CHECK bool mm_users_get_unless_zero(struct mm *mm);
void mm_users_put(struct mm *mm);	// last one tears the mappings down. Context: task, may sleep
void mm_put(struct mm *mm);		// last one frees. Context: any
struct mm *task_mm_get(struct task *t);	// users reference, or null (kernel thread, exited)
// exec: current leaves its old mm (put) and runs in `mm` (consumed). exit: mm_exit drops current->mm, becomes lazy.
void mm_exec_install(struct mm *mm);
void mm_exit(void);
// mm_switch(): declared in sched/sched.h, called at a task switch when the two tasks' mm differ.

// Mapping. All take mmap_lock themselves. Return an address, or -errno. limits and permissions are checked here.
struct mmap_args {
	u64 addr, len;
	u32 prot, flags;		// PROT_*, MAP_*
	struct file *file;		// borrowed; null: anonymous
	u64 pgoff;
};
long mm_mmap(struct mm *mm, const struct mmap_args *a);
int mm_munmap(struct mm *mm, u64 addr, u64 len);
int mm_mprotect(struct mm *mm, u64 addr, u64 len, u32 prot);
long mm_mremap(struct mm *mm, u64 old, u64 old_len, u64 new_len, u32 flags, u64 new_addr);
int mm_madvise(struct mm *mm, u64 addr, u64 len, int advice);
long mm_brk(struct mm *mm, u64 brk);
int mm_msync(struct mm *mm, u64 addr, u64 len, int flags);
int mm_mincore(struct mm *mm, u64 addr, u64 len, uptr vec);
int mm_mlock(struct mm *mm, u64 addr, u64 len, u32 flags);	// MLOCK_ONFAULT
int mm_munlock(struct mm *mm, u64 addr, u64 len);
int mm_mlockall(struct mm *mm, int flags);
int mm_munlockall(struct mm *mm);
int mm_populate(struct mm *mm, u64 addr, u64 len);
// For exec (proc/exec.c), on an mm nobody else sees: maps a segment of a file, or zero-filled memory, or a special mapping; the stack.
long mm_map_segment(struct mm *mm, const struct mmap_args *a, u64 extra_vm_flags);
MUST_CHECK int mm_setup_stack(struct mm *mm, u64 top, u64 size, bool executable);
int mm_stack_relocate(struct mm *mm, u64 new_top);
MUST_CHECK int mm_install_special(struct mm *mm, u64 addr, u64 len, u64 vm_flags, const struct vm_ops *ops, void *private);
u64 mm_unmapped_area(struct mm *mm, u64 addr, u64 len, u64 pgoff, u32 flags);	// or -ENOMEM
void mm_layout(struct mm *mm, u64 stack_rlimit, bool randomise);	// mmap_base etc. for a new exec

// Faults. The port calls fault_user() / fault_kernel() through arch/entry.h; these are the generic bodies.
// Returns 0 handled; else a signal to send: *sig, *code filled (SIGSEGV MAPERR/ACCERR, SIGBUS ADRERR).
int mm_fault(struct mm *mm, u64 addr, u32 flags, int *sig, int *code);
// Other processes' memory (ptrace, /proc/pid/mem, exec's argument copy): bytes done or -errno. FOLL_FORCE semantics by flag.
#define MM_ACCESS_WRITE 1u
#define MM_ACCESS_FORCE 2u
ssize_t mm_access(struct mm *mm, u64 addr, void *buf, size_t len, u32 flags);
// Pins the page at addr of current's or another mm: fault in as needed.
MUST_CHECK int mm_get_page(struct mm *mm, u64 addr, u32 flags, struct folio **out, size_t *offset);
// Identity of a futex word: private (mm, address) or shared (object, offset). Defined in mm/gup.c.
struct futex_key_parts { u64 ptr; u64 word; u32 offset; };
MUST_CHECK int mm_futex_key(struct mm *mm, u64 addr, bool shared, bool write, struct futex_key_parts *out);

// Statistics of user mappings, in pages, of the whole machine.
enum mm_stat { MM_STAT_ANON, MM_STAT_MAPPED, MM_STAT_PGTABLES, NR_MM_STATS };
u64 mm_stat_read(enum mm_stat s);
s64 vm_committed(void);			// pages charged by vm_charge()
u64 vm_commit_limit(void);
// Lookup for /proc: the caller holds mmap_lock for read, or RCU and copes with change.
struct vma *mm_find_vma(struct mm *mm, u64 addr);		// first with end > addr
struct vma *mm_next_vma(struct mm *mm, struct vma *v);
s64 mm_rss(struct mm *mm, enum mm_counter c);
// Overcommit: charge pages of private writable memory. -ENOMEM.
MUST_CHECK int vm_charge(struct mm *mm, u64 pages);
void vm_uncharge(u64 pages);
extern int sysctl_overcommit_memory, sysctl_overcommit_ratio;
extern u64 sysctl_overcommit_kbytes;
extern int sysctl_max_map_count;	// 65530

// Reclaim: shrinkers give memory back that is not in the page cache (dentries, inodes).
struct shrinker {
	struct list_head link;
	u64 (*count)(struct shrinker *s);			// objects that could go
	u64 (*scan)(struct shrinker *s, u64 nr);		// frees up to nr, returns how many
	const char *name;
};
void shrinker_register(struct shrinker *s);
void shrinker_unregister(struct shrinker *s);
void mm_init(void);			// INIT: caches, init_mm, kswapd later
// Upcalls: defined in task/oom.c: picks and kills a victim. True: somebody is dying, try again.
bool oom_kill(gfp_t gfp, int order);
// Upcalls: defined in task/process.c, task/cred.c
u64 rlimit(int which);			// current's soft limit, RLIMIT_*
bool capable(int cap);
// Upcalls: defined in fs/file.c: references that a VMA or mm holds on a file
void file_get_ref(struct file *f);
void file_put_ref(struct file *f);
// Upcalls: defined in proc/exec.c: the reference of an mm on its program, which nobody may write to meanwhile.
void exe_file_get(struct file *f);
void exe_file_put(struct file *f);
struct mapping *file_mapping(struct file *f);
bool file_allows_exec(struct file *f);	// not mounted noexec
u32 file_mode_bits(struct file *f);	// FMODE_READ 1, FMODE_WRITE 2
MUST_CHECK int file_sync_range(struct file *f, loff_t start, loff_t end);	// fsync of a byte range, for msync
MUST_CHECK int file_mmap(struct file *f, struct vma *v);	// calls f->ops->mmap; -ENODEV when it has none
