# Benchmarks (bench/README.md): make bench, bench-run, bench-update; CASES='fork* stat' picks cases.

BENCH := build/bench/bench

$(BENCH): $(wildcard bench/*.c) bench/bench.h | build/.setup
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) -D_GNU_SOURCE -std=gnu11 -O2 -static -s -Wall -Wextra -Werror -pthread -o $@ $(filter %.c,$^)

.PHONY: bench bench-run bench-update
bench: $(BENCH)
	$(kernel)
	@$(PYTHON) bench/bench.py compare $(B)/ochre $$(tests/abi/fetch_linux.sh $(LINUX)) $(CASES)
bench-run: $(BENCH)
	$(kernel)
	@$(PYTHON) bench/bench.py run $(B)/ochre $(CASES)
bench-update: $(BENCH)
	$(kernel)
	@$(PYTHON) bench/bench.py update $(B)/ochre
