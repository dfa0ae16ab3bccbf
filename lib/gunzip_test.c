#include "lib/gunzip.h"
#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"

static const char plain[] = "hello, hello, hello, hello, gzip\n";
static const u8 packed[] = { // printf of the above | gzip -9n
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xc8,
	0xc0, 0x46, 0xa5, 0x57, 0x65, 0x16, 0x70, 0x01, 0x00, 0xc5, 0xdc, 0x0a, 0xe6, 0x21, 0x00, 0x00, 0x00,
};
static u8 gunzip_area[GUNZIP_WORK] ALIGNED(16);

struct sunk {
	u8 data[64];
	size_t n;
	int result;
};

static int sink(void *arg, const u8 *data, size_t n)
{
	struct sunk *s = arg;
	if (s->n + n > sizeof(s->data))
		return -ENOSPC;
	memcpy(s->data + s->n, data, n);
	s->n += n;
	return s->result;
}

KTEST(gunzip, unpacks_and_stops_at_the_member_end)
{
	u8 in[sizeof(packed) + 5] = { 0 };
	struct sunk s = { .n = 0 };
	size_t used;
	memcpy(in, packed, sizeof(packed));
	CHECK_EQ(gunzip(in, sizeof(in), &used, gunzip_area, sink, &s), 0);
	CHECK_EQ(used, sizeof(packed));
	CHECK_EQ(s.n, sizeof(plain) - 1);
	CHECK_MEM(s.data, plain, sizeof(plain) - 1);
}

KTEST(gunzip, every_truncation_fails)
{
	for (size_t n = 0; n < sizeof(packed); n++) {
		struct sunk s = { .n = 0 };
		size_t used;
		CHECK_EQ(gunzip(packed, n, &used, gunzip_area, sink, &s), -EINVAL);
		CHECK_LE(used, n);
	}
}

KTEST(gunzip, damage_is_found)
{
	// Bytes 4 to 9 (time, flags, system) carry no data and are not summed.
	for (size_t at = 10; at < sizeof(packed); at++) {
		u8 in[sizeof(packed)];
		struct sunk s = { .n = 0 };
		size_t used;
		memcpy(in, packed, sizeof(packed));
		in[at] ^= 1; // a high bit of the last deflate byte would be padding
		CHECK(gunzip(in, sizeof(in), &used, gunzip_area, sink, &s) != 0);
	}
}

KTEST(gunzip, sink_can_end_the_run)
{
	struct sunk s = { .result = -EIO };
	size_t used;
	CHECK_EQ(gunzip(packed, sizeof(packed), &used, gunzip_area, sink, &s), -EIO);
}
