// kern/sysctl.h - values that /proc/sys shows. Who has such values keeps a const table of them, ended by SYSCTL_END; fs/proc/sysctl.c lists the tables.
//
//	const struct sysctl mm_sysctls[] = {
//		SYSCTL_INT("vm/max_map_count", 0644, &sysctl_max_map_count, 0, INT_MAX),
//		SYSCTL_FN("kernel/hostname", 0644, get_hostname, set_hostname),
//		SYSCTL_END };
#pragma once
#include "lib/types.h"

struct sysctl {
	const char *path;	// below /proc/sys
	umode_t mode;		// permission bits; the owner is root
	// Writes the value and a newline to buf, as scnprintf(). Context: task.
	int (*get)(const struct sysctl *s, char *buf, size_t size);
	// text: what was written, without white space at its ends; may be changed. 0 or -errno. Null: cannot be written.
	int (*set)(const struct sysctl *s, char *text);
	void *data;
	s64 min, max;
};
int sysctl_get_int(const struct sysctl *s, char *buf, size_t size);
int sysctl_set_int(const struct sysctl *s, char *text);		// -EINVAL: not a number between min and max
int sysctl_get_const(const struct sysctl *s, char *buf, size_t size);	// the number in min
int sysctl_get_u64(const struct sysctl *s, char *buf, size_t size);
int sysctl_set_u64(const struct sysctl *s, char *text);
#define SYSCTL_INT(p, md, var, lo, hi) { .path = (p), .mode = (md), .get = sysctl_get_int, .set = sysctl_set_int, .data = (var), .min = (lo), .max = (hi) }
#define SYSCTL_U64(p, md, var) { .path = (p), .mode = (md), .get = sysctl_get_u64, .set = sysctl_set_u64, .data = (var) }
#define SYSCTL_CONST(p, value) { .path = (p), .mode = 0444, .get = sysctl_get_const, .min = (value) }
#define SYSCTL_FN(p, md, g, s) { .path = (p), .mode = (md), .get = (g), .set = (s) }
#define SYSCTL_END { .path = NULL }
