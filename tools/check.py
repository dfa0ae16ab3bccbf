#!/usr/bin/env python3
"""make check: everything that can be said about the source without running it, in under a minute.

    check.py [NAME...]       default: all of style layers scripts abi sparse locks rust
Silent about what is well but for one line per check. Full output of each check: build/check/NAME.log.
"""
import concurrent.futures
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

LOGS = "build/check"
NOT_KERNEL = ("tests/", "user/", "tools/", "bench/", "samples/", "rust/host_fakes/")
# clang's analysis of struct fields needs late parsing of attributes, which came with clang 19.
LOCK_CLANGS = ["clang-22", "clang-21", "clang-20", "clang-19", "clang"]
LOCK_FLAGS = "-fsyntax-only -DTHREAD_SAFETY_ANALYSIS -Wthread-safety -Xclang -fexperimental-late-parse-attributes -Werror -Wno-unknown-warning-option"
JOBS = 2


def run(cmd, **kw):
    return subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **kw)


def git_files(*patterns):
    return run(["git", "ls-files", "-co", "--exclude-standard", *patterns]).stdout.split()


def kernel_sources():
    return [f for f in git_files("*.c") if not f.startswith(NOT_KERNEL) and not f.startswith("arch/host/") and os.path.exists(f)]


def kernel_flags():
    """The include and define flags of a kernel with everything compiled in; makes the generated headers on the way."""
    result = run(["make", "-s", "check-flags"])
    if result.returncode:
        sys.exit("check: make check-flags failed:\n" + result.stdout)
    return shlex.split(result.stdout.strip().split("\n")[-1])


def is_test(path):
    return path.endswith("_test.c")


# The run-time halves of the checking builds exist only in those.
VARIANT_FLAGS = {"kasan.c": ["-DCONFIG_KASAN=1"], "leak.c": ["-DCONFIG_KASAN=1"],
                 "slab_kasan.c": ["-DCONFIG_KASAN=1"], "slab_kasan_test.c": ["-DCONFIG_KASAN=1"],
                 "ubsan.c": ["-DCONFIG_UBSAN=1"], "kcsan.c": ["-DCONFIG_KCSAN=1"]}


def variant_flags(path):
    return VARIANT_FLAGS.get(os.path.basename(path), [])


def units():
    """The sources as the release kernel has them, one file per directory with the tests last, and those of the checking builds alone."""
    result, dirs = [], {}
    for path in kernel_sources():
        if variant_flags(path) or path.endswith("/asm-offsets.c"):
            result.append(path)
        else:
            dirs.setdefault(os.path.dirname(path), []).append(path)
    for name, files in sorted(dirs.items()):
        unit = "%s/%s.c" % (LOGS, name.replace("/", "-"))
        with open(unit, "w", encoding="utf-8") as f:
            f.writelines('#include "%s"\n' % p for p in sorted(files, key=lambda p: (is_test(p), p)))
        result.append(unit)
    return result


def each_file(command, files, more=lambda path: []):
    """Runs command + [file] for each file. Returns the output of those that said something."""
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        results = pool.map(lambda f: run(command + variant_flags(f) + more(f) + [f]), files)
        return "".join(r.stdout or ("%s: status %d\n" % (r.args[-1], r.returncode) if r.returncode else "") for r in results)


def check_style():
    return run([sys.executable, "tools/style.py"]).stdout


def check_layers():
    return run([sys.executable, "tools/layers.py"]).stdout


def check_scripts():
    out = []
    shell, python = [], []
    for path in git_files():
        if path.startswith((".git", "LICENSE")) or not os.path.isfile(path) or os.path.islink(path):
            continue
        with open(path, "rb") as f:
            first = f.readline(100)
        if first.startswith(b"#!/bin/sh") or first.startswith(b"#!/bin/bash"):
            shell.append(path)
        elif path.endswith(".py") or first.startswith(b"#!/usr/bin/env python3"):
            python.append(path)
    for path in python:
        with open(path, encoding="utf-8") as f:
            try:
                compile(f.read(), path, "exec")
            except SyntaxError as e:
                out.append("%s:%s: %s\n" % (path, e.lineno, e.msg))
    if shell and shutil.which("shellcheck"):
        out.append(run(["shellcheck", "-S", "warning", "-f", "gcc"] + shell).stdout)
    return "".join(out)


# Constants of UAPI headers that are cast to bitwise types without __force. Elsewhere these types are byte orders.
BITWISE_CONSTANTS = re.compile(r"\b(EPOLL|RWF_)[A-Z]")


def sparse_flags(path):
    with open(path, encoding="utf-8") as f:
        return ["-Wno-bitwise"] if BITWISE_CONSTANTS.search(f.read()) else []


def check_sparse():
    # Each file alone, which also shows that it includes what it uses. A test may see its neighbours' statics: the compilers check those.
    if not shutil.which("sparse"):
        return "sparse is not installed (make setup)\n"
    own = run(["gcc", "-print-file-name=include"]).stdout.strip()
    return each_file(["sparse", "-nostdinc", "-std=gnu11", "-ffreestanding", "-Wsparse-error", "-Wno-unknown-attribute", "-Wno-cast-truncate",
                      "-D__VERSION__=\"sparse\"",
                      "-isystem", own] + kernel_flags(), [f for f in kernel_sources() if not is_test(f)], sparse_flags)


def check_locks():
    clang = next((c for c in LOCK_CLANGS if shutil.which(c)), None)
    if not clang or (clang == "clang" and "version 1" in run([clang, "--version"]).stdout[:40]):
        return "no clang >= 19 (make setup)\n"
    own = run([clang, "-print-resource-dir"]).stdout.strip() + "/include"
    return each_file([clang, "-std=gnu11", "-ffreestanding", "-m64", "-mcmodel=kernel", "-mgeneral-regs-only", "-Wall",
                      "-Wno-unused-parameter", "-Wno-unused-function",
                      "-Wno-gnu-variable-sized-type-not-at-end", "-ferror-limit=0"] + shlex.split(LOCK_FLAGS) + kernel_flags() + ["-isystem", own],
                     units())


def check_abi():
    """The table of system calls agrees with the code and with docs/abi.md; the ABI tests are as they were when they passed on Linux."""
    result = run(["make", "-s", "check-syscalls"])
    return (result.stdout if result.returncode else "") + run([sys.executable, "tools/abi_validated.py"]).stdout


def check_rust():
    if not shutil.which(os.environ.get("RUSTC", "rustc")):
        return "rustc is not installed (make rustavailable)\n"
    result = run(["make", "-s", "check-rust"])
    return result.stdout if result.returncode else ""


CHECKS = {"style": check_style, "layers": check_layers, "scripts": check_scripts, "abi": check_abi, "sparse": check_sparse, "locks": check_locks,
          "rust": check_rust}


def main():
    names = sys.argv[1:] or list(CHECKS)
    os.makedirs(LOGS, exist_ok=True)
    failed = 0
    for name in names:
        start = time.monotonic()
        output = CHECKS[name]()
        with open("%s/%s.log" % (LOGS, name), "w", encoding="utf-8") as f:
            f.write(output)
        lines = output.split("\n")[:-1]
        print("%-8s %s (%.1f s)" % (name, "ok" if not lines else "FAILED", time.monotonic() - start), flush=True)
        for line in lines[:30]:
            print("    " + line)
        if len(lines) > 30:
            print("    ... %d more lines in %s/%s.log" % (len(lines) - 30, LOGS, name))
        failed += bool(lines)
    print("check: %d passed, %d failed" % (len(names) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
