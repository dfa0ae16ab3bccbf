// Users, groups and capabilities: set*id(2), get*id(2), setgroups(2), capget(2), capset(2), and their effect on access.
#include "abi.h"
#include <sys/prctl.h>

#define RAW(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

struct cap_header { uint32_t version; int pid; };
struct cap_data { uint32_t effective, permitted, inheritable; };
enum { CAP_V3 = 0x20080522, CHOWN = 0, DAC_OVERRIDE = 1, FOWNER = 3, KILL = 5, SETGID = 6, SETUID = 7, SYS_ADMIN = 21 };

static void check_uids(uid_t r, uid_t e, uid_t s)
{
	uid_t a, b, c;

	OK(RAW(getresuid, &a, &b, &c));
	CHECK_EQ(a, r);
	CHECK_EQ(b, e);
	CHECK_EQ(c, s);
	CHECK_EQ(getuid(), r);
	CHECK_EQ(geteuid(), e);
}

static void check_gids(gid_t r, gid_t e, gid_t s)
{
	gid_t a, b, c;

	OK(RAW(getresgid, &a, &b, &c));
	CHECK_EQ(a, r);
	CHECK_EQ(b, e);
	CHECK_EQ(c, s);
	CHECK_EQ(getgid(), r);
	CHECK_EQ(getegid(), e);
}

static void get_caps(struct cap_data d[2])
{
	struct cap_header h = { CAP_V3, 0 };

	OK(RAW(capget, &h, d));
}

ABI_TEST(root_setuid_sets_all)
{
	OK(RAW(setuid, 1000));
	check_uids(1000, 1000, 1000);
	CHECK_ERRNO(RAW(setuid, 0), EPERM);
	CHECK_EQ(RAW(setuid, 1000), 0);
}

ABI_TEST(setuid_of_a_user_takes_real_or_saved)
{
	OK(RAW(setresuid, 1000, 1001, 1002));
	CHECK_EQ(RAW(setuid, 1000), 0);
	check_uids(1000, 1000, 1002);
	CHECK_EQ(RAW(setuid, 1002), 0);
	check_uids(1000, 1002, 1002);
	CHECK_ERRNO(RAW(setuid, 1001), EPERM);
}

ABI_TEST(setreuid_call)
{
	OK(RAW(setreuid, 1000, 1001));
	check_uids(1000, 1001, 1001);	// saved follows effective if the real one is set
	CHECK_EQ(RAW(setreuid, -1, 1000), 0);
	check_uids(1000, 1000, 1001);
	CHECK_EQ(RAW(setreuid, -1, 1001), 0);
	check_uids(1000, 1001, 1001);
	CHECK_EQ(RAW(setreuid, 1001, 1000), 0);
	check_uids(1001, 1000, 1000);
	CHECK_ERRNO(RAW(setreuid, 7, -1), EPERM);
	CHECK_ERRNO(RAW(setreuid, -1, 7), EPERM);
	check_uids(1001, 1000, 1000);
}

ABI_TEST(setresuid_call)
{
	OK(RAW(setresuid, 1, 2, 3));
	check_uids(1, 2, 3);
	CHECK_EQ(RAW(setresuid, -1, -1, -1), 0);
	CHECK_EQ(RAW(setresuid, 3, 1, 2), 0);
	check_uids(3, 1, 2);
	CHECK_ERRNO(RAW(setresuid, 4, -1, -1), EPERM);
	CHECK_ERRNO(RAW(setresuid, -1, 4, -1), EPERM);
	CHECK_ERRNO(RAW(setresuid, -1, -1, 4), EPERM);
	uid_t a;
	CHECK_ERRNO(RAW(getresuid, BAD, &a, &a), EFAULT);
	CHECK_ERRNO(RAW(getresuid, &a, BAD, &a), EFAULT);
	CHECK_ERRNO(RAW(getresuid, &a, &a, BAD), EFAULT);
}

ABI_TEST(minus_one_is_no_user)
{
	CHECK_ERRNO(RAW(setuid, -1), EINVAL);
	CHECK_ERRNO(RAW(setgid, -1), EINVAL);
	CHECK_ERRNO(RAW(setgroups, 1, &(gid_t){ (gid_t)-1 }), EINVAL);
}

ABI_TEST(group_calls)
{
	OK(RAW(setresgid, 1, 2, 3));
	check_gids(1, 2, 3);
	OK(RAW(setregid, 4, 5));
	check_gids(4, 5, 5);
	OK(RAW(setgid, 6));
	check_gids(6, 6, 6);
	OK(RAW(setresgid, 10, 11, 12));
	OK(RAW(setresuid, 1000, 1000, 1000));
	CHECK_ERRNO(RAW(setgid, 99), EPERM);
	CHECK_EQ(RAW(setgid, 12), 0);
	check_gids(10, 12, 12);
	CHECK_ERRNO(RAW(setregid, 99, -1), EPERM);
	CHECK_ERRNO(RAW(setresgid, -1, -1, 99), EPERM);
}

