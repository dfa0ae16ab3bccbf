#!/usr/bin/env python3
"""Counts the instructions that kernel services cost: Ochre's, Linux's, and what this tree is committed to.

    bench.py run KERNEL [CASE...]           one kernel's counts
    bench.py compare KERNEL [CASE...]       with Linux's (bench/linux.json), ratios and their geometric mean
    bench.py linux VMLINUZ                  measures Linux and rewrites bench/linux.json
    bench.py ratchet KERNEL                 against bench/counts.json: fails if a case grew by more than 2 %; TAP
    bench.py update KERNEL                  rewrites bench/counts.json (say why in the commit)

All under QEMU's -icount shift=0: the time-stamp counter then counts executed instructions, exactly and repeatably. It knows nothing
of what an emulated TLB flush costs, and counts each round of a rep instruction as one.
Environment: MACHINE=q35 MEM=1024 QEMU= APPEND= TIMEOUT=600; LINUX_APPEND= for the Linux side.
"""
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import threading

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COUNTS = os.path.join(TOP, "bench/counts.json")
LINUX = os.path.join(TOP, "bench/linux.json")
PROGRAM = os.path.join(TOP, "build/bench/bench")
ENOSYS = "-38"  # the end of a failure's text where the call does not exist yet: such cases are no part of the ratchet
ALLOWED_GROWTH = 1.02
# TCG does rep movs by bytes and flushes its TLB for PKRU: with these off a kernel takes its faster ways.
CPU = "max,-erms,-fsrm,-pku,-la57"
# Linux works on for a while after it has started /init; its counts are taken when that is over.
LINUX_SETTLE_NS = 3000000000
# User code (or idle time) makes up these: they are shown, and not part of the mean.
USER_BOUND = {"clock_gettime_vdso", "mutex_alone", "nanosleep_1us"}


def env(name, default):
    return os.environ.get(name) or default


def make_initramfs(path, words):
    sys.path.insert(0, os.path.join(TOP, "tools"))
    from mkinitramfs import Archive
    archive = Archive()
    for spec in ("init=" + PROGRAM, "dev/console%c:5:1", "proc/", "tmp/", "bench.args:=" + " ".join(words) + "\n"):
        archive.add_spec(spec)
    with open(path, "wb") as out:
        archive.write(out)


def measure(kernel, words, append):
    """Boots the kernel with the benchmark as /init. Returns (counts, failures, figures of the boot)."""
    with tempfile.TemporaryDirectory(prefix="ochre-bench.") as directory:
        initrd = os.path.join(directory, "initrd")
        make_initramfs(initrd, words)
        cmd = [env("QEMU", "qemu-system-x86_64"), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
               "-machine", env("MACHINE", "q35"), "-cpu", CPU, "-m", env("MEM", "1024"), "-accel", "tcg,thread=single",
               "-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2026-01-01T00:00:00,clock=vm", "-serial", "stdio", "-monitor", "none",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
               "-kernel", kernel, "-initrd", initrd, "-append", ("console=ttyS0 quiet panic=-1 " + append).strip()]
        qemu = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")
        timer = threading.Timer(float(env("TIMEOUT", "600")), qemu.kill)
        timer.start()
        counts, failures, boot, ended, last = {}, {}, {}, False, []
        for line in qemu.stdout:
            line = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1bc", "", line).strip()
            word = line.split()
            last = (last + [line])[-15:]
            if len(word) >= 3 and word[0] == "BENCH":
                if word[2] == "fail":
                    failures[word[1]] = word[3] if len(word) > 3 else "?"
                else:
                    counts[word[1]] = float(word[2])
            elif word and word[0] in ("BENCH-BOOT", "BENCH-MEM"):
                boot.update((k, int(v)) for k, v in (w.split("=") for w in word[1:]))
            elif word and word[0] == "BENCH-END":
                ended = True
                break
        qemu.kill()
        qemu.wait()
        timer.cancel()
    if not ended:
        print("bench: %s did not reach the end; its last lines:\n%s" % (kernel, "\n".join(last)), file=sys.stderr)
    return counts, failures, boot, ended


def compiler(kernel):
    """The compiler that the counts hold for, from the kernel's own debug information."""
    path = kernel + ".debug" if os.path.exists(kernel + ".debug") else kernel
    text = subprocess.run(["readelf", "-p", ".comment", path], capture_output=True, text=True).stdout
    debug = subprocess.run(["readelf", "--debug-dump=info", "--dwarf-depth=1", path], capture_output=True, text=True, errors="replace").stdout
    m = re.search(r"DW_AT_producer.*?: (GNU C\S* [\d.]+|.*clang version [\d.]+)", debug) or re.search(r"(GCC.*)", text)
    return re.sub(r"^GNU C\S* ", "gcc ", m.group(1)).strip() if m else "unknown"


