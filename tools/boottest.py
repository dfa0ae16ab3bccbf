#!/usr/bin/env python3
"""Boots a kernel in many ways and says, in TAP, whether each boot did what it must.

    boottest.py [--kernel K] [--all] [--only TEXT] machines|work|hogs|bad

machines  boots on machines, CPU models, CPU counts and memory sizes that must work (--all: on each combination); each runs a short script
work      runs long scripts: pipelines, jobs, thousands of forks, tar and dd; on one CPU and on four
hogs      an ordinary user takes processes, files, memory without end; root must be able to work afterwards
bad       images and command lines that cannot work: one clear line, then what panic= says

A boot also fails when its log holds a report (tools/reports.py). What went wrong is printed, with the command that repeats it.
"""
import argparse
import gzip
import importlib.machinery
import importlib.util
import itertools
import os
import shlex
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tools"))
import reports  # noqa: E402
from mkinitramfs import Archive  # noqa: E402

INITRAMFS = os.path.join(TOP, "build/initramfs.cpio")
LIMIT = 240  # seconds for a boot: on a loaded machine the slowest takes a twentieth of it
PANIC = 3  # QEMU's status when the kernel wrote 1 to isa-debug-exit

# Says its last line only if all of it worked.
SHORT = """set -e
test "$(seq 1 200 | sort -rn | head -n 1 | tr -d '\\n' | sed 's/$/!/')" = 200!
(sleep 0.1; echo job >/tmp/job) & wait
test "$(cat /tmp/job)" = job
cat <<END | grep -q 'in here'
in here
END
test "$(ls /proc/self/fd | wc -l)" -ge 3
test "$(nproc)" = "$CPUS"
echo all-is-well"""

LONG = """set -e
i=0; while [ $i -lt 1000 ]; do : & i=$((i + 1)); done; wait
i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i + 1)); done
for j in 1 2 3 4 5 6 7 8; do (seq 1 3000 | awk '{ s += $1 } END { print s }' >/tmp/sum.$j) & done; wait
test "$(cat /tmp/sum.* | sort -u)" = 4501500
mkdir -p /tmp/tree/a/b/c; i=0; while [ $i -lt 100 ]; do echo $i >/tmp/tree/a/b/c/$i; i=$((i + 1)); done
ln -s b/c/7 /tmp/tree/a/link; ln /tmp/tree/a/b/c/8 /tmp/tree/a/hard
tar -C /tmp -cf /tmp/tree.tar tree; mkdir /tmp/copy; tar -C /tmp/copy -xf /tmp/tree.tar
diff -r /tmp/tree /tmp/copy/tree
test "$(find /tmp/copy -type f -name '*5*' | wc -l)" = 19
dd if=/dev/urandom of=/tmp/noise bs=64k count=32 2>/dev/null
gzip -c /tmp/noise | gunzip -c | cmp - /tmp/noise
dd if=/dev/zero of=/tmp/sparse bs=1 count=1 seek=1000000 2>/dev/null; test "$(wc -c </tmp/sparse)" = 1000001
sort -r /tmp/noise >/dev/null; rm -rf /tmp/tree /tmp/copy /tmp/tree.tar
trap 'echo trapped >/tmp/trap' USR1; kill -USR1 $$; test "$(cat /tmp/trap)" = trapped
sleep 100 & kill %1; wait %1 || test $? = 143
mkfifo /tmp/fifo; (cat /tmp/noise >/tmp/fifo) & cmp /tmp/fifo /tmp/noise; wait
yes | head -n 20000 | wc -l | grep -q 20000
cat /proc/meminfo /proc/cpuinfo /proc/stat /proc/interrupts /proc/self/maps /proc/*/status >/dev/null 2>&1 || true
ps >/dev/null
echo all-is-well"""