ABI_TEST(fsuid)
{
	CHECK_EQ(RAW(setfsuid, -1), 0);
	CHECK_EQ(RAW(setfsuid, 1000), 0);
	CHECK_EQ(RAW(setfsuid, -1), 1000);
	int fd = OK(open("f", O_CREAT | O_RDWR, 0600));
	struct stat st;
	OK(fstat(fd, &st));
	CHECK_EQ(st.st_uid, 1000);
	OK(RAW(setresuid, -1, 1001, -1));	// the effective one takes it along
	CHECK_EQ(RAW(setfsuid, -1), 1001);
	CHECK_EQ(RAW(setfsgid, 77), 0);
	CHECK_EQ(RAW(setfsgid, -1), 0);		// CAP_SETGID went with the effective user 0
}

ABI_TEST(supplementary_groups)
{
	gid_t set[3] = { 30, 10, 20 }, got[8];

	OK(RAW(setgroups, 3, set));
	CHECK_EQ(RAW(getgroups, 0, NULL), 3);
	CHECK_EQ(RAW(getgroups, 8, got), 3);
	CHECK(got[0] == 10 && got[1] == 20 && got[2] == 30);	// kept sorted
	CHECK_ERRNO(RAW(getgroups, 2, got), EINVAL);
	CHECK_ERRNO(RAW(getgroups, -1, got), EINVAL);
	CHECK_ERRNO(RAW(getgroups, 3, BAD), EFAULT);
	CHECK_ERRNO(RAW(setgroups, 3, BAD), EFAULT);
	CHECK_ERRNO(RAW(setgroups, 65537, set), EINVAL);
	CHECK_ERRNO(RAW(setgroups, -1, set), EINVAL);
	CHECK_EQ(RAW(setgroups, 0, NULL), 0);
	CHECK_EQ(RAW(getgroups, 0, NULL), 0);
	OK(RAW(setuid, 1000));
	CHECK_ERRNO(RAW(setgroups, 0, NULL), EPERM);
}

ABI_TEST(many_groups)
{
	static gid_t set[65536], got[65536];

	for (int i = 0; i < 65536; i++)
		set[i] = (gid_t)(65536 - i);
	OK(RAW(setgroups, 65536, set));
	CHECK_EQ(RAW(getgroups, 65536, got), 65536);
	for (int i = 0; i < 65536; i++)
		CHECK_EQ(got[i], i + 1);
}

ABI_TEST(groups_give_access)
{
	abi_write_file("f", "x");
	OK(chown("f", 500, 600));
	OK(chmod("f", 0040));
	CHECK_CHILD(abi_drop(1000); CHECK_ERRNO(open("f", O_RDONLY), EACCES));
	CHECK_CHILD(
		OK(RAW(setgroups, 1, &(gid_t){ 600 }));
		OK(RAW(setresgid, 1, 1, 1));
		OK(RAW(setresuid, 1000, 1000, 1000));
		OK(open("f", O_RDONLY));
		CHECK_ERRNO(open("f", O_WRONLY), EACCES));
	CHECK_CHILD(OK(RAW(setgroups, 1, &(gid_t){ 600 })); OK(RAW(setresuid, 500, 500, 500)); CHECK_ERRNO(open("f", O_RDONLY), EACCES));
}

ABI_TEST(capget_versions)
{
	struct cap_header h = { 0x12345678, 0 };
	struct cap_data d[2];

	CHECK_ERRNO(RAW(capget, &h, d), EINVAL);
	CHECK_EQ(h.version, CAP_V3);
	h.version = 0;
	CHECK_EQ(RAW(capget, &h, NULL), 0);	// asking for the version
	CHECK_EQ(h.version, CAP_V3);
	h.pid = -1;
	CHECK_ERRNO(RAW(capget, &h, d), EINVAL);
	h.pid = 4000000;
	CHECK_ERRNO(RAW(capget, &h, d), ESRCH);
	h.pid = 0;
	CHECK_ERRNO(RAW(capget, &h, BAD), EFAULT);
	CHECK_ERRNO(RAW(capget, BAD, d), EFAULT);
	h.pid = 1;
	CHECK_EQ(RAW(capget, &h, d), 0);
	CHECK_EQ(d[0].effective, ~0u);
}

ABI_TEST(root_has_all_capabilities)
{
	struct cap_data d[2];

	get_caps(d);
	CHECK_EQ(d[0].effective, ~0u);
	CHECK_EQ(d[0].permitted, ~0u);
	CHECK_EQ(d[1].effective, 0x1ff);	// up to CAP_CHECKPOINT_RESTORE, 40
	CHECK_EQ(d[0].inheritable, 0);
}

