# Ochre's build. Products go to build/<isa>/ (build/<isa>-<variant>/ for the checking builds); nothing is written elsewhere.
#
#   make             the kernel: build/x86_64/ochre, and ochre.debug beside it
#   make quick       compile everything once and try to link: what is run before each push
#   make help        the rest
#
# Variants, each with a directory of its own: DEBUG=1 KASAN=1 UBSAN=1 KCSAN=1 LOCKCHECK=1 LOCKSTAT=1 TESTS=1 UNITS=0. They
# reach C as CONFIG_DEBUG, CONFIG_KASAN ..., defined only when on; DEBUG implies LOCKCHECK. Also: CC=, LD=, V=1 (show commands), FRAME_POINTER=0, KCFLAGS=.
#
# mk/*.mk are fragments owned by single areas. They may add to KERNEL_OBJS (linked in), GEN_HEADERS (made before the first
# object; write them below $(B)/gen, which is on the include path), CHECKS (targets of `make check`) and TEST_SUITES.

MAKEFLAGS += -rR --no-print-directory
SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all quick clean FORCE
all:

ISA ?= x86_64
ifeq ($(origin CC),default)
CC := gcc
endif
CC ?= gcc
LD ?= ld
ifeq ($(origin LD),default)
LD := ld
endif
OBJCOPY ?= objcopy
NM ?= nm
PYTHON ?= python3
RUST ?= 1
ifeq ($(RUST),n)
override RUST := 0
endif
# Tests see the statics of their directory.
UNITS ?= $(if $(filter 1,$(DEBUG)),$(if $(filter 1,$(TESTS)),1,0),1)
FRAME_POINTER ?= 1
LINK_STRICT ?= 1

# A debug kernel checks its locks.
LOCKCHECK ?= $(DEBUG)
VARIANTS := $(strip $(foreach v,DEBUG KASAN UBSAN KCSAN LOCKCHECK LOCKSTAT TESTS,$(if $(filter 1,$($v)),$v)))
suffix_DEBUG := -debug
suffix_KASAN := -kasan
suffix_UBSAN := -ubsan
suffix_KCSAN := -kcsan
suffix_LOCKCHECK := $(if $(filter 1,$(DEBUG)),,-lockcheck)
suffix_LOCKSTAT := -lockstat
suffix_TESTS := -tests
empty :=
suffix := $(subst $(empty) $(empty),,$(foreach v,$(VARIANTS),$(suffix_$v)))
B := build/$(ISA)$(suffix)$(if $(filter 0$(DEBUG),$(UNITS)),-files)

quiet := $(findstring s,$(firstword -$(MAKEFLAGS)))
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,$(if $(quiet),,@printf '  %-6s %s\n' '$1' '$2'))

