// fs/seq_file.h - generated files (/proc): a record iterator behind read and seek.
#pragma once
#include "fs/file.h"
#include "lib/compiler.h"
#include <stdarg.h>

struct seq_file;
struct seq_ops {		// start..stop may hold locks; records are positions 0, 1, 2...
	void *(*start)(struct seq_file *m, loff_t *pos);	// null: the end
	void *(*next)(struct seq_file *m, void *v, loff_t *pos);
	void (*stop)(struct seq_file *m, void *v);
	int (*show)(struct seq_file *m, void *v);
};
struct seq_file {
	char *buf;
	size_t size, from, count;	// buf is allocated at first use, doubled when a record overflows it
	loff_t index, read_pos;
	struct mutex lock;
	const struct seq_ops *ops;
	struct file *file;
	void *private;
	struct seq_ops single;		// of single_open()
};
// A show() that returns SEQ_SKIP has written nothing that counts.
#define SEQ_SKIP 1
void seq_vprintf(struct seq_file *m, const char *fmt, va_list ap) PRINTF(2, 0);
MUST_CHECK int seq_open(struct file *f, const struct seq_ops *ops, void *private);
MUST_CHECK int single_open(struct file *f, int (*show)(struct seq_file *m, void *v), void *private);
ssize_t seq_read(struct kiocb *k, struct iov_iter *to);
loff_t seq_lseek(struct file *f, loff_t off, int whence);
void seq_release(struct inode *inode, struct file *f);
void seq_printf(struct seq_file *m, const char *fmt, ...) PRINTF(2, 3);
void seq_puts(struct seq_file *m, const char *s);
void seq_putc(struct seq_file *m, char c);
void seq_write(struct seq_file *m, const void *p, size_t n);
void seq_put_u64(struct seq_file *m, const char *prefix, u64 v);	// fast decimal
void seq_put_s64(struct seq_file *m, const char *prefix, s64 v);
void seq_escape(struct seq_file *m, const char *s, const char *esc);
int seq_path(struct seq_file *m, const struct path *p, const char *esc);
static inline bool seq_overflowed(const struct seq_file *m) { return m->count == m->size; }
