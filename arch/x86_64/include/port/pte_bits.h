// port/pte_bits.h - x86_64's entries: what port/pte.h says besides where things are. arch/host, which walks tables in software, has the same.
#pragma once

#define PAGE_SHIFT 12
#define PAGE_SIZE (1ul << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PMD_SHIFT 21
#define PMD_SIZE (1ul << PMD_SHIFT)
#define PMD_MASK (~(PMD_SIZE - 1))
#define PUD_SHIFT 30
#define PUD_SIZE (1ul << PUD_SHIFT)
#define PUD_MASK (~(PUD_SIZE - 1))
#define PGD_SHIFT 39
#define PGD_SIZE (1ul << PGD_SHIFT)
#define PGD_MASK (~(PGD_SIZE - 1))
#define PTRS_PER_PTE 512
#define PTRS_PER_PMD 512
#define PTRS_PER_PUD 512
#define PTRS_PER_PGD 512
#define PGTABLE_LEVELS 4
// User entries of the top-level table: [0, PTRS_PER_PGD_USER).
#define PTRS_PER_PGD_USER 256

#define PTE_P 0x1ull
#define PTE_W 0x2ull
#define PTE_U 0x4ull
#define PTE_PWT 0x8ull
#define PTE_PCD 0x10ull
#define PTE_A 0x20ull
#define PTE_D 0x40ull
#define PTE_PS 0x80ull		// a large page; in a pte: PAT
#define PTE_G 0x100ull		// global; in an entry that is not present: PROT_NONE
#define PTE_SPECIAL 0x200ull
#define PTE_SOFT_DIRTY 0x400ull
#define PTE_UFFD_WP 0x800ull
#define PTE_NX (1ull << 63)
#define PTE_PFN_MASK 0x000ffffffffff000ull
#define PTE_TABLE (PTE_P | PTE_W | PTE_U | PTE_A)

// Bits 1-2 of an entry that is neither present nor PROT_NONE.
#define PTE_KIND_MASK 0x6ull
#define PTE_KIND_SWAP 0x2ull
#define PTE_KIND_MARKER 0x4ull
#define PTE_KIND_MIGRATION 0x6ull

typedef struct { u64 v; } pte_t;
typedef struct { u64 v; } pmd_t;
typedef struct { u64 v; } pud_t;
typedef struct { u64 v; } pgd_t;

// PAT is left as the processor has it: 0 write-back, 1 write-through, 2 uncached-, 3 uncached; entry 1 is made
// write-combining by cpu.c, since nobody uses write-through.
#define PTE_CACHE_MASK (PTE_PWT | PTE_PCD)
#define PGPROT_KERNEL ((pgprot_t){ PTE_P | PTE_W | PTE_A | PTE_D | PTE_G | PTE_NX })
#define PGPROT_KERNEL_RO ((pgprot_t){ PTE_P | PTE_A | PTE_G | PTE_NX })
#define PGPROT_KERNEL_RX ((pgprot_t){ PTE_P | PTE_A | PTE_G })
#define PGPROT_KERNEL_UC ((pgprot_t){ PTE_P | PTE_W | PTE_A | PTE_D | PTE_G | PTE_NX | PTE_PWT | PTE_PCD })

static inline pgprot_t pgprot_user(bool read, bool write, bool exec)
{
	if (!read && !write && !exec)
		return (pgprot_t){ PTE_G | PTE_U | PTE_NX };	// PROT_NONE
	return (pgprot_t){ PTE_P | PTE_U | (write ? PTE_W : 0) | (exec ? 0 : PTE_NX) };
}

static inline pgprot_t pgprot_uncached(pgprot_t p)
{
	return (pgprot_t){ p.v | PTE_PWT | PTE_PCD };
}

static inline pgprot_t pgprot_write_combine(pgprot_t p)
{
	return (pgprot_t){ (p.v & ~PTE_CACHE_MASK) | PTE_PWT };
}