ABI_TEST(capset_rules)
{
	struct cap_header h = { CAP_V3, 0 };
	struct cap_data d[2];

	get_caps(d);
	d[0].effective = d[0].permitted = (1 << KILL) | (1 << CHOWN);
	d[1].effective = d[1].permitted = 0;
	OK(RAW(capset, &h, d));
	d[0].effective = 1 << SYS_ADMIN;
	CHECK_ERRNO(RAW(capset, &h, d), EPERM);		// not permitted
	d[0].effective = 0;
	d[0].permitted |= 1 << SYS_ADMIN;
	CHECK_ERRNO(RAW(capset, &h, d), EPERM);		// lost for good
	d[0].permitted = 1 << KILL;
	d[0].inheritable = 1 << KILL;
	CHECK_EQ(RAW(capset, &h, d), 0);
	h.pid = 1;
	CHECK_ERRNO(RAW(capset, &h, d), EPERM);		// only for oneself
	h.version = 5;
	CHECK_ERRNO(RAW(capset, &h, d), EINVAL);
}

ABI_TEST(leaving_user_0_drops_capabilities)
{
	struct cap_data d[2];

	OK(RAW(setresuid, 0, 1000, 0));
	get_caps(d);
	CHECK_EQ(d[0].effective, 0);
	CHECK_EQ(d[0].permitted, ~0u);
	OK(RAW(setresuid, -1, 0, -1));
	get_caps(d);
	CHECK_EQ(d[0].effective, ~0u);
	OK(RAW(setresuid, 1000, 1000, 1000));
	get_caps(d);
	CHECK_EQ(d[0].effective | d[0].permitted, 0);
}

ABI_TEST(keepcaps)
{
	struct cap_data d[2];

	CHECK_EQ(prctl(PR_GET_KEEPCAPS), 0);
	OK(prctl(PR_SET_KEEPCAPS, 1));
	CHECK_EQ(prctl(PR_GET_KEEPCAPS), 1);
	CHECK_ERRNO(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
	OK(RAW(setresuid, 1000, 1000, 1000));
	get_caps(d);
	CHECK_EQ(d[0].effective, 0);
	CHECK_EQ(d[0].permitted, ~0u);
}

ABI_TEST(bounding_set)
{
	CHECK_EQ(prctl(PR_CAPBSET_READ, SYS_ADMIN), 1);
	OK(prctl(PR_CAPBSET_DROP, SYS_ADMIN));
	CHECK_EQ(prctl(PR_CAPBSET_READ, SYS_ADMIN), 0);
	CHECK_ERRNO(prctl(PR_CAPBSET_READ, 64), EINVAL);
	CHECK_ERRNO(prctl(PR_CAPBSET_DROP, 64), EINVAL);
	OK(RAW(setuid, 1000));
	CHECK_ERRNO(prctl(PR_CAPBSET_DROP, KILL), EPERM);
}

ABI_TEST(securebits)
{
	CHECK_EQ(prctl(PR_GET_SECUREBITS), 0);
	OK(prctl(PR_SET_SECUREBITS, 4));	// SECBIT_NO_SETUID_FIXUP
	CHECK_EQ(prctl(PR_GET_SECUREBITS), 4);
	struct cap_data d[2];
	OK(RAW(setresuid, 1000, 1000, 1000));
	get_caps(d);
	CHECK_EQ(d[0].effective, ~0u);
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, 1 << 20), EPERM);
}

ABI_TEST(ambient)
{
	CHECK_EQ(prctl(47, 1 /* IS_SET */, KILL, 0, 0), 0);
	CHECK_ERRNO(prctl(47, 2 /* RAISE */, KILL, 0, 0), EPERM);	// not inheritable
	struct cap_header h = { CAP_V3, 0 };
	struct cap_data d[2];
	get_caps(d);
	d[0].inheritable = 1 << KILL;
	OK(RAW(capset, &h, d));
	OK(prctl(47, 2, KILL, 0, 0));
	CHECK_EQ(prctl(47, 1, KILL, 0, 0), 1);
	OK(prctl(47, 4 /* CLEAR_ALL */, 0, 0, 0));
	CHECK_EQ(prctl(47, 1, KILL, 0, 0), 0);
	CHECK_ERRNO(prctl(47, 9, KILL, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(47, 1, KILL, 1, 0), EINVAL);
}

ABI_TEST(credentials_are_inherited)
{
	OK(RAW(setresgid, 7, 8, 9));
	OK(RAW(setresuid, 1, 2, 3));
	CHECK_CHILD(check_uids(1, 2, 3); check_gids(7, 8, 9));
}

ABI_TEST(status_file_shows_credentials)
{
	OK(RAW(setgroups, 2, ((gid_t[]){ 5, 6 })));
	OK(RAW(setresgid, 7, 8, 9));
	OK(RAW(setresuid, 0, 1, 2));
	CHECK_STR(abi_field("/proc/self/status", "Uid"), "0\t1\t2\t1");
	CHECK_STR(abi_field("/proc/self/status", "Gid"), "7\t8\t9\t8");
	CHECK_STR(abi_field("/proc/self/status", "Groups"), "5 6 ");
	CHECK_STR(abi_field("/proc/self/status", "CapEff"), "0000000000000000");
	CHECK_STR(abi_field("/proc/self/status", "CapPrm"), "000001ffffffffff");
}
