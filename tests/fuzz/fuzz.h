// tests/fuzz/fuzz.h - for a host fuzzer: it defines LLVMFuzzerTestOneInput() and seeds. Without libFuzzer, fuzz_main.c
// feeds it N random mutations of the seeds, the same ones in each run.
//
//	cc -ffreestanding -I. -isystem build/uapi -fsanitize=address,undefined tests/fuzz/fuzz_x.c tests/fuzz/fuzz_main.c lib/... -o fuzz_x
//	./fuzz_x [N [SEED]]
//	clang -ffreestanding -fsanitize=fuzzer,address,undefined -I. -isystem build/uapi tests/fuzz/fuzz_x.c lib/... -o fuzz_x && ./fuzz_x CORPUS
//
// The kernel's headers and libc's do not mix: a fuzzer includes only the former.
#pragma once
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/types.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);
// Writes valid input number `which` (any value) into buf and returns its length, at most FUZZ_SEED_MAX.
#define FUZZ_SEED_MAX 65536
size_t fuzz_seed(unsigned int which, u8 *buf);

// From libc.
void *malloc(size_t n);
void free(void *p);
// Stops here: the sanitizer's report names the line.
#define FUZZ_CHECK(c) ((c) ? (void)0 : __builtin_trap())
