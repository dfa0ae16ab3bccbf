# Rust: core, the kernel crate and the drivers, compiled by plain rustc. docs/rust.md.
#
# RUST=0 (or n) leaves all of it out. RUSTC, RUSTDOC, RUSTFMT, CLIPPY_DRIVER and BINDGEN may be given.

# Modules built in, in the order of their start: the file's name is the module's.
RUST_DRIVERS := drivers/misc/rust_misc_device.rs

RUSTC ?= rustc
RUSTDOC ?= rustdoc
RUSTFMT ?= rustfmt
CLIPPY_DRIVER ?= clippy-driver
BINDGEN ?= bindgen
export RUSTC BINDGEN

R := $(B)/rust
RUST_MODULES := $(if $(filter 1,$(RUST)),$(notdir $(RUST_DRIVERS:.rs=)))

# ---- flags: core and all crates of a configuration are built with the same ---------------------------------------------
RUST_TARGET_x86_64 := x86_64-unknown-none
RUST_TARGET_riscv64 := riscv64imac-unknown-none-elf
RUST_TARGET_aarch64 := aarch64-unknown-none-softfloat
RUST_TARGET_loongarch64 := loongarch64-unknown-none-softfloat

RUST_KASAN := -Zsanitizer=kernel-address -Zsanitizer-recover=kernel-address -Cllvm-args=-asan-mapping-offset=0xdffffc0000000000 \
	-Cllvm-args=-asan-instrumentation-with-call-threshold=0 -Cllvm-args=-asan-stack=1 -Cllvm-args=-asan-globals=1
RUST_DEBUGGING := $(if $(filter DEBUG KASAN UBSAN,$(VARIANTS)),y,n)
RUST_CODEGEN := --target $(RUST_TARGET_$(ISA)) --sysroot=/dev/null -Copt-level=2 -Cpanic=abort -Crelocation-model=static -Cembed-bitcode=no \
	-Ccodegen-units=1 -Cforce-frame-pointers=y -Csymbol-mangling-version=v0 -Zunstable-options -Zfunction-sections=y \
	-Cdebug-assertions=$(RUST_DEBUGGING) -Coverflow-checks=$(RUST_DEBUGGING) $(if $(filter 1,$(KASAN)),$(RUST_KASAN))

# What Linux's sources ask for by #[cfg(CONFIG_X)], and Ochre has.
RUST_CONFIG := 64BIT BUG MMU PRINTK SMP
RUST_CFGS = $(RUSTC_CFG) $(addprefix --cfg CONFIG_,$(RUST_CONFIG))
RUST_LINTS := -Aunexpected_cfgs -Astable_features -Dunsafe_op_in_unsafe_fn -Dnon_ascii_idents -Wmissing_docs -Wrust_2018_idioms \
	-Wunreachable_pub -Dwarnings
# Clippy's, upstream's set. A SAFETY comment may stand above the statement.
CLIPPY_LINTS := -Wclippy::all -Wclippy::undocumented_unsafe_blocks -Wclippy::ptr_as_ptr -Wclippy::ref_as_ptr -Wclippy::cast_lossless \
	-Wclippy::mut_mut -Wclippy::needless_bitwise_bool -Wclippy::no_mangle_with_rust_abi -Wclippy::float_arithmetic -Wclippy::as_underscore
# Drivers: nothing that panics on what a device or a program says.
CLIPPY_DRIVER_LINTS := -Dclippy::unwrap_used -Dclippy::expect_used -Dclippy::indexing_slicing -Dclippy::panic
RUSTFLAGS = --edition=2021 $(RUST_CODEGEN) -Cdebuginfo=1 --remap-path-prefix=$(CURDIR)/= $(RUST_CFGS) $(RUST_LINTS) -L $(R) -L build/rust
RUST_FEATURES := arbitrary_self_types,derive_coerce_pointee
rustc = RUSTC_BOOTSTRAP=1 $(RUSTC) $(RUSTFLAGS) --crate-type rlib --crate-name $1 --emit=obj=$@,metadata=$(R)/lib$1.rmeta,dep-info=$(R)/$1.d

