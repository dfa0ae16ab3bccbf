#!/usr/bin/env python3
"""Runs fuzz-syscalls in the guest and fails if the kernel reports anything: run.py [ARGUMENTS OF fuzz-syscalls]

The console goes to standard output and to build/fuzz/console.log. Environment: as tools/run.
"""
import os
import re
import subprocess
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
REPORT = re.compile(r"(?:^|\] )(BUG|WARNING|KASAN|UBSAN|KCSAN|Kernel panic|lock ?check|leak)\b", re.I)
FINE = re.compile(r"leak: none")


def main():
    words = ["/bin/fuzz-syscalls"] + sys.argv[1:]
    os.environ.setdefault("SMP", "2")
    log_path = os.path.join(TOP, "build/fuzz/console.log")
    reports, passed = 0, False
    with subprocess.Popen([os.path.join(TOP, "tools/run"), " ".join(words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as guest, open(log_path, "w", encoding="utf-8") as log:
        for line in guest.stdout:
            log.write(line)
            sys.stdout.write(line)
            sys.stdout.flush()
            reports += bool(REPORT.search(line)) and not FINE.search(line)
            passed |= line.startswith("1 passed, 0 failed")
    if reports or guest.returncode or not passed:
        print("fuzz-syscalls: %d reports, status %d; console: build/fuzz/console.log; replay: tests/fuzz/syscalls/run.py %s"
              % (reports, guest.returncode, " ".join(sys.argv[1:])))
        print("0 passed, 1 failed")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
