// Heap sort for arrays and bottom-up merge sort for lists.
#include "lib/sort.h"

#include "lib/string.h"
#include "lib/word.h"

static void swap_elements(char *a, char *b, size_t size)
{
	for (; size >= 8; size -= 8, a += 8, b += 8) {
		u64 t = word_load(a);
		memcpy(a, b, 8);
		memcpy(b, &t, 8);
	}
	for (; size; size--, a++, b++) {
		char t = *a;
		*a = *b;
		*b = t;
	}
}

// Offsets in bytes. The element at `at` sinks into the heap of n bytes.
static void heap_sink(char *base, size_t at, size_t n, size_t size,
		      int (*cmp)(const void *, const void *, const void *), const void *arg)
{
	for (;;) {
		size_t child = 2 * at + size;
		if (child >= n)
			return;
		if (child + size < n && cmp(base + child, base + child + size, arg) < 0)
			child += size;
		if (cmp(base + at, base + child, arg) >= 0)
			return;
		swap_elements(base + at, base + child, size);
		at = child;
	}
}

void sort_r(void *base, size_t n, size_t size, int (*cmp)(const void *a, const void *b, const void *arg),
	    const void *arg)
{
	size_t bytes = n * size;

	for (size_t at = n / 2 * size; at; ) {
		at -= size;
		heap_sink(base, at, bytes, size, cmp, arg);
	}
	while (bytes > size) {
		bytes -= size;
		swap_elements(base, (char *)base + bytes, size);
		heap_sink(base, 0, bytes, size, cmp, arg);
	}
}

struct plain_cmp {
	int (*cmp)(const void *a, const void *b);
};

static int call_plain_cmp(const void *a, const void *b, const void *arg)
{
	return ((const struct plain_cmp *)arg)->cmp(a, b);
}

void sort(void *base, size_t n, size_t size, int (*cmp)(const void *a, const void *b))
{
	struct plain_cmp arg = { cmp };

	sort_r(base, n, size, call_plain_cmp, &arg);
}

void *bsearch(const void *key, const void *base, size_t n, size_t size, int (*cmp)(const void *key, const void *elt))
{
	const char *p = base;

	while (n) {
		const char *mid = p + n / 2 * size;
		int c = cmp(key, mid);
		if (!c)
			return (void *)mid;
		if (c > 0) {
			p = mid + size;
			n -= n / 2 + 1;
		} else {
			n /= 2;
		}
	}
	return NULL;
}

// Merges two chains that end in NULL; a's elements came first.
static struct list_head *list_merge(void *priv, struct list_head *a, struct list_head *b,
				    int (*cmp)(void *, const struct list_head *, const struct list_head *))
{
	struct list_head *out = NULL, **tail = &out;

	while (a && b) {
		struct list_head **take = cmp(priv, a, b) <= 0 ? &a : &b;
		*tail = *take;
		tail = &(*take)->next;
		*take = *tail;
	}
	*tail = a ?: b;
	return out;
}

void list_sort(void *priv, struct list_head *h,
	       int (*cmp)(void *priv, const struct list_head *a, const struct list_head *b))
{
	struct list_head *part[64] = { NULL };	// part[i]: a sorted chain of 2^i elements, or NULL
	struct list_head *n, *all = NULL, *prev = h;
	unsigned int i;

	if (list_empty(h))
		return;
	h->prev->next = NULL;
	for (struct list_head *p = h->next; p; p = n) {
		n = p->next;
		p->next = NULL;
		for (i = 0; part[i]; i++) {
			p = list_merge(priv, part[i], p, cmp);
			part[i] = NULL;
		}
		part[i] = p;
	}
	for (i = 0; i < ARRAY_SIZE(part); i++)
		if (part[i])
			all = list_merge(priv, part[i], all, cmp);
	for (n = all; n; n = n->next) {
		prev->next = n;
		n->prev = prev;
		prev = n;
	}
	prev->next = h;
	h->prev = prev;
}
