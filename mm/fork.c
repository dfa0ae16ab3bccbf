// fork(2): the child gets copies of the VMAs (its tree is built in one go) and of the page tables that a fault could not rebuild.
// Private memory becomes read-only on both sides; the first write on either side copies the page (fault.c).
#include "mm/internal.h"
#include "mm/rmap.h"


struct copy {
	struct mm *to;
	struct vma *v;		// the parent's
	bool cow;		// private memory
	bool plain;		// nobody else runs in the parent: entries can be stored, no accessed or dirty bit is lost
	bool protected;		// entries of the parent lost their write bit
	s32 rss[NR_MM_COUNTERS];
};

// Ptes of [a, end) below one pmd; both tables' locks are held.
static void copy_ptes(struct copy *c, pte_t *from, pte_t *to, u64 a, u64 end)
{
	const bool cow = c->cow, plain = c->plain;
	u32 anon = 0;
	for (; a < end; a += PAGE_SIZE, from++, to++) {
		pte_t e = pte_read(from);
		if (!pte_present(e)) {
			if (unlikely(!pte_none(e)))
				pte_set(to, e);
			continue;
		}
		if (unlikely(pte_special(e))) {
			pte_set(to, e);
			continue;
		}
		struct folio *f = page_folio(pfn_page(pte_pfn(e)));
		if (cow && pte_write(e)) {
			e = pte_wrprotect(e);
			if (plain)
				pte_set(from, e);
			else
				pte_set_wrprotect(from);
			c->protected = true;
		}
		folio_dup_map(f);
		pte_set(to, pte_mkold(e));
		if (likely(READ_ONCE(f->flags) & BIT(PG_ANON)))
			anon++;
		else
			c->rss[folio_counter(f)]++;
	}
	c->rss[MM_ANON] += anon;
}

static int copy_large(struct copy *c, pmd_t *pmd, u64 a)
{
	pmd_t *to;
	int err = pmd_get(c->to, a, &to);
	if (err)
		return err;
	spin_lock(pmd_lock_of(pmd));
	pmd_t m = pmd_read(pmd);
	if (pmd_leaf(m)) {
		if (c->cow && pmd_write(m)) {
			pmd_set_wrprotect(pmd);
			m = pmd_wrprotect(m);
			c->protected = true;
		}
		struct folio *f = pfn_page(pmd_pfn(m));
		folio_dup_map(f);
		c->rss[folio_counter(f)] += PTRS_PER_PTE;
		pmd_set(to, pmd_mkold(m));
	}
	spin_unlock(pmd_lock_of(pmd));
	return pmd_leaf(m) ? 0 : -EAGAIN;
}

static int copy_table(struct copy *c, pmd_t *pmd, u64 a, u64 end)
{
	pmd_t *to;
	int err = pmd_get(c->to, a, &to) ?: pte_table_make(c->to, to);
	if (err)
		return err;
	pmd_t m = pmd_read(pmd);
	pte_t *from = pte_lock_pmd(m, a);
	// Of the child's tables only truncation knows (its VMA is linked), which clears single entries. It comes to the child after the
	// parent (i_mmap's order), so what it took from the parent before is not copied, and what is copied it finds.
	copy_ptes(c, from, pte_at(pmd_read(to), a), a, end);
	pte_unlock(from);
	return 0;
}

static int copy_range(struct copy *c, u64 a, u64 end)
{
	struct mm *mm = c->v->mm;
	for (u64 next; a < end; a = next) {
		pmd_t *pmd = pmd_lookup(mm, a);
		next = pmd_next(a, end);
		if (!pmd) {
			next = pud_next(a, end);
			continue;
		}
		pmd_t m = pmd_read(pmd);
		if (pmd_none(m))
			continue;
		int err = pmd_leaf(m) ? copy_large(c, pmd, a) : copy_table(c, pmd, a, next);
		if (err == -EAGAIN)
			err = copy_table(c, pmd, a, next);
		if (err)
			return err;
	}
	return 0;
}

// Whether the child's faults could not find what is mapped: private copies, raw page frames.
static bool needs_copy(const struct vma *v)
{
	return v->has_anon || (v->flags & VM_PFNMAP);
}

