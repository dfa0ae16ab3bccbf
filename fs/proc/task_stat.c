// /proc/PID/stat, statm, status: man 5 proc_pid_stat, proc_pid_status. Formats are Linux 7.2's: ps and top parse them.
#include "fs/proc/internal.h"
#include "fs/chrdev.h"
#include "dev/tty.h"
#include "kern/cpumask.h"
#include "kern/rculist.h"
#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "sched/sched.h"
#include "task/cred.h"
#include "task/process.h"
#include "task/signal.h"
#include <linux/resource.h>

#define NS_PER_TICK (NSEC_PER_SEC / USER_HZ)
#define KB(pages) ((pages) << (PAGE_SHIFT - 10))

struct task_ids {
	pid_t pid, tgid, ppid, pgrp, sid;
};

static struct task_ids ids_of(struct task *t, struct pid_namespace *ns)
{
	struct process *p = t->process;

	rcu_read_lock();
	struct task_ids ids = {
		.pid = pid_nr_ns(rcu_dereference(t->thread_pid), ns),
		.tgid = pid_nr_ns(rcu_dereference(p->pids[PIDTYPE_TGID]), ns),
		.pgrp = pid_nr_ns(rcu_dereference(p->pids[PIDTYPE_PGID]), ns),
		.sid = pid_nr_ns(rcu_dereference(p->pids[PIDTYPE_SID]), ns),
	};
	rcu_read_unlock();
	tasklist_read_lock();	// keeps the parent
	ids.ppid = p->parent && p->parent != p && t->thread_pid ? pid_nr_ns(p->parent->pids[PIDTYPE_TGID], ns) : 0;
	tasklist_read_unlock();
	return ids;
}

struct signal_sets {
	u64 pending, shared, blocked, ignored, caught;
	u64 queued, queue_limit;
	int threads;
};

static struct signal_sets signals_of(struct task *t) NO_LOCK_ANALYSIS
{
	struct signal_sets s = { 0 };
	unsigned long flags;
	struct sighand *h = sighand_lock(t, &flags);

	if (!h)
		return s;
	s.pending = t->pending_set;
	s.shared = t->process->pending_set;
	s.blocked = t->blocked;
	for (int i = 0; i < NSIG_K; i++) {
		u64 handler = h->action[i].handler;
		s.ignored |= handler == 1 ? 1ull << i : 0;
		s.caught |= handler > 1 ? 1ull << i : 0;
	}
	s.threads = t->process->nr_threads;
	s.queue_limit = t->process->rlim[RLIMIT_SIGPENDING].cur;
	sighand_unlock(h, flags);
	const struct cred *c = task_cred_get(t);
	s.queued = (u64)atomic64_read(&c->user->pending_signals);
	cred_put(c);
	return s;
}

struct task_times {
	u64 utime, stime, cutime, cstime, min_flt, maj_flt, cmin_flt, cmaj_flt;
};

// whole: the process, with its threads that have gone; else t alone.
static struct task_times times_of(struct task *t, bool whole)
{
	struct process *p = t->process;
	struct task_times r = { 0 };
	struct task *i;

	if (!whole) {
		task_cputime(t, &r.utime, &r.stime);
		r.min_flt = t->min_flt;
		r.maj_flt = t->maj_flt;
		return r;
	}
	r = (struct task_times){ p->utime, p->stime, p->cutime, p->cstime, p->min_flt, p->maj_flt, p->cmin_flt, p->cmaj_flt };
	rcu_read_lock();
	for_each_thread(p, i) {
		u64 u, s;
		task_cputime(i, &u, &s);
		r.utime += u;
		r.stime += s;
		r.min_flt += i->min_flt;
		r.maj_flt += i->maj_flt;
	}
	rcu_read_unlock();
	return r;
}

// Linux's values of the flags that ps and friends know.
static u32 linux_task_flags(const struct task *t)
{
	static const struct { u32 ours, theirs; } map[] = {
		{ PF_EXITING, 0x4 }, { PF_FORKNOEXEC, 0x40 }, { PF_SUPERPRIV, 0x100 }, { PF_DUMPCORE, 0x200 }, { PF_SIGNALED, 0x400 },
		{ PF_MEMALLOC, 0x800 }, { PF_KTHREAD, 0x200000 }, { PF_WORKER, 0x20 }, { PF_NO_SETAFFINITY, 0x4000000 },
	};
	u32 flags = t->flags & PF_KTHREAD ? 0 : 0x400000;	// PF_RANDOMIZE

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		flags |= t->flags & map[i].ours ? map[i].theirs : 0;
	return flags;
}

