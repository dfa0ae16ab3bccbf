// dev/mem.h - the memory devices: /dev/null, zero, full, random, urandom and kmsg, character major 1. Code: mem.c, random_dev.c, kmsg.c.
#pragma once
#include "fs/file.h"

// Registers the major and its nodes. Context: task, once, after fs_init().
void mem_devices_init(void);

extern const struct file_ops random_fops, urandom_fops;	// random_dev.c
extern const struct file_ops kmsg_fops;			// kmsg.c

// llseek of devices without a position: whatever is asked for, the position is 0.
loff_t null_llseek(struct file *f, loff_t off, int whence);
// llseek of streams: succeeds and changes nothing.
loff_t noop_llseek(struct file *f, loff_t off, int whence);
