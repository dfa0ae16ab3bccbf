// prctl(2), arch_prctl(2), personality(2).
#include "arch/cpu.h"
#include "arch/thread.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "syscalls.h"
#include "task/cred.h"
#include "task/process.h"
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

// ---- securebits and capability sets -----------------------------------------------------------------------------------

static bool cap_known(u64 cap)
{
	return cap <= CAP_LAST_CAP;
}

static int capbset_drop(u64 cap)
{
	struct cred *new;

	if (!ns_capable(current_cred()->user_ns, CAP_SETPCAP))
		return -EPERM;
	if (!cap_known(cap))
		return -EINVAL;
	if (prepare_creds(&new))
		return -ENOMEM;
	new->cap_bset &= ~BIT(cap);
	return commit_creds(new);
}

static int set_securebits(u64 bits)
{
	const struct cred *old = current_cred();
	const u64 locks = 0xaaa, all = 0xfff, unpriv = 0xf00;	// of Linux 6.14 and later; older headers end at bit 7
	struct cred *new;

	if ((((old->securebits & locks) >> 1) & (old->securebits ^ bits)) || (old->securebits & locks & ~bits) ||
	    (bits & ~all))
		return -EPERM;
	if (((old->securebits ^ bits) & ~unpriv) && !ns_capable(old->user_ns, CAP_SETPCAP))
		return -EPERM;
	if (prepare_creds(&new))
		return -ENOMEM;
	new->securebits = bits;
	return commit_creds(new);
}

static int set_keepcaps(u64 on)
{
	struct cred *new;

	if (on > 1)
		return -EINVAL;
	if (current_cred()->securebits & BIT(SECURE_KEEP_CAPS_LOCKED))
		return -EPERM;
	if (prepare_creds(&new))
		return -ENOMEM;
	new->securebits = on ? new->securebits | BIT(SECURE_KEEP_CAPS) : new->securebits & ~BIT(SECURE_KEEP_CAPS);
	return commit_creds(new);
}

static int cap_ambient(u64 what, u64 cap, u64 a4, u64 a5)
{
	const struct cred *c = current_cred();
	struct cred *new;

	if (what == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (cap | a4 | a5)
			return -EINVAL;
		if (prepare_creds(&new))
			return -ENOMEM;
		new->cap_ambient = 0;
		return commit_creds(new);
	}
	if (!cap_known(cap) || a4 || a5)
		return -EINVAL;
	if (what == PR_CAP_AMBIENT_IS_SET)
		return c->cap_ambient >> cap & 1;
	if (what != PR_CAP_AMBIENT_RAISE && what != PR_CAP_AMBIENT_LOWER)
		return -EINVAL;
	if (what == PR_CAP_AMBIENT_RAISE && (!(c->cap_permitted & c->cap_inheritable & BIT(cap)) ||
					     (c->securebits & BIT(SECURE_NO_CAP_AMBIENT_RAISE))))
		return -EPERM;
	if (prepare_creds(&new))
		return -ENOMEM;
	new->cap_ambient = what == PR_CAP_AMBIENT_RAISE ? new->cap_ambient | BIT(cap) : new->cap_ambient & ~BIT(cap);
	return commit_creds(new);
}

// ---- the process ------------------------------------------------------------------------------------------------------

static int set_comm(uptr name)
{
	char buf[16] = {};
	ssize_t n = user_strncpy(buf, name, sizeof(buf) - 1);

	if (n < 0)
		return -EFAULT;
	strscpy_pad(current->comm, buf, sizeof(current->comm));
	return 0;
}

static int get_comm(uptr to)
{
	char buf[16] = {};

	strscpy_pad(buf, current->comm, sizeof(buf));
	return copy_out(to, buf, sizeof(buf));
}

// Descendants look for a reaper among their ancestors from now on.
static void set_subreaper(bool on)
{
	struct process *p = current->process, *c;

	p->child_subreaper = on;
	if (!on)
		return;
	tasklist_read_lock();
	for_each_process(c)
		for (struct process *a = c->parent; a && a != &init_process; a = a->parent)
			if (a == p)
				c->has_child_subreaper = true;
	tasklist_read_unlock();
}

