// Files on tmpfs: names and data.
#include "bench.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK 65536
#define ENTRIES 1000

static int fd, pipe_ends[2], null_fd;

static void create(void)
{
	for (int i = 0; i < 300; i++) {
		int f = open("/tmp/new", O_CREAT | O_EXCL | O_RDWR, 0644);
		must(f >= 0 && close(f) == 0 && unlink("/tmp/new") == 0, "create");
	}
}

static void make_directory(void)
{
	for (int i = 0; i < 300; i++)
		must(mkdir("/tmp/newdir", 0755) == 0 && rmdir("/tmp/newdir") == 0, "mkdir");
}

static int file_to_rename(void)
{
	return close(bench_file("name1", 1));
}

static void rename_twice(void)
{
	for (int i = 0; i < 300; i++)
		must(rename("/tmp/name1", "/tmp/name2") == 0 && rename("/tmp/name2", "/tmp/name1") == 0, "rename");
}

static int one_mib_file(void)
{
	fd = bench_file("data", 1 << 20);
	return 0;
}

static int empty_file(void)
{
	fd = bench_file("data", 0);
	return 0;
}

static void write_4_mib(void)
{
	for (int i = 0; i < 64; i++)
		must(pwrite(fd, bench_buffer, BLOCK, i % 16 * BLOCK) == BLOCK, "pwrite");
}

static void append_4_mib(void)
{
	for (int k = 0; k < 4; k++) {
		must(ftruncate(fd, 0) == 0, "ftruncate");
		for (int i = 0; i < 16; i++)
			must(pwrite(fd, bench_buffer, BLOCK, i * BLOCK) == BLOCK, "pwrite");
	}
}

static void read_4_mib(void)
{
	for (int i = 0; i < 64; i++)
		must(pread(fd, bench_buffer, BLOCK, i % 16 * BLOCK) == BLOCK, "pread");
}

static void pread_4k(void)
{
	for (int i = 0; i < 1500; i++)
		must(pread(fd, bench_buffer, 4096, i % 256 * 4096) == 4096, "pread");
}

static int full_directory(void)
{
	char name[32];
	mkdir("dir", 0755);
	for (int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "dir/entry%04d", i);
		close(bench_file(name, 0));
	}
	fd = open("dir", O_RDONLY | O_DIRECTORY);
	return fd < 0 ? -errno : 0;
}

static void getdents_all(void)
{
	for (int i = 0; i < 4; i++) {
		lseek(fd, 0, SEEK_SET);
		while (syscall(SYS_getdents64, fd, bench_buffer, 32768) > 0)
			;
	}
}

static int splice_ends(void)
{
	one_mib_file();
	null_fd = open("/dev/null", O_WRONLY);
	return null_fd < 0 || pipe(pipe_ends) < 0 ? -errno : 0;
}

static void splice_4_mib(void)
{
	for (int k = 0; k < 4; k++) {
		for (off_t at = 0; at < 1 << 20;) {
			ssize_t in = splice(fd, &at, pipe_ends[1], NULL, BLOCK, 0);
			must(in > 0, "splice");
			while (in > 0) {
				ssize_t out = splice(pipe_ends[0], NULL, null_fd, NULL, in, 0);
				must(out > 0, "splice");
				in -= out;
			}
		}
	}
}

const struct bench cases_files[] = {
	{ "tmpfs_create", 300, NULL, create, NULL },
	{ "tmpfs_mkdir", 300, NULL, make_directory, NULL },
	{ "tmpfs_rename2", 300, file_to_rename, rename_twice, NULL },
	{ "tmpfs_write", 4, one_mib_file, write_4_mib, NULL },
	{ "tmpfs_append", 4, empty_file, append_4_mib, NULL },
	{ "tmpfs_read", 4, one_mib_file, read_4_mib, NULL },
	{ "pread_4k", 1500, one_mib_file, pread_4k, NULL },
	{ "getdents", 4 * ENTRIES, full_directory, getdents_all, NULL },
	{ "splice", 4, splice_ends, splice_4_mib, NULL },
	{ NULL, 0, NULL, NULL, NULL },
};
