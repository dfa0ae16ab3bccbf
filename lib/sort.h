// lib/sort.h - sorting of arrays (heap sort) and of lists (merge sort). No allocation, no recursion.
#pragma once
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"

// Sorts n elements of `size` bytes. Not stable. O(n log n) always. cmp: < 0, 0, > 0.
void sort(void *base, size_t n, size_t size, int (*cmp)(const void *a, const void *b));
// The same, with an argument for cmp.
void sort_r(void *base, size_t n, size_t size, int (*cmp)(const void *a, const void *b, const void *arg),
	    const void *arg);
// The element equal to key in a sorted array, or NULL.
void *bsearch(const void *key, const void *base, size_t n, size_t size, int (*cmp)(const void *key, const void *elt));

// Sorts a list. Stable. cmp > 0: a goes after b.
void list_sort(void *priv, struct list_head *h,
	       int (*cmp)(void *priv, const struct list_head *a, const struct list_head *b));
