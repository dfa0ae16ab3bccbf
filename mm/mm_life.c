// The life of an address space: creation, counts, the end; overcommit accounting; lookups for /proc.
#include "kern/random.h"
#include "mm/internal.h"
#include "mm/rmap.h"
#include <linux/personality.h>
#include <linux/resource.h>

struct mm init_mm = {
	.users = { 1 },
	.ref = REF_INIT(1),
	.seq = 1,
};
DEFINE_LOCK_CLASS_NESTABLE(mmap_lock_class, LOCK_TASK);	// fork: child's inside parent's
DEFINE_LOCK_CLASS(moved_lock_class, LOCK_TASK);
static struct kmem_cache *mm_cache;

static int mm_alloc(struct mm **out, struct mm *rmap_parent)
{
	struct mm *mm = kmem_cache_alloc(mm_cache, GFP_KERNEL | GFP_UNINIT);
	if (!mm)
		return -ENOMEM;
	*mm = (struct mm){ .users = { 1 }, .ref = REF_INIT(1), .seq = 1, .task_size = TASK_SIZE_MAX };
	rwsem_init(&mm->mmap_lock, &mmap_lock_class);
	waitq_init(&mm->vma_wait);
	spin_init(&mm->moved_lock, &moved_lock_class);
	INIT_LIST_HEAD(&mm->moved);
	mm->pgd = pgd_create();
	if (!mm->pgd)
		goto free_mm;
	if (rmap_create(mm, rmap_parent))
		goto free_pgd;
	*out = mm;
	return 0;
free_pgd:
	pgd_destroy(mm->pgd);
free_mm:
	kmem_cache_free(mm_cache, mm);
	return -ENOMEM;
}

int mm_create(struct mm **out)
{
	return mm_alloc(out, NULL);
}

int mm_create_child(struct mm *parent, struct mm **out)
{
	return mm_alloc(out, parent);
}

bool mm_users_get_unless_zero(struct mm *mm)
{
	return atomic_inc_not_zero(&mm->users);
}

static void mm_free_rcu(struct rcu_head *h)
{
	kmem_cache_free(mm_cache, CONTAINER_OF(h, struct mm, rcu));
}

void mm_put(struct mm *mm)
{
	if (!ref_put(&mm->ref))
		return;
	pgd_destroy(mm->pgd);
	call_rcu(&mm->rcu, mm_free_rcu);	// a late vma_try_pin() may look at it
}

void mm_users_put(struct mm *mm)
{
	might_sleep();
	if (!atomic_dec_and_test(&mm->users))
		return;
	rmap_leave(mm);
	mm_teardown(mm);
	if (mm->exe_file)
		exe_file_put(mm->exe_file);
	mm->exe_file = NULL;
	mm_put(mm);
}

struct mm *task_mm_get(struct task *t)
{
	spin_lock(&t->alloc_lock);
	struct mm *mm = t->mm;
	if (mm && !mm_users_get_unless_zero(mm))
		mm = NULL;
	spin_unlock(&t->alloc_lock);
	return mm;
}

struct vma *mm_find_vma(struct mm *mm, u64 addr)
{
	return vma_after(mm, addr);
}

struct vma *mm_next_vma(struct mm *mm, struct vma *v)
{
	return vma_after(mm, v->end);
}

// ---- overcommit ----

int sysctl_overcommit_memory, sysctl_overcommit_ratio = 50;
u64 sysctl_overcommit_kbytes;
int sysctl_max_map_count = 65530;

static struct atomic64 committed_total;
STATIC_PER_CPU(s64, committed_here);	// not yet in committed_total
#define COMMIT_BATCH 256

static void commit_add(s64 pages)
{
	s64 v = this_cpu_add_return(committed_here, pages);
	if (unlikely(v > COMMIT_BATCH || v < -COMMIT_BATCH))
		atomic64_add(&committed_total, this_cpu_xchg(committed_here, (s64)0));
}

s64 vm_committed(void)
{
	s64 sum = atomic64_read(&committed_total);
	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(committed_here, cpu));
	return sum;
}

u64 vm_commit_limit(void)
{
	if (sysctl_overcommit_kbytes)
		return sysctl_overcommit_kbytes >> (PAGE_SHIFT - 10);
	return mem_total_pages() * sysctl_overcommit_ratio / 100;
}

// Modes as in man 5 proc, /proc/sys/vm/overcommit_memory. Heuristic: only what could never fit is refused.
int vm_charge(struct mm *mm, u64 pages)
{
	commit_add(pages);
	int mode = READ_ONCE(sysctl_overcommit_memory);
	if (mode == 1 || (mode == 0 && pages <= mem_total_pages()))
		return 0;
	if (mode == 2) {
		// mm is null when a kernel thread writes to a tmpfs.
		u64 limit = vm_commit_limit(), reserve = mm ? MIN(mm->total_vm / 32, (u64)(131072 >> (PAGE_SHIFT - 10))) : 0;
		if ((u64)MAX(vm_committed(), (s64)0) + reserve < limit)
			return 0;
	}
	commit_add(-(s64)pages);
	return -ENOMEM;
}

void vm_uncharge(u64 pages)
{
	commit_add(-(s64)pages);
}

// ---- layout ----

#define STACK_RND_PAGES 0x3fffffull		// 16 GiB, as Linux on x86-64
#define MMAP_RND_BITS 28

// man 2 personality, ADDR_COMPAT_LAYOUT; the gap below the stack is its limit, between 128 MiB and 5/6 of the space.
void mm_layout(struct mm *mm, u64 stack_rlimit, bool randomise)
{
	u64 rnd = randomise ? (random_u64() & ((1ull << MMAP_RND_BITS) - 1)) << PAGE_SHIFT : 0;
	u64 pad = STACK_GUARD_GAP + (randomise ? STACK_RND_PAGES << PAGE_SHIFT : 0);
	u64 gap = stack_rlimit;
	mm->task_size = TASK_SIZE_MAX;
	if (stack_rlimit == ~0ull || (current->personality & ADDR_COMPAT_LAYOUT)) {
		mm->flags &= ~MMF_TOPDOWN;
		mm->mmap_base = page_align(TASK_SIZE_MAX / 3) + rnd;
		return;
	}
	gap = gap + pad > gap ? gap + pad : gap;
	gap = CLAMP(gap, 128ull << 20, TASK_SIZE_MAX / 6 * 5);
	mm->mmap_base = page_align(TASK_SIZE_MAX - gap - rnd);
	mm->flags |= MMF_TOPDOWN;
}

void mm_init(void)
{
	mm_cache = kmem_cache_create("mm", sizeof(struct mm), 64, SLAB_PANIC | SLAB_ACCOUNT, NULL);
	init_mm.pgd = phys_to_virt(kernel_pgd_paddr);
	rwsem_init(&init_mm.mmap_lock, &mmap_lock_class);
	waitq_init(&init_mm.vma_wait);
	spin_init(&init_mm.moved_lock, &moved_lock_class);
	INIT_LIST_HEAD(&init_mm.moved);
	vma_init();
	rmap_init();
	fault_init();
}
