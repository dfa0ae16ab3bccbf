// The trace ring: slots of fixed size, taken by one atomic addition; a reader (panic, when all is quiet) sees the newest ones.
#include "kern/trace.h"
#include "arch/boot.h"
#include "kern/cpu_hot.h"
#include "kern/log.h"
#include "kern/upcalls.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define SLOT_SIZE 128u
#define SLOTS 4096u

u8 trace_kinds;
static char *trace_ring;	// SET_ONCE: SLOTS of SLOT_SIZE, or null: lines go to the log
static u64 trace_head;		// ATOMIC: next slot

void trace_line(const char *fmt, ...)
{
	char text[SLOT_SIZE], who[40];
	task_describe(current, who, sizeof(who));
	u64 ns = kern_clock();
	int n = trace_ring ? scnprintf(text, sizeof(text), "%llu.%06llu ", ns / 1000000000, ns / 1000 % 1000000) : 0;
	n += scnprintf(text + n, sizeof(text) - (size_t)n, "%d %s: ", cpu_id(), who);
	va_list ap;
	va_start(ap, fmt);
	vscnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	if (trace_ring)
		strscpy(trace_ring + (size_t)(__atomic_fetch_add(&trace_head, 1, __ATOMIC_RELAXED) % SLOTS) * SLOT_SIZE, text, SLOT_SIZE);
	else
		log_printf(LOG_NOTICE, "trace: %s\n", text);
}

void trace_dump(void)
{
	u64 head = READ_ONCE(trace_head);
	if (!trace_ring || !head)
		return;
	pr_emerg("the last trace records:\n");
	for (u64 i = head > SLOTS ? head - SLOTS : 0; i < head; i++)
		pr_emerg("  %s\n", trace_ring + (size_t)(i % SLOTS) * SLOT_SIZE);
}

static const struct {
	const char *name;
	u8 bits;
} trace_names[] = {
	{ "syscalls", TRACE_SYSCALLS },
	{ "signals", TRACE_SIGNALS },
	{ "sched", TRACE_SCHED },
	{ "faults", TRACE_FAULTS },
	{ "all", 0xff },
	{ "ring", 0 },
};

INIT int trace_param(char *val)
{
	char *word;
	u8 kinds = 0;
	bool ring = false;
	while ((word = strsep(&val, ","))) {
		size_t i = 0;
		while (i < ARRAY_SIZE(trace_names) && !streq(word, trace_names[i].name))
			i++;
		if (i == ARRAY_SIZE(trace_names))
			return -EINVAL;
		kinds |= trace_names[i].bits;
		ring |= streq(word, "ring");
	}
	if (ring)
		trace_ring = memblock_alloc((size_t)SLOTS * SLOT_SIZE, SLOT_SIZE, 0, 0);
	WRITE_ONCE(trace_kinds, kinds);
	return 0;
}
