#include "fs/pipe.h"

#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"
#include "mm/slab.h"
#include <linux/fcntl.h>

static ssize_t pipe_test_put(struct file *w, const void *p, size_t n)
{
	loff_t pos = 0;
	return kernel_write(w, p, n, &pos);
}

static ssize_t pipe_test_get(struct file *r, void *p, size_t n)
{
	loff_t pos = 0;
	return kernel_read(r, p, n, &pos);
}

KTEST(pipe, empty_is_eagain_and_closed_is_end)
{
	struct file *r, *w;
	char buf[8];

	REQUIRE(pipe_create(O_NONBLOCK, &r, &w) == 0);
	CHECK_EQ(pipe_test_get(r, buf, sizeof(buf)), -EAGAIN);
	CHECK_EQ(pipe_test_put(w, "abc", 3), 3);
	CHECK_EQ(pipe_test_get(r, buf, 2), 2);
	CHECK_MEM(buf, "ab", 2);
	fput_sync(w);
	CHECK_EQ(pipe_test_get(r, buf, sizeof(buf)), 1);
	CHECK_EQ(buf[0], 'c');
	CHECK_EQ(pipe_test_get(r, buf, sizeof(buf)), 0);
	fput_sync(r);
}

KTEST(pipe, writing_without_readers_is_epipe)
{
	struct file *r, *w;

	REQUIRE(pipe_create(O_NONBLOCK, &r, &w) == 0);
	fput_sync(r);
	CHECK_EQ(pipe_test_put(w, "x", 1), -EPIPE);
	CHECK_EQ(pipe_test_put(w, "x", 0), 0);
	fput_sync(w);
}

KTEST(pipe, a_page_frees_its_room_when_it_is_read_whole)
{
	struct file *r, *w;
	char *page = kalloc(70000, GFP_KERNEL);

	REQUIRE(page && pipe_create(O_NONBLOCK, &r, &w) == 0);
	CHECK_EQ(pipe_test_put(w, page, 70000), 65536);
	CHECK_EQ(pipe_test_put(w, page, 1), -EAGAIN);
	CHECK_EQ(pipe_test_get(r, page, 4095), 4095);
	CHECK_EQ(pipe_test_put(w, page, 1), -EAGAIN);
	CHECK_EQ(pipe_test_get(r, page, 1), 1);
	CHECK_EQ(pipe_test_put(w, page, 4096), 4096);
	CHECK_EQ(pipe_test_put(w, page, 1), -EAGAIN);
	CHECK_EQ(pipe_test_get(r, page, 70000), 65536);
	CHECK_EQ(pipe_test_get(r, page, 1), -EAGAIN);
	kfree(page);
	fput_sync(r);
	fput_sync(w);
}

KTEST(pipe, small_writes_share_a_page)
{
	struct file *r, *w;
	char buf[128];

	REQUIRE(pipe_create(O_NONBLOCK, &r, &w) == 0);
	for (u32 i = 0; i < 100; i++)
		CHECK_EQ(pipe_test_put(w, &(char){ (char)i }, 1), 1);
	struct pipe *p = file_pipe(r);
	CHECK_EQ(p->head - p->tail, 1);
	CHECK_EQ(pipe_test_get(r, buf, sizeof(buf)), 100);
	for (u32 i = 0; i < 100; i++)
		CHECK_EQ(buf[i], (char)i);
	fput_sync(r);
	fput_sync(w);
}

KTEST(pipe, packets_are_read_one_by_one)
{
	struct file *r, *w;
	char buf[8];

	REQUIRE(pipe_create(O_NONBLOCK | O_DIRECT, &r, &w) == 0);
	CHECK_EQ(pipe_test_put(w, "abcd", 4), 4);
	CHECK_EQ(pipe_test_put(w, "ef", 2), 2);
	CHECK_EQ(pipe_test_get(r, buf, 2), 2);	// the rest of the packet is lost
	CHECK_EQ(pipe_test_get(r, buf, sizeof(buf)), 2);
	CHECK_MEM(buf, "ef", 2);
	CHECK_EQ(pipe_test_get(r, buf, sizeof(buf)), -EAGAIN);
	fput_sync(r);
	fput_sync(w);
}

KTEST(pipe, size_is_a_power_of_two_of_pages_that_holds_what_is_there)
{
	struct file *r, *w;
	char *page = kalloc(3 * 4096, GFP_KERNEL);

	REQUIRE(page && pipe_create(O_NONBLOCK, &r, &w) == 0);
	CHECK_EQ(pipe_fcntl(r, F_GETPIPE_SZ, 0), 65536);
	CHECK_EQ(pipe_fcntl(r, F_SETPIPE_SZ, 0), 4096);
	CHECK_EQ(pipe_fcntl(w, F_SETPIPE_SZ, 4097 * 2), 16384);
	for (u32 i = 0; i < 3 * 4096; i++)
		page[i] = (char)(i / 64);
	CHECK_EQ(pipe_test_put(w, page, 3 * 4096), 3 * 4096);
	CHECK_EQ(pipe_fcntl(w, F_SETPIPE_SZ, 8192), -EBUSY);
	CHECK_EQ(pipe_fcntl(w, F_SETPIPE_SZ, (1ull << 31) + 1), -EINVAL);
	CHECK_EQ(pipe_test_get(r, page, 4096), 4096);
	CHECK_EQ(pipe_fcntl(w, F_SETPIPE_SZ, 8192), 8192);
	CHECK_EQ(pipe_test_put(w, page, 1), -EAGAIN);
	CHECK_EQ(pipe_test_get(r, page, 3 * 4096), 8192);
	CHECK_EQ(page[0], 64);
	CHECK_EQ(page[8191], (char)191);
	kfree(page);
	fput_sync(r);
	fput_sync(w);
}

// Random reads and writes: what comes out is what went in, in order.
KTEST(pipe, bytes_keep_their_order)
{
	struct file *r, *w;
	u8 *buf = kalloc(16384, GFP_KERNEL);
	u64 in = 0, out = 0, seed = 1;

	REQUIRE(buf && pipe_create(O_NONBLOCK, &r, &w) == 0);
	for (u32 i = 0; i < 2000; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		size_t n = 1 + (seed >> 33) % (seed >> 63 ? 16384 : 300);
		if (seed >> 62 & 1) {
			for (size_t j = 0; j < n; j++)
				buf[j] = (u8)((in + j) * 7 >> 3);
			ssize_t did = pipe_test_put(w, buf, n);
			CHECK(did > 0 || did == -EAGAIN);
			in += did > 0 ? (u64)did : 0;
		} else {
			ssize_t did = pipe_test_get(r, buf, n);
			CHECK(did > 0 || (did == -EAGAIN && in == out));
			bool same = true;
			for (ssize_t j = 0; j < did; j++)
				same &= buf[j] == (u8)((out + (u64)j) * 7 >> 3);
			REQUIRE(same);
			out += did > 0 ? (u64)did : 0;
		}
	}
	CHECK_GT(out, 100000);
	kfree(buf);
	fput_sync(r);
	fput_sync(w);
}