# Layers, lowest first (docs/architecture.md). fs/<type> directories are found by themselves.
KERNEL_DIRS := lib arch/$(ISA) kern time sched mm task fs dev block bpf net ipc proc $(patsubst %/,%,$(wildcard fs/*/)) io_uring sys boot

# ---- compiler -------------------------------------------------------------------------------------------------------
# What this compiler can do is probed once per compiler and remembered.
CC_MK := build/cc/$(notdir $(firstword $(CC))).mk
ifeq ($(filter clean help setup check test test-long run gdb bench bench-run bench-update bench-linux,$(MAKECMDGOALS)),)
include $(CC_MK)
endif
$(CC_MK): tools/cc-probe $(shell command -v $(firstword $(CC)))
	@mkdir -p $(@D)
	$(Q)tools/cc-probe "$(CC)" >$@

UAPI := build/uapi
TREE_INCLUDES = -nostdinc -I. -Iinclude -Iarch/$(ISA)/include -I$(B)/gen -isystem $(UAPI)
INCLUDES = $(TREE_INCLUDES) -isystem $(CC_INCLUDE)
CONFIG := $(addsuffix =1,$(addprefix CONFIG_,$(VARIANTS) $(if $(filter 1,$(RUST)),RUST)))
RUSTC_CFG := $(foreach c,$(CONFIG),--cfg $(firstword $(subst =, ,$c)))
DEFINES := $(addprefix -D,$(CONFIG)) -Ulinux -Uunix

WARNINGS := -Wall -Wextra -Wno-unused-parameter -Wstrict-prototypes -Wmissing-prototypes -Wmissing-declarations \
	-Wold-style-definition -Wshadow -Wvla -Wundef -Wpointer-arith -Wwrite-strings -Wcast-align -Wimplicit-fallthrough \
	-Wformat=2 -Wredundant-decls -Wnested-externs -Wenum-conversion -Wframe-larger-than=2048 -Wdate-time \
	-Wint-conversion -Wincompatible-pointer-types -Werror

CFLAGS_BASE := -std=gnu11 -O2 -g -pipe -ffile-prefix-map=$(CURDIR)=. -ffreestanding -fno-pic -fno-pie -fno-strict-aliasing -fno-common \
	-fno-delete-null-pointer-checks -fno-strict-overflow -fno-asynchronous-unwind-tables -fno-unwind-tables \
	-ffunction-sections -fdata-sections \
	$(if $(filter 0,$(FRAME_POINTER)),-fomit-frame-pointer,-fno-omit-frame-pointer)

# Entries leave the stack aligned to 8 bytes; without vector registers nothing needs 16.
CFLAGS_ISA_x86_64 = -m64 -mno-red-zone -mcmodel=kernel -mgeneral-regs-only $(CC_STACK_PROTECTOR) \
	$(if $(CC_IS_CLANG),-mstack-alignment=8,-mpreferred-stack-boundary=3)

# Instrumented code has larger frames, and makes gcc see what is not there.
CFLAGS_SAN = $(if $(filter 1,$(KASAN)),$(CC_KASAN)) $(if $(filter 1,$(UBSAN)),$(CC_UBSAN)) $(if $(filter 1,$(KCSAN)),$(CC_KCSAN)) \
	$(if $(filter KASAN UBSAN KCSAN,$(VARIANTS)),-Wframe-larger-than=8192 -Wno-format-overflow -Wno-format-truncation)

CFLAGS = $(CFLAGS_BASE) $(CFLAGS_ISA_$(ISA)) $(DEFINES) $(INCLUDES) $(WARNINGS) $(CC_WARNINGS)
CFLAGS_ALL = $(CFLAGS) $(CFLAGS_SAN) $(KCFLAGS)
# -g on assembly: backtraces and gdb name its lines.
AFLAGS = -g -m64 -ffreestanding -D__ASSEMBLY__ $(DEFINES) $(INCLUDES)

# ---- UAPI headers: a link farm over the packaged linux-libc-dev, never /usr/include itself (libc would leak in) -------
UAPI_ARCH_DIR := $(firstword $(wildcard /usr/include/$(ISA)-linux-gnu/asm /usr/include/asm))
$(UAPI)/.stamp: tools/uapi-farm $(wildcard /usr/include/linux/version.h)
	$(call say,UAPI,$(UAPI))
	$(Q)tools/uapi-farm $(UAPI) $(UAPI_ARCH_DIR)

# ---- objects --------------------------------------------------------------------------------------------------------
is_test = $(filter %_test.c kern/ktest.c,$1)
# Run-time halves of the checking builds.
not_wanted = $(if $(filter 1,$(TESTS)),,$(call is_test,$(wildcard $1/*.c))) %/asm-offsets.c \
	$(if $(filter 1,$(KASAN)),,%/kasan.c %/slab_kasan.c %/slab_kasan_test.c) \
	$(if $(filter 1,$(UBSAN)),,%/ubsan.c) $(if $(filter 1,$(KCSAN)),,%/kcsan.c %/kcsan_test.c) $(if $(filter 1,$(KASAN) $(DEBUG)),,%/leak.c)
sources = $(sort $(filter-out $(not_wanted),$(wildcard $1/*.c)))
# In a unit the tests come last: they are the only files that may see their neighbours' statics.
unit_order = $(filter-out %_test.c,$1) $(filter %_test.c,$1)

DIRS := $(foreach d,$(KERNEL_DIRS),$(if $(wildcard $d/*.c),$d))
ALL_C := $(foreach d,$(DIRS),$(call sources,$d))
ALL_S := $(sort $(wildcard arch/$(ISA)/*.S))
KERNEL_OBJS := $(ALL_S:%.S=$(B)/%.S.o)
GEN_HEADERS :=

ifeq ($(UNITS),1)
KERNEL_OBJS += $(foreach d,$(DIRS),$(if $(call sources,$d),$(B)/$d/unit.o))
else
KERNEL_OBJS += $(ALL_C:%.c=$(B)/%.o)
endif

# Offsets that assembly needs: arch/<isa>/asm-offsets.c prints lines "->NAME value" into its assembly output.
ifneq ($(wildcard arch/$(ISA)/asm-offsets.c),)
GEN_HEADERS += $(B)/gen/asm-offsets.h
$(B)/gen/asm-offsets.h: arch/$(ISA)/asm-offsets.c $(B)/flags | $(UAPI)/.stamp
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -MT $@ -MF $@.d -S -o $@.s $<
	$(Q)sed -n 's/^.*->\([A-Za-z_0-9]*\) [$$#]*\(-\{0,1\}[0-9]*\).*/#define \1 \2/p' $@.s >$@
endif

# zlib first: others use its variables.
-include mk/zlib.mk $(filter-out mk/zlib.mk,$(sort $(wildcard mk/*.mk)))

# Files whose text follows from variables are rewritten only when it changes, while make reads this file.
define newline


endef
hash := \#
ifeq ($(filter clean help setup check test test-long run gdb bench bench-run bench-update bench-linux,$(MAKECMDGOALS)),)
missing_dirs := $(sort $(foreach d,gen $(dir $(KERNEL_OBJS:$(B)/%=%)) $(DIRS),$(if $(wildcard $(B)/$d),,$(B)/$d)))
$(if $(missing_dirs),$(shell mkdir -p $(missing_dirs)))
differ = $(subst x$1x,,x$2x)$(subst x$2x,,x$1x)
# $(call keep,FILE,TEXT). make 4.3 leaves the last newline of what it reads when its buffer moves meanwhile.
keep = $(call keep_read,$1,$2,$(file <$1))
keep_read = $(if $(call differ,$3,$2),$(if $(call differ,$3,$2$(newline)),$(file >$1,$2)))
unit_text = // Made by the Makefile: one translation unit for $1/.$(foreach f,$(call unit_order,$(call sources,$1)),$(newline)$(hash)include "$f")
$(foreach d,$(DIRS),$(call keep,$(B)/$d/unit.c,$(call unit_text,$d)))
$(call keep,$(B)/flags,$(CC) $(CC_VERSION) $(CFLAGS_ALL))
endif

BEFORE_OBJS = $(UAPI)/.stamp $(GEN_HEADERS)

$(B)/%/unit.o: $(B)/%/unit.c $(B)/flags | $(BEFORE_OBJS)
	$(call say,CC,$*/)
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS_$*) -MMD -MP -c -o $@ $<

$(B)/%.o: %.c $(B)/flags | $(BEFORE_OBJS)
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS_$(patsubst %/,%,$(dir $*))) -MMD -MP -c -o $@ $<

$(B)/%.S.o: %.S $(B)/flags | $(BEFORE_OBJS)
	$(call say,AS,$<)
	$(Q)$(CC) $(AFLAGS) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(KERNEL_OBJS)) $(addsuffix .d,$(GEN_HEADERS))

# ---- image ----------------------------------------------------------------------------------------------------------
LDSCRIPT := arch/$(ISA)/kernel.ld
LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --gc-sections --build-id=none

all: $(B)/ochre
$(B)/ochre: $(KERNEL_OBJS) $(LDSCRIPT) tools/link-kernel tools/ksyms.py
	$(call say,LINK,$@)
	$(Q)CC="$(CC)" LD="$(LD)" NM="$(NM)" OBJCOPY="$(OBJCOPY)" PYTHON="$(PYTHON)" LINK_STRICT=$(LINK_STRICT) \
		tools/link-kernel $@ "$(LDFLAGS) -T $(LDSCRIPT)" $(KERNEL_OBJS)

quick: $(KERNEL_OBJS) $(if $(wildcard $(LDSCRIPT)),$(B)/ochre)

clean:
	rm -rf build
