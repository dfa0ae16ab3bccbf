#!/usr/bin/env python3
"""make test: runs the test suites one after the other; TAP-like progress, and `N passed, N failed` as the last line.

    test.py [--make MAKE] [--long] [--list] [SUITE...]

A suite is a command. It counts its tests either by TAP lines (which the kernel's log prefix may precede) or by a summary line
`N passed, N failed`. A suite that ends with a failing status, or says nothing, is one failure more. Its whole output is in
build/test-logs/SUITE.log, whose first line replays it.
"""
import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import reports

LOGS = "build/test-logs"
RESULT = re.compile(r"^(not ok|ok) \d+(?: - (.*))?$")
PLAN = re.compile(r"^1\.\.(\d+)")
SUMMARY = re.compile(r"^(?:# ktest: )?(\d+) passed, (\d+) failed")


class Suite:
    def __init__(self, name, build, command, when=lambda: True, long=False, limit=1200):
        self.name, self.build, self.command, self.when, self.long, self.limit = name, build, command, when, long, limit


def ktest(name, build, long=False, **env):
    settings = " ".join("%s=%s" % item for item in env.items())
    kernel = "build/x86_64%s/ochre" % "".join("-" + v.split("=")[0].lower() for v in build.split())
    return Suite(name, build + " all", "%s KERNEL=%s TIMEOUT=600 tools/run --ktest '*'" % (settings, kernel), long=long)


def has_files(*paths):
    return lambda: any(os.path.exists(p) for p in paths)


KCSAN_WORK = ("'for i in $(seq 40); do ls -l /bin | wc -l | cat >/dev/null & done; wait; tar c /bin | gzip | gunzip | tar t | wc -l; "
              "cat /proc/meminfo /proc/stat /proc/*/stat /proc/*/status >/dev/null; echo 1 passed, 0 failed'")

SUITES = [
    Suite("host", None, "$MAKE host-test"),
    Suite("host-tsan", None, "$MAKE host-tsan"),
    Suite("rust", None, "$MAKE rust-host-test"),
    Suite("fuzz", None, "$MAKE host-fuzz"),
    ktest("ktest", "TESTS=1", SMP=1, MACHINE="q35", ICOUNT=1),
    ktest("ktest-smp", "TESTS=1", SMP=4, MACHINE="microvm"),
    ktest("ktest-debug", "DEBUG=1 TESTS=1", SMP=4, MACHINE="q35"),
    ktest("ktest-kasan", "KASAN=1 UBSAN=1 TESTS=1", SMP=2, MACHINE="q35", MEM="512M"),
    Suite("shell-kasan", "KASAN=1 UBSAN=1 all", "KERNEL=build/x86_64-kasan-ubsan/ochre SMP=4 MACHINE=microvm MEM=512M TIMEOUT=600 tools/run "
          "'for i in $(seq 100); do ls -l /bin | wc -l | cat >/dev/null & done; wait; tar c /bin | gzip | gunzip | tar t | wc -l; echo 1 passed, 0 failed'"),
    # One CPU under -icount: the same run each time. What several CPUs find is different each time: that is for make test-long.
    Suite("shell-kcsan", "KCSAN=1 all", "KERNEL=build/x86_64-kcsan/ochre SMP=1 ICOUNT=1 TIMEOUT=600 tools/run " + KCSAN_WORK),
    Suite("shell-kcsan-smp", "KCSAN=1 all", "KERNEL=build/x86_64-kcsan/ochre SMP=4 MACHINE=microvm TIMEOUT=600 tools/run " + KCSAN_WORK, long=True),
    ktest("ktest-kcsan", "KCSAN=1 TESTS=1", long=True, SMP=2, MACHINE="q35"),
    Suite("fuzz-syscalls", "KASAN=1 UBSAN=1 all", "SMP=1 ICOUNT=1 $MAKE fuzz-run FUZZ_SECONDS=300 FUZZ_SEED=1"),
    Suite("fuzz-syscalls-long", "KASAN=1 UBSAN=1 all", "$MAKE fuzz-run FUZZ_SECONDS=900", long=True, limit=4200),
    Suite("abi-kasan", "KASAN=1 UBSAN=1 all", "$MAKE abi KERNEL=build/x86_64-kasan-ubsan/ochre ABI_FLAGS='--smp 4'", long=True),
    Suite("abi", "all", "$MAKE abi"),
    Suite("abi-smp", "all", "$MAKE abi ABI_FLAGS='--smp 4 --machine microvm'"),
    Suite("apps", "all", "$MAKE apps", when=has_files("tests/apps/guest.py", "tests/apps/run.py")),
    Suite("boot", "all", "tools/boottest.py machines"),
    Suite("boot-all", "all", "tools/boottest.py --all machines", long=True, limit=7200),
    Suite("badboot", "all", "tools/boottest.py bad"),
    Suite("work", "all", "tools/boottest.py work"),
    Suite("hogs", "all", "tools/boottest.py hogs"),
    Suite("work-debug", "DEBUG=1 all", "tools/boottest.py --kernel build/x86_64-debug/ochre work"),
    Suite("ratchet", "build/bench/bench all", "bench/bench.py ratchet build/x86_64/ochre", when=has_files("bench/counts.json")),
]


