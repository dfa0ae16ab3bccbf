# The unit tests as a program on the build host (arch/host): under ASan and UBSan with one CPU, whose runs repeat exactly, and under TSan
# with several.
#
#   make host-test ktest='xarray*'      make host-tsan HOST_TSAN_CPUS=4 ktest=sched
#
# As in the release kernel, a directory is one translation unit; its tests come last in it.

HOST_CC ?= $(CC)
HOST_TSAN_CPUS ?= 4
# What runs under TSan: suites with code that several CPUs execute at once.
HOST_TSAN_TESTS ?= *
HOST_LAYERS := lib arch/host kern time sched mm task fs dev block bpf net ipc proc $(patsubst %/,%,$(wildcard fs/*/)) io_uring
HOST_DIRS := $(foreach d,$(HOST_LAYERS),$(if $(wildcard $d/*.c),$d))
# Symbols come from the linker's second pass, tables of devices from firmware: the host has neither. os.c sees libc, the rest does not.
HOST_SKIP := kern/symbols.c arch/host/os.c kern/kasan.c %/slab_kasan_test.c %/ubsan.c %/kcsan.c %/kcsan_test.c
HOST_SRCS := tests/unit/memblock.c tests/unit/x86.c tests/unit/start.c tests/unit/fakes.c

HOST_FLAGS_asan := -fsanitize=address,undefined -fno-sanitize=alignment -fno-sanitize-recover=undefined -DCONFIG_KASAN=1 -DKASAN_SHADOW_OFFSET=0x7fff8000ul \
	-DKASAN_SHADOW_IS_THERE=1
HOST_FLAGS_tsan := -fsanitize=thread -Wno-tsan
HOST_SKIP_tsan := %/slab_kasan.c
# zlib's and the tree's own warnings are the kernel build's business; fields of misaligned structs are legal on all ports.
HOST_CFLAGS = -std=gnu11 -O1 -g -pipe -ffreestanding -fno-strict-aliasing -fno-common -fno-omit-frame-pointer \
	-DCONFIG_TESTS=1 -DCONFIG_DEBUG=1 -DCONFIG_LOCKCHECK=1 -DPERCPU_SECTION='"percpu"' -Dpercpu_template_start=__start_percpu \
	-Dpercpu_template_end=__stop_percpu $(ZLIB_FLAGS) -Ulinux -Uunix -nostdinc -I. -Iinclude -Iarch/host/include -isystem $(UAPI) \
	-isystem $(CC_INCLUDE) $(CC_WARNINGS) -Wall -Wno-unused-function

define host_newline


endef
host_hash := \#
host_differ = $(subst x$1x,,x$2x)$(subst x$2x,,x$1x)
host_keep = $(if $(call host_differ,$(file <$1),$2),$(file >$1,$2))
host_files = $(call unit_order,$(filter-out $(HOST_SKIP) $(HOST_SKIP_$2),$(sort $(wildcard $1/*.c))))
host_unit = // Made by mk/host.mk: one translation unit for $1/.$(foreach f,$(call host_files,$1,$2),$(host_newline)$(host_hash)include "$f")
ifneq ($(filter host-% build/host-%,$(MAKECMDGOALS)),)
$(shell mkdir -p $(HOST_DIRS:%=build/host-asan/%) $(HOST_DIRS:%=build/host-tsan/%))
$(foreach v,asan tsan,$(foreach d,$(HOST_DIRS),$(call host_keep,build/host-$v/$d/unit.c,$(call host_unit,$d,$v))))
endif

# $(call host_program,VARIANT)
define host_program
HOST_OBJS_$1 := $(HOST_DIRS:%=build/host-$1/%/unit.o) $(HOST_SRCS:%.c=build/host-$1/%.o) build/host-$1/arch/host/os.o \
	$(foreach f,inflate inftrees inffast zutil crc32 adler32,build/host-$1/zlib/$f.o)

build/host-$1/zlib/%.o: $(ZLIB_SRC)/.stamp | $(UAPI)/.stamp
	@mkdir -p $$(@D)
	$$(Q)$$(HOST_CC) $$(HOST_CFLAGS) $$(HOST_FLAGS_$1) -w -DHAVE_MEMCPY -include lib/string.h -MMD -MP -c -o $$@ $(ZLIB_SRC)/$$*.c
# The one file that sees libc.
build/host-$1/arch/host/os.o: arch/host/os.c
	@mkdir -p $$(@D)
	$$(call say,HOSTCC,$$<)
	$$(Q)$$(HOST_CC) -std=gnu11 -O1 -g -Wall -Wextra -Werror $$(HOST_FLAGS_$1) -MMD -MP -c -o $$@ $$<
build/host-$1/%/unit.o: build/host-$1/%/unit.c mk/host.mk | $(UAPI)/.stamp $(ZLIB_SRC)/.stamp
	$$(call say,HOSTCC,$$*/ [$1])
	$$(Q)$$(HOST_CC) $$(HOST_CFLAGS) $$(HOST_FLAGS_$1) -MMD -MP -c -o $$@ $$<
build/host-$1/%.o: %.c mk/host.mk | $(UAPI)/.stamp $(ZLIB_SRC)/.stamp
	@mkdir -p $$(@D)
	$$(call say,HOSTCC,$$< [$1])
	$$(Q)$$(HOST_CC) $$(HOST_CFLAGS) $$(HOST_FLAGS_$1) -MMD -MP -c -o $$@ $$<
build/host-$1/ktest: $$(HOST_OBJS_$1)
	$$(call say,LINK,$$@)
	$$(Q)$$(HOST_CC) $$(HOST_FLAGS_$1) -o $$@ $$^ -lpthread
-include $$(HOST_OBJS_$1:.o=.d)
endef
$(eval $(call host_program,asan))
$(eval $(call host_program,tsan))

.PHONY: host-test host-tsan
# ktest=PATTERN picks tests.
host-test: build/host-asan/ktest
	@build/host-asan/ktest 'ktest=$(or $(ktest),*)'
host-tsan: build/host-tsan/ktest
	@build/host-tsan/ktest -c $(HOST_TSAN_CPUS) 'ktest=$(or $(ktest),$(HOST_TSAN_TESTS))'

# Host fuzzers: tests/fuzz/fuzz_NAME.c with lib, driven by fuzz_main.c. FUZZ_RUNS cases from a fixed seed.
FUZZ_RUNS ?= 200000
FUZZERS := $(patsubst tests/fuzz/%.c,build/host-asan/fuzz/%,$(filter-out %/fuzz_main.c,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_LIB := $(patsubst %.c,build/host-asan/%.o,$(filter-out %_test.c,$(wildcard lib/*.c))) $(filter build/host-asan/zlib/%,$(HOST_OBJS_asan))
build/host-asan/tests/fuzz/fuzz_main.o: tests/fuzz/fuzz_main.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -std=gnu11 -O1 -g -Wall -Wextra -I. $(HOST_FLAGS_asan) -MMD -MP -c -o $@ $<
build/host-asan/fuzz/%: build/host-asan/tests/fuzz/%.o build/host-asan/tests/fuzz/fuzz_main.o $(FUZZ_LIB)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(HOST_CC) $(HOST_FLAGS_asan) -o $@ $^
.SECONDARY: $(FUZZ_LIB) $(FUZZERS:build/host-asan/fuzz/%=build/host-asan/tests/fuzz/%.o)
-include $(FUZZERS:build/host-asan/fuzz/%=build/host-asan/tests/fuzz/%.d)
.PHONY: host-fuzz
host-fuzz: $(FUZZERS)
	@n=0; bad=0; echo "1..$(words $(FUZZERS))"; for f in $(FUZZERS); do n=$$((n + 1)); \
	if $$f $(FUZZ_RUNS); then echo "ok $$n - $${f##*/}"; else bad=1; echo "not ok $$n - $${f##*/}"; fi; done; exit $$bad
