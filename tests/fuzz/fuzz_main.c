// Runs a fuzzer without libFuzzer: see fuzz.h. Links with libc; must not include the kernel's headers.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
size_t fuzz_seed(unsigned int which, uint8_t *buf);
#define FUZZ_SEED_MAX 65536

static uint64_t fuzz_state;

static uint32_t fuzz_random(uint32_t below)
{
	fuzz_state = fuzz_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(fuzz_state >> 33) % below;
}

// One change: a byte, a bit, a run, a cut, or an interesting number.
static size_t fuzz_mutate(uint8_t *buf, size_t n)
{
	static const uint64_t numbers[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xffff, 0x7fffffffffffffff,
					    0x8000000000000000, 0xffffffffffffffff, 4095, 4096, 4097 };
	size_t at, len;

	if (!n)
		return 0;
	at = fuzz_random(n);
	switch (fuzz_random(6)) {
	case 0:
		buf[at] = fuzz_random(256);
		break;
	case 1:
		buf[at] ^= 1 << fuzz_random(8);
		break;
	case 2:
		len = 1 << fuzz_random(4);
		if (n - at >= len && len <= 8)
			memcpy(buf + at, &numbers[fuzz_random(sizeof(numbers) / sizeof(numbers[0]))], len);
		break;
	case 3:
		len = 1 + fuzz_random(n - at < 32 ? n - at : 32);
		memmove(buf + fuzz_random(n - len + 1), buf + at, len);
		break;
	case 4:
		buf[at] = "0123456789abcdefFN,-:/=\" \n"[fuzz_random(26)];
		break;
	default:
		if (fuzz_random(4) == 0)
			n = at;
		break;
	}
	return n;
}

int main(int argc, char **argv)
{
	unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 0) : 200000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	uint8_t *buf = malloc(FUZZ_SEED_MAX);

	for (unsigned long i = 0; i < runs; i++) {
		fuzz_state = seed * 0x9e3779b97f4a7c15u + i;	// any failing run can be repeated alone
		fuzz_random(2);
		size_t n = fuzz_seed(fuzz_random(1000), buf);
		for (uint32_t m = fuzz_random(8); m; m--)
			n = fuzz_mutate(buf, n);
		// A block of exactly n bytes, so that ASan sees one byte too many.
		uint8_t *exact = malloc(n + !n);
		memcpy(exact, buf, n);
		LLVMFuzzerTestOneInput(exact, n);
		free(exact);
	}
	free(buf);
	printf("%lu runs\n", runs);
	return 0;
}