class Counter:
    """Reads a suite's output line by line, prints failures as they come, and counts."""

    def __init__(self, suite, verbose):
        self.suite, self.verbose = suite, verbose
        self.passed, self.failed, self.plan, self.summary = 0, 0, None, None
        self.context = []

    def line(self, raw):
        text = reports.PREFIX.sub("", raw.rstrip())
        m = RESULT.match(text)
        if m:
            good = m.group(1) == "ok"
            self.passed += good
            self.failed += not good
            if not good:
                print("\n".join("    " + c for c in self.context + [text]), flush=True)
            self.context = []
        elif SUMMARY.match(text):
            self.summary = tuple(int(n) for n in SUMMARY.match(text).groups())
        elif PLAN.match(text):
            self.plan = (self.plan or 0) + int(PLAN.match(text).group(1))
        elif text.startswith("#"):
            self.context = (self.context + [text])[-20:]
        if reports.is_report(text):  # whatever the tests themselves say
            print("    " + text, flush=True)
            self.failed += 1

    def finish(self, status):
        """Returns (passed, failed, why it failed though no test did)."""
        passed, failed = self.passed, self.failed
        if self.summary:
            passed, failed = max(passed, self.summary[0]), max(failed, self.summary[1])
        why = None
        if status is None:
            why = "no end after %d s" % self.suite.limit
        elif self.plan is not None and passed + failed < self.plan:
            why = "%d of %d tests ran (status %d)" % (passed + failed, self.plan, status)
        elif status != 0 and not failed:
            why = "status %d" % status
        elif passed + failed == 0:
            why = "no test ran"
        return passed, failed + (why is not None), why


def build(suite, make):
    """Returns None, or what make said."""
    if suite.build is None:
        return None
    result = subprocess.run(shlex.split(make) + ["-s"] + suite.build.split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, errors="replace")
    return result.stdout if result.returncode else None


def run(suite, make, verbose):
    command = suite.command.replace("$MAKE", "make")
    path = "%s/%s.log" % (LOGS, suite.name)
    counter = Counter(suite, verbose)
    with open(path, "w", encoding="utf-8") as log:
        log.write("# replay: %s\n" % command)
        said = build(suite, make)
        if said is not None:
            log.write(said)
            print("\n".join("    " + line for line in said.split("\n")[-15:]))
            return 0, 1, "does not build", command
        proc = subprocess.Popen(suite.command.replace("$MAKE", make), shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, start_new_session=True, text=True, errors="replace")
        timed_out = []

        def stop(*_):
            timed_out.append(True)
            os.killpg(proc.pid, signal.SIGKILL)

        signal.signal(signal.SIGALRM, stop)
        signal.alarm(suite.limit)
        for raw in proc.stdout:
            log.write(raw)
            log.flush()
            counter.line(raw)
        status = proc.wait()
        signal.alarm(0)
    return counter.finish(None if timed_out else status) + (command,)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--make", default="make")
    p.add_argument("--long", action="store_true")
    p.add_argument("--list", action="store_true")
    p.add_argument("--verbose", "-v", action="store_true")
    p.add_argument("suites", nargs="*")
    o = p.parse_args()
    suites = [s for s in SUITES if (s.name in o.suites if o.suites else (o.long or not s.long) and s.when())]
    if o.list:
        print("\n".join("%-12s %s" % (s.name, s.command) for s in suites))
        return 0
    unknown = set(o.suites) - {s.name for s in SUITES}
    if unknown:
        sys.exit("test: no suite %s; there are: %s" % (" ".join(sorted(unknown)), " ".join(s.name for s in SUITES)))
    os.makedirs(LOGS, exist_ok=True)
    all_passed = all_failed = 0
    print("1..%d" % len(suites), flush=True)
    for number, suite in enumerate(suites, 1):
        start = time.monotonic()
        passed, failed, why, command = run(suite, o.make, o.verbose)
        all_passed += passed
        all_failed += failed
        print("%s %d - %s: %d passed, %d failed%s (%.0f s)" % ("not ok" if failed else "ok", number, suite.name, passed, failed,
                                                             ", " + why if why else "", time.monotonic() - start), flush=True)
        if failed:
            print("#   log: %s/%s.log   replay: %s" % (LOGS, suite.name, command), flush=True)
    print("%d passed, %d failed" % (all_passed, all_failed))
    return 1 if all_failed or not all_passed else 0


if __name__ == "__main__":
    sys.exit(main())
