#!/usr/bin/env python3
"""Boots a kernel with the ABI tests' initramfs in QEMU and reads the TAP that comes out.

  guest.py --kernel K --initrd I [--log F] [--machine q35|microvm] [--smp N] [--mem M] [--only NAME[:CASE],...]
           [--expected LIST] [--validate OUT --sources DIR]

LIST names cases, `FILE.c:CASE reason` per line, that are known to fail: these may and must fail.
Exit status 0 if the guest printed its last line and no case failed. --validate writes the list of passed cases and the
hashes of the tests' sources; it is refused if any case failed.
"""
import argparse, hashlib, os, re, subprocess, sys, threading

def qemu(o):
    append = "console=ttyS0 quiet loglevel=1 panic=-1 no_timer_check tsc_early_khz=%d" % (1000000 if o.icount else 2500000)
    if not o.icount:
        append = append.rsplit(" ", 1)[0]
    if o.only:
        append += " abi=" + o.only
    a = [o.qemu, "-accel", "tcg", "-machine", o.machine, "-cpu", o.cpu, "-smp", str(o.smp), "-m", o.mem, "-nodefaults",
         "-display", "none", "-serial", "stdio", "-no-reboot", "-kernel", o.kernel, "-initrd", o.initrd,
         "-append", (append + " " + o.append).strip()]
    if o.icount:
        a += ["-icount", "shift=0,sleep=off", "-seed", "1"]
    return a

def read_expected(path):
    if not path:
        return {}
    with open(path) as f:
        return dict((l.strip().split(None, 1) + [""])[:2] for l in f if l.strip() and not l.startswith("#"))

RESULT = re.compile(r"(ok|not ok) \d+ - (\S+:\S+)( # SKIP)?$")

def report(held, m, expected):
    """What to print of the lines of a case, of which the last is its result."""
    if m.group(2) not in expected:
        return [l for l in held if l.startswith("#") or l.startswith("not ok")]
    if m.group(1) == "ok":
        return [held[-1].replace("ok", "not ok", 1) + ": take it off the list of expected failures"]
    return ["# %s fails as expected: %s" % (m.group(2), expected[m.group(2)])]

def run(o, expected):
    """The lines of the console."""
    lines, held, cmd = [], [], qemu(o)
    log = open(o.log, "wb") if o.log else None
    if log:
        log.write(("# " + " ".join("'%s'" % x if " " in x else x for x in cmd) + "\n").encode())
    p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    timer = threading.Timer(o.timeout, p.kill)
    timer.start()
    for raw in p.stdout:
        if log:
            log.write(raw)
            log.flush()
        line = raw.decode("utf-8", "replace").rstrip()
        lines.append(line)
        m = RESULT.match(line)
        held.append(line)
        if o.verbose:
            print(line, flush=True)
        elif m:
            print("".join(l + "\n" for l in report(held, m, expected)), end="", flush=True)
        held = [] if m else held
        if line.startswith("ABI-DONE"):
            threading.Timer(20, p.kill).start() if not o.verbose else None
            break
    try:
        p.wait(timeout=20)
    except subprocess.TimeoutExpired:
        p.kill()
        p.wait()
    timer.cancel()
    return lines

def validate(o, lines, passed):
    release = next((l[2:].split()[1] for l in lines if l.startswith("# Linux ")), "unknown")
    out = ["# Cases that passed on Linux %s under QEMU, and the sha256 of each source (make abi-validate)." % release]
    files = {}
    for p in passed:
        f, c = p.split(":")
        files.setdefault(f, []).append(c)
    for f in sorted(os.listdir(o.sources)):
        if f.endswith((".c", ".h")):
            with open(os.path.join(o.sources, f), "rb") as fd:
                out.append("%s %s" % (hashlib.sha256(fd.read()).hexdigest(), f))
            out += ["\t" + c for c in files.get(f, [])]
    with open(o.validate, "w") as fd:
        fd.write("\n".join(out) + "\n")

def main():
    p = argparse.ArgumentParser()
    for name, default in (("--kernel", None), ("--initrd", None), ("--log", None), ("--machine", "q35"), ("--cpu", "max,-la57,-erms,-fsrm,-pku"),
                          ("--mem", "1024M"), ("--append", ""), ("--only", ""), ("--qemu", "qemu-system-x86_64"),
                          ("--validate", None), ("--sources", None), ("--expected", None)):
        p.add_argument(name, default=default)
    p.add_argument("--smp", type=int, default=1)
    p.add_argument("--timeout", type=int, default=1200)
    p.add_argument("--icount", action="store_true")
    p.add_argument("--verbose", "-v", action="store_true")
    o = p.parse_args()
    expected = read_expected(o.expected)
    lines = run(o, expected)
    results = [m.groups() for l in lines if (m := RESULT.match(l))]
    skipped = [name for how, name, skip in results if skip]
    passed = [name for how, name, skip in results if how == "ok" and not skip and name not in expected]
    known = [name for how, name, skip in results if how == "not ok" and name in expected]
    failed = [name for how, name, skip in results if (how == "ok") == (name in expected) and not skip]
    done = any(l.startswith("ABI-DONE") for l in lines)
    if not done:
        print("guest.py: the guest did not reach its end; the last lines were:")
        print("\n".join(lines[-20:]))
    print("%d passed, %d failed, %d skipped, %d failed as expected" % (len(passed), len(failed) + (not done), len(skipped), len(known)))
    if o.validate and done and not failed and passed:
        validate(o, lines, passed)
    sys.exit(0 if done and passed and not failed else 1)

main()