# ---- crates -------------------------------------------------------------------------------------------------------------
RUST_CRATES := core compiler_builtins ffi pin_init build_error bindings kernel
RUST_LINKED := $(if $(filter n,$(RUST_DEBUGGING)),$(filter-out build_error,$(RUST_CRATES)),$(RUST_CRATES)) $(RUST_MODULES)
RUST_OBJS := $(if $(filter 1,$(RUST)),$(addprefix $(R)/,$(RUST_LINKED:=.o))) $(R)/modules.o
KERNEL_OBJS += $(RUST_OBJS)

ifeq ($(RUST),1)
# Rewritten only when something in it changes.
$(R)/flags: FORCE
	@mkdir -p $(R)
	@{ $(RUSTC) -vV && echo '$(RUSTFLAGS)'; } >$@.new 2>/dev/null || { rm -f $@.new; tools/rust-available; exit 1; }
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
# Of the host's programs only the compiler matters.
build/rust/rustc: FORCE
	@mkdir -p $(@D)
	@$(RUSTC) -vV >$@.new 2>/dev/null || { rm -f $@.new; tools/rust-available; exit 1; }
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# The files are links into the cache, as old as those: the stamp says when they were made here.
$(R)/core.stamp: $(R)/flags tools/rust-core tools/rust-src
	$(call say,RUSTC,core)
	$(Q)tools/rust-core $(R) $(RUST_CODEGEN)
	@touch $@
$(R)/core.o: $(R)/core.stamp ;

$(R)/compiler_builtins.o: rust/compiler_builtins.rs $(R)/core.stamp
	$(call say,RUSTC,$<)
	$(Q)$(call rustc,compiler_builtins) $<

$(R)/ffi.o: rust/ffi.rs $(R)/compiler_builtins.o
	$(call say,RUSTC,$<)
	$(Q)$(call rustc,ffi) $<

$(R)/build_error.o: rust/build_error.rs $(R)/compiler_builtins.o
	$(call say,RUSTC,$<)
	$(Q)$(call rustc,build_error) $<

