// Feeds the initramfs reader: whatever comes, each entry lies within the input, and the reader ends.
#include "fuzz.h"

#include "lib/cpio.h"

#define S_IFMT 0170000
#define S_IFLNK 0120000

static volatile u8 fuzz_sink;

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	struct cpio_entry e;
	struct cpio c;
	size_t last = 0;
	int r;

	cpio_start(&c, data, n);
	while ((r = cpio_next(&c, &e)) == CPIO_ENTRY || r == CPIO_TRAILER) {
		FUZZ_CHECK(cpio_offset(&c) > last && cpio_offset(&c) <= n);
		last = cpio_offset(&c);
		if (r == CPIO_TRAILER)
			continue;
		FUZZ_CHECK((const u8 *)e.name >= data && e.name_len < CPIO_NAME_MAX);
		FUZZ_CHECK(e.name[e.name_len] == '\0');
		FUZZ_CHECK(e.data >= data && e.size <= n && e.data <= data + n - e.size);
		FUZZ_CHECK((e.mode & S_IFMT) != S_IFLNK || e.size < CPIO_NAME_MAX);
		for (u32 i = 0; i < e.size; i++)
			fuzz_sink = e.data[i];
	}
	FUZZ_CHECK(r == CPIO_END || r == CPIO_OTHER || (r < 0 && c.error));
	FUZZ_CHECK(cpio_offset(&c) <= n);
	return 0;
}

static size_t seed_entry(u8 *buf, const char *name, unsigned int mode, const char *data, int magic)
{
	unsigned int sum = 0;
	size_t n;

	for (const char *p = data; *p; p++)
		sum += (u8)*p;
	n = scnprintf((char *)buf, 1024, "07070%d%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s", magic, 1u, mode, 0u, 0u, 1u,
		    0u, (unsigned int)strlen(data), 8u, 1u, 0u, 0u, (unsigned int)strlen(name) + 1, sum, name);
	buf[n++] = 0;
	while (n & 3)
		buf[n++] = 0;
	n += scnprintf((char *)buf + n, 1024, "%s", data);
	while (n & 3)
		buf[n++] = 0;
	return n;
}

size_t fuzz_seed(unsigned int which, u8 *buf)
{
	size_t n = 0;

	n += seed_entry(buf + n, "bin", 0040755, "", 1 + which % 2);
	n += seed_entry(buf + n, "bin/sh", 0100755, "some content of a file", 1 + which / 2 % 2);
	n += seed_entry(buf + n, "link", 0120777, "bin/sh", 1);
	n += seed_entry(buf + n, "TRAILER!!!", 0, "", 1);
	memset(buf + n, 0, 64);
	n += which % 64;
	if (which & 64)
		n += seed_entry(buf + n, "more", 0100644, "x", 1);
	return n;
}