static void tty_of_process(struct task *t, struct pid_namespace *ns, u32 *nr, pid_t *pgrp) NO_LOCK_ANALYSIS
{
	unsigned long flags;
	struct sighand *h = sighand_lock(t, &flags);
	struct tty *tty = h ? tty_get(t->process->tty) : NULL;

	if (h)
		sighand_unlock(h, flags);
	*nr = 0;
	*pgrp = -1;
	if (!tty)
		return;
	struct pid *p = tty_pgrp_get(tty);
	*nr = (u32)encode_dev(tty->dev);
	*pgrp = p ? pid_nr_ns(p, ns) : 0;
	pid_put(p);
	tty_put(tty);
}

static void put_comm(struct seq_file *m, const struct task *t)
{
	char comm[sizeof(t->comm) + 1];

	memcpy(comm, t->comm, sizeof(t->comm));
	comm[sizeof(t->comm)] = 0;
	seq_escape(m, comm, "\n\\");
}

static void put_u64(struct seq_file *m, u64 v)
{
	seq_put_u64(m, " ", v);
}

static void put_s64(struct seq_file *m, s64 v)
{
	seq_put_s64(m, " ", v);
}

static void put_all(struct seq_file *m, const u64 *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_u64(m, v[i]);
}

static void put_stat_memory(struct seq_file *m, struct mm *mm, u64 rss_limit, bool permitted)
{
	s64 rss = mm ? mm_rss(mm, MM_FILE) + mm_rss(mm, MM_ANON) + mm_rss(mm, MM_SHMEM) : 0;

	put_u64(m, mm ? mm->total_vm << PAGE_SHIFT : 0);
	put_s64(m, rss);
	put_u64(m, rss_limit);
	put_u64(m, mm ? permitted ? mm->start_code : 1 : 0);
	put_u64(m, mm ? permitted ? mm->end_code : 1 : 0);
	put_u64(m, mm && permitted ? mm->start_stack : 0);
	seq_puts(m, " 0 0");		// esp, eip: only of what dumps core
}

static void put_stat_layout(struct seq_file *m, struct mm *mm)
{
	if (!mm) {
		seq_puts(m, " 0 0 0 0 0 0 0");
		return;
	}
	u64 v[] = { mm->start_data, mm->end_data, mm->start_brk, mm->arg_start, mm->arg_end, mm->env_start, mm->env_end };
	put_all(m, v, ARRAY_SIZE(v));
}

static int show_stat(struct seq_file *m, struct task *t, bool whole)
{
	struct pid_namespace *ns = proc_pid_ns(((struct inode *)m->private));
	bool permitted = ptrace_may_access(t, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS);
	struct task_ids ids = ids_of(t, ns);
	struct signal_sets sig = signals_of(t);
	struct task_times times = times_of(t, whole);
	struct mm *mm = task_mm_get(t);
	char state = task_state_char(t);
	u32 tty_nr;
	pid_t tty_pgrp;

	tty_of_process(t, ns, &tty_nr, &tty_pgrp);
	seq_put_s64(m, "", ids.pid);
	seq_puts(m, " (");
	put_comm(m, t);
	seq_puts(m, ") ");
	seq_putc(m, state);
	put_s64(m, ids.ppid);
	put_s64(m, ids.pgrp);
	put_s64(m, ids.sid);
	put_s64(m, (s32)tty_nr);
	put_s64(m, tty_pgrp);
	put_u64(m, linux_task_flags(t));
	u64 counts[] = { times.min_flt, times.cmin_flt, times.maj_flt, times.cmaj_flt, times.utime / NS_PER_TICK, times.stime / NS_PER_TICK,
			 times.cutime / NS_PER_TICK, times.cstime / NS_PER_TICK };
	put_all(m, counts, ARRAY_SIZE(counts));
	put_s64(m, t->prio - MAX_RT_PRIO);
	put_s64(m, PRIO_TO_NICE(t->static_prio));
	put_s64(m, sig.threads);
	put_u64(m, 0);			// itrealvalue
	put_u64(m, t->start_boottime / NS_PER_TICK);
	put_stat_memory(m, mm, READ_ONCE(t->process->rlim[RLIMIT_RSS].cur), permitted && mm);
	u64 sets[] = { (u32)sig.pending & 0x7fffffff, (u32)sig.blocked & 0x7fffffff, (u32)sig.ignored & 0x7fffffff, (u32)sig.caught & 0x7fffffff };
	put_all(m, sets, ARRAY_SIZE(sets));
	seq_puts(m, permitted && state != 'R' ? " 1 0 0" : " 0 0 0");	// wchan, nswap, cnswap
	put_s64(m, t->exit_signal);
	put_s64(m, task_cpu(t));
	put_u64(m, t->rt_priority);
	put_u64(m, t->policy);
	seq_puts(m, " 0 0 0");		// delayacct_blkio_ticks, guest_time, cguest_time
	put_stat_layout(m, permitted ? mm : NULL);
	put_s64(m, permitted ? t->exit_code : 0);
	seq_putc(m, '\n');
	if (mm)
		mm_users_put(mm);
	return 0;
}

