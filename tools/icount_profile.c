// QEMU plugin behind tools/icount-profile: how often each guest instruction was executed between the marks of a benchmark.
//
// A mark is the 8-byte no-operation 0f 1f 84 00 NN NN 42 4d: 12 begins a case, 10 and 11 enclose a repetition. Output, per case:
// "CASE repetitions", then "ADDRESS COUNT" of each instruction executed. Before all others, from reset to the first mark: "BOOT".
// One virtual processor. Built for the plugin API of QEMU 7.2 to 9.0.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

struct qemu_plugin_tb;
struct qemu_plugin_insn;
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t, void (*)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_atexit_cb(uint64_t, void (*)(uint64_t, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int, void *, uint64_t);

struct counter {
	uint64_t address, count, before, sum;
	struct counter *next;
};
#define BUCKETS (1 << 16)
static struct counter *table[BUCKETS], *chunk;
static unsigned int chunk_left, repetitions;
static int open_case, booted;
static FILE *out;

static struct counter *counter_of(uint64_t address)
{
	struct counter **head = &table[(address ^ address >> 16) % BUCKETS];

	for (struct counter *c = *head; c; c = c->next) {
		if (c->address == address)
			return c;
	}
	if (!chunk_left) {
		chunk_left = 4096;
		chunk = calloc(chunk_left, sizeof(*chunk));
	}
	struct counter *c = chunk++;
	chunk_left--;
	c->address = address;
	c->next = *head;
	return *head = c;
}

#define FOR_EACH(c) for (unsigned int i_ = 0; i_ < BUCKETS; i_++) for (struct counter *c = table[i_]; c; c = c->next)

static void end_case(void)
{
	if (open_case) {
		fprintf(out, "CASE %u\n", repetitions);
		FOR_EACH(c) {
			if (c->sum)
				fprintf(out, "%llx %llu\n", (unsigned long long)c->address, (unsigned long long)c->sum);
			c->sum = 0;
		}
	}
	repetitions = 0;
}

static void end_boot(void)
{
	fprintf(out, "BOOT 0\n");
	FOR_EACH(c) {
		if (c->count)
			fprintf(out, "%llx %llu\n", (unsigned long long)c->address, (unsigned long long)c->count);
	}
	booted = 1;
}

static void marked(unsigned int cpu, void *which)
{
	if (!booted)
		end_boot();
	switch ((uintptr_t)which) {
	case 10:
		FOR_EACH(c) c->before = c->count;
		break;
	case 11:
		FOR_EACH(c) c->sum += c->count - c->before;
		repetitions++;
		break;
	case 12:
		end_case();
		open_case = 1;
		break;
	}
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const unsigned char *b = qemu_plugin_insn_data(insn);

		if (qemu_plugin_insn_size(insn) == 8 && !memcmp(b, "\x0f\x1f\x84\x00", 4) && b[6] == 0x42 && b[7] == 0x4d)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, 0, (void *)(uintptr_t)(b[4] | b[5] << 8));
		qemu_plugin_register_vcpu_insn_exec_inline(insn, 0, &counter_of(qemu_plugin_insn_vaddr(insn))->count, 1);
	}
}

static void finished(uint64_t id, void *unused)
{
	end_case();
	fclose(out);
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	out = argc > 0 && !strncmp(argv[0], "out=", 4) ? fopen(argv[0] + 4, "w") : stderr;
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finished, NULL);
	return 0;
}
