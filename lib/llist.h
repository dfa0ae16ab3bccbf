// lib/llist.h - lock-free singly linked list: any CPU adds, one takes everything.
//
// llist_add() and llist_del_all() need no lock, in any context, interrupts and NMI included.
// llist_del_first() needs one taker at a time: two could suffer the ABA problem.
#pragma once
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;	// ATOMIC
};

#define LLIST_HEAD_INIT(name) { NULL }
#define LLIST_HEAD(name) struct llist_head name = LLIST_HEAD_INIT(name)

static inline void init_llist_head(struct llist_head *h)
{
	h->first = NULL;
}

static inline bool llist_empty(const struct llist_head *h)
{
	return !READ_ONCE(h->first);
}

// Adds the chain first..last (first is the newest). True if the list was empty: the caller kicks the taker.
static inline bool llist_add_batch(struct llist_node *first, struct llist_node *last, struct llist_head *h)
{
	struct llist_node *old = READ_ONCE(h->first);

	do {
		WRITE_ONCE(last->next, old);
	} while (!try_cmpxchg(&h->first, &old, first));
	return !old;
}

// Adds n. True if the list was empty. A full barrier, so that the taker sees what was written before.
static inline bool llist_add(struct llist_node *n, struct llist_head *h)
{
	return llist_add_batch(n, n, h);
}

// For an owner that nobody races with.
static inline bool llist_add_exclusive(struct llist_node *n, struct llist_head *h)
{
	n->next = h->first;
	h->first = n;
	return !n->next;
}

// Takes the whole list, newest first. NULL if empty.
static inline struct llist_node *llist_del_all(struct llist_head *h)
{
	return xchg(&h->first, NULL);
}

static inline struct llist_node *llist_del_all_exclusive(struct llist_head *h)
{
	struct llist_node *n = h->first;

	h->first = NULL;
	return n;
}

// Takes the newest. One taker at a time.
static inline struct llist_node *llist_del_first(struct llist_head *h)
{
	struct llist_node *n = load_acquire(&h->first);

	while (n && !try_cmpxchg(&h->first, &n, READ_ONCE(n->next)))
		;
	return n;
}

// Turns a taken chain round: oldest first.
static inline struct llist_node *llist_reverse_order(struct llist_node *n)
{
	struct llist_node *out = NULL;

	while (n) {
		struct llist_node *next = n->next;
		n->next = out;
		out = n;
		n = next;
	}
	return out;
}

#define llist_entry(p, type, member) CONTAINER_OF(p, type, member)
#define llist_entry_safe(p, type, member) ({ \
	struct llist_node *le_p_ = (p); \
	le_p_ ? llist_entry(le_p_, type, member) : NULL; })
// n: the first node of a chain that was taken.
#define llist_for_each(p, n) for (p = (n); p; p = p->next)
#define llist_for_each_safe(p, t, n) for (p = (n); p && ({ t = p->next; 1; }); p = t)
#define llist_for_each_entry(e, n, member) \
	for (e = llist_entry_safe(n, typeof(*e), member); e; e = llist_entry_safe(e->member.next, typeof(*e), member))
// t is of e's type; e may be freed in the body.
#define llist_for_each_entry_safe(e, t, n, member) \
	for (e = llist_entry_safe(n, typeof(*e), member); \
	     e && ({ t = llist_entry_safe(e->member.next, typeof(*e), member); 1; }); e = t)
