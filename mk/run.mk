# Running, testing and checking: set-up, the initramfs, QEMU, the test and check drivers.

.PHONY: setup run test test-long check gdb help initramfs ktest style

BUSYBOX := build/busybox/busybox
INITRAMFS := build/initramfs.cpio
MUSL_CC ?= musl-gcc

# Each stamp costs nothing once it is there; touching tools/setup or `make setup` looks again.
build/.setup: tools/setup
	@mkdir -p build
	@tools/setup
	@touch $@
build/.setup-all: tools/setup
	@mkdir -p build
	@tools/setup --all
	@touch $@ build/.setup
setup:
	@mkdir -p build
	@tools/setup --all
	@touch build/.setup build/.setup-all

$(BUSYBOX): tools/busybox tools/sources.txt | build/.setup $(UAPI)/.stamp
	$(Q)tools/busybox $@

build/user/%: user/%.c | build/.setup
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) -std=gnu11 -Os -Wall -Wextra -Werror -static -s -o $@ $<

$(INITRAMFS): tools/mkinitramfs.py $(BUSYBOX) build/user/init
	$(call say,CPIO,$@)
	$(Q)$(PYTHON) tools/mkinitramfs.py $@ init=build/user/init bin/busybox=$(BUSYBOX) --applets=$(BUSYBOX) \
		dev/ dev/console%c:5:1 dev/null%c:1:3 proc/ sys/ run/ tmp/ root/
initramfs: $(INITRAMFS)

# The kernel is made by a second make: the tools it is made with may be missing when this one starts.
kernel = +$(Q)$(MAKE) all

run: build/.setup $(INITRAMFS)
	$(kernel)
ifdef CMD
	@KERNEL=$(B)/ochre tools/run '$(subst ','\'',$(CMD))'
else
	@echo "Leave with 'exit'; Ctrl-A X ends QEMU."
	@KERNEL=$(B)/ochre tools/run
endif

test: build/.setup $(INITRAMFS)
	@$(PYTHON) tools/test.py --make "$(MAKE)" $(TEST)
test-long: build/.setup $(INITRAMFS)
	@$(PYTHON) tools/test.py --make "$(MAKE)" --long $(TEST)

check: build/.setup-all
	@$(PYTHON) tools/check.py $(CHECK)

gdb: build/.setup-all $(INITRAMFS)
	$(kernel)
	@KERNEL=$(B)/ochre tools/run --gdb $(B)/ochre.debug

help:
	@echo 'make                 the kernel, build/x86_64/ochre'
	@echo "make run             boot to a shell;  make run CMD='...'  runs one command"
	@echo 'make test            all tests;        make test TEST=ktest  one suite (host ktest abi apps)'
	@echo 'make check           lints: style, layers, sparse, lock analysis'
	@echo 'make gdb             boot under gdb;   make bench  compare with Linux;   make test-long'
	@echo 'make setup           install what is missing (Debian packages)'
	@echo 'Variables: KASAN=1 UBSAN=1 KCSAN=1 LOCKCHECK=1 LOCKSTAT=1 TESTS=1 DEBUG=1 CC= V=1; of a run: MACHINE=q35|microvm SMP= MEM= CPU='

# For tools/check.py: the flags that decide what the preprocessor sees; each checker adds its own compiler's headers.
.SECONDEXPANSION:
.PHONY: check-flags
check-flags: $$(BEFORE_OBJS)
	@echo '$(TREE_INCLUDES) $(DEFINES) -DCONFIG_TESTS=1'
