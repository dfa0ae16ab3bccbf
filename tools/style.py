#!/usr/bin/env python3
"""Checks what can be checked of the house style without parsing C.

White space, line width, file length, `#pragma once` in headers, no test for an instruction set outside arch/. clang-format is not
used: it cannot keep the columns of annotated struct fields.
"""
import re
import subprocess
import sys

MAX_WIDTH = 160
MAX_LINES = 800
CODE = (".c", ".h", ".S", ".rs", ".py", ".mk", ".sh")
ISA_TEST = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b.*(__x86_64__|__i386__|__riscv|__aarch64__|__loongarch|CONFIG_X86|CONFIG_RISCV)")
ISA_ALLOWED = ("arch/", "tests/", "bench/", "tools/", "user/")


def check_line(path, number, line):
    where = "%s:%d: " % (path, number)
    if line.rstrip() != line:
        yield where + "white space at the end of the line"
    if path.endswith((".c", ".h")) and re.match(r" {4,}\S", line):
        yield where + "indent with tabs"
    if path.endswith((".rs", ".py")) and re.match(r" *\t", line):
        yield where + "indent with spaces"
    if len(line.expandtabs(8)) > MAX_WIDTH:
        yield where + "line wider than %d columns" % MAX_WIDTH
    if path.endswith((".c", ".h")) and not path.startswith(ISA_ALLOWED) and ISA_TEST.match(line):
        yield where + "test for an instruction set outside arch/: let the build pick a file"


def check_file(path, text):
    if "\r" in text:
        yield path + ": carriage returns"
    if text and not text.endswith("\n"):
        yield path + ": no newline at the end"
    if text.endswith("\n\n"):
        yield path + ": empty lines at the end"
    lines = text.split("\n")[:-1]
    if path.endswith((".c", ".h", ".rs")) and len(lines) > MAX_LINES:
        yield "%s: %d lines: split it (limit %d)" % (path, len(lines), MAX_LINES)
    if path.endswith(".h") and "#pragma once" not in text and not path.startswith("include/uapi/"):
        yield path + ": no #pragma once"
    for number, line in enumerate(lines, 1):
        yield from check_line(path, number, line)


def main():
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], check=True, capture_output=True, text=True).stdout.split("\n")
    count = 0
    for path in names:
        if not (path.endswith(CODE) or path.rsplit("/", 1)[-1] in ("Makefile", "run")):
            continue
        try:
            with open(path, encoding="utf-8") as f:
                text = f.read()
        except FileNotFoundError:
            continue
        for message in check_file(path, text):
            print(message)
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
