// dev/kmsg.h - the kernel log as programs see it: /dev/kmsg, /proc/kmsg and syslog(2). The log itself is kern/log.h. Code: kmsg.c, syslog.c.
#pragma once
#include "lib/types.h"
#include "sched/waitq.h"

// Whether a reader whose next record is seq has something to read: a record, or the news that it was lost. Context: any.
bool kmsg_ready(u64 seq);
extern struct waitq kmsg_wait;		// readers who wait for records
// "clear" of syslog(2): SYSLOG_ACTION_READ_ALL and SEEK_DATA of /dev/kmsg start here. ATOMIC.
extern u64 kmsg_clear_seq;

// man 2 syslog. from_file: permission was checked when /proc/kmsg was opened. Context: task.
long kmsg_syslog(int type, uptr buf, int len, bool from_file);
// Permission alone (open of /proc/kmsg): 0 or -EPERM.
int kmsg_syslog_permission(int type, bool from_file);
// Makes new records wake kmsg_wait. Called by whoever is about to read.
void kmsg_listen(void);
// Whether kmsg_syslog(READ) has something now (poll).
bool kmsg_syslog_pending(void);
