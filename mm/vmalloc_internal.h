// mm/vmalloc_internal.h - vmalloc.c's side towards reclaim and /proc/meminfo.
#pragma once
#include "mm/vmalloc.h"

void vmalloc_purge(void);	// returns flushed address ranges. Context: task, no locks, interrupts on
u64 kstack_pages(void);
u64 vmalloc_pages(void);
