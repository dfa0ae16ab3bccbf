// include/drv/log.h - one line, or a part of one, into the kernel's log. Code: dev/drv_glue.c.
#pragma once
#include "drv/types.h"

// Levels are syslog's (man 2 syslog). DRV_LOG_CONT is meant to go on with the line before: the log has no such
// records, so it is a line of its own.
#define DRV_LOG_EMERG	0
#define DRV_LOG_ALERT	1
#define DRV_LOG_CRIT	2
#define DRV_LOG_ERR	3
#define DRV_LOG_WARNING	4
#define DRV_LOG_NOTICE	5
#define DRV_LOG_INFO	6
#define DRV_LOG_DEBUG	7
#define DRV_LOG_CONT	8
#define DRV_LOG_MAX	976	// bytes of text in one call; the rest is the caller's to cut

// Logs len bytes at text, which may contain anything and need not end in NUL; newlines at the end are left out.
// Context: any, NMI included.
void drv_log(u32 level, const u8 *text BORROWED, size_t len) CTX_ANY;
