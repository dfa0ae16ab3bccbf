// lib/list.h - intrusive doubly linked lists: list_head (circular, head and link alike) and hlist
// (one-pointer head, for hash tables). Linux's names and meanings. No locking: the owner's lock, or
// kern/rculist.h where readers run under RCU. Tests: list_test.c.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

// What a removed link holds: touching it faults, and the address says which list type it was.
#define LIST_POISON1 ((void *)0x210)
#define LIST_POISON2 ((void *)0x228)

#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *h)
{
	WRITE_ONCE(h->next, h);
	h->prev = h;
}

static inline void list_insert_between(struct list_head *n, struct list_head *prev, struct list_head *next)
{
	next->prev = n;
	n->next = next;
	n->prev = prev;
	WRITE_ONCE(prev->next, n);
}

// Adds n right after h: a stack.
static inline void list_add(struct list_head *n, struct list_head *h)
{
	list_insert_between(n, h, h->next);
}

// Adds n right before h: a queue.
static inline void list_add_tail(struct list_head *n, struct list_head *h)
{
	list_insert_between(n, h->prev, h);
}

static inline void list_join(struct list_head *prev, struct list_head *next)
{
	next->prev = prev;
	WRITE_ONCE(prev->next, next);
}

// Unlinks and leaves n's pointers as they are: only for a link that is written again at once.
static inline void list_del_entry(struct list_head *n)
{
	list_join(n->prev, n->next);
}

// Unlinks; list_empty(n) is not usable afterwards.
static inline void list_del(struct list_head *n)
{
	list_del_entry(n);
	n->next = LIST_POISON1;
	n->prev = LIST_POISON2;
}

// Unlinks; n is an empty list afterwards, so that it may be deleted again.
static inline void list_del_init(struct list_head *n)
{
	list_del_entry(n);
	INIT_LIST_HEAD(n);
}

static inline void list_replace(struct list_head *old, struct list_head *n)
{
	list_insert_between(n, old->prev, old->next);
}

static inline void list_replace_init(struct list_head *old, struct list_head *n)
{
	list_replace(old, n);
	INIT_LIST_HEAD(old);
}

static inline void list_move(struct list_head *n, struct list_head *h)
{
	list_del_entry(n);
	list_add(n, h);
}

static inline void list_move_tail(struct list_head *n, struct list_head *h)
{
	list_del_entry(n);
	list_add_tail(n, h);
}

// May be asked without the lock: the answer is then a hint.
static inline bool list_empty(const struct list_head *h)
{
	return READ_ONCE(h->next) == h;
}

static inline bool list_is_head(const struct list_head *n, const struct list_head *h)
{
	return n == h;
}

static inline bool list_is_first(const struct list_head *n, const struct list_head *h)
{
	return n->prev == h;
}

static inline bool list_is_last(const struct list_head *n, const struct list_head *h)
{
	return n->next == h;
}

static inline bool list_is_singular(const struct list_head *h)
{
	return !list_empty(h) && h->next == h->prev;
}

// Moves the first entry to the tail.
static inline void list_rotate_left(struct list_head *h)
{
	if (!list_empty(h))
		list_move_tail(h->next, h);
}

// Makes first the first entry of h.
static inline void list_rotate_to_front(struct list_head *first, struct list_head *h)
{
	list_move_tail(h, first);
}

static inline void list_splice_between(const struct list_head *from, struct list_head *prev, struct list_head *next)
{
	struct list_head *first = from->next, *last = from->prev;

	first->prev = prev;
	WRITE_ONCE(prev->next, first);
	last->next = next;
	next->prev = last;
}

// Puts all of `from` at the front of h; `from` itself is left stale.
static inline void list_splice(const struct list_head *from, struct list_head *h)
{
	if (!list_empty(from))
		list_splice_between(from, h, h->next);
}

static inline void list_splice_tail(const struct list_head *from, struct list_head *h)
{
	if (!list_empty(from))
		list_splice_between(from, h->prev, h);
}

static inline void list_splice_init(struct list_head *from, struct list_head *h)
{
	if (!list_empty(from)) {
		list_splice_between(from, h, h->next);
		INIT_LIST_HEAD(from);
	}
}

static inline void list_splice_tail_init(struct list_head *from, struct list_head *h)
{
	if (!list_empty(from)) {
		list_splice_between(from, h->prev, h);
		INIT_LIST_HEAD(from);
	}
}

// Moves the entries from the first of h up to and including n to `to`, whose old content is forgotten.
// n == h moves nothing.
static inline void list_cut_position(struct list_head *to, struct list_head *h, struct list_head *n)
{
	struct list_head *rest = n->next, *first = h->next;

	INIT_LIST_HEAD(to);
	if (list_empty(h) || n == h)
		return;
	list_join(h, rest);
	list_join(to, first);
	list_join(n, to);
}

#define list_entry(p, type, member) CONTAINER_OF(p, type, member)
#define list_first_entry(h, type, member) list_entry((h)->next, type, member)
#define list_last_entry(h, type, member) list_entry((h)->prev, type, member)
#define list_first_entry_or_null(h, type, member) ({ \
	struct list_head *lfe_h_ = (h), *lfe_n_ = READ_ONCE(lfe_h_->next); \
	lfe_n_ != lfe_h_ ? list_entry(lfe_n_, type, member) : NULL; })
#define list_last_entry_or_null(h, type, member) ({ \
	struct list_head *lle_h_ = (h), *lle_n_ = lle_h_->prev; \
	lle_n_ != lle_h_ ? list_entry(lle_n_, type, member) : NULL; })
