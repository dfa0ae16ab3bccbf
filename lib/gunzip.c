// gzip, by zlib's inflate. zlib's memory comes from the caller's block, handed out upwards and never freed.
#include "lib/gunzip.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <zlib.h>

#define PIECE (16 * 1024)
#define GZIP_ONLY (16 + MAX_WBITS) // window size plus 16: a gzip header is expected

struct work {
	u8 piece[PIECE];
	size_t taken;
	u8 heap[GUNZIP_WORK - PIECE - sizeof(size_t)] ALIGNED(8);
};
BUILD_ASSERT(sizeof(struct work) <= GUNZIP_WORK, "the work area is what the header says");

static void *work_alloc(void *opaque, unsigned int items, unsigned int size)
{
	struct work *w = opaque;
	size_t n = ALIGN_UP((size_t)items * size, 16);
	if (n > sizeof(w->heap) - w->taken)
		return NULL;
	void *p = w->heap + w->taken;
	w->taken += n;
	return p;
}

static void work_free(void *opaque, void *p)
{
}

// Fills pieces and passes them on until the member ends.
static int unpack(z_stream *z, struct work *w, size_t n, gunzip_sink_t sink, void *arg)
{
	const u8 *end = z->next_in + n;
	for (;;) {
		z->avail_in = MIN((size_t)(end - z->next_in), (size_t)U32_MAX);
		z->next_out = w->piece;
		z->avail_out = PIECE;
		int state = inflate(z, Z_NO_FLUSH);
		size_t made = PIECE - z->avail_out;
		if (state != Z_OK && state != Z_STREAM_END)
			return -EINVAL; // Z_BUF_ERROR included: no progress means that the input ended
		int err = made ? sink(arg, w->piece, made) : 0;
		if (err)
			return err;
		if (state == Z_STREAM_END)
			return 0;
	}
}

int gunzip(const u8 *in, size_t n, size_t *used, void *work, gunzip_sink_t sink, void *arg)
{
	struct work *w = work;
	z_stream z = { .next_in = in, .zalloc = work_alloc, .zfree = work_free, .opaque = w };

	w->taken = 0;
	*used = 0;
	if (inflateInit2(&z, GZIP_ONLY) != Z_OK)
		return -EINVAL;
	int err = unpack(&z, w, n, sink, arg);
	*used = z.next_in - in;
	return err;
}