# Proc macros are programs of the build host: one for all configurations.
build/rust/libmacros.so: $(wildcard rust/macros/*.rs) build/rust/rustc
	$(call say,RUSTC,rust/macros)
	@mkdir -p $(@D)
	$(Q)$(RUSTC) --edition=2021 -O --crate-type proc-macro --crate-name macros --extern proc_macro $(RUST_LINTS) -o $@ rust/macros/lib.rs

$(R)/pin_init.o: $(wildcard rust/pin-init/*.rs) build/rust/libmacros.so $(R)/compiler_builtins.o
	$(call say,RUSTC,rust/pin-init)
	$(Q)$(call rustc,pin_init) --extern macros=build/rust/libmacros.so rust/pin-init/lib.rs

RUST_BINDGEN = --use-core --ctypes-prefix ffi --no-layout-tests --no-doc-comments --enable-function-attribute-detection --no-debug '.*' \
	--allowlist-function '(drv|rust)_.*' --allowlist-type 'drv_.*' --allowlist-var '(DRV_.*|E[A-Z0-9_]+|MAX_ERRNO)' --no-recursive-allowlist \
	--allowlist-type 'uptr|kuid_t|kgid_t|uid_t|gid_t|pid_t|ssize_t|size_t|loff_t|s?u?(8|16|32|64)|file|kiocb|iov_iter|poll_table|task|__.*'
$(R)/bindings.rs: $(wildcard include/drv/*.h) lib/types.h lib/errno.h $(R)/flags $(B)/flags | $(UAPI)/.stamp
	$(call say,GEN,$@)
	$(Q)$(BINDGEN) include/drv/drv.h $(RUST_BINDGEN) -o $@ -- --target=$(ISA)-linux-gnu -ffreestanding $(TREE_INCLUDES) -isystem $(CC_INCLUDE) $(DEFINES) \
		|| { rm -f $@; tools/rust-available; exit 1; }

$(R)/bindings.o: rust/bindings/lib.rs $(R)/bindings.rs $(R)/ffi.o
	$(call say,RUSTC,rust/bindings)
	$(Q)OCHRE_BINDINGS=$(abspath $(R)/bindings.rs) $(call rustc,bindings) --extern ffi $<

$(R)/kernel.o: rust/kernel/lib.rs $(R)/bindings.o $(R)/pin_init.o $(R)/build_error.o build/rust/libmacros.so
	$(call say,RUSTC,rust/kernel)
	$(Q)$(call rustc,kernel) --extern ffi --extern bindings --extern pin_init --extern build_error --extern macros=build/rust/libmacros.so $<

# A driver is a crate of its own.
define rust_driver
$(R)/$(notdir $(1:.rs=.o)): $1 $(R)/kernel.o
	$$(call say,RUSTC,$1)
	$$(Q)$$(call rustc,$(notdir $(1:.rs=))) -Zallow-features=$(RUST_FEATURES) --extern kernel --extern pin_init --extern ffi $1
endef
$(foreach d,$(RUST_DRIVERS),$(eval $(call rust_driver,$d)))

-include $(addprefix $(R)/,$(RUST_CRATES:=.d) $(RUST_MODULES:=.d))
endif

# ---- the table of built-in modules --------------------------------------------------------------------------------------
define rust_modules_text
// Made by mk/rust.mk: the modules written in Rust that are built in, in the order of their start.
#include "drv/module.h"
#include "kern/log.h"
$(foreach m,$(RUST_MODULES),
int __$m_init(void);)

static const struct {
	const char *name;
	int (*init)(void);
} rust_modules[] = {$(foreach m,$(RUST_MODULES),
	{ "$m", __$m_init },)
	{ NULL, NULL },
};

int rust_modules_init(void)
{
	for (int i = 0; rust_modules[i].name; i++) {
		int err = rust_modules[i].init();
		if (err < 0)
			pr_err("%s: initialisation failed with error %d: module left out", rust_modules[i].name, err);
	}
	return 0;
}
endef
$(R)/modules.c: mk/rust.mk $(B)/flags
	@mkdir -p $(@D)
	$(file >$@,$(rust_modules_text))
$(R)/modules.o: $(R)/modules.c | $(UAPI)/.stamp
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# ---- host: the crates as programs, with fakes for C ---------------------------------------------------------------------
RH := build/host/rust
# AddressSanitizer, where the compiler comes with it (Debian's does not).
RUST_HOST_SAN = $(if $(wildcard $(shell $(RUSTC) --print sysroot)/lib/rustlib/*/lib/librustc*_rt.asan.a),-Zsanitizer=address)
RUST_HOST = --edition=2021 -Cdebuginfo=1 -Cdebug-assertions=y -Aunexpected_cfgs -Astable_features -Dwarnings -L $(RH) $(RUST_HOST_SAN)
rust_host = RUSTC_BOOTSTRAP=1 $(RUSTC) $(RUST_HOST) --crate-type rlib --crate-name $1 -o $(RH)/lib$1.rlib
$(RH)/.stamp: $(R)/bindings.rs rust/ffi.rs rust/bindings/lib.rs rust/host_fakes/fakes.c build/rust/libmacros.so $(wildcard rust/pin-init/*.rs) \
		$(wildcard rust/kernel/*.rs rust/kernel/*/*.rs rust/kernel/*/*/*.rs)
	@mkdir -p $(RH)
	$(call say,RUSTC,host)
	$(Q)cp build/rust/libmacros.so $(RH)/
	$(Q)$(CC) -std=gnu11 -O1 -g -Wall -Wextra -fPIC -ffreestanding $(TREE_INCLUDES) -isystem $(CC_INCLUDE) -pthread -c -o $(RH)/fakes.o \
		rust/host_fakes/fakes.c
	$(Q)rm -f $(RH)/libfakes.a && ar rcs $(RH)/libfakes.a $(RH)/fakes.o
	$(Q)$(call rust_host,ffi) rust/ffi.rs
	$(Q)OCHRE_BINDINGS=$(abspath $(R)/bindings.rs) $(call rust_host,bindings) --extern ffi rust/bindings/lib.rs
	$(Q)$(call rust_host,build_error) rust/build_error.rs
	$(Q)$(call rust_host,pin_init) --extern macros=$(RH)/libmacros.so rust/pin-init/lib.rs
	$(Q)$(call rust_host,kernel) --extern ffi --extern bindings --extern pin_init --extern build_error --extern macros=$(RH)/libmacros.so \
		-lstatic=fakes rust/kernel/lib.rs
	@touch $@

.PHONY: rustavailable rust-host-test rustfmt rustfmt-check clippy rustdoc
rustavailable:
	@tools/rust-available