#define list_next_entry(e, member) list_entry((e)->member.next, typeof(*(e)), member)
#define list_prev_entry(e, member) list_entry((e)->member.prev, typeof(*(e)), member)
#define list_entry_is_head(e, h, member) (&(e)->member == (h))

#define list_for_each(p, h) for (p = (h)->next; p != (h); p = p->next)
#define list_for_each_prev(p, h) for (p = (h)->prev; p != (h); p = p->prev)
#define list_for_each_safe(p, n, h) for (p = (h)->next, n = p->next; p != (h); p = n, n = p->next)
#define list_for_each_entry(e, h, member) \
	for (e = list_first_entry(h, typeof(*e), member); !list_entry_is_head(e, h, member); \
	     e = list_next_entry(e, member))
#define list_for_each_entry_reverse(e, h, member) \
	for (e = list_last_entry(h, typeof(*e), member); !list_entry_is_head(e, h, member); \
	     e = list_prev_entry(e, member))
// Safe against the removal of e in the body; n is a scratch cursor.
#define list_for_each_entry_safe(e, n, h, member) \
	for (e = list_first_entry(h, typeof(*e), member), n = list_next_entry(e, member); \
	     !list_entry_is_head(e, h, member); e = n, n = list_next_entry(n, member))
#define list_for_each_entry_safe_reverse(e, n, h, member) \
	for (e = list_last_entry(h, typeof(*e), member), n = list_prev_entry(e, member); \
	     !list_entry_is_head(e, h, member); e = n, n = list_prev_entry(n, member))
// From e itself; from the one after e; from the one before e, backwards.
#define list_for_each_entry_from(e, h, member) \
	for (; !list_entry_is_head(e, h, member); e = list_next_entry(e, member))
#define list_for_each_entry_continue(e, h, member) \
	for (e = list_next_entry(e, member); !list_entry_is_head(e, h, member); e = list_next_entry(e, member))
#define list_for_each_entry_continue_reverse(e, h, member) \
	for (e = list_prev_entry(e, member); !list_entry_is_head(e, h, member); e = list_prev_entry(e, member))

#define HLIST_HEAD_INIT { NULL }
#define HLIST_HEAD(name) struct hlist_head name = HLIST_HEAD_INIT

static inline void INIT_HLIST_HEAD(struct hlist_head *h)
{
	h->first = NULL;
}

static inline void INIT_HLIST_NODE(struct hlist_node *n)
{
	n->next = NULL;
	n->pprev = NULL;
}

static inline bool hlist_unhashed(const struct hlist_node *n)
{
	return !n->pprev;
}

static inline bool hlist_unhashed_lockless(const struct hlist_node *n)
{
	return !READ_ONCE(n->pprev);
}

static inline bool hlist_empty(const struct hlist_head *h)
{
	return !READ_ONCE(h->first);
}

static inline void hlist_del_entry(struct hlist_node *n)
{
	struct hlist_node *next = n->next, **pprev = n->pprev;

	WRITE_ONCE(*pprev, next);
	if (next)
		WRITE_ONCE(next->pprev, pprev);
}

static inline void hlist_del(struct hlist_node *n)
{
	hlist_del_entry(n);
	n->next = LIST_POISON1;
	n->pprev = LIST_POISON2;
}

// Does nothing to a node that is on no list.
static inline void hlist_del_init(struct hlist_node *n)
{
	if (!hlist_unhashed(n)) {
		hlist_del_entry(n);
		INIT_HLIST_NODE(n);
	}
}

static inline void hlist_add_head(struct hlist_node *n, struct hlist_head *h)
{
	struct hlist_node *first = h->first;

	WRITE_ONCE(n->next, first);
	if (first)
		WRITE_ONCE(first->pprev, &n->next);
	WRITE_ONCE(h->first, n);
	WRITE_ONCE(n->pprev, &h->first);
}

static inline void hlist_add_before(struct hlist_node *n, struct hlist_node *next)
{
	WRITE_ONCE(n->pprev, next->pprev);
	WRITE_ONCE(n->next, next);
	WRITE_ONCE(next->pprev, &n->next);
	WRITE_ONCE(*n->pprev, n);
}

static inline void hlist_add_behind(struct hlist_node *n, struct hlist_node *prev)
{
	WRITE_ONCE(n->next, prev->next);
	WRITE_ONCE(prev->next, n);
	WRITE_ONCE(n->pprev, &prev->next);
	if (n->next)
		WRITE_ONCE(n->next->pprev, &n->next);
}

// Moves the whole list to a new, empty head.
static inline void hlist_move_list(struct hlist_head *old, struct hlist_head *h)
{
	h->first = old->first;
	if (h->first)
		h->first->pprev = &h->first;
	old->first = NULL;
}

#define hlist_entry(p, type, member) CONTAINER_OF(p, type, member)
#define hlist_entry_safe(p, type, member) ({ \
	typeof(p) he_p_ = (p); \
	he_p_ ? hlist_entry(he_p_, type, member) : NULL; })
#define hlist_for_each(p, h) for (p = (h)->first; p; p = p->next)
#define hlist_for_each_safe(p, n, h) for (p = (h)->first; p && ({ n = p->next; 1; }); p = n)
#define hlist_for_each_entry(e, h, member) \
	for (e = hlist_entry_safe((h)->first, typeof(*e), member); e; \
	     e = hlist_entry_safe(e->member.next, typeof(*e), member))
// n is a struct hlist_node * cursor.
#define hlist_for_each_entry_safe(e, n, h, member) \
	for (e = hlist_entry_safe((h)->first, typeof(*e), member); e && ({ n = e->member.next; 1; }); \
	     e = hlist_entry_safe(n, typeof(*e), member))