# An ordinary user takes all he can get; afterwards root works on, and the memory is back.
HOGS = """echo 'user:x:1000:1000::/:/bin/sh' >>/etc/passwd
hog() { setuidgid user sh -c "$1" >/tmp/hog 2>&1; status=$?; }
must() { "$@" || { echo "failed: $*"; tail -n 2 /tmp/hog; exit 1; }; }
before=$(awk '/^MemFree/ { print $2 }' /proc/meminfo)
hog 'ulimit -u 40; i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i + 1)); done'
must grep -q "can't fork" /tmp/hog
(hog 'bomb() { bomb & bomb & wait; }; ulimit -u 60; bomb') & sleep 1
must test "$(echo alive | cat)" = alive
end() { while p=$(ps -o pid,user,stat | awk '$2 == "user" && $3 !~ /Z/ { print $1 }'); [ -n "$p" ]; do kill -9 $p; done 2>/dev/null; }
end
hog 'ulimit -n 64; i=3; while [ $i -lt 200 ]; do eval "exec $i</dev/null"; i=$((i + 1)); done'
must test $status != 0
hog 'mkdir /tmp/deep; cd /tmp/deep; i=0; while [ $i -lt 300 ]; do mkdir dddddddddddd && cd dddddddddddd; i=$((i + 1)); done'
must rm -rf /tmp/deep
hog 'ln -s /tmp/l2 /tmp/l1; ln -s /tmp/l1 /tmp/l2; cat /tmp/l1'
must test $status = 1
must rm /tmp/l1 /tmp/l2
hog 'exec tail /dev/zero'
must test $status = 137
hog 'for i in 1 2 3 4; do tail /dev/zero & done; wait'
must test "$(echo alive | cat)" = alive
after=$(awk '/^MemFree/ { print $2 }' /proc/meminfo)
must test $((before - after)) -lt 8000
echo all-is-well"""


def load_run():
    """tools/run as a module."""
    loader = importlib.machinery.SourceFileLoader("run", os.path.join(TOP, "tools/run"))
    spec = importlib.util.spec_from_loader("run", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


RUN = load_run()


class Result:
    def __init__(self, command, status, log):
        self.command, self.status, self.log = command, status, log


def boot(kernel, initrd, append, **env):
    """Boots once. Result.status: QEMU's, None after LIMIT."""
    saved = dict(os.environ)
    os.environ.update(env)
    try:
        command = RUN.qemu_command(kernel, initrd, append, False)
    finally:
        os.environ.clear()
        os.environ.update(saved)
    try:
        p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT)
        return Result(command, p.returncode, p.stdout.decode("utf-8", "replace").replace("\r\n", "\n"))
    except subprocess.TimeoutExpired as e:
        return Result(command, None, (e.stdout or b"").decode("utf-8", "replace").replace("\r\n", "\n"))


class Tap:
    def __init__(self):
        self.number = self.bad = 0

    def result(self, name, errors, result):
        self.number += 1
        for e in errors:
            print("# " + e)
        if errors:
            print("\n".join("#   | " + line for line in result.log.splitlines()[-40:]))
            print("# replay: " + shlex.join(result.command))
        self.bad += bool(errors)
        print("%s %d - %s" % ("not ok" if errors else "ok", self.number, name), flush=True)


def script_initrd(script, directory):
    return RUN.initrd_with_command(INITRAMFS, script, directory)


def try_script(tap, name, kernel, script, **env):
    cpus = env.get("SMP", "1")
    with tempfile.TemporaryDirectory(prefix="ochre-boot.") as directory:
        initrd = script_initrd("CPUS=%s\n%s" % (cpus, script), directory)
        r = boot(kernel, initrd, "console=ttyS0 panic=-1 quiet", **env)
    errors = ["report: " + line for line in reports.reports(r.log)]
    if "\nall-is-well\n" not in "\n" + r.log or "ochre-run: status 0" not in r.log:
        errors.append("the script did not succeed")
    if r.status != 0:
        errors.append("no end" if r.status is None else "QEMU's status is %d, not 0" % r.status)
    tap.result(name, errors, r)