# Unit tests, then the examples in the documentation.
RUST_TEST = RUSTC_BOOTSTRAP=1 $(RUSTC) $(RUST_HOST) --test
RUST_DOCTEST = RUSTC_BOOTSTRAP=1 $(RUSTDOC) --test --edition=2021 -Aunexpected_cfgs -L $(RH) $(RUST_HOST_SAN)
RUST_TEST_EXTERNS = --extern ffi --extern bindings --extern pin_init --extern build_error --extern macros=$(RH)/libmacros.so
rust_host_driver = $(call rust_host,$(notdir $(1:.rs=))) --extern kernel --extern pin_init --extern ffi $1
define rust_host_tests
set -e; exec 2>&1
$(RUST_TEST) --crate-name pin_init --extern macros=$(RH)/libmacros.so -o $(RH)/test_pin_init rust/pin-init/lib.rs
$(RH)/test_pin_init
$(RUST_TEST) --crate-name kernel $(RUST_TEST_EXTERNS) -lstatic=fakes -o $(RH)/test_kernel rust/kernel/lib.rs
$(RH)/test_kernel
$(foreach d,$(RUST_DRIVERS),$(call rust_host_driver,$d)
)$(RUST_TEST) --crate-name drivers_test -lstatic=fakes -o $(RH)/test_drivers rust/host_fakes/drivers_test.rs
$(RH)/test_drivers
$(RUST_DOCTEST) --crate-name pin_init --extern pin_init=$(RH)/libpin_init.rlib --extern macros=$(RH)/libmacros.so rust/pin-init/lib.rs
$(RUST_DOCTEST) --crate-name kernel --extern kernel=$(RH)/libkernel.rlib $(RUST_TEST_EXTERNS) rust/kernel/lib.rs
endef
RUST_TEST_SUM := /^test result/ { p += $$4; f += $$6 } END { print p + 0 " passed, " f + 0 " failed" }
rust-host-test: export RUST_HOST_TESTS = $(rust_host_tests)
rust-host-test: $(RH)/.stamp
	@sh -c "$$RUST_HOST_TESTS" >$(RH)/test.log && { awk '$(RUST_TEST_SUM)' $(RH)/test.log; } || { cat $(RH)/test.log; exit 1; }

RUST_FILES = $(shell git ls-files -co --exclude-standard '*.rs')
rustfmt:
	$(Q)$(RUSTFMT) --edition 2021 $(RUST_FILES)
rustfmt-check:
	$(Q)$(RUSTFMT) --edition 2021 --check $(RUST_FILES)

# clippy-driver is rustc with more lints.
clippy = RUSTC_BOOTSTRAP=1 $(CLIPPY_DRIVER) $(filter-out -Dwarnings,$(RUSTFLAGS)) $(CLIPPY_LINTS) -Dwarnings --crate-type rlib \
	--crate-name $1 --emit=metadata=$(R)/clippy-$1.rmeta
RUST_KERNEL_EXTERNS = --extern ffi --extern bindings --extern pin_init --extern build_error --extern macros=build/rust/libmacros.so
clippy_driver = $(call clippy,$(notdir $(1:.rs=))) $(CLIPPY_DRIVER_LINTS) --extern kernel --extern pin_init --extern ffi $1
clippy: $(if $(filter 1,$(RUST)),$(R)/kernel.o)
	$(Q)$(call clippy,pin_init) --extern macros=build/rust/libmacros.so rust/pin-init/lib.rs
	$(Q)$(call clippy,kernel) $(RUST_KERNEL_EXTERNS) rust/kernel/lib.rs
	$(Q)$(foreach d,$(RUST_DRIVERS),$(call clippy_driver,$d) &&) true

rustdoc: $(R)/kernel.o
	$(Q)for c in pin-init kernel; do RUSTC_BOOTSTRAP=1 $(RUSTDOC) --edition=2021 --target $(RUST_TARGET_$(ISA)) --sysroot=/dev/null \
		-Zunstable-options -Aunexpected_cfgs -L $(R) -L build/rust --crate-name $$(echo $$c | tr - _) $(RUST_KERNEL_EXTERNS) -o build/rustdoc \
		rust/$$c/lib.rs || exit 1; done
	@echo build/rustdoc/kernel/index.html

# What make check runs for Rust.
.PHONY: check-rust
check-rust: rustfmt-check $(if $(filter 1,$(RUST)),clippy)

CHECKS += check-rust
TEST_SUITES += rust-host-test
