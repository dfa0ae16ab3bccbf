#include "fs/file.h"

#include "fs/pipe.h"
#include "lib/errno.h"
#include "lib/ktest.h"
#include "sched/task.h"
#include <linux/close_range.h>
#include <linux/fcntl.h>

// Descriptors are taken from BASE on, so that what the runner has open does not matter.
#define FDT_BASE 100
#define FDT_LIMIT 4096

static struct file *fdt_other;	// the pipe's write end, which keeps the read end's pipe alive

static struct file *fdt_file(void)
{
	struct file *r;

	return CHECK_EQ(pipe_create(O_NONBLOCK, &r, &fdt_other), 0) ? r : NULL;
}

static void fdt_done(struct file *f)
{
	fput_sync(f);
	fput_sync(fdt_other);
}

static int fdt_open(struct file *f, u32 flags)
{
	int fd = fd_reserve_from(FDT_BASE, FDT_LIMIT, flags);

	if (fd >= 0)
		fd_install(fd, file_get(f));
	return fd;
}

static bool fdt_has(u32 fd)
{
	struct fd got = fd_get(fd);
	bool has = got.file != NULL;

	if (has)
		fd_put(got);
	return has;
}

KTEST(fdtable, the_lowest_free_descriptor_is_given)
{
	struct file *f = fdt_file();

	REQUIRE(f && current->files);
	for (int i = 0; i < 70; i++)	// over a word of the bitmaps, and over the first table
		CHECK_EQ(fdt_open(f, 0), FDT_BASE + i);
	CHECK_EQ(fd_close(FDT_BASE + 40), 0);
	CHECK_EQ(fd_close(FDT_BASE + 7), 0);
	CHECK_EQ(fdt_open(f, 0), FDT_BASE + 7);
	CHECK_EQ(fdt_open(f, 0), FDT_BASE + 40);
	CHECK_EQ(fdt_open(f, 0), FDT_BASE + 70);
	CHECK_EQ(fd_close_range(FDT_BASE, FDT_LIMIT, 0), 0);
	CHECK(!fdt_has(FDT_BASE));
	CHECK_EQ(fd_close(FDT_BASE), -EBADF);
	fdt_done(f);
}

KTEST(fdtable, a_table_grows_and_keeps_what_it_has)
{
	struct file *f = fdt_file();

	REQUIRE(f && current->files);
	CHECK_EQ(fdt_open(f, O_CLOEXEC), FDT_BASE);
	int fd = fd_reserve_from(3000, FDT_LIMIT, 0);
	CHECK_EQ(fd, 3000);
	fd_install(fd, file_get(f));
	struct fd a = fd_get(FDT_BASE), b = fd_get(3000);
	CHECK_EQ(a.file, f);
	CHECK_EQ(b.file, f);
	fd_put(a);
	fd_put(b);
	CHECK(fd_is_cloexec(FDT_BASE));
	CHECK(!fd_is_cloexec(3000));
	CHECK(!fdt_has(2999));
	CHECK(!fdt_has(U32_MAX));
	CHECK_EQ(fd_close_range(FDT_BASE, U32_MAX, 0), 0);
	fdt_done(f);
}

KTEST(fdtable, the_limit_is_emfile)
{
	struct file *f = fdt_file();

	REQUIRE(f && current->files);
	CHECK_EQ(fd_reserve_from(FDT_BASE, FDT_BASE, 0), -EMFILE);
	CHECK_EQ(fd_reserve_from(FDT_BASE, FDT_BASE + 1, 0), FDT_BASE);
	CHECK_EQ(fd_reserve_from(FDT_BASE, FDT_BASE + 1, 0), -EMFILE);
	CHECK(!fdt_has(FDT_BASE));	// reserved is not open
	CHECK_EQ(fd_close(FDT_BASE), -EBADF);
	CHECK_EQ(fd_replace(FDT_BASE, f, 0), -EBUSY);
	fd_unreserve(FDT_BASE);
	CHECK_EQ(fd_reserve_from(FDT_BASE, FDT_BASE + 1, 0), FDT_BASE);
	fd_unreserve(FDT_BASE);
	fdt_done(f);
}

KTEST(fdtable, replacing_drops_the_old_file_and_sets_cloexec)
{
	struct file *f = fdt_file();

	REQUIRE(f && current->files);
	s32 refs = ref_read(&f->ref);
	CHECK_EQ(fdt_open(f, 0), FDT_BASE);
	CHECK_EQ(fd_replace(FDT_BASE, fdt_other, O_CLOEXEC), FDT_BASE);
	struct fd got = fd_get(FDT_BASE);
	CHECK_EQ(got.file, fdt_other);
	fd_put(got);
	CHECK(fd_is_cloexec(FDT_BASE));
	CHECK_EQ(fd_replace(FDT_BASE, f, 0), FDT_BASE);
	CHECK(!fd_is_cloexec(FDT_BASE));
	CHECK_EQ(ref_read(&f->ref), refs + 1);
	CHECK_EQ(fd_close(FDT_BASE), 0);
	CHECK_EQ(ref_read(&f->ref), refs);
	fdt_done(f);
}

KTEST(fdtable, a_range_is_closed_or_marked)
{
	struct file *f = fdt_file();

	REQUIRE(f && current->files);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(fdt_open(f, 0), FDT_BASE + i);
	CHECK_EQ(fd_close_range(FDT_BASE + 5, FDT_BASE + 4, 0), -EINVAL);
	CHECK_EQ(fd_close_range(FDT_BASE, FDT_BASE, 8), -EINVAL);
	CHECK_EQ(fd_close_range(FDT_BASE + 2, FDT_BASE + 3, CLOSE_RANGE_CLOEXEC), 0);
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(fd_is_cloexec(FDT_BASE + i), i == 2 || i == 3);
	CHECK_EQ(fd_close_range(FDT_BASE + 4, FDT_BASE + 6, 0), 0);
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(fdt_has(FDT_BASE + i), i < 4 || i > 6);
	fd_set_cloexec(FDT_BASE + 9, true);
	files_close_on_exec();
	CHECK(fdt_has(FDT_BASE));
	CHECK(!fdt_has(FDT_BASE + 2));
	CHECK(!fdt_has(FDT_BASE + 3));
	CHECK(!fdt_has(FDT_BASE + 9));
	CHECK_EQ(fd_close_range(FDT_BASE, U32_MAX, 0), 0);
	fdt_done(f);
}