int proc_show_stat_process(struct seq_file *m, struct task *t)
{
	return show_stat(m, t, true);
}

int proc_show_stat_thread(struct seq_file *m, struct task *t)
{
	return show_stat(m, t, false);
}

static u64 text_pages(const struct mm *mm)
{
	return (ALIGN_UP(mm->end_code, (u64)PAGE_SIZE) - ALIGN_DOWN(mm->start_code, (u64)PAGE_SIZE)) >> PAGE_SHIFT;
}

int proc_show_statm(struct seq_file *m, struct task *t)
{
	struct mm *mm = task_mm_get(t);

	if (!mm) {
		seq_puts(m, "0 0 0 0 0 0 0\n");
		return 0;
	}
	u64 shared = (u64)(mm_rss(mm, MM_FILE) + mm_rss(mm, MM_SHMEM)), resident = shared + (u64)mm_rss(mm, MM_ANON);
	seq_printf(m, "%llu %llu %llu %llu 0 %llu 0\n", mm->total_vm, resident, shared, text_pages(mm), mm->data_vm + mm->stack_vm);
	mm_users_put(mm);
	return 0;
}

// ---- status -----------------------------------------------------------------------------------------------------------

static const char *state_name(char c)
{
	static const char *const names[] = { "R (running)", "S (sleeping)", "D (disk sleep)", "T (stopped)", "t (tracing stop)", "X (dead)",
					     "Z (zombie)", "P (parked)", "I (idle)" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i][0] == c)
			return names[i];
	return "S (sleeping)";
}

static void task_tables(struct task *t, u32 *umask, u32 *fd_size)
{
	*fd_size = 0;
	*umask = U32_MAX;
	spin_lock(&t->alloc_lock);
	if (t->fs)
		*umask = t->fs->umask;
	if (t->files) {
		rcu_read_lock();
		*fd_size = rcu_dereference(t->files->fdt)->max;
		rcu_read_unlock();
	}
	spin_unlock(&t->alloc_lock);
}

static void status_ids(struct seq_file *m, struct task *t, struct user_namespace *ns)
{
	const struct cred *c = task_cred_get(t);
	struct task_ids ids = ids_of(t, proc_pid_ns(m->private));
	u32 umask, fd_size;

	task_tables(t, &umask, &fd_size);
	if (umask != U32_MAX)
		seq_printf(m, "Umask:\t%#04o\n", umask);
	seq_printf(m, "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", state_name(task_state_char(t)), ids.tgid, ids.pid, ids.ppid);
	seq_printf(m, "Uid:\t%u\t%u\t%u\t%u\n", from_kuid_munged(ns, c->uid), from_kuid_munged(ns, c->euid), from_kuid_munged(ns, c->suid),
		   from_kuid_munged(ns, c->fsuid));
	seq_printf(m, "Gid:\t%u\t%u\t%u\t%u\n", from_kgid_munged(ns, c->gid), from_kgid_munged(ns, c->egid), from_kgid_munged(ns, c->sgid),
		   from_kgid_munged(ns, c->fsgid));
	seq_printf(m, "FDSize:\t%u\nGroups:\t", fd_size);
	for (int i = 0; i < c->groups->n; i++)
		seq_printf(m, i ? " %u" : "%u", from_kgid_munged(ns, c->groups->gid[i]));
	seq_puts(m, " \n");
	seq_printf(m, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t%c\n", ids.tgid, ids.pid, ids.pgrp, ids.sid,
		   t->flags & PF_KTHREAD ? '1' : '0');
	cred_put(c);
}