CPU_MODELS, SIZES = ("qemu64", "Nehalem", "max"), ("24M", "128M", "1G", "5G")
# Each pair of values occurs in one of these.
SOME = [("q35", "1", "max", "128M"), ("q35", "4", "qemu64", "1G"), ("q35", "4", "Nehalem", "24M"), ("q35", "1", "qemu64", "5G"),
        ("q35", "4", "max", "5G"), ("q35", "1", "Nehalem", "1G"), ("microvm", "1", "qemu64", "24M"), ("microvm", "4", "max", "24M"),
        ("microvm", "4", "qemu64", "128M"), ("microvm", "4", "Nehalem", "5G"), ("microvm", "1", "max", "1G"),
        ("microvm", "1", "Nehalem", "128M")]


def machines(tap, o):
    matrix = itertools.product(("q35", "microvm"), ("1", "4"), CPU_MODELS, SIZES) if o.all else SOME
    cases = list(matrix) + [("q35", "64", "max", "512M"), ("microvm", "64", "qemu64", "512M")]
    cases = [c for c in cases if o.only in " ".join(c)]
    print("1..%d" % len(cases))
    for machine, cpus, model, size in cases:
        env = {"ICOUNT": "1"} if cpus == "1" else {}
        try_script(tap, "%s, %s CPUs, %s, %s" % (machine, cpus, model, size), o.kernel, SHORT, MACHINE=machine, SMP=cpus, CPU=model,
                   MEM=size, **env)


def work(tap, o):
    cases = [("q35", "1"), ("q35", "4"), ("microvm", "4")]
    print("1..%d" % len(cases))
    for machine, cpus in cases:
        env = {"ICOUNT": "1"} if cpus == "1" else {}
        try_script(tap, "%s, %s CPUs" % (machine, cpus), o.kernel, LONG, MACHINE=machine, SMP=cpus, **env)


def hogs(tap, o):
    print("1..2")
    try_script(tap, "hogs, 1 CPU", o.kernel, HOGS, MEM="64M", ICOUNT="1")
    try_script(tap, "hogs, 4 CPUs", o.kernel, HOGS, MEM="64M", SMP="4")


# ---- bad input ----

def archive(*specs):
    a = Archive()
    for s in specs:
        a.add_spec(s)
    path = os.path.join(tempfile.mkdtemp(prefix="ochre-bad."), "initrd")
    with open(path, "wb") as f:
        a.write(f)
    with open(path, "rb") as f:
        data = f.read()
    os.unlink(path)
    os.rmdir(os.path.dirname(path))
    return data


def good():
    with open(INITRAMFS, "rb") as f:
        return f.read()


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1:]


NO_INIT = "No working init found"
# Name, the initramfs (bytes, or None), the command line, what the log must say, what else to set. All of them panic.
BAD = [
    ("no initramfs", lambda: None, "", NO_INIT, {}),
    ("an empty initramfs", lambda: b"\0" * 512, "", NO_INIT, {}),
    ("an initramfs of noise", lambda: bytes(range(1, 256)) * 40, "", "initramfs: neither cpio nor gzip", {}),
    ("an initramfs without init", lambda: archive("etc/hello:=hi\n"), "", NO_INIT, {}),
    ("an initramfs cut in its first file", lambda: good()[:9000], "", "initramfs: ", {}),
    ("an initramfs cut in a header", lambda: archive("init:=#!/nothing\n")[:60], "", "initramfs: ", {}),
    ("damaged gzip data", lambda: flipped(gzip.compress(good(), 1, mtime=0), 5000), "", "initramfs: damaged gzip data", {}),
    ("gzip data cut short", lambda: gzip.compress(good(), 1, mtime=0)[:100000], "", "initramfs: damaged gzip data", {}),
    ("a bad header", lambda: archive("a:=b\n").replace(b"070701", b"07070g"), "", "initramfs: ", {}),
    ("init is no program", lambda: archive("init:=just text\n"), "", "/init exists but cannot be run", {}),
    ("init is damaged ELF", lambda: archive("init:=\x7fELF\x02\x01\x01 and nothing else\n"), "", "/init exists but cannot be run", {}),
    ("init's interpreter is missing", lambda: archive("init:=#!/nothing/here\n"), "", NO_INIT, {}),
    ("init= names nothing", lambda: archive("etc/hello:=hi\n"), "init=/nothing", "Requested init /nothing failed", {}),
    ("init exits", good, "rdinit=/bin/true", "Attempted to kill init!", {}),
    ("panic=1 reboots", lambda: None, "panic=1", NO_INIT, {}),
    ("too many words for init", good, " ".join("w%d" % i for i in range(200)), "too many arguments for init", {}),
    ("too little memory", good, "", "too little memory", {"MEM": "6M"}),
    ("too little memory for the initramfs", lambda: archive("big:=" + "x" * (12 << 20)), "", "too little memory", {"MEM": "24M"}),
]


