# The ABI and application tests: guest programs, their initramfs images, and the runs on Ochre and on Linux.
#
#   make abi              the ABI tests on $(KERNEL) (default: the kernel that was built)
#   make apps             the application tests on $(KERNEL)
#   make abi-validate     the ABI tests on real Linux (LINUX=sid, bookworm, ... or KERNEL=vmlinuz), and rewrite validated.txt
#   make apps-validate    the application tests on real Linux
#   ABI=fork,mmap:brk     only these files or cases; ABI_FLAGS='--smp 4 --machine microvm' for the guest

MUSL_CC    ?= musl-gcc
LINUX      ?= sid
ABI_OUT    := build/abi
ABI_SRC    := $(filter-out tests/abi/abi.c tests/abi/init.c,$(wildcard tests/abi/*.c))
ABI_BIN    := $(patsubst tests/abi/%.c,$(ABI_OUT)/bin/%,$(ABI_SRC))
ABI_CFLAGS := -std=gnu11 -O1 -g0 -static -fno-pie -no-pie -fno-strict-aliasing -fno-toplevel-reorder -Wall -Wextra \
	      -Wno-nonnull -Wno-unused-result -Wno-stringop-overflow -Wno-clobbered -Wno-array-bounds -Wno-unused-value -Wno-maybe-uninitialized
OCHRE      ?= build/x86_64/ochre
BUSYBOX    ?= $(firstword $(wildcard build/busybox/busybox) /bin/busybox)

$(ABI_OUT)/abi.o: tests/abi/abi.c tests/abi/abi.h
	@mkdir -p $(@D)
	$(MUSL_CC) $(ABI_CFLAGS) -c -o $@ $<

$(ABI_OUT)/bin/%: tests/abi/%.c $(ABI_OUT)/abi.o tests/abi/abi.h
	@mkdir -p $(@D)
	$(MUSL_CC) $(ABI_CFLAGS) -pthread -o $@ $< $(ABI_OUT)/abi.o

$(ABI_OUT)/init: tests/abi/init.c
	@mkdir -p $(@D)
	$(MUSL_CC) $(ABI_CFLAGS) -o $@ $<

$(ABI_OUT)/abi.cpio: tests/abi/mkinitramfs.py $(ABI_OUT)/init $(ABI_BIN)
	python3 $< $@ init=$(ABI_OUT)/init $(foreach b,$(ABI_BIN),abi/$(notdir $(b))=$(b)) tmp/ proc/ dev/ sys/

.PHONY: abi abi-validate abi-build
abi-build: $(ABI_OUT)/abi.cpio
abi: $(ABI_OUT)/abi.cpio
	python3 tests/abi/guest.py --kernel $(or $(KERNEL),$(OCHRE)) --initrd $< --log $(ABI_OUT)/log \
		--expected tests/abi/ochre-expected-failures.txt $(if $(ABI),--only $(ABI)) $(ABI_FLAGS)

abi-validate: $(ABI_OUT)/abi.cpio
	k=$(KERNEL); [ -n "$$k" ] || k=$$(tests/abi/fetch_linux.sh $(LINUX)); \
	python3 tests/abi/guest.py --kernel "$$k" --initrd $< --log $(ABI_OUT)/log.linux $(if $(ABI),--only $(ABI)) $(ABI_FLAGS) \
		$(if $(ABI),,--validate tests/abi/validated.txt --sources tests/abi)

# The application tests: scripts for the musl busybox, on both machines with 1 and 4 CPUs (APPS='--initrd F shell' for other arguments).
.PHONY: apps apps-validate
apps: build/initramfs.cpio
	TIMEOUT=$${TIMEOUT:-240} python3 tests/apps/run.py --kernel $(or $(KERNEL),$(OCHRE)) $(or $(APPS),--matrix)
apps-validate: build/initramfs.cpio
	k=$(KERNEL); [ -n "$$k" ] || k=$$(tests/abi/fetch_linux.sh $(LINUX)); TIMEOUT=$${TIMEOUT:-240} python3 tests/apps/run.py --kernel "$$k" $(APPS)
