// Users: what one user id owns over all processes. A hash table under one lock; looked up by setuid(2) only.
#include "task/cred.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "mm/slab.h"

#define USER_HASH_BITS 7

STATIC_SPINLOCK(users_lock, LOCK_HARDIRQ);
static struct hlist_head users[1 << USER_HASH_BITS];	// users_lock

struct user root_user = { .ref = REF_INIT(1) };

static struct hlist_head *user_bucket(kuid_t uid)
{
	return &users[hash_32(uid.val, USER_HASH_BITS)];
}

static struct user *user_find_locked(kuid_t uid) REQUIRES(&users_lock)
{
	struct user *u;

	hlist_for_each_entry(u, user_bucket(uid), link)
		if (uid_eq(u->uid, uid) && ref_get_unless_zero(&u->ref))
			return u;
	return NULL;
}

int user_get_by_uid(kuid_t uid, struct user **out)
{
	unsigned long flags = spin_lock_irqsave(&users_lock);
	struct user *u = user_find_locked(uid), *fresh;

	spin_unlock_irqrestore(&users_lock, flags);
	if (u) {
		*out = u;
		return 0;
	}
	fresh = kalloc(sizeof(*fresh), GFP_KERNEL);
	if (!fresh)
		return -ENOMEM;
	ref_init(&fresh->ref, 1);
	fresh->uid = uid;
	flags = spin_lock_irqsave(&users_lock);
	u = user_find_locked(uid);
	if (!u)
		hlist_add_head(&fresh->link, user_bucket(uid));
	spin_unlock_irqrestore(&users_lock, flags);
	if (u)
		kfree(fresh);
	*out = u ?: fresh;
	return 0;
}

void user_put(struct user *u)
{
	if (!u || !ref_put(&u->ref))
		return;
	unsigned long flags = spin_lock_irqsave(&users_lock);
	hlist_del(&u->link);
	spin_unlock_irqrestore(&users_lock, flags);
	kfree_rcu(u, rcu);
}

void user_init(void)
{
	hlist_add_head(&root_user.link, user_bucket(root_user.uid));
}