static void status_kb(struct seq_file *m, const char *name, u64 pages)
{
	seq_printf(m, "%s:\t%8llu kB\n", name, KB(pages));
}

static void status_memory(struct seq_file *m, struct task *t)
{
	struct mm *mm = task_mm_get(t);

	if (!mm)
		return;
	u64 anon = (u64)mm_rss(mm, MM_ANON), file = (u64)mm_rss(mm, MM_FILE), shmem = (u64)mm_rss(mm, MM_SHMEM), rss = anon + file + shmem;
	u64 text = text_pages(mm);
	status_kb(m, "VmPeak", MAX(mm->hiwater_vm, mm->total_vm));
	status_kb(m, "VmSize", mm->total_vm);
	status_kb(m, "VmLck", mm->locked_vm);
	status_kb(m, "VmPin", 0);
	status_kb(m, "VmHWM", MAX(mm->hiwater_rss, rss));
	status_kb(m, "VmRSS", rss);
	status_kb(m, "RssAnon", anon);
	status_kb(m, "RssFile", file);
	status_kb(m, "RssShmem", shmem);
	status_kb(m, "VmData", mm->data_vm);
	status_kb(m, "VmStk", mm->stack_vm);
	status_kb(m, "VmExe", MIN(text, mm->exec_vm));
	status_kb(m, "VmLib", mm->exec_vm - MIN(text, mm->exec_vm));
	seq_printf(m, "VmPTE:\t%8llu kB\n", (u64)atomic64_read(&mm->pgtables_bytes) >> 10);
	status_kb(m, "VmSwap", (u64)mm_rss(mm, MM_SWAP));
	seq_printf(m, "HugetlbPages:\t%8u kB\nCoreDumping:\t%d\nTHP_enabled:\t1\nuntag_mask:\t0xffffffffffffffff\n", 0, !!(t->flags & PF_DUMPCORE));
	mm_users_put(mm);
}

static void status_signals(struct seq_file *m, struct task *t)
{
	struct signal_sets s = signals_of(t);

	seq_printf(m, "Threads:\t%d\nSigQ:\t%llu/%llu\n", s.threads, s.queued, s.queue_limit);
	seq_printf(m, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n", s.pending, s.shared, s.blocked,
		   s.ignored, s.caught);
}

static void status_caps(struct seq_file *m, struct task *t)
{
	const struct cred *c = task_cred_get(t);

	seq_printf(m, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n", c->cap_inheritable, c->cap_permitted,
		   c->cap_effective, c->cap_bset, c->cap_ambient);
	cred_put(c);
	seq_printf(m, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", t->no_new_privs);
	seq_puts(m, "Speculation_Store_Bypass:\tthread vulnerable\nSpeculationIndirectBranch:\tconditional enabled\n");
}

static void status_cpus(struct seq_file *m, struct task *t)
{
	struct cpumask mask;
	char text[256];

	sched_get_affinity(t, &mask);
	(void)bitmap_print_hex(text, sizeof(text), mask.bits, (u32)nr_cpu_ids);
	seq_printf(m, "Cpus_allowed:\t%s\n", text);
	(void)bitmap_print_list(text, sizeof(text), mask.bits, (u32)nr_cpu_ids);
	seq_printf(m, "Cpus_allowed_list:\t%s\nMems_allowed:\t1\nMems_allowed_list:\t0\n", text);
	seq_printf(m, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n", t->nvcsw, t->nivcsw);
}

int proc_show_status(struct seq_file *m, struct task *t)
{
	seq_puts(m, "Name:\t");
	put_comm(m, t);
	seq_putc(m, '\n');
	status_ids(m, t, current_cred()->user_ns);
	status_memory(m, t);
	status_signals(m, t);
	status_caps(m, t);
	status_cpus(m, t);
	return 0;
}
