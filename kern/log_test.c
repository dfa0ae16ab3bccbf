// The log: what is written can be read, and a slow reader learns that it lost records.
#include "kern/log.h"
#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"

// Records of this facility are the tests'.
#define TEST_FACILITY 19
#define TEST_PRIO (TEST_FACILITY << 3 | LOG_DEBUG)

// The next record of ours from *seq on. Its length, 0 at the end, -EPIPE.
static int next_of_ours(u64 *seq, struct log_record *rec, char *buf, size_t size)
{
	int n;
	while ((n = log_read(seq, rec, buf, size)) > 0 && rec->facility != TEST_FACILITY)
		;
	return n;
}

KTEST(log, records_are_read_back)
{
	char buf[64];
	struct log_record rec;
	int level = console_level();
	u64 seq = log_next_seq();
	console_set_level(1);
	log_user(TEST_PRIO, "one\n", 4);
	log_user(TEST_PRIO, "two", 3);
	console_set_level(level);
	CHECK_EQ(next_of_ours(&seq, &rec, buf, sizeof(buf)), 3);
	CHECK_MEM(buf, "one", 3);
	CHECK_EQ(rec.level, LOG_DEBUG);
	u64 first = rec.seq;
	CHECK_EQ(next_of_ours(&seq, &rec, buf, 2), 2);	// cut, but the length is told
	CHECK_MEM(buf, "tw", 2);
	CHECK_EQ(rec.len, 3);
	CHECK_LT(first, rec.seq);
	CHECK_EQ(next_of_ours(&seq, &rec, buf, sizeof(buf)), 0);
}

KTEST(log, a_slow_reader_is_told)
{
	char buf[16];
	struct log_record rec;
	int level = console_level();
	u64 seq = log_next_seq();
	console_set_level(1);
	for (int i = 0; i < 3000; i++)
		log_user(TEST_PRIO, "xxxxxxxxxxxxxxxx", 16);
	console_set_level(level);
	u64 old = seq;
	CHECK_EQ(log_read(&seq, &rec, buf, sizeof(buf)), -EPIPE);
	CHECK_LT(old, seq);
	CHECK_LE(log_first_seq(), seq);
	CHECK_GT(log_read(&seq, &rec, buf, sizeof(buf)), 0);
}

KTEST(log, a_program_cannot_pretend_to_be_the_kernel)
{
	char buf[16];
	struct log_record rec;
	u64 seq = log_next_seq();
	log_user(LOG_DEBUG, "u", 1);
	REQUIRE(log_read(&seq, &rec, buf, sizeof(buf)) > 0);
	CHECK_EQ(rec.facility, 1);
}
