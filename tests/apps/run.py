#!/usr/bin/env python3
"""The application tests: runs tests/apps/*.sh with the musl busybox in one boot, compares what they print with *.out.

    run.py [--kernel K] [--initrd I] [--matrix] [--accept] [NAME...]

--matrix runs on q35 and microvm with 1 and 4 CPUs; else MACHINE= and SMP= are as for tools/run. --accept writes the .out files:
for Linux, which is what defines them. Prints TAP.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
MATRIX = [("q35", "1"), ("q35", "4"), ("microvm", "1"), ("microvm", "4")]
MARK = "=-=-="
DRIVER = "\n".join([
    "cd /tmp",
    "for s in %s; do",
    "echo \"%s $s\"",
    "mkdir /tmp/$s && cd /tmp/$s && sh /apps/$s.sh 2>&1",
    "echo \"status $?\"",
    "cd /tmp && rm -rf /tmp/$s",
    "done",
    "echo \"%s\"",
    "",
])


def initrd_with_scripts(base, names, directory):
    sys.path.insert(0, os.path.join(TOP, "tools"))
    from mkinitramfs import Archive
    archive = Archive()
    for name in names:
        archive.add_spec("apps/%s.sh=%s" % (name, os.path.join(HERE, name + ".sh")))
    path = os.path.join(directory, "initrd")
    with open(path, "wb") as out:
        with open(base, "rb") as f:
            out.write(f.read())
        archive.write(out)
    return path


def run(kernel, initrd, names, machine, smp):
    """What each script printed."""
    env = dict(os.environ, KERNEL=kernel, INITRD=initrd, MACHINE=machine, SMP=smp, MEM="512M", APPEND="quiet loglevel=1")
    env.setdefault("TIMEOUT", "600")
    p = subprocess.run([os.path.join(TOP, "tools/run"), DRIVER % (" ".join(names), MARK, MARK)], env=env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = p.stdout.decode("utf-8", "replace").replace("\r", "")
    with open(os.path.join(TOP, "build", "apps-%s-%s.log" % (machine, smp)), "w", encoding="utf-8") as log:
        log.write(text)
    parts = re.split("^" + MARK + " ?(.*)\n", text, flags=re.M)
    if p.returncode or len(parts) < 2 or parts[-2] != "":
        print("# tools/run: status %d; the last lines:\n# %s" % (p.returncode, "\n# ".join(text.split("\n")[-12:])))
    return dict(zip(parts[1::2], parts[2::2]))


def explain(want, got):
    """The first lines that differ."""
    want, got = want.split("\n"), (got or "(not run)").split("\n")
    for i in range(max(len(want), len(got))):
        a, b = (x[i] if i < len(x) else "(end)" for x in (want, got))
        if a != b:
            print("# line %d: expected %r, got %r" % (i + 1, a, b))
            return


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--kernel", default=os.path.join(TOP, "build/x86_64/ochre"))
    p.add_argument("--initrd", default=os.path.join(TOP, "build/initramfs.cpio"))
    p.add_argument("--matrix", action="store_true")
    p.add_argument("--accept", action="store_true")
    p.add_argument("names", nargs="*")
    o = p.parse_args()
    names = o.names or sorted(f[:-3] for f in os.listdir(HERE) if f.endswith(".sh"))
    machines = MATRIX if o.matrix else [(os.environ.get("MACHINE") or "q35", os.environ.get("SMP") or "1")]
    failed = number = 0
    print("1..%d" % (len(names) * len(machines)), flush=True)
    with tempfile.TemporaryDirectory(prefix="ochre-apps.") as directory:
        initrd = initrd_with_scripts(o.initrd, names, directory)
        for machine, smp in machines:
            got = run(o.kernel, initrd, names, machine, smp)
            for name in names:
                path = os.path.join(HERE, name + ".out")
                if o.accept and got.get(name):
                    with open(path, "w", encoding="utf-8") as f:
                        f.write(got[name])
                with open(path, encoding="utf-8") as f:
                    want = f.read()
                number += 1
                good = got.get(name) == want
                if not good:
                    explain(want, got.get(name))
                    failed += 1
                print("%s %d - %s (%s, %s CPU)" % ("ok" if good else "not ok", number, name, machine, smp), flush=True)
    print("%d passed, %d failed" % (number - failed, failed))
    return 1 if failed else 0


sys.exit(main())