static int fork_vma(struct mm *mm, struct vma *v, struct vtree_builder *b, struct copy *c, struct vma ***tail)
{
	struct vma *n;
	u64 pages = vma_pages(v);
	int err;

	vma_lock_write(v);
	if (v->flags & VM_DONTCOPY)
		return 0;
	if (v->flags & VM_ACCOUNT) {
		err = vm_charge(mm, pages);
		if (err)
			return err;
	}
	n = vma_dup(v, mm);
	if (!n) {
		err = -ENOMEM;
		goto uncharge;
	}
	vma_set_flags(n, v->flags & ~(VM_LOCKED | VM_LOCKONFAULT));
	struct vtree_item item = vma_item(n);
	err = vtree_builder_add(b, &item);
	if (err)
		goto free_vma;
	**tail = n;
	*tail = &n->gone;
	n->gone = NULL;
	vma_link_mapping(n);
	if (n->anon_off) {
		spin_lock(&mm->moved_lock);
		list_add(&n->moved_link, &mm->moved);
		spin_unlock(&mm->moved_lock);
	}
	if (n->ops && n->ops->open)
		n->ops->open(n);
	mm->nr_vmas++;
	vm_account(mm, n->flags, pages);
	if (v->flags & VM_WIPEONFORK) {
		n->has_anon = false;
		return 0;
	}
	if (!needs_copy(v))
		return 0;
	c->v = v;
	c->cow = !(v->flags & VM_SHARED);
	return copy_range(c, v->start, v->end);

free_vma:
	n->ops = NULL;
	vma_free(n);
uncharge:
	if (v->flags & VM_ACCOUNT)
		vm_uncharge(pages);
	return err;
}

static void copy_fields(struct mm *mm, const struct mm *old)
{
	mm->mmap_base = old->mmap_base;
	mm->task_size = old->task_size;
	mm->start_code = old->start_code;
	mm->end_code = old->end_code;
	mm->start_data = old->start_data;
	mm->end_data = old->end_data;
	mm->start_brk = old->start_brk;
	mm->brk = old->brk;
	mm->start_stack = old->start_stack;
	mm->arg_start = old->arg_start;
	mm->arg_end = old->arg_end;
	mm->env_start = old->env_start;
	mm->env_end = old->env_end;
	mm->flags = old->flags & ~MMF_OOM_VICTIM;
	mm->user = old->user;
	mm->owner_cred = old->owner_cred;
	mm->vdso = old->vdso;
	for (size_t i = 0; i < ARRAY_SIZE(mm->saved_auxv); i++)
		mm->saved_auxv[i] = old->saved_auxv[i];
	mm->exe_file = old->exe_file;
	if (mm->exe_file)
		exe_file_get(mm->exe_file);
}

int mm_fork(struct mm *old, struct mm **out)
{
	struct vtree_builder b = { .depth = 0 };
	struct mm *mm;
	int err = mm_create_child(old, &mm);
	if (err)
		return err;
	err = mmap_write_lock_killable(old);
	if (err)
		goto put;
	struct copy c = { .to = mm, .plain = atomic_read(&old->users) == 1 && current->mm == old };
	copy_fields(mm, old);
	struct vma *list = NULL, **tail = &list;
	for (struct vma *v = vma_after(old, 0); v && !err; v = vma_after(old, v->end))
		err = fork_vma(mm, v, &b, &c, &tail);
	err = err ?: vtree_builder_finish(&b, &mm->vmas);
	if (err) {
		vtree_builder_destroy(&b);
		vmas_teardown(mm, list);
	}
	mm->hiwater_vm = mm->total_vm;
	mm->hiwater_rss = 0;
	for (int i = 0; i < NR_MM_COUNTERS && !err; i++) {
		atomic64_add(&mm->rss[i], c.rss[i]);	// truncation may have taken some away already
		mm->hiwater_rss += c.rss[i];
	}
	mmap_seq_end(mm);	// its VMAs were made write-locked
	if (c.protected)
		tlb_flush_mm(old);
	mmap_write_unlock(old);
	if (!err) {
		*out = mm;
		return 0;
	}
put:
	mm_users_put(mm);
	return err;
}
