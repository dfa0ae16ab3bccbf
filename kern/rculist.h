// kern/rculist.h - lists that are read under RCU and changed under a lock of the writers.
//
// Removal leaves the removed entry's next pointer as it was: a reader that stands on it goes on. Whoever removes waits for a
// grace period before the entry is freed or put on another list.
#pragma once
#include "kern/rcu.h"
#include "lib/list.h"

static inline void list_add_rcu_between(struct list_head *n, struct list_head *prev, struct list_head *next)
{
	n->next = next;
	n->prev = prev;
	__atomic_store_n(&prev->next, n, __ATOMIC_RELEASE);	// pairs with the READ_ONCE of readers, which depend on the address
	next->prev = n;
}

static inline void list_add_rcu(struct list_head *n, struct list_head *h)
{
	list_add_rcu_between(n, h, h->next);
}

static inline void list_add_tail_rcu(struct list_head *n, struct list_head *h)
{
	list_add_rcu_between(n, h->prev, h);
}

static inline void list_del_rcu(struct list_head *n)
{
	n->next->prev = n->prev;
	WRITE_ONCE(n->prev->next, n->next);
	n->prev = LIST_POISON2;
}

#define list_for_each_entry_rcu(e, h, member) \
	for (e = list_entry(READ_ONCE((h)->next), typeof(*(e)), member); &(e)->member != (h); \
	     e = list_entry(READ_ONCE((e)->member.next), typeof(*(e)), member))

static inline void hlist_add_head_rcu(struct hlist_node *n, struct hlist_head *h)
{
	struct hlist_node *first = h->first;

	n->next = first;
	n->pprev = &h->first;
	__atomic_store_n(&h->first, n, __ATOMIC_RELEASE);
	if (first)
		first->pprev = &n->next;
}

// The node can be asked hlist_unhashed() afterwards; its next pointer stays for readers.
static inline void hlist_del_init_rcu(struct hlist_node *n)
{
	if (!n->pprev)
		return;
	WRITE_ONCE(*n->pprev, n->next);
	if (n->next)
		n->next->pprev = n->pprev;
	WRITE_ONCE(n->pprev, NULL);
}

static inline void hlist_del_rcu(struct hlist_node *n)
{
	WRITE_ONCE(*n->pprev, n->next);
	if (n->next)
		n->next->pprev = n->pprev;
	n->pprev = LIST_POISON2;
}

#define hlist_for_each_entry_rcu(e, h, member) \
	for (e = hlist_entry_safe(READ_ONCE((h)->first), typeof(*(e)), member); e; \
	     e = hlist_entry_safe(READ_ONCE((e)->member.next), typeof(*(e)), member))
