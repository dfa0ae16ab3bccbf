// The cpio reader: good archives, and each way in which one can be bad.
#include "lib/cpio.h"

#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/ktest.h"
#include "lib/string.h"

static char archive[4096];
static size_t archive_len;

static void put_padded(const void *p, size_t n)
{
	memcpy(archive + archive_len, p, n);
	archive_len += n;
	while (archive_len & 3)
		archive[archive_len++] = '\0';
}

static void put_entry(const char *name, u32 mode, const char *data, u32 size)
{
	char header[128];
	size_t n = scnprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08X%08x%08x%08x%08x%08x%08x%08x%08x", 7u, mode,
			     1000u, 100u, 0xau, 12345u, size, 8u, 1u, 5u, 3u, (u32)strlen(name) + 1, 0u);

	memcpy(archive + archive_len, header, n);
	archive_len += n;
	put_padded(name, strlen(name) + 1);
	put_padded(data, size);
}

static void put_archive(void)
{
	archive_len = 0;
	put_entry("dir", 0040755, "", 0);
	put_entry("dir/file", 0100644, "hello", 5);
	put_entry("TRAILER!!!", 0, "", 0);
}

KTEST(cpio, reads_fields_and_data)
{
	struct cpio_entry e;
	struct cpio c;

	put_archive();
	cpio_start(&c, archive, archive_len);
	REQUIRE(cpio_next(&c, &e) == CPIO_ENTRY);
	CHECK_STR(e.name, "dir");
	CHECK_EQ(e.mode, 0040755);
	REQUIRE(cpio_next(&c, &e) == CPIO_ENTRY);
	CHECK_STR(e.name, "dir/file");
	CHECK_EQ(e.name_len, 8);
	CHECK_EQ(e.size, 5);
	CHECK_MEM(e.data, "hello", 5);
	CHECK(e.uid == 1000 && e.gid == 100 && e.nlink == 10 && e.mtime == 12345 && e.ino == 7);
	CHECK(e.major == 8 && e.minor == 1 && e.rmajor == 5 && e.rminor == 3);
	CHECK_EQ(cpio_next(&c, &e), CPIO_TRAILER);
	CHECK_EQ(cpio_next(&c, &e), CPIO_END);
	CHECK_EQ(cpio_next(&c, &e), CPIO_END);
}

KTEST(cpio, archives_follow_each_other)
{
	struct cpio_entry e;
	struct cpio c;

	put_archive();
	memset(archive + archive_len, 0, 512);
	archive_len += 512;
	put_entry("second", 0100600, "x", 1);
	put_entry("TRAILER!!!", 0, "", 0);
	memcpy(archive + archive_len, "\0\0\0\x1f\x8b", 5);
	archive_len += 5;
	cpio_start(&c, archive, archive_len);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(cpio_next(&c, &e), CPIO_ENTRY);
	CHECK_EQ(cpio_next(&c, &e), CPIO_TRAILER);
	CHECK_EQ(cpio_next(&c, &e), CPIO_ENTRY);
	CHECK_STR(e.name, "second");
	CHECK_EQ(cpio_next(&c, &e), CPIO_TRAILER);
	CHECK_EQ(cpio_next(&c, &e), CPIO_OTHER);
	CHECK_EQ(*c.at, 0x1f);
	CHECK_EQ(cpio_offset(&c), archive_len - 2);
}

static void check_error(size_t n, const char *error)
{
	struct cpio_entry e;
	struct cpio c;
	int r;

	cpio_start(&c, archive, n);
	do {
		r = cpio_next(&c, &e);
	} while (r > 0);
	CHECK_EQ(r, -EINVAL);
	CHECK_STR(c.error, error);
}

KTEST(cpio, says_what_is_wrong)
{
	put_archive();
	check_error(109, "truncated header");
	check_error(112, "truncated name");
	put_archive();
	archive[5] = '3';
	check_error(archive_len, "no cpio magic");
	archive[5] = '7';
	check_error(archive_len, "not the newc format (use cpio -H newc)");
	put_archive();
	archive[20] = 'g';
	check_error(archive_len, "header field is not hexadecimal");
	put_archive();
	archive[113] = 'x';
	check_error(archive_len, "name does not end in NUL");
	put_archive();
	memcpy(archive + 6 + 8 * 6, "ffffffff", 8);
	check_error(archive_len, "truncated data");
	put_archive();
	archive[5] = '2';
	CHECK(archive[6 + 8 * 12] == '0');
	archive[6 + 8 * 12] = '1';
	check_error(archive_len, "bad data checksum");
	put_archive();
	archive_len += 1;
	memcpy(archive + archive_len, "070701", 6);
	archive[archive_len - 1] = '\0';
	check_error(archive_len + 6, "broken padding");
}

KTEST(cpio, names_that_are_too_long_are_left_out)
{
	struct cpio_entry e;
	struct cpio c;

	archive_len = 0;
	put_entry("skipped", 0100644, "", 0);
	memcpy(archive + 6 + 8 * 11, "00000000", 8);	// no name: the name's bytes are padding of nothing
	archive_len = 112;
	put_entry("kept", 0100644, "", 0);
	cpio_start(&c, archive, archive_len);
	CHECK_EQ(cpio_next(&c, &e), CPIO_ENTRY);
	CHECK_STR(e.name, "kept");
	CHECK_EQ(cpio_next(&c, &e), CPIO_END);
}
