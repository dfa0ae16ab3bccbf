// Process identifiers: numbers from a sparse array per namespace, found under RCU.
#include "task/pid.h"
#include "kern/rculist.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "task/cred.h"
#include "task/process.h"

#define PID_MAX_DEFAULT 0x8000u
#define RESERVED_PIDS 300u	// after the first round, small numbers are left to daemons started at boot

DEFINE_LOCK_CLASS(pid_xa_lock_class, LOCK_HARDIRQ);
static struct kmem_cache *pid_cache RO_AFTER_INIT;	// of the initial namespace's level

struct pid_namespace init_pid_ns = {
	.ref = REF_INIT(1),
	.next = 1,
	.pid_max = PID_MAX_DEFAULT,
	.user_ns = &init_user_ns,
};

static void pid_free_memory(struct pid *p)
{
	if (p->level == 0)
		kmem_cache_free(pid_cache, p);
	else
		kfree(p);
}

static void pid_free_rcu(struct rcu_head *h)
{
	pid_free_memory(CONTAINER_OF(h, struct pid, rcu));
}

void pid_put(struct pid *p)
{
	if (p && ref_put(&p->ref))
		call_rcu(&p->rcu, pid_free_rcu);
}

static int number_alloc(struct pid_namespace *ns, pid_t want, struct pid *p, pid_t *nr)
{
	u32 id, last = ns->pid_max - 1;
	int err;

	if (want) {
		err = xa_insert(&ns->pids, want, p, GFP_KERNEL);
		id = want;
	} else {
		u32 next = READ_ONCE(ns->next), min = next > RESERVED_PIDS ? RESERVED_PIDS : 1;
		err = xa_alloc_cyclic(&ns->pids, &id, p, min, last, &ns->next, GFP_KERNEL);
		if (err == -EBUSY)
			err = -EAGAIN;
	}
	if (!err)
		*nr = id;
	return err;
}

// set_tid[0] is the number in ns itself, the next one in its parent, and so on.
static int number_wanted(const struct pid_namespace *ns, const pid_t *set_tid, size_t i, pid_t *want)
{
	*want = set_tid[i];
	if (*want < 1 || (u32)*want >= ns->pid_max)
		return -EINVAL;
	if (*want != 1 && !ns->child_reaper)	// the first process of a namespace is its init
		return -EINVAL;
	return ns_capable(ns->user_ns, 21 /* CAP_SYS_ADMIN */) || ns_capable(ns->user_ns, 40 /* CAP_CHECKPOINT_RESTORE */) ? 0 : -EPERM;
}