def bad_case(tap, o, name, make, append, says, env):
    data = make()
    with tempfile.TemporaryDirectory(prefix="ochre-bad.") as directory:
        initrd = None
        if data is not None:
            initrd = os.path.join(directory, "initrd")
            with open(initrd, "wb") as f:
                f.write(data)
        r = boot(o.kernel, initrd, "console=ttyS0 panic=-1 " + append, **env)
    errors = []
    if says not in r.log:
        errors.append('the log does not say "%s"' % says)
    if r.log.count("Kernel panic") != 1:
        errors.append("%d panics, not 1" % r.log.count("Kernel panic"))
    rest = [line for line in reports.reports(r.log) if "Kernel panic" not in line]
    errors += ["report: " + line for line in rest]
    if "page fault" in r.log or "assertion failed" in r.log:
        errors.append("the kernel crashed")
    if r.status != PANIC:
        errors.append("no end" if r.status is None else "QEMU's status is %d, not %d" % (r.status, PANIC))
    tap.result(name, errors, r)


def halts(tap, o):
    """panic=0: it stays; so the test ends the guest by itself."""
    command = RUN.qemu_command(o.kernel, None, "console=ttyS0 panic=0", False)
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = []
    for raw in p.stdout:
        lines.append(raw.decode("utf-8", "replace").rstrip())
        if "halted" in lines[-1]:
            break
    try:
        p.wait(timeout=3)
        errors = ["QEMU ended with status %s" % p.returncode]
    except subprocess.TimeoutExpired:
        p.kill()
        p.wait()
        errors = []
    tap.result("panic=0 halts", errors, Result(command, None, "\n".join(lines)))


def bad(tap, o):
    cases = [c for c in BAD if o.only in c[0]]
    print("1..%d" % (len(cases) + (o.only in "panic=0 halts") + 1))
    for case in cases:
        bad_case(tap, o, *case)
    if o.only in "panic=0 halts":
        halts(tap, o)
    # More than fits (yet less than breaks QEMU's own firmware): the rest is cut, with a line, and the system works.
    with tempfile.TemporaryDirectory(prefix="ochre-bad.") as directory:
        initrd = script_initrd("echo all-is-well", directory)
        r = boot(o.kernel, initrd, "console=ttyS0 panic=-1 " + "x" * 3000)
    errors = [] if "all-is-well" in r.log and "command line cut" in r.log else ["no warning, or no boot"]
    tap.result("a huge command line", errors, r)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--kernel", default=os.path.join(TOP, "build/x86_64/ochre"))
    p.add_argument("--all", action="store_true")
    p.add_argument("--only", default="")
    p.add_argument("what", choices=("machines", "work", "hogs", "bad"))
    o = p.parse_args()
    tap = Tap()
    {"machines": machines, "work": work, "hogs": hogs, "bad": bad}[o.what](tap, o)
    return 1 if tap.bad else 0


if __name__ == "__main__":
    sys.exit(main())
