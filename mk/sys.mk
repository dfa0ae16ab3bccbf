# System calls: generated from sys/syscalls.tbl.
SYS_C := $(filter-out sys/dispatch.c,$(wildcard sys/*.c))
GEN_HEADERS += $(B)/gen/syscalls.h $(B)/gen/syscall_table.h
$(B)/gen/syscalls.h: sys/syscalls.tbl tools/syscalls.py
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D) && $(PYTHON) tools/syscalls.py header $< >$@
$(B)/gen/syscall_table.h: sys/syscalls.tbl tools/syscalls.py $(SYS_C)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D) && $(PYTHON) tools/syscalls.py dispatch $< $(SYS_C) >$@

CHECKS += check-syscalls
.PHONY: check-syscalls abi-doc
check-syscalls:
	$(Q)$(PYTHON) tools/syscalls.py check sys/syscalls.tbl $(SYS_C)
	$(Q)$(PYTHON) tools/syscalls.py abi sys/syscalls.tbl | cmp - docs/abi.md || { echo "docs/abi.md is stale: make abi-doc"; exit 1; }
abi-doc:
	$(PYTHON) tools/syscalls.py abi sys/syscalls.tbl >docs/abi.md
