// The newc format: a header of 110 ASCII bytes (magic, then 13 fields of 8 hexadecimal digits), the name with NUL,
// padding to 4 bytes, the data, padding to 4 bytes. Magic 070702 adds a sum of the data's bytes.
// Source: cpio(5), Linux's Documentation/driver-api/early-userspace/buffer-format.rst.
#include "lib/cpio.h"

#include <linux/stat.h>

#include "lib/errno.h"
#include "lib/string.h"

#define CPIO_HEADER 110
#define CPIO_FIELDS 13

enum {
	F_INO, F_MODE, F_UID, F_GID, F_NLINK, F_MTIME, F_SIZE, F_MAJOR, F_MINOR, F_RMAJOR, F_RMINOR, F_NAMESIZE, F_CHECK,
};

static int cpio_fail(struct cpio *c, const u8 *at, const char *error)
{
	c->at = at;
	c->error = error;
	return -EINVAL;
}

static bool cpio_field(const u8 *p, u32 *out)
{
	u32 v = 0;

	for (int i = 0; i < 8; i++) {
		if (!isxdigit(p[i]))
			return false;
		v = v << 4 | (isdigit(p[i]) ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
	}
	*out = v;
	return true;
}

// Moves over padding so that the offset is a multiple of 4. The last padding may be cut off.
static void cpio_pad(struct cpio *c)
{
	size_t n = -cpio_offset(c) & 3, left = c->end - c->at;

	c->at += MIN(n, left);
}

static const u8 *cpio_take(struct cpio *c, u32 n)
{
	const u8 *p = c->at;

	if ((size_t)(c->end - p) < n)
		return NULL;
	c->at += n;
	cpio_pad(c);
	return p;
}

static int cpio_header(struct cpio *c, bool *sum, u32 *f)
{
	const u8 *h = c->at;

	if (c->end - h < CPIO_HEADER)
		return cpio_fail(c, h, "truncated header");
	if (memcmp(h, "070707", 6) == 0)
		return cpio_fail(c, h, "not the newc format (use cpio -H newc)");
	if (memcmp(h, "07070", 5) != 0 || (h[5] != '1' && h[5] != '2'))
		return cpio_fail(c, h, "no cpio magic");
	*sum = h[5] == '2';
	for (int i = 0; i < CPIO_FIELDS; i++)
		if (!cpio_field(h + 6 + 8 * i, &f[i]))
			return cpio_fail(c, h, "header field is not hexadecimal");
	c->at += CPIO_HEADER;	// the padding comes after the name
	return 0;
}

static bool cpio_sum_is(const u8 *p, u32 n, u32 want)
{
	u32 sum = 0;

	while (n--)
		sum += *p++;
	return sum == want;
}

// One member. Returns CPIO_ENTRY or -EINVAL, and whether the entry is to be left out.
static int cpio_member(struct cpio *c, struct cpio_entry *out, bool *skip)
{
	const u8 *h = c->at, *name, *data;
	u32 f[CPIO_FIELDS];
	bool sum;
	int err = cpio_header(c, &sum, f);

	if (err)
		return err;
	name = cpio_take(c, f[F_NAMESIZE]);
	if (!name)
		return cpio_fail(c, h, "truncated name");
	data = cpio_take(c, f[F_SIZE]);
	if (!data)
		return cpio_fail(c, h, "truncated data");
	*skip = !f[F_NAMESIZE] || f[F_NAMESIZE] > CPIO_NAME_MAX ||
		((f[F_MODE] & S_IFMT) == S_IFLNK && f[F_SIZE] >= CPIO_NAME_MAX);
	if (*skip)
		return CPIO_ENTRY;
	if (name[f[F_NAMESIZE] - 1] != '\0')
		return cpio_fail(c, h, "name does not end in NUL");
	if (sum && !cpio_sum_is(data, f[F_SIZE], f[F_CHECK]))
		return cpio_fail(c, h, "bad data checksum");
	*out = (struct cpio_entry){
		.name = (const char *)name, .name_len = strlen((const char *)name), .data = data, .size = f[F_SIZE],
		.ino = f[F_INO], .mode = f[F_MODE], .uid = f[F_UID], .gid = f[F_GID],
		.nlink = f[F_NLINK], .mtime = f[F_MTIME], .major = f[F_MAJOR], .minor = f[F_MINOR],
		.rmajor = f[F_RMAJOR], .rminor = f[F_RMINOR],
	};
	return CPIO_ENTRY;
}

// Between archives: zeros, then an archive at a multiple of 4, or something else.
static int cpio_between(struct cpio *c)
{
	c->at = memchr_inv(c->at, 0, c->end - c->at) ?: (void *)c->end;
	if (c->at == c->end)
		return CPIO_END;
	if (*c->at != '0')
		return CPIO_OTHER;
	if (cpio_offset(c) & 3)
		return cpio_fail(c, c->at, "broken padding");
	c->inside = true;
	return CPIO_ENTRY;
}

int cpio_next(struct cpio *c, struct cpio_entry *out)
{
	bool skip;
	int r;

	if (!c->inside) {
		r = cpio_between(c);
		if (r != CPIO_ENTRY)
			return r;
	}
	do {
		if (c->at == c->end)
			return CPIO_END;
		r = cpio_member(c, out, &skip);
		if (r < 0)
			return r;
	} while (skip);
	if (strcmp(out->name, "TRAILER!!!") == 0) {
		c->inside = false;
		return CPIO_TRAILER;
	}
	return CPIO_ENTRY;
}