def fmt(v):
    return "-" if v is None else "%.0f" % v if v >= 100 else "%.1f" % v


def print_counts(counts, failures, boot):
    for name, value in counts.items():
        print("%-20s %12s" % (name, fmt(value)))
    for name, why in failures.items():
        print("%-20s %12s" % (name, why))
    print("reset to /init: %.2f M instructions; memory %s kB, available %s kB" %
          (boot.get("ticks", 0) / 1e6, boot.get("total_kb"), boot.get("available_kb")))


def measure_linux(kernel):
    append = env("LINUX_APPEND", "no_timer_check tsc_early_khz=1000000")
    counts, failures, boot, ended = measure(kernel, ["settle=%d" % LINUX_SETTLE_NS], append)
    if failures or not ended:
        print("bench: not written; failed: %s" % failures, file=sys.stderr)
        return 1
    counts["boot"] = boot["ticks"]
    name = re.search(r"modules/([^/]*)", os.path.abspath(kernel))
    with open(LINUX, "w", encoding="utf-8") as f:
        json.dump({"kernel": name.group(1) if name else os.path.basename(kernel), "counts": counts}, f, indent=1)
        f.write("\n")
    return 0


def compare(ours, cases):
    with open(LINUX, encoding="utf-8") as f:
        stored = json.load(f)
    linux = stored["counts"]
    counts, failures, boot, ended = measure(ours, cases, env("APPEND", ""))
    counts["boot"] = boot.get("ticks", 0)
    ratios = {}
    print("| case | Ochre | Linux %s | ratio |\n|---|--:|--:|--:|" % stored["kernel"])
    for name in linux:
        x, y = counts.get(name), linux[name]
        if x is None and cases:
            continue
        if x and name not in USER_BOUND and name != "boot":
            ratios[name] = x / y
        print("| %s | %s | %s | %s |" % (name, fmt(x) if x else failures.get(name, "absent"), fmt(y), "%.3f" % (x / y) if x else "-"))
    if ratios:
        worst = max(ratios, key=ratios.get)
        print("\ngeometric mean over %d cases: %.3f; worst %s %.3f" %
              (len(ratios), math.exp(sum(map(math.log, ratios.values())) / len(ratios)), worst, ratios[worst]))
    return 0 if ended else 1


def ratchet(kernel):
    if not os.path.exists(COUNTS):
        print("1..0 # SKIP no bench/counts.json yet")
        return 0
    with open(COUNTS, encoding="utf-8") as f:
        old = json.load(f)
    if old["compiler"] != compiler(kernel):
        print("1..1\nok 1 - ratchet # SKIP the counts are for %s, this kernel is by %s" % (old["compiler"], compiler(kernel)))
        return 0
    counts, failures, boot, ended = measure(kernel, [], env("APPEND", ""))
    counts["boot"] = boot.get("ticks", 0)
    bad, number = 0, 0
    print("1..%d" % len(old["counts"]))
    for name, before in old["counts"].items():
        number += 1
        after = counts.get(name)
        good = after is not None and after <= before * ALLOWED_GROWTH
        bad += not good
        if not good:
            print("# %s: %s instructions, committed to %s" % (name, fmt(after) if after is not None else failures.get(name, "no result"), fmt(before)))
        print("%s %d - %s" % ("ok" if good else "not ok", number, name))
    return 1 if bad or not ended else 0


def update(kernel):
    counts, failures, boot, ended = measure(kernel, [], env("APPEND", ""))
    bad = {name: why for name, why in failures.items() if not why.endswith(ENOSYS)}
    if bad or not ended:
        print("bench: not updated; failed: %s" % bad, file=sys.stderr)
        return 1
    counts["boot"] = boot.get("ticks", 0)
    with open(COUNTS, "w", encoding="utf-8") as f:
        json.dump({"compiler": compiler(kernel), "counts": counts}, f, indent=1)
        f.write("\n")
    return 0


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    mode, kernel, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    if mode == "run":
        counts, failures, boot, ended = measure(kernel, rest, env("APPEND", ""))
        print_counts(counts, failures, boot)
        return 0 if ended and not failures else 1
    if mode == "compare":
        return compare(kernel, rest)
    return {"ratchet": ratchet, "linux": measure_linux, "update": update}[mode](kernel)


if __name__ == "__main__":
    sys.exit(main())
