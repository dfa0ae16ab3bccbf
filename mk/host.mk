# The unit tests as a program on the build host, under ASan and UBSan.
#
# HOST_DIRS are the directories whose code runs there; HOST_SRCS what it needs besides. Headers of the port are x86_64's where lib
# asks for any (compiler atomics, barriers): they are legal in a program.

HOST_DIRS ?= lib
HOST_SRCS ?= kern/ktest.c tests/unit/main.c
HOST_CC ?= $(CC)
HOST_B := build/host
HOST_C := $(foreach d,$(HOST_DIRS),$(wildcard $d/*.c)) $(HOST_SRCS)
HOST_OBJS := $(HOST_C:%.c=$(HOST_B)/%.o) $(foreach f,inflate inftrees inffast zutil crc32 adler32,$(HOST_B)/zlib/$f.o)
HOST_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
# zlib's and the tree's own warnings are the kernel build's business; fields of misaligned structs are legal on all ports.
HOST_CFLAGS = -std=gnu11 -O1 -g -pipe -ffreestanding -fno-strict-aliasing -fno-common -fno-omit-frame-pointer $(HOST_SAN) -fno-sanitize=alignment \
	-DCONFIG_TESTS=1 -DCONFIG_DEBUG=1 $(ZLIB_FLAGS) -Ulinux -Uunix $(filter-out -I$(B)/gen,$(TREE_INCLUDES)) -isystem $(CC_INCLUDE) $(CC_WARNINGS)

$(HOST_B)/zlib/%.o: $(ZLIB_SRC)/.stamp | $(UAPI)/.stamp
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -w -DHAVE_MEMCPY -include lib/string.h -MMD -MP -c -o $@ $(ZLIB_SRC)/$*.c

# The program's own main is the one file that sees libc.
$(HOST_B)/tests/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)$(HOST_CC) -std=gnu11 -O1 -g -Wall -Wextra $(HOST_SAN) -MMD -MP -c -o $@ $<

$(HOST_B)/%.o: %.c | $(UAPI)/.stamp $(ZLIB_SRC)/.stamp
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -Wall -Wno-unused-function -MMD -MP -c -o $@ $<

$(HOST_B)/ktest: $(HOST_OBJS)
	$(call say,LINK,$@)
	$(Q)$(HOST_CC) $(HOST_SAN) -o $@ $^

.PHONY: host-test
# ktest=PATTERN picks tests.
host-test: $(HOST_B)/ktest
	@ASAN_OPTIONS=detect_leaks=1 $(HOST_B)/ktest '$(ktest)'

-include $(HOST_OBJS:.o=.d)

# Host fuzzers: tests/fuzz/fuzz_NAME.c with lib, driven by fuzz_main.c. FUZZ_RUNS cases from a fixed seed.
FUZZ_RUNS ?= 200000
FUZZERS := $(patsubst tests/fuzz/%.c,$(HOST_B)/fuzz/%,$(filter-out %/fuzz_main.c,$(wildcard tests/fuzz/fuzz_*.c)))
$(HOST_B)/tests/fuzz/fuzz_main.o: tests/fuzz/fuzz_main.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -std=gnu11 -O1 -g -Wall -Wextra -I. $(HOST_SAN) -MMD -MP -c -o $@ $<
$(HOST_B)/fuzz/%: $(HOST_B)/tests/fuzz/%.o $(HOST_B)/tests/fuzz/fuzz_main.o $(filter-out %_test.o $(HOST_B)/tests/% $(HOST_B)/kern/%,$(HOST_OBJS))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(HOST_CC) $(HOST_SAN) -o $@ $^
.PHONY: host-fuzz
host-fuzz: $(FUZZERS)
	@n=0; bad=0; echo "1..$(words $(FUZZERS))"; for f in $(FUZZERS); do n=$$((n + 1)); \
	if $$f $(FUZZ_RUNS); then echo "ok $$n - $${f##*/}"; else bad=1; echo "not ok $$n - $${f##*/}"; fi; done; exit $$bad
