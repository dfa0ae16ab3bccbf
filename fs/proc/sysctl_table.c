// The values in /proc/sys whose owners have no table of their own yet.
#include "fs/proc/internal.h"
#include "kern/sysctl.h"
#include "fs/file.h"
#include "kern/log.h"
#include "kern/random.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "task/nsproxy.h"
#include "task/pid.h"
#include "task/process.h"
#include <linux/capability.h>

// ---- kernel/: names ---------------------------------------------------------------------------------------------------

// data is the offset of the name in struct uts_namespace.
static int get_uts(const struct sysctl *s, char *buf, size_t size)
{
	struct uts_namespace *u = current->nsproxy->uts;

	down_read(&u->lock);
	int n = scnprintf(buf, size, "%s\n", (const char *)u + s->min);
	up_read(&u->lock);
	return n;
}

static int set_uts(const struct sysctl *s, char *text)
{
	struct uts_namespace *u = current->nsproxy->uts;

	text[strcspn(text, "\n")] = 0;
	down_write(&u->lock);
	(void)strscpy_pad((char *)u + s->min, text, 65);
	up_write(&u->lock);
	return 0;
}
#define SYSCTL_UTS(p, md, field, setter) { .path = (p), .mode = (md), .get = get_uts, .set = (setter), .min = offsetof(struct uts_namespace, field) }

// ---- kernel/: tasks, log, random numbers ------------------------------------------------------------------------------

static int get_pid_max(const struct sysctl *s, char *buf, size_t size)
{
	return scnprintf(buf, size, "%u\n", READ_ONCE(current_pid_ns()->pid_max));
}

static int set_pid_max(const struct sysctl *s, char *text)
{
	u32 v;

	if (kstrtou32(text, 0, &v) || v < 301 || v > 4 << 20)
		return -EINVAL;
	WRITE_ONCE(current_pid_ns()->pid_max, v);
	return 0;
}

static int get_printk(const struct sysctl *s, char *buf, size_t size)
{
	return scnprintf(buf, size, "%d\t4\t1\t7\n", console_level());
}

// Only the first of the four, the console's level, can be changed.
static int set_printk(const struct sysctl *s, char *text)
{
	s32 level;

	text[strcspn(text, " \t")] = 0;
	if (kstrtos32(text, 10, &level))
		return -EINVAL;
	console_set_level(level);
	return 0;
}

static int put_uuid(char *buf, size_t size, u8 id[16])
{
	id[6] = (id[6] & 0x0f) | 0x40;	// RFC 9562: version 4, variant 10
	id[8] = (id[8] & 0x3f) | 0x80;
	return scnprintf(buf, size, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n", id[0], id[1], id[2], id[3], id[4], id[5],
			 id[6], id[7], id[8], id[9], id[10], id[11], id[12], id[13], id[14], id[15]);
}

static int get_uuid(const struct sysctl *s, char *buf, size_t size)
{
	u8 id[16];

	random_bytes(id, sizeof(id));
	return put_uuid(buf, size, id);
}

static int get_boot_id(const struct sysctl *s, char *buf, size_t size)
{
	static u64 boot_id[2];	// ATOMIC: 0 until somebody asks
	u64 none = 0, id[2];

	for (int i = 0; i < 2; i++, none = 0) {
		if (!READ_ONCE(boot_id[i]))
			(void)try_cmpxchg(&boot_id[i], &none, random_u64() | 1);
		id[i] = READ_ONCE(boot_id[i]);
	}
	return put_uuid(buf, size, (u8 *)id);
}

static int get_core_pattern(const struct sysctl *s, char *buf, size_t size)
{
	return scnprintf(buf, size, "core\n");
}

// ---- fs/ --------------------------------------------------------------------------------------------------------------

static int get_file_nr(const struct sysctl *s, char *buf, size_t size)
{
	return scnprintf(buf, size, "%llu\t0\t%llu\n", file_nr_open(), file_max());
}

static int get_file_max(const struct sysctl *s, char *buf, size_t size)
{
	return scnprintf(buf, size, "%llu\n", file_max());
}

const struct sysctl proc_sysctls[] = {
	SYSCTL_CONST("kernel/cap_last_cap", CAP_LAST_CAP),
	SYSCTL_FN("kernel/core_pattern", 0444, get_core_pattern, NULL),
	SYSCTL_CONST("kernel/core_uses_pid", 0),
	SYSCTL_CONST("kernel/dmesg_restrict", 0),
	SYSCTL_UTS("kernel/domainname", 0644, domainname, set_uts),
	SYSCTL_UTS("kernel/hostname", 0644, nodename, set_uts),
	SYSCTL_CONST("kernel/ngroups_max", 65536),
	SYSCTL_UTS("kernel/osrelease", 0444, release, NULL),
	SYSCTL_UTS("kernel/ostype", 0444, sysname, NULL),
	SYSCTL_CONST("kernel/overflowgid", 65534),
	SYSCTL_CONST("kernel/overflowuid", 65534),
	SYSCTL_FN("kernel/pid_max", 0644, get_pid_max, set_pid_max),
	SYSCTL_FN("kernel/printk", 0644, get_printk, set_printk),
	SYSCTL_FN("kernel/random/boot_id", 0444, get_boot_id, NULL),
	SYSCTL_CONST("kernel/random/entropy_avail", 256),
	SYSCTL_CONST("kernel/random/poolsize", 256),
	SYSCTL_FN("kernel/random/uuid", 0444, get_uuid, NULL),
	SYSCTL_CONST("kernel/randomize_va_space", 2),
	SYSCTL_INT("kernel/threads-max", 0644, &max_threads, 20, 0x3fffffff),
	SYSCTL_UTS("kernel/version", 0444, version, NULL),
	SYSCTL_FN("fs/file-max", 0444, get_file_max, NULL),
	SYSCTL_FN("fs/file-nr", 0444, get_file_nr, NULL),
	SYSCTL_CONST("fs/nr_open", 1048576),
	SYSCTL_CONST("fs/pipe-max-size", 1048576),
	SYSCTL_INT("vm/max_map_count", 0644, &sysctl_max_map_count, 0, INT_MAX),
	SYSCTL_U64("vm/overcommit_kbytes", 0644, &sysctl_overcommit_kbytes),
	SYSCTL_INT("vm/overcommit_memory", 0644, &sysctl_overcommit_memory, 0, 2),
	SYSCTL_INT("vm/overcommit_ratio", 0644, &sysctl_overcommit_ratio, 0, INT_MAX),
	SYSCTL_END,
};