static u64 default_slack(void)
{
	return 50000;
}

static int set_timerslack(u64 ns)
{
	if (current->policy == 1 || current->policy == 2)	// real-time tasks have none
		return 0;
	current->timer_slack_ns = (s64)ns <= 0 ? default_slack() : ns;
	return 0;
}

static long caps_call(int option, u64 a2, u64 a3, u64 a4, u64 a5)
{
	const struct cred *c = current_cred();

	switch (option) {
	case PR_CAPBSET_READ:
		return cap_known(a2) ? (long)(c->cap_bset >> a2 & 1) : -EINVAL;
	case PR_CAPBSET_DROP:
		return capbset_drop(a2);
	case PR_SET_SECUREBITS:
		return set_securebits(a2);
	case PR_GET_SECUREBITS:
		return c->securebits;
	case PR_GET_KEEPCAPS:
		return !!(c->securebits & BIT(SECURE_KEEP_CAPS));
	case PR_SET_KEEPCAPS:
		return set_keepcaps(a2);
	case PR_CAP_AMBIENT:
		return cap_ambient(a2, a3, a4, a5);
	}
	return -EINVAL;
}

static long death_and_dump(int option, u64 a2)
{
	switch (option) {
	case PR_SET_PDEATHSIG:
		if (a2 > 64)
			return -EINVAL;
		current->pdeath_signal = a2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user_u32(current->pdeath_signal, UPTR(a2));
	case PR_GET_DUMPABLE:
		return mm_dumpable(current->mm);
	case PR_SET_DUMPABLE:
		if (a2 > 1)
			return -EINVAL;
		mm_set_dumpable(current->mm, a2);
		return 0;
	}
	return -EINVAL;
}

static long no_new_privs(int option, u64 a2, u64 a3, u64 a4, u64 a5)
{
	if (option == PR_GET_NO_NEW_PRIVS)
		return a2 | a3 | a4 | a5 ? -EINVAL : current->no_new_privs;
	if (a2 != 1 || a3 || a4 || a5)
		return -EINVAL;
	current->no_new_privs = 1;
	return 0;
}

// ABI: options that are not here are EINVAL, as on a Linux built without them.
long sys_prctl(int option, u64 a2, u64 a3, u64 a4, u64 a5)
{
	switch (option) {
	case PR_SET_PDEATHSIG:
	case PR_GET_PDEATHSIG:
	case PR_GET_DUMPABLE:
	case PR_SET_DUMPABLE:
		return death_and_dump(option, a2);
	case PR_SET_NAME:
		return set_comm(UPTR(a2));
	case PR_GET_NAME:
		return get_comm(UPTR(a2));
	case PR_GET_TIMERSLACK:
		return MIN(current->timer_slack_ns, (u64)LONG_MAX);
	case PR_SET_TIMERSLACK:
		return set_timerslack(a2);
	case PR_GET_TIMING:
		return PR_TIMING_STATISTICAL;
	case PR_SET_TIMING:
		return a2 != PR_TIMING_STATISTICAL ? -EINVAL : 0;
	case PR_SET_CHILD_SUBREAPER:
		set_subreaper(a2);
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user_u32(current->process->child_subreaper, UPTR(a2));
	case PR_SET_NO_NEW_PRIVS:
	case PR_GET_NO_NEW_PRIVS:
		return no_new_privs(option, a2, a3, a4, a5);
	case PR_GET_TID_ADDRESS:
		return put_user_u64(current->clear_child_tid.a, UPTR(a2));
	case PR_GET_SECCOMP:
		return 0;	// disabled
	}
	return caps_call(option, a2, a3, a4, a5);
}

long sys_arch_prctl(int option, u64 arg)
{
	return arch_prctl_call(option, UPTR(arg));
}

long sys_personality(u32 persona)
{
	u32 old = current->personality;

	if (persona != 0xffffffff)
		current->personality = persona;
	return old;
}
