// Out of memory: the process that uses most, as its oom_score_adj weighs it, is killed.
#include "kern/log.h"
#include "kern/rculist.h"
#include "mm/folio.h"
#include "mm/mm.h"
#include "sched/sched.h"
#include "task/cred.h"
#include "task/process.h"
#include "task/signal.h"
#include <asm/signal.h>

#define OOM_SCORE_ADJ_MIN (-1000)

// A thread of p that has its address space still, with its alloc_lock held; the leader may have exited while others go on. Null: none. Context: RCU.
static struct task *lock_mm_thread(struct process *p) NO_LOCK_ANALYSIS
{
	struct task *t;

	for_each_thread(p, t) {
		spin_lock(&t->alloc_lock);
		if (t->mm)
			return t;
		spin_unlock(&t->alloc_lock);
	}
	return NULL;
}

static bool may_be_killed(const struct process *p)
{
	return !(p->flags & PROCESS_UNKILLABLE) && !(p->leader->flags & PF_KTHREAD);
}

// Pages, page tables included; negative: never. *dying: it was chosen before and still has its memory.
static s64 badness(struct process *p, u64 total, bool *dying) NO_LOCK_ANALYSIS
{
	struct task *t = may_be_killed(p) ? lock_mm_thread(p) : NULL;
	s64 points = -1;

	if (!t)
		return -1;
	if (READ_ONCE(t->mm->flags) & MMF_OOM_VICTIM) {
		*dying = true;
	} else if (p->oom_score_adj != OOM_SCORE_ADJ_MIN) {
		points = mm_rss(t->mm, MM_FILE) + mm_rss(t->mm, MM_ANON) + mm_rss(t->mm, MM_SHMEM) + mm_rss(t->mm, MM_SWAP) +
			 atomic64_read(&t->mm->pgtables_bytes) / PAGE_SIZE;
		points += p->oom_score_adj * (s64)(total / 1000);
		points = points < 1 ? 1 : points;
	}
	spin_unlock(&t->alloc_lock);
	return points;
}

// The worst process, counted, with its score. Null: none, or (*dying) one is on its way out already.
static struct process *choose(u64 total, s64 *score, bool *dying)
{
	struct process *best = NULL, *p;

	*score = -1;
	*dying = false;
	rcu_read_lock();
	for_each_process(p) {
		s64 b = badness(p, total, dying);
		if (b > *score && ref_get_unless_zero(&p->ref)) {
			if (best)
				process_put(best);
			best = p;
			*score = b;
		}
	}
	rcu_read_unlock();
	if (*dying && best) {
		process_put(best);
		best = NULL;
	}
	return best;
}

// Kills p and whoever else keeps its address space (clone(2) with CLONE_VM alone).
static void kill_with_mm(struct process *p) NO_LOCK_ANALYSIS
{
	struct mm *mm = NULL;
	struct process *q;

	rcu_read_lock();
	struct task *t = lock_mm_thread(p);
	if (t) {
		mm = t->mm;
		__atomic_fetch_or(&mm->flags, MMF_OOM_VICTIM, __ATOMIC_RELAXED);
		spin_unlock(&t->alloc_lock);
	}
	(void)send_signal(p->leader, SIGKILL, SEND_SIG_PRIV, PIDTYPE_TGID);
	for_each_process(q) {
		t = mm && q != p && may_be_killed(q) ? lock_mm_thread(q) : NULL;
		if (!t)
			continue;
		bool shares = t->mm == mm;
		spin_unlock(&t->alloc_lock);
		if (shares)
			(void)send_signal(q->leader, SIGKILL, SEND_SIG_PRIV, PIDTYPE_TGID);
	}
	rcu_read_unlock();
}

bool oom_kill(gfp_t gfp, int order)
{
	struct mem_info m;
	s64 score;
	bool dying;

	mem_info(&m);
	struct process *p = choose(m.total, &score, &dying);
	if (p) {
		pr_err("Out of memory (gfp %#x, order %d): killed process %d (%s), %lld pages, oom_score_adj %d\n", gfp, order, p->leader->pid,
		       p->leader->comm, (long long)score, p->oom_score_adj);
		kill_with_mm(p);
		process_put(p);
	} else if (!dying) {
		return false;
	}
	set_current_state(TASK_KILLABLE);	// the victim needs time to let go of what it has
	schedule_timeout(10 * NSEC_PER_MSEC);
	return true;
}
