# The system-call fuzzer (tests/fuzz/syscalls): a program of random calls, run on a kernel that checks itself.
#
#   make fuzz-syscalls           5 minutes on a KASAN and UBSAN kernel; FUZZ_SECONDS= FUZZ_SEED= FUZZ_ARGS='-w 12 -v'
#
# What it finds is a report on the console, and a failing status. The seed is printed; with SMP=1 ICOUNT=1 a run repeats exactly.

FUZZ_SECONDS ?= 300
FUZZ_SEED ?= $(shell date +%Y%m%d)
FUZZ_KERNEL := build/$(ISA)-kasan-ubsan/ochre

build/fuzz/calls.h: tests/fuzz/syscalls/gen.py tools/syscalls.py sys/syscalls.tbl
	@mkdir -p $(@D)
	$(Q)$(PYTHON) $< sys/syscalls.tbl >$@
build/fuzz/fuzz-syscalls: tests/fuzz/syscalls/main.c build/fuzz/calls.h | build/.setup
	$(call say,CC,$<)
	$(Q)$(MUSL_CC) -std=gnu11 -O1 -Wall -Wextra -Werror -static -s -pthread -Ibuild/fuzz -o $@ $<
build/fuzz/initramfs.cpio: $(INITRAMFS) tools/mkinitramfs.py build/fuzz/fuzz-syscalls
	$(Q)$(PYTHON) tools/mkinitramfs.py $@.add bin/fuzz-syscalls=build/fuzz/fuzz-syscalls && cat $(INITRAMFS) $@.add >$@

.PHONY: fuzz-syscalls fuzz-run
# The run alone, on a kernel that is there.
fuzz-run: build/fuzz/initramfs.cpio
	@KERNEL=$(FUZZ_KERNEL) INITRD=build/fuzz/initramfs.cpio MEM=512M TIMEOUT=$$(( $(FUZZ_SECONDS) * 4 + 300 )) \
		tests/fuzz/syscalls/run.py -s $(FUZZ_SEED) -t $(FUZZ_SECONDS) $(FUZZ_ARGS)
fuzz-syscalls: build/.setup
	+$(Q)$(MAKE) KASAN=1 UBSAN=1 all
	+$(Q)$(MAKE) fuzz-run
