#include "task/cred.h"

#include "lib/ktest.h"
#include <linux/capability.h>
#include <linux/securebits.h>

#define ALL_CAPS 0x1ffffffffffull

static struct cred cred_of(uid_t uid, uid_t euid, uid_t suid)
{
	return (struct cred){ .uid = { uid }, .euid = { euid }, .suid = { suid }, .fsuid = { euid }, .cap_permitted = ALL_CAPS,
			      .cap_effective = ALL_CAPS, .cap_ambient = 0xff, .user_ns = &init_user_ns };
}

KTEST(cred, leaving_root_with_all_ids_drops_capabilities)
{
	struct cred old = cred_of(0, 0, 0), new = cred_of(1000, 1000, 1000);

	cap_fix_setuid(&new, &old);
	CHECK_EQ(new.cap_permitted, 0);
	CHECK_EQ(new.cap_effective, 0);
	CHECK_EQ(new.cap_ambient, 0);
}

KTEST(cred, a_saved_root_keeps_what_is_permitted)
{
	struct cred old = cred_of(0, 0, 0), new = cred_of(1000, 1000, 0);

	cap_fix_setuid(&new, &old);
	CHECK_EQ(new.cap_permitted, ALL_CAPS);
	CHECK_EQ(new.cap_effective, 0);
	CHECK_EQ(new.cap_ambient, 0xff);
	struct cred back = new;
	back.euid.val = 0;
	cap_fix_setuid(&back, &new);
	CHECK_EQ(back.cap_effective, ALL_CAPS);
}

KTEST(cred, keep_caps_keeps_permitted_only)
{
	struct cred old = cred_of(0, 0, 0), new = cred_of(1000, 1000, 1000);

	new.securebits = SECBIT_KEEP_CAPS;
	cap_fix_setuid(&new, &old);
	CHECK_EQ(new.cap_permitted, ALL_CAPS);
	CHECK_EQ(new.cap_effective, 0);
	CHECK_EQ(new.cap_ambient, 0);
}

KTEST(cred, ordinary_ids_change_no_capabilities)
{
	struct cred old = cred_of(1000, 1000, 1000), new = cred_of(1000, 1001, 1000);

	new.cap_permitted = new.cap_effective = BIT(CAP_KILL);
	cap_fix_setuid(&new, &old);
	CHECK_EQ(new.cap_permitted, BIT(CAP_KILL));
	CHECK_EQ(new.cap_effective, BIT(CAP_KILL));
}

KTEST(cred, fsuid_moves_only_file_capabilities)
{
	struct cred old = cred_of(0, 0, 0), new = old;

	new.fsuid.val = 1000;
	cap_fix_setfsuid(&new, &old);
	CHECK_EQ(new.cap_effective & BIT(CAP_CHOWN), 0);
	CHECK_EQ(new.cap_effective & BIT(CAP_DAC_OVERRIDE), 0);
	CHECK_EQ(new.cap_effective & BIT(CAP_MKNOD), 0);
	CHECK_EQ(new.cap_effective & BIT(CAP_KILL), BIT(CAP_KILL));
	CHECK_EQ(new.cap_effective & BIT(CAP_SYS_ADMIN), BIT(CAP_SYS_ADMIN));
	struct cred back = new;
	back.fsuid.val = 0;
	back.cap_permitted &= ~BIT(CAP_CHOWN);
	cap_fix_setfsuid(&back, &new);
	CHECK_EQ(back.cap_effective & BIT(CAP_CHOWN), 0);
	CHECK_EQ(back.cap_effective & BIT(CAP_FOWNER), BIT(CAP_FOWNER));
	new = old;
	new.fsuid.val = 1000;
	new.securebits = SECBIT_NO_SETUID_FIXUP;
	cap_fix_setfsuid(&new, &old);
	CHECK_EQ(new.cap_effective, ALL_CAPS);
}

KTEST(cred, owners_of_a_child_namespace_have_all_capabilities_in_it)
{
	struct user_namespace child = { .parent = &init_user_ns, .level = 1, .owner = { 1000 } };
	struct user_namespace grandchild = { .parent = &child, .level = 2, .owner = { 7 } };
	struct cred owner = cred_of(1000, 1000, 1000), other = cred_of(1001, 1001, 1001), root = cred_of(0, 0, 0), inside = root;

	owner.cap_effective = other.cap_effective = 0;
	CHECK(cred_capable(&owner, &child, CAP_SYS_ADMIN));
	CHECK(cred_capable(&owner, &grandchild, CAP_SYS_ADMIN));
	CHECK(!cred_capable(&owner, &init_user_ns, CAP_SYS_ADMIN));
	CHECK(!cred_capable(&other, &child, CAP_SYS_ADMIN));
	CHECK(cred_capable(&root, &grandchild, CAP_SYS_ADMIN));
	inside.user_ns = &child;
	CHECK(cred_capable(&inside, &child, CAP_SYS_ADMIN));
	CHECK(!cred_capable(&inside, &init_user_ns, CAP_SYS_ADMIN));	// never upwards
}

KTEST(cred, a_prepared_copy_holds_its_own_references)
{
	struct cred *c;
	const struct cred *old = current_cred();
	s32 count = atomic_read(&old->user->ref.n);

	REQUIRE(prepare_creds(&c) == 0);
	CHECK_NE(c, old);
	CHECK_EQ(c->cap_effective, old->cap_effective);
	CHECK_EQ(atomic_read(&old->user->ref.n), count + 1);
	const struct cred *before = override_creds(c);
	CHECK_EQ(current_cred(), c);
	revert_creds(before);
	CHECK_EQ(current_cred(), old);
	cred_put(c);
}