#define PTE_LEVEL_(X, S) \
static ALWAYS_INLINE X##_t X##_read(const X##_t *p) { return (X##_t){ READ_ONCE(p->v) }; } \
static ALWAYS_INLINE void X##_set(X##_t *p, X##_t e) { WRITE_ONCE(p->v, e.v); } \
static ALWAYS_INLINE X##_t X##_xchg(X##_t *p, X##_t e) \
	{ return (X##_t){ __atomic_exchange_n(&p->v, e.v, __ATOMIC_SEQ_CST) }; } \
static ALWAYS_INLINE bool X##_cmpxchg(X##_t *p, X##_t *old, X##_t e) \
	{ return __atomic_compare_exchange_n(&p->v, &old->v, e.v, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); } \
static ALWAYS_INLINE bool X##_none(X##_t e) { return !e.v; } \
static ALWAYS_INLINE bool X##_present(X##_t e) { return e.v & (PTE_P | PTE_G); } \
static ALWAYS_INLINE bool X##_same(X##_t a, X##_t b) { return a.v == b.v; } \
static ALWAYS_INLINE u32 X##_index(u64 va) { return va >> S##_SHIFT & 511; }
PTE_LEVEL_(pte, PAGE)
PTE_LEVEL_(pmd, PMD)
PTE_LEVEL_(pud, PUD)
PTE_LEVEL_(pgd, PGD)
#undef PTE_LEVEL_

#define PTE_UPPER_(X) \
static ALWAYS_INLINE X##_t X##_table(paddr_t pa) { return (X##_t){ pa | PTE_TABLE }; } \
static ALWAYS_INLINE paddr_t X##_table_paddr(X##_t e) { return e.v & PTE_PFN_MASK; } \
static ALWAYS_INLINE bool X##_leaf(X##_t e) { return (e.v & PTE_PS) && X##_present(e); } \
static ALWAYS_INLINE bool X##_bad(X##_t e) \
	{ return e.v && !X##_leaf(e) && (e.v & ~PTE_PFN_MASK & ~(PTE_A | PTE_D | PTE_U)) != (PTE_P | PTE_W); }
PTE_UPPER_(pmd)
PTE_UPPER_(pud)
PTE_UPPER_(pgd)
#undef PTE_UPPER_

#define PTE_BIT_(X, name, bit, set, clear) \
static ALWAYS_INLINE bool X##_##name(X##_t e) { return e.v & (bit); } \
static ALWAYS_INLINE X##_t X##_##set(X##_t e) { return (X##_t){ e.v | (bit) }; } \
static ALWAYS_INLINE X##_t X##_##clear(X##_t e) { return (X##_t){ e.v & ~(bit) }; }

// What a leaf says of its page. ps: the bit that makes it one.
#define PTE_LEAF_(X, ps) \
static ALWAYS_INLINE X##_t X##_make(u64 pfn, pgprot_t prot) { return (X##_t){ pfn << PAGE_SHIFT | prot.v | (ps) }; } \
static ALWAYS_INLINE u64 X##_pfn(X##_t e) { return (e.v & PTE_PFN_MASK) >> PAGE_SHIFT; } \
static ALWAYS_INLINE bool X##_user(X##_t e) { return e.v & PTE_U; } \
static ALWAYS_INLINE bool X##_exec(X##_t e) { return !(e.v & PTE_NX); } \
static ALWAYS_INLINE bool X##_protnone(X##_t e) { return (e.v & (PTE_P | PTE_G)) == PTE_G; } \
PTE_BIT_(X, write, PTE_W, mkwrite, wrprotect) \
PTE_BIT_(X, young, PTE_A, mkyoung, mkold) \
PTE_BIT_(X, dirty, PTE_D, mkdirty, mkclean) \
PTE_BIT_(X, special, PTE_SPECIAL, mkspecial, clear_special) \
PTE_BIT_(X, soft_dirty, PTE_SOFT_DIRTY, mk_soft_dirty, clear_soft_dirty) \
PTE_BIT_(X, uffd_wp, PTE_UFFD_WP, mk_uffd_wp, clear_uffd_wp) \
static ALWAYS_INLINE X##_t X##_modify(X##_t e, pgprot_t prot) \
{ \
	u64 keep = PTE_PFN_MASK | PTE_A | PTE_D | PTE_SPECIAL | PTE_SOFT_DIRTY | PTE_UFFD_WP | (ps); \
	return (X##_t){ (e.v & keep) | prot.v }; \
} \
/* Clears the accessed bit in place; whether it was set. */ \
static ALWAYS_INLINE bool X##_test_clear_young(X##_t *p) \
	{ return __atomic_fetch_and(&p->v, ~PTE_A, __ATOMIC_RELAXED) & PTE_A; } \
/* Removes the write permission in place, losing no accessed or dirty bit. */ \
static ALWAYS_INLINE void X##_set_wrprotect(X##_t *p) { __atomic_fetch_and(&p->v, ~PTE_W, __ATOMIC_RELAXED); } \
/* Not present: bit 0 and bit 8 clear; kind in bits 1-2, flags in 3-7, type in 9-13. The offset's complement is stored in \
   bits 14-63, so that a processor that speculates past a clear P bit finds no memory there (L1TF). */ \
static ALWAYS_INLINE X##_t X##_swap_entry_(u64 kind, u32 type, u64 off, u32 flags) \
	{ return (X##_t){ kind | (u64)flags << 3 | (u64)type << 9 | ~off << 14 }; } \
static ALWAYS_INLINE bool X##_kind_is_(X##_t e, u64 kind) { return !X##_present(e) && (e.v & PTE_KIND_MASK) == kind; } \
static ALWAYS_INLINE X##_t X##_swap(u32 type, u64 off, u32 flags) { return X##_swap_entry_(PTE_KIND_SWAP, type, off, flags); } \
static ALWAYS_INLINE bool X##_is_swap(X##_t e) { return X##_kind_is_(e, PTE_KIND_SWAP); } \
static ALWAYS_INLINE u32 X##_swap_type(X##_t e) { return e.v >> 9 & 31; } \
static ALWAYS_INLINE u64 X##_swap_offset(X##_t e) { return ~e.v >> 14; } \
static ALWAYS_INLINE u32 X##_swap_flags(X##_t e) { return e.v >> 3 & 31; } \
static ALWAYS_INLINE X##_t X##_migration(u64 pfn, u32 flags) { return X##_swap_entry_(PTE_KIND_MIGRATION, 0, pfn, flags); } \
static ALWAYS_INLINE bool X##_is_migration(X##_t e) { return X##_kind_is_(e, PTE_KIND_MIGRATION); } \
static ALWAYS_INLINE u64 X##_migration_pfn(X##_t e) { return ~e.v >> 14; } \
static ALWAYS_INLINE X##_t X##_marker(u32 kind) { return X##_swap_entry_(PTE_KIND_MARKER, kind, 0, 0); } \
static ALWAYS_INLINE bool X##_is_marker(X##_t e) { return X##_kind_is_(e, PTE_KIND_MARKER); } \
static ALWAYS_INLINE u32 X##_marker_kind(X##_t e) { return e.v >> 9 & 31; }
PTE_LEAF_(pte, 0)
PTE_LEAF_(pmd, PTE_PS)
PTE_LEAF_(pud, PTE_PS)
#undef PTE_LEAF_
#undef PTE_BIT_
