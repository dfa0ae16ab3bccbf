# Benchmarks (bench/README.md): make bench (with Linux's stored counts), bench-run, bench-update, bench-linux; CASES='fork* stat' picks cases.

BENCH := build/bench/bench

$(BENCH): $(wildcard bench/*.c) bench/bench.h | build/.setup
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) -D_GNU_SOURCE -std=gnu11 -O2 -static -s -Wall -Wextra -Werror -pthread -o $@ $(filter %.c,$^)

.PHONY: bench bench-run bench-update bench-linux
bench: $(BENCH)
	$(kernel)
	@$(PYTHON) bench/bench.py compare $(B)/ochre $(CASES)
bench-run: $(BENCH)
	$(kernel)
	@$(PYTHON) bench/bench.py run $(B)/ochre $(CASES)
bench-update: $(BENCH)
	$(kernel)
	@$(PYTHON) bench/bench.py update $(B)/ochre
# Measures the Linux that the tests are validated on, and rewrites bench/linux.json.
bench-linux: $(BENCH)
	@$(PYTHON) bench/bench.py linux $$(tests/abi/fetch_linux.sh $(LINUX))