int pid_alloc(struct pid_namespace *ns, const pid_t *set_tid, size_t n, struct pid **out)
{
	u32 level = ns->level;
	struct pid *p;
	int err = 0;

	if (n > (size_t)level + 1)
		return -EINVAL;
	p = level == 0 ? kmem_cache_alloc(pid_cache, GFP_KERNEL)
		       : kalloc(sizeof(*p) + (level + 1) * sizeof(struct upid), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	ref_init(&p->ref, 1);
	p->level = level;
	waitq_init(&p->wait_pidfd);
	size_t i = 0;
	for (struct pid_namespace *at = ns; at; at = at->parent, i++) {
		pid_t want = 0;
		if (i < n && (err = number_wanted(at, set_tid, i, &want)))
			break;
		struct upid *u = &p->numbers[at->level];
		u->ns = at;
		err = number_alloc(at, want, p, &u->nr);
		if (err)
			break;
		atomic64_inc(&at->nr_pids);
	}
	if (err) {
		for (struct pid_namespace *at = ns; i--; at = at->parent) {
			xa_erase(&at->pids, p->numbers[at->level].nr);
			atomic64_dec(&at->nr_pids);
		}
		// Somebody may have found the number: it had no tasks, but is freed as all are.
		pid_put(p);
		return err;
	}
	*out = p;
	return 0;
}

void pid_free_numbers(struct pid *p)
{
	for (u32 l = 0; l <= p->level; l++) {
		xa_erase(&p->numbers[l].ns->pids, p->numbers[l].nr);
		atomic64_dec(&p->numbers[l].ns->nr_pids);
	}
	pid_put(p);
}

// ---- lookup -----------------------------------------------------------------------------------------------------------

struct pid *pid_find(struct pid_namespace *ns, pid_t nr)
{
	return nr > 0 ? xa_load(&ns->pids, nr) : NULL;
}

struct pid *pid_find_get(pid_t nr)
{
	rcu_read_lock();
	struct pid *p = pid_find(current_pid_ns(), nr);
	if (p && !ref_get_unless_zero(&p->ref))
		p = NULL;
	rcu_read_unlock();
	return p;
}

pid_t pid_nr_ns(const struct pid *p, const struct pid_namespace *ns)
{
	if (!p || (u32)ns->level > p->level || p->numbers[ns->level].ns != ns)
		return 0;
	return p->numbers[ns->level].nr;
}

struct pid_namespace *current_pid_ns(void)
{
	struct pid *p = current->thread_pid;

	return p ? p->numbers[p->level].ns : &init_pid_ns;
}

pid_t pid_vnr(const struct pid *p)
{
	return pid_nr_ns(p, current_pid_ns());
}

struct task *pid_task(struct pid *p, enum pid_type type)
{
	struct hlist_node *n;

	if (!p)
		return NULL;
	n = READ_ONCE(p->tasks[type].first);
	if (!n)
		return NULL;
	if (type == PIDTYPE_PID)
		return hlist_entry(n, struct task, pid_link);
	// The node is an element of an array of its process.
	return READ_ONCE(hlist_entry(n - type, struct process, pid_links[0])->leader);
}

struct task *pid_task_get(struct pid *p, enum pid_type type)
{
	rcu_read_lock();
	struct task *t = pid_task(p, type);
	if (t && !task_get_unless_dead(t))
		t = NULL;
	rcu_read_unlock();
	return t;
}

struct task *find_task_get(pid_t nr)
{
	rcu_read_lock();
	struct task *t = pid_task(pid_find(current_pid_ns(), nr), PIDTYPE_PID);
	if (t && !task_get_unless_dead(t))
		t = NULL;
	rcu_read_unlock();
	return t;
}

struct pid *pid_next(struct pid_namespace *ns, pid_t *nr)
{
	unsigned long i = *nr < 1 ? 1 : *nr;
	struct pid *p;

	rcu_read_lock();
	while ((p = xa_find(&ns->pids, &i, ns->pid_max)) && !ref_get_unless_zero(&p->ref))
		i++;
	rcu_read_unlock();
	*nr = i;
	return p;
}

pid_t task_pid_vnr(struct task *t)
{
	rcu_read_lock();
	pid_t nr = pid_vnr(READ_ONCE(t->thread_pid));
	rcu_read_unlock();
	return nr;
}

pid_t task_tgid_vnr(struct task *t)
{
	rcu_read_lock();
	pid_t nr = pid_vnr(READ_ONCE(t->process->pids[PIDTYPE_TGID]));
	rcu_read_unlock();
	return nr;
}

// ---- links ------------------------------------------------------------------------------------------------------------

// pid_alloc()'s reference belongs to the numbers; processes count theirs, a thread's lives as long as its link.
void pid_attach(struct task *t, enum pid_type type, struct pid *p)
{
	if (type == PIDTYPE_PID) {
		rcu_assign_pointer(t->thread_pid, p);
		hlist_add_head_rcu(&t->pid_link, &p->tasks[type]);
		return;
	}
	pid_get(p);
	rcu_assign_pointer(t->process->pids[type], p);
	hlist_add_head_rcu(&t->process->pid_links[type], &p->tasks[type]);
}

// A number is in use as long as anything is linked to it: a group may outlive its leader.
static void free_if_unused(struct pid *p)
{
	for (int i = 0; i < NR_PID_TYPES; i++)
		if (!hlist_empty(&p->tasks[i]))
			return;
	pid_free_numbers(p);
}

void pid_detach(struct task *t, enum pid_type type)
{
	struct pid *p;

	if (type == PIDTYPE_PID) {
		p = t->thread_pid;
		hlist_del_rcu(&t->pid_link);
		WRITE_ONCE(t->thread_pid, NULL);
		free_if_unused(p);
		return;
	}
	p = t->process->pids[type];
	hlist_del_rcu(&t->process->pid_links[type]);
	free_if_unused(p);
	if (type != PIDTYPE_TGID) {	// that one is the process's until it is freed
		WRITE_ONCE(t->process->pids[type], NULL);
		pid_put(p);
	}
}

void pid_exchange(struct task *a, struct task *b)
{
	struct pid *pa = a->thread_pid, *pb = b->thread_pid;

	hlist_del_rcu(&a->pid_link);
	hlist_del_rcu(&b->pid_link);
	rcu_assign_pointer(a->thread_pid, pb);
	rcu_assign_pointer(b->thread_pid, pa);
	hlist_add_head_rcu(&a->pid_link, &pb->tasks[PIDTYPE_PID]);
	hlist_add_head_rcu(&b->pid_link, &pa->tasks[PIDTYPE_PID]);
}

void pid_init(void)
{
	pid_cache = kmem_cache_create("pid", sizeof(struct pid) + sizeof(struct upid), 0, SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT | SLAB_PANIC, NULL);
	xa_init(&init_pid_ns.pids, &pid_xa_lock_class);
}
