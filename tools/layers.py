#!/usr/bin/env python3
"""Checks that no #include points upwards through the layers (docs/architecture.md), and that headers form no cycle.

    layers.py [FILE...]      default: every C and assembly file that git knows
"""
import os
import re
import subprocess
import sys

ORDER = ["lib", "arch", "kern", "time", "sched", "mm", "task", "fs", "dev", "block", "bpf", "net ipc", "proc", "fs/*",
         "io_uring", "sys", "boot"]
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names.split()}
# Declarations over lib's types: anybody may include them.
NO_LAYER = ("include/",)
# A port's .c files sit below kern but must log, panic and know the preemption state: they may see kern's headers, never more.
ARCH_CODE_SEES = "kern"
# Tests and the programs around the kernel are not part of it.
NOT_KERNEL = ("tests/", "user/", "tools/", "bench/", "samples/", "rust/", "drivers/", "build/")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def layer_of(path):
    """Returns the level of a file, or None if it belongs to no layer."""
    if path.startswith(NO_LAYER):
        return None
    parts = path.split("/")
    if parts[0] == "fs" and len(parts) > 2:
        return LEVEL["fs/*"]
    return LEVEL.get(parts[0])


def resolve(includer, name):
    for candidate in (os.path.join(os.path.dirname(includer), name), name, os.path.join("include", name)):
        if os.path.exists(candidate):
            return os.path.normpath(candidate)
    return None  # the port's, a generated file or UAPI


def check_file(path, includes):
    mine = layer_of(path)
    if mine is None or path.endswith("_test.c"):
        return []
    if path.startswith("arch/") and path.endswith((".c", ".S")):
        mine = LEVEL[ARCH_CODE_SEES]
    errors = []
    for name in includes:
        target = resolve(path, name)
        level = layer_of(target) if target else None
        if level is not None and level > mine:
            errors.append("%s: includes %s, which lies above it (%s < %s)"
                          % (path, target, ORDER[layer_of(path)], ORDER[level]))
    return errors


def find_cycles(graph):
    """Returns one message for each header that reaches itself."""
    errors, done = [], set()

    def visit(node, trail):
        if node in trail:
            errors.append("header cycle: " + " -> ".join(trail[trail.index(node):] + [node]))
            return
        if node in done:
            return
        for target in graph.get(node, ()):
            visit(target, trail + [node])
        done.add(node)

    for node in sorted(graph):
        visit(node, [])
    return errors


def main():
    files = sys.argv[1:] or subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h", "*.S"],
                                           check=True, capture_output=True, text=True).stdout.split()
    errors, graph = [], {}
    for path in files:
        if path.startswith(NOT_KERNEL) or not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as f:
            includes = INCLUDE.findall(f.read())
        errors += check_file(path, includes)
        if path.endswith(".h"):
            graph[path] = [t for t in (resolve(path, name) for name in includes) if t]
    errors += find_cycles(graph)
    for line in errors:
        print(line)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
