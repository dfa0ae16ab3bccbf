// Out of memory: the process that uses most, as its oom_score_adj weighs it, is killed.
#include "kern/log.h"
#include "kern/rculist.h"
#include "mm/folio.h"
#include "mm/mm.h"
#include "task/cred.h"
#include "task/process.h"
#include "task/signal.h"
#include <asm/signal.h>

#define OOM_SCORE_ADJ_MIN (-1000)

// Pages, page tables included; negative: never.
static s64 badness(struct process *p, u64 total)
{
	struct task *t = p->leader;
	struct mm *mm;
	s64 points = -1;

	if ((p->flags & PROCESS_UNKILLABLE) || (t->flags & PF_KTHREAD) || p->oom_score_adj == OOM_SCORE_ADJ_MIN)
		return -1;
	spin_lock(&t->alloc_lock);
	mm = t->mm;
	if (mm && !(READ_ONCE(mm->flags) & MMF_OOM_VICTIM)) {
		points = mm_rss(mm, MM_FILE) + mm_rss(mm, MM_ANON) + mm_rss(mm, MM_SHMEM) + mm_rss(mm, MM_SWAP) +
			 atomic64_read(&mm->pgtables_bytes) / PAGE_SIZE;
		points += p->oom_score_adj * (s64)(total / 1000);
		points = points < 1 ? 1 : points;
	}
	spin_unlock(&t->alloc_lock);
	return points;
}

static bool victim_is_dying(void)
{
	struct process *p;

	for_each_process(p)
		if ((p->leader->flags & PF_OOM_VICTIM) && READ_ONCE(p->leader->mm))
			return true;
	return false;
}

static struct task *choose(u64 total, s64 *score)
{
	struct task *best = NULL;
	struct process *p;

	*score = -1;
	rcu_read_lock();
	if (victim_is_dying()) {
		rcu_read_unlock();
		*score = 0;
		return NULL;
	}
	for_each_process(p) {
		s64 b = badness(p, total);
		if (b > *score && task_get_unless_dead(p->leader)) {
			if (best)
				task_put(best);
			best = p->leader;
			*score = b;
		}
	}
	rcu_read_unlock();
	return best;
}

bool oom_kill(gfp_t gfp, int order)
{
	struct mem_info m;
	s64 score;

	mem_info(&m);
	struct task *t = choose(m.total, &score);
	if (!t)
		return score == 0;
	pr_err("Out of memory (gfp %#x, order %d): killed process %d (%s), %lld pages, oom_score_adj %d\n", gfp, order, t->pid, t->comm,
	       (long long)score, t->process->oom_score_adj);
	spin_lock(&t->alloc_lock);
	if (t->mm)
		__atomic_fetch_or(&t->mm->flags, MMF_OOM_VICTIM, __ATOMIC_RELAXED);
	spin_unlock(&t->alloc_lock);
	__atomic_fetch_or(&t->flags, PF_OOM_VICTIM, __ATOMIC_RELAXED);
	(void)send_signal(t, SIGKILL, SEND_SIG_PRIV, PIDTYPE_TGID);
	task_put(t);
	return true;
}
