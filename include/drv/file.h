// include/drv/file.h - open files, and the data of one read or write. Code: dev/drv_glue.c.
#pragma once
#include "drv/types.h"

void drv_file_get(struct file *f BORROWED) CTX_ANY;
void drv_file_put(struct file *f OWNED) CTX_TASK;
// O_* as open(2) and fcntl(F_SETFL) left them.
u32 drv_file_flags(const struct file *f BORROWED) CTX_ANY;

// One call of read_iter or write_iter. The position is written back to the file when the call succeeds.
struct file *drv_kiocb_file(const struct kiocb *k BORROWED) CTX_TASK;
s64 *drv_kiocb_pos(struct kiocb *k BORROWED) CTX_TASK;

// Bytes that the iterator still wants to give or take.
size_t drv_iov_count(const struct iov_iter *i BORROWED) CTX_TASK;
// Moves up to n bytes and advances; returns how many (fewer only at a fault, or at the iterator's end).
size_t drv_copy_to_iter(const void *from BORROWED, size_t n, struct iov_iter *i BORROWED) CTX_TASK;
size_t drv_copy_from_iter(void *to, size_t n, struct iov_iter *i BORROWED) CTX_TASK;
// Goes back by n bytes that were moved in this call.
void drv_iov_revert(struct iov_iter *i BORROWED, size_t n) CTX_TASK;
void drv_iov_advance(struct iov_iter *i BORROWED, size_t n) CTX_TASK;
